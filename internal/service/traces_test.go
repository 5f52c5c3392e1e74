package service_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/registry"
)

// Each request is a span below the span of its caller, sent at the latest when the service ends. A caller that samples no
// trace has none. No span names a person, an upload or a token.
func TestSpans(t *testing.T) {
	var bodies []string
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "/v1/traces", r.URL.Path)
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		bodies = append(bodies, string(body))
	}))
	defer collector.Close()
	w := begin(t)
	_, url, end := w.serves(func(c *service.Config) {
		var err error
		c.Traces, err = service.TracesFrom(func(name string) string {
			return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL + "/", "OTEL_SERVICE_NAME": "kyc"}[name]
		})
		require.NoError(t, err)
	})
	w.at.URL = url
	trace, parent := strings.Repeat("4b", 16), strings.Repeat("0f", 8)
	w.must(call{method: "POST", path: "/v1/submissions", body: small(t, "anna_selfie"), head: map[string]string{"Kycmark-Subject": "subject-1", "Traceparent": "00-" + trace + "-" + parent + "-01"}})
	w.must(call{method: "GET", path: "/v1/recipients", head: map[string]string{"Traceparent": "00-" + strings.Repeat("5c", 16) + "-" + parent + "-00"}})
	require.Equal(t, http.StatusNotFound, w.do(call{method: "GET", path: "/v1/copies/0123456789abcdef"}).status)
	w.must(call{method: "GET", path: "/livez"})
	end()

	require.Len(t, bodies, 1)
	var got struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []any }
			ScopeSpans []struct{ Spans []map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(bodies[0]), &got), bodies[0])
	require.Equal(t, []any{map[string]any{"key": "service.name", "value": map[string]any{"stringValue": "kyc"}}}, got.ResourceSpans[0].Resource.Attributes)
	spans := got.ResourceSpans[0].ScopeSpans[0].Spans
	require.Len(t, spans, 2, "one is not sampled, and one is a probe")
	assert.Equal(t, trace, spans[0]["traceId"])
	assert.Equal(t, parent, spans[0]["parentSpanId"])
	assert.Equal(t, "POST /v1/submissions", spans[0]["name"])
	assert.Less(t, spans[0]["startTimeUnixNano"], spans[0]["endTimeUnixNano"])
	assert.Equal(t, "GET /v1/copies/{id}", spans[1]["name"])
	assert.NotContains(t, spans[1], "parentSpanId")
	assert.Contains(t, spans[1]["attributes"], map[string]any{"key": "http.response.status_code", "value": map[string]any{"intValue": "404"}})
	assert.NotRegexp(t, "subject-1|0123456789abcdef|kycmark_", bodies[0])

	for _, endpoint := range []string{"collector:4318", "ftp://collector"} {
		_, err := service.TracesFrom(func(string) string { return endpoint })
		require.ErrorIs(t, err, registry.ErrInput)
	}
}

// A collector that is away loses spans, which are counted, and fails no request.
func TestSpansAreDropped(t *testing.T) {
	w := begin(t)
	s, url, end := w.serves(func(c *service.Config) { c.Traces.Endpoint = "http://127.0.0.1:1/v1/traces" })
	w.at.URL = url
	w.must(call{method: "GET", path: "/v1/recipients"})
	end()
	assert.Contains(t, w.logs.String(), "spans are not sent")
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Authorization", "Bearer "+w.tokens["all"])
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	assert.Contains(t, out.Body.String(), "kycmark_spans_dropped_total 1")
}
