// Package pgtest runs a PostgreSQL server that is thrown away with the test that
// started it: in a temporary folder, on a Unix socket, with the durability settings
// of a real one.
package pgtest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kycmark/kycmark/internal/test/skip"
)

// A Server starts when it is first asked for an address; the zero value is ready.
// The test binary's TestMain owns one and stops it.
type Server struct {
	MaxFile  int      // megabytes that its files may have, until Unlimit; 0: any
	Unsummed bool     // pages have no checksums
	Settings []string // more settings of the server: "shared_buffers=512kB"

	mu      sync.Mutex
	dir     string // "" until it is started
	failed  error  // why it could not be
	schemas int
	guard   *exec.Cmd
	alive   io.Closer // closing it ends the server
}

var errMissing = errors.New("no PostgreSQL server is installed: apt-get install postgresql")

// startTime is how long a server may take to answer.
const startTime = 3 * time.Minute

// DSN returns the address of a schema that does not exist yet. It skips the test
// where no server is installed.
func (s *Server) DSN(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" && s.failed == nil {
		s.failed = s.start()
	}
	if errors.Is(s.failed, errMissing) {
		skip.Test(t, "%v", s.failed)
	}
	check(t, s.failed)
	s.schemas++
	return s.dsn() + "&search_path=test" + strconv.Itoa(s.schemas)
}

// Logins runs the script of grants (docs/grants.sql) on the registry at dsn, and makes a login for each of some of its
// roles. It returns their addresses by role.
func Logins(t testing.TB, dsn, script string, roles ...string) map[string]string {
	t.Helper()
	ctx := context.Background()
	grants, err := os.ReadFile(script)
	check(t, err)
	c, err := pgx.Connect(ctx, dsn)
	check(t, err)
	defer c.Close(ctx)
	_, err = c.Exec(ctx, string(grants))
	check(t, err)
	var prefix string
	check(t, c.QueryRow(ctx, "SELECT current_database() || '_' || current_schema() || '_'").Scan(&prefix))
	out := make(map[string]string)
	for _, role := range roles {
		login := prefix + role + "_login"
		_, err := c.Exec(ctx, "CREATE ROLE "+login+" LOGIN IN ROLE "+prefix+role)
		check(t, err)
		out[role] = dsn + "&user=" + login
	}
	return out
}

// Data is the server's data directory, for tests that look into its files.
func (s *Server) Data() string { return filepath.Join(s.dir, "data") }

// limit is the argument of ulimit -f: blocks of 512 bytes.
func (s *Server) limit() string {
	if s.MaxFile == 0 {
		return "unlimited"
	}
	return strconv.Itoa(s.MaxFile << 11)
}

// Unlimit crashes the server and starts it without a limit.
func (s *Server) Unlimit(t testing.TB) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(s.dir, "limit"), []byte("unlimited"), 0o644))
	s.Crash(t)
	s.Ready(t)
}

// Crash kills the server; it starts again by itself and recovers.
func (s *Server) Crash(t testing.TB) {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(s.Data(), "postmaster.pid"))
	for err == nil && len(lock) == 0 { // it is being written
		time.Sleep(time.Millisecond)
		lock, err = os.ReadFile(filepath.Join(s.Data(), "postmaster.pid"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return // it crashed without our help
	}
	check(t, err)
	first, _, _ := strings.Cut(string(lock), "\n")
	pid, err := strconv.Atoi(first)
	check(t, err)
	check(t, kill(pid))
}

// CrashOne kills one process of the server, of a kind as pg_stat_activity names them;
// the others end by that, and start again and recover.
func (s *Server) CrashOne(t testing.TB, kind string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.dsn())
	check(t, err)
	defer c.Close(ctx)
	var pid int
	check(t, c.QueryRow(ctx, `SELECT pid FROM pg_stat_activity WHERE backend_type = $1 AND pid <> pg_backend_pid()
		ORDER BY state = 'active' DESC, query_start DESC LIMIT 1`, kind).Scan(&pid))
	check(t, kill(pid))
}

// check ends the test after an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Ready waits until the server answers.
func (s *Server) Ready(t testing.TB) {
	t.Helper()
	check(t, s.ready())
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alive != nil {
		s.alive.Close()
		s.guard.Wait()
	}
	s.dir, s.alive, s.failed = "", nil, nil
}

func (s *Server) dsn() string {
	return "postgres:///postgres?host=" + url.QueryEscape(s.dir) + "&user=postgres&sslmode=disable"
}

// watch runs a server and restarts it after a crash. It ends when its own input ends, at the
// latest when the test binary dies for any reason. A process can wait forever for the lock of a dead one. Then it outlives
// its server and keeps the next from starting, so it is killed, if there is a /proc.
const watch = `trap "" INT TERM
(
	trap 'kill -QUIT $server; wait $server; exit' USR1
	while :; do
		ulimit -S -f "$(cat "$DIR/limit")"
		"$@" >>"$DIR/log" 2>&1 &
		server=$!
		wait $server
		for left in /proc/[0-9]*; do
			[ "$(readlink "$left/cwd")" != "$DIR/data" ] || kill -KILL "${left#/proc/}"
		done
		sleep 0.05
	done
) &
cat >/dev/null
kill -USR1 $!
wait $!
rm -rf "$DIR"`

func (s *Server) start() (err error) {
	bin, err := binaries()
	if err != nil {
		return err
	}
	// A short name: the path of a socket has at most 107 bytes, ours 30 beside the parent's.
	parent := os.TempDir()
	if len(parent) > 70 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "pg")
	if err != nil {
		return err
	}
	as, err := unprivileged(dir)
	if err == nil {
		args := []string{"-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "--no-sync"}
		if !s.Unsummed {
			args = append(args, "--data-checksums")
		}
		err = initialised(filepath.Join(bin, "initdb"), dir, as, args)
	}
	if err == nil {
		s.guard = exec.Command("sh", "-c", watch, "sh", filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"),
			"-c", "listen_addresses=", "-c", "unix_socket_directories="+dir, "-c", "max_connections=200")
		for _, setting := range s.Settings {
			s.guard.Args = append(s.guard.Args, "-c", setting)
		}
		s.guard.SysProcAttr, s.guard.Dir = as, dir
		s.guard.Env = append(os.Environ(), "DIR="+dir)
		s.alive, err = s.guard.StdinPipe()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "limit"), []byte(s.limit()), 0o644)
	}
	if err == nil {
		err = s.guard.Start()
	}
	if err != nil {
		os.RemoveAll(dir)
		s.alive = nil
		return err
	}
	s.dir = dir
	return s.ready()
}

// initialised makes the data directory of a server in dir. It is copied from one in the folder kycmark-tests of the user's
// caches, which the first call with the same program, user and arguments makes.
func initialised(program, dir string, as *syscall.SysProcAttr, args []string) error {
	data := filepath.Join(dir, "data")
	made := ""
	version, err := exec.Command(program, "--version").Output()
	if caches, e := os.UserCacheDir(); err == nil && e == nil {
		key := sha256.Sum256(fmt.Appendf(version, "%s %q as %s", program, args, userOf(as)))
		made = filepath.Join(caches, "kycmark-tests", fmt.Sprintf("postgresql-%x", key[:8]))
		if exec.Command("cp", "-a", made, data).Run() == nil {
			return nil
		}
	}
	if err := os.RemoveAll(data); err != nil { // what a copy that was cut off left
		return err
	}
	initdb := exec.Command(program, append([]string{"-D", data}, args...)...)
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if made == "" || os.MkdirAll(filepath.Dir(made), 0o755) != nil { // each server makes its own
		return nil
	}
	next, err := os.MkdirTemp(filepath.Dir(made), "next")
	if err != nil {
		return nil
	}
	defer os.RemoveAll(next)
	if exec.Command("cp", "-a", data, filepath.Join(next, "data")).Run() == nil {
		_ = os.Rename(filepath.Join(next, "data"), made) // another package's may be there already
	}
	return nil
}

func (s *Server) ready() error {
	var err error
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var c *pgx.Conn
		if c, err = pgx.Connect(context.Background(), s.dsn()); err == nil {
			return c.Close(context.Background())
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return fmt.Errorf("the server does not answer: %w\n%s", err, bytes.TrimSpace(log))
}

// binaries finds the latest version where Debian puts them, else those in PATH.
func binaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errMissing
	}
	return filepath.Dir(initdb), nil
}

func version(initdb string) int {
	n, _ := strconv.Atoi(strings.Split(filepath.ToSlash(initdb), "/")[4])
	return n
}
