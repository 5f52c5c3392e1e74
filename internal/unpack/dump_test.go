package unpack_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/unpack"
)

// tarOf returns a tar archive of one file.
func tarOf(t *testing.T, name, text string) []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o600}))
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// A dump opens these archives, also in each other, within its limits.
func TestDump(t *testing.T) {
	dir := t.TempDir()
	seven, err := os.ReadFile("testdata/two.7z")
	require.NoError(t, err)
	var nested bytes.Buffer
	z := zip.NewWriter(&nested)
	w, err := z.Create("in.rar")
	require.NoError(t, err)
	_, err = w.Write(rarOf([2]string{"card.jpg", "card"}, [2]string{"deep.zip", "PK"}))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	big := packed(t, ".tar.zst", tarOf(t, "zeros", strings.Repeat("\x00", 100_000)))
	for name, data := range map[string][]byte{
		"a.7z": seven, "b.rar": rarOf([2]string{"x.jpg", "x"}), "c": packed(t, ".tar.xz", tarOf(t, "y.jpg", "y")), "d.tzst": packed(t, ".tar.zst", tarOf(t, "z.jpg", "z")),
		"e.zip": nested.Bytes(), "f.7z": seven[:100], "g.txz": packed(t, ".tar.xz", tarOf(t, "w.jpg", "w"))[:60], "h.tar.zst": big, "i.rar": []byte("Rar!\x1a\x07\x01\x00"),
		"j.jpg.xz": packed(t, ".tar.xz", []byte("plain")), "k.jpg.zst": packed(t, ".tar.zst", []byte("plain")), "l": packed(t, ".tar.zst", fmt.Appendf(nil, "plain %x", sha256.Sum256(nil))),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	d := dump.New(dump.Options{MaxFiles: 100, MaxPDF: 1000, MaxUnpacked: 50_000, Unpack: unpack.Files})
	defer func() { require.NoError(t, d.Close()) }()
	require.NoError(t, d.Add(t.Context(), dir))
	var got []string
	for _, f := range d.Files {
		name := filepath.ToSlash(strings.TrimPrefix(f.Name, dir+string(filepath.Separator)))
		if f.Err != nil {
			got = append(got, name+": "+f.Err.Error())
			continue
		}
		r, err := f.Open(t.Context())
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		got = append(got, name+" "+strings.Trim(string(text[:min(5, len(text))]), "\x00"))
	}
	assert.Equal(t, []string{
		"a.7z!photos/deep/two.jpg ", "a.7z!photos/link.jpg: not a regular file", "a.7z!photos/one.jpg first", "b.rar!x.jpg x", "c!y.jpg y", "d.tzst!z.jpg z",
		"e.zip!in.rar!card.jpg card", "e.zip!in.rar!deep.zip: archive: cut off, one of several parts, or no zip archive: zip: not a valid zip file",
	}, got[:8])
	broken := strings.Join(got[8:], "\n")
	for _, want := range []string{"f.7z: archive: cut off", "g.txz: archive: cut off", `h.tar.zst: archive: cut off in "zeros": more than 21446 bytes would have to be unpacked`, "i.rar: archive: cut off", "j.jpg.xz!j.jpg plain", "k.jpg.zst!k.jpg plain", "l!l plain"} {
		assert.Contains(t, broken, want)
	}
	assert.Len(t, d.Containers, 14)
}
