package dump_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

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
		"a zip archive":        {"a.zip", zipOf(t, entry{"1.jpg", "1"})[:60], nil, "cut off, or no zip archive: zip: not a valid zip file"},
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
