//go:build amd64 || arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64 || s390x

package webp_test

import (
	"bytes"
	"errors"
	"image"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/internal/webp"
)

func encode(t *testing.T, img *image.NRGBA, src picture.Source, o picture.LikeOptions) []byte {
	t.Helper()
	o.Format, o.WebP = "webp", webp.Encode
	var b bytes.Buffer
	require.NoError(t, picture.EncodeLike(&b, img, src, o))
	return b.Bytes()
}

func decode(t *testing.T, file []byte) *picture.Picture {
	t.Helper()
	p, err := picture.Decode(file, picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, "webp", p.Format)
	return p
}

// WebP of a quality leaves as much of a document as JPEG of that quality, and
// weighs less.
func TestLikeQuality(t *testing.T) {
	img := picture.Flatten(specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(1), 800), 1, 801, 603))
	for _, q := range []int{70, 80, 92} {
		var jpg bytes.Buffer
		require.NoError(t, picture.Encode(&jpg, img, "jpeg", q))
		back, err := picture.Decode(jpg.Bytes(), picture.Limits{})
		require.NoError(t, err)
		file := encode(t, img, picture.Source{}, picture.LikeOptions{Quality: q})
		got := decode(t, file)
		require.Equal(t, img.Rect, got.Image.Rect)
		assert.InDelta(t, compare.PSNR(img, back.Image), compare.PSNR(img, got.Image), 1.5, "quality %d", q)
		assert.Less(t, len(file), jpg.Len(), "quality %d", q)
	}
}

func TestSizesAndTransparency(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {16, 16}, {17, 3}, {1, 40}, {333, 250}} {
		img := image.NewNRGBA(image.Rectangle{Max: size})
		for i := range img.Pix {
			img.Pix[i] = uint8(i % 256)
		}
		got := decode(t, encode(t, img, picture.Source{}, picture.LikeOptions{})).Image
		require.Equal(t, img.Rect, got.Rect)
		require.True(t, got.Opaque(), "what is transparent lies on white")
	}
	wide := image.NewNRGBA(image.Rect(0, 0, 16384, 1))
	require.ErrorIs(t, webp.Encode(&bytes.Buffer{}, wide, 90, nil, nil), webp.ErrSide)
	none := image.NewNRGBA(image.Rectangle{})
	o := picture.LikeOptions{Format: "webp", WebP: webp.Encode}
	require.ErrorIs(t, picture.EncodeLike(&bytes.Buffer{}, none, picture.Source{}, o), picture.ErrFormat)
	o.WebP = nil
	require.ErrorIs(t, picture.EncodeLike(&bytes.Buffer{}, wide, picture.Source{}, o), picture.ErrFormat)
	require.ErrorIs(t, webp.Encode(full{}, image.NewNRGBA(image.Rect(0, 0, 9, 9)), 90, nil, nil), errFull)
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// profile is the header of a colour profile and nothing else.
func profile(model string) []byte {
	p := make([]byte, 129)
	p[3] = 129
	copy(p[12:], "mntr"+model+"XYZ ")
	copy(p[36:], "acsp")
	return p
}

func TestProfileStays(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	rgb := profile("RGB ")
	got := decode(t, encode(t, img, picture.Source{ICC: rgb}, picture.LikeOptions{}))
	require.Equal(t, rgb, got.Source.ICC)
	file := encode(t, img, picture.Source{ICC: profile("GRAY"), Gray: true}, picture.LikeOptions{})
	require.NotContains(t, string(file), "ICCP", "WebP stores colours: no profile of grey holds")
}

// The same pixels give the same file, also at once.
func TestAtOnce(t *testing.T) {
	img := picture.Flatten(specimen.Render(specimen.Passport, specimen.NewPerson(2), 300))
	want := encode(t, img, picture.Source{}, picture.LikeOptions{})
	var wg sync.WaitGroup
	got := make([]bytes.Buffer, 4)
	for i := range got {
		wg.Go(func() {
			o := picture.LikeOptions{Format: "webp", WebP: webp.Encode}
			if err := picture.EncodeLike(&got[i], img, picture.Source{}, o); err != nil {
				got[i].Reset()
			}
		})
	}
	wg.Wait()
	for i := range got {
		assert.Equal(t, want, got[i].Bytes())
	}
}

// A WebP whose data are in pieces, as in a recorded transfer, decodes to noise behind the first piece, and is said to lack
// data. Whole files, of any quality, are not.
func TestInPieces(t *testing.T) {
	img := picture.Flatten(specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(1), 800), 1, 801, 603))
	for _, q := range []int{5, 50, 95} {
		file := encode(t, img, picture.Source{}, picture.LikeOptions{Quality: q})
		require.Empty(t, decode(t, file).Incomplete)
		for at := len(file) / 4; at < len(file)*3/4; at += len(file) / 9 {
			pieces := slices.Concat(file[:at], []byte("\r\n4000\r\n"), file[at:])[:len(file)]
			if p, err := picture.Decode(pieces, picture.Limits{}); err == nil {
				assert.Equal(t, "data are missing or wrong from some place on", p.Incomplete, "quality %d, byte %d", q, at)
				assert.Equal(t, p.Incomplete, picture.Lacks(pieces, "", picture.Limits{}), "also if it is submitted again")
			}
		}
	}
}
