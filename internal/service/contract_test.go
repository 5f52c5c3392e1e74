package service_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kycmark/kycmark/internal/service"
)

// sequence is how many requests a run of the fuzz makes. With the 100 runs of package rapid that is 2,000.
const sequence = 20

// Whatever comes, with whatever token: no answer is 5xx, each is as the OpenAPI document has it, and no role may do
// more than the table says. Afterwards the ledger holds.
func TestContract(t *testing.T) {
	w := begin(t, func(c *service.Config) { c.MaxBytes = 1 << 20 })
	submission, copyID := w.stocked()
	w.settle()
	w.must(call{method: "POST", path: "/v1/ledger/checkpoints"})
	doc, err := w.srv.OpenAPI()
	require.NoError(t, err)
	document, err := libopenapi.NewDocument(doc)
	require.NoError(t, err)
	contract, problems := validator.NewValidator(document)
	require.Empty(t, problems)
	ok, wrong := contract.ValidateDocument()
	require.True(t, ok, "%v", wrong)
	investigation := w.investigated(map[string][]byte{"a.txt": []byte("no picture")}) // it is over: watching it ends
	g := generator{w: w, submission: submission, copyID: copyID, investigation: investigation, picture: small(t, "chidi_idcard")}
	statuses := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		for range sequence {
			r, p, role := g.draw(t)
			answer := httptest.NewRecorder()
			w.srv.ServeHTTP(answer, r)
			got := answer.Result()
			body, err := io.ReadAll(got.Body)
			require.NoError(t, err)
			statuses[got.StatusCode]++
			what := fmt.Sprintf("%s %s as %s: %d %s", r.Method, r.URL, role, got.StatusCode, body[:min(400, len(body))])
			if got.StatusCode >= 500 {
				t.Fatal("5xx: ", what)
			}
			if may := role == "all" || slices.Contains(p.roles, role) || len(p.roles) == 0; !may &&
				got.StatusCode != 401 && got.StatusCode != 403 {
				t.Fatal("a role too many: ", what)
			} else if may && (got.StatusCode == 401 || got.StatusCode == 403) {
				t.Fatal("a role too few: ", what)
			}
			got.Body = io.NopCloser(bytes.NewReader(body))
			if ok, wrong := contract.ValidateHttpResponse(r, got); !ok {
				t.Fatal("outside the contract: ", what, wrong[0].Message, wrong[0].Reason)
			}
		}
	})
	t.Log("answers by status: ", statuses)
	require.Greater(t, statuses[200], 100, "not all is refused")
	require.Greater(t, statuses[422], 100)
	_, _, err = w.reg.Ledger().Check(t.Context())
	require.NoError(t, err)
}

// A generator draws requests.
type generator struct {
	w                                 *world
	submission, copyID, investigation string
	picture                           []byte
}

// draw draws a request of a route, and the role of its token: a role, "all", or "-" without one.
func (g generator) draw(t *rapid.T) (*http.Request, permitted, string) {
	p := rapid.SampledFrom(append(table(allowed), table(public)...)).Draw(t, "route")
	role := rapid.SampledFrom([]string{"intake", "issue", "investigate", "audit", "admin", "all", "all", "all",
		"-"}).Draw(t, "role")
	id := rapid.SampledFrom([]string{g.submission, g.copyID, g.investigation, strings.Repeat("0", 32), strings.Repeat("0", 16),
		rapid.StringMatching(`[ -~]{1,40}`).Draw(t, "id")}).Draw(t, "which id")
	path := strings.ReplaceAll(p.path, "{id}", url.PathEscape(id))
	if id == "." || id == ".." || strings.Contains(id, "/") { // no path of a route
		path = p.filled()
	}
	if rapid.IntRange(0, 9).Draw(t, "query") == 0 {
		path += "?" + url.QueryEscape(rapid.String().Draw(t, "key")) + "=" + url.QueryEscape(rapid.String().Draw(t,
			"value"))
	}
	var body io.Reader
	if p.method == http.MethodPost {
		body = bytes.NewReader(g.body(t, p))
	}
	r := httptest.NewRequest(p.method, path, body)
	if role != "-" {
		r.Header.Set("Authorization", "Bearer "+g.w.tokens[role])
	}
	media := "application/json"
	if p.path == "/v1/submissions" && p.method == http.MethodPost {
		media = "image/jpeg"
	}
	r.Header.Set("Content-Type", rapid.SampledFrom([]string{media, media, media, media, "", "text/html", ";"}).Draw(t,
		"media"))
	for _, name := range []string{"Kycmark-Subject", "Kycmark-Submitted", "Kycmark-Held-By", "Kycmark-Recipient", "Kycmark-File",
		"Idempotency-Key", "Accept"} {
		if rapid.IntRange(0, 3).Draw(t, name) == 0 {
			value := rapid.OneOf(rapid.StringMatching(`[a-z0-9*/-]{0,40}`), rapid.Just("vendor-a"),
				rapid.Just("subject-1"), rapid.Just("2018-02-03T04:05:06Z"), rapid.String())
			r.Header.Set(name, strings.Map(printable, value.Draw(t, name+" value")))
		}
	}
	return r, p, role
}

// printable keeps what a header may have: package http refuses the rest before the service sees it.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// body draws a body: an example of the route, perhaps changed, or something else.
func (g generator) body(t *rapid.T, p permitted) []byte {
	examples := map[string]any{
		"/v1/recipients":              map[string]any{"name": "vendor-b", "kind": "vendor"},
		"/v1/submissions/{id}/copies": map[string]any{"recipient": "vendor-a", "purpose": "checks", "max_side": 16},
		"/v1/copies":                  map[string]any{"recipient": "vendor-a", "submissions": []any{g.submission, strings.Repeat("0", 32)}},
		"/v1/deliveries":              map[string]any{"recipient": "vendor-a", "submissions": []any{g.submission}},
		"/v1/copies/{id}/void":        map[string]any{"note": "no byte left"},
		"/v1/copies/{id}/receipts": map[string]any{"public_key": strings.Repeat("0", 64),
			"signature": strings.Repeat("0", 128)},
		"/v1/custody": map[string]any{"facts": []any{map[string]any{"recipient": "vendor-a",
			"note": "contract", "submissions": []any{g.submission}, "from": "2018-01-01T00:00:00Z", "to": "2018-01-02T00:00:00Z"}}},
		"/v1/investigations": map[string]any{"found": "2018-03-01T00:00:00Z", "found_evidence": "a paste", "claimed": 10,
			"against": []any{g.submission}, "published": true, "reveal": false},
		"/v1/investigations/{id}/bucket": map[string]any{"bucket": "leaks", "prefix": "x"},
		"/v1/erasures":                   map[string]any{"subject": "subject-9", "note": "asked for"},
		"/v1/ledger/audit":               map[string]any{"checkpoints": []any{"x"}, "witnesses": []any{}},
	}
	if p.path == "/v1/submissions" || strings.HasSuffix(p.path, "/files") {
		cut := rapid.IntRange(0, len(g.picture)).Draw(t, "cut")
		return rapid.SampledFrom([][]byte{g.picture, g.picture[:cut], g.picture[cut:],
			rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}).Draw(t, "picture")
	}
	example := examples[p.path]
	switch rapid.IntRange(0, 5).Draw(t, "how") {
	case 0:
		return rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	case 1:
		return []byte(rapid.SampledFrom([]string{"", "{}", "[]", "null", "0", `"x"`, "{",
			strings.Repeat("[", 20_000)}).Draw(t, "text"))
	case 2, 3:
		example = changed(t, example)
	}
	data, err := json.Marshal(example)
	require.NoError(t, err)
	return data
}

// changed puts a drawn value somewhere into an example.
func changed(t *rapid.T, x any) any {
	if rapid.IntRange(0, 3).Draw(t, "here") == 0 {
		return rapid.SampledFrom([]any{nil, true, -1, 1e300, "", rapid.String().Draw(t, "text"), []any{},
			map[string]any{}, strings.Repeat("x", 5000), "2018-13-45", []any{nil}}).Draw(t, "value")
	}
	switch x := x.(type) {
	case map[string]any:
		out := map[string]any{}
		keys := make([]string, 0, len(x))
		for k, v := range x {
			out[k], keys = v, append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) > 0 {
			k := rapid.SampledFrom(keys).Draw(t, "key")
			out[k] = changed(t, out[k])
		}
		return out
	case []any:
		if len(x) > 0 {
			return append(slices.Clone(x), changed(t, x[0]))
		}
	}
	return x
}
