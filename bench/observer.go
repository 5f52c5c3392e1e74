package main

import (
	"context"
	"image"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
)

// pairSide is the side in pixels of what an observer sees of a picture: a phone's width at 200 %.
const pairSide = 256

// observe shows model observers n pairs of a place without and with the mark, in turn first. Places are drawn. An observer
// says that the picture with the higher peak of Butteraugli's map is marked; at equal peaks half a pair counts. "alone" knows
// nothing but the two: it compares each with the same file encoded again. "told" knows the upload, encoded again, and
// compares both with that: more than any recipient has.
func (e *engine) observe(ctx context.Context, up *ruler.Upload, plain, marked *image.NRGBA, n int, emit func(ruler.Trial)) {
	again := ruler.Must(hard.Find("jpeg90"))
	r := rand.New(rand.NewPCG(up.Seed, pairSide))
	size := plain.Rect.Size()
	for range n {
		side := image.Pt(min(pairSide, size.X), min(pairSide, size.Y))
		at := image.Pt(r.IntN(size.X-side.X+1), r.IntN(size.Y-side.Y+1))
		box := image.Rectangle{at, at.Add(side)}
		a, b := imaging.Crop(plain, box), imaging.Crop(marked, box)
		t := ruler.Trial{Labels: map[string]string{"picture": up.Name}, Values: map[string]float64{}}
		peak := func(reference, seen *image.NRGBA) float64 { return e.judge(ctx, reference, seen).max }
		right := func(name string, plain, marked float64) {
			t.Values[name] = yes(marked > plain) + yes(marked == plain)/2
		}
		if err := ruler.Catch(func() {
			known := again.Apply(a, 0)
			was := peak(known, a)
			right("alone", was, peak(again.Apply(b, 0), b))
			right("told", was, peak(known, b))
		}); err != nil {
			t.Error = err.Error()
		}
		emit(t)
	}
}
