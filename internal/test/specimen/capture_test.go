package specimen_test

import (
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
)

// flat is a document of one strong colour.
func flat(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.SetNRGBA(i%w, i/w, color.NRGBA{R: 230, G: 20, B: 210, A: 255})
	}
	return img
}

// inside says on which side of all four edges a point lies, with a margin in
// pixels: 1 well inside, -1 well outside, 0 near an edge.
func inside(quad [4][2]float64, x, y, margin float64) int {
	least := margin + 1
	for i := range quad {
		a, b := quad[i], quad[(i+1)%4]
		dx, dy := b[0]-a[0], b[1]-a[1]
		length := dx*dx + dy*dy
		side := ((y-a[1])*dx - (x-a[0])*dy) / (margin * margin)
		if side*side*margin*margin < length {
			return 0
		}
		least = min(least, side)
	}
	if least > 0 {
		return 1
	}
	return -1
}

// The quadrilateral that a capture gives is where the document is.
func TestCaptureKnowsWhereTheDocumentIs(t *testing.T) {
	for seed := range uint64(12) {
		for _, doc := range []*image.NRGBA{flat(300, 211), flat(210, 297)} {
			c := specimen.NewCapture(doc.Rect, seed, 240, 180)
			if seed%4 == 3 {
				c = specimen.NewScan(doc.Rect, seed, 240, 180)
			}
			img := c.Take(doc)
			wrong, seen := 0, 0
			for y := range 180 {
				for x := range 240 {
					where := inside(c.Quad, float64(x)+0.5, float64(y)+0.5, 6)
					p := img.NRGBAAt(x, y)
					pink := int(p.R) > int(p.G)+45 && int(p.B) > int(p.G)+45
					if where != 0 {
						seen++
						if pink != (where > 0) {
							wrong++
						}
					}
				}
			}
			assert.Greater(t, seen, 25000, "seed %d", seed)
			assert.Zero(t, wrong, "seed %d, %v", seed, doc.Rect)
		}
	}
}

func TestCaptureFillsTheFrame(t *testing.T) {
	for seed := range uint64(200) {
		c := specimen.NewCapture(image.Rect(0, 0, 856, 540), seed, 1600, 1200)
		for _, corner := range c.Quad {
			require.True(t, corner[0] > 0 && corner[0] < 1600 && corner[1] > 0 && corner[1] < 1200, "seed %d: %v", seed, c.Quad)
		}
		width := c.Quad[1][0] - c.Quad[0][0]
		require.Greater(t, width, 0.55*1600, "seed %d", seed)
	}
}

func TestOtherSeedOtherCapture(t *testing.T) {
	doc := specimen.Render(specimen.IDCard, specimen.NewPerson(3), 300)
	whole := image.Rect(0, 0, 100, 100)
	a, b := specimen.Photograph(doc, 1, 200, 150), specimen.Photograph(doc, 2, 200, 150)
	assert.Greater(t, difference(a, b, whole), 10.0)
	c, d := specimen.Scan(doc, 1, 200, 150), specimen.Scan(doc, 2, 200, 150)
	assert.Greater(t, difference(c, d, whole), 1.0)
}
