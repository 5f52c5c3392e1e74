package registry_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// unmarkedMark stands for marking where only the books matter: it takes a second.
func unmarkedMark(_ watermark.CopyID, img image.Image) (*watermark.Marked, error) {
	return &watermark.Marked{Image: img.(*image.NRGBA), Strength: 1, MarginDB: 4, PSNR: 45, SSIM: 0.99}, nil
}

// shop is a registry with a recipient and a submission. Its issuer marks nothing, and the submission is too small to be
// read.
func shop(t *testing.T, format string, change ...func(*registry.Config)) (*registry.Issuer, registry.Config, *books.Submission) {
	t.Helper()
	return shopOf(t, file(t, thumb(1), format), change...)
}

// markShop is a shop whose submission can be marked.
func markShop(t *testing.T, format string, change ...func(*registry.Config)) (*registry.Issuer, registry.Config, *books.Submission) {
	t.Helper()
	return shopOf(t, passportFile(t, 1, format), change...)
}

// shopOf is a shop whose submission is a file.
func shopOf(t *testing.T, upload []byte, change ...func(*registry.Config)) (*registry.Issuer, registry.Config, *books.Submission) {
	t.Helper()
	cfg := leaktest.Config(t)
	for _, f := range change {
		f(&cfg)
	}
	s := newIssuer(t, cfg)
	s.SetMark(unmarkedMark)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	return s, cfg, submit(t, s, upload, "customer 17", feb)
}

func TestIssue(t *testing.T) {
	for format, want := range map[string]string{"jpeg": "jpeg", "png": "png", "tiff": "tiff", "bmp": "bmp"} {
		s, cfg, sub := shop(t, format)
		var out bytes.Buffer
		c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 7"})
		require.NoError(t, err)
		sum := sha256.Sum256(out.Bytes())
		require.Equal(t, books.Digest(sum), c.SHA256, "of the very bytes released")
		pic, err := picture.Decode(out.Bytes(), picture.Limits{})
		require.NoError(t, err)
		assert.Equal(t, want, pic.Format)
		assert.Equal(t, image.Rect(0, 0, c.Width, c.Height), pic.Image.Rect)
		got, err := cfg.Registry.Copy(t.Context(), c.ID)
		require.NoError(t, err)
		requireSame(t, c, got)
		require.Equal(t, leaktest.Key().ID(), c.KeyID)
		all, err := cfg.Registry.Copies(t.Context(), sub.ID)
		require.NoError(t, err)
		require.Equal(t, []books.Copy{*c}, all)
		require.EqualValues(t, 6, checkLedger(t, cfg.Registry), "registry, recipient, submission, key, copy, its release")
	}
}

// A copy is written as its original is, of whatever kind that is, and weighs what the unmarked picture would.
func TestCopiesLookLikeTheirOriginals(t *testing.T) {
	img := passport(4)
	for name, look := range map[string]picture.Source{
		"4:4:4":             {Format: "jpeg", Subsampling: codec.Sub444},
		"4:2:2":             {Format: "jpeg", Subsampling: codec.Sub422},
		"progressive 4:2:0": {Format: "jpeg", Subsampling: codec.Sub420, Progressive: true},
	} {
		if name == "4:2:2" && !long.On {
			continue // TestLikeJPEG has all
		}
		var original, plain, out bytes.Buffer
		require.NoError(t, picture.EncodeLike(&original, img, look, picture.LikeOptions{Quality: 83}))
		first, err := picture.Decode(original.Bytes(), picture.Limits{})
		require.NoError(t, err)
		require.NoError(t, picture.EncodeLike(&plain, first.Image, first.Source, picture.LikeOptions{}))

		_, cfg, _ := shop(t, "png")
		s := newIssuer(t, cfg) // which marks
		sub := submit(t, s, original.Bytes(), "", feb)
		c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
		require.NoError(t, err)
		assert.Less(t, c.PSNR, 60.0, "it is marked")
		pic, err := picture.Decode(out.Bytes(), picture.Limits{})
		require.NoError(t, err)
		assert.Equal(t, first.Source.Subsampling, pic.Source.Subsampling, name)
		assert.Equal(t, first.Source.Progressive, pic.Source.Progressive, name)
		assert.InDelta(t, first.Source.Quality, pic.Source.Quality, 3, name)
		assert.InEpsilon(t, plain.Len(), out.Len(), 0.15, name)
	}
}

func TestIssueNeeds(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	var out bytes.Buffer
	ctx := t.Context()
	_, err := s.Issue(ctx, sub.ID, "nobody", registry.WriteTo(&out), nil)
	require.ErrorIs(t, err, registry.ErrNotFound)
	_, err = s.Issue(ctx, watermark.Submission{1}, "vendor A", registry.WriteTo(&out), nil)
	require.ErrorIs(t, err, registry.ErrNotFound)
	_, err = s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "a\x07b"})
	require.ErrorIs(t, err, registry.ErrInput)

	other := cfg
	other.SealKey = registry.GenerateSealKey()
	_, err = registry.NewIssuer(other)
	require.ErrorIs(t, err, registry.ErrSealed)
	other = cfg
	other.Key = nil
	_, err = newIssuer(t, other).Issue(ctx, sub.ID, "vendor A", registry.WriteTo(&out), nil)
	require.ErrorIs(t, err, registry.ErrInput)
	require.Zero(t, out.Len())

	for name, bad := range map[string]registry.Config{
		"no registry": {SealKey: leaktest.SealKey()},
		"negative":    {Registry: cfg.Registry, SealKey: leaktest.SealKey(), MaxBytes: -1},
		"not hashed":  {Registry: cfg.Registry, SealKey: leaktest.SealKey(), MaxPixels: phash.MaxPixels + 1},
	} {
		_, err := registry.NewIssuer(bad)
		assert.ErrorIs(t, err, registry.ErrInput, name)
	}
}

func TestWeakMarksAreRefusedUnlessAllowed(t *testing.T) {
	weak := func(_ watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		return &watermark.Marked{Image: img.(*image.NRGBA), Strength: 1, MarginDB: -2, Weak: true}, nil
	}
	s, cfg, sub := shop(t, "jpeg")
	s.SetMark(weak)
	var out bytes.Buffer
	before := checkLedger(t, cfg.Registry)
	_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
	require.ErrorIs(t, err, registry.ErrWeak)
	require.Zero(t, out.Len())
	require.Equal(t, before, checkLedger(t, cfg.Registry), "nothing is logged")
	c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{AllowWeak: true})
	require.NoError(t, err)
	require.True(t, c.Weak)
}

// faulty makes the logging of copies fail, before or after it is done.
type faulty struct {
	records.Store
	persist bool
}

var errFault = errors.New("fault")

func (f *faulty) AddCopy(ctx context.Context, c *books.Copy, k records.KeyEntry) error {
	if f.persist {
		return errors.Join(f.Store.AddCopy(ctx, c, k), errFault)
	}
	return errFault
}

// Whatever fails, no copy is ever released that the ledger does not hold.
func TestNothingIsReleasedUnlogged(t *testing.T) {
	for _, persist := range []bool{false, true} {
		t.Run(fmt.Sprintf("persisted=%v", persist), func(t *testing.T) {
			s, cfg, sub := shop(t, "jpeg")
			inner := cfg.Registry.Inner()
			cfg.Registry.Wrap(func(in records.Store) records.Store { return &faulty{in, persist} })
			var out bytes.Buffer
			_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
			require.ErrorIs(t, err, errFault)
			require.Zero(t, out.Len(), "not released")

			cfg.Registry.Wrap(func(records.Store) records.Store { return inner })
			c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
			require.NoError(t, err)
			all, err := cfg.Registry.Copies(t.Context(), sub.ID)
			require.NoError(t, err)
			requireSame(t, c, all[len(all)-1])
			require.Len(t, all, 1, "the same request goes on with what was entered")
			checkLedger(t, cfg.Registry)
		})
	}
}

// broken is a recipient's connection that fails; it notes whether the copy was logged by then.
type broken struct {
	registry *registry.Registry
	of       watermark.Submission
	logged   int
}

func (b *broken) Write([]byte) (int, error) {
	all, err := b.registry.Copies(context.Background(), b.of)
	b.logged = len(all)
	return 0, errors.Join(errFault, err)
}

func TestLoggedBeforeTheFirstByte(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	b := &broken{registry: cfg.Registry, of: sub.ID}
	_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(b), nil)
	require.ErrorIs(t, err, errFault)
	require.Equal(t, 1, b.logged)
}

func TestTakenCopyID(t *testing.T) {
	s, _, sub := shop(t, "jpeg")
	var out bytes.Buffer
	_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{ID: 7})
	require.NoError(t, err)
	out.Reset()
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{ID: 7, Purpose: "another"})
	require.ErrorIs(t, err, registry.ErrConflict)
	require.Zero(t, out.Len())
}

// A request that is answered by an entered copy has the copy of the key that was first then, also when another key is first now.
func TestCopyOfEarlierKey(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	var first, again bytes.Buffer
	c, err := newIssuer(t, cfg).Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&first), nil)
	require.NoError(t, err)
	earlier := cfg.Key
	cfg.Key = watermark.GenerateKey()
	s, o := newIssuer(t, cfg), &registry.IssueOptions{ID: c.ID}
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&again), o)
	require.ErrorIs(t, err, registry.ErrConflict, "the earlier key is not at hand")
	cfg.Keys = []*watermark.Key{cfg.Key, earlier}
	s = newIssuer(t, cfg)
	got, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&again), o)
	require.NoError(t, err)
	require.Equal(t, c.KeyID, got.KeyID)
	require.True(t, bytes.Equal(first.Bytes(), again.Bytes()))
	got, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{ID: 7})
	require.NoError(t, err)
	require.Equal(t, cfg.Key.ID(), got.KeyID, "a new copy has the new key")
}

// The same request, which names no ID, goes on under a new first key: its copy is the entered one. A copy of a key that is
// no longer active is still found, and no bytes of it are made again.
func TestRequestOfEarlierKey(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	var first, again bytes.Buffer
	c, err := newIssuer(t, cfg).Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&first), asked(""))
	require.NoError(t, err)
	earlier := cfg.Key
	cfg.Key = watermark.GenerateKey()
	_, err = cfg.Registry.Ledger().AddMarkKey(t.Context(), cfg.Key)
	require.NoError(t, err)
	cfg.Keys = []*watermark.Key{cfg.Key, earlier}
	s := newIssuer(t, cfg)
	got, err := s.Copy(t.Context(), sub.ID, "vendor A", asked(""))
	require.NoError(t, err)
	require.Equal(t, c.ID, got.ID)
	got, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&again), asked(""))
	require.NoError(t, err)
	require.Equal(t, c.ID, got.ID)
	require.True(t, bytes.Equal(first.Bytes(), again.Bytes()))
	got, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), asked("2"))
	require.NoError(t, err)
	require.Equal(t, cfg.Key.ID(), got.KeyID, "a new request has the new key")

	require.NoError(t, cfg.Registry.Ledger().SetKeyState(t.Context(), books.KeyState{KeyID: earlier.ID(), State: books.KeyRetired, Since: time.Now().Add(-time.Hour)}))
	got, err = s.Copy(t.Context(), sub.ID, "vendor A", asked(""))
	require.NoError(t, err)
	require.Equal(t, c.ID, got.ID)
	for range 2 {
		got, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), asked(""))
		require.NoError(t, err)
		require.Equal(t, cfg.Key.ID(), got.KeyID)
	}
	copies, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, copies, 3)
}

// formatShops are shops with an upload of a format each, of which the first copy was issued: later ones do not have it read
// first.
type formatShops map[string]struct {
	cfg registry.Config
	sub *books.Submission
}

// as is an issuer of a shop of the format, with an encoder.
func (f formatShops) as(t *testing.T, format string, asWebP func(io.Writer, *image.NRGBA, int, []byte, []byte) error) (*registry.Issuer, *books.Submission) {
	t.Helper()
	x, ok := f[format]
	if !ok {
		var first *registry.Issuer
		first, x.cfg, x.sub = markShop(t, format)
		_, err := first.Issue(t.Context(), x.sub.ID, "vendor A", registry.WriteTo(io.Discard), nil)
		require.NoError(t, err)
		f[format] = x
	}
	cfg := x.cfg
	cfg.EncodeWebP = asWebP
	s := newIssuer(t, cfg)
	s.SetMark(unmarkedMark)
	return s, x.sub
}

func TestSizeLimitsOfCopies(t *testing.T) {
	shops := make(formatShops)
	for name, c := range map[string]struct {
		format  string
		side    int
		bytes   int64
		want    string
		atMost  int
		atLeast int
	}{
		"as it is":     {"png", 0, 0, "png", 360, 360},
		"side":         {"png", 300, 0, "png", 300, 300},
		"larger side":  {"png", 900, 0, "png", 360, 360},
		"bytes":        {"jpeg", 0, 28_000, "jpeg", 360, 320},
		"few bytes":    {"png", 0, 25_000, "jpeg", 350, 320},
		"roomy":        {"png", 0, 10_000_000, "png", 360, 360},
		"both":         {"bmp", 320, 25_000, "jpeg", 320, 320},
		"lossless fit": {"bmp", 0, 600_000, "bmp", 360, 360},
	} {
		s, sub := shops.as(t, c.format, nil)
		var out bytes.Buffer
		got, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: name, MaxSide: c.side, MaxBytes: c.bytes})
		require.NoError(t, err, name)
		assert.Equal(t, c.want, got.Format, name)
		assert.LessOrEqual(t, got.Width, c.atMost, name)
		assert.GreaterOrEqual(t, got.Width, c.atLeast, name)
		if c.bytes > 0 {
			assert.LessOrEqual(t, int64(out.Len()), c.bytes, name)
		}
	}
	s, sub := shops.as(t, "png", nil)
	_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&bytes.Buffer{}), &registry.IssueOptions{MaxBytes: 200})
	require.ErrorIs(t, err, registry.ErrInput)
	require.Regexp(t, `does not fit into 200 bytes: the smallest that was tried has [12]\d{4}$`, err.Error())
}

// A format that is asked for is kept, whatever it weighs.
func TestFormatsOfCopies(t *testing.T) {
	shops := make(formatShops)
	asWebP := func(w io.Writer, img *image.NRGBA, quality int, _, _ []byte) error {
		require.True(t, img.Opaque())
		return picture.Encode(w, img, "jpeg", quality) // any bytes: the command's encoder is tested there
	}
	for name, c := range map[string]struct {
		from, format string
		bytes        int64
		atMost       int
	}{
		"png to jpeg":   {"png", "jpeg", 0, 360},
		"jpeg to png":   {"jpeg", "png", 0, 360},
		"small png":     {"jpeg", "png", 150_000, 350},
		"bmp to webp":   {"bmp", "webp", 0, 360},
		"small webp":    {"png", "webp", 32_000, 350},
		"jpeg as it is": {"jpeg", "jpeg", 0, 360},
	} {
		s, sub := shops.as(t, c.from, asWebP)
		var out bytes.Buffer
		got, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: name, Format: c.format, MaxBytes: c.bytes})
		require.NoError(t, err, name)
		assert.Equal(t, c.format, got.Format, name)
		assert.LessOrEqual(t, got.Width, c.atMost, name)
		if c.bytes > 0 {
			assert.LessOrEqual(t, int64(out.Len()), c.bytes, name)
			assert.Less(t, got.Width, 360, name)
		}
	}
	s, sub := shops.as(t, "png", nil)
	for _, format := range []string{"webp", "heic", "JPEG"} {
		_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{Format: format})
		assert.ErrorIs(t, err, registry.ErrInput, format)
	}
}

// Copies for several recipients of one prepared submission differ, are logged one by
// one, and what one lacks does not keep the others from theirs.
func TestPreparedForSeveral(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	s := newIssuer(t, cfg) // which marks
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor B", Kind: books.KindVendor}))
	opened := &registry.IssueOptions{Opened: new(registry.Opened)}
	before := checkLedger(t, cfg.Registry)
	var got []*books.Copy
	var files []string
	for _, to := range []string{"vendor A", "nobody", "vendor B"} {
		var out bytes.Buffer
		c, err := s.Issue(t.Context(), sub.ID, to, registry.WriteTo(&out), opened)
		if to == "nobody" {
			require.ErrorIs(t, err, registry.ErrNotFound)
			require.Zero(t, out.Len())
			continue
		}
		require.NoError(t, err)
		require.Equal(t, to, c.Recipient)
		got, files = append(got, c), append(files, out.String())
	}
	require.NotEqual(t, got[0].ID, got[1].ID)
	require.NotEqual(t, files[0], files[1])
	all, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, before+4, checkLedger(t, cfg.Registry), "a copy each and its release")
	for i, f := range files {
		leaktest.RequireCopy(t, leaktest.Key(), got[i].ID, []byte(f))
	}
	_, err = s.Issue(t.Context(), watermark.Submission{1}, "vendor A", registry.WriteTo(io.Discard), opened)
	require.ErrorIs(t, err, registry.ErrNotFound)
}

// Copies for several recipients must fit into so many bytes. The command is killed and run again: each copy comes out
// as it was entered, though other copies were shrunk before it then.
func TestSizeLimitsForSeveral(t *testing.T) {
	s, cfg, sub := markShop(t, "png")
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor B", Kind: books.KindVendor}))
	var large watermark.CopyID // the first
	mark := func(id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		out, err := unmarkedMark(id, img)
		if large = cmp.Or(large, id); id == large {
			noisy := imaging.Clone(img)
			for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < len(noisy.Pix); i++ {
				if i%4 != 3 {
					noisy.Pix[i] = uint8(r.IntN(256))
				}
			}
			out.Image = noisy
		}
		return out, err
	}
	opened := new(registry.Opened)
	issue := func(s *registry.Issuer, to string) *books.Copy {
		s.SetMark(mark)
		c, err := s.Issue(t.Context(), sub.ID, to, registry.WriteTo(io.Discard), &registry.IssueOptions{MaxBytes: 60_000, Opened: opened})
		require.NoError(t, err)
		return c
	}
	a, b := issue(s, "vendor A"), issue(s, "vendor B")
	require.Less(t, a.Width, b.Width)
	opened = nil
	require.Equal(t, b.ID, issue(newIssuer(t, cfg), "vendor B").ID)
}

// What several recipients' copies of one upload save over as many calls of Issue.
func BenchmarkIssueToFour(b *testing.B) {
	cfg := leaktest.Config(b)
	s, err := registry.NewIssuer(cfg)
	require.NoError(b, err)
	require.NoError(b, cfg.Registry.AddRecipient(b.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	var upload bytes.Buffer
	page := specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(1), 1600), 1, 4000, 3000)
	require.NoError(b, picture.Encode(&upload, page, "jpeg", 90))
	sub, _, err := s.Submit(b.Context(), &upload, "", time.Time{}, nil)
	require.NoError(b, err)
	b.Run("apart", func(b *testing.B) {
		for b.Loop() {
			for range 4 {
				if _, err := s.Issue(b.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{ID: watermark.NewCopyID()}); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("together", func(b *testing.B) {
		for b.Loop() {
			o := &registry.IssueOptions{Opened: new(registry.Opened)}
			for range 4 {
				o.ID = watermark.NewCopyID()
				if _, err := s.Issue(b.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), o); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func TestConcurrentSubmitAndIssue(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	uploads := [][]byte{passportFile(t, 2, "jpeg"), passportFile(t, 3, "jpeg")}
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for w := range 4 {
		wg.Go(func() {
			for i := range 4 {
				_, _, err := s.Submit(t.Context(), bytes.NewReader(uploads[(w+i)%2]), "", feb, nil)
				errs <- err
				var out bytes.Buffer
				_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Request: fmt.Sprint(w, i)})
				errs <- err
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, 4+2+32, checkLedger(t, cfg.Registry), "registry, recipient, submission, key; two more uploads, 16 copies and their releases")
}

// The pixels of a JPEG are decoded only for copies that are marked in pixels. These come from the original that was
// prepared, also after a copy in coefficients.
func TestPixelsAreDecodedWhenNeeded(t *testing.T) {
	_, cfg, sub := markShop(t, "jpeg")
	for name, tt := range map[string]struct {
		o       registry.IssueOptions
		decoded bool
	}{
		"coefficients": {registry.IssueOptions{}, false},
		"another size": {registry.IssueOptions{MaxSide: max(sub.Width, sub.Height) * 19 / 20}, true},
		"too large":    {registry.IssueOptions{MaxBytes: 38_000}, true},
		"png":          {registry.IssueOptions{Format: "png"}, true},
	} {
		var opened registry.Opened
		tt.o.Opened, tt.o.Purpose = &opened, name
		var file bytes.Buffer
		row, err := newIssuer(t, cfg).Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&file), &tt.o)
		require.NoError(t, err, name)
		assert.Equal(t, tt.decoded, opened.Decoded(), name)
		_, leftOut, _ := opened.About()
		assert.Zero(t, leftOut)
		leak, err := picture.Decode(file.Bytes(), picture.Limits{})
		require.NoError(t, err)
		assert.Equal(t, image.Pt(row.Width, row.Height), leak.Image.Rect.Size(), name)
		if name == "another size" || long.On { // an issue reads its copy itself
			leaktest.RequireCopy(t, leaktest.Key(), row.ID, file.Bytes())
		}
		if tt.o.MaxBytes > 0 {
			assert.LessOrEqual(t, int64(file.Len()), tt.o.MaxBytes)
		}
	}
}
