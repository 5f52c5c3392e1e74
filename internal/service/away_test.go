package service_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
)

// A wire passes connections to a PostgreSQL server on. After a number of packets from its clients it drops all connections,
// and takes no other, until it is mended.
type wire struct {
	left  atomic.Int64 // packets
	mu    sync.Mutex
	conns map[net.Conn]bool
}

// wired returns an address of the database at dsn behind a new wire.
func wired(t *testing.T, dsn string) (*wire, string) {
	t.Helper()
	at, err := url.Parse(dsn)
	require.NoError(t, err)
	values := at.Query()
	server := filepath.Join(values.Get("host"), ".s.PGSQL.5432")
	dir, err := os.MkdirTemp("", "wire") // a name of a socket has at most 108 bytes
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	require.NoError(t, err)
	w := &wire{conns: make(map[net.Conn]bool)}
	w.mend()
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); w.cut(); all.Wait() })
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("unix", server)
			if err != nil || !w.hold(client, there) {
				client.Close()
				continue
			}
			all.Go(func() { _, _ = io.Copy(client, there); client.Close() })
			all.Go(func() { w.pass(client, there); there.Close() })
		}
	})
	values.Set("host", dir)
	at.RawQuery = values.Encode()
	return w, at.String()
}

// hold reports whether a connection may be. It is closed by [wire.cut].
func (w *wire) hold(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		if w.conns[c] = true; w.left.Load() <= 0 {
			c.Close()
		}
	}
	return w.left.Load() > 0
}

func (w *wire) pass(client, server net.Conn) {
	packet := make([]byte, 1<<20)
	for {
		n, err := client.Read(packet)
		if err != nil {
			return
		}
		if w.left.Add(-1) < 0 {
			w.cut()
			return
		}
		if _, err := server.Write(packet[:n]); err != nil {
			return
		}
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left.Store(0)
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
}

func (w *wire) mend() { w.left.Store(1 << 60) }

// A database that goes away in the middle of any request is a 503 that says when to try again, and the same request succeeds
// when the database is back.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	line, dsn := wired(t, server.DSN(t))
	w := beginAt(t, dsn, nil)
	submission, copyID := w.stocked()
	begun := w.must(call{method: "POST", path: "/v1/investigations", body: map[string]string{}}).field(t, "investigation")
	calls := []call{
		{method: "GET", path: "/v1/submissions/" + submission},
		{method: "POST", path: "/v1/submissions", body: small(t, "anna_selfie"), head: map[string]string{"Kycmark-Subject": "subject-2", "Idempotency-Key": "submission-0123456"}},
		{method: "POST", path: "/v1/submissions/" + submission + "/copies", body: map[string]string{"recipient": "vendor-a", "purpose": "checks"},
			head: map[string]string{"Idempotency-Key": "copies-of-0123456"}},
		{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-b", "kind": "vendor"}},
		{method: "GET", path: "/v1/recipients"},
		{method: "GET", path: "/v1/copies/" + copyID},
		{method: "GET", path: "/v1/custody"},
		{method: "GET", path: "/v1/ledger"},
		{method: "GET", path: "/v1/events"},
		{method: "POST", path: "/v1/ledger/checkpoints", body: map[string]string{}},
		{method: "POST", path: "/v1/ledger/audit", body: map[string]string{}},
		{method: "GET", path: "/v1/investigations"},
		{method: "GET", path: "/v1/investigations/" + begun},
		{method: "POST", path: "/v1/investigations/" + begun + "/files", body: small(t, "anna_passport"), head: map[string]string{"Kycmark-File": "leak.jpg"}},
		{method: "POST", path: "/v1/custody", body: map[string]any{"facts": []map[string]any{{"recipient": "vendor-a", "submissions": []string{submission}, "note": "captured there"}}},
			head: map[string]string{"Idempotency-Key": "custody-01234567"}},
		{method: "POST", path: "/v1/erasures", body: map[string]string{"subject": "subject-1", "note": "asked for"}, head: map[string]string{"Idempotency-Key": "erasure-01234567"}},
	}
	for _, c := range calls {
		refused := 0
		for packets := int64(0); ; packets += 1 + packets/int64(long.Number(2, 8)) {
			line.left.Store(packets)
			got, err := w.try(c)
			whole := line.left.Load() > 0
			line.mend()
			if err != nil && !whole { // an answer that had begun is cut off
				continue
			}
			require.NoError(t, err)
			if whole {
				assert.Less(t, got.status, 300, "%s %s: %s", c.method, c.path, got.body)
				break
			}
			if got.status >= 300 {
				refused++
				assert.Equal(t, 503, got.status, "%s %s after %d packets: %s", c.method, c.path, packets, got.body)
				assert.NotEmpty(t, got.head.Get("Retry-After"))
			}
			require.Less(t, packets, int64(200), fmt.Sprint(c.path))
		}
		t.Logf("%s %s: refused %d times", c.method, strings.ReplaceAll(c.path, submission, "ID"), refused)
	}
}
