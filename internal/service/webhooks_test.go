package service_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark/markfile"
)

// A receiver takes notices, and checks that each is signed as Standard Webhooks says.
type receiver struct {
	t       *testing.T
	at      *httptest.Server
	key     []byte
	mu      sync.Mutex
	refuse  int      // so many are answered with 500 first
	tries   []string // IDs, of all
	notices []string // bodies, taken
}

func receive(t *testing.T, refuse int) *receiver {
	r := &receiver{t: t, key: []byte("0123456789abcdef0123456789abcdef"), refuse: refuse}
	r.at = httptest.NewServer(r)
	t.Cleanup(r.at.Close)
	return r
}

// hook are the settings by which it gets notices.
func (r *receiver) hook(events ...string) service.Webhook {
	return service.Webhook{URL: r.at.URL + "/k", Secret: "whsec_" + base64.StdEncoding.EncodeToString(r.key), Events: events}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	assert.NoError(r.t, err)
	id, at := q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, r.key)
	io.WriteString(mac, id+"."+at+"."+string(body))
	assert.Equal(r.t, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)), q.Header.Get("webhook-signature"))
	seconds, err := strconv.ParseInt(at, 10, 64)
	assert.NoError(r.t, err)
	assert.Less(r.t, time.Since(time.Unix(seconds, 0)), time.Minute)
	assert.Equal(r.t, "application/json", q.Header.Get("Content-Type"))
	if r.tries = append(r.tries, id); r.refuse > 0 {
		r.refuse--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.notices = append(r.notices, string(body))
}

// taken waits for n notices, and returns the data of each by type.
func (r *receiver) taken(n int) map[string]map[string]any {
	r.t.Helper()
	require.Eventually(r.t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.notices) >= n }, time.Minute, 10*time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Len(r.t, r.notices, n)
	out := make(map[string]map[string]any)
	for _, text := range r.notices {
		var got struct {
			Type      string
			Timestamp time.Time
			Data      map[string]any
		}
		require.NoError(r.t, json.Unmarshal([]byte(text), &got), text)
		assert.False(r.t, got.Timestamp.IsZero())
		out[got.Type] = got.Data
	}
	return out
}

// tells has a process of the world tell notices, until end is called.
func (w *world) tells(hooks map[string]service.Webhook) (end func()) {
	w.t.Helper()
	_, _, end = w.serves(func(c *service.Config) { c.Webhooks, c.Times.Notice = hooks, 20*time.Millisecond })
	return end
}

// All that is told is told to those who want it, signed, and again until it is taken, also if the process in which it
// happened has died. It names no person and no file.
func TestNotices(t *testing.T) {
	all, voids := receive(t, 2), receive(t, 0)
	hooks := map[string]service.Webhook{"all": all.hook(), "voids": voids.hook("copy.void")}
	w := begin(t, func(c *service.Config) { c.Webhooks = hooks })
	w.srv.Office.Over = w.srv.InvestigationOver
	_, copyID := w.stocked()
	id := w.reserved(copyID)
	void := call{method: "POST", path: "/v1/copies/" + id + "/void", body: map[string]string{"note": plantedNote}}
	w.must(void)
	w.must(void) // it is told once

	// Pictures: one with a mark that was never issued, and one that is no picture.
	h, err := home.Open(w.dir)
	require.NoError(t, err)
	marks, _, err := h.Keys()
	require.NoError(t, err)
	forged, err := markfile.Mark(t.Context(), marks[0], 0x77, small(t, "stranger_coast"), &markfile.Options{AllowWeak: true})
	require.NoError(t, err)
	done := w.investigated(map[string][]byte{"anna.jpg": forged.File})
	failed := w.investigated(map[string][]byte{"anna.txt": []byte("no picture")})
	w.works() // it tells what is over

	db, err := sql.Open("sqlite", filepath.Join(w.dir, "registry.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "UPDATE recipient SET name = 'vendor-z'")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	w.must(call{method: "POST", path: "/v1/ledger/audit", body: map[string]any{}})
	require.Eventually(t, func() bool { return len(w.query("SELECT hook FROM notice")) == 6 }, time.Minute, 10*time.Millisecond)
	require.Empty(t, all.tries, "nobody has sent anything yet")

	end := w.tells(hooks)
	got := all.taken(5)
	require.Equal(t, map[string]any{"copy": id}, got["copy.void"])
	require.Equal(t, map[string]any{"investigation": done}, got["investigation.done"])
	require.Equal(t, map[string]any{"investigation": failed}, got["investigation.failed"])
	require.Equal(t, map[string]any{"investigation": done, "pictures": 1.0}, got["mark.unissued"])
	require.Positive(t, got["audit.failed"]["problems"])
	require.Len(t, all.tries, 7, "two were refused")
	require.Contains(t, all.tries[2:], all.tries[0], "the same notice has the same ID again")
	voids.taken(1)
	require.Eventually(t, func() bool { return len(w.query("SELECT hook FROM notice")) == 0 }, time.Minute, 10*time.Millisecond)
	end()
	for _, text := range all.notices {
		require.NotRegexp(t, "anna|vendor|subject|"+plantedNote, text)
	}

	// A process that starts later tells nothing again.
	end = w.tells(hooks)
	time.Sleep(100 * time.Millisecond)
	end()
	all.taken(5)
}

// A webhook that does not answer holds up no other. What it did not take for three days is given up, and the log says so.
func TestNoticesNotTaken(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
		case <-t.Context().Done():
		}
	}))
	defer slow.Close()
	other := receive(t, 0)
	moved := httptest.NewServer(http.RedirectHandler(other.at.URL, http.StatusTemporaryRedirect))
	defer moved.Close()
	hooks := map[string]service.Webhook{"other": other.hook()}
	for name, at := range map[string]string{"slow": slow.URL, "moved": moved.URL, "gone": "http://127.0.0.1:1"} {
		h := other.hook()
		h.URL = at
		hooks[name] = h
	}
	w := begin(t)
	store := registry.AccessOf(w.reg)
	old := records.Timestamp(time.Now().Add(-73 * time.Hour))
	for i, hook := range []string{"slow", "moved", "gone", "gone", "other"} {
		n := records.Notice{ID: [16]byte{byte(i)}, Hook: hook, Body: `{"type":"x","timestamp":"2026-01-01T00:00:00Z","data":{}}`, Made: old, Due: old}
		if hook != "gone" {
			n.Made = records.Timestamp(time.Now())
		}
		require.NoError(t, store.AddNotice(t.Context(), n))
		require.NoError(t, store.AddNotice(t.Context(), n), "once")
	}
	end := w.tells(hooks)
	other.taken(1)
	require.Eventually(t, func() bool { return len(w.query("SELECT hook FROM notice WHERE hook = 'gone'")) == 0 }, time.Minute, 10*time.Millisecond)
	require.Eventually(t, func() bool { return len(w.query("SELECT hook FROM notice WHERE hook = 'moved' AND tries > 1")) == 1 }, time.Minute, 10*time.Millisecond)
	end() // although one waits for an answer
	require.Len(t, w.query("SELECT hook FROM notice"), 2, "slow and moved are tried again")
	require.Contains(t, w.logs.String(), `"notice is given up","webhook":"gone"`)
	require.NotContains(t, w.logs.String(), other.hook().Secret)
}

// Two processes do not send one notice at the same time.
func TestNoticeOfTwoProcesses(t *testing.T) {
	w := begin(t)
	store := registry.AccessOf(w.reg)
	now := records.Timestamp(time.Now())
	n := records.Notice{Hook: "all", Body: "{}", Made: now, Due: now}
	require.NoError(t, store.AddNotice(t.Context(), n))
	for _, want := range []bool{true, false} {
		mine, err := store.TryNotice(t.Context(), &n, now.Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, want, mine)
	}
	due, err := store.DueNotices(t.Context(), "all", now, 10)
	require.NoError(t, err)
	require.Empty(t, due)
}

// Settings that cannot be are refused.
func TestWebhookSettings(t *testing.T) {
	w := begin(t)
	good := receive(t, 0).hook()
	for says, change := range map[string]func(*service.Webhook){
		"url: got": func(h *service.Webhook) { h.URL = "siem.example.com" },
		"secret: want \"whsec_\" and base64 of 24 to 64": func(h *service.Webhook) { h.Secret = "whsec_c2hvcnQ=" },
		"secret: want": func(h *service.Webhook) { h.Secret = "0123456789abcdef0123456789abcdef" },
		"event: got \"copy\", want investigation.done": func(h *service.Webhook) { h.Events = []string{"copy"} },
	} {
		h := good
		change(&h)
		cfg := w.srv.Config
		cfg.Webhooks = map[string]service.Webhook{"siem": h}
		_, err := service.New(cfg)
		require.ErrorIs(t, err, registry.ErrInput)
		require.ErrorContains(t, err, says)
		require.NotContains(t, fmt.Sprint(err), h.Secret)
	}
}
