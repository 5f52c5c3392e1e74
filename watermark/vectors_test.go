package watermark

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"hash"
	"math"
	"os"
	"testing"

	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"image"
)

var update = flag.Bool("update", false, "rewrite the golden files of format v1 (only before v1 is released)")

// vectors pin the format: what each keyed part of a v1 mark is, down to the pixels.
// They must be the same on every processor.
type vectors struct {
	Secret, KeyID string
	Permuted      string // scrambled ID 0123456789abcdef
	Check         string
	Pilots        [3][2]int
	PilotsSum     string // SHA-256 of all (kx, ky, phase)
	ChipsSum      string // SHA-256 of all (bit, sign)
	PatternSum    string // SHA-256 of the pattern's float32 samples
	TracerSum     string // of a 300 x 200 tracer
	Placement     [6]string
	PixelsSum     string // of the marked test pictures
}

func TestFormatVectors(t *testing.T) {
	const file = "testdata/v1/vectors.json"
	var raw [code.SecretSize]byte
	for i := range raw {
		raw[i] = byte(i)
	}
	got := makeVectors(newKey(raw))
	text, err := json.MarshalIndent(got, "", "\t")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.MkdirAll("testdata/v1", 0o755))
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text)+"\n")
}

func makeVectors(k *Key) vectors {
	const id = CopyID(0x0123456789abcdef)
	sub := Submission{0xca, 0xfe}
	kd := k.keyed()
	v := vectors{Secret: k.Secret(), KeyID: k.ID()}
	v.Permuted = CopyID(kd.Payload.Permute(uint64(id))).String()
	v.Check = hex.EncodeToString(binary.BigEndian.AppendUint32(nil, kd.Payload.Sum(uint64(id))))
	v.PilotsSum = digest(func(h hash.Hash) {
		for i, p := range kd.Pilots {
			if i < len(v.Pilots) {
				v.Pilots[i] = [2]int{p.KX, p.KY}
			}
			put(h, uint64(int64(p.KX)), uint64(int64(p.KY)), math.Float64bits(p.Phase))
		}
	})
	v.ChipsSum = digest(func(h hash.Hash) {
		for i, b := range kd.Bit {
			put(h, uint64(b), uint64(math.Float32bits(kd.Sign[i])))
		}
	})
	floats := func(x []float32) string {
		return digest(func(h hash.Hash) {
			for _, f := range x {
				put(h, uint64(math.Float32bits(f)))
			}
		})
	}
	v.PatternSum = floats(kd.Pattern(kd.Payload.Encode(uint64(id)), nil, nil).Pix)
	v.TracerSum = floats(kd.Tracer(sub, uint64(id), 300, 200).Pix)
	place := kd.Placement(sub, 1024, 768)
	for i, m := range place[:6] {
		v.Placement[i] = hex.EncodeToString(binary.BigEndian.AppendUint64(nil, math.Float64bits(m)))
	}
	v.PixelsSum = digest(func(h hash.Hash) {
		for _, size := range [][2]int{{400, 300}, {1300, 700}} {
			o, err := Prepare(k, vectorScene(size[0], size[1]), &Options{Submission: sub})
			if err != nil {
				panic(err)
			}
			h.Write(o.Embed(id).Pix)
		}
	})
	return v
}

func digest(write func(hash.Hash)) string {
	h := sha256.New()
	write(h)
	return hex.EncodeToString(h.Sum(nil))
}

func put(h hash.Hash, v ...uint64) {
	for _, x := range v {
		h.Write(binary.BigEndian.AppendUint64(nil, x))
	}
}

// vectorScene is a picture by integer formulas: gradients, noise and bars.
func vectorScene(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	rng := uint32(7)
	for i := range w * h {
		x, y := i%w, i/w
		rng = rng*1664525 + 1013904223
		n := int(rng >> 27)
		p := img.Pix[4*i : 4*i+4]
		p[0], p[1], p[2], p[3] = uint8(60+150*x/w), uint8(80+100*y/h), uint8(200-100*x/w), 255
		if y > h/2 {
			p[0], p[1] = uint8(100+n), uint8(90+3*n)
		}
		if y/20%2 == 0 && x/7%3 == 0 {
			p[0], p[1], p[2] = 40, 45, 60
		}
	}
	return img
}
