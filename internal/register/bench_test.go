package register_test

import (
	"context"
	"testing"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/register"
)

// BenchmarkFind registers leaks of 1600 pixels onto an original of 12 megapixels:
// everything that one trace does, from both pictures' luma.
func BenchmarkFind(b *testing.B) {
	small := passport()
	const w, h = 4000, 3000
	full := view(small, geometry.PixelScale(float64(small.W)/w, float64(small.H)/h), w, h)
	mid := geometry.Point{X: (w - 1) / 2.0, Y: (h - 1) / 2.0}
	for _, c := range []struct {
		name string
		leak dsp.Plane
	}{
		{"stretch", view(full, geometry.PixelScale(2.5, 2.5), 1600, 1200)},
		{"features", view(full, similar(1600, 1200, mid, 0.08, 2.2), 1600, 1200)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := register.New(full.Lazy()).Find(context.Background(), register.NewLeak(c.leak.Lazy()), nil)
				if err != nil || r == nil {
					b.Fatal(r, err)
				}
			}
		})
	}
}
