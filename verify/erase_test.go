package verify_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// What was erased is found no more, neither by those who had it in memory.
func TestErasedUploadsAreForgotten(t *testing.T) {
	t.Parallel()
	c := newTwinCase(t)
	ctx := t.Context()
	v := c.investigator(t, noMark)
	leak := file(t, leaked(t, c.marked, "telegram"), "jpeg")
	examine := func(v *verify.Investigation) *findings.Finding {
		got, err := v.File(ctx, "leak.jpg", leak)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, "copy", examine(v).Label(), "traced; the original is in memory")
	marked := c.investigator(t, reads(c.copy.ID))

	ids, err := c.Registry.Erase(ctx, "customer 1", "privacy desk", "request 44")
	require.NoError(t, err)
	require.Equal(t, []watermark.Submission{c.firstID, c.billID}, ids)
	checkLedger(t, c.Registry)

	got := examine(v)
	require.Equal(t, findings.FoundUnknown, got.Kind, "the other person's passport is all that is left: %s", got.Note)
	require.Contains(t, got.Note, "It has the layout of upload "+c.secondID.String())
	for _, m := range got.Matches {
		require.Equal(t, c.secondID, m.Submission)
	}
	got = examine(marked)
	require.Equal(t, "copy (unconfirmed)", got.Label())
	require.Equal(t, c.copy.ID, got.Copy())
	require.Contains(t, got.Note, "was erased from the registry")
	require.Empty(t, got.Custody)
	d, err := marked.Weigh(ctx, []*findings.Finding{got})
	require.NoError(t, err)
	var report bytes.Buffer
	require.NoError(t, marked.WriteReport(ctx, &report, d, true))
	require.NotContains(t, report.String(), "customer 1")

	require.Equal(t, "unmarked", func() string {
		got, err := v.File(ctx, "leak.jpg", file(t, c.second, "jpeg"))
		require.NoError(t, err)
		return got.Label()
	}(), "others are found as before")
}

// One that is opened while it is erased is not kept: nobody would look for it again.
func TestOriginalOpenedDuringErasure(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	for _, erased := range []bool{false, true} {
		kept, err := verify.KeptOverErasure(t.Context(), c.Registry, c.firstID, func() {
			if erased {
				_, err := c.Registry.Erase(t.Context(), "customer 1", "", "")
				require.NoError(t, err)
			}
		})
		require.NoError(t, err)
		require.Equal(t, !erased, kept)
	}
}

// An erasure by another process is followed before the next search.
func TestErasuresOfOthersAreFollowed(t *testing.T) {
	t.Parallel()
	dsn := sqlite.At(filepath.Join(t.TempDir(), "kyc.db"))
	cfg := leaktest.Config(t)
	var err error
	cfg.Registry, err = registry.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	defer cfg.Registry.Close()
	img := passport(1)
	submit(t, newIssuer(t, cfg), file(t, img, "jpeg"), "customer 1", feb)
	v := newInvestigator(t, untraced(cfg))
	finding := func() findings.Kind {
		got, err := v.File(t.Context(), "leak.png", file(t, img, "png")) // of other bytes
		require.NoError(t, err)
		return got.Kind
	}
	require.Equal(t, findings.FoundUnreadable, finding())
	other, err := registry.Open(t.Context(), dsn)
	require.NoError(t, err)
	defer other.Close()
	_, err = other.Erase(t.Context(), "customer 1", "", "")
	require.NoError(t, err)
	require.Equal(t, findings.FoundUnknown, finding())
}

// A leak has the bytes of an upload that was erased. Opponent's story: the customer sent the same picture again, saved anew, and
// the leak counted as that later upload, with its time and its holders. Without another upload it was "unknown".
func TestLeaksWithTheBytesOfAnErasedUpload(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	img := photo(75, 400, 300)
	old := file(t, img, "jpeg")
	submit(t, s, old, "customer 1", feb)
	_, err := cfg.Registry.Erase(t.Context(), "customer 1", "desk", "letter")
	require.NoError(t, err)
	examine := func(path string, data []byte) *findings.Finding {
		v := newInvestigator(t, investigating(cfg))
		l, err := v.File(t.Context(), path, data)
		require.NoError(t, err)
		standsUp(t, v, l)
		return l
	}
	require.Equal(t, findings.FoundIncomplete, examine("leak.jpg", old).Kind)
	later := submit(t, s, file(t, img, "png"), "customer 1", feb.AddDate(1, 0, 0))
	require.Equal(t, findings.FoundIncomplete, examine("leak.jpg", old).Kind)
	require.Equal(t, later.ID, examine("later.png", file(t, img, "png")).Submission)
}
