package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/verify"
)

// investigatedAttacks are what leaks go through, in turn, by default.
var investigatedAttacks = []string{"telegram", "none", "whatsapp_twice", "crop50", "screenshot", "jpeg50", "thumb320"}

const strangerEvery = 4 // one of so many pictures is not submitted

// investigate measures what a leak costs, from file to finding. Leaks are of copies, of uploads
// unmarked, and of pictures that were never submitted. There is one trial per leak.
func investigate() *ruler.Experiment {
	each := 3
	return &ruler.Experiment{
		Name: "investigate", Short: "What a leak costs, from file to finding",
		Long: `Submit the pictures to a registry in memory, except every fourth; leak marked copies,
unmarked uploads and the strangers, each through one attack and saved as JPEG, and have
them investigated one after the other. The times are processor time of all threads.`,
		Flags: func(fs *pflag.FlagSet) { fs.IntVar(&each, "each", 3, "`number` of leaks of each picture") },
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			attacks, err := attacksOf(env, investigatedAttacks)
			if err != nil {
				return nil, err
			}
			env.Workers = 1 // processor time is the whole process's
			r := &investigateRun{env: env}
			cases := make([]ruler.Case, len(env.Pictures)*each)
			for k := range cases {
				i, n := k/each, k%each
				cases[k] = func(ctx context.Context, emit func(ruler.Trial)) error {
					t, err := r.leak(ctx, i, n, attacks[(i+n*strangerEvery)%len(attacks)])
					if err == nil {
						emit(t)
					}
					return err
				}
			}
			return after(r.submitAll, cases), nil
		},
		Tables: []ruler.Table{{
			Name: "leaks", By: []string{"kind"}, Heads: []string{"leaks"}, Total: "all", Columns: []ruler.Column{
				ruler.Counts("number"), ruler.Sums("right", "right"), ruler.Means("megapixels, mean", "megapixels", 1),
				ruler.Means("s, mean", "cpu_s", 2), ruler.Quantiles("s, max", "cpu_s", 2, 1),
			},
		}},
	}
}

// An investigateRun has leaks investigated.
type investigateRun struct {
	*memoryRegistry
	env    *ruler.Env
	finder *verify.Investigator
}

// submitAll submits the pictures, except every fourth.
func (r *investigateRun) submitAll(ctx context.Context) (err error) {
	if r.memoryRegistry, err = newMemoryRegistry(ctx, r.env, 1); err != nil {
		return err
	}
	for i := range r.env.Pictures {
		if i%strangerEvery != strangerEvery-1 {
			if _, err := r.open(ctx, i, true); err != nil {
				return err
			}
		}
	}
	r.finder, err = verify.NewInvestigator(r.cfg)
	return err
}

// open reads picture i and, if asked to, submits its file: the file itself, or a JPEG of the
// picture if pictures are shrunk. Pictures are opened again for each leak, because large ones
// fill the memory.
func (r *investigateRun) open(ctx context.Context, i int, submit bool) (*submitted, error) {
	path := r.env.Pictures[i]
	p, err := r.env.Load(path)
	if err != nil {
		return nil, err
	}
	u := &submitted{name: ruler.Name(path), seed: r.env.Draw("attack", p.SHA256), image: p.Image}
	if !submit {
		return u, nil
	}
	file, err := os.ReadFile(path)
	if r.env.MaxSide > 0 {
		file, err = asJPEG(p.Image)
	}
	if err != nil {
		return nil, err
	}
	sub, _, err := r.issuer.Submit(ctx, bytes.NewReader(file), u.name, time.Time{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.name, err)
	}
	u.id = sub.ID
	return u, nil
}

// leak makes leak n of picture i and has it investigated.
func (r *investigateRun) leak(ctx context.Context, i, n int, a attack.Attack) (t ruler.Trial, err error) {
	kind := outcomeCopy
	switch {
	case i%strangerEvery == strangerEvery-1:
		kind = outcomeStranger
	case (i+n)%3 == 2:
		kind = outcomeUnmarked
	}
	u, err := r.open(ctx, i, kind != outcomeStranger)
	if err != nil {
		return t, err
	}
	img := u.image
	if kind == outcomeCopy {
		if err := r.issue(ctx, u, r.recipients[0]); err != nil {
			return t, fmt.Errorf("%s: %w", u.name, err)
		}
		img = u.copies[r.recipients[0]]
	}
	img = a.Apply(img, u.seed+uint64(n))
	file, err := asJPEG(img)
	if err != nil {
		return t, err
	}
	start := processTime()
	v, err := r.finder.Investigate(ctx, fmt.Sprintf("%s, %s, %s", u.name, kind, a.Name), file)
	if err != nil {
		return t, err
	}
	took := processTime() - start
	right := v.Submission == u.id && v.Finding != verify.FoundLookalike
	if kind == outcomeStranger {
		right = v.Finding == verify.FoundUnknown || v.Finding == verify.FoundLookalike
	}
	return ruler.Trial{
		Labels: map[string]string{"picture": u.name, "kind": kind, "attack": a.Name, "finding": v.Label()},
		Values: map[string]float64{"cpu_s": took.Seconds(), "megapixels": float64(img.Rect.Dx()*img.Rect.Dy()) / 1e6, "right": yes(right)},
	}, nil
}
