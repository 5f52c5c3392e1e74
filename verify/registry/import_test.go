package registry_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// tarOf is a tar archive of files, and of what else the headers say.
func tarOf(t *testing.T, files map[string][]byte, others ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(files[name])), Mode: 0o600, ModTime: feb}))
		_, err := w.Write(files[name])
		require.NoError(t, err)
	}
	for _, h := range others {
		require.NoError(t, w.WriteHeader(&h))
	}
	if err := w.Close(); len(others) == 0 { // of others bytes may be missing
		require.NoError(t, err)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zipOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: feb})
		require.NoError(t, err)
		_, err = f.Write(files[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func write(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	return dir
}

// imported collects results by name, without the folder.
func imported(t *testing.T, s *registry.Issuer, dir string, uploads iter.Seq[registry.Upload]) (order []string, by map[string]registry.Imported) {
	t.Helper()
	by = map[string]registry.Imported{}
	for r, err := range s.Import(t.Context(), uploads, nil) {
		require.NoError(t, err)
		name := strings.TrimPrefix(filepath.ToSlash(r.Name), filepath.ToSlash(dir)+"/")
		require.Equal(t, r.Err != nil, r.Submission == [16]byte{}, name)
		order, by[name] = append(order, name), r
	}
	return order, by
}

func smallIssuer(t *testing.T, change ...func(*registry.Config)) (*registry.Issuer, registry.Config) {
	t.Helper()
	cfg := leaktest.Config(t)
	for _, f := range change {
		f(&cfg)
	}
	return newIssuer(t, cfg), cfg
}

func TestImport(t *testing.T) {
	a, b, c, d := passportFile(t, 1, "jpeg"), passportFile(t, 2, "jpeg"), passportFile(t, 3, "png"), passportFile(t, 4, "jpeg")
	dir := write(t, map[string][]byte{
		"a.jpg":         a,
		"again.jpg":     a,
		"sub/.hidden/x": a,
		"sub/.DS_Store": a,
		"sub/b.zip":     zipOf(t, map[string][]byte{"../../b.jpg": b, "text.txt": []byte("no picture"), "inner.zip": a, "e/": nil}),
		"t.TAR": tarOf(t, map[string][]byte{"/etc/c.png": c, "in.tar.gz": a},
			tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		"u.tgz":     gzipped(t, tarOf(t, map[string][]byte{"d.jpg": d})),
		"v.zip":     []byte("PK no archive"),
		"w.tar.gz":  []byte("no gzip"),
		"x.tar":     tarOf(t, map[string][]byte{"d.jpg": d})[:1024],
		"empty.jpg": nil,
	})
	s, cfg := smallIssuer(t)
	want := []string{"a.jpg", "again.jpg", "empty.jpg", "sub/b.zip!../../b.jpg", "sub/b.zip!inner.zip", "sub/b.zip!text.txt",
		"t.TAR!/etc/c.png", "t.TAR!in.tar.gz", "t.TAR!link", "u.tgz!d.jpg", "v.zip", "w.tar.gz", "x.tar!d.jpg", "x.tar"}
	good := map[string]bool{"a.jpg": false, "again.jpg": true, "sub/b.zip!../../b.jpg": false, "t.TAR!/etc/c.png": false, "u.tgz!d.jpg": false}
	for run := range 2 {
		order, by := imported(t, s, dir, registry.Uploads(dir, filepath.Join(dir, "none")))
		require.Equal(t, append(want, "none"), order)
		for name, r := range by {
			duplicate, ok := good[name]
			assert.Equal(t, ok, r.Err == nil, "%s: %v", name, r.Err)
			assert.Equal(t, ok && (duplicate || run > 0), r.Duplicate, name)
		}
		require.ErrorContains(t, by["sub/b.zip!inner.zip"].Err, "an archive within an archive")
		require.ErrorContains(t, by["t.TAR!link"].Err, "not a regular file")
		require.ErrorIs(t, by["none"].Err, os.ErrNotExist)
		require.ErrorIs(t, by["sub/b.zip!text.txt"].Err, registry.ErrFormat)
		require.EqualValues(t, 2+4, checkLedger(t, cfg.Registry), "the registry, its mark key and four uploads")
	}
	for u := range registry.Uploads(filepath.Join(dir, "sub/b.zip"), filepath.Join(dir, "u.tgz")) {
		assert.True(t, feb.Equal(u.Modified), u.Name)
	}
}

// An archive that is cut off between two files is not whole, and neither is gzip whose checksum is wrong. The files are listed.
func TestCutArchives(t *testing.T) {
	blank := make([]byte, 512)
	whole := tarOf(t, map[string][]byte{"a.jpg": []byte("a"), "b.jpg": blank, "c.jpg": []byte("c")})
	const second, third = 4 * 512, 6 * 512 // where the second and the third file end
	changed := gzipped(t, whole)
	changed[len(changed)-8] ^= 1
	long := gzipped(t, append(bytes.Clone(whole), make([]byte, 1<<20)...))
	end := bytes.Clone(long)
	end[len(end)-8] ^= 1
	for name, c := range map[string]struct {
		data  []byte
		files int
		want  error
	}{
		"whole.tar":   {whole, 3, nil},
		"two.tar":     {whole[:second], 2, io.ErrUnexpectedEOF},
		"all.tar":     {whole[:third], 3, io.ErrUnexpectedEOF},
		"one.tar":     {whole[:third+512], 3, nil},
		"two.tgz":     {gzipped(t, whole[:second]), 2, io.ErrUnexpectedEOF},
		"one.tgz":     {gzipped(t, whole[:third+512]), 3, nil},
		"long.tgz":    {long, 3, nil},
		"changed.tgz": {changed, 3, gzip.ErrChecksum},
		"end.tgz":     {end, 3, gzip.ErrChecksum},
		"cut.tgz":     {changed[:len(changed)-8], 3, io.ErrUnexpectedEOF},
	} {
		for _, read := range []bool{true, false} {
			n, errs := 0, []error(nil)
			for u := range registry.Uploads(filepath.Join(write(t, map[string][]byte{name: c.data}), name)) {
				if u.Err != nil {
					errs = append(errs, u.Err)
					continue
				}
				if n++; read {
					r, err := u.Open()
					require.NoError(t, err)
					_, err = io.ReadAll(r)
					require.NoError(t, err)
				}
			}
			assert.Equal(t, c.files, n, name)
			if c.want == nil {
				assert.Empty(t, errs, name)
			} else if assert.Len(t, errs, 1, name) {
				assert.ErrorIs(t, errs[0], c.want, name)
			}
		}
	}
}

// Archives that claim or unpack to more than they should cost no more than the limit.
func TestHostileArchives(t *testing.T) {
	zeros := make([]byte, 3<<20)
	locked := zipOf(t, map[string][]byte{"x.jpg": zeros})
	for _, magic := range []string{"PK\x01\x02", "PK\x03\x04"} { // the flags of both headers
		at := bytes.Index(locked, []byte(magic)) + map[string]int{"PK\x01\x02": 8, "PK\x03\x04": 6}[magic]
		locked[at] |= 1
	}
	huge := tar.Header{Name: "huge.jpg", Typeflag: tar.TypeReg, Size: 5 << 30}
	dir := write(t, map[string][]byte{
		"bomb.zip":   zipOf(t, map[string][]byte{"a.jpg": zeros, "b.jpg": passportFile(t, 1, "jpeg")}),
		"bomb.tgz":   gzipped(t, tarOf(t, map[string][]byte{"a.jpg": zeros, "b.jpg": passportFile(t, 2, "jpeg")})),
		"locked.zip": locked,
		"skip.tgz":   gzipped(t, tarOf(t, nil, huge)),
		"skip.tar":   tarOf(t, nil, huge),
	})
	s, cfg := smallIssuer(t, func(c *registry.Config) { c.MaxBytes = 1 << 20 })
	_, by := imported(t, s, dir, registry.Uploads(dir))
	for _, name := range []string{"bomb.zip!a.jpg", "bomb.tgz!a.jpg", "skip.tgz!huge.jpg", "skip.tgz", "skip.tar!huge.jpg"} {
		assert.ErrorIs(t, by[name].Err, registry.ErrLimit, name)
	}
	require.Error(t, by["skip.tar"].Err, "it ends before the file does")
	require.ErrorContains(t, by["locked.zip"].Err, "encrypted")
	require.NoError(t, by["bomb.zip!b.jpg"].Err, "the rest is done")
	require.NoError(t, by["bomb.tgz!b.jpg"].Err)
	require.EqualValues(t, 2+2, checkLedger(t, cfg.Registry))
}

// manyUploads are n different small pictures.
func manyUploads(t *testing.T, n int) []registry.Upload {
	t.Helper()
	first := passportFile(t, 1, "jpeg")
	var out []registry.Upload
	for i := range n { // what stands behind the end of a JPEG makes another file
		data := append(bytes.Clone(first), byte(i))
		out = append(out, registry.Upload{Name: string(rune('a' + i)), At: feb,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }})
	}
	return out
}

// What became of a file says whether there is more in it than was entered.
func TestImportCountsPages(t *testing.T) {
	frame := image.NewPaletted(image.Rect(0, 0, 300, 200), color.Palette{color.White, color.Black})
	var two bytes.Buffer
	require.NoError(t, gif.EncodeAll(&two, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{0, 0}}))
	dir := write(t, map[string][]byte{"one.jpg": passportFile(t, 1, "jpeg"), "two.gif": two.Bytes(), "text.txt": []byte("no picture")})
	s, _ := smallIssuer(t)
	_, by := imported(t, s, dir, registry.Uploads(dir))
	assert.Equal(t, 1, by["one.jpg"].Pages)
	assert.Equal(t, []int{1, 0}, []int{by["two.gif"].Pages, by["two.gif"].LeftOut}, "equal frames are one page")
	assert.Zero(t, by["text.txt"].Pages)
}

// A file that is there under another subject is told, whether it was entered before or by the same import.
func TestImportTellsOthersUploads(t *testing.T) {
	s, _ := smallIssuer(t)
	first, second := passportFile(t, 1, "jpeg"), passportFile(t, 2, "jpeg")
	submit(t, s, first, "", feb)
	want := map[string]bool{}
	var uploads []registry.Upload
	add := func(name string, data []byte, subject string, others bool) {
		want[name] = others
		uploads = append(uploads, registry.Upload{Name: name, Subject: subject, At: feb,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }})
	}
	add("none's", first, "customer 1", true)
	add("none's again", first, "", false)
	add("new", second, "customer 1", false)
	add("same", second, "customer 1", false)
	add("other", second, "customer 2", true)
	add("not said", second, "", false)
	for range 2 {
		for r, err := range s.Import(t.Context(), slices.Values(uploads), nil) {
			require.NoError(t, err)
			require.NoError(t, r.Err, r.Name)
			assert.Equal(t, want[r.Name], r.Others, r.Name)
		}
	}
}

// An import that is given up anywhere loses nothing that it reported, and the next one does the rest.
func TestImportIsResumed(t *testing.T) {
	uploads := manyUploads(t, 12)
	for _, stop := range []int{1, 5, 12} {
		s, cfg := smallIssuer(t)
		reported := map[string]bool{}
		for r, err := range s.Import(t.Context(), slices.Values(uploads), nil) {
			require.NoError(t, err)
			if reported[r.Name] = true; len(reported) == stop {
				break
			}
		}
		n := 0
		for r, err := range s.Import(t.Context(), slices.Values(uploads), nil) {
			require.NoError(t, err)
			require.NoError(t, r.Err)
			require.Equal(t, uploads[n].Name, r.Name)
			if reported[r.Name] {
				require.True(t, r.Duplicate, "what was reported was committed")
			}
			n++
		}
		require.Equal(t, len(uploads), n)
		require.EqualValues(t, 2+12, checkLedger(t, cfg.Registry))
	}
	s, _ := smallIssuer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range s.Import(ctx, slices.Values(uploads), nil) {
		require.ErrorIs(t, err, context.Canceled)
	}
	for range s.Import(t.Context(), slices.Values[[]registry.Upload](nil), nil) {
		t.Fatal("there is nothing")
	}
}

// picky refuses batches, or all.
type picky struct {
	records.Store
	refuse error
	batch  bool // only batches
}

func (p *picky) AddSubmissions(ctx context.Context, uploads []records.Upload) ([]bool, error) {
	if !p.batch || len(uploads) > 1 {
		return nil, p.refuse
	}
	return p.Store.AddSubmissions(ctx, uploads)
}

func TestImportAndTheStore(t *testing.T) {
	uploads := manyUploads(t, 3)
	for _, c := range []struct {
		refuse error
		batch  bool
	}{{errFault, false}, {records.ErrErased, true}, {records.ErrErased, false}} {
		s, cfg := smallIssuer(t)
		cfg.Registry.Wrap(func(in records.Store) records.Store { return &picky{in, c.refuse, c.batch} })
		for r, err := range s.Import(t.Context(), slices.Values(uploads), nil) {
			if errors.Is(c.refuse, errFault) {
				require.ErrorIs(t, err, errFault)
				continue
			}
			require.NoError(t, err)
			if c.batch {
				require.NoError(t, r.Err, "one by one")
			} else {
				require.ErrorIs(t, r.Err, records.ErrErased)
			}
		}
	}
}

// unheard commits uploads, and loses the answer.
type unheard struct{ records.Store }

func (s unheard) AddSubmissions(ctx context.Context, uploads []records.Upload) ([]bool, error) {
	_, err := s.Store.AddSubmissions(ctx, uploads)
	return nil, errors.Join(err, errFault)
}

// A service dies when an upload is committed, and the client sends it again. The mark that it came in with is entered too: its
// holders could else deny that they had a file with the recipient's mark.
func TestReturnsAreEnteredWithTheirUpload(t *testing.T) {
	cfg := leaktest.Config(t)
	cfg.Marked = registry.MarkedAtSubmit
	s, ctx := newIssuer(t, cfg), t.Context()
	require.NoError(t, cfg.Registry.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	sub := submit(t, s, passportFile(t, 1, "jpeg"), "customer 17", feb)
	var copied bytes.Buffer
	c, err := s.Issue(ctx, sub.ID, "vendor A", to(&copied), &registry.IssueOptions{AllowWeak: true})
	require.NoError(t, err)
	inner := cfg.Registry.Inner()
	cfg.Registry.Wrap(func(in records.Store) records.Store { return unheard{in} })
	_, _, err = s.Submit(ctx, bytes.NewReader(copied.Bytes()), "customer 17", feb, nil)
	require.ErrorIs(t, err, errFault)
	cfg.Registry.Wrap(func(records.Store) records.Store { return inner })
	second, became, err := s.Submit(ctx, bytes.NewReader(copied.Bytes()), "customer 17", feb, nil)
	require.NoError(t, err)
	require.True(t, became.Duplicate)
	require.Len(t, became.Carries, 1)
	rows, err := cfg.Registry.Returns(ctx, c.ID)
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, second.ID, rows[0].Submission)
	checkLedger(t, cfg.Registry)
}

// Of hashes alone nothing is issued.
func TestHashOnly(t *testing.T) {
	upload := passportFile(t, 1, "jpeg")
	s, cfg := smallIssuer(t)
	sub := submit(t, s, upload, "customer 17", feb, &registry.SubmitOptions{HashOnly: true})
	_, err := cfg.Registry.Inner().Sealed(t.Context(), sub.ID, true)
	require.ErrorIs(t, err, registry.ErrNotFound, "nothing is kept")
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), nil)
	require.ErrorIs(t, err, registry.ErrSealed)
	require.ErrorContains(t, err, "only its hash was entered")

	cfg.SealKey = nil
	submit(t, newIssuer(t, cfg), passportFile(t, 2, "jpeg"), "", feb, &registry.SubmitOptions{HashOnly: true}) // hashes need no sealing key
	_, _, err = newIssuer(t, cfg).Submit(t.Context(), bytes.NewReader(passportFile(t, 3, "jpeg")), "", feb, nil)
	require.ErrorIs(t, err, registry.ErrInput, "originals need it")
	_, err = newIssuer(t, cfg).Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), nil)
	require.ErrorIs(t, err, registry.ErrInput)
}

// Where hashes are sealed those alone are.
func TestHashOnlySealed(t *testing.T) {
	r, err := registry.Create(t.Context(), sqlite.At(":memory:"), &registry.CreateOptions{SealHashes: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	cfg := registry.Config{Registry: r}
	hashes := &registry.SubmitOptions{HashOnly: true}
	_, _, err = newIssuer(t, cfg).Submit(t.Context(), bytes.NewReader(passportFile(t, 1, "jpeg")), "", feb, hashes)
	require.ErrorIs(t, err, registry.ErrInput, "sealing takes a key")
	cfg.SealKey = leaktest.SealKey()
	sub := submit(t, newIssuer(t, cfg), passportFile(t, 1, "jpeg"), "", feb, hashes)
	require.Empty(t, sub.Hash)
	x, err := r.Inner().Sealed(t.Context(), sub.ID, true)
	require.NoError(t, err)
	require.NotEmpty(t, x.Hashes)
	require.Empty(t, x.Body)
	require.Empty(t, x.Features)
	checkLedger(t, r)
}

// No archive makes listing fail in another way than by an error of an upload, and
// nothing more is read of an entry than is asked for.
func FuzzUploads(f *testing.F) {
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	e, err := w.Create("../a.jpg")
	require.NoError(f, err)
	_, err = e.Write(make([]byte, 1000))
	require.NoError(f, err)
	require.NoError(f, w.Close())
	f.Add(uint8(0), z.Bytes())
	var t bytes.Buffer
	tw := tar.NewWriter(&t)
	require.NoError(f, tw.WriteHeader(&tar.Header{Name: "/a.jpg", Size: 5, Typeflag: tar.TypeReg, Mode: 0o600}))
	_, err = tw.Write([]byte("12345"))
	require.NoError(f, err)
	require.NoError(f, tw.Close())
	f.Add(uint8(1), t.Bytes())
	f.Add(uint8(2), []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		name := []string{"x.zip", "x.tar", "x.tgz"}[kind%3]
		path := filepath.Join(write(t, map[string][]byte{name: data}), name)
		for u := range registry.Uploads(path) {
			require.True(t, u.Name == path || strings.HasPrefix(u.Name, path+"!"), u.Name)
			if u.Err != nil {
				continue
			}
			r, err := u.Open()
			if err != nil {
				continue
			}
			io.CopyN(io.Discard, r, 1<<16)
			r.Close() // of a damaged entry an error, too
		}
	})
}
