package main

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/watermark"
)

func survival(e *engine) *ruler.Experiment {
	return &ruler.Experiment{
		Name:  "survival",
		Short: "Damaged or never there",
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			attacks, err := env.Attacks()
			if err != nil {
				return nil, err
			}
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				up := ruler.Must(env.Upload(path))
				m := ruler.Must(watermark.Mark(ctx, env.Key, up.Copy, up.Image, up.Options))
				ids := []watermark.CopyID{up.Copy}
				for k := 1; k < 20; k++ {
					ids = append(ids, watermark.CopyID(env.Draw(fmt.Sprint("copy ", k), up.Content)))
				}
				var issued []watermark.Candidate
				for _, id := range ids {
					issued = append(issued, watermark.Candidate{Copy: id, Key: env.Key, Strength: m.Strength})
				}
				copies := ruler.Must(embedAll(env.Key, up.Image, &watermark.Options{Submission: up.Options.Submission, Strength: min(1, m.Strength)}, ids[:16]))
				copies[0] = m.Image
				tr := ruler.Must(watermark.NewTracer(up.Image, issued, &watermark.TraceOptions{Submission: up.Options.Submission}))
				see := func(kind, name, group string, leak *image.NRGBA) {
					t := ruler.Trial{Labels: map[string]string{"picture": up.Name, "attack": name, "group": group, "kind": kind}, Values: map[string]float64{}}
					r := ruler.Must(tr.Trace(ctx, leak))
					t.Values = r.Debug()
					t.Values["registered"] = yes(r.Registered)
					t.Values["accused"] = float64(len(r.Accused))
					t.Values["w"] = float64(leak.Rect.Dx())
					emit(t)
				}
				for _, a := range attacks {
					see("unmarked", a.Name, a.Group, a.Apply(up.Image, up.Seed))
					see("marked", a.Name, a.Group, a.Apply(m.Image, up.Seed))
				}
				for _, s := range removals() {
					leak := s.make(copies, up.Seed)
					see("scrubbed", s.name, "scrub", leak)
					see("scrubbed", s.name+"_q75", "scrub", ruler.Must(hard.Find("jpeg75")).Apply(leak, up.Seed))
					see("unmarked", s.name, "scrub", s.make(slices.Repeat([]*image.NRGBA{up.Image}, 16), up.Seed))
				}
			}), nil
		},
		Tables: []ruler.Table{{Name: "all", By: []string{"kind"}, Columns: []ruler.Column{ruler.Counts("n")}}},
	}
}

type scrub struct {
	name string
	make func(copies []*image.NRGBA, seed uint64) *image.NRGBA
}

func removals() (out []scrub) {
	by := func(names ...string) func(c []*image.NRGBA, seed uint64) *image.NRGBA {
		return func(c []*image.NRGBA, seed uint64) *image.NRGBA {
			img := c[0]
			for _, n := range names {
				img = ruler.Must(hard.Find(n)).Apply(img, seed)
			}
			return img
		}
	}
	out = append(out, scrub{"nlm", by("nlm")}, scrub{"median3", by("median3")}, scrub{"median5", by("median5")}, scrub{"bilateral", by("bilateral")},
		scrub{"noise_nlm", by("noise5", "nlm")}, scrub{"bilateral2", by("bilateral", "bilateral")})
	for _, k := range []int{2, 4, 8, 16} {
		out = append(out, scrub{fmt.Sprint("mean", k), func(c []*image.NRGBA, _ uint64) *image.NRGBA { return mixed("mean", c[:k]) }})
	}
	for _, g := range []float32{1, 2} {
		out = append(out, scrub{fmt.Sprint("estimate", g), func(c []*image.NRGBA, _ uint64) *image.NRGBA {
			e := estimateOf(c[0])
			return e.addTo(c[0], -g)
		}})
	}
	out = append(out, scrub{"resample", func(c []*image.NRGBA, _ uint64) *image.NRGBA {
		b := c[0].Rect
		half := attack.New("half", "", "", func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
			return imaging.Resize(imaging.Resize(p, b.Dx()*2/5, b.Dy()*2/5, imaging.Box), b.Dx(), b.Dy(), imaging.CatmullRom)
		})
		return half.Apply(c[0], 0)
	}})
	return out
}
