package experiments

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

// An InvestigateConfig says what [Investigations] measures. Its Config's Attacks are what
// leaks went through, in turn; none means investigatedAttacks.
type InvestigateConfig struct {
	Config
	Each int // leaks of each picture; 0 means 3
}

var investigatedAttacks = []string{"telegram", "none", "whatsapp_twice", "crop50", "screenshot", "jpeg50", "thumb320"}

// strangerEvery is how many pictures there are for one that is not submitted.
const strangerEvery = 4

// An InvestigateReport says what leaks cost, processor time of all threads.
type InvestigateReport struct {
	Pictures int         `json:"pictures"`
	Uploads  int         `json:"uploads"` // of these, submitted
	MaxSide  int         `json:"max_side,omitempty"`
	Kinds    []LeakCost  `json:"kinds"`
	All      LeakCost    `json:"all"`
	Largest  []LeakPrice `json:"largest"`
}

// LeakCost is what leaks of one kind cost.
type LeakCost struct {
	Kind   string  `json:"kind"`
	Leaks  int     `json:"leaks"`
	Mean   Number  `json:"mean_s"`
	Most   Number  `json:"most_s"`
	Pixels float64 `json:"megapixels"` // of a leak, in the mean
	Right  int     `json:"right"`      // found to show their upload, or unknown or a lookalike where there is none
}

// LeakPrice is what one leak cost.
type LeakPrice struct {
	Name    string `json:"name"`
	Finding string `json:"finding"`
	Seconds Number `json:"seconds"`
}

// Investigations submits pictures to a registry in memory but for every fourth, and has leaks
// of all of them, saved as JPEG 92, investigated one after the other: of copies, of the uploads
// unmarked, and of what was never submitted.
func Investigations(ctx context.Context, cfg InvestigateConfig) (*InvestigateReport, error) {
	cfg.Each = cmp.Or(cfg.Each, 3)
	if len(cfg.Attacks) == 0 {
		cfg.Attacks = investigatedAttacks
	}
	attacks, err := cfg.begin()
	if err != nil {
		return nil, err
	}
	r, err := newPixelRegistry(ctx, &cfg.Config, 1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	run := &investigateRun{cfg: &cfg, attacks: attacks, pixelRegistry: r, report: &InvestigateReport{Pictures: len(cfg.Pictures), MaxSide: cfg.MaxSide}}
	if err := run.submitted(ctx); err != nil {
		return nil, err
	}
	for i := range cfg.Pictures {
		for n := range cfg.Each {
			if err := run.leak(ctx, i, n); err != nil {
				return nil, err
			}
			if cfg.Progress != nil {
				cfg.Progress(i*cfg.Each+n+1, len(cfg.Pictures)*cfg.Each)
			}
		}
	}
	run.report.finish(run.costs)
	return run.report, nil
}

type investigateRun struct {
	*pixelRegistry
	cfg     *InvestigateConfig
	attacks []attack.Attack
	finder  *verify.Investigator
	report  *InvestigateReport
	costs   []leakCost
}

type leakCost struct {
	LeakPrice
	kind       string
	megapixels float64
	right      bool
}

// submitted enters the uploads, whose pictures are not kept here: large ones fill the
// memory.
func (r *investigateRun) submitted(ctx context.Context) error {
	for i := range r.cfg.Pictures {
		if i%strangerEvery == strangerEvery-1 {
			continue
		}
		u, err := r.open(i)
		if err != nil {
			return err
		}
		if _, _, err := r.issuer.Submit(ctx, bytes.NewReader(u.file), u.name, time.Time{}); err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
		r.report.Uploads++
	}
	var err error
	r.finder, err = verify.NewInvestigator(r.pixelRegistry.cfg)
	return err
}

// An investigated is a picture, and its file as it is uploaded.
type investigated struct {
	name  string
	seed  uint64
	image *image.NRGBA
	file  []byte
}

// open reads picture i: the file itself, or where pictures are to be shrunk a JPEG.
func (r *investigateRun) open(i int) (*investigated, error) {
	path := r.cfg.Pictures[i]
	p, err := r.cfg.load(path)
	if err != nil {
		return nil, err
	}
	u := &investigated{name: short(path), seed: r.cfg.draw("attack", p.SHA256), image: p.Image}
	if r.cfg.MaxSide == 0 {
		u.file, err = os.ReadFile(path)
		return u, err
	}
	u.file, err = asJPEG(p.Image)
	return u, err
}

// asJPEG is the file of an upload or a leak.
func asJPEG(img *image.NRGBA) ([]byte, error) {
	var b bytes.Buffer
	err := picture.Encode(&b, img, "jpeg", 92)
	return b.Bytes(), err
}

// issued is a marked copy of an upload as it leaks.
func (r *investigateRun) issued(ctx context.Context, of watermark.Submission) (*image.NRGBA, error) {
	var out bytes.Buffer
	if _, err := r.issuer.Issue(ctx, &out, of, r.recipients[0], "request"); err != nil {
		return nil, err
	}
	p, err := picture.Decode(out.Bytes(), picture.Limits{})
	if err != nil {
		return nil, err
	}
	return picture.Flatten(p.Image), nil
}

// leak makes leak n of picture i, marked, unmarked and so on, and has it investigated.
func (r *investigateRun) leak(ctx context.Context, i, n int) error {
	kind := OutcomeCopy
	switch {
	case i%strangerEvery == strangerEvery-1:
		kind = OutcomeStranger
	case (i+n)%3 == 2:
		kind = OutcomeUnmarked
	}
	u, err := r.open(i)
	if err != nil {
		return err
	}
	img, of := u.image, watermark.Submission{}
	if kind != OutcomeStranger {
		sub, _, err := r.issuer.Submit(ctx, bytes.NewReader(u.file), u.name, time.Time{})
		if err != nil {
			return err
		}
		of = sub.ID
	}
	if kind == OutcomeCopy {
		if img, err = r.issued(ctx, of); err != nil {
			return fmt.Errorf("%s: %w", u.name, err)
		}
	}
	a := r.attacks[(i+n*strangerEvery)%len(r.attacks)]
	img = a.Apply(img, u.seed+uint64(n))
	file, err := asJPEG(img)
	if err != nil {
		return err
	}
	c := leakCost{kind: kind, megapixels: float64(img.Rect.Dx()*img.Rect.Dy()) / 1e6}
	c.Name = fmt.Sprintf("%s, %s, %s", u.name, kind, a.Name)
	start := processTime()
	v, err := r.finder.Investigate(ctx, c.Name, file)
	if err != nil {
		return err
	}
	c.Seconds, c.Finding = Number((processTime() - start).Seconds()), v.Label()
	switch kind {
	case OutcomeStranger:
		c.right = v.Finding == verify.FoundUnknown || v.Finding == verify.FoundLookalike
	default:
		c.right = v.Submission == of && v.Finding != verify.FoundLookalike
	}
	r.costs = append(r.costs, c)
	return nil
}

// finish sums up.
func (r *InvestigateReport) finish(costs []leakCost) {
	r.All = costOf("all", costs)
	for _, kind := range []string{OutcomeCopy, OutcomeUnmarked, OutcomeStranger} {
		r.Kinds = append(r.Kinds, costOf(kind, slices.DeleteFunc(slices.Clone(costs), func(c leakCost) bool { return c.kind != kind })))
	}
	slices.SortStableFunc(costs, func(a, b leakCost) int { return cmp.Compare(b.Seconds, a.Seconds) })
	for _, c := range costs[:min(len(costs), 5)] {
		r.Largest = append(r.Largest, c.LeakPrice)
	}
}

func costOf(kind string, costs []leakCost) LeakCost {
	out := LeakCost{Kind: kind, Leaks: len(costs)}
	if len(costs) == 0 {
		return out
	}
	for _, c := range costs {
		out.Mean += c.Seconds / Number(len(costs))
		out.Most = max(out.Most, c.Seconds)
		out.Pixels += c.megapixels / float64(len(costs))
		if c.right {
			out.Right++
		}
	}
	return out
}

// Markdown returns the table.
func (r *InvestigateReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d pictures, %d of them uploads; processor time of all threads, one leak at a time\n\n", r.Pictures, r.Uploads)
	b.WriteString("| leaks | number | right | megapixels, mean | s, mean | s, most |\n|---|---|---|---|---|---|\n")
	for _, k := range append(slices.Clone(r.Kinds), r.All) {
		fmt.Fprintf(&b, "| %s | %d | %d | %.1f | %.2f | %.2f |\n", k.Kind, k.Leaks, k.Right, k.Pixels, float64(k.Mean), float64(k.Most))
	}
	b.WriteString("\nThe dearest: ")
	for i, c := range r.Largest {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s (%s) %.1f s", c.Name, c.Finding, float64(c.Seconds))
	}
	b.WriteString(".\n")
	return b.String()
}
