// Package service is a registry behind HTTP: uploads come in, marked copies go out, and the ledger is checked. Its
// handlers decide nothing: they read a request, call the library, and write its answer.
//
// Every request passes one door (ServeHTTP): it finds the route, checks the token and its roles, takes memory for the
// body, and begins what an idempotency key names. The list of routes says who may call what.
package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kycmark/kycmark/internal/buckets"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/registry"
)

// Times limits how long a client may take. A time of 0 means its default.
type Times struct {
	Header  time.Duration // for the header of a request; default 10 s
	JSON    time.Duration // for a JSON body; default 10 s
	Event   time.Duration // for a vendor's event, which comes without a token; default 2 s
	Picture time.Duration // for the bytes of an upload; default 2 min, in which a line of 5 Mbit/s sends 64 MiB
	Dump    time.Duration // for the bytes of a leaked file or archive; default 30 min
	Write   time.Duration // to take an answer; default 1 min
	Idle    time.Duration // between two requests; default 2 min
	Drain   time.Duration // for requests that have begun when the service ends; default 30 s
	Keys    time.Duration // between two readings of an OpenID provider's keys; default 5 s
	Notice  time.Duration // between two looks for notices, and from the first try of one to the second; default 5 s
}

// Config is what a [Service] has as long as it lives. Registry and Roles are required.
type Config struct {
	Registry *registry.Registry
	Roles    []Role // whose routes are served

	// Issuer takes uploads in and hands copies out. [Intake] and [Issue] need it. For [Intake] alone it has no mark key.
	Issuer *registry.Issuer
	// LedgerPublic is the public text of the ledger's key, "" without one. LedgerKey is the private text, for [Audit].
	LedgerPublic, LedgerKey string

	OIDC *OIDC // whose tokens are taken too; nil: our own alone

	Hooks map[string]Hook // of capture vendors, by name; for [Intake]

	// Dumps has addresses of buckets with leaked files, by name; for [Investigate]. Deliveries has addresses of buckets that
	// copies are written to, by the name of the recipient; for [Issue].
	Dumps, Deliveries map[string]string

	// Webhooks get notices of what happens, by name; for [Investigate], [Audit] and [Admin].
	Webhooks map[string]Webhook

	// Office takes and does investigations. It is needed for [Investigate].
	Office *investigations.Office

	Traces Traces

	MaxBytes  int64        // of one upload; default 64 MiB
	MaxDump   int64        // bytes of one file of a dump; default 1 GiB
	MaxBodies int64        // of all bodies at a time, bytes; default 256 MiB
	Log       *slog.Logger // default: nothing is logged
	Times     Times
}

// Defaults of [Config]. Chosen: four uploads of the max size, or 100 of usual sizes, may be on their way in at a time.
const (
	defaultMaxBytes  = 64 << 20
	defaultMaxDump   = 1 << 30
	defaultMaxBodies = 256 << 20
	maxUnknown       = 32 << 20 // of all bodies of requests without a token. Three quarters are lent: to 192 events of unknown length
)

// A Service is an [http.Handler].
type Service struct {
	Config
	api             huma.API
	mux             *http.ServeMux
	served          map[string]*route // by pattern
	tokens          Tokens
	provider        *provider // nil without OIDC
	store           records.Access
	bodies, unknown *memory.Budget // of requests with and without a token

	dumps, deliveries map[string]*buckets.Bucket // of the roles of the process
	metrics           *metrics
	spans             *spans
	draining          atomic.Bool
}

// New returns the service that cfg describes. The error wraps [registry.ErrInput] if cfg is unusable.
func New(cfg Config) (*Service, error) {
	if cfg.Registry == nil || len(cfg.Roles) == 0 {
		return nil, fmt.Errorf("%w: a service needs a registry and roles", registry.ErrInput)
	}
	s := &Service{Config: cfg, tokens: TokensOf(cfg.Registry), store: registry.AccessOf(cfg.Registry), metrics: newMetrics()}
	if (s.has(Intake) || s.has(Issue)) && cfg.Issuer == nil {
		return nil, fmt.Errorf("%w: the roles intake and issue need an issuer", registry.ErrInput)
	}
	if s.has(Investigate) && cfg.Office == nil {
		return nil, fmt.Errorf("%w: the role investigate needs an office", registry.ErrInput)
	}
	if s.has(Audit) && cfg.LedgerKey == "" {
		return nil, fmt.Errorf("%w: the role audit needs the ledger's key", registry.ErrInput)
	}
	if cfg.OIDC != nil {
		if err := cfg.OIDC.Check(); err != nil {
			return nil, err
		}
		pause := &calm{pause: cmp.Or(cfg.Times.Keys, providerRetry)}
		s.provider = &provider{OIDC: *cfg.OIDC, now: time.Now, calm: pause, client: &http.Client{Timeout: providerTime, Transport: pause}}
	}
	for name, h := range cfg.Webhooks {
		if err := checkWebhook(&h); err != nil {
			return nil, fmt.Errorf("webhook %q: %w", name, err)
		}
	}
	var err error
	if s.has(Investigate) {
		s.dumps, err = opened(cfg.Dumps)
	}
	if err == nil && s.has(Issue) {
		s.deliveries, err = opened(cfg.Deliveries)
	}
	if err != nil {
		return nil, err
	}
	s.begin()
	s.routes()
	return s, nil
}

func opened(addresses map[string]string) (map[string]*buckets.Bucket, error) {
	all := make(map[string]*buckets.Bucket)
	for name, address := range addresses {
		b, err := buckets.Open(address)
		if err != nil {
			return nil, fmt.Errorf("bucket %q: %w", name, err)
		}
		all[name] = b
	}
	return all, nil
}

func (s *Service) begin() {
	t := s.Times
	s.Times = Times{
		Header: cmp.Or(t.Header, 10*time.Second), JSON: cmp.Or(t.JSON, 10*time.Second), Event: cmp.Or(t.Event, 2*time.Second), Picture: cmp.Or(t.Picture, 2*time.Minute),
		Dump: cmp.Or(t.Dump, 30*time.Minute), Write: cmp.Or(t.Write, time.Minute), Idle: cmp.Or(t.Idle, 2*time.Minute),
		Drain: cmp.Or(t.Drain, 30*time.Second), Notice: cmp.Or(t.Notice, 5*time.Second),
	}
	s.MaxBytes = cmp.Or(s.MaxBytes, defaultMaxBytes)
	s.MaxDump = cmp.Or(s.MaxDump, defaultMaxDump)
	s.bodies, s.unknown = memory.New(cmp.Or(s.MaxBodies, defaultMaxBodies)), memory.New(maxUnknown)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	s.spans = &spans{s.Traces, make(chan object, spansKept), s.metrics.dropped, s.Log}
}

func (s *Service) has(role Role) bool { return slices.Contains(s.Roles, role) }

// routes makes the handlers of all routes that the roles allow, and the OpenAPI document of these.
func (s *Service) routes() {
	s.mux, s.served = http.NewServeMux(), make(map[string]*route)
	s.api = humago.New(s.mux, apiConfig())
	s.plain("livez", s.livez)
	s.plain("readyz", s.readyz)
	s.plain("openapi", s.document)
	s.plain("metrics", promhttp.HandlerFor(s.metrics.all, promhttp.HandlerOpts{}).ServeHTTP)
	submissions{s}.routes()
	copies{s}.routes()
	parties{s}.routes()
	ledger{s}.routes()
	examinations{s}.routes()
	s.hookRoutes()
	s.describeNotices()
	delete(s.api.OpenAPI().Components.Schemas.Map(), "ErrorModel") // every operation names Problem
}

// OpenAPI returns the document of the routes that are served, JSON.
func (s *Service) OpenAPI() ([]byte, error) { return json.MarshalIndent(s.api.OpenAPI(), "", "  ") }

func (s *Service) livez(w http.ResponseWriter, _ *http.Request) { http.Error(w, "live", http.StatusOK) }

// readyTime is how long the registry may take to say that it is there. Chosen.
const readyTime = 2 * time.Second

func (s *Service) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	_, _, err := s.Registry.Ledger().Head(ctx)
	switch {
	case s.draining.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
	case err != nil:
		visitOf(r.Context()).failed = err
		http.Error(w, "the registry does not answer", http.StatusServiceUnavailable)
	default:
		http.Error(w, "ready", http.StatusOK)
	}
}

func (s *Service) document(w http.ResponseWriter, r *http.Request) {
	doc, err := s.OpenAPI()
	if err != nil {
		visitOf(r.Context()).refuse("document", err)
		return
	}
	w.Header().Set("Content-Type", "application/openapi+json")
	_, _ = w.Write(doc) // the client is gone
}

// maxHeader is the max header of a request, bytes: several times a subject, holders of an upload and a token. Chosen.
const maxHeader = 32 << 10

// Loopback reports whether an address, HOST:PORT, is reached from this machine alone.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Listen opens an address, HOST:PORT. With the files of a certificate and its key it takes TLS connections alone.
// Without them the error wraps [registry.ErrInput] if the address is not [Loopback], unless a proxy does TLS.
func Listen(ctx context.Context, address, certificate, key string, behindProxy bool) (net.Listener, error) {
	if (certificate == "") != (key == "") {
		return nil, fmt.Errorf("%w: TLS needs a certificate and its key, got one of them", registry.ErrInput)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("%w: %w, want HOST:PORT", registry.ErrInput, err)
	}
	if certificate == "" && !behindProxy && !Loopback(address) {
		return nil, fmt.Errorf("%w: address %s: others reach it without TLS, want a loopback address, a certificate, or a proxy in front", registry.ErrInput, address)
	}
	var pair tls.Certificate
	if certificate != "" {
		var err error
		if pair, err = tls.LoadX509KeyPair(certificate, key); err != nil {
			return nil, fmt.Errorf("certificate %s: %w", certificate, err)
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil || certificate == "" {
		return l, err
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}), nil
}

// Serve answers requests at l, which it closes, until ctx ends. Then it takes no more connections, says so at
// /readyz, and waits for the requests that have begun, at most Drain of [Times]. It returns nil if all of them ended.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler: s, BaseContext: func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: s.Times.Header, IdleTimeout: s.Times.Idle, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(discardErrors{s.Log.Handler()}, slog.LevelDebug),
	}
	telling, end := context.WithCancel(context.WithoutCancel(ctx)) // requests that have begun have spans too
	var told sync.WaitGroup
	told.Go(func() { s.tell(telling) })
	told.Go(func() { s.spans.send(telling) })
	defer told.Wait()
	defer end()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }() // Shutdown or Close below ends it
	select {
	case err := <-failed:
		return errors.Join(err, server.Close())
	case <-ctx.Done():
	}
	s.draining.Store(true)
	limit, cancel := context.WithTimeout(base, s.Times.Drain)
	defer cancel()
	err := server.Shutdown(limit)
	if err != nil {
		cut()
		err = errors.Join(fmt.Errorf("requests had not ended after %s, and were cut off: %w", s.Times.Drain, err), server.Close())
	}
	<-failed
	return err
}

// discardErrors hides the messages of package http, which have addresses of clients; it logs that there was one.
type discardErrors struct{ slog.Handler }

func (d discardErrors) Handle(ctx context.Context, r slog.Record) error {
	quiet := slog.NewRecord(r.Time, slog.LevelDebug, "connection failed", r.PC)
	return d.Handler.Handle(ctx, quiet)
}
