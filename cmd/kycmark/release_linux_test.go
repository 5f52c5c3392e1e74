package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/verify/books"
)

// An issuing house has uploads, and issues them again and again while things go wrong.
type issuing struct {
	*testing.T
	dir     string
	uploads int
	random  *rand.Rand
}

// newIssuing makes a home with uploads, whose registry is at an address; "": in a file.
func newIssuing(t *testing.T, dsn string, uploads int) *issuing {
	t.Helper()
	x := &issuing{t, t.TempDir(), uploads, rand.New(rand.NewPCG(21, 9))}
	up := filepath.Join(x.dir, "up")
	require.NoError(t, os.Mkdir(up, 0o700))
	for n := range uploads {
		require.NoError(t, os.WriteFile(filepath.Join(up, fmt.Sprintf("%d.jpg", n)), tiny(t, n), 0o600))
	}
	if dsn == "" {
		x.run("init", "kyc")
	} else {
		x.run("init", "--registry", dsn, "kyc")
	}
	require.NoError(t, setting(filepath.Join(x.dir, "kyc"), "references = -1"))
	x.run("recipient", "add", "vendor-a", "--kind", "vendor")
	x.run("submit", "up")
	return x
}

func (x *issuing) command(args ...string) *exec.Cmd {
	cmd := exec.Command("kycmark", args...)
	cmd.Dir, cmd.Env = x.dir, append(os.Environ(), "KYCMARK_HOME="+filepath.Join(x.dir, "kyc"))
	return cmd
}

// run runs a command that must end with the exit code 0, and returns its output.
func (x *issuing) run(args ...string) string {
	x.Helper()
	var out, errs bytes.Buffer
	cmd := x.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	require.NoError(x, cmd.Run(), "%s: %s", strings.Join(args, " "), &errs)
	return out.String()
}

// issue are the arguments of the issue of all uploads for a purpose.
func (x *issuing) issue(purpose string) []string {
	return []string{"issue", "--to", "vendor-a", "--all", "--allow-weak", "--purpose", purpose, "--out", filepath.Join(x.dir, purpose)}
}

// settled requires that each upload has one released copy for the purpose, whose file is there, that all others
// are void, and that no other file is there. It returns the number of void copies.
func (x *issuing) settled(purpose string) (void int) {
	x.Helper()
	released := make(map[string]string) // by digest, the submission
	of := make(map[string]bool)
	for line := range strings.Lines(x.run("list", "copies", "--json")) {
		var c books.Copy
		require.NoError(x, json.Unmarshal([]byte(line), &c))
		switch {
		case c.Purpose != purpose:
		case c.State == books.CopyVoid:
			void++
		default:
			require.Equal(x, books.CopyReleased, c.State, "copy %s", c.ID)
			require.False(x, of[c.Submission.String()], "two copies of %s were released", c.Submission)
			released[c.SHA256.String()], of[c.Submission.String()] = c.Submission.String(), true
		}
	}
	require.Len(x, of, x.uploads)
	files, err := filepath.Glob(filepath.Join(x.dir, purpose, "[^.]*"))
	require.NoError(x, err)
	require.Len(x, files, x.uploads)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(x, err)
		require.Equal(x, strings.TrimSuffix(filepath.Base(file), ".jpg"), released[fmt.Sprintf("%x", sha256.Sum256(data))])
	}
	return void
}

// limited is kycmark in a process whose files may have LIMIT bytes.
func limited() {
	signal.Ignore(syscall.SIGXFSZ)
	limit, err := strconv.ParseUint(os.Getenv("LIMIT"), 10, 64)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
	}
	if err != nil {
		panic(err)
	}
	main()
}

func init() { commands["limited"] = limited }

// The issue is killed at random moments. The same command then goes on: each upload has one released copy.
func TestReleasedAfterKills(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	for name, dsn := range map[string]func() string{"file": func() string { return "" }, "postgres": func() string { return server.DSN(t) }} {
		if name == "postgres" && !long.On {
			continue // TestReleasedAtOnce kills an issue there
		}
		t.Run(name, func(t *testing.T) {
			x := newIssuing(t, dsn(), long.Number(2, 4))
			began := time.Now()
			x.run(x.issue("first")...)
			whole := time.Since(began)
			killed, inTime, void := 0, 0, 0
			for round := 0; killed < long.Number(2, 8); round++ {
				purpose := fmt.Sprintf("round-%d", round)
				for range 2 {
					done, err := filepath.Glob(filepath.Join(x.dir, purpose, "[^.]*"))
					require.NoError(t, err)
					cmd := x.command(x.issue(purpose)...)
					require.NoError(t, cmd.Start())
					time.Sleep(time.Duration(x.random.Float64() * float64(whole) * float64(x.uploads-len(done)) / float64(x.uploads)))
					cmd.Process.Kill()
					if cmd.Wait() != nil {
						inTime++
					}
					killed++
				}
				x.run(x.issue(purpose)...)
				void += x.settled(purpose)
			}
			x.run("audit")
			t.Logf("%d kills, %d before the end; %d void copies", killed, inTime, void)
		})
	}
}

// A submit is killed after its commit and before its answer, or at a random moment. The client sends all again, and is
// told which uploads were there: each is there once, under its first subject.
func TestSubmittedAfterKills(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func() string{"file": func() string { return "" }, "postgres": func() string { return server.DSN(t) }} {
		t.Run(name, func(t *testing.T) {
			const each = 3
			x := newIssuing(t, dsn(), each)
			for round := range long.Number(2, 8) {
				dir := filepath.Join(x.dir, fmt.Sprintf("up-%d", round))
				require.NoError(t, os.Mkdir(dir, 0o700))
				for n := range each {
					file := append(tiny(t, n), byte(round)) // another digest
					require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("c%d.jpg", n)), file, 0o600))
				}
				submit := []string{"submit", "--json", "--subject-from", "name", dir}
				cmd := x.command(submit...)
				unread, full := fullPipe(t)
				cmd.Stdout = full
				require.NoError(t, cmd.Start())
				if round%2 == 0 {
					for lines := 0; lines < each*(round+2); {
						time.Sleep(100 * time.Millisecond)
						lines = strings.Count(x.run("list", "submissions", "--json"), "\n")
					}
				} else {
					time.Sleep(time.Duration(x.random.Float64() * float64(time.Second)))
				}
				require.NoError(t, cmd.Process.Kill())
				require.Error(t, cmd.Wait())
				require.NoError(t, full.Close())
				require.NoError(t, unread.Close())
				before := strings.Count(x.run("list", "submissions", "--json"), "\n") - each*(round+1)
				answer := x.run(submit...)
				require.Equal(t, before, strings.Count(answer, `"duplicate":true`), answer)
				require.Equal(t, each-before, strings.Count(answer, `"duplicate":false`), answer)
				require.Equal(t, each*(round+2), strings.Count(x.run("list", "submissions", "--json"), "\n"))
			}
			x.run("audit", "--originals")
		})
	}
}

// fullPipe is a pipe that takes no more bytes: what writes to it waits.
func fullPipe(t *testing.T) (from, to *os.File) {
	from, to, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, to.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	_, err = to.Write(make([]byte, 1<<20))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	return from, to
}

// Two processes issue one request at once, into one folder or into two; one of them may be killed. The same command then
// goes on: each upload has one released copy.
func TestReleasedAtOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	for name, dsn := range map[string]func() string{"file": func() string { return "" }, "postgres": func() string { return server.DSN(t) }} {
		t.Run(name, func(t *testing.T) {
			x := newIssuing(t, dsn(), 2)
			both, rounds := 0, long.Number(2, 8)
			if name == "file" && !long.On {
				rounds = 1 // TestReleasedAfterKills kills an issue there
			}
			for round := range rounds {
				purpose := fmt.Sprintf("round-%d", round)
				out := []string{filepath.Join(x.dir, purpose), filepath.Join(x.dir, purpose)}
				if (round%2 == 1) == (name == "file") {
					out[1] += "-second"
				}
				var done [2]*exec.Cmd
				var errs [2]bytes.Buffer
				for i := range done {
					args := x.issue(purpose)
					args[len(args)-1] = out[i]
					done[i] = x.command(args...)
					done[i].Stderr = &errs[i]
					require.NoError(t, done[i].Start())
				}
				killed := -1
				if round%3 == 1 {
					killed = x.random.IntN(2)
					time.Sleep(time.Duration(x.random.Float64() * float64(2*time.Second)))
					done[killed].Process.Kill()
				}
				ok := 0
				for i, cmd := range done {
					err := cmd.Wait()
					if err == nil {
						ok++
					} else if i != killed {
						require.Equal(t, ui.ExitSome, cmd.ProcessState.ExitCode(), "%s", &errs[i])
						require.Regexp(t, "exists|is void", errs[i].String())
					}
				}
				if both += ok / 2; killed < 0 {
					require.NotZero(t, ok, "%s%s", &errs[0], &errs[1])
				}
				x.run(x.issue(purpose)...)
				require.Zero(t, x.settled(purpose), "no copy is void: there was room")
			}
			x.run("audit")
			t.Logf("both ended with 0 in %d of %d rounds", both, rounds)
		})
	}
}

// The folder is full at offsets of the copy's file: one copy is void, and no further copy is entered. When there is room,
// one copy of each upload is released.
func TestReleasedIntoFullFolder(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	x := newIssuing(t, server.DSN(t), 2) // whose files are another process's
	x.run(x.issue("first")...)
	files, err := filepath.Glob(filepath.Join(x.dir, "first", "*.jpg"))
	require.NoError(t, err)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	n := long.Number(2, 8)
	for k := range n {
		purpose, limit := fmt.Sprintf("offset-%d", k), int(info.Size()*9/10)*k/n
		require.Contains(t, x.stopped(purpose, limit), "was not handed out, and is void")
		found, err := os.ReadDir(filepath.Join(x.dir, purpose))
		require.NoError(t, err)
		require.Empty(t, found, "%d bytes", limit)
		x.run(x.issue(purpose)...)
		require.Equal(t, 1, x.settled(purpose))
	}
	x.run("audit")
}

// The disk of the registry is full: the first copy that is not logged ends the issue.
func TestReleasedIntoFullRegistry(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	x := newIssuing(t, "", long.Number(3, 5))
	for k := range long.Number(1, 8) {
		purpose := fmt.Sprintf("log-%d", k)
		require.Contains(t, x.stopped(purpose, 100_000+k%6*20_000), "could not be logged") // of three copies the log has more
		x.run(x.issue(purpose)...)
		require.Zero(t, x.settled(purpose))
	}
	x.run("audit")
}

// stopped issues where files may have limit bytes, one upload after the other. It requires that the issue ends with
// one error and a hint, and returns them.
func (x *issuing) stopped(purpose string, limit int) string {
	x.Helper()
	cmd := x.command(x.issue(purpose)...)
	var err error
	cmd.Path, err = exec.LookPath("limited")
	require.NoError(x, err)
	cmd.Args[0] = cmd.Path
	cmd.Env = append(cmd.Env, fmt.Sprint("LIMIT=", limit), "GOMAXPROCS=1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	require.Error(x, cmd.Run())
	require.Equal(x, ui.ExitFatal, cmd.ProcessState.ExitCode(), "%s", &errs)
	require.Equal(x, 1, strings.Count(errs.String(), "\nkycmark: hint: "), "%s", &errs)
	require.Equal(x, 2, strings.Count(errs.String(), "\n"), "%s", &errs)
	return errs.String()
}
