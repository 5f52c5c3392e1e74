package watermark

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"image"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/requant"
)

// traceVector is what a trace finds, to the bit.
type traceVector struct {
	Scores, Payloads, LogE [2]string // of the copy that leaked and of another
	Expected, Residual     string
	Quad                   [8]string
}

func ownPixels(t *testing.T, img image.Image) *image.NRGBA {
	p, err := pattern.Pixels(img)
	require.NoError(t, err)
	return p
}

// TestTraceVectors pins a trace of a shrunk leak, laid on as it is, of a part, found by
// features, of one that shows roundings, and of a part that was shrunk and does: a verdict
// rests on them, so they must be the same on every processor.
func TestTraceVectors(t *testing.T) {
	const file = "testdata/v1/trace.json"
	const id = CopyID(0x0123456789abcdef)
	sub := Submission{0xca, 0xfe}
	original := traceScene(480, 360)
	var raw [code.SecretSize]byte
	k := newKey(raw)
	tr, err := NewTracer(original, []Candidate{{Copy: id, Key: k}, {Copy: 1, Key: k}}, &TraceOptions{Submission: sub})
	require.NoError(t, err)
	marked, err := Embed(k, id, original, &Options{Submission: sub})
	require.NoError(t, err)
	var got []traceVector
	part := ownPixels(t, marked.SubImage(image.Rect(14, 8, 464, 350)))
	for i, leak := range []image.Image{halved(marked), marked.SubImage(image.Rect(90, 60, 370, 300)), blocksRounded(marked, 40), blocksRounded(halved(part), 30)} {
		r, err := tr.Trace(context.Background(), leak)
		require.NoError(t, err)
		require.Equal(t, []CopyID{id}, r.Accused)
		open := requant.OpenFinest
		if leak.Bounds() == original.Bounds() {
			open = requant.Open
		}
		_, rounded := open(ownPixels(t, leak))
		require.Equal(t, i >= 2, rounded)
		v := traceVector{Expected: bitsOf(r.Expected), Residual: bitsOf(r.Residual)}
		for k, c := range r.Copies {
			v.Scores[k], v.Payloads[k], v.LogE[k] = bitsOf(c.Score), bitsOf(c.Payload), bitsOf(c.LogE)
		}
		for k, p := range r.Quad {
			v.Quad[2*k], v.Quad[2*k+1] = bitsOf(p.X), bitsOf(p.Y)
		}
		got = append(got, v)
	}
	text, err := json.MarshalIndent(got, "", "\t")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text)+"\n")
}

func bitsOf(v float64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
}

// halved averages 2 x 2 pixels, rounded down.
func halved(p *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, p.Rect.Dx()/2, p.Rect.Dy()/2))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			a, b := p.PixOffset(2*x, 2*y), p.PixOffset(2*x, 2*y+1)
			for c := range 4 {
				sum := int(p.Pix[a+c]) + int(p.Pix[a+4+c]) + int(p.Pix[b+c]) + int(p.Pix[b+4+c])
				out.Pix[out.PixOffset(x, y)+c] = uint8(sum / 4)
			}
		}
	}
	return out
}

// blocksRounded is a grey picture as it comes out of a JPEG file with one step for all
// coefficients.
func blocksRounded(p *image.NRGBA, step float64) *image.NRGBA {
	var basis [8][8]float64 // frequency, sample
	for k := range basis {
		for n := range basis[k] {
			basis[k][n], _ = dsp.Cis(float64((2*n+1)*k) / 32)
			basis[k][n] /= 2
			if k == 0 {
				basis[k][n] = math.Sqrt(0.125)
			}
		}
	}
	luma := dsp.LumaNRGBA(p)
	out := image.NewNRGBA(p.Rect)
	for y := 0; y+8 <= luma.H; y += 8 {
		for x := 0; x+8 <= luma.W; x += 8 {
			var b [64]float64
			for k := range b {
				sum := 0.0
				for i := range b {
					sum += float64(float64(luma.Pix[(y+i/8)*luma.W+x+i%8]-128) * float64(basis[k/8][i/8]*basis[k%8][i%8]))
				}
				b[k] = float64(step * math.Round(sum/step))
			}
			for i := range b {
				sum := 128.5
				for k, c := range b {
					sum += float64(c * float64(basis[k/8][i/8]*basis[k%8][i%8]))
				}
				v := uint8(min(max(sum, 0), 255))
				copy(out.Pix[out.PixOffset(x+i%8, y+i/8):], []uint8{v, v, v, 255})
			}
		}
	}
	return out
}

// traceScene has corners at random, by integers alone.
func traceScene(w, h int) *image.NRGBA {
	img := vectorScene(w, h)
	rng := uint32(3)
	next := func(n int) int {
		rng = rng*1664525 + 1013904223
		return int(rng>>8) % n
	}
	for range 120 {
		x, y, bw, bh := next(w), next(h), 4+next(40), 4+next(30)
		r, g, b := uint8(next(256)), uint8(next(256)), uint8(next(256))
		for v := y; v < min(y+bh, h); v++ {
			for u := x; u < min(x+bw, w); u++ {
				i := img.PixOffset(u, v)
				img.Pix[i], img.Pix[i+1], img.Pix[i+2] = r, g, b
			}
		}
	}
	return img
}
