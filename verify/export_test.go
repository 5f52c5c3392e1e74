package verify

import (
	"cmp"
	"context"
	"errors"
	"image"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/report"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Leave leaves a segment of features, as a search does that meets an altered record.
func (v *Investigation) Leave(ctx context.Context, file string) error {
	return v.x.Found.Dismount(ctx, &parts.RecordError{Name: file})
}

// Rival returns what is said of the original of a copy and of another upload, if a leak shows the
// other upload and the document of the copy's.
func (v *Investigation) Rival(ctx context.Context, of, shown watermark.Submission) (string, error) {
	e := conclude.Evidence{Matches: []findings.Match{{Submission: shown, Pixels: findings.PixelsSame}, {Submission: of, Pixels: findings.PixelsAlike}},
		Reads: []conclude.Read{{Issued: &books.Copy{Submission: of}, Shows: findings.PixelsAlike}}}
	err := v.x.Rivals(ctx, &e)
	return e.Reads[0].Rival, err
}

// ReadAlone returns the matches of a leak in which nothing but a mark was found.
func (v *Investigation) ReadAlone(ctx context.Context, img *image.NRGBA, d *watermark.Detection) ([]findings.Match, error) {
	var e conclude.Evidence
	_, err := v.x.On(&examine.Leak{Picture: &picture.Picture{Image: img}}).Resolve(ctx, d, &e)
	return e.Matches, err
}

// SetClock replaces the clock of the records.
func (v *Investigation) SetClock(now func() time.Time) { v.now = now }

// ReadInstead makes blind reading look at another picture.
func (v *Investigation) ReadInstead(img image.Image) {
	v.x.Detect = func(ctx context.Context, _ image.Image, keys ...*watermark.Key) (*watermark.Reading, error) {
		return watermark.Read(ctx, img, keys...)
	}
}

// SetReading has blind reading return what was read before.
func (v *Investigation) SetReading(r *watermark.Reading) {
	v.x.Detect = func(context.Context, image.Image, ...*watermark.Key) (*watermark.Reading, error) { return r, nil }
}

// SetDetect replaces blind reading, which takes seconds.
func (v *Investigation) SetDetect(f func(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error)) {
	v.x.Detect = func(ctx context.Context, img image.Image, keys ...*watermark.Key) (*watermark.Reading, error) {
		r := new(watermark.Reading)
		for _, k := range keys {
			d, err := f(ctx, k, img)
			if err != nil {
				return nil, err
			}
			if d.Found {
				r.Marks = append(r.Marks, d)
			}
		}
		return r, nil
	}
}

// What tests look at.
var (
	MosaicSide     = tuning.MosaicSide
	ReportTemplate = report.ReportHTML
	NoteCodes      = slices.Sorted(maps.Keys(words.Notes))
	Clauses        = slices.Sorted(maps.Keys(words.Clauses))
)

// TakeMemory takes all memory of pictures, of the 512 MiB that v has, until give is called.
func (v *Investigation) TakeMemory(ctx context.Context) (give func(), err error) {
	l := v.x.Memory.Lease()
	return l.Give, l.Take(ctx, 384<<20)
}

// SameDocuments is sameDocuments.
func (v *Investigation) SameDocuments(ctx context.Context, leaks []*findings.Finding) ([]findings.SameDocument, int, error) {
	return v.x.SameDocuments(ctx, leaks)
}

// Units returns the units of the submissions that leaks show. each is [findings.Circumstances].UploadsPerSubject.
func Units(leaks []*findings.Finding, each int, same ...findings.SameDocument) map[watermark.Submission]string {
	w := &weigh.Weighing{Cfg: weigh.Basis{Circumstances: findings.Circumstances{UploadsPerSubject: each}}}
	w.Findings, w.SameDocuments = leaks, same
	w.Clusters()
	w.Units()
	return w.Unit
}

// WeighFor weighs leaks without a registry and writes the sentences. The registry's
// submissions are spread over so many months; every recipient has copies of all, and
// those whose custody covers a leak held what was submitted in its months.
func WeighFor(leaks []*findings.Finding, recipients []books.Recipient, cfg Options, months int, issued ...books.Copy) *findings.Verdict {
	return WeighAround(leaks, recipients, cfg, months, Around{}, issued...)
}

// Around is what the registry says of a dump besides its leaks.
type Around struct {
	Earlier []findings.Earlier
	Run     findings.Run
	Travel  []findings.Travel
	Public  map[watermark.CopyID]time.Time // in all files

	Published []findings.Earlier
}

// WeighAround is WeighFor, with what is around.
func WeighAround(leaks []*findings.Finding, recipients []books.Recipient, cfg Options, months int, around Around, issued ...books.Copy) *findings.Verdict {
	b := &weigh.Facts{Recipients: recipients, Copies: make(map[watermark.Submission][]books.Copy),
		Holdings: &holdings.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}}
	const each = 33 // submissions a day
	for _, l := range leaks {
		if len(b.Cells) == 0 && !l.Submitted.IsZero() {
			all := oddstest.Months(l.Submitted.AddDate(0, -months/2, 0), l.Submitted.AddDate(0, months-months/2, 0))
			for t := all[0].From; t.Before(all[len(all)-1].From); t = t.AddDate(0, 0, 1) {
				b.Cells = append(b.Cells, odds.Cell{From: t})
			}
		}
		for _, x := range l.Issued {
			of := cmp.Or(x.Submission, l.Submission)
			if !slices.ContainsFunc(b.Copies[of], func(c books.Copy) bool { return c.ID == x.ID }) {
				b.Copies[of] = append(b.Copies[of], x)
			}
		}
	}
	for _, x := range issued {
		if !slices.ContainsFunc(b.Copies[x.Submission], func(c books.Copy) bool { return c.ID == x.ID }) {
			b.Copies[x.Submission] = append(b.Copies[x.Submission], x)
		}
	}
	for _, c := range findings.ConfirmedCopies(leaks) {
		if !slices.ContainsFunc(around.Travel, func(t findings.Travel) bool { return t.Copy == c.ID }) {
			around.Travel = append(around.Travel, findings.Travel{Copy: c.ID})
		}
	}
	for i := range b.Cells {
		b.Cells[i].Submissions = each
		b.Holdings.Submissions = append(b.Holdings.Submissions, each)
	}
	for _, r := range recipients {
		b.Holdings.Copies[r.Name] = b.Holdings.Submissions
	}
	b.Ever = &holdings.Holdings{Copies: b.Holdings.Copies, Unmarked: make(map[string][]int)}
	b.Earlier, b.Travel, b.Published, b.Public = around.Earlier, around.Travel, around.Published, make(map[weigh.Exposure]time.Time)
	for _, l := range leaks {
		for _, c := range l.Issued {
			if since, public := around.Public[c.ID]; public {
				b.Public[weigh.Exposure{File: l.SHA256, Copy: c.ID}] = since
			}
		}
	}
	dated := cfg.basis().Dated(leaks, b.Earlier)
	for _, l := range leaks {
		for _, c := range l.EveryCustody() {
			for _, of := range []map[string][]int{b.Ever.Unmarked, b.Holdings.Unmarked}[:1+map[bool]int{true: 1}[dated.Admissible(c)]] {
				if len(b.Cells) > 0 && of[c.Recipient] == nil {
					of[c.Recipient] = make([]int, len(b.Cells))
				}
				for i := odds.CellOf(b.Cells, c.From); i <= odds.CellOf(b.Cells, c.To.AddDate(0, 0, -1)) && i < len(b.Cells); i++ {
					of[c.Recipient][i] = each
				}
			}
		}
	}
	for _, c := range b.Cells {
		b.History.Submitted = append(b.History.Submitted, findings.DayCount{Day: c.From, N: each})
	}
	for _, r := range recipients {
		h := findings.RecipientHistory{Name: r.Name, Kind: r.Kind}
		for i, n := range b.Holdings.Unmarked[r.Name] {
			if n > 0 {
				h.Custody = append(h.Custody, findings.CustodySpan{From: b.Cells[i].From, To: b.Cells[i].From.AddDate(0, 1, -1)})
			}
		}
		b.History.Recipients = append(b.History.Recipients, h)
	}
	w, err := weigh.Weigh(leaks, b, cfg.basis(), 1)
	if err != nil {
		panic(err)
	}
	w.Record.Run, w.Record.Keys = around.Run, []string{"v1-k"}
	w.Speak()
	return &w.Verdict
}

// SetSubject says whose upload a leak shows.
func SetSubject(v *findings.Finding, s string) { v.Private.Subject = s }

// SetBeside says whose upload a leak shows beside its own.
func SetBeside(v *findings.Finding, of watermark.Submission, s string) {
	if v.Private.Others == nil {
		v.Private.Others = make(map[watermark.Submission]string)
	}
	v.Private.Others[of] = s
}

// SetMarked says whose copy's mark was read, confirmed or not.
func SetMarked(v *findings.Finding, recipient string) {
	if v.Private.Marked = nil; recipient != "" {
		v.Private.Marked = []string{recipient}
	}
}

// Marked is what SetMarked sets.
func Marked(v *findings.Finding) string { return strings.Join(v.Private.Marked, ", ") }

// SetThumbnails gives a verdict its pictures.
func SetThumbnails(v *findings.Finding, img *image.NRGBA) {
	v.Private.Leak = examine.LookOf(img)
	v.Private.Upload = v.Private.Leak
}

// Conclude concludes the leak from the evidence in it.
func Conclude(v *findings.Finding) { ConcludeFound(v, time.Time{}) }

// ConcludeFound is Conclude of a leak that was found at a stated time.
func ConcludeFound(v *findings.Finding, at time.Time) {
	if v.Examined() {
		conclude.Into(v, conclude.EvidenceOf(v, conclude.Given{Opens: true, FoundAt: at}))
		return
	}
	subject := *v
	*v = *conclude.ClosedLeak(v.File, v.Kind, v.Picture, v.Error)
	v.Private.Subject, v.Private.Marked = subject.Private.Subject, subject.Private.Marked
}

// Recheck concludes the leak again from the evidence in it.
func Recheck(v *findings.Finding, opens bool) error {
	return recheck.Recheck(v, conclude.Given{Opens: opens}, true)
}

// Encode writes findings as a program with the key could.
func Encode(f *findings.File) ([]byte, error) { return recheck.Encode(f) }

// HashDistance is that of a submission's hash to queries.
func (v *Investigation) HashDistance(ctx context.Context, of watermark.Submission, queries []phash.Hash) (int, error) {
	return v.x.Distance(ctx, of, queries)
}

// KeptOverErasure reports whether an original is kept that was opened before an erasure and
// would be kept after others have followed that.
func KeptOverErasure(ctx context.Context, r *registry.Registry, id watermark.Submission, erase func()) (bool, error) {
	c := &examine.OriginalCache{Max: 1 << 20}
	if err := c.Follow(ctx, r.Engine()); err != nil {
		return false, err
	}
	var failed error
	if _, err := c.Get(ctx, id, func() (*examine.Original, error) {
		erase()
		failed = c.Follow(ctx, r.Engine())
		luma := dsp.LazyLuma(image.NewNRGBA(image.Rect(0, 0, 64, 64)))
		return &examine.Original{Opened: new(examine.Opened), Onto: capture.New(luma)}, nil
	}); err != nil {
		return false, err
	}
	kept := true
	_, err := c.Get(ctx, id, func() (*examine.Original, error) { kept = false; return nil, nil })
	return kept, errors.Join(failed, err)
}

// LoseOriginal makes an original one that cannot be opened.
func (v *Investigation) LoseOriginal(of watermark.Submission) {
	v.x.Cache.Order = append(v.x.Cache.Order, &examine.Opening{Of: of, Done: closedChan()})
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// Chance is what a report says of a leak's scores.
func Chance(v *findings.Finding) string { return report.Chance(v) }

// Method returns [recheck.Method] as a record of a search of all uploads has it.
func Method() map[string]string {
	p := recheck.Method()
	p[recheck.ComparedWith] = recheck.AllUploads
	return p
}
