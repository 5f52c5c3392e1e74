package examine

import (
	"context"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

// pieces returns the rectangles into which flat rows and columns divide a leak: the pictures of a gallery. nil: nothing divides it.
func (l *Leak) pieces() (out []image.Rectangle) {
	for _, row := range l.runs(l.Image.Rect, false) {
		for _, column := range l.runs(row, true) {
			out = append(out, l.runs(column, false)...)
		}
	}
	return slices.DeleteFunc(out, func(r image.Rectangle) bool { return r == l.Image.Rect })
}

// runs returns the rectangles, [tuning.MinStrip] and more a side, into which flat rows divide r. If upright, flat columns do.
func (l *Leak) runs(r image.Rectangle, upright bool) (out []image.Rectangle) {
	from, end, at := r.Min.Y, r.Max.Y, func(a, b int) image.Rectangle { return image.Rect(r.Min.X, a, r.Max.X, b) }
	if upright {
		from, end, at = r.Min.X, r.Max.X, func(a, b int) image.Rectangle { return image.Rect(a, r.Min.Y, b, r.Max.Y) }
	}
	for i := from; i <= end; i++ {
		if i == end || l.flat(at(i, i+1)) {
			if run := at(from, i); min(run.Dx(), run.Dy()) >= tuning.MinStrip {
				out = append(out, run)
			}
			from = i + 1
		}
	}
	return out
}

// flat reports whether nearly all pixels of r have one colour, as far as compression keeps it: the rest may be of an upload beside r.
func (l *Leak) flat(r image.Rectangle) bool {
	var of [65]int // by green
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			of[l.Image.Pix[l.Image.PixOffset(x, y)+1]/4]++
		}
	}
	same := 0
	for i, n := range of[1:] {
		same = max(same, of[i]+n)
	}
	return float64(same) >= float64(tuning.FlatShare*float64(r.Dx()*r.Dy()))
}

// beneath looks at the colours that transparent pixels of a leak hide, and adds to e what it finds there.
func beneath(ctx context.Context, v *Examiner, l *Leak, e *conclude.Evidence) error {
	if l.under == nil || len(v.Cfg.Keys) == 0 || len(v.Cfg.Against) > 0 {
		return nil
	}
	under := &Leak{Picture: &picture.Picture{Image: l.under}, Known: l.Known, level: tuning.SiblingLevel}
	in, err := gather(ctx, v, under)
	if err == nil {
		(&place{l, under, l.Image.Rect, false, e, in}).add(watermark.Submission{})
	}
	return err
}
