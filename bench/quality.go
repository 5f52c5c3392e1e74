package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/quality"
	"github.com/kycmark/kycmark/phash"
)

// visible measures how visible the mark is, beside what JPEG does to the same pictures.
func visible(e *engine) *ruler.Experiment {
	var sheets string
	return &ruler.Experiment{
		Name:  "quality",
		Short: "How visible the mark is",
		Long: `Mark each picture and measure PSNR, SSIM, the bits of the PDQ hash that differ, and,
if libjxl's butteraugli_main is on PATH, Butteraugli; beside what JPEG 90 and 75 do to
the same pictures.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringVar(&sheets, "sheets", "", "write pictures of original, copy and difference to this `folder`")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) error {
				return e.look(ctx, env, path, sheets, emit)
			}), nil
		},
		Tables: []ruler.Table{
			{Name: "pictures", By: []string{"picture", "change"}, Columns: append([]ruler.Column{
				{Head: "pixels", Cell: func(g ruler.Group) string {
					return fmt.Sprintf("%.0f x %.0f", g.Mean("width"), g.Mean("height"))
				}},
				ruler.Means("strength", "strength", 2), ruler.Sums("weak", "weak"),
			}, qualityColumns()...)},
			{Name: "changes", Title: "Mean; worst in parentheses.", By: []string{"change"}, Heads: []string{""}, Columns: qualityColumns(), Note: func(g ruler.Group) string {
				if len(g.Having("butteraugli")) > 0 {
					return ""
				}
				return "**BUTTERAUGLI NOT MEASURED**: the program " + butteraugliTool + " is not on PATH (it comes with libjxl's tools)."
			}},
		},
	}
}

func qualityColumns() []ruler.Column {
	return []ruler.Column{
		meanWorst("PSNR, dB", "psnr", 1, false), meanWorst("SSIM", "ssim", 4, false), meanWorst("PDQ bits", "pdq", 0, true),
		meanWorst("Butteraugli, maximum", "butteraugli", 2, true), meanWorst("3-norm", "butteraugli_3norm", 2, true),
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

// look marks a picture and compares the marked one, and two JPEGs, with it.
func (e *engine) look(ctx context.Context, env *ruler.Env, path, sheets string, emit func(ruler.Trial)) error {
	up, err := env.Upload(path)
	if err != nil {
		return err
	}
	m, err := e.mark(ctx, env.Key, up.Copy, up.Image, up.Options)
	if err != nil {
		return err
	}
	if sheets != "" {
		if err := writeSheet(sheets, path, sheetOf(up.Image, m.Image)); err != nil {
			return err
		}
	}
	for _, change := range []struct{ name, attack string }{{"the mark", ""}, {"JPEG 90", "jpeg90"}, {"JPEG 75", "jpeg75"}} {
		changed := m.Image
		t := ruler.Trial{Labels: map[string]string{"picture": up.Name, "change": change.name}, Values: map[string]float64{
			"width": float64(up.Image.Rect.Dx()), "height": float64(up.Image.Rect.Dy()),
		}}
		if change.attack != "" {
			a, err := hard.Find(change.attack)
			if err != nil {
				return err
			}
			changed = a.Apply(up.Image, 0)
		} else {
			t.Values["strength"], t.Values["weak"] = m.Strength, yes(m.Weak)
		}
		t.Values["psnr"], t.Values["ssim"] = quality.PSNR(up.Image, changed), quality.SSIM(up.Image, changed)
		if err := e.seen(ctx, up.Image, changed, &t); err != nil {
			t.Error = err.Error()
		}
		emit(t)
	}
	return nil
}

// minHashQuality is the PDQ quality from which a hash tells pictures apart, as its authors
// advise. Below it hashes are left out.
const minHashQuality = 50

// seen adds what hash and Butteraugli see of a change.
func (e *engine) seen(ctx context.Context, original, changed *image.NRGBA, t *ruler.Trial) error {
	a, hashQuality, err := e.hash(phash.PDQ, original)
	if err != nil {
		return err
	}
	if hashQuality >= minHashQuality {
		b, _, err := e.hash(phash.PDQ, changed)
		if err != nil {
			return err
		}
		t.Values["pdq"] = float64(a.Distance(b))
	}
	if e.judge == nil {
		return nil
	}
	v, err := e.judge(ctx, original, changed)
	if err != nil {
		return err
	}
	t.Values["butteraugli"], t.Values["butteraugli_3norm"] = v.max, v.norm3
	return nil
}

func writeSheet(dir, file string, sheet *image.NRGBA) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var buf bytes.Buffer
	if err := picture.Encode(&buf, sheet, "png", 0); err != nil {
		return err
	}
	return writeOutput(filepath.Join(dir, filepath.Base(file)+".png"), buf.Bytes(), true)
}
