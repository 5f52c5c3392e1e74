package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/watermark"
)

// A RecallConfig says what [MatchRecall] measures. Its Config's MaxSide 0 means RecordedSide.
type RecallConfig struct {
	Config
	Every   int    // of the attacks, one of so many is tried on each upload, others on the next; 0 means 1
	Sizes   []int  // long sides to which leaks are shrunk after the attack, in turn; none means recallSizes
	Command string // as the table repeats it
}

// recallSizes make five eighths of the leaks smaller.
var recallSizes = []int{0, 480, 0, 320, 0, 200, 120, 60}

// A RecallReport says how often the search of an investigation lists the upload that a
// leak shows.
type RecallReport struct {
	Table  *recall.Table `json:"table"`
	Missed []string      `json:"missed"` // leaks whose uploads were not listed: "picture, attack, long side: kind"
}

// MatchRecall submits pictures to a registry in memory, leaks each unmarked through every
// attack, made smaller in turn, and has every leak looked for as an investigation does. What a
// leak is like is told from it alone.
func MatchRecall(ctx context.Context, cfg RecallConfig) (*RecallReport, error) {
	cfg.MaxSide, cfg.Every = cmp.Or(cfg.MaxSide, RecordedSide), cmp.Or(cfg.Every, 1)
	if len(cfg.Sizes) == 0 {
		cfg.Sizes = recallSizes
	}
	attacks, err := cfg.begin()
	if err != nil {
		return nil, err
	}
	r, err := newPixelRegistry(ctx, &cfg.Config, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	run := &recallRun{cfg: &cfg, pixelRegistry: r, attacks: attacks}
	if err := run.submitAll(ctx); err != nil {
		return nil, err
	}
	run.plan()
	found := make([]recalled, len(run.tasks))
	errs := make([]error, len(found))
	j := &job{
		pictures: len(found), tasks: 1, progress: cfg.Progress,
		prepare: func(context.Context, int) bool { return true }, release: func(int) {},
		task: func(ctx context.Context, n, _ int) { errs[n] = run.look(ctx, n, &found[n]) },
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	return run.report(found), errors.Join(errs...)
}

type recallRun struct {
	*pixelRegistry
	cfg     *RecallConfig
	attacks []attack.Attack
	uploads []*pixelUpload
	tasks   []recallTask
	finder  *verify.Investigator
}

// A recallTask is one leak: an upload, an attack, and the long side to which the leak is
// shrunk, 0: not.
type recallTask struct{ upload, attack, side int }

// plan goes through the sizes with every leak and with every upload.
func (r *recallRun) plan() {
	for i := range r.uploads {
		for k := i % r.cfg.Every; k < len(r.attacks); k += r.cfg.Every {
			n := i + k/r.cfg.Every
			r.tasks = append(r.tasks, recallTask{i, k, r.cfg.Sizes[n%len(r.cfg.Sizes)]})
		}
	}
}

// recalled is what came of one leak.
type recalled struct {
	name         string
	look         recall.Look
	whole, parts bool // its upload was listed by its hash; in any way
}

func (r *recallRun) submitAll(ctx context.Context) error {
	for _, path := range r.cfg.Pictures {
		p, err := r.cfg.load(path)
		if err != nil {
			return err
		}
		u := &pixelUpload{name: short(path), seed: r.cfg.draw("attack", p.SHA256), image: p.Image}
		if err := r.submit(ctx, u, "", time.Time{}); err != nil {
			return err
		}
		r.uploads = append(r.uploads, u)
	}
	cfg := r.pixelRegistry.cfg
	cfg.Keys = nil // the search alone
	var err error
	r.finder, err = verify.NewInvestigator(cfg)
	return err
}

// look makes leak n and looks for its upload.
func (r *recallRun) look(ctx context.Context, n int, out *recalled) error {
	t := r.tasks[n]
	u, a := r.uploads[t.upload], r.attacks[t.attack]
	leak := a.Apply(u.image, u.seed)
	if t.side > 0 {
		leak = picture.Fit(leak, t.side)
	}
	out.look = recall.Look{Side: max(leak.Rect.Dx(), leak.Rect.Dy()), Parts: true}
	out.name = fmt.Sprintf("%s, %s, %d", u.name, a.Name, out.look.Side)
	file, err := encoded(leak)
	if err != nil {
		return err
	}
	v, err := r.finder.Investigate(ctx, out.name+".png", file)
	if err != nil {
		return err
	}
	out.whole, out.parts = listed(v, u.id)
	out.look.Quality = v.Searched.Quality
	if v.Searched.Features != nil {
		out.look.Features = *v.Searched.Features
		return nil
	}
	q, err := parts.Examine(leak) // what was found by its hash was not looked for by features
	if err != nil {
		return err
	}
	out.look.Features = q.Len()
	return nil
}

// listed reports whether a leak that shows an upload is not said to be unknown: by
// hashes of whole pictures within the radius alone, and in any way.
func listed(v *verify.Verdict, of watermark.Submission) (whole, parts bool) {
	for _, m := range v.Matches {
		if m.Submission == of && v.Finding != verify.FoundUnknown {
			parts = true
			whole = m.Region == nil && m.Distance <= phash.MatchRadius
		}
	}
	return whole, parts
}

// report counts by kinds.
func (r *recallRun) report(found []recalled) *RecallReport {
	t := &recall.Table{Version: 1, Command: r.cfg.Command, Go: runtime.Version(), Seed: r.cfg.Seed, Uploads: len(r.uploads),
		Attacks: len(r.attacks), Every: r.cfg.Every, MaxSide: r.cfg.MaxSide, Sizes: r.cfg.Sizes, Kinds: recall.Kinds()}
	out := &RecallReport{Table: t, Missed: []string{}}
	for i := range found {
		f := &found[i]
		k := t.Of(f.look)
		k.Whole.Of++
		k.Parts.Of++
		if f.whole {
			k.Whole.Found++
		}
		if f.parts {
			k.Parts.Found++
		} else {
			out.Missed = append(out.Missed, fmt.Sprintf("%s: %d features, quality %d", f.name, f.look.Features, f.look.Quality))
		}
	}
	for i := range t.Kinds {
		for _, n := range []*recall.Trials{&t.Kinds[i].Whole, &t.Kinds[i].Parts} {
			n.AtLeast = leastOf(n)
		}
	}
	slices.Sort(out.Missed)
	return out
}

// leastOf is the lower 95 % bound of a share, rounded down to 1e-4.
func leastOf(n *recall.Trials) float64 {
	if n.Found == 0 {
		return 0
	}
	return math.Floor(float64(lowerBound(n.Found, n.Of, 0.95)*1e4)+1e-6) / 1e4
}

// Markdown returns the table.
func (r *RecallReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d uploads of up to %d px, %d attacks, each upload through one of %d; leaks shrunk to %v px in turn (0: not)\n\n",
		r.Table.Uploads, r.Table.MaxSide, r.Table.Attacks, r.Table.Every, r.Table.Sizes)
	b.WriteString("| leaks | listed | at least | by hashes of whole pictures alone | at least |\n|---|---|---|---|---|\n")
	for _, k := range r.Table.Kinds {
		fmt.Fprintf(&b, "| %s | %d of %d | %.2f %% | %d of %d | %.2f %% |\n", k.Name, k.Parts.Found, k.Parts.Of, 100*k.Parts.AtLeast, k.Whole.Found, k.Whole.Of, 100*k.Whole.AtLeast)
	}
	if len(r.Missed) > 0 {
		fmt.Fprintf(&b, "\nNot listed: %s.\n", strings.Join(r.Missed, "; "))
	}
	return b.String()
}
