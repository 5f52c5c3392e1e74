package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/leakkinds"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// recallSizes are long sides, pixels, to which leaks are shrunk in turn; 0: not.
var recallSizes = []int{0, 480, 0, 320, 0, 200, 120, 60}

// matchRecall measures how often the search of an investigation lists the upload that a leak shows.
// There is one trial per leak; its kind follows from the leak alone, as [recall.Table] tells leaks
// apart.
func matchRecall() *ruler.Experiment {
	every, path := 1, ""
	r := &recallRun{}
	bound := func(head, value string) ruler.Column {
		return ruler.Column{Head: head, Cell: func(g ruler.Group) string {
			return ruler.Percent(recallBound(int(g.Sum(value)), int(g.Count())), 2)
		}}
	}
	return &ruler.Experiment{
		Name: "match recall", Short: "How often the search lists the upload that a leak shows",
		Long: `Submit the pictures to a registry in memory, leak each unmarked through attacks, shrunk in
turn, and have every leak looked for as an investigation does. --table writes the table
that investigations state: internal/recall/table.json.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&every, "every", 1, "each upload goes through one of so many `attacks`, the next through others")
			fs.IntSliceVar(&r.sizes, "sizes", recallSizes, "long sides, `pixels`, to which leaks are shrunk in turn; 0: not")
			fs.StringVar(&path, "table", "", "write the table, as internal/recall keeps it, to this `file`")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if every < 1 || len(r.sizes) == 0 {
				return nil, errors.New("--every takes 1 or more, --sizes a number")
			}
			env.MaxSide = cmp.Or(env.MaxSide, recordedSide)
			attacks, err := env.Attacks()
			r.head = recall.Table{Command: fmt.Sprintf("kycmark-bench match recall --pictures DIR --max-side %d --every %d --seed %d", env.MaxSide, every, env.Seed), Seed: env.Seed,
				Uploads: len(env.Pictures), MaxSide: env.MaxSide, Attacks: len(attacks), Every: every, Sizes: r.sizes}
			for i := range env.Pictures {
				for k := i % every; k < len(attacks); k += every {
					side := r.sizes[(i+k/every)%len(r.sizes)]
					cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) {
						emit(r.lookFor(ctx, r.uploads[i], attacks[k], side))
					})
				}
			}
			return after(func(ctx context.Context) {
				r.open(ctx, env, 0)
				r.cfg.Keys = nil // the search alone
				r.uploads = make([]*submitted, len(env.Pictures))
				r.submitPictures(ctx)
			}, cases), err
		},
		Done: func(trials []ruler.Trial) error {
			if path == "" {
				return nil
			}
			data, err := recallTable(r.head, trials)
			if err != nil {
				return err
			}
			return durable.WriteFile(path, data, 0o644, true)
		},
		Tables: []ruler.Table{
			{Name: "kinds", By: []string{"kind"}, Heads: []string{"leaks"}, Columns: []ruler.Column{
				ruler.Of("listed", "parts"), bound("at least", "parts"), ruler.Of("by hashes of whole pictures alone", "whole"), bound("at least", "whole"),
			}},
			{Name: "missed", Title: "Not listed", By: []string{"upload", "attack", "kind"}, Where: func(t *ruler.Trial) bool { return t.Values["parts"] == 0 }, Columns: []ruler.Column{
				ruler.Means("long side", "side", 0), ruler.Means("features", "features", 0), ruler.Means("quality", "quality", 0),
			}},
		},
	}
}

// A recallRun looks for the uploads of leaks.
type recallRun struct {
	memoryRegistry
	sizes []int
	head  recall.Table
}

// submitPictures submits the pictures and begins the investigation.
func (r *recallRun) submitPictures(ctx context.Context) {
	parallel(ctx, r.env, len(r.uploads), func(ctx context.Context, i int) {
		p := ruler.Must(r.env.Load(r.env.Pictures[i]))
		r.uploads[i] = &submitted{name: ruler.Name(r.env.Pictures[i]), seed: r.env.Draw("attack", p.SHA256), image: p.Image}
		r.submit(ctx, r.uploads[i], asPNG(p.Image), "", time.Time{})
	})
	r.investigateFrom(time.Time{})
}

// lookFor makes a leak of an upload, shrinks it to a long side of side pixels unless that is 0, and
// looks for the upload.
func (r *recallRun) lookFor(ctx context.Context, u *submitted, a attack.Attack, side int) ruler.Trial {
	leak := a.Apply(u.image, u.seed)
	if side > 0 {
		leak = picture.Fit(leak, side)
	}
	look := recall.Look{Side: max(leak.Rect.Dx(), leak.Rect.Dy()), Parts: true}
	v := ruler.Must(r.finder.File(ctx, fmt.Sprintf("%s, %s, %d.png", u.name, a.Name, look.Side), asPNG(leak)))
	look.Quality = v.Searched.Quality
	if v.Searched.Features != nil {
		look.Features = *v.Searched.Features
	} else { // what was found by its hash was not looked for by features
		look.Features = ruler.Must(parts.Examine(leak)).Len()
	}
	whole, parts := listed(v, u.id)
	kinds := recall.Table{Kinds: leakkinds.All()}
	return ruler.Trial{
		Labels: map[string]string{"upload": u.name, "attack": a.Name, "kind": kinds.Of(look).Name},
		Values: map[string]float64{"side": float64(look.Side), "quality": float64(look.Quality), "features": float64(look.Features),
			"whole": yes(whole), "parts": yes(parts)},
	}
}

// listed reports whether a leak of an upload is found: by hashes of whole pictures within the
// radius alone, and in any way.
func listed(v *findings.Finding, of watermark.Submission) (whole, parts bool) {
	for _, m := range v.Matches {
		if m.Submission == of && v.Kind != findings.FoundUnknown {
			parts = true
			whole = m.Region == nil && m.Distance <= phash.MatchRadius
		}
	}
	return whole, parts
}

// recallTable counts trials by kind. The head says how they were made.
func recallTable(head recall.Table, trials []ruler.Trial) ([]byte, error) {
	head.Version, head.Go, head.Kinds = 1, runtime.Version(), leakkinds.All()
	for i := range head.Kinds {
		k := &head.Kinds[i]
		for _, t := range trials {
			if t.Labels["kind"] == k.Name {
				k.Whole.Of, k.Parts.Of = k.Whole.Of+1, k.Parts.Of+1
				k.Whole.Found, k.Parts.Found = k.Whole.Found+int(t.Values["whole"]), k.Parts.Found+int(t.Values["parts"])
			}
		}
		for _, n := range []*recall.Trials{&k.Whole, &k.Parts} {
			n.Bound = recallBound(n.Found, n.Of)
		}
	}
	data, err := json.MarshalIndent(head, "", " ")
	return append(data, '\n'), err
}

// recallBound returns the lower 95 % bound of a share, rounded down to 1e-4.
func recallBound(found, of int) float64 {
	if found == 0 {
		return 0
	}
	return math.Floor(ruler.LowerBound(found, of, 0.95)*1e4+1e-6) / 1e4
}
