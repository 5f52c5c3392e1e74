package watermark

import "github.com/kycmark/kycmark/internal/geometry"

// Torus is the side of the pattern in mark pixels.
const Torus = torus

// Placement returns the map from the pixels of a w x h picture to mark pixels.
func Placement(key *Key, sub Submission, w, h int) geometry.Mat {
	return key.keyed().pixelPlacement(sub, w, h)
}

// KeysOf returns what reading makes of a key.
func KeysOf(key *Key) *readKeys { return key.keyed() }
