package apart

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

const verb = "try"

// TestMain is also the process that reads, and the parent of processes that are killed.
func TestMain(m *testing.M) {
	if ServePool(verb, func(string) error { return nil }, read) {
		return
	}
	if os.Getenv("KYCMARK_TEST_PARENT") != "" {
		for _, kind := range []string{"spin", "spin", "try"} {
			go NewPool(Job{Verb: verb, MaxMemory: 1 << 30}).Ask(context.Background(), time.Minute, kind, nil, ignore)
		}
		time.Sleep(time.Minute)
		return
	}
	os.Exit(m.Run())
}

func ignore() func(string, bool, io.Reader) error {
	return func(string, bool, io.Reader) error { return nil }
}

// forbidden are calls that a confined process must be refused.
var forbidden = map[string][4]uintptr{
	"open a file":      {unix.SYS_OPENAT, ^uintptr(99), 0, 0}, // AT_FDCWD; without a path the kernel says otherwise if it looks
	"remove a file":    {unix.SYS_UNLINKAT, ^uintptr(99), 0, 0},
	"start a program":  {unix.SYS_EXECVE, 0, 0, 0},
	"reach a network":  {unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0},
	"start a process":  {unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0},
	"end its parent":   {unix.SYS_KILL, 1, 0, 0},
	"signal another":   {unix.SYS_TGKILL, 1, 1, 0},
	"trace another":    {unix.SYS_PTRACE, unix.PTRACE_SEIZE, 1, 0},
	"read another":     {unix.SYS_PROCESS_VM_READV, 1, 0, 0},
	"raise its limits": {unix.SYS_PRLIMIT64, 0, unix.RLIMIT_CPU, 0},
}

// read computes for ever, or hands over the names of what it was not refused, and its environment.
func read(kind string, _ []byte, w *Writer) error {
	for n := 0; kind == "spin"; n++ { // no call, no pause
	}
	got := os.Environ()
	for what, call := range forbidden {
		if _, _, no := syscall.RawSyscall6(call[0], call[1], call[2], call[3], 0, 0, 0); no != unix.EPERM {
			got = append(got, fmt.Sprintf("%s: %v", what, no))
		}
	}
	for _, name := range got {
		_ = w.File(name, nil, nil)
	}
	return nil
}

// A process that reads has no environment and no new privileges, and is refused what it need not do.
func TestConfined(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted")
	p := NewPool(Job{Verb: verb, MaxMemory: 1 << 30})
	defer p.Close()
	var got []string
	_, err := p.Ask(t.Context(), time.Minute, "try", nil, func() func(string, bool, io.Reader) error {
		return func(name string, _ bool, _ io.Reader) error { got = append(got, name); return nil }
	})
	require.NoError(t, err)
	pid := p.idle[0].cmd.Process.Pid
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	assert.Contains(t, string(status), "\nNoNewPrivs:\t1\n")
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	require.NoError(t, err)
	assert.Empty(t, string(environment))
	if _, known := audited[runtime.GOARCH]; !known {
		skip.Test(t, "no list of system calls for %s", runtime.GOARCH)
	}
	assert.Empty(t, got)
	assert.Contains(t, string(status), "\nSeccomp:\t2\n")
}

// A reader without an end costs its time and no more. What it took is said, also if another input was read before.
func TestTimeOfAnInput(t *testing.T) {
	p := NewPool(Job{Verb: verb, MaxMemory: 1 << 30})
	defer p.Close()
	spent, err := p.Ask(t.Context(), time.Second, "try", nil, ignore)
	require.NoError(t, err)
	require.Less(t, spent, time.Second)
	spent, err = p.Ask(t.Context(), time.Second, "spin", nil, ignore)
	require.ErrorIs(t, err, ErrTime)
	require.Greater(t, spent, time.Second/2)
	require.Less(t, spent, 5*time.Second/2)
}

// A parent is killed at any moment, and no child of it lives on.
func TestKilledParent(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 8))
	var longest time.Duration
	most := 0
	for round := range long.Number(3, 50) {
		parent := exec.Command(os.Args[0])
		parent.Env = append(os.Environ(), "KYCMARK_TEST_PARENT=1")
		parent.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so are its children's
		require.NoError(t, parent.Start())
		time.Sleep(time.Duration(random.Int64N(int64(100 * time.Millisecond))))
		for most = max(most, len(group(t, parent.Process.Pid))-1); round == 0 && most == 0; { // a busy machine starts it late
			time.Sleep(time.Millisecond)
			most = len(group(t, parent.Process.Pid)) - 1
		}
		require.NoError(t, parent.Process.Kill())
		_ = parent.Wait()
		killed := time.Now()
		for len(group(t, parent.Process.Pid)) > 0 && time.Since(killed) < 5*time.Second {
			time.Sleep(time.Millisecond)
		}
		longest = max(longest, time.Since(killed))
		require.Empty(t, group(t, parent.Process.Pid))
	}
	require.Positive(t, most)
	t.Logf("up to %d children, the last was gone after %v", most, longest)
}

// group returns the processes of a group that run.
func group(t *testing.T, id int) (out []string) {
	t.Helper()
	all, err := os.ReadDir("/proc")
	require.NoError(t, err)
	for _, e := range all {
		status, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err == nil && bytes.Contains(status, fmt.Appendf(nil, "\nNSpgid:\t%d\n", id)) && !bytes.Contains(status, []byte("(zombie)")) {
			out = append(out, e.Name())
		}
	}
	return out
}
