package registry_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// Damage that only opening the originals finds, and damage to kept checkpoints.
func TestAuditFindsDamage(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		want string // "": it holds; or what is said of clocks
	}{
		"nothing":            {"", ""},
		"body":               {"UPDATE sealed SET body = CAST(substr(body, 1, 50) || x'00' || substr(body, 52) AS BLOB)", "sealed original"},
		"data key":           {"UPDATE sealed SET wrapped = CAST(x'00' || substr(wrapped, 2) AS BLOB)", "sealed original"},
		"exchanged":          {"UPDATE sealed SET body = (SELECT body FROM sealed ORDER BY submission LIMIT 1), wrapped = (SELECT wrapped FROM sealed ORDER BY submission LIMIT 1)", "sealed original"},
		"removed":            {"DELETE FROM sealed", "sealed originals were removed"},
		"row":                {"UPDATE submission SET subject = 'other' WHERE seq = 2", "was edited"},
		"checkpoint's text":  {"UPDATE checkpoint SET note = CAST(replace(CAST(note AS TEXT), char(10) || '3', char(10) || '4') AS BLOB)", "kept checkpoint of 3 entries"},
		"checkpoint's root":  {"UPDATE checkpoint SET root = zeroblob(32)", "the first 3 entries are not the entries of the checkpoint"},
		"another's text":     {"INSERT INTO checkpoint (size, root, note, made, stamp) SELECT 4, (SELECT root FROM ledger_head), note, made, stamp FROM checkpoint", "kept checkpoint of 4 entries"},
		"unsigned":           {"UPDATE checkpoint SET note = CAST('x' AS BLOB)", "kept checkpoint of 3 entries"},
		"checkpoint's time":  {"UPDATE checkpoint SET made = made + 7200000000", "the checkpoint of 3 entries: made at"},
		"checkpoint before":  {"UPDATE checkpoint SET made = made - 7200000000", "the checkpoint of 3 entries: made at"},
		"checkpoint, beyond": {"UPDATE checkpoint SET size = 9", "a checkpoint of 9 entries was signed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kyc.db")
			r, err := registry.Create(t.Context(), sqlite.At(path), nil)
			require.NoError(t, err)
			s := withLedgerKey(t, r)
			issuer := newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()})
			submit(t, issuer, passportFile(t, 1, "jpeg"), "customer 17", feb)
			submit(t, issuer, passportFile(t, 2, "jpeg"), "customer 18", feb)
			s.sign(t)
			s.grow(t, "vendor A")
			require.NoError(t, r.Close())
			tamper(t, path, c.sql)
			r, err = registry.Open(t.Context(), sqlite.At(path))
			require.NoError(t, err)
			defer r.Close()
			s.Registry = r
			seen := 0
			a := s.audit(t, registry.AuditOptions{SealKey: leaktest.SealKey(), Progress: func(done, total int) {
				seen++
				assert.Equal(t, []int{seen, 2}, []int{done, total})
			}})
			if len(a.Clock) > 0 {
				require.NotEmpty(t, c.want, a.Clock)
				require.True(t, a.Holds)
				require.Contains(t, a.Clock[0], c.want)
				return
			}
			require.Equal(t, c.want == "", a.Holds, a.Problems)
			if c.want == "" {
				require.Equal(t, 2, a.Originals)
				return
			}
			require.Contains(t, a.Problems[0], c.want)
		})
	}
}

// A text of an earlier state is not handed out as that of the present one.
func TestKeptTextOfAnotherStateIsNotHandedOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kyc.db")
	r, err := registry.Create(t.Context(), sqlite.At(path), nil)
	require.NoError(t, err)
	defer r.Close()
	s := withLedgerKey(t, r)
	s.sign(t)
	s.grow(t, "vendor A")
	tamper(t, path, "INSERT INTO checkpoint (size, root, note, made, stamp) SELECT h.size, h.root, note, made, stamp FROM checkpoint, ledger_head h")
	_, err = s.Ledger().Sign(t.Context(), s.private)
	require.ErrorIs(t, err, registry.ErrTampered)
}

// tamper changes a registry's file as somebody with an SQL shell does.
func tamper(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), query)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// meanwhile calls do after the first reading of checkpoints or of their signatures.
type meanwhile struct {
	records.Store
	do func()
}

func (m *meanwhile) once() {
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
}

func (m *meanwhile) Checkpoints(ctx context.Context) ([]books.Checkpoint, error) {
	defer m.once()
	return m.Store.Checkpoints(ctx)
}

func (m *meanwhile) Cosigned(ctx context.Context) ([]records.Cosigned, error) {
	defer m.once()
	return m.Store.Cosigned(ctx)
}

// The hourly checkpoint is dated or witnessed while an audit runs. That is no damage.
func TestAuditBesideCheckpoints(t *testing.T) {
	w := newWitness(t, "witness.example/a")
	for name, do := range map[string]func(s *signed, c *books.Checkpoint) error{
		"dated": func(s *signed, c *books.Checkpoint) error {
			_, err := s.Ledger().AddStamp(t.Context(), c.Size, []byte("stamp"), time.Now())
			return err
		},
		"signed and dated": func(s *signed, _ *books.Checkpoint) error {
			s.grow(t, "later")
			_, err := s.Ledger().AddStamp(t.Context(), s.sign(t).Size, []byte("stamp"), time.Now())
			return err
		},
		"witnessed": func(s *signed, c *books.Checkpoint) error {
			_, err := s.Ledger().AddCosignatures(t.Context(), []byte(w.cosign(c.Text, time.Now().Unix())), s.public, w.key)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := withLedgerKey(t, leaktest.NewRegistry(t))
			c := s.sign(t)
			s.Wrap(func(in records.Store) records.Store {
				return &meanwhile{in, func() { require.NoError(t, do(s, c)) }}
			})
			a := s.audit(t, registry.AuditOptions{Witnesses: []string{w.key}})
			require.True(t, a.Holds, a.Problems)
		})
	}
}

// What a killed process left is removed after an hour, unless it is newer than the ledger's last entry: then the registry may
// be an old copy, whose later originals lie there.
func TestAuditRemovesWhatKilledRunsLeft(t *testing.T) {
	dir := t.TempDir()
	r, err := registry.Create(t.Context(), sqlite.At(filepath.Join(dir, "r.db")), &registry.CreateOptions{Originals: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	stray := filepath.Join(dir, r.ID(), "ab", "ab"+strings.Repeat("0", 62))
	require.NoError(t, os.MkdirAll(filepath.Dir(stray), 0o700))
	leave := func(age time.Duration) {
		require.NoError(t, os.WriteFile(stray, []byte("sealed"), 0o600))
		require.NoError(t, os.Chtimes(stray, time.Now().Add(-age), time.Now().Add(-age)))
	}
	audit := func() (swept, left int) {
		a, err := r.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: leaktest.SealKey()})
		require.NoError(t, err)
		require.True(t, a.Holds, "it is no alarm: %v", a.Problems)
		return a.Swept, a.Left
	}
	leave(30 * time.Minute)
	swept, left := audit()
	require.Equal(t, [2]int{0, 0}, [2]int{swept, left}, "it may be being entered")
	leave(2 * time.Hour)
	swept, left = audit()
	require.Equal(t, [2]int{1, 0}, [2]int{swept, left})

	old, err := registry.Create(t.Context(), sqlite.At(filepath.Join(dir, "old.db")), &registry.CreateOptions{Originals: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, old.Close()) })
	old.SetClock(func() time.Time { return time.Now().AddDate(0, 0, -3) })
	_, err = old.Ledger().AddMarkKey(t.Context(), leaktest.Key())
	require.NoError(t, err)
	r, stray = old, strings.Replace(stray, r.ID(), old.ID(), 1)
	require.NoError(t, os.MkdirAll(filepath.Dir(stray), 0o700))
	leave(2 * time.Hour)
	swept, left = audit()
	require.Equal(t, [2]int{0, 1}, [2]int{swept, left})
	old.SetClock(time.Now)
	require.NoError(t, old.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	swept, left = audit()
	require.Equal(t, [2]int{1, 0}, [2]int{swept, left})
}

// An original is erased while a copy of the registry is made, before its turn: the copy is whole, without it.
func TestErasedWhileCopied(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	at := sqlite.At(filepath.Join(dir, "r.db"))
	r, err := registry.Create(ctx, at, &registry.CreateOptions{Originals: filepath.Join(dir, "blobs")})
	require.NoError(t, err)
	s := newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()})
	one, two := submit(t, s, passportFile(t, 1, "jpeg"), "", feb), submit(t, s, passportFile(t, 2, "jpeg"), "", feb)
	objects := func() []string {
		all, err := filepath.Glob(filepath.Join(dir, "blobs", r.ID(), "*", "*"))
		require.NoError(t, err)
		return all
	}
	require.Len(t, objects(), 2)
	erased := make(chan error, 1)
	begin := sync.OnceFunc(func() {
		go func() {
			_, err := r.EraseSubmissions(ctx, []watermark.Submission{one.ID}, "", "")
			erased <- err
		}()
		require.Eventually(t, func() bool { return len(objects()) == 1 }, time.Minute, time.Millisecond)
	})
	to := sqlite.At(filepath.Join(dir, "copy.db"))
	_, _, err = registry.Clone(ctx, at, to, filepath.Join(dir, "copied"), func(int, int) { begin() })
	require.NoError(t, err)
	require.NoError(t, <-erased)
	require.NoError(t, r.Close())
	c, err := registry.Open(ctx, to)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Submission(ctx, one.ID)
	require.ErrorIs(t, err, registry.ErrErased)
	_, err = c.Submission(ctx, two.ID)
	require.NoError(t, err)
	checkLedger(t, c)
}
