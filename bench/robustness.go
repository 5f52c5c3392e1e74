package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// robustness measures what the mark survives. Only the exact copy ID counts as read.
func robustness(e *engine) *ruler.Experiment {
	var bars bars
	var among, draws int
	var list *watermark.List
	return &ruler.Experiment{
		Name:  "robustness",
		Short: "What the mark survives",
		Long: `Mark each picture, attack the marked picture in every way and read it back. Only
the exact copy ID counts as read. --among reads what is not read so with a list of issued copies, then
where the leak lies on its upload ("matched"), as an investigation does. Exit 1 when a --bar is missed, or when any
reading gives a wrong ID.`,
		Flags: func(fs *pflag.FlagSet) {
			bars.flag(fs, "lowest accepted `GROUP=RATE`, 0 to 1; \"all\" for the total")
			fs.IntVar(&draws, "draws", 0, "`number` of leaks for each drawn attack and picture; their leading parameters spread evenly over all pictures (0: one leak, not so)")
			fs.IntVar(&among, "among", 0, "`number` of issued copies on the list, with the pictures' copies; 0: no list")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			attacks, err := env.Attacks()
			if err != nil {
				return nil, err
			}
			if err := bars.check(groupsOf(attacks)); err != nil {
				return nil, err
			}
			return after(func(context.Context) {
				if among > 0 {
					list = issued(env, among)
				}
			}, ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				e.survive(ctx, env, path, leaksOf(env, path, attacks, draws), list, emit)
			})), nil
		},
		Tables: []ruler.Table{
			{
				Name: "groups", Where: ruler.Has("read"), By: []string{"group"}, Total: "all",
				Columns: []ruler.Column{
					ruler.Share("read", "read"), ruler.Of("readings", "read"), {Head: "attacks", Cell: perAttack},
				},
			},
			{
				Name: "pictures", By: []string{"picture"},
				Columns: []ruler.Column{
					pixels(),
					ruler.Means("PSNR, dB", "psnr", 1), ruler.Means("SSIM", "ssim", 4), ruler.Sums("weak", "weak"),
					ruler.Of("read", "read"), ruler.List("not read", "attack", notRead),
				},
			},
			{
				Name: "short", Doc: true, Where: ruler.Has("read"), By: []string{"attack"}, Heads: []string{"after"}, Row: attackRows(), Total: "all",
				Columns: perRun(ruler.Of("", "read")), Note: func(g ruler.Group) string {
					return fmt.Sprintf("Wrong IDs: %.0f of %s.", g.Sum("wrong"), ruler.Thousands(g.Count()))
				},
			},
			{
				Name: "list", Where: ruler.Has("listed"), By: []string{"group"}, Total: "all",
				Columns: []ruler.Column{ruler.Of("read", "read"), ruler.Of("with the list", "listed"), ruler.Of("matched", "matched"), ruler.Sums("wrong", "wrong")},
			},
		},
		Missed: func(trials []ruler.Trial) []string {
			return append(bars.missed(trials, "group", "read", nil), wrongIDs(trials, "attack")...)
		},
	}
}

// issued returns a list of n copies: the copies of the pictures, and others that are drawn.
func issued(env *ruler.Env, n int) *watermark.List {
	var ids []watermark.CopyID
	for _, path := range env.Pictures {
		ids = append(ids, watermark.CopyID(env.Draw("copy", sha256.Sum256(ruler.Must(os.ReadFile(path))))))
	}
	for r := rand.New(rand.NewPCG(env.Seed, 1)); len(ids) < n; {
		ids = append(ids, watermark.CopyID(r.Uint64()))
	}
	return watermark.NewList(env.Key, ids)
}

// A leakOf is an attack, and how it makes a leak of a marked picture, given the seed of the picture.
type leakOf struct {
	attack.Attack
	apply func(*image.NRGBA, uint64) *image.NRGBA
}

// leaksOf returns the leaks of a picture: one an attack, and of attacks with drawn parameters as many as draws says. The
// leading parameters of all pictures together fill the equal parts of its range, in an order that the seed draws.
func leaksOf(env *ruler.Env, path string, attacks []attack.Attack, draws int) (all []leakOf) {
	at, n := slices.Index(env.Pictures, path), len(env.Pictures)*draws
	for _, a := range attacks {
		if a.Group != "drawn" || draws == 0 {
			all = append(all, leakOf{a, a.Apply})
			continue
		}
		parts := attack.Random(a.Name, env.Seed).Perm(n)
		for k := range draws {
			all = append(all, leakOf{a, func(p *image.NRGBA, seed uint64) *image.NRGBA {
				return attack.ApplyIn(a, p, seed+uint64(k), parts[at*draws+k], n)
			}})
		}
	}
	return all
}

// survive marks a picture, makes every leak of it, and reads it. list may be nil.
func (e *engine) survive(ctx context.Context, env *ruler.Env, path string, leaks []leakOf, list *watermark.List, emit func(ruler.Trial)) {
	up := ruler.Must(env.Upload(path))
	m := ruler.Must(e.copied(ctx, env, path, up))
	original := sync.OnceValue(func() *capture.Original { return capture.New(dsp.LazyLuma(up.Image)) })
	emit(ruler.Trial{
		Labels: map[string]string{"picture": up.Name, "copy": up.Copy.String()},
		Values: map[string]float64{
			"width": float64(up.Image.Rect.Dx()), "height": float64(up.Image.Rect.Dy()),
			"psnr": m.PSNR, "ssim": m.SSIM, "strength": m.Strength, "margin": m.MarginDB, "weak": yes(m.Weak),
		},
	})
	for _, a := range leaks {
		t := ruler.Trial{
			Labels: map[string]string{"picture": up.Name, "attack": a.Name, "group": a.Group},
			Values: map[string]float64{"read": 0, "wrong": 0},
		}
		leak := a.apply(m.Image, up.Seed)
		d, err := e.detect(ctx, env.Key, leak)
		ruler.Check(context.Cause(ctx))
		if err != nil { // counted as not read
			t.Error = err.Error()
			emit(t)
			continue
		}
		t.Values["found"], t.Values["read"] = yes(d.Found), yes(d.Found && d.Copy == up.Copy)
		if d.Found && d.Copy != up.Copy {
			t.Values["wrong"], t.Labels["got"] = 1, d.Copy.String()
		}
		if list != nil {
			t.Values["listed"], t.Values["matched"] = t.Values["read"], t.Values["read"]
		}
		if list != nil && !d.Found {
			r := ruler.Must(watermark.Read(ctx, leak, env.Key))
			count := func(name string, found []*watermark.Detection) {
				for _, m := range found {
					t.Values[name] = yes(m.Copy == up.Copy)
					t.Values["wrong"] = max(t.Values["wrong"], yes(m.Copy != up.Copy))
				}
			}
			count("listed", r.Among(list))
			count("matched", placed(ctx, r, leak, env.Key, up, original()).Among(list))
			t.Values["matched"] = max(t.Values["matched"], t.Values["listed"])
		}
		emit(t)
	}
}

// groupsOf lists the groups of attacks.
func groupsOf(attacks []attack.Attack) (out []string) {
	for _, a := range attacks {
		out = append(out, a.Group)
	}
	return out
}

// notRead reports whether a trial is of a leak that was not read, or counts such leaks.
func notRead(t *ruler.Trial) bool { r, ok := t.Values["read"]; return ok && r < t.N() }

// perAttack writes each attack with its readings.
func perAttack(g ruler.Group) string {
	var cells []string
	for _, name := range g.Labels("attack") {
		of := g.Where(ruler.Is("attack", name))
		cells = append(cells, fmt.Sprintf("%s %.0f/%.0f", name, of.Sum("read"), of.Count()))
	}
	return strings.Join(cells, ", ")
}
