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
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// survivalCopies is the number of copies that were issued of each picture. Removals take the first half.
const survivalCopies = 64

// survival measures whether a trace tells a mark that was never there from a damaged one, and damage by removal from
// damage by messengers.
func survival(e *engine) *ruler.Experiment {
	return &ruler.Experiment{
		Name:  "survival",
		Short: "Whether a mark was never there, was damaged, or was removed",
		Long: `Attack each picture unmarked and marked, and try to remove the marks of its copies. Trace all
that against the original and 64 copies. A leak is "scrubbed" if an attempt to remove the mark left
nothing that is read without the original, else "still read". "there" is a p of any mark of at most 1e-6,
"removed" is a survival below what messengers leave. "said" is what a report says: removed, and no copy named.
Exit 1 when a mark is seen in an unmarked picture.`,
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			attacks, err := env.Attacks()
			if err != nil {
				return nil, err
			}
			attacks = slices.DeleteFunc(attacks, func(a attack.Attack) bool {
				return slices.ContainsFunc(removals(), func(r removal) bool { return r.name == a.Name })
			})
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				measureSurvival(ctx, e, env, attacks, path, emit)
			}), nil
		},
		Tables: []ruler.Table{
			{Name: "all", By: []string{"leak"}, Columns: survivalColumns()},
			{Name: "short", Doc: true, By: []string{"leak"}, Columns: []ruler.Column{
				ruler.Of("a mark is there", "there"), removedOf(),
			}},
			{Name: "bars", Title: "Unmarked against others; survival that 1 % of the marked leaks are below, and scrubbed leaks below it.", Heads: []string{}, Columns: []ruler.Column{
				{Head: "AUC", Cell: func(g ruler.Group) string { return ruler.Decimals(areaUnder(g), 4) }},
				{Head: "limit", Cell: func(g ruler.Group) string {
					_, _, limit := atFalseAlarms(g, .01)
					return ruler.Decimals(limit, 2)
				}},
				{Head: "scrubbed", Cell: func(g ruler.Group) string {
					caught, of, _ := atFalseAlarms(g, .01)
					return fmt.Sprintf("%d of %d", caught, of)
				}},
				{Head: "pictures", Cell: func(g ruler.Group) string { return fmt.Sprint(len(g.Labels("picture"))) }},
			}},
			{Name: "attacks", By: []string{"leak", "attack"}, Heads: []string{"leak", "after"}, Columns: survivalColumns()},
		},
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, t := range trials {
				if t.Labels["leak"] == unmarked && t.Values["there"] > 0 {
					out = append(out, fmt.Sprintf("ALARM: a mark in unmarked %s under %s: log10 p %.1f", t.Labels["picture"], t.Labels["attack"], t.Values["log10_p"]))
				}
			}
			return out
		},
	}
}

// survivalColumns are the columns of two tables.
func survivalColumns() []ruler.Column {
	return []ruler.Column{
		ruler.Of("there", "there"), ruler.Of("a copy named", "named"), ruler.Quantiles("log10 p, worst / median", "log10_p", 1, 1, .5),
		removedOf(),
		perPicture("pictures with removed", removed), perPicture("pictures with said", said),
		ruler.Quantiles("survival, 1 / 50 / 99 %", "survival", 2, .01, .5, .99),
	}
}

// removedOf is a column "3 of 59" of the leaks whose marks were removed.
func removedOf() ruler.Column {
	return ruler.Column{Head: "removed", Cell: func(g ruler.Group) string {
		return fmt.Sprintf("%d of %s", len(g.Where(removed)), ruler.Thousands(g.Count()))
	}}
}

// removed reports whether the survival of a leak is below what messengers leave.
func removed(t *ruler.Trial) bool {
	s, measured := t.Values["survival"]
	return measured && s < watermark.Removed
}

// said reports whether a report says so: a mark is there, and no copy is named.
func said(t *ruler.Trial) bool {
	return removed(t) && t.Values["there"] == 1 && t.Values["named"] == 0
}

// perPicture is a column "1 of 8 (at most 47 %)" of the pictures that have a leak which fits, with the upper 95 % limit of
// their rate: leaks of one picture are not independent.
func perPicture(head string, fits func(*ruler.Trial) bool) ruler.Column {
	return ruler.Column{Head: head, Cell: func(g ruler.Group) string {
		n, of := len(g.Where(fits).Labels("picture")), len(g.Labels("picture"))
		return fmt.Sprintf("%d of %d (at most %s)", n, of, ruler.Percent(ruler.UpperBound(n, of, .95), 0))
	}}
}

// measureSurvival makes and traces all leaks of a picture.
func measureSurvival(ctx context.Context, e *engine, env *ruler.Env, attacks []attack.Attack, path string, emit func(ruler.Trial)) {
	up := ruler.Must(env.Upload(path))
	m := ruler.Must(e.copied(ctx, env, path, up))
	ids := []watermark.CopyID{up.Copy}
	for k := 1; k < survivalCopies; k++ {
		ids = append(ids, watermark.CopyID(env.Draw(fmt.Sprint("copy ", k), up.Content)))
	}
	issued := make([]watermark.Candidate, len(ids))
	for i, id := range ids {
		issued[i] = watermark.Candidate{Copy: id, Key: env.Key, Strength: m.Strength}
	}
	opts := &watermark.Options{Submission: up.Options.Submission, Strength: m.Strength}
	copies := embedAll(env.Key, up.Image, opts, ids[:survivalCopies/2])
	tracer := ruler.Must(watermark.NewTracer(up.Image, issued, &watermark.TraceOptions{Submission: opts.Submission}))
	see := func(kind, name string, leak *image.NRGBA) {
		r := ruler.Must(tracer.Trace(ctx, leak))
		t := ruler.Trial{
			Labels: map[string]string{"picture": up.Name, "leak": kind, "attack": name},
			Values: map[string]float64{"there": yes(r.LogAny <= watermark.PresentLevel), "named": yes(len(r.Accused) > 0), "log10_p": r.LogAny, "power": r.Power},
		}
		if r.Survival > 0 {
			t.Values["survival"] = r.Survival
		}
		emit(t)
	}
	for _, a := range attacks {
		see(unmarked, a.Name, a.Apply(up.Image, up.Seed))
		see("marked", a.Name, a.Apply(m.Image, up.Seed))
	}
	for _, x := range removals() {
		leak := ruler.Must(hard.Find("jpeg90")).Apply(x.make(copies, up.Seed), up.Seed)
		kind := "scrubbed"
		if d := ruler.Must(e.detect(ctx, env.Key, leak)); d.Found {
			kind = "still read"
		}
		see(kind, x.name, leak)
	}
}

// atFalseAlarms returns how many scrubbed leaks have a survival below a limit, how many there are, and that limit: a share
// of the marked leaks is below. A leak whose survival was not measured is not below.
func atFalseAlarms(g ruler.Group, share float64) (caught, of int, limit float64) {
	marked, scrubbed := g.Where(ruler.Is("leak", "marked")), g.Where(ruler.Is("leak", "scrubbed"))
	below := marked.Values("survival")
	slices.Sort(below)
	if n := int(share * marked.Count()); n < len(below) {
		limit = below[n]
	}
	for _, s := range scrubbed.Values("survival") {
		if s < limit {
			caught++
		}
	}
	return caught, len(scrubbed), limit
}

// areaUnder returns the share of pairs of an unmarked and another leak in which the other leak has the smaller p. Equal
// p count half.
func areaUnder(g ruler.Group) float64 {
	sum, n := 0.0, 0.0
	marked := g.Where(ruler.Is("leak", "marked", "scrubbed", "still read", "removed")).Values("log10_p")
	for _, never := range g.Where(ruler.Is("leak", unmarked)).Values("log10_p") {
		for _, p := range marked {
			if p <= never {
				sum += .5
			}
			if p < never {
				sum += .5
			}
			n++
		}
	}
	return sum / n
}

// A removal makes a leak of copies of one picture that is to show none of their marks.
type removal struct {
	name string
	make func(copies []*image.NRGBA, seed uint64) *image.NRGBA
}

// removals lists every removal. Removals that [attack.All] has as attacks keep the names of these.
func removals() (out []removal) {
	by := func(name string, steps ...string) {
		out = append(out, removal{name, func(c []*image.NRGBA, seed uint64) *image.NRGBA {
			img := c[0]
			for _, s := range steps {
				img = ruler.Must(hard.Find(s)).Apply(img, seed)
			}
			return img
		}})
	}
	for _, name := range []string{"nlm", "bilateral", "median3", "median5"} {
		by(name, name)
	}
	by("noise, nlm", "noise5", "nlm")
	by("bilateral twice", "bilateral", "bilateral")
	for _, k := range []int{2, 4, 8, 32} {
		out = append(out, removal{fmt.Sprint("mean of ", k), func(c []*image.NRGBA, _ uint64) *image.NRGBA { return mixed("mean", c[:k]) }})
	}
	out = append(out, removal{"median of 5", func(c []*image.NRGBA, _ uint64) *image.NRGBA { return mixed("median", c[:5]) }})
	for _, gain := range []float32{1, 2} {
		out = append(out, removal{fmt.Sprintf("estimate subtracted, times %.0f", gain), func(c []*image.NRGBA, _ uint64) *image.NRGBA {
			e := estimateOf(c[0])
			return e.addTo(c[0], -gain)
		}})
	}
	return append(out, removal{"resampled at 40 %", func(c []*image.NRGBA, seed uint64) *image.NRGBA {
		w, h := c[0].Rect.Dx(), c[0].Rect.Dy()
		return attack.New("", "", "", func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
			return imaging.Resize(imaging.Resize(p, w*2/5, h*2/5, imaging.Box), w, h, imaging.CatmullRom)
		}).Apply(c[0], seed)
	}})
}
