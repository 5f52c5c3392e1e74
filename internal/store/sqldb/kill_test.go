package sqldb_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/verify/registry/s3"
	"github.com/kycmark/kycmark/watermark"
)

var kills = flag.Int("kills", long.Number(2, 5), "how often the writer is killed on each store")

// victimEnv makes the test binary write to the registry that it names until it is
// killed, and say so after each acknowledged write.
const victimEnv = "KYCMARK_TEST_VICTIM"

func open(ctx context.Context, dsn string) (*sqldb.DB, error) {
	if postgres.IsDSN(dsn) {
		return postgres.Open(ctx, dsn, s3.Open)
	}
	return sqlite.Open(ctx, dsn)
}

// victim submits, issues and erases from several goroutines at once.
func victim(dsn string) error {
	ctx := context.Background()
	d, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	first, _, err := d.Head(ctx)
	if err != nil {
		return err
	}
	const writers = 3
	errs := make(chan error)
	sqldb.SegmentFrom, sqldb.SegmentSpan = 10, 50
	go func() {
		for {
			if err := build(ctx, d); err != nil {
				errs <- err
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for w := range writers {
		go func() {
			for n := 1000 + int(first)*writers + w; ; n += writers {
				if err := strike(ctx, d, n); err != nil {
					errs <- err
				}
			}
		}()
	}
	return <-errs
}

// strike submits n and issues its copy n, and erases every third.
func strike(ctx context.Context, d *sqldb.DB, n int) error {
	s, x := submission(n)
	x.Body = append(x.Body, make([]byte, 30_000)...) // many pages, so that a kill falls between them
	if _, err := add(ctx, d, s, x); err != nil {
		return err
	}
	fmt.Println("submit", n)
	c, k := issued(watermark.CopyID(n), s.ID, "vendor A")
	if err := d.AddCopy(ctx, &c, k); err != nil {
		return err
	}
	fmt.Println("issue", n)
	if n%3 > 0 {
		return nil
	}
	if err := d.Erase(ctx, erasure(fmt.Sprint("letter", n), n)); err != nil {
		return err
	}
	fmt.Println("erase", n)
	return nil
}

func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	for kind, dsn := range map[string]func() string{
		"file":     func() string { return filepath.Join(t.TempDir(), "r.db") },
		"postgres": func() string { return server.DSN(t) },
		"folder":   func() string { return filepath.Join(t.TempDir(), "r.db") },
		"bucket":   func() string { return server.DSN(t) },
	} {
		t.Run(kind, func(t *testing.T) {
			dsn, i := dsn(), info()
			create := sqlite.Create
			switch kind {
			case "postgres":
				create = postgres.Create
			case "folder":
				i.Originals = "originals"
			case "bucket":
				create, i.Originals = postgres.Create, s3test.Start(t).Address
				t.Setenv("XDG_CACHE_HOME", t.TempDir())
			}
			d := opened(create(t.Context(), dsn, i, s3.Open))(t)
			fill(t, d)
			random := rand.New(rand.NewPCG(uint64(*kills), 1))
			total, segments := 0, 0
			for n := 0; n < *kills || kind != "postgres" && segments == 0 && n < 50; n++ { // a short life may make no segment
				life := time.Duration(random.IntN(40_000)) * time.Microsecond
				if kind == "bucket" {
					life *= 10
				}
				acked := runVictim(t, dsn, life)
				total += len(acked)
				segments += survived(t, dsn, acked)
			}
			t.Logf("%d acknowledged writes, %d segments", total, segments)
			require.Equal(t, kind != "postgres", segments > 0)
		})
	}
}

type ack struct {
	what string
	n    int
}

// survived checks that all that was acknowledged is there, and returns the number of segments that were there,
// or were being made or removed.
func survived(t *testing.T, dsn string, acked []ack) int {
	t.Helper()
	d, err := open(t.Context(), dsn)
	require.NoError(t, err)
	defer d.Close()
	var segments int
	require.NoError(t, d.Raw().QueryRowContext(t.Context(), "SELECT count(*) FROM segment").Scan(&segments))
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	requireSegments(t, d)
	found, err := d.CheckObjects(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Zero(t, found.Missing, "originals that rows name")
	require.Equal(t, found.Extra, found.Removed)
	for _, a := range acked {
		sub, _ := submission(a.n)
		s, err := d.Submission(t.Context(), sub.ID)
		require.NoError(t, err, "submission %d was acknowledged", a.n)
		switch a.what {
		case "issue":
			_, err := d.Copy(t.Context(), watermark.CopyID(a.n))
			require.NoError(t, err, "copy %d was acknowledged", a.n)
		case "erase":
			require.NotZero(t, s.Erased, "the erasure of %d was acknowledged", a.n)
		}
	}
	return segments
}

// runVictim kills a writer that long after its first acknowledgement.
func runVictim(t *testing.T, dsn string, after time.Duration) (acked []ack) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), victimEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var once sync.Once
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var a ack
		_, err := fmt.Sscan(lines.Text(), &a.what, &a.n)
		require.NoError(t, err)
		acked = append(acked, a)
		once.Do(func() { time.AfterFunc(after, func() { cmd.Process.Kill() }) })
	}
	require.Error(t, cmd.Wait(), "it can only end by the kill")
	require.NotEmpty(t, acked)
	return acked
}
