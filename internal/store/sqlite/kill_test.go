package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/sqlite"
)

// victimEnv makes the test binary write to the registry that it names until it is
// killed, and say so after each acknowledged write.
const victimEnv = "KYCMARK_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(victimEnv); dsn != "" {
		if err := victim(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func victim(dsn string) error {
	ctx := context.Background()
	d, err := sqlite.Open(ctx, dsn)
	if err != nil {
		return err
	}
	first, _, err := d.Head(ctx)
	if err != nil {
		return err
	}
	for n := 1000 + int(first); ; n++ {
		s, x := submission(n)
		x.Body = make([]byte, 100_000) // many pages, so that a kill falls between them
		if _, err := d.AddSubmission(ctx, s, x); err != nil {
			return err
		}
		c, k := issued(n)
		if err := d.AddCopy(ctx, c, k); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func TestKilledWriterLosesNothingAcknowledged(t *testing.T) {
	dsn := "file:" + filepath.Join(t.TempDir(), "r.db")
	require.NoError(t, fill(t, dsn).Close())
	kills := 6
	if testing.Short() {
		kills = 2
	}
	for kill := range kills {
		acked := runVictim(t, dsn, time.Duration(1+7*kill)*time.Millisecond)
		d, err := sqlite.Open(t.Context(), dsn)
		require.NoError(t, err)
		_, _, err = d.Check(t.Context())
		require.NoError(t, err)
		for _, n := range acked {
			c, err := d.Copy(t.Context(), uint64(n))
			require.NoError(t, err, "copy %d was acknowledged", n)
			_, err = d.Sealed(t.Context(), c.Submission)
			require.NoError(t, err)
		}
		require.NoError(t, d.Close())
	}
}

// runVictim kills a writer that long after its first acknowledgement.
func runVictim(t *testing.T, dsn string, after time.Duration) (acked []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), victimEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var n int
		_, err := fmt.Sscan(lines.Text(), &n)
		require.NoError(t, err)
		if acked = append(acked, n); len(acked) == 1 {
			time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	require.Error(t, cmd.Wait(), "it can only end by the kill")
	require.NotEmpty(t, acked)
	return acked
}
