package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// A hand is a worker that is stopped, as by a machine that freezes.
type hand struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (h *hand) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.out.Write(b)
}

// says returns what the worker wrote.
func (h *hand) says() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.out.String()
}

func (h *hand) signal(s syscall.Signal) { _ = syscall.Kill(h.cmd.Process.Pid, s) }

// Each kind of job is done by another worker if its worker is stopped in the middle: while it waits to read, or with the lock of
// the ledger in its hands. The command says who has the job. The first worker wakes, finds that the job is another's and changes
// nothing.
func TestStopped(t *testing.T) {
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	const lease = 3 * time.Second
	c := &crew{t: t, dir: t.TempDir()}
	c.home = filepath.Join(c.dir, "kyc")
	plain := server.DSN(t)
	// A transaction that is left idle ends after this time, else after a minute.
	c.run("init", "--registry", fmt.Sprintf("%s&idle_in_transaction_session_timeout=%d", plain, lease.Milliseconds()), c.home)
	c.run("recipient", "add", "vendor-a", "--kind", "vendor")
	picture := func(k int) string {
		path := filepath.Join(c.dir, fmt.Sprintf("subject-%d.jpg", k))
		require.NoError(t, os.WriteFile(path, tiny(t, k), 0o600))
		return path
	}
	for k := range 4 {
		c.run("submit", "--subject-from", "name", picture(k))
	}
	ids := c.rows(plain, "SELECT encode(id, 'hex') FROM submission ORDER BY seq")
	c.run("issue", "--allow-weak", "--to", "vendor-a", "--submission", ids[3], "--purpose", "leaked", "--out", "leaked")
	start := func() *hand {
		h := &hand{cmd: c.command("work", "--jobs", "1")}
		h.cmd.Env = append(h.cmd.Env, "KYCMARK_TEST_LEASE="+lease.String())
		h.cmd.Stdout, h.cmd.Stderr = h, h
		require.NoError(t, h.cmd.Start())
		t.Cleanup(func() { h.cmd.Process.Kill(); h.cmd.Wait() })
		require.Eventually(t, func() bool { return strings.Contains(h.says(), "takes ") }, patience, 10*time.Millisecond)
		return h
	}
	first, second := start(), start()
	sql, err := pgx.Connect(t.Context(), plain)
	require.NoError(t, err)
	defer sql.Close(context.Background())
	text := func(query string) (s string) {
		require.NoError(t, sql.QueryRow(t.Context(), query).Scan(&s), query)
		return s
	}
	queue := text("SELECT current_schema() || '_queue.river_job'")
	job := func(what string) string {
		return text("SELECT coalesce((SELECT " + what + " FROM " + queue + " j WHERE id > 0 ORDER BY id DESC LIMIT 1), '')")
	}
	const reading, writing = "LOCK TABLE ledger_head IN ACCESS EXCLUSIVE MODE", "SELECT FROM ledger_head FOR UPDATE"
	for _, x := range long.Cases(2, []struct {
		lock string
		args []string
	}{
		{writing, []string{"investigate", filepath.Join("leaked", ids[3]+".jpg")}},
		{reading, []string{"investigate", filepath.Join("leaked", ids[3]+".jpg")}},
	}...) {
		first.signal(syscall.SIGSTOP)
		second.signal(syscall.SIGSTOP)
		jobs := text("SELECT count(*)::text FROM " + queue)
		var said bytes.Buffer
		cmd := c.command(append(x.args, "--queue")...)
		cmd.Env = append(cmd.Env, "KYCMARK_TEST_LEASE="+lease.String())
		cmd.Stdout, cmd.Stderr = &said, &said
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		require.Eventually(t, func() bool { return text("SELECT count(*)::text FROM "+queue) != jobs }, patience, 5*time.Millisecond)

		held, err := sql.Begin(t.Context())
		require.NoError(t, err)
		_, err = held.Exec(t.Context(), x.lock)
		require.NoError(t, err)
		before := len(first.says())
		first.signal(syscall.SIGCONT)
		require.Eventually(t, func() bool {
			var waits bool
			require.NoError(t, held.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid() AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))").Scan(&waits))
			return waits
		}, patience, 5*time.Millisecond, x.args)
		first.signal(syscall.SIGSTOP)
		require.NoError(t, held.Rollback(t.Context()))
		stopped := time.Now()
		second.signal(syscall.SIGCONT)
		select {
		case err := <-ended:
			require.NoError(t, err, said.String())
		case <-time.After(patience):
			require.Fail(t, "the command waits", "%v: %s", x.args, said.String())
		}
		t.Logf("%s, stopped by %s: done by another after %.1f s", x.args[0], x.lock, time.Since(stopped).Seconds())
		require.Regexp(t, regexp.MustCompile(`job \d+: `+x.args[0]+`: "worker-\d+, process `+strconv.Itoa(first.cmd.Process.Pid)+` on .*" has it since `), said.String())

		rows := text("SELECT string_agg(j::text, '\n' ORDER BY id) FROM " + queue + " j")
		size := text("SELECT size::text FROM ledger_head")
		first.signal(syscall.SIGCONT)
		require.Eventually(t, func() bool { return strings.Contains(first.says()[before:], "its lease ran out") }, patience, 10*time.Millisecond, x.args)
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, rows, text("SELECT string_agg(j::text, '\n' ORDER BY id) FROM "+queue+" j"), x.args)
		require.Equal(t, size, text("SELECT size::text FROM ledger_head"), x.args)
		require.Contains(t, job("state::text"), "completed")
	}
	c.run("audit", "--originals")
	for _, twice := range []string{
		"SELECT 1 FROM submission GROUP BY sha256 HAVING count(*) > 1 AND length(sha256) = 32 AND sha256 <> decode(repeat('00', 32), 'hex')",
		"SELECT 1 FROM copy GROUP BY submission, recipient, purpose HAVING count(*) > 1",
		"SELECT 1 FROM investigation GROUP BY salt HAVING count(*) > 1",
	} {
		require.Empty(t, c.rows(plain, twice), twice)
	}
}
