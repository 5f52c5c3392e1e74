package service

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus reads. Names follow OpenTelemetry. Labels are methods, patterns of routes and
// statuses: none is about a person.
type metrics struct {
	all      *prometheus.Registry
	duration *prometheus.HistogramVec
	active   prometheus.Gauge
	received prometheus.Counter
	notices  *prometheus.CounterVec
	dropped  prometheus.Counter
}

// seconds are the bounds of durations, seconds. OpenTelemetry advises them for HTTP; the last two are for large
// documents.
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

func (m *metrics) done(method, route string, status int, took time.Duration) {
	m.duration.WithLabelValues(method, route, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler { return promhttp.HandlerFor(m.all, promhttp.HandlerOpts{}) }
