package hard

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/test/attack"
)

// halftonePrint prints in black dots, 1200 px long and three dots a pixel, on paper that is not
// flat. Then it scans the print, tilted, grey and slightly blurred.
func halftonePrint(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const finer = 3
	p = imaging.Grayscale(attack.ToSide(1200)(r, p))
	w, h := p.Rect.Dx(), p.Rect.Dy()
	p = attack.Blur(1.5)(r, dots(attack.ScaleTo(p, finer*w, finer*h)))
	p = buckle(r, attack.ScaleTo(p, w, h), 2)
	p = attack.Tone(attack.Line(.86, 20))(r, attack.Blur(1)(r, p))
	return crooked(greyNoise(r, p, 5), 1.3, .9)
}

// dots compares a grey picture with a screen of two crossing waves of 4.2 pixels at 45 degrees,
// and returns the dots of ink. The ink runs, so the edges of a dot are not sharp.
func dots(p *image.NRGBA) *image.NRGBA {
	const period, depth, steep = 4.2, 60, 1.2
	const frequency = 2 * math.Pi / (math.Sqrt2 * period)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	sin, _ := attack.Waves(w, frequency)
	_, cos := attack.Waves(h, frequency)
	out := image.NewNRGBA(p.Rect)
	for y := range h {
		src, dst := p.Pix[y*p.Stride:][:4*w], out.Pix[y*out.Stride:][:4*w]
		for x := range w {
			screen := 127 + depth*2*sin[x]*cos[y] // sin(x+y) + sin(x-y)
			v := attack.Clamp8((float64(src[4*x])-screen)*steep + 127)
			dst[4*x], dst[4*x+1], dst[4*x+2], dst[4*x+3] = v, v, v, 255
		}
	}
	return out
}

// buckle moves every pixel by a smooth random field of the given deviation in pixels. The field
// is drawn at 5 x 5 knots over the picture, and is cubic between them.
func buckle(r *rand.Rand, p *image.NRGBA, deviation float64) *image.NRGBA {
	const knots = 5
	var fields [2][knots][knots]float64
	for f := range fields {
		for y := range knots {
			for x := range knots {
				fields[f][y][x] = deviation * r.NormFloat64()
			}
		}
	}
	across, down := knotWeights(p.Rect.Dx(), knots), knotWeights(p.Rect.Dy(), knots)
	var rows [2][knots]float64
	at := -1.
	return attack.Pull(p, func(x, y float64) (float64, float64) {
		if y != at {
			at = y
			for f := range fields {
				for k := range knots {
					rows[f][k] = 0
					for j, w := range down[int(y)] {
						rows[f][k] += w * fields[f][j][k]
					}
				}
			}
		}
		var move [2]float64
		for k, w := range across[int(x)] {
			move[0] += w * rows[0][k]
			move[1] += w * rows[1][k]
		}
		return x + move[0], y + move[1]
	})
}

// knotWeights returns, for each of n positions, the weight of each knot. The knots are spread
// over the positions as samples are over a picture; the outermost knots go on outside.
func knotWeights(n, knots int) [][]float64 {
	all := make([][]float64, n)
	for i := range all {
		all[i] = make([]float64, knots)
		at := (float64(i)+.5)*float64(knots)/float64(n) - .5
		first := int(math.Floor(at)) - 1
		for k := first; k < first+4; k++ {
			all[i][min(knots-1, max(0, k))] += attack.Cubic(float64(k) - at)
		}
	}
	return all
}

// greyNoise adds the same Gaussian noise of deviation sigma levels to all channels.
func greyNoise(r *rand.Rand, p *image.NRGBA, sigma float64) *image.NRGBA {
	out := imaging.Clone(p)
	for i := 0; i < len(p.Pix); i += 4 {
		add := sigma * r.NormFloat64()
		for k := range 3 {
			out.Pix[i+k] = attack.Clamp8(float64(p.Pix[i+k]) + add)
		}
	}
	return out
}

// crooked turns the page about its middle by deg degrees and shrinks it to the given share of
// its size. The result is as large as p; around the page is light paper.
func crooked(p *image.NRGBA, deg, size float64) *image.NRGBA {
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	s, c := math.Sincos(deg * math.Pi / 180)
	s, c = s*size, c*size
	m := geometry.Mat{
		c, s, w/2 - c*w/2 - s*h/2,
		-s, c, h/2 + s*w/2 - c*h/2,
		0, 0, 1,
	}
	return attack.Warp(p, m, p.Rect.Dx(), p.Rect.Dy(), color.NRGBA{240, 240, 240, 255})
}
