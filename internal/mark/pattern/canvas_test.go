package pattern

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The fast way from YCbCr gives the pixels that package color gives.
func TestPixelsOfYCbCr(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411} {
		src := image.NewYCbCr(image.Rect(3, 5, 160, 100), ratio)
		for _, plane := range [][]uint8{src.Y, src.Cb, src.Cr} {
			for i := range plane {
				plane[i] = uint8(rng.Uint32())
			}
		}
		got, err := Pixels(src)
		require.NoError(t, err)
		for y := range got.Rect.Dy() {
			for x := range got.Rect.Dx() {
				require.Equal(t, color.NRGBAModel.Convert(src.At(3+x, 5+y)), got.At(x, y), ratio)
			}
		}
	}
}
