package jobs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/registry"
)

// A worker is dead if its process was on this machine and is gone, also if another process has the number now.
func TestRan(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	other := exec.Command(os.Args[0], "-test.run", "^$")
	require.NoError(t, other.Start())
	name := func(number int32, pid int, host string) string {
		return fmt.Sprintf("worker-%d, process %d on %.50s", number, pid, host)
	}
	mine := thisProcess<<16 | 4711
	assert.False(t, ran(name(mine, os.Getpid(), host)), "this process")
	assert.True(t, ran(name(mine^1<<16, os.Getpid(), host)), "an earlier one with its number")
	assert.False(t, ran(name(mine, os.Getppid(), host)), "another that lives")
	assert.False(t, ran(name(mine, other.Process.Pid, host)))
	require.NoError(t, other.Wait())
	assert.True(t, ran(name(mine, other.Process.Pid, host)), "one that is gone")
	assert.False(t, ran(name(mine, other.Process.Pid, host+"-2")), "one of another machine: nothing is known")
	for _, name := range []string{"", "worker-7", "worker-7, process", "another client"} {
		assert.False(t, ran(name))
	}
}

// Opponent's story: of two jobs one cannot be added, so that neither is. Another process gets the ID of the first for its job. The
// command then gave that job its own word, and took it back.
func TestAddedInPart(t *testing.T) {
	q, err := OpenFile(t.Context(), filepath.Join(t.TempDir(), "registry.db"), "registry", registry.GenerateSealKey())
	require.NoError(t, err)
	defer q.Close()
	client, err := q.db.client(&river.Config{Logger: quiet})
	require.NoError(t, err)
	r := &run{client: client, nonces: make(map[int64][]byte)}
	jobs := []added{{Job: Job{Kind: "one", Do: 1}}, {Job: Job{Kind: "one", Do: make(chan int)}}}
	require.ErrorContains(t, q.add(t.Context(), r, jobs), "unsupported type")
	assert.Equal(t, []int64{0, 0}, []int64{jobs[0].id, jobs[1].id})
	assert.Empty(t, r.nonces)
	require.NoError(t, q.add(t.Context(), r, jobs[:1]))
	assert.NotZero(t, jobs[0].id)
}
