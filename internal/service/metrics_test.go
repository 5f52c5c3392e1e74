package service_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Grafana's dashboard asks for metrics and labels that /metrics has, and for each metric of requests.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("../../deploy/dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(data, &dashboard))
	w := begin(t)
	w.must(call{method: "GET", path: "/v1/ledger"})
	shown := string(w.must(call{method: "GET", path: "/metrics"}).body)
	has, asked := map[string]bool{}, map[string]bool{}
	name := regexp.MustCompile(`\b(http|go|process)_\w+`)
	for line := range strings.Lines(shown) {
		if !strings.HasPrefix(line, "#") {
			for _, n := range name.FindAllString(line, -1) {
				has[n] = true
			}
		}
	}
	for _, p := range dashboard.Panels {
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			names := name.FindAllString(target.Expr, -1)
			require.NotEmpty(t, names, target.Expr)
			for _, n := range names {
				assert.True(t, has[n], "panel %q asks for %s", p.Title, n)
				asked[n] = true
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (http_\w+) (\w+)`).FindAllStringSubmatch(shown, -1) {
		if m[2] == "histogram" {
			m[1] += "_bucket"
		}
		assert.True(t, asked[m[1]], "no panel shows %s", m[1])
	}
}

// The line of log of a request has the trace that its caller is in, and nothing else of that header.
func TestTraceInLog(t *testing.T) {
	w := begin(t)
	trace, span := strings.Repeat("4bf92f35", 4), "00f067aa0ba902b7"
	for header, logged := range map[string]bool{"00-" + trace + "-" + span + "-01": true, "00-" + trace[:31] + "-" + span + "-01": false,
		"Erika-" + trace + "-" + span + "-01": false} {
		w.logs.Reset()
		w.must(call{method: "GET", path: "/livez", head: map[string]string{"Traceparent": header}})
		assert.Equal(t, logged, strings.Contains(w.logs.String(), `"trace_id":"`+trace+`","parent_span_id":"`+span+`"`), header)
		assert.NotContains(t, w.logs.String(), "Erika")
	}
}
