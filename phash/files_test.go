package phash_test

import (
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/phash"
)

// The reference's rule for an implementation with another picture decoder: on
// its own pictures, no more than this many bits apart where quality is at least
// goodQuality (pdq/README.md, "Hashing").
const (
	decoderBits = 10
	goodQuality = 80
)

// shared returns the folder of pictures outside the repository.
func shared(t *testing.T, sub string) string {
	t.Helper()
	root := os.Getenv("KYCMARK_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	dir := filepath.Join(root, "pictures", sub)
	if _, err := os.Stat(dir); err != nil {
		skip.Test(t, "no pictures in %s; set KYCMARK_SHARED", dir)
	}
	return dir
}

// table returns the lines of a file of tab-separated values but for its header.
func table(t *testing.T, path string) [][]string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		rows = append(rows, strings.Split(strings.TrimRight(line, "\n"), "\t"))
	}
	require.Greater(t, len(rows), 1)
	return rows[1:]
}

func decode(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	m, err := standardDecode(f)
	require.NoError(t, err, path)
	return m
}

// standardDecode decodes JPEG with the standard library. image.Decode would take
// whichever decoder registered first, and what encodes this project's JPEGs registers
// one that does not give the same pixels on every processor.
func standardDecode(f io.ReadSeeker) (image.Image, error) {
	m, err := jpeg.Decode(f)
	if err == nil {
		return m, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m, _, err = image.Decode(f)
	return m, err
}

// Files that the compiled reference read, through Go's decoder.
func TestFiles(t *testing.T) {
	dir := filepath.Join("..", "testdata", "pdq")
	for _, row := range table(t, filepath.Join(dir, "expected.tsv")) {
		want, err := phash.Parse("pdq:" + row[1])
		require.NoError(t, err)
		wantQuality, err := strconv.Atoi(row[2])
		require.NoError(t, err)
		got, quality, err := phash.Sum(phash.PDQ, decode(t, filepath.Join(dir, row[0])))
		require.NoError(t, err)
		t.Logf("%-42s quality %3d, %2d bits from the reference", row[0], quality, got.Distance(want))
		assert.InDelta(t, wantQuality, quality, 2, row[0])
		if quality >= goodQuality {
			assert.LessOrEqual(t, got.Distance(want), decoderBits, row[0])
		}
	}
}

// All hashes that the reference's repository states for its pictures. Some come
// from tools that take the step to 512 × 512, some from tools that do not, and
// the Python port has a tolerance of its own.
func TestStatedHashes(t *testing.T) {
	dir := shared(t, "pdq")
	decoded := map[string]image.Image{}
	for _, row := range table(t, filepath.Join(dir, "expected_hashes.tsv")) {
		file, source := row[0], row[3]
		if strings.HasSuffix(source, "exact") && strings.HasSuffix(file, ".png") {
			continue // TestStatedPixels
		}
		want, err := phash.Parse("pdq:" + row[1])
		require.NoError(t, err)
		if decoded[file] == nil {
			decoded[file] = decode(t, filepath.Join(dir, file))
		}
		m := decoded[file]
		most, chain := decoderBits, "step"
		got, quality, err := phash.Sum(phash.PDQ, m)
		switch {
		case strings.HasPrefix(source, "python"):
			most = 16
		case !strings.HasPrefix(source, "wasm"):
			chain = "full"
			got, quality, err = phash.SumFull(m)
		}
		require.NoError(t, err)
		t.Logf("%-42s %s, quality %3d: %2d bits from %s", file, chain, quality, got.Distance(want), source)
		if quality >= goodQuality || strings.HasPrefix(source, "python") {
			assert.LessOrEqual(t, got.Distance(want), most, "%s, %s", file, source)
		}
		if row[2] != "" {
			assert.Equal(t, row[2], strconv.Itoa(quality), file)
		}
	}
}

// Pictures whose pixels reach the reference's binding exactly: Pillow drops the
// transparency of a grey picture and cuts 16-bit grey off at 255.
func TestStatedPixels(t *testing.T) {
	dir := shared(t, "pdq")
	opaque := func(c color.Color) uint8 { return color.NRGBAModel.Convert(c).(color.NRGBA).R }
	cut := func(c color.Color) uint8 { return uint8(min(c.(color.Gray16).Y, 255)) }
	for file, grey := range map[string]func(color.Color) uint8{"hasher/LA.png": opaque, "hasher/I16.png": cut} {
		m := decode(t, filepath.Join(dir, file))
		b := m.Bounds()
		pixels := image.NewGray(b)
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				pixels.SetGray(x, y, color.Gray{grey(m.At(x, y))})
			}
		}
		h, quality, err := phash.Sum(phash.PDQ, pixels)
		require.NoError(t, err)
		found := false
		for _, row := range table(t, filepath.Join(dir, "expected_hashes.tsv")) {
			if row[0] == file {
				found = true
				assert.Equal(t, row[1], h.Hex(), file)
				assert.Equal(t, row[2], strconv.Itoa(quality), file)
			}
		}
		assert.True(t, found, file)
	}
}

// How far the cheap form lies from the turned pixels of real pictures. Run with -v for the figures.
func TestDihedralOnPictures(t *testing.T) {
	var sum, n, least, most int
	least = 256
	for _, sub := range []string{"photos", "documents"} {
		files, err := filepath.Glob(filepath.Join(shared(t, sub), "*"))
		require.NoError(t, err)
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || info.Size() > int64(long.Number(60_000, 200_000)) {
				continue // keeps the test fast
			}
			m := decodeOrNil(file)
			if m == nil {
				continue
			}
			cheap, _, err := phash.SumDihedral(phash.PDQ, m)
			require.NoError(t, err)
			exact, _, err := phash.SumTurned(phash.PDQ, m)
			require.NoError(t, err)
			assert.Equal(t, exact[6], cheap[6], "%s: a plain transposition", file)
			for _, i := range []int{1, 2, 3, 4, 5, 7} {
				d := cheap[i].Distance(exact[i])
				sum, n, least, most = sum+d, n+1, min(least, d), max(most, d)
			}
		}
	}
	require.NotZero(t, n)
	t.Logf("%d turned pictures: %d to %d bits, %.1f on average", n, least, most, float64(sum)/float64(n))
}

// decodeOrNil opens what the standard library can.
func decodeOrNil(path string) image.Image {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	m, err := standardDecode(f)
	if err != nil {
		return nil
	}
	return m
}
