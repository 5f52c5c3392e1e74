package jobs

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
