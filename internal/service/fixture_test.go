package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

// side is the long side of the pictures of tests, pixels: marks hold, and a copy takes a tenth of a second.
const side = 400

// shrunk has the small pictures of all tests by name.
var shrunk sync.Map

// small returns a shipped picture as a small JPEG.
func small(t testing.TB, name string) []byte {
	t.Helper()
	make := func() any {
		data, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
		require.NoError(t, err)
		img, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, jpeg.Encode(&out, imaging.Fit(img, side, side, imaging.Lanczos), &jpeg.Options{Quality: 90}))
		return out.Bytes()
	}
	if had, ok := shrunk.Load(name); ok {
		return had.([]byte)
	}
	got, _ := shrunk.LoadOrStore(name, make())
	return got.([]byte)
}

// A world is a service over a home of its own, with a token for each role and one with all of them.
type world struct {
	t      testing.TB
	dir    string
	reg    *registry.Registry
	srv    *service.Service
	at     *httptest.Server
	tokens map[string]string // by name: a role, or "all"
	logs   *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// begin makes a world. change changes the configuration of its service.
func begin(t testing.TB, change ...func(*service.Config)) *world {
	t.Helper()
	return beginAt(t, "", nil, change...)
}

// beginAt is begin with the registry at an address; "" is the home.
func beginAt(t testing.TB, address string, opts *registry.CreateOptions, change ...func(*service.Config)) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "kyc"), tokens: map[string]string{}, logs: new(lockedBuffer)}
	h, err := home.Create(t.Context(), w.dir, address, opts)
	require.NoError(t, err)
	w.reg, err = h.Registry(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, w.reg.Close()) })
	cfg := w.config(h, service.Roles()...)
	for _, c := range change {
		c(&cfg)
	}
	w.srv, err = service.New(cfg)
	require.NoError(t, err)
	w.at = httptest.NewServer(w.srv)
	t.Cleanup(w.at.Close)
	for _, role := range service.Roles() {
		w.tokens[string(role)] = w.token(string(role), role)
	}
	w.tokens["all"] = w.token("all", service.Roles()...)
	return w
}

// serves has another process of the world take requests at an address, until end is called. change changes its configuration.
func (w *world) serves(change func(*service.Config)) (s *service.Service, url string, end func()) {
	w.t.Helper()
	cfg := w.srv.Config
	change(&cfg)
	s, err := service.New(cfg)
	require.NoError(w.t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	return s, "http://" + l.Addr().String(), func() { stop(); require.NoError(w.t, <-ended) }
}

// config returns the configuration of a process with these roles and the keys that they need.
func (w *world) config(h *home.Home, roles ...service.Role) service.Config {
	w.t.Helper()
	keys, err := service.KeysOf(h, roles)
	require.NoError(w.t, err)
	cfg := service.Config{Registry: w.reg, Roles: roles, LedgerKey: keys.LedgerKey, LedgerPublic: keys.LedgerPublic,
		Log: slog.New(slog.NewJSONHandler(w.logs, nil))}
	if slices.Contains(roles, service.Intake) || slices.Contains(roles, service.Issue) {
		of := registry.Config{Registry: w.reg, SealKey: keys.Seal}
		if slices.Contains(roles, service.Issue) {
			of.Keys, of.Key = keys.Mark, keys.Mark[0]
		}
		cfg.Issuer, err = registry.NewIssuer(of)
		require.NoError(w.t, err)
	}
	if slices.Contains(roles, service.Investigate) {
		found, err := verify.NewInvestigator(verify.Config{Registry: w.reg, Keys: keys.Mark, SealKey: keys.Seal})
		require.NoError(w.t, err)
		cfg.Office = investigations.New(investigations.Config{Registry: w.reg, SealKey: keys.Seal, Found: found,
			Sealing: investigations.Sealing{ReportKey: keys.Report, LedgerPublic: keys.LedgerPublic, LedgerKey: keys.LedgerKey}})
	}
	return cfg
}

func (w *world) token(name string, roles ...service.Role) string {
	w.t.Helper()
	text, err := service.TokensOf(w.reg).Add(w.t.Context(), name, roles, time.Time{})
	require.NoError(w.t, err)
	return text
}

// A call is one request.
type call struct {
	method, path string
	as           string // name of a token; "": all; "-": none
	head         map[string]string
	body         any // []byte are bytes of a picture, a string is a body as it is, anything else becomes JSON
}

// An answered call.
type answered struct {
	status int
	head   http.Header
	body   []byte
}

// problem returns the problem that the answer is, and checks its form.
func (a answered) problem(t testing.TB) service.Problem {
	t.Helper()
	require.Equal(t, "application/problem+json", a.head.Get("Content-Type"), string(a.body))
	var p service.Problem
	require.NoError(t, json.Unmarshal(a.body, &p), string(a.body))
	assert.Equal(t, a.status, p.Status)
	assert.NotEmpty(t, p.Object)
	assert.NotEmpty(t, p.Problem)
	assert.NotEmpty(t, p.Todo, "it says what to do")
	assert.NotEmpty(t, p.Instance)
	return p
}

// field returns a field of an answer of JSON.
func (a answered) field(t testing.TB, name string) string {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal(a.body, &all), string(a.body))
	require.Contains(t, all, name)
	return fmt.Sprint(all[name])
}

// request makes the request of a call to the service at an address.
func (w *world) request(url string, c call) *http.Request {
	w.t.Helper()
	var body io.Reader
	media := ""
	switch x := c.body.(type) {
	case nil:
	case []byte:
		body, media = bytes.NewReader(x), "image/jpeg"
	case string:
		body, media = strings.NewReader(x), "application/json"
	default:
		data, err := json.Marshal(x)
		require.NoError(w.t, err)
		body, media = bytes.NewReader(data), "application/json"
	}
	r, err := http.NewRequestWithContext(w.t.Context(), c.method, url+c.path, body)
	require.NoError(w.t, err)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if c.as == "" {
		c.as = "all"
	}
	if c.as != "-" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[c.as])
	}
	for k, v := range c.head {
		r.Header.Set(k, v)
	}
	return r
}

// do makes a call.
func (w *world) do(c call) answered {
	w.t.Helper()
	got, err := w.try(c)
	require.NoError(w.t, err)
	return got
}

// try makes a call whose connection may be cut off.
func (w *world) try(c call) (answered, error) {
	w.t.Helper()
	got, err := w.at.Client().Do(w.request(w.at.URL, c))
	if err != nil {
		return answered{}, err
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	return answered{got.StatusCode, got.Header, data}, err
}

// must makes a call whose status is 200.
func (w *world) must(c call) answered {
	w.t.Helper()
	got := w.do(c)
	require.Equal(w.t, http.StatusOK, got.status, "%s %s: %s", c.method, c.path, got.body)
	return got
}

// settle waits until the release of every copy is entered, which follows its last byte.
func (w *world) settle() {
	w.t.Helper()
	for len(w.query("SELECT hex(id) FROM copy WHERE id NOT IN (SELECT copy FROM release WHERE state <> 'reserved') AND id <> X'0000000000001234'")) > 0 {
		require.NoError(w.t, w.t.Context().Err())
	}
}

// stocked enters a recipient, an upload, and a copy of it, and returns the IDs of the upload and the copy.
func (w *world) stocked() (submission, copyID string) {
	w.t.Helper()
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "vendor-a", "kind": "vendor"}})
	submission = w.must(call{method: "POST", path: "/v1/submissions", body: small(w.t, "anna_passport"),
		head: map[string]string{"Kycmark-Subject": "subject-1"}}).field(w.t, "submission")
	got := w.must(call{method: "POST", path: "/v1/submissions/" + submission + "/copies",
		body: map[string]string{"recipient": "vendor-a", "purpose": "checks"}})
	return submission, got.head.Get("Kycmark-Copy")
}

// size is the number of entries in the ledger.
func (w *world) size() int64 {
	w.t.Helper()
	n, _, err := w.reg.Ledger().Head(w.t.Context())
	require.NoError(w.t, err)
	return n
}

// query returns the texts that a query of the registry's file has, one column.
func (w *world) query(text string, args ...any) (out []string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "registry.db")+"?mode=ro")
	require.NoError(w.t, err)
	defer db.Close()
	rows, err := db.QueryContext(w.t.Context(), text, args...)
	require.NoError(w.t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		require.NoError(w.t, rows.Scan(&s))
		out = append(out, s)
	}
	require.NoError(w.t, rows.Err())
	return out
}

// storeOf returns the store of a registry, whose methods make what the service does not.
func storeOf(r *registry.Registry) records.Store { return registry.AccessOf(r).(records.Store) }

func sha(data []byte) [32]byte { return sha256.Sum256(data) }
