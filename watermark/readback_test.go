package watermark

import (
	"image"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
)

// An upload that carries a mark already: both marks are read, the second first.
func TestMarkedTwice(t *testing.T) {
	key := newKey([32]byte{1})
	for _, file := range long.Cases(1, "kenji_licence", "hana_bill") {
		data, err := os.ReadFile("../testdata/pictures/" + file + ".jpg")
		require.NoError(t, err)
		pic, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		first, err := Mark(t.Context(), key, 0xabc1, picture.Fit(pic.Image, 1100), &Options{Submission: Submission{1}})
		require.NoError(t, err)
		second, err := Mark(t.Context(), key, 0xabc2, first.Image, &Options{Submission: Submission{2}})
		require.NoError(t, err)
		assert.False(t, second.Weak, file)
		all, err := DetectAll(t.Context(), second.Image, key)
		require.NoError(t, err)
		require.Len(t, all, 2, file)
		assert.Equal(t, CopyID(0xabc2), all[0].Copy, file)
		assert.Equal(t, CopyID(0xabc1), all[1].Copy, file)
	}
}

// readBacks marks a picture at a share of the strength, and returns the clear mark that the read-back sees after a
// messenger, if it sees one, and what the whole search reads. It must read a clear mark. ok is false if the picture carries no mark.
func readBacks(t *testing.T, p image.Image, seed byte, share float64) (clear, whole *blind.Detection, ok bool) {
	o, err := Prepare(newKey([32]byte{seed}), p, &Options{Submission: Submission{seed}})
	if err != nil {
		return nil, nil, false
	}
	const id = 0xfeedfacecafe1234
	m, err := o.similar(id, share, false)
	require.NoError(t, err)
	small := o.deliver(m, nil)
	clear, _, err = o.readClear(t.Context(), id, small)
	require.NoError(t, err)
	leak, err := pattern.Saved(small, messengerQuality)
	require.NoError(t, err)
	whole, err = blind.Detect(t.Context(), leak, o.kd)
	require.NoError(t, err)
	if clear != nil {
		assert.Equal(t, [2]any{whole.Found, whole.ID}, [2]any{true, uint64(id)}, "seed %d, share %.2f", seed, share)
		assert.GreaterOrEqual(t, margin(whole.Correlation), float64(thinMargin), "seed %d, share %.2f", seed, share)
	}
	got, err := o.readBack(t.Context(), id, small)
	require.NoError(t, err)
	assert.Equal(t, whole.Found, got.Found, "seed %d, share %.2f", seed, share)
	other, err := o.readBack(t.Context(), id+1, small)
	require.NoError(t, err)
	assert.False(t, other.Found, "nothing of another ID is at its place")
	return clear, whole, true
}

// A read-back that ends early tells what the whole search does, of clear marks, faint ones and none.
func TestClear(t *testing.T) {
	early, not := 0, 0
	for n, file := range long.Cases(1, "anna_passport", "bruno_selfie") {
		data, err := os.ReadFile("../testdata/pictures/" + file + ".jpg")
		require.NoError(t, err)
		pic, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		for _, share := range long.Cases(2, 1, 0.1, 0.5) {
			clear, whole, ok := readBacks(t, picture.Fit(pic.Image, 440), byte(n), share)
			require.True(t, ok)
			switch {
			case clear != nil:
				early++
			case !whole.Found:
				not++
			}
		}
	}
	assert.Positive(t, early)
	assert.Positive(t, not)
}

// A picture so long and thin that no SSIM can be computed at the canonical size is an error.
func TestTooThinToCompare(t *testing.T) {
	p := image.NewNRGBA(image.Rect(0, 0, 240, 30_000))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range p.Pix {
		p.Pix[i] = uint8(100 + r.IntN(50))
		if i%4 == 3 {
			p.Pix[i] = 255
		}
	}
	_, err := Mark(t.Context(), newKey([32]byte{1}), 7, p, nil)
	assert.ErrorIs(t, err, ErrTooSmall)
}
