package service

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kycmark/kycmark/verify/registry"
)

// How spans are sent. All chosen, as SDKs of OpenTelemetry do.
const (
	spansKept  = 2048 // what comes when so many wait is dropped, and counted
	spansEvery = 5 * time.Second
)

// Traces say where a span for each request is sent, as OTLP with JSON over HTTP. The zero value sends none. The SDK of
// OpenTelemetry with its exporter needs 17 more modules.
type Traces struct {
	Endpoint string // https://HOST/v1/traces
	Service  string // name of the service
}

// TracesFrom reads the settings from variables of the environment that OpenTelemetry names. The error wraps
// [registry.ErrInput].
func TracesFrom(env func(string) string) (t Traces, err error) {
	base := strings.TrimSuffix(env("OTEL_EXPORTER_OTLP_ENDPOINT"), "/")
	if base != "" {
		base += "/v1/traces"
	}
	t = Traces{cmp.Or(env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), base), cmp.Or(env("OTEL_SERVICE_NAME"), "kycmark")}
	if u, err := url.Parse(t.Endpoint); t.Endpoint != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return t, fmt.Errorf("%w: OTEL_EXPORTER_OTLP_ENDPOINT: want https://HOST:PORT", registry.ErrInput)
	}
	return t, nil
}

// An object is one of the JSON of OTLP: a span, or what is in it.
type object = map[string]any

func attribute(key, kind, value string) object {
	return object{"key": key, "value": object{kind: value}}
}

// spans are on their way to the collector.
type spans struct {
	Traces
	waiting chan object
	dropped prometheus.Counter
	log     *slog.Logger
}

// add keeps a span of a request for sending, unless its caller samples none. caller is what
// [traceParent] found. Like logs and metrics a span names the route alone.
func (s *spans) add(caller []string, v *visit, method, pattern string, took time.Duration) {
	if s.Endpoint == "" || !strings.HasPrefix(pattern, "/v1/") { // orchestrators ask for the others again and again
		return
	}
	const server, failed = 2, 2 // SPAN_KIND_SERVER, STATUS_CODE_ERROR
	nanos := func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }
	x := object{"spanId": v.id, "name": method + " " + pattern, "kind": server,
		"startTimeUnixNano": nanos(v.at), "endTimeUnixNano": nanos(v.at.Add(took)), "attributes": []object{
			attribute("http.request.method", "stringValue", method), attribute("http.route", "stringValue", pattern),
			attribute("http.response.status_code", "intValue", strconv.Itoa(v.status))}}
	if caller != nil {
		if flags, err := hex.DecodeString(caller[3]); err == nil && flags[0]&1 == 0 {
			return
		}
		x["traceId"], x["parentSpanId"] = caller[1], caller[2]
	} else {
		var id [16]byte
		rand.Read(id[:])
		x["traceId"] = hex.EncodeToString(id[:])
	}
	if v.status >= 500 || v.cut {
		x["status"] = object{"code": failed}
	}
	select {
	case s.waiting <- x:
	default:
		s.dropped.Inc()
	}
}

func (s *spans) send(ctx context.Context) {
	if s.Endpoint == "" {
		return
	}
	client := &http.Client{Timeout: noticeTime}
	for more := true; more; {
		select {
		case <-time.After(spansEvery):
		case <-ctx.Done():
			more = false
		}
		var batch []object
		for range len(s.waiting) {
			batch = append(batch, <-s.waiting)
		}
		if len(batch) == 0 {
			continue
		}
		if err := s.sendBatch(context.WithoutCancel(ctx), client, batch); err != nil {
			s.dropped.Add(float64(len(batch)))
			s.log.Warn("spans are not sent", "spans", len(batch), "error", lastLine(err))
		}
	}
}

func (s *spans) sendBatch(ctx context.Context, client *http.Client, batch []object) error {
	of := object{"attributes": []object{attribute("service.name", "stringValue", s.Service)}}
	body, err := json.Marshal(object{"resourceSpans": []object{{"resource": of,
		"scopeSpans": []object{{"scope": object{"name": "kycmark"}, "spans": batch}}}}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return post(client, r)
}

// metrics are what Prometheus reads, named as OpenTelemetry does. Labels (method, route, status) show no person.
type metrics struct {
	all      *prometheus.Registry
	duration *prometheus.HistogramVec
	active   prometheus.Gauge
	received prometheus.Counter
	notices  *prometheus.CounterVec
	dropped  prometheus.Counter
}

// seconds are the bounds of durations, seconds. OpenTelemetry advises all but the last two for HTTP.
var seconds = []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 30, 60}

func newMetrics() *metrics {
	m := &metrics{
		all: prometheus.NewRegistry(),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_server_request_duration_seconds",
			Help: "Time from the request's header to the end of the answer.", Buckets: seconds},
			[]string{"http_request_method", "http_route", "http_response_status_code"}),
		active: prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_server_active_requests", Help: "Requests that are not answered yet."}),
		received: prometheus.NewCounter(prometheus.CounterOpts{Name: "http_server_request_body_size_bytes_total",
			Help: "Bytes of bodies that were received."}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "kycmark_spans_dropped_total", Help: "Spans of traces that were not sent."}),
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kycmark_notices_total",
			Help: "Tries to send a notice to a webhook: taken, again, given up."}, []string{"webhook", "result"}),
	}
	m.all.MustRegister(m.duration, m.active, m.received, m.notices, m.dropped, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
