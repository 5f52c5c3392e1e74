package registry_test

import (
	"bytes"
	"database/sql"
	"image"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/tiff"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// tiffOf is a TIFF of these pages.
func tiffOf(t *testing.T, pages ...image.Image) []byte {
	t.Helper()
	var files [][]byte
	for _, p := range pages {
		files = append(files, file(t, p, "tiff"))
	}
	var b bytes.Buffer
	require.NoError(t, tiff.Join(&b, files))
	return b.Bytes()
}

// A document is one submission in all that is listed, and its pages are audited, copied and erased
// with it, also where hashes are sealed.
func TestDocument(t *testing.T) {
	for _, sealHashes := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "kyc.db")
		r, err := registry.Create(t.Context(), sqlite.At(path), &registry.CreateOptions{SealHashes: sealHashes})
		require.NoError(t, err)
		t.Cleanup(func() { r.Close() })
		s, cfg, one := shop(t, "png", func(c *registry.Config) { c.Registry = r })
		data := tiffOf(t, passport(1), passport(2), passport(3))
		doc := submit(t, s, data, "customer 18", feb)
		require.Equal(t, []any{3, 1}, []any{doc.Pages, doc.Page})
		again, became, err := s.Submit(t.Context(), bytes.NewReader(data), "customer 19", time.Time{}, nil)
		require.NoError(t, err)
		require.True(t, became.Duplicate)
		require.Equal(t, doc, again)
		n := 0
		for x, err := range r.Submissions(t.Context(), time.Time{}) {
			require.NoError(t, err)
			require.Contains(t, []watermark.Submission{one.ID, doc.ID}, x.ID)
			n++
		}
		require.Equal(t, 2, n)
		page := records.PageID(doc.ID, 2)
		_, err = r.Submission(t.Context(), page)
		require.ErrorIs(t, err, registry.ErrNotFound)
		_, err = s.Issue(t.Context(), page, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
		require.ErrorIs(t, err, registry.ErrNotFound)
		require.ErrorIs(t, r.AddCustody(t.Context(), books.Custody{Recipient: "vendor A", From: feb, To: feb, Submissions: []watermark.Submission{page}}), registry.ErrNotFound)
		_, err = r.EraseSubmissions(t.Context(), []watermark.Submission{page}, "", "")
		require.ErrorIs(t, err, registry.ErrNotFound)

		audit := func(r *registry.Registry) *registry.Audit {
			a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
			require.NoError(t, err)
			return a
		}
		require.Equal(t, &registry.Audit{Holds: true, Size: 7, Head: audit(r).Head, Checkpoints: []books.Checkpoint{}, Outside: []books.Checkpoint{}, Originals: 2, Unread: []string{}, Problems: []string{}, Clock: []string{}}, audit(r))
		other := filepath.Join(t.TempDir(), "copy.db")
		_, _, err = registry.Clone(t.Context(), sqlite.At(path), sqlite.At(other), "", nil)
		require.NoError(t, err)
		cloned, err := registry.Open(t.Context(), sqlite.At(other))
		require.NoError(t, err)
		require.True(t, audit(cloned).Holds)
		require.NoError(t, cloned.Close())
		db, err := sql.Open("sqlite", other)
		require.NoError(t, err)
		part := "features"
		if sealHashes {
			part = "hashes"
		}
		_, err = db.Exec("UPDATE sealed SET "+part+" = (SELECT "+part+" FROM sealed WHERE submission = ?) WHERE submission = ?", doc.ID[:], page[:])
		require.NoError(t, err)
		require.NoError(t, db.Close())
		cloned, err = registry.Open(t.Context(), sqlite.At(other))
		require.NoError(t, err)
		require.NotEmpty(t, audit(cloned).Problems, "a page is found by what another page is found by")
		require.NoError(t, cloned.Close())

		ids, err := r.Erase(t.Context(), "customer 18", "desk", "letter 5")
		require.NoError(t, err)
		require.Equal(t, []watermark.Submission{doc.ID}, ids)
		require.True(t, audit(r).Holds)
		for k := 1; k <= 3; k++ {
			_, err := r.Inner().Sealed(t.Context(), records.PageID(doc.ID, k), true)
			require.ErrorIs(t, err, registry.ErrNotFound, k)
		}
		_, _, err = s.Submit(t.Context(), bytes.NewReader(data), "", time.Time{}, nil)
		require.ErrorIs(t, err, registry.ErrErased)
	}
}

// A page that cannot be entered or marked refuses its document, by its number, and nothing is entered.
func TestOneBadPage(t *testing.T) {
	s, cfg, _ := shop(t, "png")
	before := checkLedger(t, cfg.Registry)
	data := tiffOf(t, passport(1), passport(2))
	_, _, err := s.Submit(t.Context(), bytes.NewReader(data[:len(data)/2]), "", time.Time{}, nil)
	require.ErrorIs(t, err, registry.ErrFormat)
	broken := bytes.Clone(data)
	d, err := picture.OpenDocument(broken, picture.Limits{})
	require.NoError(t, err)
	for i := len(d.Page(2))/2 + 1000; i < len(broken)/2+2000; i++ {
		broken[i] ^= 0x55 // pixels of page 2
	}
	_, _, err = s.Submit(t.Context(), bytes.NewReader(broken), "", time.Time{}, nil)
	require.ErrorIs(t, err, registry.ErrFormat)
	require.ErrorContains(t, err, "page 2 of 2: ")
	require.Equal(t, before, checkLedger(t, cfg.Registry))

	tiny := image.NewNRGBA(image.Rect(0, 0, 100, 80))
	copy(tiny.Pix, passport(4).Pix)
	s.SetMark(func(id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		if img.Bounds().Dx() < 320 {
			return nil, watermark.ErrTooSmall
		}
		return unmarkedMark(id, img)
	})
	doc := submit(t, s, tiffOf(t, passport(1), tiny), "", feb)
	before = checkLedger(t, cfg.Registry)
	_, err = s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
	require.ErrorIs(t, err, watermark.ErrTooSmall)
	require.ErrorContains(t, err, "page 2 of 2: ")
	require.Equal(t, before, checkLedger(t, cfg.Registry), "no copy was entered")
}

// What copies of a document can be asked for.
func TestIssueDocument(t *testing.T) {
	s, _, _ := shop(t, "png")
	doc := submit(t, s, tiffOf(t, passport(1), passport(2), passport(1)), "", feb)
	var out bytes.Buffer
	c, err := s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(&out), nil)
	require.NoError(t, err)
	assert.Equal(t, []any{doc.ID, "tiff", doc.Width, int64(out.Len())}, []any{c.Submission, c.Format, c.Width, c.Size})
	d, err := picture.OpenDocument(out.Bytes(), picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 3, d.Pages())
	for k, want := range []uint64{1, 2, 1} {
		pic, err := picture.Decode(d.Page(k+1), picture.Limits{})
		require.NoError(t, err)
		require.Equal(t, passport(want).Pix, pic.Image.Pix)
	}
	for _, o := range []*registry.IssueOptions{{Format: "jpeg"}, {MaxBytes: 1000}} {
		_, err = s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), o)
		require.ErrorIs(t, err, registry.ErrInput)
	}
	fit := &registry.IssueOptions{MaxBytes: c.Size * 9 / 10}
	x, err := s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), fit)
	require.NoError(t, err)
	assert.LessOrEqual(t, x.Size, fit.MaxBytes)
	assert.Less(t, x.Width, c.Width)
	c, err = s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{MaxSide: 300})
	require.NoError(t, err)
	require.Equal(t, 300, c.Width)
}
