package service_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Each wrong request has an answer 4xx that says what to do, and leaves nothing behind.
func TestBadInput(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.MaxBytes = 1 << 20 })
	submission, copyID := w.stocked()
	w.settle()
	jpeg := small(t, "chidi_idcard")
	upload := func(head map[string]string, body any) call {
		return call{method: "POST", path: "/v1/submissions", head: head, body: body}
	}
	copyOf := func(id string, body any) call {
		return call{method: "POST", path: "/v1/submissions/" + id + "/copies", body: body}
	}
	recipient := func(body any) call { return call{method: "POST", path: "/v1/recipients", body: body} }
	custody := func(fact string) call {
		return call{method: "POST", path: "/v1/custody", body: `{"facts":[` + fact + `]}`}
	}
	get := func(path string) call { return call{method: "GET", path: path} }
	for what, c := range map[string]struct {
		call
		status int
		says   string // in the detail
	}{
		"no JSON":                {recipient(`{"name":`), 400, "body"},
		"JSON of another kind":   {recipient(`["vendor-b"]`), 400, "body"},
		"an unknown field":       {recipient(`{"name":"vendor-b","kind":"vendor","admin":true}`), 422, "admin"},
		"a missing field":        {recipient(`{"name":"vendor-b"}`), 422, "kind"},
		"a null":                 {recipient(`null`), 400, "body"},
		"no body":                {recipient(``), 400, "body"},
		"an unknown kind":        {recipient(`{"name":"vendor-b","kind":"friend"}`), 422, "kind"},
		"a name of blanks":       {recipient(`{"name":" ","kind":"vendor"}`), 422, "recipient"},
		"a name with a bell":     {recipient(`{"name":"a\u0007b","kind":"vendor"}`), 422, "recipient"},
		"another kind of a name": {recipient(`{"name":"vendor-a","kind":"partner"}`), 409, "recipient"},
		"deep JSON":              {recipient(strings.Repeat("[", 100_000)), 400, "body"},
		"JSON beyond the limit":  {recipient(`{"name":"` + strings.Repeat("x", 1<<20) + `"}`), 413, "1048576"},
		"a form": {call{method: "POST", path: "/v1/recipients",
			head: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: "a=b"}, 415, "application/json"},
		"a media type of nothing": {call{method: "POST", path: "/v1/recipients",
			head: map[string]string{"Content-Type": ";;"}, body: "{}"}, 415, "application/json"},
		"a picture as a form": {upload(map[string]string{"Content-Type": "multipart/form-data; boundary=x"},
			jpeg), 415, "image/*"},
		"a picture as JSON": {upload(map[string]string{"Content-Type": "application/json"}, jpeg), 415,
			"image/*"},
		"no picture":            {upload(nil, []byte("hello")), 422, "no readable picture"},
		"an empty picture":      {upload(nil, []byte{}), 422, "no readable picture"},
		"the head of a picture": {upload(nil, jpeg[:200]), 422, "no readable picture"},
		"noise in a picture": {upload(nil, append(bytes.Clone(jpeg[:20]),
			bytes.Repeat([]byte{0xff, 0xc0}, 4000)...)), 422, "no readable picture"},
		"a picture too large": {upload(nil, make([]byte, 1<<20+1)), 413, "1048576"},
		"65536 x 65536 pixels": {upload(map[string]string{"Content-Type": "image/png"}, hugePNG()), 413,
			"too large"},
		"no time": {upload(map[string]string{"Kycmark-Submitted": "yesterday"}, jpeg), 422,
			"Kycmark-Submitted"},
		"a time to come": {upload(map[string]string{"Kycmark-Submitted": "2999-01-01T00:00:00Z"}, jpeg), 422,
			"future"},
		"a time long past": {upload(map[string]string{"Kycmark-Submitted": "1970-01-01T00:00:00Z"}, jpeg), 422,
			"1970"},
		"a subject that breaks": {upload(map[string]string{"Kycmark-Subject": "a\tb"}, jpeg), 422, "upload"},
		"a subject of bytes":    {upload(map[string]string{"Kycmark-Subject": "a\xff"}, jpeg), 422, "upload"},
		"a long subject": {upload(map[string]string{"Kycmark-Subject": strings.Repeat("x", 201)}, jpeg), 422,
			"201"},
		"held by a stranger": {upload(map[string]string{"Kycmark-Held-By": "vendor-a, vendor-z"}, jpeg), 404,
			"Kycmark-Held-By"},
		"a copy's ID for uploads": {get("/v1/submissions/" + copyID), 422, "32 hex digits"},
		"an upload's ID":          {get("/v1/copies/" + submission), 422, "16 hex digits"},
		"an upload's ID to prove": {get("/v1/copies/" + submission + "/proof"), 422, "16 hex digits"},
		"an ID of nothing":        {get("/v1/submissions/" + strings.Repeat("0", 32)), 404, "submission"},
		"a copy of nothing":       {get("/v1/copies/" + strings.Repeat("0", 16)), 404, "copy"},
		"capital letters":         {get("/v1/submissions/" + strings.ToUpper(submission)), 422, "32 hex digits"},
		"no proof yet":            {get("/v1/copies/" + copyID + "/proof"), 409, "checkpoint"},
		"a query of nothing":      {get("/v1/recipients?all=1"), 422, "all"},
		"no subject":              {get("/v1/submissions"), 422, "Kycmark-Subject"},
		"an unknown recipient":    {copyOf(submission, `{"recipient":"vendor-z"}`), 404, "recipient"},
		"an unknown upload":       {copyOf(strings.Repeat("0", 32), `{"recipient":"vendor-a"}`), 404, "submission"},
		"a format of nothing":     {copyOf(submission, `{"recipient":"vendor-a","format":"gif"}`), 422, "format"},
		"a format without coder":  {copyOf(submission, `{"recipient":"vendor-a","format":"webp"}`), 422, "WebP"},
		"a negative size":         {copyOf(submission, `{"recipient":"vendor-a","max_side":-1}`), 422, "max_side"},
		"a size of a text":        {copyOf(submission, `{"recipient":"vendor-a","max_side":"7"}`), 422, "max_side"},
		"a size too small":        {copyOf(submission, `{"recipient":"vendor-a","max_side":16}`), 422, "copy"},
		"void without a note": {call{method: "POST", path: "/v1/copies/" + copyID + "/void", body: `{}`}, 422,
			"note"},
		"void what left":                    {call{method: "POST", path: "/v1/copies/" + copyID + "/void", body: `{"note":"no"}`}, 409, "copy"},
		"a signature of nothing":            {call{method: "POST", path: "/v1/copies/" + copyID + "/receipts", body: fmt.Sprintf(`{"public_key":"%064d","signature":"%0128d"}`, 1, 1)}, 409, "receipt"},
		"a short signature":                 {call{method: "POST", path: "/v1/copies/" + copyID + "/receipts", body: `{"public_key":"00","signature":"00"}`}, 422, "public_key"},
		"a name twice":                      {call{method: "POST", path: "/v1/recipients", body: `{"name":"vendor-c","kind":"vendor","name":"vendor-d"}`}, 400, "twice"},
		"names in another case":             {call{method: "POST", path: "/v1/recipients", body: `{"Name":"vendor-c","Kind":"vendor"}`}, 422, "name"},
		"types of an answer":                {call{method: "GET", path: "/v1/recipients?all=1", head: map[string]string{"Accept": "a;"}}, 422, "all"},
		"no facts":                          {call{method: "POST", path: "/v1/custody", body: `{"facts":[]}`}, 422, "facts"},
		"a fact of no uploads":              {custody(`{"recipient":"vendor-a","note":"n"}`), 422, "which uploads"},
		"a fact of one time":                {custody(`{"recipient":"vendor-a","note":"n","from":"2018-01-01T00:00:00Z"}`), 422, "which uploads"},
		"a fact that ends first":            {custody(`{"recipient":"vendor-a","note":"n","from":"2018-01-02T00:00:00Z","to":"2018-01-01T00:00:00Z"}`), 422, "ends"},
		"a fact of a stranger":              {custody(`{"recipient":"vendor-z","note":"n","from":"2018-01-01T00:00:00Z","to":"2018-01-02T00:00:00Z"}`), 404, "fact 1"},
		"through itself":                    {custody(`{"recipient":"vendor-a","through":"vendor-a","note":"n"}`), 422, "custody"},
		"an empty subject":                  {call{method: "POST", path: "/v1/submissions", body: small(t, "bruno_passport"), head: map[string]string{"Kycmark-Subject": ""}}, 422, "Kycmark-Subject"},
		"custody of a list without uploads": {custody(`{"recipient":"vendor-a","note":"n","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","submissions":[]}`), 422, "submissions"},
		"through a stranger":                {custody(`{"recipient":"vendor-a","through":"vendor-z","note":"n"}`), 404, "fact 1"},
		"a fact of a copy's ID":             {custody(`{"recipient":"vendor-a","note":"n","submissions":["` + copyID + `"]}`), 422, ""},
		"erase nothing":                     {call{method: "POST", path: "/v1/erasures", body: `{"note":"n"}`}, 422, "subject, submissions or recipient"},
		"erase both":                        {call{method: "POST", path: "/v1/erasures", body: `{"note":"n","subject":"a","submissions":["` + submission + `"]}`}, 422, "subject, submissions or recipient"},
		"erase a stranger":                  {call{method: "POST", path: "/v1/erasures", body: `{"note":"n","subject":"subject-9"}`}, 404, "erasure"},
		"erase an unknown upload":           {call{method: "POST", path: "/v1/erasures", body: `{"note":"n","submissions":["` + strings.Repeat("0", 32) + `"]}`}, 404, "erasure"},
		"a checkpoint of nothing": {call{method: "POST", path: "/v1/ledger/audit", body: `{"checkpoints":["x"]}`},
			422, "checkpoint 1"},
		"custody of no upload": {get("/v1/custody?submission=" + strings.Repeat("0", 32)), 404, "custody"},
		"a name as an ID":      {call{method: "POST", path: "/v1/erasures", body: `{"note":"n","submissions":["Max Mustermann"]}`}, 422, "not “…”"},
		"a note that names the subject": {call{method: "POST", path: "/v1/erasures", body: `{"note":"subject-1 asked","subject":"subject-1"}`},
			422, "names the subject"},
		"found before there were pictures": {call{method: "POST", path: "/v1/investigations", body: `{"found":"0019-01-01T00:00:00Z"}`}, 422, "before 1990"},
		"sent at the zero time": {call{method: "POST", path: "/v1/submissions", body: jpeg, head: map[string]string{"Kycmark-Submitted": "0001-01-01T00:00:00Z"}},
			422, "Kycmark-Submitted"},

		"no such path":            {get("/v1/marks"), 404, "path"},
		"a path with dots":        {get("/v1/../v1/recipients"), 404, "path"},
		"a path with two slashes": {get("//v1/recipients"), 404, "path"},
		"no such method":          {call{method: "DELETE", path: "/v1/recipients"}, 405, "GET or POST"},
		"is it marked?":           {call{method: "POST", path: "/v1/detect", body: jpeg}, 404, "path"},
	} {
		got := w.do(c.call)
		if !assert.Equal(t, c.status, got.status, "%s: %s", what, got.body) || got.status == 200 {
			continue
		}
		assert.Contains(t, got.problem(t).Detail, c.says, what)
	}
	require.EqualValues(t, 6, w.size(),
		"registry, key, recipient, upload, copy and its release: nothing else was entered")
	require.Len(t, w.query("SELECT name FROM recipient"), 1)
}

// hugePNG returns the head of a picture of 65536 x 65536 pixels.
func hugePNG() []byte {
	return []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x02\x00\x00\x00\x7b\x1a\x43\xadIDAT")
}

// raw sends bytes as they are, and returns the status line of the answer, "" if there is none.
func (w *world) raw(address net.Addr, text string, close bool) string {
	w.t.Helper()
	conn, err := net.Dial("tcp", address.String())
	require.NoError(w.t, err)
	defer conn.Close()
	require.NoError(w.t, conn.SetDeadline(time.Now().Add(time.Minute))) // a server that waits for ever fails the test
	_, err = io.WriteString(conn, text)
	require.NoError(w.t, err)
	if close {
		require.NoError(w.t, conn.(*net.TCPConn).CloseWrite())
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	require.NotErrorIs(w.t, err, os.ErrDeadlineExceeded)
	return strings.TrimSpace(line)
}

// A body that is cut off enters nothing, and is no failure of the server.
func TestTruncatedBodies(t *testing.T) {
	w := begin(t)
	jpeg := string(small(t, "chidi_idcard"))
	head := func(path, media string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + w.tokens["all"] + "\r\nContent-Type: " + media + "\r\n"
	}
	for what, text := range map[string]string{
		"a picture": head("/v1/submissions", "image/jpeg") + fmt.Sprintf("Content-Length: %d\r\n\r\n",
			len(jpeg)) + jpeg[:len(jpeg)/2],
		"a chunked picture": head("/v1/submissions",
			"image/jpeg") + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(jpeg), jpeg),
		"a chunk of no size": head("/v1/submissions", "image/jpeg") + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"JSON": head("/v1/recipients",
			"application/json") + "Content-Length: 100\r\n\r\n{\"name\":\"vendor-a\",\"kind\":\"vendor\"}",
	} {
		assert.Regexp(t, `^HTTP/1.1 4\d\d `, w.raw(w.at.Listener.Addr(), text, true), what)
	}
	assert.EqualValues(t, 2, w.size())
	assert.NotContains(t, w.logs.String(), `"level":"ERROR"`)
}

// A client that sends slowly is cut off, before the header and in the body, and its memory is free again.
func TestSlowClients(t *testing.T) {
	w := begin(t)
	served := func(times service.Times) (*service.Service, net.Addr) {
		cfg := w.srv.Config
		cfg.Times = times
		s, err := service.New(cfg)
		require.NoError(t, err)
		l, err := service.Listen(t.Context(), "127.0.0.1:0", "", "", false)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx, l) }()
		t.Cleanup(func() {
			stop()
			assert.NoError(t, <-ended)
		})
		return s, l.Addr()
	}
	const short = 50 * time.Millisecond
	_, at := served(service.Times{Header: short})
	assert.Empty(t, w.raw(at, "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nX: ", false), "half a header has no answer")
	s, at := served(service.Times{JSON: short, Picture: short})
	for _, path := range []string{"/v1/submissions", "/v1/recipients"} {
		line := w.raw(at, "POST "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.tokens["all"]+
			"\r\nContent-Length: 1000\r\n\r\n{", false)
		assert.Contains(t, line, "408", path)
	}
	for ok := false; !ok; { // the answer came before the memory was given back
		var give func()
		if give, ok = s.BodyMemory(1 << 40); ok {
			give()
		}
		require.NoError(t, t.Context().Err())
	}
	assert.EqualValues(t, 2, w.size())
}

// Bodies that have the memory make others come again, before a byte of theirs is read.
func TestMemoryOfBodies(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.MaxBodies = 4 << 20 })
	give, ok := w.srv.BodyMemory(3 << 20) // as an upload has it that is on its way
	require.True(t, ok)
	for what, c := range map[string]call{
		"upload": {method: "POST", path: "/v1/submissions", body: small(t, "chidi_idcard")},
		"recipient": {method: "POST", path: "/v1/recipients",
			body: map[string]string{"name": "vendor-a", "kind": "vendor"}},
	} {
		got := w.do(c)
		assert.Equal(t, http.StatusTooManyRequests, got.status, what)
		assert.NotEmpty(t, got.head.Get("Retry-After"), what)
		got.problem(t)
	}
	assert.Equal(t, 200, w.do(call{method: "GET", path: "/readyz", as: "-"}).status)
	assert.EqualValues(t, 2, w.size())
	give()
	w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "chidi_idcard")})
}

// Opponent's story: a slow client announces no length. It took as much memory as the largest body for two minutes, and others
// got none. Now a body takes memory as it grows.
func TestMemoryOfChunkedBodies(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.MaxBodies = 32 << 20 }) // three quarters are lent
	give, ok := w.srv.BodyMemory(16 << 20)
	require.True(t, ok)
	chunked := func(body []byte) *http.Response {
		r := w.request(w.at.URL, call{method: "POST", path: "/v1/submissions"})
		r.Header.Del("Content-Type")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), -1
		got, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		t.Cleanup(func() { got.Body.Close() })
		return got
	}
	large := make([]byte, 4<<20+100_000) // it is refused near its end, so that the client sees the answer
	require.Equal(t, http.StatusOK, chunked(small(t, "chidi_idcard")).StatusCode)
	refused := chunked(large)
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	give()
	require.Equal(t, http.StatusUnprocessableEntity, chunked(large).StatusCode, "it is no picture")
	require.Eventually(t, func() bool { // all is given back after the answers
		_, ok := w.srv.BodyMemory(1 << 40)
		return ok
	}, time.Minute, time.Millisecond)
}

// Pictures that have the memory make others come again too, and nothing of theirs is entered.
func TestMemoryOfPictures(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	w.settle()
	h, err := home.Open(w.dir)
	require.NoError(t, err)
	cfg := w.config(h, service.Roles()...)
	keys, err := service.KeysOf(h, service.Roles())
	require.NoError(t, err)
	cfg.Issuer, err = registry.NewIssuer(registry.Config{Registry: w.reg, Key: keys.Mark[0], SealKey: keys.Seal,
		MaxWait: 1}) // a nanosecond, in which no picture has its turn
	require.NoError(t, err)
	s, err := service.New(cfg)
	require.NoError(t, err)
	busy := httptest.NewServer(s)
	t.Cleanup(busy.Close)
	idle, size := w.at, w.size()
	upload := call{method: "POST", path: "/v1/submissions", body: small(t, "chidi_idcard"),
		head: map[string]string{"Idempotency-Key": "key-of-an-upload-1"}}
	for _, c := range []call{upload, {method: "POST", path: "/v1/submissions/" + submission + "/copies",
		body: map[string]string{"recipient": "vendor-a", "request": "2"}}} {
		w.at = busy
		got := w.do(c)
		assert.Equal(t, http.StatusTooManyRequests, got.status, string(got.body))
		assert.NotEmpty(t, got.head.Get("Retry-After"))
		assert.Equal(t, size, w.size())
		w.at = idle
		w.must(c) // the same request, later
		w.settle()
		size = w.size()
	}
}

// A client that goes away before its copy is made has none: no copy is released without an entry, and none is entered
// as released that did not leave. The same request again has a copy.
func TestClientThatGoesAway(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	w.settle()
	for wait := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(wait)*20*time.Millisecond)
		c := call{method: "POST", path: "/v1/submissions/" + submission + "/copies",
			body: map[string]string{"recipient": "vendor-a", "request": fmt.Sprint(wait)},
			head: map[string]string{"Idempotency-Key": fmt.Sprintf("key-of-request-%04d", wait)}}
		r := w.request(w.at.URL, c).WithContext(ctx)
		if got, err := w.at.Client().Do(r); err == nil {
			_, _ = io.Copy(io.Discard, got.Body)
			got.Body.Close()
		}
		cancel()
		w.must(c)
	}
	w.at.Close() // waits for the handlers
	id, err := watermark.ParseSubmission(submission)
	require.NoError(t, err)
	copies, err := w.reg.Copies(t.Context(), id)
	require.NoError(t, err)
	for _, c := range copies {
		assert.Contains(t, []string{books.CopyReserved, books.CopyReleased, books.CopyVoid}, c.State)
	}
	_, _, err = w.reg.Ledger().Check(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, w.logs.String(), `"level":"ERROR"`, "a client that goes away is no failure of the server")
}
