package main

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// issue saves the victim's picture as a JPEG, and marks that file in its coefficients once for each ID, as "kycmark issue"
// does.
func (s *victim) issue(ctx context.Context, key *watermark.Key) {
	const quality = 90
	var b bytes.Buffer
	ruler.Check(jpeg.Encode(&b, s.Image, &jpeg.Options{Quality: quality}))
	o := ruler.Must(watermark.PrepareJPEG(key, b.Bytes(), 1, s.Options.Submission))
	s.Image, s.strength = opened(b.Bytes()), 1
	for _, id := range s.ids {
		m, file, err := o.Mark(ctx, id)
		ruler.Check(err)
		s.files, s.copies = append(s.files, file), append(s.copies, opened(file))
		s.strength = min(s.strength, m.Strength)
	}
	s.again = func() *image.NRGBA {
		o := ruler.Must(watermark.PrepareJPEG(key, s.files[0], 1, s.Options.Submission))
		_, file, err := o.Mark(ctx, s.ids[0])
		ruler.Check(err)
		return opened(file)
	}
}

// opened returns the pixels of a JPEG file.
func opened(file []byte) *image.NRGBA {
	return picture.Flatten(ruler.Must(picture.Decode(file, picture.Limits{})).Image)
}

// A choice is what an attacker puts in the place of a coefficient that differs between two copies. a and b are the
// coefficients of the copies in steps of quantisation. smooth is the coefficient of the first copy after the reader's
// filter, not rounded.
type choice func(r *rand.Rand, a, b, smooth float64) float64

func oneOfBoth(r *rand.Rand, a, b, _ float64) float64 {
	if r.IntN(2) == 0 {
		return a
	}
	return b
}

// middleOfBoth draws where the middle lies between two steps.
func middleOfBoth(r *rand.Rand, a, b, _ float64) float64 {
	return math.Floor((a+b)/2 + float64(r.IntN(2))/2)
}

func weakerOfBoth(_ *rand.Rand, a, b, _ float64) float64 {
	if math.Abs(a) < math.Abs(b) {
		return a
	}
	return b
}

func likelierOfBoth(_ *rand.Rand, a, b, smooth float64) float64 {
	if math.Abs(a-smooth) < math.Abs(b-smooth) {
		return a
	}
	return b
}

// mixCoefficients returns an attempt on the coefficients in which two copies of one file differ.
func mixCoefficients(choose choice) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		a, b := samplesOf(s.files[0]), samplesOf(s.files[1])
		random := attack.Random("coefficients", s.Seed)
		for i, p := range a.planes {
			smooth := dsp.Bilateral(p, 5, 6, 4)
			for at := range p.W / 8 * (p.H / 8) {
				x, y := at%(p.W/8)*8, at/(p.W/8)*8
				mixed := dsp.DCT2(p.Window(x, y, 8, 8), 8)
				other, filtered := dsp.DCT2(b.planes[i].Window(x, y, 8, 8), 8), dsp.DCT2(smooth.Window(x, y, 8, 8), 8)
				for k, v := range mixed.Pix {
					q := float64(a.jpeg.Components[i].Steps.Step(k%8, k/8))
					na, nb := math.Round(float64(v)/q), math.Round(float64(other.Pix[k])/q)
					if na != nb {
						mixed.Pix[k] += float32(q * (choose(random, na, nb, float64(filtered.Pix[k])/q) - na))
					}
				}
				back := dsp.InverseDCT2(mixed, mixed.W, mixed.H)
				for v := range 8 {
					copy(p.Row(y + v)[x:x+8], back.Row(v))
				}
			}
		}
		return a.picture(), s.Image
	}
}

// moveDifference adds half of what differs between two copies, times gain, to another picture: a mark of the first copy
// without the part that the copies have in common.
func moveDifference(gain float32) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		luma := lumaAdded(s.copies[0], s.copies[1])
		blue := dsp.NewPlane(luma.W, luma.H)
		for i := range blue.Pix {
			blue.Pix[i] = .564 * (float32(s.copies[0].Pix[4*i+2]) - float32(s.copies[1].Pix[4*i+2]) - luma.Pix[i])
		}
		d := estimate{luma, blue}
		return d.addTo(s.second, gain/2), s.second
	}
}

// notchBoth takes the n strongest peaks in the pilots' band out of the average of two copies.
func notchBoth(n, reach int) maker {
	return func(r *securityRun, s *victim) (leak, original *image.NRGBA) {
		both := victim{Upload: s.Upload, copies: []*image.NRGBA{mixed("mean", s.copies[:2])}}
		return notchOut(n, reach)(r, &both)
	}
}

// samples are the samples of a JPEG file: luma, blue and red difference, in whole blocks.
type samples struct {
	file   *image.YCbCr
	jpeg   *jpegcoef.Picture
	planes [3]dsp.Plane
}

func samplesOf(file []byte) *samples {
	img, ok := ruler.Must(jpeg.Decode(bytes.NewReader(file))).(*image.YCbCr)
	if !ok {
		ruler.Failf("a JPEG without colours")
	}
	s := &samples{file: img, jpeg: ruler.Must(jpegcoef.Read(file, len(img.Y)))}
	for i, from := range [...]struct {
		pix    []uint8
		stride int
	}{{img.Y, img.YStride}, {img.Cb, img.CStride}, {img.Cr, img.CStride}} {
		s.planes[i] = dsp.NewPlane(from.stride, len(from.pix)/from.stride)
		for k := range s.planes[i].Pix {
			s.planes[i].Pix[k] = float32(from.pix[k])
		}
	}
	return s
}

// picture returns the planes as pixels.
func (s *samples) picture() *image.NRGBA {
	for i, pix := range [...][]uint8{s.file.Y, s.file.Cb, s.file.Cr} {
		for k, v := range s.planes[i].Pix {
			pix[k] = level(0, v)
		}
	}
	return imaging.Clone(s.file)
}
