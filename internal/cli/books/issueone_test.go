package books

import (
	"bytes"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/webp"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// Two commands issue with --force into one folder, and the second writes its copy while the first makes its own. The first
// leaves that file, and its own copy is void.
func TestForcedAtOnce(t *testing.T) {
	upload, err := os.ReadFile("../../../testdata/pictures/elif_licence.jpg")
	require.NoError(t, err)
	cfg, dir, other := leaktest.Config(t), t.TempDir(), func() {}
	cfg.EncodeWebP = func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error {
		do := other
		other = func() {}
		do()
		return webp.Encode(w, img, quality, icc, exif)
	}
	for _, name := range []string{"a", "b"} {
		require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: name, Kind: books.KindVendor}))
	}
	issuer, err := registry.NewIssuer(cfg)
	require.NoError(t, err)
	sub, _, err := issuer.Submit(t.Context(), bytes.NewReader(upload), "c", time.Time{}, nil)
	require.NoError(t, err)
	stem := filepath.Join(dir, sub.ID.String())
	issue := func(to string) issueLine {
		return issueLine{id: sub.ID, Submission: sub.ID.String(), Recipient: to}.issue(t.Context(), &ui.Desk{Registry: cfg.Registry}, issuer,
			&registry.IssueOptions{Format: "webp", MaxSide: 480, Opened: new(registry.Opened)}, stem, issueFlags{Force: true})
	}
	require.NoError(t, os.WriteFile(stem+".webp", []byte("what --force is for"), 0o600))
	require.NoError(t, issue("b").cause)
	written, err := os.ReadFile(stem + ".webp")
	require.NoError(t, err)
	require.NoError(t, os.Remove(stem+".webp"))
	other = func() { require.NoError(t, issue("b").cause) }
	line := issue("a")
	require.ErrorContains(t, line.cause, "is the copy of b, and stays: name another folder for a")
	require.False(t, endsAll(line.cause), "the other copies have files of their own")
	now, err := os.ReadFile(stem + ".webp")
	require.NoError(t, err)
	require.True(t, bytes.Equal(written, now))
	copies, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, copies, 2)
	require.Equal(t, []string{books.CopyReleased, books.CopyVoid}, []string{copies[0].State, copies[1].State})

	require.NoError(t, os.Remove(stem+".webp"))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "full"), 0o700))
	stem = filepath.Join(dir, "full", "none", "x")
	line = issue("a")
	require.ErrorIs(t, line.cause, fs.ErrNotExist)
	require.True(t, endsAll(line.cause), "a folder that takes no file")
}
