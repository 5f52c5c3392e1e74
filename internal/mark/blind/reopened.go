package blind

import (
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/requant"
)

// A leak that was last opened from a hard JPEG file is not a picture plus noise. A mark
// shows in which of its coefficients were rounded to something else than what is around
// them. In the plain residual the other coefficients look as if nothing had been added.

// reopened returns the whitened luma of a leak that was last opened from a hard JPEG file: what the
// roundings show, plus a share of the plain residual, which says more if little was rounded. plain
// is the leak's luma carrier and gives the size; it is not changed. It returns false if p has more
// than maxReopened pixels, shows no such file, or was rounded in steps too small to matter.
func reopened(p *image.NRGBA, plain dsp.Plane) (dsp.Plane, bool) {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if w*h > maxReopened {
		return dsp.Plane{}, false
	}
	l, ok := requant.OpenFine(p)
	pitch := pattern.Torus / float64(max(w, h))
	if !ok || l.MeanStep(float64(pattern.BandLow*pitch), float64(pattern.BandHigh*pitch)) < minMeanStep {
		return dsp.Plane{}, false
	}
	wave := min(max((max(w, h)+waves/2)/waves, minWave), maxWave)
	s := l.ReadAlone(wave)
	if s.W != plain.W || s.H != plain.H {
		s = dsp.Shrink(s, plain.W, plain.H)
	}
	level(s, dsp.NewPlane(s.W, s.H), float64(quietScores*s.RMS()))
	whiten(s)
	for i, v := range plain.Pix {
		s.Pix[i] += float32(plainShare * v)
	}
	s.Scale(float32(1 / (s.RMS() + 1e-20)))
	return s, true
}
