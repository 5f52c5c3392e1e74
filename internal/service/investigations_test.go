package service_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

// works has a process do the investigations of the world until the test ends.
func (w *world) works() {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	keys := w.srv.Office.SealKey
	q, err := jobs.OpenFile(ctx, filepath.Join(w.t.TempDir(), "registry.db"), w.reg.ID(), keys)
	require.NoError(w.t, err)
	w.srv.Office.Queue = q
	var working sync.WaitGroup
	working.Go(func() { w.srv.Office.Run(ctx) })
	w.t.Cleanup(func() {
		stop()
		working.Wait()
		q.Close()
	})
}

// created makes an investigation with these files, which has not begun.
func (w *world) created(files map[string][]byte) (path string) {
	w.t.Helper()
	path = "/v1/investigations/" + w.must(call{method: "POST", path: "/v1/investigations", body: map[string]any{}}).field(w.t, "investigation")
	for name, data := range files {
		got := w.must(call{method: "POST", path: path + "/files", body: data, head: map[string]string{"Kycmark-File": name}})
		assert.Equal(w.t, fmt.Sprintf("%x", sha(data)), got.field(w.t, "sha256"))
	}
	return path
}

// investigated has files examined in this process, and returns the ID of the investigation, which is over.
func (w *world) investigated(files map[string][]byte) string {
	w.t.Helper()
	path := w.created(files)
	id := w.must(call{method: "POST", path: path + "/begin"}).field(w.t, "investigation")
	_, err := w.srv.Office.Do(w.t.Context(), []byte(`{"Of":"`+id+`"}`))
	require.NoError(w.t, err)
	return id
}

// A dump goes in over HTTP, a worker examines it, its progress is told, and findings, report and bundle come out. They
// name the recipient of the copy.
func TestInvestigation(t *testing.T) {
	w := begin(t)
	w.works()
	submission, _ := w.stocked()
	leak := w.must(call{method: "POST", path: "/v1/submissions/" + submission + "/copies",
		body: map[string]string{"recipient": "vendor-a", "purpose": "checks"}}).body
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	f, err := z.Create("inner.jpg")
	require.NoError(t, err)
	_, err = f.Write(small(t, "stranger_coast"))
	require.NoError(t, err)
	require.NoError(t, z.Close())

	path := w.created(map[string][]byte{"chats%2F7%C3%A4.jpg": leak, "more.zip": archive.Bytes()})
	for _, part := range []string{"findings", "report", "bundle"} {
		p := w.do(call{method: "GET", path: path + "/" + part}).problem(t)
		assert.Equal(t, http.StatusConflict, p.Status)
		assert.Contains(t, p.Detail, "not at that stage, got open, want done; ")
	}
	w.must(call{method: "POST", path: path + "/begin"})
	assert.Contains(t, string(w.must(call{method: "GET", path: path + "/files"}).body), "chats/7ä.jpg")
	late := w.do(call{method: "POST", path: path + "/files", body: leak, head: map[string]string{"Kycmark-File": "late.jpg"}})
	assert.Equal(t, http.StatusConflict, late.problem(t).Status)
	assert.Contains(t, late.problem(t).Detail, "not at that stage, got begun, want open; ")

	r, err := w.at.Client().Do(w.request(w.at.URL, call{method: "GET", path: path + "/events", as: "investigate"}))
	require.NoError(t, err)
	defer r.Body.Close()
	assert.Equal(t, "text/event-stream", r.Header.Get("Content-Type"))
	var last investigations.State
	told := 0
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
			require.NoError(t, json.Unmarshal([]byte(data), &last), data)
			told++
		}
	}
	require.Equal(t, investigations.Done, last.Stage, last.Problem)
	assert.Equal(t, 2, last.Examined)
	assert.Greater(t, told, 1)

	found := w.must(call{method: "GET", path: path + "/findings", as: "investigate"})
	file, err := verify.ReadFindings(bytes.NewReader(found.body))
	require.NoError(t, err)
	require.NoError(t, verify.CheckVerdict(file))
	assert.Equal(t, "chats/7ä.jpg", file.Leaks[0].File)
	assert.Equal(t, "vendor-a", file.Leaks[0].MayName())
	assert.Equal(t, "all", file.Verdict.Record.Actor)
	sum := sha(found.body)
	assert.Equal(t, "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":", found.head.Get("Repr-Digest"))
	report := w.must(call{method: "GET", path: path + "/report"})
	assert.Equal(t, "text/html", report.head.Get("Content-Type"))
	require.NoError(t, verify.CheckReport(file, report.body))
	bundle := w.must(call{method: "GET", path: path + "/bundle"}).body
	_, err = zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	require.NoError(t, err)

	erased := w.must(call{method: "POST", path: "/v1/erasures", body: map[string]any{"submissions": []string{submission}, "note": "asked for"}})
	assert.Contains(t, string(erased.body), strings.TrimPrefix(path, "/v1/investigations/"), "it shows what was erased")
	w.must(call{method: "POST", path: path + "/removal"})
	assert.Equal(t, http.StatusNotFound, w.do(call{method: "GET", path: path}).status)
	_, _, err = w.reg.Ledger().Check(t.Context())
	require.NoError(t, err)
}

// A watcher hears what comes later than the time that a client has to take an answer.
func TestWatchedForLong(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.Times.Write = 100 * time.Millisecond })
	path := w.created(map[string][]byte{"a.txt": []byte("no picture")})
	r, err := w.at.Client().Do(w.request(w.at.URL, call{method: "GET", path: path + "/events"}))
	require.NoError(t, err)
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	next := func() (s investigations.State) {
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				require.NoError(t, json.Unmarshal([]byte(data), &s))
				return s
			}
		}
		require.NoError(t, lines.Err())
		return s
	}
	require.Equal(t, investigations.Open, next().Stage)
	begun := w.must(call{method: "POST", path: path + "/begin"})
	require.Equal(t, investigations.Waiting, next().Stage)
	_, err = w.srv.Office.Do(t.Context(), []byte(`{"Of":"`+begun.field(t, "investigation")+`"}`))
	require.NoError(t, err)
	require.Equal(t, investigations.Failed, next().Stage)
}

// Who watches an investigation that is removed is told so.
func TestWatchedRemoval(t *testing.T) {
	w := begin(t)
	path := w.created(nil)
	r, err := w.at.Client().Do(w.request(w.at.URL, call{method: "GET", path: path + "/events"}))
	require.NoError(t, err)
	defer r.Body.Close()
	w.must(call{method: "POST", path: path + "/removal"})
	all, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(string(all), "\n\nevent: removed\ndata: {}\n\n"), string(all))
}

// The same request with the same key has the same answer, and makes nothing twice.
func TestInvestigationOnce(t *testing.T) {
	w := begin(t)
	key := map[string]string{"Idempotency-Key": "0123456789abcdef"}
	asks := call{method: "POST", path: "/v1/investigations", body: map[string]any{"case": "17/26"}, head: key}
	id := w.must(asks).field(t, "investigation")
	assert.Equal(t, id, w.must(asks).field(t, "investigation"))
	asks.body = map[string]any{"case": "18/26"}
	assert.Equal(t, http.StatusUnprocessableEntity, w.do(asks).status)
	var all []investigations.State
	require.NoError(t, json.Unmarshal(w.must(call{method: "GET", path: "/v1/investigations"}).body, &all))
	assert.Len(t, all, 1)
	file := call{method: "POST", path: "/v1/investigations/" + id + "/files", body: []byte("x"),
		head: map[string]string{"Idempotency-Key": "0123456789abcdeg", "Kycmark-File": "a.jpg"}}
	w.must(file)
	w.must(file)
	file.body = []byte("y")
	assert.Equal(t, http.StatusUnprocessableEntity, w.do(file).status, "another file under the key")
	delete(file.head, "Idempotency-Key")
	assert.Equal(t, http.StatusConflict, w.do(file).status, "another file under the name")
	gone := call{method: "POST", path: "/v1/investigations/" + id + "/removal",
		head: map[string]string{"Idempotency-Key": "0123456789abcdeh"}}
	w.must(gone)
	w.must(gone)
	delete(gone.head, "Idempotency-Key")
	assert.Equal(t, http.StatusNotFound, w.do(gone).status)
}

// What is wrong with a request about investigations is a 4xx, and leaves no file.
func TestBadInvestigations(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.MaxDump = 1 << 10 })
	path, size := w.created(nil), w.size()
	post := func(path string, body any, head map[string]string) call {
		return call{method: "POST", path: path, body: body, head: head}
	}
	named := map[string]string{"Kycmark-File": "a.jpg"}
	for what, c := range map[string]struct {
		call
		status int
	}{
		"no such investigation":    {post("/v1/investigations/"+strings.Repeat("0", 32)+"/files", []byte("x"), named), 404},
		"no ID":                    {post("/v1/investigations/x/files", []byte("x"), named), 422},
		"an ID of a copy":          {call{method: "GET", path: "/v1/investigations/0123456789abcdef"}, 422},
		"events of nothing":        {call{method: "GET", path: "/v1/investigations/" + strings.Repeat("0", 32) + "/events"}, 404},
		"no name":                  {post(path+"/files", []byte("x"), nil), 422},
		"a name that leads out":    {post(path+"/files", []byte("x"), map[string]string{"Kycmark-File": "..%2fa"}), 422},
		"a name that is malformed": {post(path+"/files", []byte("x"), map[string]string{"Kycmark-File": "%zz"}), 422},
		"too large":                {post(path+"/files", make([]byte, 1<<10+1), named), 413},
		"begun without files":      {post(path+"/begin", nil, nil), 422},
		"found in the future":      {post("/v1/investigations", map[string]any{"found": time.Now().Add(time.Hour)}, nil), 422},
		"against nothing":          {post("/v1/investigations", map[string]any{"against": []string{strings.Repeat("0", 32)}}, nil), 404},
		"a case with a NUL":        {post("/v1/investigations", map[string]any{"case": "17\x00"}, nil), 422},
		"an examiner in reverse":   {post("/v1/investigations", map[string]any{"examiner": "\u202eretsum"}, nil), 422},
		"a field of no kind":       {post("/v1/investigations", map[string]any{"verdict": "guilty"}, nil), 422},
	} {
		got := w.do(c.call)
		p := got.problem(t)
		assert.Equal(t, c.status, got.status, "%s: %s", what, p.Detail)
	}
	r := w.request(w.at.URL, post(path+"/files", []byte("x"), named))
	r.ContentLength, r.Body = -1, http.MaxBytesReader(nil, &endless{}, 1<<20) // no size is announced
	got, err := w.at.Client().Do(r)
	if err == nil {
		assert.Equal(t, http.StatusRequestEntityTooLarge, got.StatusCode)
		got.Body.Close()
	}
	assert.JSONEq(t, "[]", string(w.must(call{method: "GET", path: path + "/files"}).body))
	assert.Equal(t, size, w.size(), "nothing is entered")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

// Opponent's story: the home of a service has no key for reports, and the answer says that the investigation is not there.
func TestBundleWithoutReportKey(t *testing.T) {
	w := begin(t)
	w.srv.Office.ReportKey = nil
	p := w.do(call{method: "GET", path: "/v1/investigations/" + w.investigated(map[string][]byte{"a.jpg": small(t, "stranger_coast")}) + "/bundle"}).problem(t)
	assert.Equal(t, http.StatusConflict, p.Status)
	assert.Contains(t, p.Detail, "no key for reports")
	assert.Contains(t, p.Todo, "kycmark key report --create")
	gone := w.do(call{method: "GET", path: "/v1/investigations/" + strings.Repeat("0", 32) + "/bundle"}).problem(t)
	assert.Equal(t, http.StatusNotFound, gone.Status)
}

// A process without the role has no office, and one with it needs one.
func TestOfficeNeeded(t *testing.T) {
	w := begin(t)
	_, err := service.New(service.Config{Registry: w.reg, Roles: []service.Role{service.Investigate}})
	require.ErrorIs(t, err, registry.ErrInput)
}
