package dump_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
)

// stored is a gzip file whose bytes stand in it as they are, behind headers of 10 and 5 bytes.
func stored(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.NoCompression)
	require.NoError(t, err)
	_, err = io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, text[:100], buf.String()[10+5:][:100])
	return buf.String()
}

// Of a broken archive the files are read that are whole.
func TestWhatIsCutOff(t *testing.T) {
	whole := tarOf(t, entry{"1.jpg", strings.Repeat("1", 600)}, entry{"2.jpg", strings.Repeat("2", 600)})
	packed := gzipOf(t, whole)
	const first = 512 + 1024
	wrong := packed[:len(packed)-8] + "sum?" + packed[len(packed)-4:] // CRC-32 and length
	for name, c := range map[string]struct {
		file, text string
		want       []string // which files are whole
		why        string
	}{
		"empty":                {"a.tar", "", nil, "cut off: unexpected EOF"},
		"in a header":          {"a.tar", whole[:first+200], []string{"1"}, "cut off: unexpected EOF"},
		"between files":        {"a.tar", whole[:first], []string{"1"}, "cut off: unexpected EOF"},
		"before its end":       {"a.tar", whole[:2*first], []string{"1", "2"}, "cut off: unexpected EOF"},
		"in a file":            {"a.tar", whole[:first+512+300], []string{"1"}, `cut off in "2.jpg": unexpected EOF`},
		"in the first file":    {"a.tar", whole[:512+599], nil, `cut off in "1.jpg": unexpected EOF`},
		"a broken header":      {"a.tar", whole[:first] + strings.Repeat("no header ", 100), []string{"1"}, "archive/tar: invalid tar header"},
		"gzip at once":         {"a.tgz", packed[:5], nil, "cut off: unexpected EOF"},
		"gzip before its end":  {"a.tgz", packed[:len(packed)-8], []string{"1", "2"}, "cut off: unexpected EOF"},
		"gzip with a file cut": {"a.tgz", stored(t, whole)[:10+5+first+512+300], []string{"1"}, `cut off in "2.jpg": unexpected EOF`},
		"gzip between files":   {"a.tgz", stored(t, whole)[:10+5+first], []string{"1"}, "cut off: unexpected EOF"},
		"gzip's checksum":      {"a.tgz", wrong, []string{"1", "2"}, "gzip: invalid checksum"},
		"more behind gzip":     {"a.tar.gz", packed + "more", []string{"1", "2"}, "cut off: unexpected EOF"},
		"garbage behind gzip":  {"a.tar.gz", packed + strings.Repeat("more", 9), []string{"1", "2"}, "gzip: invalid header"},
		"in another archive":   {"a.zip", zipOf(t, entry{"i.tgz", stored(t, whole)[:10+5+first+512]}), []string{"1"}, `cut off in "2.jpg": unexpected EOF`},
		"a zip archive":        {"a.zip", zipOf(t, entry{"1.jpg", "1"})[:60], nil, "cut off, one of several parts, or no zip archive: zip: not a valid zip file"},
	} {
		dir := t.TempDir()
		d := dump.New(options())
		require.NoError(t, d.Add(t.Context(), write(t, dir, c.file, c.text), write(t, dir, "c.jpg", "c")), name)
		inner := c.file
		if name == "in another archive" {
			inner += "!i.tgz"
		}
		var want []string
		for _, n := range c.want {
			want = append(want, inner+"!"+n+".jpg: "+strings.Repeat(n, 600))
		}
		want = append(want, inner+": ! archive: "+c.why, "c.jpg: c")
		assert.ElementsMatch(t, want, contents(t, d, dir), name)
		require.NoError(t, d.Close())
	}
}

// An archive is whole with one block of zeros or more at its end. Zeros in its files do not count.
func TestEndOfTar(t *testing.T) {
	zeros := tarOf(t, entry{"1.jpg", "1"}, entry{"0.jpg", strings.Repeat("\x00", 512)})
	for end, whole := range map[int]bool{0: false, 1: true, 2: true, 3: true, 20: true} {
		text := zeros[:4*512] + strings.Repeat("\x00", end*512)
		for name, text := range map[string]string{"a.tar": text, "a.tgz": gzipOf(t, text)} {
			dir := t.TempDir()
			d := dump.New(options())
			require.NoError(t, d.Add(t.Context(), write(t, dir, name, text)))
			want := []string{name + "!1.jpg: 1", name + "!0.jpg: "}
			if !whole {
				want = append(want, name+": ! archive: cut off: unexpected EOF")
			}
			got := contents(t, d, dir)
			for i := range got {
				got[i] = strings.TrimRight(got[i], "\x00")
			}
			assert.ElementsMatch(t, want, got, "%s with %d blocks", name, end)
			require.NoError(t, d.Close())
		}
	}
}

// What stands before the damage is read with bzip2, too.
func TestBrokenBzip2(t *testing.T) {
	data, err := os.ReadFile(bzipped)
	require.NoError(t, err)
	dir := t.TempDir()
	d := dump.New(options())
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "a.tar.bz2", string(data[:len(data)-3])), write(t, dir, "b.tbz", string(data)+"more")))
	require.Equal(t, []string{"a.tar.bz2!x.jpg: bzip2", "a.tar.bz2: ! archive: cut off: unexpected EOF",
		"b.tbz!x.jpg: bzip2", "b.tbz: ! archive: bzip2 data invalid: bad magic value in continuation file"}, contents(t, d, dir))
}

// emptyBlocks is deflated data of about n bytes that decompresses to nothing: blocks with tables of their own, which
// cost the most time for each byte.
func emptyBlocks(n int) (out []byte) {
	var bits, have uint64
	put := func(value, n uint64) {
		bits |= value << have
		for have += n; have >= 8; have -= 8 {
			out, bits = append(out, byte(bits)), bits>>8
		}
	}
	for last := uint64(0); last == 0; {
		if len(out) >= n {
			last = 1
		}
		put(last, 1)
		put(2, 2)  // with tables of its own
		put(0, 10) // 257 literals, 1 distance
		put(14, 4) // 18 lengths of codes, in the order of RFC 1951, 3.2.7
		for _, of := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1} {
			put(map[int]uint64{18: 1, 0: 2, 1: 2}[of], 3)
		}
		put(127<<1, 8)      // 138 zeros
		put((118-11)<<1, 8) // 118 zeros
		put(3, 2)           // the end of the block has one bit
		put(1, 2)           // no distance
		put(0, 1)           // the end of the block
	}
	put(0, 7)
	return out
}

// gzip and zip are read in this process. What they may unpack to bounds their time: a MiB takes some tenths of a second, however
// it was made.
func TestTimeOfDeflate(t *testing.T) {
	slow := emptyBlocks(1 << 20)
	n, err := io.Copy(io.Discard, flate.NewReader(bytes.NewReader(slow)))
	require.NoError(t, err)
	require.Zero(t, n)
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "a.jpg", Method: zip.Deflate, CompressedSize64: uint64(len(slow))})
	require.NoError(t, err)
	_, err = w.Write(slow)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	gzipped := string([]byte{31, 139, 8, 0, 0, 0, 0, 0, 0, 255}) + string(slow) + strings.Repeat("\x00", 8)
	dense := strings.Repeat(gzipOf(t, strings.Repeat("\x00", 16<<20)), 40) // 650 kB that would unpack to 640 MiB
	dir := t.TempDir()
	d := dump.New(options())
	defer d.Close()
	began := time.Now()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "slow.zip", zipped.String()), write(t, dir, "slow.gz", gzipped), write(t, dir, "dense.gz", dense), write(t, dir, "b.jpg", "b")))
	require.Equal(t, []string{"slow.zip!a.jpg: ", "slow.gz: ! archive: cut off: unexpected EOF", fmt.Sprintf("dense.gz: ! archive: more than %d bytes would have to be unpacked", 256<<20+200*len(dense)), "b.jpg: b"}, contents(t, d, dir))
	require.Less(t, time.Since(began), time.Minute, "what a process apart may take")
}

// Opponent's story: the folder for temporary files is missing, and one archive ends the whole dump.
func TestWithoutTemporaryFiles(t *testing.T) {
	o, dir := options(), t.TempDir()
	o.Unpack = func(_ context.Context, _ string, _ *os.File, list func(string, bool, io.Reader) error) error {
		return list("in.jpg", true, strings.NewReader("in"))
	}
	d := dump.New(o)
	defer d.Close()
	var paths []string
	for _, name := range []string{"a.7z", "b.xz", "c.gz", "d.sql", "e.jpg"} {
		text := map[string]string{"a.7z": "7z", "b.xz": "xz", "c.gz": gzipOf(t, "gz"), "d.sql": "'" + base64Of(photo(t, 1)) + "'", "e.jpg": "e"}[name]
		paths = append(paths, write(t, dir, name, text))
	}
	t.Setenv("TMPDIR", filepath.Join(dir, "missing"))
	require.NoError(t, d.Add(t.Context(), paths...))
	got := contents(t, d, dir)
	require.Len(t, got, 5)
	assert.Contains(t, got[0], "a.7z!in.jpg: ! ")
	assert.Equal(t, "e.jpg: e", got[4])
}
