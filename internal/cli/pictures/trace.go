package pictures

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

type traceFlags struct {
	keys                 []string
	original, submission string
	copies               ui.IdList[watermark.CopyID]
	copiesFrom           string
	strength             float64
	page                 int // of the original; 0: all
}

// NewTrace returns the verb "trace". It needs no home and writes nothing.
func NewTrace(u *ui.UI) *cobra.Command {
	f := traceFlags{copies: ui.IdList[watermark.CopyID]{Parse: watermark.ParseCopyID}}
	cmd := &cobra.Command{
		Use:   "trace --key KEY --original FILE --copies HEX16,... LEAK|DIR...",
		Short: "Say which copy leaked, with the original at hand",
		Long: `Lay each leak over the original, and say which issued copies are in the leak. This also
works on thumbnails, prints, photos of a screen, and mixtures of several copies. One
line a leak; hidden files and folders are left out. Exit 1 if no leak accuses a copy.
score is in standard deviations: the score of a copy that was not used is standard normal
or less. log10_p is the base-10 logarithm of the probability that a copy that was not
used scores so high, corrected for the number of copies. Below -9 the copy is accused.
power is the probability that a copy in this leak would have been accused. If power is
0.999 or more and no copy is accused, the leak was made of no listed copy, unless its
mark was removed on purpose.
If the original has several pages, the leak is laid over each page, up to the first page
that it shows. The submission of page 2 and up follows from the submission of the whole.
Exit 3 if a leak, or a page of a leak or of the original, could not be read.`,
		Example: `  kycmark trace --key mark.key --original upload.jpg --copies 00000000000004d2,00000000000004d3 leak.jpg
  kycmark trace --key mark.key --original upload.jpg --copies-from issued.txt --json leaks/`,
		Args: ui.Some("leak or folder"),
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&f.keys, "key", "k", nil, "mark key `file`; give several to try each copy under each (required)")
	fs.StringVar(&f.original, "original", "", "unmarked upload, the `file` that was marked (required)")
	fs.StringVar(&f.submission, "submission", "", "ID of the upload, 32 hex `digits` (default: the first 16 bytes of the original's SHA-256)")
	fs.Var(&f.copies, "copies", "`IDs` of the copies that were issued, 16 hex digits each")
	fs.StringVar(&f.copiesFrom, "copies-from", "", "text `file` with such an ID a line")
	fs.Float64Var(&f.strength, "strength", 1, "that the copies were marked with, as \"kycmark mark --json\" tells it")
	fs.IntVar(&f.page, "page", 0, "`number` of the page of the original that the leaks show (default: each is tried)")
	cmd.MarkFlagRequired("key")
	cmd.MarkFlagRequired("original")
	cmd.RunE = u.Verb(func(cmd *cobra.Command, args []string) error {
		return trace(cmd.Context(), u, f, args)
	})
	return cmd
}

// trace traces the leaks at the paths in args, files or folders, and prints a line for each.
func trace(ctx context.Context, u *ui.UI, f traceFlags, args []string) error {
	t, err := newTraceJob(ctx, u, f)
	if err != nil {
		return err
	}
	accused := false
	err = ui.EachPicture(ctx, u, "tracing", args, ui.AllPixels, t.leak, func(file string, line TraceLine, err error) error {
		if err != nil {
			line = newTraceLine()
			line.Error = ui.ReasonText(err)
		} else {
			u.Printf("%s: %s\n", ui.Name(file), line.Words())
		}
		line.File = file
		accused = accused || len(line.Accused) > 0
		return u.Line(line)
	})
	if !accused {
		u.No()
	}
	return err
}

// A traceJob traces leaks of one original.
type traceJob struct {
	issued  []watermark.Candidate
	tracers []*watermark.Tracer // by page
	first   int                 // page of the first tracer; 0: of the only page
}

// maxTraced is the max of an original's pages that are prepared together. A page of 12 megapixels takes 150 MB. Chosen.
const maxTraced = 12

// newTraceJob reads the keys, the original and the copies' IDs that the flags name. It makes a candidate of each copy
// under each key, all marked with f.strength.
func newTraceJob(ctx context.Context, u *ui.UI, f traceFlags) (*traceJob, error) {
	if !(f.strength > 0 && f.strength <= 2) {
		return nil, ui.Usagef("--strength: %g is not a strength that marks have", f.strength)
	}
	if f.copiesFrom != "" {
		if err := f.copies.Read(f.copiesFrom); err != nil {
			return nil, fmt.Errorf("--copies-from %w", err)
		}
	}
	if len(f.copies.IDs) == 0 {
		return nil, ui.Usagef("no copies: give --copies or --copies-from")
	}
	var submission watermark.Submission
	var err error
	if f.submission != "" {
		if submission, err = watermark.ParseSubmission(f.submission); err != nil {
			return nil, ui.Usagef("--submission: %w", err)
		}
	}
	keys, err := ui.ReadKeys(u, f.keys)
	if err != nil {
		return nil, err
	}
	doc, err := ui.OpenDocument(u, f.original, u.Limits(ctx))
	if err != nil {
		return nil, fmt.Errorf("original %s: %s", f.original, ui.Reason(err))
	}
	first, last := 1, doc.Pages()
	if f.page != 0 {
		first, last = f.page, f.page
	}
	switch {
	case f.page < 0 || f.page > doc.Pages():
		return nil, ui.Usagef("--page %d: the original has %d pages", f.page, doc.Pages())
	case last-first >= maxTraced:
		return nil, ui.Usagef("original %s: it has %d pages, and %d at most are tried: name one with --page", f.original, doc.Pages(), maxTraced)
	}
	if f.submission == "" {
		submission = watermark.SubmissionOf(doc.SHA256())
	}
	t := &traceJob{}
	for _, key := range keys {
		for _, id := range f.copies.IDs { // each once: log10_p is corrected for their number
			t.issued = append(t.issued, watermark.Candidate{Copy: id, Key: key, Strength: f.strength})
		}
	}
	if doc.Pages() > 1 {
		t.first = first
	}
	for k := first; k <= last; k++ {
		pic, err := doc.Picture(k, u.Limits(ctx))
		if err != nil {
			return nil, fmt.Errorf("original %s%s: %s", f.original, doc.Label(k), ui.Reason(err))
		}
		u.FailPages(f.original, pic.Pages)
		opts := &watermark.TraceOptions{Submission: submission.Page(k)}
		opts.JPEG, opts.Orientation, opts.Quality = doc.Steps(k, u.Limits(ctx))
		tracer, err := watermark.NewTracer(pic.Image, t.issued, opts)
		if err != nil {
			return nil, fmt.Errorf("original %s%s: %w", f.original, doc.Label(k), err)
		}
		t.tracers = append(t.tracers, tracer)
	}
	return t, nil
}

// leak traces one picture and returns its line without the file's name: of the first page of the original
// that the leak shows, else of the first page. It is safe for concurrent use.
func (t *traceJob) leak(ctx context.Context, p *picture.Picture) (best TraceLine, err error) {
	for i, tracer := range t.tracers {
		line := newTraceLine()
		traced, err := tracer.Trace(ctx, p.Image)
		if err == nil && len(traced.Copies) > len(t.issued) {
			err = errors.New("more copies traced than issued")
		}
		if err != nil {
			return line, err
		}
		if line.Fill(traced, t.issued); line.Registered && t.first > 0 {
			line.Page = t.first + i
		}
		if i == 0 || line.Registered {
			best = line
		}
		if line.Registered {
			break
		}
	}
	return best, nil
}

// TraceLine is the result of trace as JSON. What does not apply to a leak that does not show the original is null.
type TraceLine struct {
	File       string             `json:"file"`
	Registered bool               `json:"registered"`
	Copies     []TracedCopy       `json:"copies"` // as given
	Best       *watermark.CopyID  `json:"best"`
	Accused    []watermark.CopyID `json:"accused"` // strongest first
	Power      *float64           `json:"power"`
	Expected   *float64           `json:"expected"` // score of a copy, were it in the leak
	Decoded    *watermark.CopyID  `json:"decoded"`  // read without the list of copies
	Quad       *[4][2]float64     `json:"quad"`     // corners of the leak, in the original's pixels
	Residual   *float64           `json:"residual"` // grey levels
	Overlap    *float64           `json:"overlap"`  // share of the leak that shows the original
	Mirrored   bool               `json:"mirrored"`
	Inverted   bool               `json:"inverted"`
	Edits      []TracedEdit       `json:"edits"`
	Error      *string            `json:"error"`
	Page       int                `json:"page,omitempty"` // of an original of several pages, which the leak shows

	laid *watermark.CopyID // whose mark is there, if the leak does not show the original
}

type TracedCopy struct {
	Copy    watermark.CopyID `json:"copy"`
	KeyID   string           `json:"key_id"`
	Score   *float64         `json:"score"`
	Payload *float64         `json:"payload"`
	LogP    *float64         `json:"log10_p"`
	LogE    *float64         `json:"log10_e"`
}

type TracedEdit struct {
	Quad  [4][2]float64 `json:"quad"` // in the original's pixels
	Kind  string        `json:"kind"`
	Score *float64      `json:"score"`
}

func newTraceLine() TraceLine {
	return TraceLine{Copies: []TracedCopy{}, Accused: []watermark.CopyID{}, Edits: []TracedEdit{}}
}

// Fill sets the line's fields from the trace t of the candidates issued, which has their order. If the leak does not
// show the original, only scores, power, Mirrored and Inverted are set.
func (l *TraceLine) Fill(t *watermark.TraceResult, issued []watermark.Candidate) {
	l.Registered, l.Mirrored, l.Inverted, l.Power = t.Registered, t.Mirrored, t.Inverted, finite(t.Power)
	for i, c := range t.Copies {
		l.Copies = append(l.Copies, TracedCopy{c.Copy, issued[i].Key.ID(), finite(c.Score), finite(c.Payload), finite(c.LogP), finite(c.LogE)})
	}
	if !t.Registered {
		if len(t.Accused) > 0 {
			l.laid = &t.Accused[0]
		}
		return
	}
	if t.Best >= 0 && t.Best < len(t.Copies) {
		l.Best = &t.Copies[t.Best].Copy
	}
	for _, id := range t.Accused {
		if !slices.Contains(l.Accused, id) { // under two keys
			l.Accused = append(l.Accused, id)
		}
	}
	l.Expected, l.Decoded = finite(t.Expected), t.Decoded
	quad := corners(t.Quad)
	l.Quad, l.Residual, l.Overlap = &quad, finite(t.Residual), finite(t.Overlap)
	for _, e := range t.Edits {
		l.Edits = append(l.Edits, TracedEdit{corners(e.Quad), e.Kind, finite(e.Score)})
	}
}

func corners(quad [4]watermark.Point) (out [4][2]float64) {
	for i, p := range quad {
		out[i] = [2]float64{p.X, p.Y}
	}
	return out
}

// finite returns a pointer to v, or nil, which is null in JSON, for an infinity or NaN, which JSON lacks.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

func (l *TraceLine) Words() string {
	switch {
	case !l.Registered && len(l.Copies) == 0:
		return "does not show the original"
	case l.laid != nil:
		return fmt.Sprintf("has the mark of copy %s, but not the original's light and dark: the mark may have been laid onto another picture", *l.laid)
	case !l.Registered:
		return fmt.Sprintf("looks like the original, but may be another picture of the same; no copy of %d is in it", len(l.Copies))
	}
	var b strings.Builder
	if l.Page > 0 {
		fmt.Fprintf(&b, "page %d: ", l.Page)
	}
	for i, id := range l.Accused {
		if i > 0 {
			b.WriteString("; and ")
		}
		fmt.Fprintf(&b, "copy %s", id)
		if c := l.copyOf(id); c != nil {
			fmt.Fprintf(&b, " (score %s, log10 p %s)", digits(c.Score), digits(c.LogP))
		}
	}
	if len(l.Accused) == 0 {
		fmt.Fprintf(&b, "shows the original; no copy of %d is in it", len(l.Copies))
		if l.Power != nil && *l.Power < enoughPower {
			fmt.Fprintf(&b, " that could be seen (power %.3f)", *l.Power)
		} else if l.Power != nil {
			fmt.Fprintf(&b, " (power %.3f)", *l.Power)
		}
	}
	if l.Decoded != nil && !slices.Contains(l.Accused, *l.Decoded) {
		fmt.Fprintf(&b, ", but it reads as copy %s", *l.Decoded)
		if l.copyOf(*l.Decoded) == nil {
			b.WriteString(", which was not given")
		}
	}
	if l.Mirrored {
		b.WriteString(", mirrored")
	}
	if l.Inverted {
		b.WriteString(", a negative")
	}
	for _, e := range l.Edits {
		fmt.Fprintf(&b, ", %s at %.0f,%.0f", e.Kind, e.Quad[0][0], e.Quad[0][1])
	}
	return b.String()
}

// enoughPower is the power from which "no copy" is a finding.
const enoughPower = .999

// copyOf returns the strongest entry of a copy, since it may have been tried under several keys; nil without a log10 p.
func (l *TraceLine) copyOf(id watermark.CopyID) *TracedCopy {
	var best *TracedCopy
	for i := range l.Copies {
		if c := &l.Copies[i]; c.Copy == id && c.LogP != nil && (best == nil || *c.LogP < *best.LogP) {
			best = c
		}
	}
	return best
}

func digits(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *v)
}
