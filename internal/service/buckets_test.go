package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/buckets"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/verify"
)

// linesOf reads an answer of lines of JSON.
func linesOf[T any](t *testing.T, a answered) (out []T) {
	t.Helper()
	require.Equal(t, "application/x-ndjson", a.head.Get("Content-Type"), string(a.body))
	for line := range bytes.Lines(a.body) {
		var x T
		require.NoError(t, json.Unmarshal(line, &x), string(line))
		out = append(out, x)
	}
	return out
}

// states are the states of the copies of an upload for a purpose.
func (w *world) states(submission, purpose string) (out []string) {
	w.t.Helper()
	var all []struct{ State, Purpose string }
	require.NoError(w.t, json.Unmarshal(w.must(call{method: "GET", path: "/v1/submissions/" + submission + "/copies"}).body, &all))
	for _, c := range all {
		if c.Purpose == purpose {
			out = append(out, c.State)
		}
	}
	return out
}

// withBuckets begins a world with a bucket of dumps, and one that vendor-a's copies are written to.
func withBuckets(t *testing.T) (*world, *s3test.Server, *buckets.Bucket) {
	server := s3test.Start(t)
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(server.Dir), "out"), 0o700))
	at := func(of string) string { return "s3://" + of + "?endpoint=" + server.URL + "&region=us-east-1" }
	dumps, err := buckets.Open(at("kyc/dumps"))
	require.NoError(t, err)
	w := begin(t, func(c *service.Config) {
		c.Dumps = map[string]string{"leaks": at("kyc/dumps"), "none": at("missing")}
		c.Deliveries = map[string]string{"vendor-a": at("out/kyc")}
	})
	return w, server, dumps
}

// The objects under a prefix become files of an investigation, which names the recipient. The same request changes nothing. No
// object of another prefix is read, and none is passed over without a line.
func TestDumpInBucket(t *testing.T) {
	w, server, dumps := withBuckets(t)
	submission, _ := w.stocked()
	leak := w.must(call{method: "POST", path: "/v1/submissions/" + submission + "/copies", body: map[string]string{"recipient": "vendor-a"}}).body
	for name, body := range map[string][]byte{"case-1/7ä.jpg": leak, "case-1/more/x.jpg": small(t, "stranger_coast"), "case-1/folder/": nil,
		"case-2/other.jpg": small(t, "anna_selfie")} {
		require.NoError(t, dumps.Put(t.Context(), name, "image/jpeg", body))
	}
	path := w.created(nil)
	add := call{method: "POST", path: path + "/bucket", as: "investigate", body: map[string]string{"bucket": "leaks", "prefix": "case-1/"}}
	type added struct {
		Name    string
		Size    int
		SHA256  string
		Problem *service.Problem
	}
	for range 2 {
		got := linesOf[added](t, w.must(add))
		require.Len(t, got, 2)
		assert.Equal(t, "case-1/7ä.jpg", got[0].Name)
		assert.Equal(t, len(leak), got[0].Size)
		assert.NotEmpty(t, got[0].SHA256)
		assert.Nil(t, got[0].Problem)
	}
	require.NoError(t, dumps.Put(t.Context(), "case-1/7ä.jpg", "image/jpeg", []byte("other")))
	changed := linesOf[added](t, w.must(add))
	require.Len(t, changed, 2)
	assert.Equal(t, http.StatusConflict, changed[0].Problem.Status, "what was added stays")
	assert.Nil(t, changed[1].Problem)

	for says, body := range map[string]map[string]string{
		"there is no bucket of this name":              {"bucket": "leak"},
		"no name in the bucket begins with the prefix": {"bucket": "leaks", "prefix": "case-3/"},
	} {
		p := w.do(call{method: "POST", path: add.path, body: body}).problem(t)
		assert.Equal(t, http.StatusNotFound, p.Status)
		assert.Equal(t, says, p.Problem)
	}
	refused := w.do(call{method: "POST", path: add.path, body: map[string]string{"bucket": "none"}}).problem(t)
	assert.Equal(t, http.StatusBadGateway, refused.Status)

	id := w.must(call{method: "POST", path: path + "/begin"}).field(t, "investigation")
	late := w.do(add).problem(t)
	assert.Equal(t, http.StatusConflict, late.Status)
	_, err := w.srv.Office.Do(t.Context(), []byte(`{"Of":"`+id+`"}`))
	require.NoError(t, err)
	file, err := verify.ReadFindings(bytes.NewReader(w.must(call{method: "GET", path: path + "/findings"}).body))
	require.NoError(t, err)
	require.Len(t, file.Leaks, 2)
	assert.Equal(t, "case-1/7ä.jpg", file.Leaks[0].File)
	assert.Equal(t, "vendor-a", file.Leaks[0].MayName())

	server.Kill()
	away := w.do(call{method: "POST", path: w.created(nil) + "/bucket", body: add.body}).problem(t)
	assert.Equal(t, http.StatusServiceUnavailable, away.Status)
}

// Objects whose names no file can have, that are too large or refused, or that are gone since they were listed, have a line each.
// A refused one ended all: none behind it was added.
func TestOddObjects(t *testing.T) {
	server := s3test.Start(t)
	dumps, err := buckets.Open(server.Address)
	require.NoError(t, err)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	before := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at); r.Out.Host = r.In.Host }} // which is signed
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/gone") { // since it was listed
			http.NotFound(w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/closed") { // as of an archive class, or by a policy for names
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>not authorized to read dump/planted-name.jpg</Message></Error>")
			return
		}
		before.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	w := begin(t, func(c *service.Config) {
		c.Dumps, c.MaxDump = map[string]string{"leaks": strings.ReplaceAll(server.Address, server.URL, proxy.URL)}, 100
	})
	long := strings.Repeat("n", 200) + "/"
	for name, size := range map[string]int{"a": 10, "b": 101, "closed": 10, "gone": 10, long + long + long + long + strings.Repeat("n", 100) + "/" + strings.Repeat("n", 100): 1} {
		require.NoError(t, dumps.Put(t.Context(), name, "", make([]byte, size)))
	}
	got := linesOf[struct {
		Name    string
		SHA256  *string
		Problem *service.Problem
	}](t, w.must(call{method: "POST", path: w.created(nil) + "/bucket", body: map[string]string{"bucket": "leaks"}}))
	require.Len(t, got, 5)
	assert.Nil(t, got[0].Problem)
	assert.NotNil(t, got[0].SHA256)
	for i, status := range []int{0, http.StatusRequestEntityTooLarge, http.StatusBadGateway, http.StatusNotFound, http.StatusUnprocessableEntity} { // the last has 1,005 bytes
		if i > 0 && assert.NotNil(t, got[i].Problem, got[i].Name) {
			assert.Equal(t, status, got[i].Problem.Status, got[i].Name)
			assert.Nil(t, got[i].SHA256, "nothing was read")
		}
	}
}

// Opponent's story: the server of a bucket cuts an object off. Its first bytes became a whole file with a digest, and the rest was
// refused as another file of this name. What was replaced since it was listed is read when it is listed anew.
func TestObjectsCutOff(t *testing.T) {
	server := s3test.Start(t)
	dumps, err := buckets.Open(server.Address)
	require.NoError(t, err)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	sound := false
	before := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at); r.Out.Host = r.In.Host }, // which is signed
		ModifyResponse: func(r *http.Response) error {
			if !sound && strings.HasSuffix(r.Request.URL.Path, "/cut") {
				r.Body = io.NopCloser(io.LimitReader(r.Body, 6)) // its Content-Length stays
			}
			return nil
		}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for end, size := range map[string]int{"/grown": 11, "/shrunk": 9} {
			if strings.HasSuffix(r.URL.Path, end) {
				assert.NoError(t, dumps.Put(r.Context(), end[1:], "", make([]byte, size)))
			}
		}
		before.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	w := begin(t, func(c *service.Config) {
		c.Dumps = map[string]string{"leaks": strings.ReplaceAll(server.Address, server.URL, proxy.URL)}
	})
	for name, size := range map[string]int{"cut": 10, "empty": 0, "grown": 10, "shrunk": 10, "whole": 10} {
		require.NoError(t, dumps.Put(t.Context(), name, "", make([]byte, size)))
	}
	path := w.created(nil)
	var sizes map[string]int
	for _, wants := range []map[string]int{{"cut": -1, "empty": 0, "grown": -1, "shrunk": -1, "whole": 10}, {"cut": 10, "empty": 0, "grown": 11, "shrunk": 9, "whole": 10}} {
		sizes = map[string]int{}
		for _, x := range linesOf[struct {
			Name    string
			Size    int
			Problem *service.Problem
		}](t, w.must(call{method: "POST", path: path + "/bucket", body: map[string]string{"bucket": "leaks"}})) {
			if sizes[x.Name] = x.Size; x.Problem != nil {
				sizes[x.Name] = -1
				assert.Equal(t, http.StatusBadGateway, x.Problem.Status, x.Name)
			}
		}
		assert.Equal(t, wants, sizes)
		sound = true
	}
	var files []struct{ Name string }
	require.NoError(t, json.Unmarshal(w.must(call{method: "GET", path: path + "/files"}).body, &files))
	assert.Len(t, files, len(sizes))
}

// A token that is revoked while a list is worked on ends it: no other object is read, and no other copy is issued.
func TestRevokedAmidAList(t *testing.T) {
	server := s3test.Start(t)
	dumps, err := buckets.Open(server.Address)
	require.NoError(t, err)
	at, err := url.Parse(server.URL)
	require.NoError(t, err)
	var w *world
	before := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at); r.Out.Host = r.In.Host }} // which is signed
	proxy := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		name := map[bool]string{strings.HasSuffix(r.URL.Path, "/a"): "investigate", r.Method == http.MethodPut: "issue"}[true]
		if name != "" {
			assert.NoError(t, service.TokensOf(w.reg).Revoke(r.Context(), name))
		}
		before.ServeHTTP(out, r)
	}))
	defer proxy.Close()
	address := strings.ReplaceAll(server.Address, server.URL, proxy.URL)
	w = begin(t, func(c *service.Config) {
		c.Dumps, c.Deliveries = map[string]string{"leaks": address}, map[string]string{"vendor-a": address}
	})
	ids := make([]string, 2)
	ids[0], _ = w.stocked()
	ids[1] = w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "bruno_passport")}).field(t, "submission")
	for _, name := range []string{"a", "b"} {
		require.NoError(t, dumps.Put(t.Context(), "dump/"+name, "", []byte(name)))
	}
	investigation := w.created(nil)
	for _, c := range []call{
		{method: "POST", path: "/v1/deliveries", as: "issue", body: map[string]any{"recipient": "vendor-a", "purpose": "a box", "submissions": ids}},
		{method: "POST", path: investigation + "/bucket", as: "investigate", body: map[string]string{"bucket": "leaks", "prefix": "dump/"}},
	} {
		got, err := w.try(c)
		require.Error(t, err, c.path)
		require.Equal(t, 1, bytes.Count(got.body, []byte("\n")), string(got.body))
	}
	require.Empty(t, w.states(ids[1], "a box"))
	require.Contains(t, string(w.must(call{method: "GET", path: investigation + "/files"}).body), `"name":"dump/a"`)
	require.NotContains(t, string(w.must(call{method: "GET", path: investigation + "/files"}).body), `"name":"dump/b"`)
}

// Copies are written to the bucket of their recipient, and released when it has them. A recipient without a bucket gets none. If
// the server is away, no copy counts as released, and the same request later writes the same copies.
func TestDeliveries(t *testing.T) {
	w, server, _ := withBuckets(t)
	submission, _ := w.stocked()
	absent := strings.Repeat("0", 32)
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-b", "kind": "vendor"}})
	body := map[string]any{"recipient": "vendor-a", "purpose": "a box", "submissions": []string{absent, submission}}
	deliver := call{method: "POST", path: "/v1/deliveries", as: "issue", body: body, head: map[string]string{"Idempotency-Key": "0123456789abcdef"}}

	server.Kill()
	r, err := w.at.Client().Do(w.request(w.at.URL, deliver))
	require.NoError(t, err)
	cut, err := io.ReadAll(r.Body)
	require.Error(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, 1, bytes.Count(cut, []byte("\n")), "it is cut off after the upload that is not there")
	require.Equal(t, []string{"reserved"}, w.states(submission, "a box"))
	server.Run(t)
	type delivered struct {
		Submission, Copy, File, SHA256 string
		Problem                        *service.Problem
	}
	got := linesOf[delivered](t, w.must(deliver))
	require.Len(t, got, 2)
	assert.Equal(t, http.StatusNotFound, got[0].Problem.Status)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(server.Dir), "out", "kyc", got[1].File))
	require.NoError(t, err)
	assert.Equal(t, got[1].SHA256, fmt.Sprintf("%x", sha(data)))
	require.Equal(t, []string{"released"}, w.states(submission, "a box"))
	assert.Equal(t, got, linesOf[delivered](t, w.must(deliver)))

	body["recipient"], body["purpose"] = "vendor-b", "another box"
	p := w.do(call{method: "POST", path: "/v1/deliveries", body: body}).problem(t)
	assert.Equal(t, http.StatusNotFound, p.Status)
	assert.Equal(t, "bucket", p.Object)
	assert.Empty(t, w.states(submission, "another box"))
}
