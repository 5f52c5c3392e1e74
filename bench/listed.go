package main

import (
	"context"
	"image"
	"math"
	"math/rand/v2"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/watermark"
)

// listSizes are the lengths of the lists of issued copies.
var listSizes = [...]int{1000, 1_000_000}

// readListed measures what the list of issued copies adds to reading.
func readListed(e *engine) *ruler.Experiment {
	var lists [len(listSizes)]*watermark.List
	var key *watermark.Key
	own := watermark.CopyID(0x5eed)
	var louder float64
	return &ruler.Experiment{
		Name:  "listed",
		Short: "What is read with the list of issued copies",
		Long: `Mark each picture, attack it, and read it by the mark's own check and with lists of 1,000
and of a million copies that were issued. The unmarked picture goes through the same attacks and is read with the
longer list. --louder raises the finished mark, pilots and code: a bound of what a gain in the code alone buys.
Exit 1 when any reading gives a wrong ID.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.Float64Var(&louder, "louder", 0, "raise the mark of each copy by so many `dB`")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			names := []string{"jpeg20", "jpeg10", "thumb320", "thumb240", "crop05", "persp8", "blur4", "nlm", "sticker512", "webp30", "webp10", "avif1280", "heic1280", "docscan"}
			if len(env.AttackNames) > 0 {
				names = env.AttackNames
			}
			attacks, err := inTurn(names)
			if err != nil {
				return nil, err
			}
			return after(func(context.Context) {
				key = env.Key
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
				m := ruler.Must(e.copied(ctx, env, path, up))
				for _, a := range attacks {
					for i, img := range [...]*image.NRGBA{raised(up.Image, m.Image, louder), up.Image} {
						marked := [...]string{"marked", "unmarked"}[i]
						t := ruler.Trial{
							Labels: map[string]string{"picture": up.Name, "attack": a.Name, "leak": marked},
							Values: map[string]float64{"read": 0, "wrong": 0},
						}
						r := ruler.Must(watermark.Read(ctx, a.Apply(img, up.Seed), key))
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
						emit(t)
					}
				}
			})), nil
		},
		Tables: []ruler.Table{{
			Name: "all", By: []string{"leak"},
			Columns: []ruler.Column{ruler.Of("check", "read"), ruler.Of("thousand", "short"), ruler.Of("million", "long")},
		}, {
			Name: "short", Doc: true, By: []string{"leak", "attack"}, Heads: []string{"leak", "after"}, Total: "all",
			Columns: []ruler.Column{
				ruler.Sums("by the check", "read"), ruler.Sums("among 1,000", "short"), ruler.Sums("among 1,000,000", "long"),
				ruler.Counts("of"), ruler.Sums("wrong", "wrong"),
			},
		}},
		Missed: func(trials []ruler.Trial) []string { return wrongIDs(trials, "attack") },
	}
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
