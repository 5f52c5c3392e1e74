package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
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
			r := &memoryRegistry{}
			cases := ruler.Cases(len(env.Pictures)*each, func(ctx context.Context, k int, emit func(ruler.Trial)) {
				i, n := k/each, k%each
				emit(r.investigateLeak(ctx, i, n, attacks[(i+n*strangerEvery)%len(attacks)]))
			})
			return after(func(ctx context.Context) {
				r.open(ctx, env, 1)
				for i := range env.Pictures {
					r.submitFile(ctx, i)
				}
				r.investigateFrom(time.Time{})
			}, cases), nil
		},
		Tables: []ruler.Table{{
			Name: "leaks", By: []string{"kind"}, Heads: []string{"leaks"}, Total: "all", Columns: []ruler.Column{
				ruler.Counts("number"), ruler.Sums("right", "right"), ruler.Means("megapixels, mean", "megapixels", 1),
				ruler.Means("s, mean", "cpu_s", 2), ruler.Quantiles("s, max", "cpu_s", 2, 1),
			},
		}},
	}
}

// submitFile opens picture i, submits its file, and issues copies for the recipients to. If pictures
// are shrunk, the file is a JPEG of the picture. Every fourth picture is not submitted.
// Pictures are opened and submitted again for each leak, because large ones fill the memory.
func (r *memoryRegistry) submitFile(ctx context.Context, i int, to ...string) *submitted {
	p := ruler.Must(r.env.Load(r.env.Pictures[i]))
	u := &submitted{name: ruler.Name(r.env.Pictures[i]), seed: r.env.Draw("attack", p.SHA256), image: p.Image}
	if i%strangerEvery == strangerEvery-1 {
		return u
	}
	file := ruler.Must(os.ReadFile(r.env.Pictures[i]))
	if r.env.MaxSide > 0 {
		file = asJPEG(p.Image)
	}
	r.submit(ctx, u, file, u.name, time.Time{}, to...)
	return u
}

// investigateLeak makes leak n of picture i, through an attack, and has it investigated.
func (r *memoryRegistry) investigateLeak(ctx context.Context, i, n int, a attack.Attack) ruler.Trial {
	kind, to := outcomeCopy, r.recipients[:1]
	switch {
	case i%strangerEvery == strangerEvery-1:
		kind = outcomeStranger
	case (i+n)%3 == 2:
		kind, to = outcomeUnmarked, nil
	}
	u := r.submitFile(ctx, i, to...)
	img := u.image
	if kind == outcomeCopy {
		img = u.copies[to[0]]
	}
	img = a.Apply(img, u.seed+uint64(n))
	file := asJPEG(img)
	start := processTime()
	v := ruler.Must(r.finder.Investigate(ctx, fmt.Sprintf("%s, %s, %s", u.name, kind, a.Name), file))
	took := processTime() - start
	right := v.Submission == u.id && v.Finding != verify.FoundLookalike
	if kind == outcomeStranger {
		right = v.Finding == verify.FoundUnknown || v.Finding == verify.FoundLookalike
	}
	return ruler.Trial{
		Labels: map[string]string{"picture": u.name, "kind": kind, "attack": a.Name, "finding": v.Label()},
		Values: map[string]float64{"cpu_s": took.Seconds(), "megapixels": float64(img.Rect.Dx()*img.Rect.Dy()) / 1e6, "right": yes(right)},
	}
}
