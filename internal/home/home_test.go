package home_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify/books"
)

func TestCreateOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "home")
	made, err := home.Create(t.Context(), dir, "", nil)
	require.NoError(t, err)
	h, err := home.Open(dir)
	require.NoError(t, err)
	require.Equal(t, made, h)

	keys, seal, err := h.Keys()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.NotNil(t, seal)
	r, err := h.Registry(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Close())

	if runtime.GOOS == "windows" {
		return // no permission bits
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := d.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, "%s is open to others: %s", path, info.Mode())
		return nil
	}))
}

// A home of a time before reports were signed has no key for that, and can be given one.
func TestReportKey(t *testing.T) {
	dir := t.TempDir()
	h, err := home.Create(t.Context(), filepath.Join(dir, "h"), "", nil)
	require.NoError(t, err)
	key, err := h.ReportKey()
	require.NoError(t, err)
	public, err := h.ReportPublic()
	require.NoError(t, err)
	require.Equal(t, key.Public(), public)
	_, err = h.CreateReportKey()
	require.ErrorIs(t, err, fs.ErrExist)

	old := filepath.Join(dir, "old")
	require.NoError(t, os.MkdirAll(filepath.Join(old, "keys"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(old, "kycmark.toml"), []byte("registry = \"r.db\"\nkeys.mark = [\"m\"]\nkeys.seal = \"s\"\n"), 0o600))
	h, err = home.Open(old)
	require.NoError(t, err)
	_, err = h.ReportKey()
	require.ErrorIs(t, err, fs.ErrNotExist)
	made, err := h.CreateReportKey()
	require.NoError(t, err)
	public, err = h.ReportPublic()
	require.NoError(t, err)
	require.Equal(t, made, public)
}

func TestCreateSparesWhatIsThere(t *testing.T) {
	for _, name := range []string{"kycmark.toml", "registry.db", "keys"} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600))
		_, err := home.Create(t.Context(), dir, "", nil)
		require.ErrorIs(t, err, fs.ErrExist, name)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 1, "nothing may be added beside %s", name)
	}
}

func TestOpenRefuses(t *testing.T) {
	_, err := home.Open(t.TempDir())
	require.ErrorIs(t, err, home.ErrNoHome)
	_, err = home.Open(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, home.ErrNoHome)

	for config, want := range map[string]string{
		"registry = ": "toml",
		"":            "registry is not set",
		"registry = \"r.db\"\nkeys.mark = [\"m\"]":                         "keys.seal is not set",
		"registry = \"r.db\"\nkeys.seal = \"s\"":                           "keys.mark is not set",
		"registry = \"r.db\"\nkeys.mark = [\"m\"]\nkeys.seal = \"s\"\nx=1": "there is no setting \"x\"",
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "kycmark.toml")
		require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
		_, err := home.Open(dir)
		if assert.ErrorContains(t, err, want, config) {
			assert.ErrorContains(t, err, path, config)
		}
	}
}

// Whatever Create makes is among the files that no output may take the place of.
func TestFilesNamesAll(t *testing.T) {
	h, err := home.Create(t.Context(), filepath.Join(t.TempDir(), "h"), "", nil)
	require.NoError(t, err)
	files := h.Files()
	require.NoError(t, filepath.WalkDir(h.Dir(), func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		assert.True(t, d.IsDir() || slices.Contains(files, path), path)
		return nil
	}))
}

func TestMissingRegistryIsNotMade(t *testing.T) {
	dir := t.TempDir()
	h, err := home.Create(t.Context(), filepath.Join(dir, "h"), "", nil)
	require.NoError(t, err)
	db := filepath.Join(h.Dir(), "registry.db")
	require.NoError(t, os.Remove(db))
	_, err = h.Registry(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, db)
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("registry = \"r.db\"\n[keys]\nmark = [\"m\"]\nseal = \"s\"\n"))
	f.Add([]byte("registry = 1"))
	f.Add([]byte("[keys]\nmark = \"m\""))
	f.Add([]byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, config []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "kycmark.toml"), config, 0o600))
		h, err := home.Open(dir)
		require.Equal(t, err == nil, h != nil)
		if err == nil {
			require.NotEmpty(t, h.KeyFiles())
		}
	})
}

// What a registry out of reach leaves behind is not in the way of the next attempt.
func TestCreateTakesBackKeys(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		_, err := home.Create(t.Context(), dir, "postgres://nobody@127.0.0.1:1/none?sslmode=disable&connect_timeout=1", nil)
		require.Error(t, err)
		require.NotErrorIs(t, err, fs.ErrExist)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = home.Create(t.Context(), dir, "", nil)
	require.NoError(t, err)
}

// slow is a context that calls do when it is first asked.
type slow struct {
	context.Context
	once *sync.Once
	do   func()
}

func (s slow) Done() <-chan struct{} {
	s.once.Do(s.do)
	return s.Context.Done()
}

// "kycmark init" hangs at its database. A second command completes the home. The first fails then, and leaves its keys.
func TestCreateBesideAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "books")
	_, err := home.Create(slow{t.Context(), new(sync.Once), func() {
		_, err := home.Create(context.Background(), dir, "", nil)
		require.NoError(t, err)
	}}, dir, "", nil)
	require.ErrorIs(t, err, fs.ErrExist)
	h, err := home.Open(dir)
	require.NoError(t, err)
	_, _, err = h.Keys()
	require.NoError(t, err)
	r, err := h.Registry(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// A second "kycmark init" begins in the moment before a first completes the home. It leaves all keys of the home as they are,
// used or not.
func TestCreateBesideCompletion(t *testing.T) {
	for _, used := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "books")
		h, err := home.Create(t.Context(), dir, "", nil)
		require.NoError(t, err)
		keys := func() (all []string) {
			for _, name := range []string{"mark.key", "seal.key", "ledger.key", "ledger.pub", "report.key", "report.pub"} {
				text, err := os.ReadFile(filepath.Join(dir, "keys", name))
				require.NoError(t, err)
				all = append(all, string(text))
			}
			return all
		}
		before, begun, complete := keys(), filepath.Join(dir, ".kycmark-init"), filepath.Join(dir, "kycmark.toml")
		require.NoError(t, os.Rename(complete, begun))
		_, err = home.Create(slow{t.Context(), new(sync.Once), func() {
			require.NoError(t, os.Rename(begun, complete))
			if used {
				r, err := h.Registry(t.Context())
				require.NoError(t, err)
				require.NoError(t, r.AddRecipient(t.Context(), books.Recipient{Name: "v", Kind: books.KindVendor}))
				require.NoError(t, r.Close())
			}
		}}, dir, "", nil)
		if used {
			require.ErrorIs(t, err, fs.ErrExist)
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, before, keys())
		require.NoError(t, os.Rename(complete, begun))
		if _, err = home.Create(t.Context(), dir, "", nil); !used { // killed before the last step
			require.NoError(t, err)
		}
		require.Equal(t, before, keys())
	}
}

// What an investigation takes from the home, and what it does without.
func TestSettings(t *testing.T) {
	keys := "\n[keys]\nmark = [\"m\"]\nseal = \"s\"\n"
	dir := t.TempDir()
	path := filepath.Join(dir, "kycmark.toml")
	require.NoError(t, os.WriteFile(path, []byte("registry = \"r.db\""+keys), 0o600))
	h, err := home.Open(dir)
	require.NoError(t, err)
	assert.Zero(t, h.References)
	assert.Zero(t, h.UploadsPerSubject)
	certificates, err := h.TSA()
	require.NoError(t, err)
	require.Nil(t, certificates)

	require.NoError(t, os.WriteFile(path, []byte("registry = \"r.db\"\nreferences = -1\nuploads_per_subject = 2\ntsa_ca = \"tsa.pem\""+keys), 0o600))
	h, err = home.Open(dir)
	require.NoError(t, err)
	assert.Equal(t, -1, h.References)
	assert.Equal(t, 2, h.UploadsPerSubject)
	_, err = h.TSA()
	require.ErrorContains(t, err, "tsa_ca: tsa.pem: ")
}
