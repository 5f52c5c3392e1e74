package watermark

import (
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// Torus is the side of the pattern in mark pixels.
const Torus = pattern.Torus

// Placement returns the map from the pixels of a w x h picture to mark pixels.
func Placement(key *Key, sub Submission, w, h int) geometry.Mat {
	return key.keyed().PixelPlacement(sub, w, h)
}
