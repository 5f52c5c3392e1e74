package service_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/hooks"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/registry"
)

// keyed is a call under an idempotency key.
func keyed(path string, body any, key string) call {
	return call{method: "POST", path: path, body: body, head: map[string]string{"Idempotency-Key": "a key of a client, " + key}}
}

// An erasure that was refused is refused again, and erases nothing. One that was done erases nothing that came after it,
// and brings no erased name back.
func TestErasuresAgain(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	alive := call{method: "GET", path: "/v1/submissions/" + submission}
	for key, body := range map[string]map[string]any{
		"an unknown upload":   {"submissions": []string{submission, strings.Repeat("1", 32)}, "note": "n"},
		"an unknown reviewer": {"recipient": "nobody", "note": "n"},
		"an unknown subject":  {"subject": "nobody", "note": "n"},
	} {
		for range 2 {
			assert.Equal(t, http.StatusNotFound, w.do(keyed("/v1/erasures", body, key)).status, key)
		}
	}
	for range 2 {
		assert.Equal(t, http.StatusNotFound, w.do(keyed("/v1/investigations/"+strings.Repeat("1", 32)+"/removal", nil, "no investigation")).status)
	}
	w.must(alive)
	gone := w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "daria_idcard")}).field(t, "submission")
	for range 2 { // the first is erased already
		both := map[string]any{"submissions": []string{gone, submission}, "note": "n"}
		w.must(call{method: "POST", path: "/v1/erasures", body: map[string]any{"submissions": []string{gone}, "note": "n"}, head: map[string]string{"Idempotency-Key": "the first key of two"}})
		assert.Contains(t, string(w.must(keyed("/v1/erasures", both, "both")).body), submission)
	}
	submission = w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "farid_selfie")}).field(t, "submission")

	twice := keyed("/v1/erasures", map[string]any{"submissions": []string{submission, submission}, "note": "n"}, "one upload twice")
	first := w.must(twice)
	assert.Equal(t, string(first.body), string(w.must(twice).body))
	assert.NotContains(t, string(first.body), strings.Repeat("0", 32))
	assert.Equal(t, http.StatusGone, w.do(keyed("/v1/erasures", map[string]any{"submissions": []string{submission}, "note": "n"}, "later")).status)

	enter := func(name string) string {
		return w.must(call{method: "POST", path: "/v1/submissions", body: small(t, name), head: map[string]string{"Kycmark-Subject": "subject-2"}}).field(t, "submission")
	}
	enter("bruno_passport")
	subject := keyed("/v1/erasures", map[string]any{"subject": "subject-2", "note": "asked for"}, "subject")
	first = w.must(subject)
	back := enter("chidi_idcard")
	assert.Equal(t, string(first.body), string(w.must(subject).body))
	w.must(call{method: "GET", path: "/v1/submissions/" + back})

	reviewer := keyed("/v1/recipients", map[string]string{"name": "reviewer-1", "kind": "reviewer", "of": "vendor-a"}, "reviewer")
	w.must(reviewer)
	erase := keyed("/v1/erasures", map[string]any{"recipient": "reviewer-1", "note": "left"}, "erase the reviewer")
	w.must(erase)
	assert.Equal(t, http.StatusNotFound, w.do(reviewer).status)
	w.must(erase)
	assert.NotContains(t, string(w.must(call{method: "GET", path: "/v1/recipients"}).body), `"reviewer-1"`)
}

// The same request, sent several times at once, is done once.
func TestSameRequestAtOnce(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	for _, c := range []struct {
		call
		count string
	}{
		{keyed("/v1/investigations", map[string]any{}, "investigation"), "SELECT count(*) FROM kept WHERE kind = 'investigation'"},
		{keyed("/v1/custody", map[string]any{"facts": []any{map[string]any{"recipient": "vendor-a", "note": "contract", "submissions": []string{submission}}}}, "fact"),
			"SELECT count(*) FROM custody"},
	} {
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				got := w.do(c.call)
				assert.Contains(t, []int{http.StatusOK, http.StatusConflict}, got.status, string(got.body))
			})
		}
		wg.Wait()
		assert.NotContains(t, string(w.must(c.call).body), `"entered":"0001`)
		assert.Equal(t, []string{"1"}, w.query(c.count), c.path)
	}
}

// A hand-on that is sent again enters nothing that follows from what was entered since.
func TestHandOnAgain(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-b", "kind": "vendor"}})
	held := func(key, recipient string, more map[string]any) call {
		more["recipient"], more["note"] = recipient, "contract"
		return keyed("/v1/custody", map[string]any{"facts": []any{more}}, key)
	}
	on := held("hand-on", "vendor-b", map[string]any{"through": "vendor-a"})
	first := w.must(on)
	w.must(held("later fact", "vendor-a", map[string]any{"submissions": []string{submission}}))
	assert.Equal(t, string(first.body), string(w.must(on).body))
	assert.Equal(t, []string{"vendor-a", "vendor-b"}, w.query("SELECT recipient FROM custody ORDER BY recipient"))
	w.must(held("another hand-on", "vendor-b", map[string]any{"through": "vendor-a"}))
	assert.Equal(t, []string{"vendor-a", "vendor-b", "vendor-b"}, w.query("SELECT recipient FROM custody ORDER BY recipient"))
}

// A monitor that knows more entries than the ledger has hears of it: the registry was restored from a backup.
func TestEventsBeyondTheLedger(t *testing.T) {
	w := begin(t)
	w.stocked()
	got := w.do(call{method: "GET", path: "/v1/events?after=99999999"})
	assert.Equal(t, 422, got.status)
	assert.Contains(t, got.problem(t).Todo, "backup")
}

// An audit by what is no key says so, and that of a text that is no checkpoint tells nobody that the ledger is wrong.
func TestAuditByNonsense(t *testing.T) {
	w := begin(t, func(c *service.Config) {
		c.Webhooks = map[string]service.Webhook{"siem": {URL: "http://127.0.0.1:1", Secret: "whsec_" + strings.Repeat("QUFB", 10)}}
	})
	w.must(call{method: "POST", path: "/v1/ledger/checkpoints"})
	for _, body := range []string{`{"witnesses":["Max"]}`, `{"checkpoints":["garbage"]}`} {
		assert.Equal(t, 422, w.do(call{method: "POST", path: "/v1/ledger/audit", body: body}).problem(t).Status)
	}
	assert.Empty(t, w.query("SELECT hook FROM notice"))
}

// Each holder is entered, however the header is divided into lines.
func TestHoldersInSeveralHeaders(t *testing.T) {
	w := begin(t)
	w.stocked()
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-b", "kind": "vendor"}})
	r := w.request(w.at.URL, call{method: "POST", path: "/v1/submissions", body: small(t, "chidi_idcard")})
	r.Header["Kycmark-Held-By"] = []string{"vendor-a", "vendor-b"}
	got, err := w.at.Client().Do(r)
	require.NoError(t, err)
	got.Body.Close()
	require.Equal(t, http.StatusOK, got.StatusCode)
	assert.Equal(t, []string{"vendor-a", "vendor-b"}, w.query("SELECT recipient FROM custody ORDER BY recipient"))
}

// A file that comes while its investigation begins is among its files, or is refused.
func TestFileWhileItBegins(t *testing.T) {
	w := begin(t)
	leak := small(t, "anna_passport")
	path := w.created(map[string][]byte{"first.jpg": leak})
	body, more := io.Pipe()
	r := w.request(w.at.URL, call{method: "POST", path: path + "/files", body: []byte{}, head: map[string]string{"Kycmark-File": "late.jpg"}})
	r.Body, r.ContentLength = body, int64(len(leak))
	status := make(chan int)
	go func() {
		got, err := w.at.Client().Do(r)
		if !assert.NoError(t, err) {
			status <- 0
			return
		}
		got.Body.Close()
		status <- got.StatusCode
	}()
	_, err := more.Write(leak[:len(leak)-10])
	require.NoError(t, err)
	w.must(call{method: "POST", path: path + "/begin"})
	_, err = more.Write(leak[len(leak)-10:])
	require.NoError(t, err)
	require.NoError(t, more.Close())
	assert.Equal(t, http.StatusConflict, <-status)
	assert.NotContains(t, string(w.must(call{method: "GET", path: path + "/files"}).body), "late.jpg")
}

// Of files that come at once under one name, what is kept is a file whose sender was told so.
func TestFilesOfOneNameAtOnce(t *testing.T) {
	w := begin(t)
	for round := range 6 {
		path := w.created(nil)
		var wg sync.WaitGroup
		var mu sync.Mutex
		told := make(map[string]bool)
		for n := range 6 {
			data := fmt.Appendf(nil, "file %d of round %d", n, round)
			wg.Go(func() {
				got := w.do(call{method: "POST", path: path + "/files", body: data, head: map[string]string{"Kycmark-File": "same.jpg"}})
				mu.Lock()
				defer mu.Unlock()
				if got.status == http.StatusOK {
					told[fmt.Sprintf("%x", sha(data))] = true
				} else {
					assert.Equal(t, http.StatusConflict, got.status, string(got.body))
				}
			})
		}
		wg.Wait()
		list := string(w.must(call{method: "GET", path: path + "/files"}).body)
		for sum := range told {
			assert.Contains(t, list, sum)
		}
	}
}

// An erasure names the investigations that have begun: their results may show what was erased.
func TestErasureWhileExamined(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	path := w.created(map[string][]byte{"leak.jpg": small(t, "anna_passport")})
	w.must(call{method: "POST", path: path + "/begin"})
	got := w.must(call{method: "POST", path: "/v1/erasures", body: map[string]any{"submissions": []string{submission}, "note": "n"}})
	assert.Contains(t, string(got.body), strings.TrimPrefix(path, "/v1/investigations/"))
}

// Opponent's story: a report shows the erased passport beside a leak that resembles it alone, and the erasure did not name it.
func TestErasureOfWhatALeakResembles(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	path := w.created(map[string][]byte{"leak.jpg": small(t, "anna_passport_again")})
	id := w.must(call{method: "POST", path: path + "/begin"}).field(t, "investigation")
	_, err := w.srv.Office.Do(t.Context(), []byte(`{"Of":"`+id+`"}`))
	require.NoError(t, err)
	found := string(w.must(call{method: "GET", path: path + "/findings"}).body)
	require.Contains(t, found, `"lookalike"`)
	require.Contains(t, found, submission)
	got := w.must(call{method: "POST", path: "/v1/erasures", body: map[string]any{"submissions": []string{submission}, "note": "n"}})
	assert.Contains(t, string(got.body), id)
}

// A vendor that gives no picture of an event is asked again: the answer makes it send the event again.
func TestVendorWithoutPictures(t *testing.T) {
	w, vendors := hooked(t)
	vendors["veriff"].nothing = true
	event := vendors["veriff"].event("s-1", "customer-1", time.Now())
	for range 2 {
		assert.Equal(t, http.StatusServiceUnavailable, w.do(event).problem(t).Status)
	}
	assert.Empty(t, w.query("SELECT recipient FROM custody"))
	vendors["veriff"].nothing = false
	w.must(event)
}

// Bodies of strangers end soon, and take no memory from those who have a token.
func TestBodiesOfStrangers(t *testing.T) {
	kind, err := hooks.Of("veriff")
	require.NoError(t, err)
	var w *world
	waits := func(limit time.Duration) {
		w = begin(t, func(c *service.Config) {
			c.Times.JSON, c.Times.Event, c.MaxBodies, c.Hooks = limit, limit, 8_000_000, map[string]service.Hook{"veriff": {Vendor: kind}}
		})
	}
	held := func(head string) net.Conn {
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.at.URL, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		_, err = io.WriteString(conn, head)
		require.NoError(t, err)
		return conn
	}
	waits(3 * time.Second)
	for _, head := range []string{"POST /v1/submissions", "POST /v1/hooks/none", "POST /v1/hooks/veriff", "GET /livez"} {
		conn := held(head + " HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, err := io.ReadAll(conn)
		assert.NoError(t, err, "%s: the connection ends", head)
	}
	waits(time.Minute)
	w.at.Client().Timeout = 10 * time.Second
	got := w.do(call{method: "POST", path: "/v1/hooks/veriff", as: "-", body: strings.Repeat(" ", 70_000)})
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status, "no event has so many bytes")
	// One more is held before each try: a body that arrives while a try is read is refused, and the try's memory is free again.
	for status, n := 0, 0; status != http.StatusTooManyRequests; n++ {
		require.Less(t, n, 400, "the memory for strangers holds 192 bodies of unknown length")
		held("POST /v1/hooks/veriff HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
		if n < 180 { // silent connections keep no event out
			continue
		}
		got, err := w.try(call{method: "POST", path: "/v1/hooks/veriff", as: "-", body: strings.Repeat(" ", 60_000)})
		status = got.status // 0 where the answer came before the body was written
		require.False(t, n == 180 && status == http.StatusTooManyRequests, "181 silent connections keep an event out")
		t.Logf("%d held: %d, %v", n+1, status, err)
	}
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "v", "kind": "vendor"}})
}

// Forged tokens do not have a provider's keys read again and again.
func TestForgedTokensAskRarely(t *testing.T) {
	x := newIssuer(t)
	w := begin(t, func(c *service.Config) { c.OIDC = x.settings() })
	w.tokens["ok"] = x.sign(x.keys[0], x.claims(nil))
	w.must(call{method: "GET", path: "/v1/ledger", as: "ok"})
	before := x.asked.Load()
	forged := newIssuer(t)
	w.tokens["forged"] = forged.sign(forged.keys[0], x.claims(nil))
	for range 20 {
		assert.Equal(t, http.StatusUnauthorized, w.do(call{method: "GET", path: "/v1/ledger", as: "forged"}).status)
	}
	assert.LessOrEqual(t, x.asked.Load()-before, int64(1))
	w.must(call{method: "GET", path: "/v1/ledger", as: "ok"})
}

// Who reads the events of an investigation is cut off when the token is revoked.
func TestWatchedByARevokedToken(t *testing.T) {
	t.Parallel() // it waits 15 s
	w := begin(t)
	path := w.created(map[string][]byte{"leak.jpg": small(t, "anna_passport")})
	w.tokens["revoked"] = w.token("revoked", service.Investigate)
	r, err := w.at.Client().Do(w.request(w.at.URL, call{method: "GET", path: path + "/events", as: "revoked"}))
	require.NoError(t, err)
	defer r.Body.Close()
	require.NoError(t, service.TokensOf(w.reg).Revoke(t.Context(), "revoked"))
	_, err = io.ReadAll(r.Body)
	assert.Error(t, err, "the answer is cut off")
}

// A disk that is full or can only be read is said as such, also where nothing could be entered: sending again does not help.
func TestDiskThatTakesNothing(t *testing.T) {
	w := begin(t)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "registry.db")+"?mode=ro")
	require.NoError(t, err)
	defer db.Close()
	_, frozen := db.ExecContext(t.Context(), "DELETE FROM request")
	require.Error(t, frozen)
	for _, c := range []struct {
		err    error
		status int
	}{
		{&fs.PathError{Op: "write", Path: "original", Err: syscall.ENOSPC}, 507},
		{&fs.PathError{Op: "open", Path: "original", Err: syscall.EROFS}, 409},
		{frozen, 409},
		{errors.New("it cannot"), 503},
		{objects.ErrRefused, 502},
	} {
		err := fmt.Errorf("%w: %w", registry.ErrUnavailable, c.err)
		assert.Equal(t, c.status, service.ProblemOf(err).Status, err)
	}
	assert.Equal(t, 409, service.ProblemOf(frozen).Status)
}
