package seal_test

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// archived is the archive of a small bundle.
func archived(t testing.TB) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.zip")
	require.NoError(t, someBundle(t, nil).Write(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// An archive has one form for ever: else old ones would be refused.
func TestArchiveVectors(t *testing.T) {
	b, err := seal.NewBundle([]seal.File{{Name: "a/b.txt", Data: []byte("two")}, {Name: "a.txt", Data: []byte("one")}, {Name: "empty"}})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "b.zip")
	require.NoError(t, b.Write(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "504b030414000000000000002100f1866c7a030000000300000005000000"+hex.EncodeToString([]byte("a.txtone"))+
		"504b030414000000000000002100668aca11030000000300000007000000"+hex.EncodeToString([]byte("a/b.txttwo"))+
		"504b03041400000000000000210000000000000000000000000005000000"+hex.EncodeToString([]byte("empty"))+
		"504b0102140014000000000000002100f1866c7a0300000003000000050000000000000000000000000000000000"+hex.EncodeToString([]byte("a.txt"))+
		"504b0102140014000000000000002100668aca110300000003000000070000000000000000000000000026000000"+hex.EncodeToString([]byte("a/b.txt"))+
		"504b010214001400000000000000210000000000000000000000000005000000000000000000000000004e000000"+hex.EncodeToString([]byte("empty"))+
		"504b050600000000030003009b000000710000000000", hex.EncodeToString(data))
}

// Also those bytes of an archive count that belong to no file.
func TestEveryByteOfArchiveCounts(t *testing.T) {
	good := archived(t)
	for at := range good {
		edited := bytes.Clone(good)
		edited[at] ^= 1 << (at % 8)
		if _, err := seal.ParseArchive(edited); err == nil {
			t.Fatalf("byte %d can be edited", at)
		}
	}
}

func TestArchiveRefused(t *testing.T) {
	good := archived(t)
	pack := func(method uint16, name string) []byte {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		require.NoError(t, err)
		_, err = w.Write(make([]byte, 1000))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return buf.Bytes()
	}
	for name, data := range map[string][]byte{
		"empty": nil, "words": []byte("a bundle"), "cut": good[:len(good)-1], "more behind": append(bytes.Clone(good), 0),
		"more before": append([]byte("x"), good...), "packed anew": pack(zip.Deflate, "report.html"), "with other headers": pack(zip.Store, "report.html"),
		"out of the folder": pack(zip.Store, "../x"), "absolute": pack(zip.Store, "/x"), "without a name": pack(zip.Store, ""),
	} {
		_, err := seal.ParseArchive(data)
		assert.ErrorIs(t, err, seal.ErrBundle, name)
	}
	_, err := seal.Read(filepath.Join(t.TempDir(), "none.zip"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// What unzip makes of it holds; what it packs anew does not, and says what to do.
func TestArchiveOfOthers(t *testing.T) {
	for _, name := range []string{"unzip", "zip"} {
		if _, err := exec.LookPath(name); err != nil {
			skip.Test(t, "%s is not installed: what it makes of an archive was not looked at", name)
		}
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.zip"), archived(t), 0o600))
	out, err := exec.Command("unzip", "-q", filepath.Join(dir, "b.zip"), "-d", filepath.Join(dir, "out")).CombinedOutput()
	require.NoError(t, err, string(out))
	b, err := seal.Read(filepath.Join(dir, "out"))
	require.NoError(t, err)
	require.True(t, b.Verify(seal.Trust{}).Holds())
	cmd := exec.Command("zip", "-q", "-r", filepath.Join(dir, "again.zip"), ".")
	cmd.Dir = filepath.Join(dir, "out")
	out, err = cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	_, err = seal.Read(filepath.Join(dir, "again.zip"))
	require.ErrorIs(t, err, seal.ErrBundle)
	require.ErrorContains(t, err, "unpack it and check the folder")
}

func TestFolderRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	require.NoError(t, someBundle(t, nil).Write(dir))
	if runtime.GOOS != "windows" {
		link := filepath.Join(dir, "linked.txt")
		require.NoError(t, os.Symlink("/etc/hostname", link))
		_, err := seal.Read(dir)
		require.ErrorIs(t, err, seal.ErrBundle)
		require.NoError(t, os.Remove(link))
	}
	odd := filepath.Join(dir, "odd name.txt")
	require.NoError(t, os.WriteFile(odd, nil, 0o600))
	_, err := seal.Read(dir)
	require.ErrorIs(t, err, seal.ErrBundle)
	require.NoError(t, os.Remove(odd))
	_, err = seal.Read(dir)
	require.NoError(t, err)
}

// A pipe would be waited for without end.
func TestNoFile(t *testing.T) {
	_, err := seal.Read(os.DevNull)
	require.ErrorIs(t, err, seal.ErrBundle)
	require.ErrorContains(t, err, "neither a folder nor a file")
}

// What is too large is refused before it is read.
func TestTooLarge(t *testing.T) {
	var many, big []seal.File
	block := make([]byte, 64<<20)
	for i := range 10_001 {
		many = append(many, seal.File{Name: fmt.Sprintf("f%d", i)})
		if i <= 16 {
			big = append(big, seal.File{Name: fmt.Sprintf("f%d", i), Data: block})
		}
	}
	for _, files := range [][]seal.File{many, big} {
		_, err := seal.NewBundle(files)
		require.ErrorIs(t, err, seal.ErrBundle)
		_, err = seal.NewBundle(files[1:])
		require.NoError(t, err)
	}
	dir := t.TempDir()
	for _, name := range []string{"a", "a.zip"} {
		f, err := os.Create(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, f.Truncate(2<<30))
		require.NoError(t, f.Close())
	}
	for _, path := range []string{dir, filepath.Join(dir, "a.zip")} {
		_, err := seal.Read(path)
		require.ErrorIs(t, err, seal.ErrBundle, path)
		require.ErrorContains(t, err, "more than 1073741824 bytes", path)
	}
}

// A folder that cannot be filled is not left half filled.
func TestWriteFailing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	b := someBundle(t, nil)
	require.Error(t, b.Write(file), "a file in the way")
	require.Error(t, b.Write(filepath.Join(file, "b")), "below a file")
	require.Error(t, b.Write(filepath.Join(t.TempDir(), "none", "b")), "in no folder")
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "mine", string(got))
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func FuzzReadArchive(f *testing.F) {
	good := archived(f)
	f.Add(good)
	f.Add(good[:200])
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := seal.ParseArchive(data)
		if err != nil {
			require.ErrorIs(t, err, seal.ErrBundle)
			return
		}
		if b.Verify(seal.Trust{Key: public(fixedKey(1))}).Holds() {
			require.Equal(t, good, data)
		}
	})
}

// A bundle may name subjects: it is for its owner alone, as all that commands write.
func TestBundleIsOfItsOwner(t *testing.T) {
	if runtime.GOOS == "windows" {
		return
	}
	dir := t.TempDir()
	for _, name := range []string{"b", "b.zip"} {
		require.NoError(t, someBundle(t, nil).Write(filepath.Join(dir, name)))
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		if path != dir {
			assert.Zero(t, info.Mode().Perm()&0o077, path)
		}
		return nil
	}))
}
