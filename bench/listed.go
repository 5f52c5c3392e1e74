package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/watermark"
)

// listSizes are the lengths of the lists of issued copies.
var listSizes = [...]int{1000, 1_000_000}

// framed are the attacks that leave the whole picture in its place, so that the true place of its mark is known.
var framed = []string{"jpeg20", "jpeg10", "thumb320", "thumb240", "blur4", "nlm", "sticker512", "webp30", "webp10", "avif1280", "heic1280", "docscan"}

// readListed measures what the list of issued copies adds to reading.
func readListed(e *engine) *ruler.Experiment {
	var lists [len(listSizes)]*watermark.List
	var key *watermark.Key
	var kd *blind.Keys
	own := watermark.CopyID(0x5eed)
	var louder float64
	return &ruler.Experiment{
		Name:  "listed",
		Short: "What is read with the list of issued copies",
		Long: `Mark each picture, attack it, and read it by the mark's own check and with lists of 1,000
and of a million copies that were issued. The unmarked picture goes through the same attacks and is read with the
longer list. "Matched" also looks where the leak lies on its upload, as an investigation does. The level
where the mark truly lies is the signal of the code over the noise: with a million copies
-5.7 dB are needed. That is what the codec leaves, whatever the search. --louder raises the finished mark, pilots and code: a bound of what a gain in the code alone buys.
Exit 1 when any reading gives a wrong ID.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.Float64Var(&louder, "louder", 0, "raise the mark of each copy by so many `dB`")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			names := append([]string{"crop05", "persp8"}, framed...)
			if len(env.AttackNames) > 0 {
				names = env.AttackNames
			}
			attacks, err := inTurn(names)
			if err != nil {
				return nil, err
			}
			return after(func(context.Context) {
				key = env.Key
				secret := ruler.Must(code.ParseSecret(key.Secret()))
				kd = blind.NewKeys(pattern.NewKeys(&secret))
				r := rand.New(rand.NewPCG(env.Seed, 1))
				ids := []watermark.CopyID{own}
				for len(ids) < listSizes[len(listSizes)-1] {
					ids = append(ids, watermark.CopyID(r.Uint64()))
				}
				for i, n := range listSizes {
					lists[i] = watermark.NewList(key, ids[:n])
				}
			}, ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				up := ruler.Must(env.Upload(path))
				up.Copy = own
				m, original := ruler.Must(e.copied(ctx, env, path, up)), capture.New(dsp.LazyLuma(up.Image))
				for _, a := range attacks {
					for i, img := range [...]*image.NRGBA{raised(up.Image, m.Image, louder), up.Image} {
						marked := [...]string{"marked", "unmarked"}[i]
						t := ruler.Trial{
							Labels: map[string]string{"picture": up.Name, "attack": a.Name, "leak": marked},
							Values: map[string]float64{"read": 0, "wrong": 0},
						}
						leak := a.Apply(img, up.Seed)
						r := ruler.Must(watermark.Read(ctx, leak, key))
						tally := func(name string, found []*watermark.Detection) {
							for _, d := range found {
								t.Values[name] = 1
								if d.Copy != own || marked == "unmarked" {
									t.Values["wrong"], t.Labels["got"] = 1, d.Copy.String()
								}
							}
						}
						tally("read", r.Marks)
						for i, name := range []string{"short", "long"} {
							t.Values[name] = t.Values["read"]
							tally(name, r.Among(lists[i]))
						}
						if marked == "marked" && slices.Contains(framed, a.Name) {
							t.Values["level"] = levelInPlace(kd, up, leak)
						}
						t.Values["matched"] = t.Values["long"]
						tally("matched", placed(ctx, r, leak, key, up, original).Among(lists[len(lists)-1]))
						emit(t)
					}
				}
			})), nil
		},
		Tables: []ruler.Table{{
			Name: "all", By: []string{"leak"},
			Columns: []ruler.Column{ruler.Of("check", "read"), ruler.Of("thousand", "short"), ruler.Of("million", "long"), ruler.Of("matched", "matched")},
		}, {
			Name: "short", Doc: true, By: []string{"leak", "attack"}, Heads: []string{"leak", "after"}, Total: "all",
			Columns: []ruler.Column{
				ruler.Sums("by the check", "read"), ruler.Sums("among 1,000", "short"), ruler.Sums("among 1,000,000", "long"),
				ruler.Sums("matched", "matched"), {Head: "with 2 dB more", Cell: func(g ruler.Group) string { return fmt.Sprint(len(g.Where(readLouder))) }},
				ruler.Quantiles("level, dB, 10 % / 50 %", "level", 1, .1, .5),
				ruler.Counts("of"), ruler.Sums("wrong", "wrong"),
			},
		}},
		Missed: func(trials []ruler.Trial) []string { return wrongIDs(trials, "attack") },
	}
}

// placed returns the reading of a leak with the place where the leak lies on its upload, as an investigation looks for it.
func placed(ctx context.Context, r *watermark.Reading, leak *image.NRGBA, key *watermark.Key, up *ruler.Upload, original *capture.Original) *watermark.Reading {
	sight := ruler.Must(original.Find(ctx, dsp.LazyLuma(leak)))
	if sight == nil {
		return r
	}
	return ruler.Must(r.At(leak, key, watermark.Laid{Submission: up.Options.Submission, Original: original, Sight: sight}))
}

// readLouder reports whether a leak is read with the list where it lies on its upload, or would be if its code were 2 dB
// louder: more than what choosing among 2^12 code words by the picture could buy.
func readLouder(t *ruler.Trial) bool {
	const needed, gain = -5.7, 2 // dB
	level, measured := t.Values["level"]
	return t.Values["matched"] == 1 || measured && level >= needed-gain
}

// levelInPlace returns the level of the code where the mark lies in a leak that shows the whole upload, in dB from -34 to
// 14.
func levelInPlace(kd *blind.Keys, up *ruler.Upload, leak *image.NRGBA) float64 {
	view := ruler.Must(blind.NewView(leak))
	w, h := up.Image.Rect.Dx(), up.Image.Rect.Dy()
	m := kd.PixelPlacement(up.Options.Submission, w, h).Mul(geometry.PixelScale(float64(w)/float64(view.W), float64(h)/float64(view.H)))
	soft, sum := view.Soft(kd, m), 0.
	for j, c := range kd.Payload.Encode(uint64(up.Copy)) {
		sum += float64(c) * soft[j]
	}
	c := min(max(sum/math.Sqrt(code.CodedN), .02), .98)
	return 10 * math.Log10(c*c/(1-c*c))
}

// raised returns a marked picture whose difference from the upload is so many decibels larger, within 0 to 255. Rounding
// up is as likely as the fraction, so that small differences grow like large ones.
func raised(upload, marked *image.NRGBA, db float64) *image.NRGBA {
	out, gain, r := image.NewNRGBA(marked.Rect), math.Pow(10, db/20), rand.New(rand.NewPCG(1, 1))
	for i, was := range upload.Pix {
		v := float64(was) + gain*(float64(marked.Pix[i])-float64(was))
		out.Pix[i] = uint8(min(max(math.Floor(v+r.Float64()), 0), 255))
	}
	return out
}
