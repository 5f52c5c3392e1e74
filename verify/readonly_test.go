package verify_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// readOnly is a registry with one upload, open for investigation only.
func readOnly(t *testing.T) (verify.Config, *verify.Submission) {
	t.Helper()
	dsn := "file:" + filepath.Join(t.TempDir(), "kyc.db")
	cfg := leaktest.Config(t)
	r, err := verify.Create(t.Context(), dsn, nil)
	require.NoError(t, err)
	cfg.Registry = r
	sub := submit(t, newIssuer(t, cfg), file(t, passport(1), "jpeg"), "customer 1", feb)
	require.NoError(t, r.AddRecipient(t.Context(), verify.Recipient{Name: "vendor A", Kind: verify.Vendor}))
	require.NoError(t, r.Close())
	cfg.Registry, err = verify.OpenForInvestigation(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { cfg.Registry.Close() })
	return cfg, sub
}

func TestInvestigationsOnly(t *testing.T) {
	cfg, sub := readOnly(t)
	ctx, r := t.Context(), cfg.Registry
	_, err := verify.NewIssuer(cfg)
	require.ErrorIs(t, err, verify.ErrReadOnly)
	private, _, err := r.GenerateLedgerKey(ctx)
	require.NoError(t, err)
	for name, try := range map[string]func() error{
		"recipient":  func() error { return r.AddRecipient(ctx, verify.Recipient{Name: "x", Kind: verify.Vendor}) },
		"custody":    func() error { return r.AddCustody(ctx, verify.Custody{Recipient: "vendor A"}) },
		"mark key":   func() error { _, err := r.AddMarkKey(ctx, leaktest.Key()); return err },
		"erasure":    func() error { _, err := r.Erase(ctx, "customer 1", "", ""); return err },
		"checkpoint": func() error { _, err := r.SignCheckpoint(ctx, private); return err },
	} {
		assert.ErrorIs(t, try(), verify.ErrReadOnly, name)
	}
	size := checkLedger(t, r)
	v, err := verify.NewInvestigator(cfg)
	require.NoError(t, err)
	v.SetDetect(noMark)
	got, err := v.Investigate(ctx, "leak.jpg", file(t, passport(1), "jpeg"))
	require.NoError(t, err)
	require.Equal(t, sub.ID, got.Submission)
	require.Equal(t, size+1, checkLedger(t, r), "the investigation was logged")
}

// Whatever a store can add is refused but investigations, also what is to come.
func TestEveryWriteIsRefused(t *testing.T) {
	cfg, _ := readOnly(t)
	s := reflect.ValueOf(cfg.Registry.Inner())
	kind := reflect.TypeFor[store.Store]()
	refused := 0
	for i := range kind.NumMethod() {
		m := kind.Method(i)
		if !strings.HasPrefix(m.Name, "Add") && m.Name != "Erase" || m.Name == "AddInvestigation" {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(context.Background())}
		for j := 1; j < m.Type.NumIn() && !(m.Type.IsVariadic() && j == m.Type.NumIn()-1); j++ {
			args = append(args, reflect.Zero(m.Type.In(j)))
		}
		out := s.MethodByName(m.Name).Call(args)
		err, _ := out[len(out)-1].Interface().(error)
		assert.ErrorIs(t, err, verify.ErrReadOnly, m.Name)
		refused++
	}
	require.Equal(t, 9, refused)
}

func TestInvestigationsAreLogged(t *testing.T) {
	cfg := leaktest.Config(t)
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	cfg.Registry.SetClock(func() time.Time { return now })
	cfg.Actor, cfg.Command = "desk 4", []string{"kycmark", "investigate", "a dump\n"}
	v, err := verify.NewInvestigator(cfg)
	require.NoError(t, err)
	v.SetDetect(noMark)
	ctx := t.Context()
	leak := file(t, passport(1), "jpeg")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.jpg"), leak, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello"), 0o600))
	for range v.InvestigateFiles(ctx, dir) {
		all, err := cfg.Registry.Investigations(ctx)
		require.NoError(t, err)
		require.Len(t, all, 1, "logged at its start")
	}
	for _, err := range v.InvestigateFS(ctx, fstest.MapFS{"c.jpg": {Data: leak}}) {
		require.NoError(t, err)
	}
	single, err := v.Investigate(ctx, "d.jpg", leak)
	require.NoError(t, err)
	other, err := verify.NewInvestigator(cfg)
	require.NoError(t, err)
	other.SetDetect(noMark)
	_, err = other.Investigate(ctx, "e.jpg", []byte("hello"))
	require.NoError(t, err)

	all, err := cfg.Registry.Investigations(ctx)
	require.NoError(t, err)
	require.Len(t, all, 4)
	var files []int64
	for i, x := range all {
		files = append(files, x.Files)
		require.Equal(t, int64(i+2), x.Entry)
		require.Equal(t, "desk 4", x.Actor)
		require.Equal(t, "kycmark investigate 'a dump\ufffd'", x.Command)
		require.Equal(t, now, x.Started)
	}
	require.Equal(t, []int64{2, 1, 1, 1}, files)
	sum := sha256.Sum256([]byte("5:e.jpg1:5"))
	require.Equal(t, hex.EncodeToString(sum[:]), all[3].Input, "names and sizes")
	d, err := v.Weigh(ctx, []*verify.Verdict{single})
	require.NoError(t, err)
	require.Equal(t, []int64{2, 3, 4}, d.Record.Logged, "the report names its own")
	checkLedger(t, cfg.Registry)
}

// What cannot be logged is not begun.
func TestUnloggedInvestigationsDoNotBegin(t *testing.T) {
	cfg := leaktest.Config(t)
	cfg.Registry.Wrap(func(s store.Store) store.Store { return deafStore{s} })
	v, err := verify.NewInvestigator(cfg)
	require.NoError(t, err)
	_, err = v.Investigate(t.Context(), "leak.jpg", file(t, passport(1), "jpeg"))
	require.ErrorContains(t, err, "was not begun")
	n := 0
	for verdict, err := range v.InvestigateFiles(t.Context(), "nowhere") {
		require.Nil(t, verdict)
		require.ErrorIs(t, err, errDeaf)
		n++
	}
	require.Equal(t, 1, n)
}

type deafStore struct{ store.Store }

var errDeaf = os.ErrDeadlineExceeded

func (deafStore) AddInvestigation(context.Context, store.Investigation) error { return errDeaf }
