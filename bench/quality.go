package main

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/phash"
)

// visible measures how visible the mark is, beside what JPEG does to the same pictures.
func visible(e *engine) *ruler.Experiment {
	var pairs int
	return &ruler.Experiment{
		Name:  "quality",
		Short: "How visible the mark is",
		Long: `Mark each picture and measure PSNR, SSIM, the bits of the PDQ hash that differ, and,
if libjxl's butteraugli_main is on PATH, Butteraugli; beside what JPEG 90 and 75 do to
the same pictures. "the file" is a copy as it is handed out, against that file without the mark, and its weight.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&pairs, "pairs", 0, "`number` of pairs that observers see, over all pictures")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				e.look(ctx, env, path, (pairs+len(env.Pictures)-1)/len(env.Pictures), emit)
			}), nil
		},
		Tables: []ruler.Table{
			{Name: "pictures", Where: ruler.Has("width"), By: []string{"picture", "change"}, Columns: append([]ruler.Column{
				pixels(),
				ruler.Means("strength", "strength", 2), ruler.Sums("weak", "weak"),
			}, qualityColumns()...)},
			{Name: "changes", Where: ruler.Has("width"), Title: "Mean; worst in parentheses.", By: []string{"change"}, Heads: []string{""}, Columns: qualityColumns(), Note: func(g ruler.Group) string {
				if len(g.Having("butteraugli")) > 0 {
					return ""
				}
				return "**BUTTERAUGLI NOT MEASURED**: the program " + butteraugliTool + " is not on PATH (it comes with libjxl's tools)."
			}},
			{Name: "pairs", Title: "Pairs in which an observer names the marked picture.", Where: ruler.Has("alone"), Heads: []string{}, Columns: []ruler.Column{
				ruler.Share("alone", "alone"), ruler.Share("told", "told"), ruler.Counts("pairs"),
			}},
		},
	}
}

// qualityColumns returns the columns of every measure of visibility.
func qualityColumns() []ruler.Column {
	return []ruler.Column{
		meanWorst("PSNR, dB", "psnr", 1, false), meanWorst("SSIM", "ssim", 4, false), meanWorst("PDQ bits", "pdq", 0, true),
		meanWorst("weight of the file", "weight", 3, true), meanWorst("Butteraugli, maximum", "butteraugli", 2, true), meanWorst("3-norm", "butteraugli_3norm", 2, true),
	}
}

// meanWorst is a column "46.5 (42.3)": the mean of a value and its worst, which is the
// lowest or the highest. Counted trials have the worst under min_ or max_ and the name.
func meanWorst(head, value string, decimals int, highest bool) ruler.Column {
	return ruler.Column{Head: head, Cell: func(g ruler.Group) string {
		g = g.Having(value)
		if len(g) == 0 {
			return "-"
		}
		prefix, worse, worst := "min_", math.Min, math.Inf(1)
		if highest {
			prefix, worse, worst = "max_", math.Max, math.Inf(-1)
		}
		for _, t := range g {
			v, counted := t.Values[prefix+value]
			if !counted {
				v = t.Values[value]
			}
			worst = worse(worst, v)
		}
		if g.Count() == 1 {
			return ruler.Decimals(worst, decimals)
		}
		return fmt.Sprintf("%s (%s)", ruler.Decimals(g.Mean(value), decimals), ruler.Decimals(worst, decimals))
	}}
}

// look marks a picture and compares the marked one, and two JPEGs, with it. Observers see so many pairs of it.
func (e *engine) look(ctx context.Context, env *ruler.Env, path string, pairs int, emit func(ruler.Trial)) {
	up := ruler.Must(env.Upload(path))
	m := ruler.Must(e.mark(ctx, env.Key, up.Copy, up.Image, up.Options))
	if e.handOut != nil {
		h := ruler.Must(e.handOut(ctx, env.Key, path, up))
		plain := h.plain()
		if e.judge != nil {
			e.observe(ctx, up, plain, h.Image, pairs, emit)
		}
		e.compare(ctx, up, plain, h.Image, ruler.Trial{
			Labels: map[string]string{"picture": up.Name, "change": "the file"}, Values: map[string]float64{"weight": h.weight},
		}, emit)
	}
	e.compare(ctx, up, up.Image, m.Image, ruler.Trial{
		Labels: map[string]string{"picture": up.Name, "change": "the mark"}, Values: map[string]float64{"strength": m.Strength, "weak": yes(m.Weak)},
	}, emit)
	for _, quality := range []string{"90", "75"} {
		e.compare(ctx, up, up.Image, ruler.Must(hard.Find("jpeg"+quality)).Apply(up.Image, 0), ruler.Trial{
			Labels: map[string]string{"picture": up.Name, "change": "JPEG " + quality}, Values: map[string]float64{},
		}, emit)
	}
}

// compare emits t with what two pictures differ by.
func (e *engine) compare(ctx context.Context, up *ruler.Upload, before, after *image.NRGBA, t ruler.Trial, emit func(ruler.Trial)) {
	t.Values["width"], t.Values["height"] = float64(up.Image.Rect.Dx()), float64(up.Image.Rect.Dy())
	t.Values["psnr"], t.Values["ssim"] = compare.PSNR(before, after), compare.SSIM(before, after)
	if err := ruler.Catch(func() { e.seen(ctx, before, after, &t) }); err != nil {
		t.Error = err.Error()
	}
	emit(t)
}

// minHashQuality is the PDQ quality from which a hash tells pictures apart, as its authors
// advise. Below it hashes are left out.
const minHashQuality = 50

// seen adds what hash and Butteraugli see of a change.
func (e *engine) seen(ctx context.Context, original, changed *image.NRGBA, t *ruler.Trial) {
	a, hashQuality, err := e.hash(phash.PDQ, original)
	ruler.Check(err)
	if hashQuality >= minHashQuality {
		b, _, err := e.hash(phash.PDQ, changed)
		ruler.Check(err)
		t.Values["pdq"] = float64(a.Distance(b))
	}
	if e.judge != nil {
		v := e.judge(ctx, original, changed)
		t.Values["butteraugli"], t.Values["butteraugli_3norm"] = v.max, v.norm3
	}
}
