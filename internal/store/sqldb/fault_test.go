package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// writes are one of each kind: what a repetition says where the first was committed
// after all, and how many entries it makes.
var writes = map[string]struct {
	do      func(ctx context.Context, d *sqldb.DB) error
	again   error
	entries int64
}{
	"recipient": {func(ctx context.Context, d *sqldb.DB) error {
		_, err := d.AddRecipient(ctx, recipient("vendor C"))
		return err
	}, nil, 1},
	"submission": {func(ctx context.Context, d *sqldb.DB) error {
		s, x := submission(18)
		_, err := add(ctx, d, s, x)
		return err
	}, nil, 1},
	"copy and its key": {func(ctx context.Context, d *sqldb.DB) error {
		s, _ := submission(1)
		c, k := issued(99, s.ID, "vendor A")
		k.ID, c.KeyID = "v1-other", "v1-other"
		return d.AddCopy(ctx, &c, k)
	}, records.ErrConflict, 2}, // it is there: the copy ID is fresh for each issue
	"release": {func(ctx context.Context, d *sqldb.DB) error {
		_, err := d.AddRelease(ctx, release(0x501, books.CopyReleased), false)
		return err
	}, nil, 1},
	"erasure": {func(ctx context.Context, d *sqldb.DB) error {
		return d.Erase(ctx, erasure("letter", 3))
	}, records.ErrErased, 1},
}

// A commit either fails, or fails to say that it succeeded; in both cases a
// repetition leaves one row and a ledger that verifies.
func TestFaults(t *testing.T) {
	errFault := errors.New("fault")
	fails := func(*sql.Tx) error { return errFault }
	persists := func(tx *sql.Tx) error { return errors.Join(tx.Commit(), errFault) }
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		releases(t, d)
		for name, w := range writes {
			before, _, err := d.Head(t.Context())
			require.NoError(t, err)
			for _, commit := range []func(*sql.Tx) error{fails, persists} {
				d.SetCommit(commit)
				require.ErrorIs(t, w.do(t.Context(), d), errFault, name)
				_, _, err := d.Check(t.Context())
				require.NoError(t, err, name)
			}
			d.SetCommit((*sql.Tx).Commit)
			require.ErrorIs(t, w.do(t.Context(), d), w.again, name)
			after, _, err := d.Check(t.Context())
			require.NoError(t, err, name)
			require.Equal(t, before+w.entries, after, name)
		}
	})
}

// A writer who gives up while another has its turn writes nothing, and fails nobody else.
func TestWhoGivesUpFailsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		size, _, err := d.Head(t.Context())
		require.NoError(t, err)
		first, waiting := make(chan struct{}), make(chan struct{})
		var once sync.Once
		d.SetCommit(func(tx *sql.Tx) error {
			once.Do(func() {
				close(first)
				<-waiting
			})
			return tx.Commit()
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := d.AddRecipient(t.Context(), recipient("holds the turn"))
			assert.NoError(t, err)
		})
		<-first
		wg.Go(func() { assert.NoError(t, d.AddCustody(t.Context(), custody("vendor A"))) })
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = d.AddInvestigation(gone, investigation(1))
		require.ErrorIs(t, err, context.Canceled)
		close(waiting)
		wg.Wait()
		after, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.Equal(t, size+2, after)
	})
}

// A commit is not cut off.
func TestCancelledDuringCommit(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		d.SetCommit(func(tx *sql.Tx) error {
			cancel()
			return tx.Commit()
		})
		added, err := d.AddRecipient(ctx, recipient("vendor A"))
		require.NoError(t, err)
		require.True(t, added)
		_, err = d.AddRecipient(ctx, recipient("vendor B"))
		require.ErrorIs(t, err, context.Canceled)
		size, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, size)
	})
}

// A server goes on after a panic of one of its callers, of whom nothing is kept.
func TestPanicKeepsNothing(t *testing.T) {
	d := kinds["memory"](t, info())
	c := checkpoint(t, d)
	require.Panics(t, func() {
		_, _ = d.ChangeCheckpoint(t.Context(), c.Size, func(*books.Checkpoint) ([]records.Cosigned, error) { panic("of a caller") })
	})
	added, err := d.AddRecipient(t.Context(), recipient("vendor A"))
	require.NoError(t, err)
	require.True(t, added)
	size, _, err := d.Check(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, size)
}

func TestOneBadWriterSpoilsNoOther(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		fill(t, d)
		require.NoError(t, d.Erase(t.Context(), erasure("x", 5)))
		before, _, err := d.Head(t.Context())
		require.NoError(t, err)
		var wg sync.WaitGroup
		for n := range 40 {
			wg.Go(func() {
				switch n % 4 {
				case 0:
					s, x := submission(5)
					_, err := add(t.Context(), d, s, x)
					assert.ErrorIs(t, err, records.ErrErased)
				case 1:
					assert.Error(t, d.AddCustody(t.Context(), custody("nobody")))
				case 2:
					s, x := submission(100 + n)
					added, err := add(t.Context(), d, s, x)
					assert.NoError(t, err)
					assert.True(t, added)
				case 3:
					s, _ := submission(1)
					c, k := issued(watermark.CopyID(1000+n), s.ID, "vendor A")
					assert.NoError(t, d.AddCopy(t.Context(), &c, k))
				}
			})
		}
		wg.Wait()
		after, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.Equal(t, before+20, after)
	})
}
