package parts_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/testdata"
)

var update = flag.Bool("update", false, "rewrite golden files")

// load returns a picture of package testdata.
func load(t testing.TB, name string) *image.NRGBA {
	t.Helper()
	data, err := testdata.Pictures.ReadFile(path.Join("pictures", name))
	require.NoError(t, err)
	p, err := picture.Decode(data, picture.Limits{})
	require.NoError(t, err)
	return p.Image
}

func names(t testing.TB) (all []string) {
	t.Helper()
	files, err := testdata.Pictures.ReadDir("pictures")
	require.NoError(t, err)
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

func extract(t testing.TB, m image.Image) *parts.Features {
	t.Helper()
	f, err := parts.Extract(m)
	require.NoError(t, err)
	return f
}

func marshal(t testing.TB, f *parts.Features) []byte {
	t.Helper()
	b, err := f.MarshalBinary()
	require.NoError(t, err)
	return b
}

const golden = "testdata/features.txt"

// The features of some pictures, by the SHA-256 of their form at rest: the same on
// every machine.
func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"anna_passport.jpg", "bruno_selfie.jpg", "hana_bill.jpg", "stranger_coast.jpg"} {
		sum := sha256.Sum256(marshal(t, extract(t, load(t, name))))
		b.WriteString(hex.EncodeToString(sum[:]) + " " + name + "\n")
	}
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

func TestFormAtRest(t *testing.T) {
	for i, name := range names(t) {
		if i%4 != 0 && !long.On {
			continue
		}
		f := extract(t, load(t, name))
		data := marshal(t, f)
		assert.LessOrEqual(t, len(data), parts.MaxSize, name)
		assert.Greater(t, f.Len(), 100, name)
		assert.LessOrEqual(t, f.Len(), parts.MaxFeatures, name)
		var again parts.Features
		require.NoError(t, again.UnmarshalBinary(data), name)
		assert.Equal(t, data, marshal(t, &again), name)
	}
}

// What a picture is stored as does not matter, and where its origin is.
func TestKindsOfPicture(t *testing.T) {
	m := load(t, "chidi_idcard.jpg")
	want := marshal(t, extract(t, m))
	moved := image.NewNRGBA(m.Rect.Add(image.Pt(-7, 13)))
	draw.Draw(moved, moved.Rect, m, image.Point{}, draw.Src)
	rgba := image.NewRGBA(m.Rect)
	draw.Draw(rgba, rgba.Rect, m, image.Point{}, draw.Src)
	assert.Equal(t, want, marshal(t, extract(t, moved)))
	assert.Equal(t, want, marshal(t, extract(t, rgba)))
}

func TestNothingToSee(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {3, 500}, {20, 20}, {640, 480}} {
		for _, c := range []color.Color{color.Black, color.White, color.Transparent} {
			m := image.NewNRGBA(image.Rectangle{Max: size})
			draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
			assert.Zero(t, extract(t, m).Len())
			q, err := parts.Examine(m)
			require.NoError(t, err)
			assert.Zero(t, q.Len())
		}
	}
	for _, m := range []image.Image{nil, image.NewNRGBA(image.Rectangle{}), image.NewUniform(color.White), image.Rect(0, 0, 1<<17, 1), image.Rect(0, 0, 1<<16-1, 1<<16-1)} {
		_, err := parts.Extract(m)
		assert.ErrorIs(t, err, parts.ErrPicture)
		_, err = parts.Examine(m)
		assert.ErrorIs(t, err, parts.ErrPicture)
	}
}

func TestHostileFeatures(t *testing.T) {
	good := marshal(t, extract(t, load(t, "elif_licence.jpg")))
	var f parts.Features
	for n := range good {
		require.ErrorIs(t, f.UnmarshalBinary(good[:n]), parts.ErrFormat, "cut to %d", n)
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 0x40
		require.ErrorIs(t, f.UnmarshalBinary(bad), parts.ErrFormat, "byte %d", i)
	}
	require.ErrorIs(t, f.UnmarshalBinary(append(slices.Clone(good), 0)), parts.ErrFormat)
	_, err := f.MarshalBinary()
	require.ErrorIs(t, err, parts.ErrFormat, "the zero value")
	assert.Zero(t, f.Len())
}

func FuzzUnmarshal(f *testing.F) {
	good := marshal(f, extract(f, load(f, "kenji_licence.jpg")))
	f.Add(good)
	f.Add(good[:40])
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, data []byte) {
		unmarshal(t, data)
		if len(data) >= 16 { // and as if its checksum were right
			data = slices.Clone(data)
			sum := crc32.Update(crc32.ChecksumIEEE(data[:12]), crc32.IEEETable, data[16:])
			binary.LittleEndian.PutUint32(data[12:], sum)
			unmarshal(t, data)
		}
	})
}

// unmarshal refuses bytes or takes them to the bit, and then they can be searched.
func unmarshal(t *testing.T, data []byte) {
	var a parts.Features
	if err := a.UnmarshalBinary(data); err != nil {
		require.ErrorIs(t, err, parts.ErrFormat)
		return
	}
	require.True(t, bytes.Equal(data, marshal(t, &a)))
	var x parts.Index
	require.NoError(t, x.Add(1, &a))
	_, err := x.Search(context.Background(), &parts.Query{}, nil)
	require.NoError(t, err)
}
