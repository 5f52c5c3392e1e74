//go:build study && linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/testdata"
)

// TestHostileDump investigates 10,000 hostile files ($KYCMARK_HOSTILE: so many), and 50 copies of ours between them, by 16
// workers, with 2 GiB of data for each process and a file system of 1 GB for temporary files. All files must be named, and
// what is said of the copies must be as alone.
func TestHostileDump(t *testing.T) {
	n := 10_000
	if s := os.Getenv("KYCMARK_HOSTILE"); s != "" {
		fmt.Sscan(s, &n)
	}
	dir := t.TempDir()
	program, uploads := filepath.Join(dir, "kycmark"), filepath.Join(dir, "uploads")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "KYCMARK_HOME="+filepath.Join(dir, "home"), "GOMAXPROCS=16")
		return cmd
	}
	run := func(args ...string) {
		out, err := command(program, args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.NoError(t, os.Mkdir(uploads, 0o700))
	names, err := testdata.Pictures.ReadDir("pictures")
	require.NoError(t, err)
	for _, e := range names {
		data, err := testdata.Pictures.ReadFile("pictures/" + e.Name())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(uploads, e.Name()), data, 0o600))
	}
	run("init", "home")
	require.NoError(t, setting(filepath.Join(dir, "home"), "references = -1"))
	run("recipient", "add", "vendor", "--kind", "vendor")
	run("submit", uploads)
	run("issue", "--to", "vendor", "--all", "--out", "copies")
	copies := issuedFiles(t, dir)
	temporary := filepath.Join(dir, "temporary")
	require.NoError(t, os.Mkdir(temporary, 0o700))
	memory := newResident(t, program)
	began := time.Now()
	cmd := hostileDump(t, dir, copies, n, 50, func(args ...string) *exec.Cmd {
		cmd := command("unshare", append([]string{"-rm", "bash", "-c", `mount -t tmpfs -o size=1g t "$TMPDIR" && ulimit -d 2097152 && exec "$0" "$@"`, program}, args...)...)
		cmd.Env = append(cmd.Env, "TMPDIR="+temporary)
		return cmd
	})
	peak := memory.end()
	for verb, bytes := range memory.most {
		t.Logf("%s: at most %.0f MB, with what it shares", verb, float64(bytes)/1e6)
	}
	use := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	t.Logf("%d files: peak %.0f MB in one process, %.0f MB in all, %.0f s of CPU, both runs in %.0f s", n+50, float64(use.Maxrss)*1024/1e6,
		float64(peak)/1e6, cmd.ProcessState.UserTime().Seconds()+cmd.ProcessState.SystemTime().Seconds(), time.Since(began).Seconds())
	require.Less(t, float64(peak), 1.5e9)
}

// A resident follows how much memory all processes of a program have, in bytes.
type resident struct {
	stop chan struct{}
	done sync.WaitGroup
	peak int64
	most map[string]int64 // of one process, by its first argument
}

func newResident(t *testing.T, program string) *resident {
	r := &resident{stop: make(chan struct{}), most: make(map[string]int64)}
	r.done.Go(func() {
		for {
			select {
			case <-r.stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
			all := int64(0)
			processes, _ := filepath.Glob("/proc/[0-9]*")
			for _, p := range processes {
				if exe, _ := os.Readlink(p + "/exe"); exe != program {
					continue
				}
				status, _ := os.ReadFile(p + "/statm")
				if fields := strings.Fields(string(status)); len(fields) > 2 {
					pages, _ := strconv.ParseInt(fields[1], 10, 64)
					shared, _ := strconv.ParseInt(fields[2], 10, 64)
					all += (pages - shared) * int64(os.Getpagesize())
					line, _ := os.ReadFile(p + "/cmdline")
					if args := strings.Split(string(line), "\x00"); len(args) > 2 {
						verb := args[1]
						r.most[verb] = max(r.most[verb], pages*int64(os.Getpagesize()))
					}
				}
			}
			r.peak = max(r.peak, all)
		}
	})
	return r
}

// end ends following, and returns the peak.
func (r *resident) end() int64 {
	close(r.stop)
	r.done.Wait()
	return r.peak
}
