package verify_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// A registry that is open for investigation only is enough.
func TestInvestigationsOnly(t *testing.T) {
	dsn := sqlite.At(filepath.Join(t.TempDir(), "kyc.db"))
	r, err := registry.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	sub := submit(t, newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()}), file(t, passport(1), "jpeg"), "customer 1", feb)
	size := checkLedger(t, r)
	require.NoError(t, r.Close())
	r, err = registry.OpenForInvestigation(t.Context(), dsn)
	require.NoError(t, err)
	defer r.Close()
	v := newInvestigator(t, setup{Config: verify.Config{Registry: r, SealKey: leaktest.SealKey()}})
	v.SetDetect(noMark)
	got, err := v.File(t.Context(), "leak.jpg", file(t, passport(1), "jpeg"))
	require.NoError(t, err)
	require.Equal(t, sub.ID, got.Submission)
	require.Equal(t, size+1, checkLedger(t, r), "the investigation was logged")
}

func TestInvestigationsAreLogged(t *testing.T) {
	cfg := investigating(leaktest.Config(t))
	cfg.Actor, cfg.Command = "desk 4", []string{"kycmark", "investigate", "a dump\n"}
	v := newInvestigator(t, cfg)
	v.SetDetect(noMark)
	ctx := t.Context()
	leak := file(t, passport(1), "jpeg")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.jpg"), leak, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello"), 0o600))
	for range v.Files(ctx, dir) {
		all, err := cfg.Registry.Ledger().Investigations(ctx)
		require.NoError(t, err)
		require.Len(t, all, 1, "logged at its start")
	}
	for _, err := range v.FS(ctx, fstest.MapFS{"c.jpg": {Data: leak}}) {
		require.NoError(t, err)
	}
	single, err := v.File(ctx, "d.jpg", leak)
	require.NoError(t, err)
	other := newInvestigator(t, cfg)
	other.SetDetect(noMark)
	_, err = other.File(ctx, "text.jpg", []byte("hello")) // no entry
	require.NoError(t, err)
	_, err = other.File(ctx, "e.jpg", leak)
	require.NoError(t, err)

	all, err := cfg.Registry.Ledger().Investigations(ctx)
	require.NoError(t, err)
	require.Len(t, all, 4)
	var files []int64
	for i, x := range all {
		files = append(files, x.Files)
		require.Equal(t, int64(i+3), x.Entry)
		require.Equal(t, "desk 4", x.Actor)
		require.Equal(t, `kycmark investigate $'a dump\n'`, x.Command)
	}
	require.Equal(t, []int64{2, 1, 1, 1}, files)
	sum := sha256.Sum256(fmt.Appendf(nil, "5:e.jpg%d:%d", len(fmt.Sprint(len(leak))), len(leak)))
	require.Equal(t, books.Digest(sum), all[3].Input, "names and sizes")
	d, err := v.Weigh(ctx, []*findings.Finding{single})
	require.NoError(t, err)
	require.Equal(t, []int64{3, 4, 5}, d.Record.Logged, "the report names its own")
	checkLedger(t, cfg.Registry)
}

// What cannot be logged is not begun.
func TestUnloggedInvestigationsDoNotBegin(t *testing.T) {
	cfg := investigating(leaktest.Config(t))
	require.NoError(t, cfg.Registry.Close())
	v := newInvestigator(t, cfg)
	_, err := v.File(t.Context(), "leak.jpg", file(t, passport(1), "jpeg"))
	require.ErrorContains(t, err, "was not begun")
	n := 0
	for verdict, err := range v.FS(t.Context(), fstest.MapFS{"a.jpg": {Data: file(t, passport(1), "jpeg")}}) {
		require.Nil(t, verdict)
		require.ErrorContains(t, err, "was not begun")
		n++
	}
	require.Equal(t, 1, n)
}
