package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kycmark/kycmark/internal/test/skip"
)

// A Pair is a server and its standby. A commit is acknowledged when it is on both disks.
type Pair struct {
	dir, bin string
	primary  int // 0 or 1
}

// NewPair starts a pair of servers, which end with the test. It skips the test where no server is installed.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	bin, err := binaries()
	if errors.Is(err, errMissing) {
		skip.Test(t, "%v", err)
	}
	p := &Pair{bin: bin}
	p.dir, err = os.MkdirTemp("/tmp", "pair")
	check(t, err)
	t.Cleanup(func() {
		for n := range 2 {
			p.kill(n)
		}
		os.RemoveAll(p.dir)
	})
	p.run(t, "initdb", "-D", p.data(0), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-k", "--no-sync")
	p.start(t, 0)
	p.follow(t, 1)
	return p
}

// DSN is the address of a schema on whichever server takes writes.
func (p *Pair) DSN(schema string) string {
	at := url.QueryEscape(p.dir)
	return "postgres:///postgres?host=" + at + "," + at + "&port=5441,5442&target_session_attrs=read-write&user=postgres&sslmode=disable&search_path=" + schema
}

// FailOver kills the server. After that long the standby takes over, and the other becomes its standby.
func (p *Pair) FailOver(t testing.TB, after time.Duration) {
	t.Helper()
	p.kill(p.primary)
	time.Sleep(after)
	old := p.primary
	p.primary = 1 - old
	p.run(t, "pg_ctl", "-s", "-w", "-D", p.data(p.primary), "promote")
	p.follow(t, old)
}

func (p *Pair) data(n int) string { return filepath.Join(p.dir, strconv.Itoa(n)) }
func (p *Pair) port(n int) string { return strconv.Itoa(5441 + n) }

// run runs a program of PostgreSQL to its end.
func (p *Pair) run(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	as, err := unprivileged(p.dir)
	check(t, err)
	cmd.SysProcAttr, cmd.Dir = as, p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(p.data(1-p.primary) + ".log")
		t.Fatalf("%s: %v\n%s\n%s", name, err, out, log[max(0, len(log)-2000):])
	}
}

// start starts a server and waits until it answers.
func (p *Pair) start(t testing.TB, n int) {
	t.Helper()
	p.run(t, "pg_ctl", "-s", "-w", "-t", "120", "-D", p.data(n), "-l", p.data(n)+".log", "-o",
		fmt.Sprintf("-p %s -c listen_addresses= -k %s -c synchronous_standby_names=*", p.port(n), p.dir), "start")
}

// follow makes a server anew, as the standby of the primary, and waits until it follows.
func (p *Pair) follow(t testing.TB, n int) {
	t.Helper()
	check(t, os.RemoveAll(p.data(n)))
	p.run(t, "pg_basebackup", "-U", "postgres", "-h", p.dir, "-p", p.port(p.primary), "-D", p.data(n), "-R", "--checkpoint=fast", "--no-sync")
	p.start(t, n)
	ctx := context.Background()
	for end := time.Now().Add(startTime); ; time.Sleep(50 * time.Millisecond) {
		following := 0
		c, err := pgx.Connect(ctx, "host="+p.dir+" port="+p.port(p.primary)+" user=postgres dbname=postgres sslmode=disable")
		if err == nil {
			err = c.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").Scan(&following)
			c.Close(ctx)
		}
		if following > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no standby follows: %v", err)
		}
	}
}

// kill kills a server and waits until its processes are gone.
func (p *Pair) kill(n int) {
	lock, err := os.ReadFile(filepath.Join(p.data(n), "postmaster.pid"))
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(lock), "\n")
	if pid, err := strconv.Atoi(first); err == nil && pid > 0 {
		_ = kill(pid)
	}
	time.Sleep(100 * time.Millisecond)          // the others end by that
	for _, end := range []string{"", ".lock"} { // which names a process that may not be buried yet
		os.Remove(filepath.Join(p.dir, ".s.PGSQL."+p.port(n)+end))
	}
}
