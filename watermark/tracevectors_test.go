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
)

// traceVector is what a trace finds, to the bit.
type traceVector struct {
	Scores, Payloads, LogE [2]string // of the copy that leaked and of another
	Expected, Residual     string
	Quad                   [8]string
}

// TestTraceVectors pins a trace of a shrunk leak, laid on as it is, and of a part, found
// by features: a verdict rests on them, so they must be the same on every processor.
func TestTraceVectors(t *testing.T) {
	const file = "testdata/v1/trace.json"
	const id = CopyID(0x0123456789abcdef)
	sub := Submission{0xca, 0xfe}
	original := traceScene(480, 360)
	var raw [secretSize]byte
	k := newKey(raw)
	tr, err := NewTracer(original, []Issued{{Copy: id, Key: k}, {Copy: 1, Key: k}}, &TraceOptions{Submission: sub})
	require.NoError(t, err)
	marked, err := Embed(k, id, original, &Options{Submission: sub})
	require.NoError(t, err)
	var got []traceVector
	for _, leak := range []image.Image{halved(marked), marked.SubImage(image.Rect(90, 60, 370, 300))} {
		r, err := tr.Trace(context.Background(), leak)
		require.NoError(t, err)
		require.Equal(t, []CopyID{id}, r.Accused)
		v := traceVector{Expected: bitsOf(r.Expected), Residual: bitsOf(r.Residual)}
		for i, c := range r.Copies {
			v.Scores[i], v.Payloads[i], v.LogE[i] = bitsOf(c.Score), bitsOf(c.Payload), bitsOf(c.LogE)
		}
		for i, p := range r.Quad {
			v.Quad[2*i], v.Quad[2*i+1] = bitsOf(p.X), bitsOf(p.Y)
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
