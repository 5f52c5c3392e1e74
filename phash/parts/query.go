package parts

import (
	"cmp"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Query is what an index is asked about one leak: the features of the leak and of its
// mirror image. A Query is immutable.
type Query struct {
	size            image.Point // of the leak, pixels
	width, height   int         // of the canonical leak
	scale           float64     // canonical pixels per pixel of the leak
	asked, mirrored []asked
}

// An asked feature is one with how sure the first signs are.
type asked struct {
	feature
	margin [maxAddress]uint8 // distance from 0 along the first axes, in parts of the deviation by which edits move it
}

// Examine finds the features of a leak. A small leak is enlarged first. A negative has to be inverted by the caller. A
// blank picture has few features or none, which is no error. Errors wrap [ErrPicture].
func Examine(img image.Image) (*Query, error) {
	p, err := canonical(img, leakSide)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	if max(p.W, p.H) < minLong || min(p.W, p.H) < minShort {
		p = dsp.Enlarged(p, enlarged*p.W, enlarged*p.H)
	}
	q := &Query{size: size, width: p.W, height: p.H, scale: float64(p.W) / float64(size.X)}
	all := find(p, turnShare, maxTurns)
	spread(all, p.W, p.H)
	// There are few coarse ones, and noise is fine.
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(min(b.octave, 1), min(a.octave, 1)) })
	all = all[:min(len(all), maxAsked)]
	for _, f := range all {
		q.asked = append(q.asked, f.ask())
	}
	mirror(all, p.W)
	for _, f := range all {
		q.mirrored = append(q.mirrored, f.ask())
	}
	return q, nil
}

// ask returns f as an index is asked for it, with the margins of its first maxAddress signs. A
// margin above 255 parts is cut to 255.
func (f *found) ask() (a asked) {
	a.feature = f.feature
	for i := range a.margin {
		v := f.along[i]
		a.margin[i] = uint8(min(255, float32(marginParts*max(v, -v))))
	}
	return a
}

// mirror changes features to what they are in the mirror image, left to right, of a picture of width w,
// canonical pixels.
func mirror(all []*found, w int) {
	for _, f := range all {
		f.h = f.h.mirrored()
		f.x, f.turn = float32(w-1)-f.x, (turnSteps/2-f.turn)&(turnSteps-1)
	}
	learned.project(all)
}

func (q *Query) Len() int { return len(q.asked) }
