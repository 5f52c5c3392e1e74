package unpack_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz"

	"github.com/kycmark/kycmark/internal/apart"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/unpack"
)

// TestMain is also the process that unpacks, as it is in the command.
func TestMain(m *testing.M) {
	if unpack.Serve() {
		return
	}
	os.Exit(m.Run())
}

// rarOf returns a rar archive (version 5) of files that are stored.
func rarOf(files ...[2]string) []byte {
	vint := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	var out bytes.Buffer
	out.WriteString("Rar!\x1a\x07\x01\x00")
	block := func(fields ...[]byte) {
		body := bytes.Join(fields, nil)
		body = append(vint(len(body)), body...)
		out.Write(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
		out.Write(body)
	}
	block(vint(1), vint(0), vint(0))
	for _, f := range files {
		name, data := f[0], f[1]
		block(vint(2), vint(2), vint(len(data)), vint(4), vint(len(data)), vint(0o100644),
			binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(data))), vint(0), vint(1), vint(len(name)), []byte(name))
		out.WriteString(data)
	}
	block(vint(5), vint(0), vint(0))
	return out.Bytes()
}

// list returns what an archive holds: "name text" of each file, or "name: error".
func list(t *testing.T, ctx context.Context, kind string, data []byte) (out []string, err error) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "archive"))
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(data)
	require.NoError(t, err)
	err = unpack.Files(ctx, kind, f, func(name string, regular bool, r io.Reader) error {
		text, err := io.ReadAll(r)
		switch {
		case err != nil:
			out = append(out, name+": "+err.Error())
		case !regular:
			out = append(out, name+" is no file")
		default:
			out = append(out, fmt.Sprintf("%s %.9q %d", name, text, len(text)))
		}
		return nil
	})
	return out, err
}

// 8 kB become 4.6 GB of zeros. The process that unpacks them has only so much processor time.
func TestTime(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // no other system limits it
	}
	unpack.Within(t, 1)
	zeros, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWQ4J4t8BX45AAMAAAAggADCATUZCoCWpCoCXMUFZJlNZudCH0AAAxdAAwAAEAAAIIAAgpTQZjUhbBQvF3JFOFCQpcNCbgA==")
	require.NoError(t, err)
	f, err := os.Create(filepath.Join(t.TempDir(), "a.tar.bz2"))
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(bytes.Repeat(zeros, 100))
	require.NoError(t, err)
	err = unpack.Files(t.Context(), ".tar.bz2", f, func(_ string, _ bool, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	require.ErrorContains(t, err, "cannot be read within 1 s of processor time")
}

func packed(t testing.TB, kind string, data []byte) []byte {
	var buf bytes.Buffer
	var w io.WriteCloser
	var err error
	switch kind {
	case ".tar.xz":
		w, err = xz.NewWriter(&buf)
	case ".tar.zst":
		w, err = zstd.NewWriter(&buf)
	}
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func TestFiles(t *testing.T) {
	seven, err := os.ReadFile("testdata/two.7z")
	require.NoError(t, err)
	for kind, c := range map[string]struct {
		data []byte
		want []string
	}{
		".7z":      {seven, []string{`photos/deep/two.jpg "\x00\x00\x00\x00\x00\x00\x00\x00\x00" 3000`, "photos/link.jpg is no file", `photos/one.jpg "first\n" 6`}},
		".rar":     {rarOf([2]string{"a/one.jpg", "first"}, [2]string{"two", ""}), []string{`a/one.jpg "first" 5`, `two "" 0`}},
		".tar.xz":  {packed(t, ".tar.xz", []byte("text")), []string{`tar "text" 4`}},
		".tar.zst": {packed(t, ".tar.zst", []byte("text")), []string{`tar "text" 4`}},
	} {
		got, err := list(t, t.Context(), kind, c.data)
		require.NoError(t, err, kind)
		assert.ElementsMatch(t, c.want, got, kind)
	}
}

// What is cut off or changed gives an error, and never a file with other bytes than it had.
func TestBroken(t *testing.T) {
	seven, err := os.ReadFile("testdata/two.7z")
	require.NoError(t, err)
	whole := map[string][]byte{
		".7z": seven, ".rar": rarOf([2]string{"one", "first"}, [2]string{"two", "second"}),
		".tar.xz": packed(t, ".tar.xz", bytes.Repeat([]byte("text"), 99)), ".tar.zst": packed(t, ".tar.zst", bytes.Repeat([]byte("text"), 99)),
	}
	for kind, data := range whole {
		right, err := list(t, t.Context(), kind, data)
		require.NoError(t, err)
		step := max(1, len(data)/8) // each try starts a process
		for n := 1; n < len(data); n += step {
			got, err := list(t, t.Context(), kind, data[:n])
			for _, file := range got {
				if !strings.Contains(file, ": ") && file != `tar "" 0` { // an error; no tar is empty
					assert.Contains(t, right, file, "%s of %d bytes", kind, n)
				}
			}
			if len(got) < len(right) {
				assert.Error(t, err, "%s of %d bytes", kind, n)
			}
			changed := bytes.Clone(data)
			changed[n] ^= 0x10
			_, _ = list(t, t.Context(), kind, changed) // no panic, no hang; names and times have no checksum
		}
	}
	for _, name := range []string{"secret.7z", "names.7z"} {
		data, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		got, err := list(t, t.Context(), ".7z", data)
		assert.Contains(t, fmt.Sprint(got, err), "encrypted in its archive", name)
	}
	_, err = list(t, t.Context(), ".zoo", []byte("text"))
	assert.ErrorContains(t, err, `kind ".zoo": want`)
}

// An archive may announce that it needs 4 GiB of memory.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		skip.Test(t, "the system does not limit memory")
	}
	data := packed(t, ".tar.xz", []byte("text"))
	const properties = 12 + 4 // of LZMA2 in the header of the first block: the size of its dictionary
	require.Equal(t, byte(0x21), data[properties-2], "LZMA2")
	data[properties] = 40 // 4 GiB - 1
	binary.LittleEndian.PutUint32(data[12+8:], crc32.ChecksumIEEE(data[12:12+8]))
	got, err := list(t, t.Context(), ".tar.xz", data)
	assert.ErrorContains(t, err, "cannot be read within 768 MiB of memory", "%q", got)
}

// A reader that works for minutes is stopped with the context.
func TestCancel(t *testing.T) {
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf)
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for range 512 {
		_, err = w.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	f, err := os.Create(filepath.Join(t.TempDir(), "archive"))
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(buf.Bytes())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	read := int64(1 << 20)
	err = unpack.Files(ctx, ".tar.zst", f, func(_ string, _ bool, r io.Reader) error {
		_, err := io.CopyN(io.Discard, r, read)
		cancel()
		if err == nil {
			var n int64
			n, err = io.Copy(io.Discard, r)
			read += n
		}
		return err
	})
	require.Error(t, err)
	assert.Less(t, read, int64(512<<20), "all of it was unpacked")
}

// Readers of others open what is no archive: they end, within bounds, with files or with an error.
func FuzzArchives(f *testing.F) {
	kinds := []string{".7z", ".rar", ".tar.xz", ".tar.zst", ".tar.bz2"}
	for _, path := range []string{"testdata/names.7z", "testdata/secret.7z", "testdata/two.7z", "../dump/testdata/one.tar.bz2"} {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		kind := slices.IndexFunc(kinds, func(k string) bool { return strings.HasSuffix(path, k) })
		f.Add(uint8(kind), data)
	}
	f.Add(uint8(1), rarOf([2]string{"a.jpg", "x"}, [2]string{"b/c.png", "yy"}))
	for i, kind := range kinds[2:4] {
		f.Add(uint8(i+2), packed(f, kind, []byte("some text, some text")))
	}
	input, err := os.CreateTemp(f.TempDir(), "")
	require.NoError(f, err)
	f.Cleanup(func() { input.Close() })
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		require.NoError(t, input.Truncate(0))
		_, err := input.WriteAt(data, 0)
		require.NoError(t, err)
		most := limited(1 << 20)
		_ = apart.Guard(func() error { return unpack.Archive(kinds[int(kind)%len(kinds)], input, apart.NewWriter(&most)) })
	})
}

// limited takes so many bytes more.
type limited int

func (l *limited) Write(b []byte) (int, error) {
	if *l -= limited(len(b)); *l < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}
