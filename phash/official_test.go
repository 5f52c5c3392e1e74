package phash_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	decoder "github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/phash"
)

// unstated are the official pictures for which the reference states no hash, with
// what they are tested for instead.
var unstated = map[string]string{
	"misc-images/modes/1.png":            "TestModes",
	"misc-images/modes/CMYK.jpg":         "TestModes",
	"misc-images/modes/P.png":            "TestModes",
	"reg-test-input/pen-and-coaster.png": "TestOfficialPixels",
	"hasher/letterboxed_sample-b.jpg":    "TestOfficialPixels",
}

// No official picture and no stated hash goes untested: each is in the table that
// TestStatedHashes and TestStatedPixels go through, or another test's.
func TestEveryOfficialVector(t *testing.T) {
	dir := shared(t, "pdq")
	stated, hashes := map[string]bool{}, map[string]bool{}
	for _, row := range table(t, filepath.Join(dir, "expected_hashes.tsv")) {
		stated[row[0]], hashes[row[0]+" "+row[1]] = true, true
	}
	here := map[string]bool{}
	for _, row := range table(t, filepath.Join("..", "testdata", "pdq", "expected.tsv")) {
		here[row[0]] = true
	}
	pictures := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		name = filepath.ToSlash(name)
		switch filepath.Ext(name) {
		case ".jpg", ".jpeg", ".png":
			pictures++
			assert.True(t, stated[name] || here[name] || unstated[name] != "", "%s is in no test", name)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, pictures, 30)

	data, err := os.ReadFile(filepath.Join(dir, "PDQMD5TestData.csv"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")[1:]
	assert.NotEmpty(t, lines)
	for _, line := range lines {
		path, hash, _ := strings.Cut(strings.TrimSpace(line), ",")
		if strings.HasSuffix(path, ".mp4") {
			continue // MD5 sums of videos
		}
		_, name, _ := strings.Cut(path, "data/")
		if name == "misc-images/b.jpg" { // could not be obtained; its hash is stated for aaa-orig.jpg, too
			name = "bridge-mods/aaa-orig.jpg"
		}
		assert.True(t, hashes[name+" "+hash], "%s of PDQMD5TestData.csv is not in expected_hashes.tsv", name)
	}
}

// One picture in other colour modes.
func TestModes(t *testing.T) {
	dir := shared(t, "pdq")
	hash := func(name string) phash.Hash {
		p, err := fromfile.Picture(filepath.Join(dir, name), decoder.Limits{})
		require.NoError(t, err, name)
		h, _, err := phash.Sum(phash.PDQ, decoder.Flatten(p.Image))
		require.NoError(t, err)
		return h
	}
	want := hash("bridge-mods/aaa-orig.jpg")
	for name, most := range map[string]int{"CMYK.jpg": decoderBits, "P.png": decoderBits, "1.png": phash.MatchRadius} {
		d := want.Distance(hash("misc-images/modes/" + name))
		t.Logf("%-8s %2d bits", name, d)
		assert.LessOrEqual(t, d, most, name)
	}
}

// The eight hashes that the reference publishes of one picture in its orientations,
// beside those of one transform. What is published is of another decoder and without
// the step to 512 × 512, which moves hashes by up to 12 bits more (docs of package
// phash); bit for bit, the same function is compared by TestOfficialPixels.
func TestDihedralSets(t *testing.T) {
	dir := shared(t, "pdq")
	names := []string{
		"1-original", "2-rotate-90", "3-rotate-180", "4-rotate-270", "5-flipx", "6-flipy", "7-flip-plus-1", "8-flip-minus-1",
	}
	m := decode(t, filepath.Join(dir, "reg-test-input/dih/bridge-1-original.jpg"))
	cheap, _, err := phash.SumDihedral(phash.PDQ, m)
	require.NoError(t, err)
	seen := 0
	for _, row := range table(t, filepath.Join(dir, "expected_hashes.tsv")) {
		for k, name := range names {
			if row[0] != "reg-test-input/dih/bridge-"+name+".jpg" {
				continue
			}
			want, err := phash.Parse("pdq:" + row[1])
			require.NoError(t, err)
			d := want.Distance(cheap[k])
			t.Logf("%-14s %2d bits from %s", name, d, row[3])
			assert.LessOrEqual(t, d, decoderBits+12, "%s, %s", name, row[3])
			seen++
		}
	}
	assert.GreaterOrEqual(t, seen, 24)
}

// The list for tests of indexes is one of hashes.
func TestNeedles(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared(t, "pdq"), "reg-test-input", "needles.txt"))
	require.NoError(t, err)
	n := 0
	for line := range strings.Lines(string(data)) {
		digits, _, _ := strings.Cut(strings.TrimSpace(line), ",")
		_, err := phash.Parse("pdq:" + digits)
		require.NoError(t, err, line)
		n++
	}
	assert.NotZero(t, n)
}

// What the reference makes of the pixels that this module's decoder gives for the
// official pictures, to the bit. A line whose pixels are others today is one of
// another decoder, and no longer a vector: print the table again with testdata's
// recipe.
func TestOfficialPixels(t *testing.T) {
	dir, n := shared(t, "pdq"), 0
	for _, row := range table(t, filepath.Join("testdata", "official.tsv")) {
		require.Len(t, row, 6)
		p, err := fromfile.Picture(filepath.Join(dir, row[0]), decoder.Limits{})
		require.NoError(t, err)
		m := decoder.Flatten(p.Image)
		if *pixels != "" {
			writePPM(t, filepath.Join(*pixels, strings.ReplaceAll(row[0], "/", "_")+".ppm"), m)
		}
		sum := sha256.Sum256(m.Pix)
		require.Equal(t, row[1], hex.EncodeToString(sum[:8]), "%s decodes to other pixels", row[0])

		h, quality, err := phash.Sum(phash.PDQ, m)
		require.NoError(t, err)
		assert.Equal(t, row[2], strconv.Itoa(quality)+" "+h.Hex(), "%s, step", row[0])
		h, quality, err = phash.SumFull(m)
		require.NoError(t, err)
		assert.Equal(t, row[3], strconv.Itoa(quality)+" "+h.Hex(), "%s, full", row[0])
		all, quality, err := phash.SumDihedral(phash.PDQ, m)
		require.NoError(t, err)
		words := []string{strconv.Itoa(quality)}
		for _, h := range all {
			words = append(words, h.Hex())
		}
		assert.Equal(t, row[4], strings.Join(words, " "), "%s, dihedral", row[0])
		assert.Equal(t, row[5], p.Decoder[:strings.Index(p.Decoder, " ")], row[0])
		n++
	}
	assert.Greater(t, n, 30)
}
