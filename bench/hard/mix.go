package hard

import (
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"

	"github.com/kycmark/kycmark/internal/test/attack"
)

// ErrMix is wrapped if there are no copies, or if their sizes differ.
var ErrMix = errors.New("attack: copies cannot be mixed")

// A Mix is a way for several recipients to make one picture from their copies of one upload.
type Mix struct {
	Name  string // as in tables and on the command line, such as "median"
	About string // one line for people

	run func(r *rand.Rand, copies []*image.NRGBA) *image.NRGBA
}

// Mixes returns the ways to mix copies, "mean" first.
func Mixes() []Mix {
	return []Mix{
		{"mean", "mean of all copies", func(_ *rand.Rand, c []*image.NRGBA) *image.NRGBA {
			return weighted(c, slices.Repeat([]float64{1}, len(c)))
		}},
		{"weighted", "mean with weights between 1 and 3, drawn for each copy", weightedAtRandom},
		{"median", "median, value by value", pointwise(middleOf)},
		{"min", "lowest, value by value", pointwise(func(v []uint8) int { return int(v[0]) })},
		{"max", "highest, value by value", pointwise(func(v []uint8) int { return int(v[len(v)-1]) })},
		{"minmax", "mean of lowest and highest", pointwise(func(v []uint8) int { return (int(v[0]) + int(v[len(v)-1])) / 2 })},
		{"modneg", "lowest and highest less the median", pointwise(func(v []uint8) int { return int(v[0]) + int(v[len(v)-1]) - middleOf(v) })},
		{"randnp", "lowest or highest, by a coin for each pixel", lowestOrHighest},
		{"mosaic8", "blocks of 8 px, each of a copy drawn for it", mosaicOf(8)},
		{"mosaic48", "blocks of 48 px, each of a copy drawn for it", mosaicOf(48)},
		{"pixels", "pixels, each of a copy drawn for it", mosaicOf(1)},
	}
}

// FindMix returns the mix called name. The error wraps [attack.ErrUnknown].
func FindMix(name string) (Mix, error) {
	mixes := Mixes()
	i := slices.IndexFunc(mixes, func(m Mix) bool { return m.Name == name })
	if i < 0 {
		return Mix{}, fmt.Errorf("%w: no mix %q", attack.ErrUnknown, name)
	}
	return mixes[i], nil
}

// Apply returns a new opaque picture, the mixture of copies of one size, with its origin at
// (0,0). It depends only on the copies, their order, the mix and seed. The error wraps
// [ErrMix].
func (m Mix) Apply(copies []*image.NRGBA, seed uint64) (*image.NRGBA, error) {
	if len(copies) == 0 || m.run == nil {
		return nil, fmt.Errorf("%w: no copies", ErrMix)
	}
	packed := make([]*image.NRGBA, len(copies))
	for i, c := range copies {
		if c.Rect.Size() != copies[0].Rect.Size() {
			return nil, fmt.Errorf("%w: sizes %v and %v", ErrMix, copies[0].Rect.Size(), c.Rect.Size())
		}
		packed[i] = attack.Attack{}.Apply(c, 0) // opaque, without gaps between rows
	}
	return m.run(attack.Random(m.Name, seed), packed), nil
}

// weightedAtRandom returns the weighted mean of the copies, with weights drawn between 1 and 3.
func weightedAtRandom(r *rand.Rand, copies []*image.NRGBA) *image.NRGBA {
	weights := make([]float64, len(copies))
	for i := range weights {
		weights[i] = attack.Uniform(r, 1, 3)
	}
	return weighted(copies, weights)
}

// weighted returns the weighted mean of the copies, rounded.
func weighted(copies []*image.NRGBA, weights []float64) *image.NRGBA {
	total := 0.
	for _, w := range weights {
		total += w
	}
	out := image.NewNRGBA(copies[0].Rect)
	for i := range out.Pix {
		sum := .5 * total
		for k, c := range copies {
			sum += weights[k] * float64(c.Pix[i])
		}
		out.Pix[i] = uint8(min(255, sum/total))
	}
	return out
}

// pointwise returns a mix that computes each value by f from the copies' values there, sorted
// ascending.
func pointwise(f func(v []uint8) int) func(*rand.Rand, []*image.NRGBA) *image.NRGBA {
	return func(_ *rand.Rand, copies []*image.NRGBA) *image.NRGBA {
		out := image.NewNRGBA(copies[0].Rect)
		v := make([]uint8, len(copies))
		for i := range out.Pix {
			for k, c := range copies {
				v[k] = c.Pix[i]
			}
			slices.Sort(v)
			out.Pix[i] = uint8(min(255, max(0, f(v))))
		}
		return out
	}
}

// middleOf returns the median; of an even number of values the mean of the middle two, rounded
// down.
func middleOf(v []uint8) int { return (int(v[(len(v)-1)/2]) + int(v[len(v)/2])) / 2 }

// lowestOrHighest takes each pixel at random from the lowest or from the highest values.
func lowestOrHighest(r *rand.Rand, copies []*image.NRGBA) *image.NRGBA {
	low := pointwise(func(v []uint8) int { return int(v[0]) })(r, copies)
	high := pointwise(func(v []uint8) int { return int(v[len(v)-1]) })(r, copies)
	for i := 0; i < len(low.Pix); i += 4 {
		if r.Uint32()&1 == 1 {
			copy(low.Pix[i:i+4], high.Pix[i:])
		}
	}
	return low
}

// mosaicOf returns a mix that fills each square of the given side, in pixels, from one randomly
// drawn copy.
func mosaicOf(side int) func(*rand.Rand, []*image.NRGBA) *image.NRGBA {
	return func(r *rand.Rand, copies []*image.NRGBA) *image.NRGBA {
		out := image.NewNRGBA(copies[0].Rect)
		w, h := out.Rect.Dx(), out.Rect.Dy()
		for y := 0; y < h; y += side {
			for x := 0; x < w; x += side {
				c := copies[r.IntN(len(copies))]
				for v := y; v < min(h, y+side); v++ {
					copy(out.Pix[v*out.Stride+4*x:v*out.Stride+4*min(w, x+side)], c.Pix[v*out.Stride+4*x:])
				}
			}
		}
		return out
	}
}
