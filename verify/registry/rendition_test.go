package registry_test

import (
	"bytes"
	"database/sql"
	"image"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// The ledger binds the pixels of a kept original, not only its file.
func TestRendition(t *testing.T) {
	for _, format := range []string{"jpeg", "png"} {
		s, cfg, sub := shop(t, format)
		raw, err := cfg.Registry.Original(t.Context(), cfg.SealKey, sub.ID)
		require.NoError(t, err)
		pic, err := picture.Decode(raw, picture.Limits{})
		require.NoError(t, err)
		row, err := cfg.Registry.Inner().Submission(t.Context(), sub.ID)
		require.NoError(t, err)
		check := func(decoder string) error { return engine.SameRendition(row, decoder, pic.Image) }
		require.NoError(t, check(pic.Decoder))
		pic.Image.Pix[4001] ^= 1
		require.ErrorIs(t, check(pic.Decoder), registry.ErrSealed, "one bit of one pixel")
		require.NoError(t, check("another decoder"))

		require.NotZero(t, row.Rendition)
		_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
		require.NoError(t, err)
	}
	cfg := leaktest.Config(t)
	sub := submit(t, newIssuer(t, cfg), passportFile(t, 1, "png"), "customer 17", feb, &registry.SubmitOptions{HashOnly: true})
	row, err := cfg.Registry.Inner().Submission(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Zero(t, row.Rendition, "nothing is kept to compare with")
	require.NoError(t, engine.SameRendition(row, "", passport(2)))
}

// Whoever has the registry and the sealing key may put a doctored picture in the place of an original (the original
// less a recipient's mark would make clean leaks accuse it): it is neither opened nor marked, and an audit finds it.
func TestDoctoredOriginal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kyc.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), nil)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	s, cfg, sub := shop(t, "png", func(c *registry.Config) { c.Registry = r })
	doctored := passport(1)
	doctored.Pix[4001] ^= 1
	x, err := sealing.Seal(cfg.SealKey, sub.ID, nil, nil, file(t, doctored, "png"))
	require.NoError(t, err)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec("UPDATE sealed SET wrapped = ?, body = ?", x.Wrapped, x.Body)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	_, err = r.Original(t.Context(), cfg.SealKey, sub.ID)
	require.ErrorIs(t, err, registry.ErrSealed)
	require.ErrorContains(t, err, "its digest is another")
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
	require.ErrorIs(t, err, registry.ErrSealed)
	a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: cfg.SealKey})
	require.NoError(t, err)
	require.False(t, a.Holds)
}

// Opponent's story: a customer makes a part of a picture transparent, and the copies hand out what lies below. A recipient takes
// the transparency away, and its copy is confirmed no more. Copies are what a viewer shows on white.
func TestTransparentUpload(t *testing.T) {
	s, cfg, _ := shop(t, "png")
	for _, format := range []string{"png", "tiff"} {
		img, hidden := passport(3), image.Rect(40, 40, 200, 140)
		for y := hidden.Min.Y; y < hidden.Max.Y; y++ {
			for x := hidden.Min.X; x < hidden.Max.X; x++ {
				img.Pix[img.PixOffset(x, y)+3] = 0
			}
		}
		sub := submit(t, s, file(t, img, format), "customer "+format, feb, nil)
		var out bytes.Buffer
		_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), nil)
		require.NoError(t, err)
		pic, err := picture.Decode(out.Bytes(), picture.Limits{})
		require.NoError(t, err)
		require.True(t, pic.Image.Opaque())
		for y := hidden.Min.Y; y < hidden.Max.Y; y++ {
			for x := hidden.Min.X; x < hidden.Max.X; x++ {
				require.Greater(t, pic.Image.NRGBAAt(x, y).G, uint8(240), "%s, %d, %d", format, x, y)
			}
		}
		made, err := markfile.Mark(t.Context(), cfg.Key, watermark.NewCopyID(), file(t, img, format), nil)
		require.NoError(t, err)
		pic, err = picture.Decode(made.File, picture.Limits{})
		require.NoError(t, err)
		require.True(t, pic.Image.Opaque())
	}
}
