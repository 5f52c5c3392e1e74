package service

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/kycmark/kycmark/internal/memory"
)

// dumpMemory is the memory of a dump's file on its way, bytes: some chunks of package kept. Chosen.
const dumpMemory = 16 << 20

// bodyStep is the memory that a body of unknown length takes at a time, bytes. Chosen.
const bodyStep = 4 << 20

// maxJSON is the max size of a JSON body, bytes: 25,000 IDs of submissions. Chosen.
const maxJSON = 1 << 20

// maxEvent is the max size of a vendor's event, bytes. Chosen: events have a few KB.
const maxEvent = 64 << 10

// A visit is one request on its way through the door.
type visit struct {
	http.ResponseWriter
	request  *http.Request
	at       time.Time
	id       string // random, 16 hex digits
	route    *route
	token    *Token
	once     *once // nil without a key
	written  time.Duration
	status   int // 0: nothing was written
	received int64
	failed   error // why the answer is a problem
	cut      bool  // it had begun
}

// Unwrap returns the writer below, for [http.ResponseController].
func (v *visit) Unwrap() http.ResponseWriter { return v.ResponseWriter }

func (v *visit) WriteHeader(status int) {
	if v.status == 0 {
		v.status = status
		// a recorder of tests has none
		_ = http.NewResponseController(v.ResponseWriter).SetWriteDeadline(time.Now().Add(v.written))
	}
	v.ResponseWriter.WriteHeader(status)
}

func (v *visit) Write(p []byte) (int, error) {
	if v.status == 0 {
		v.WriteHeader(http.StatusOK)
	}
	return v.ResponseWriter.Write(p)
}

// send writes a part of an answer at once. The client has the time of an answer for each part.
func (v *visit) send(data []byte) error {
	control := http.NewResponseController(v.ResponseWriter)
	_ = control.SetWriteDeadline(time.Now().Add(v.written)) // a recorder of tests has none
	if _, err := v.Write(data); err != nil {
		return err
	}
	return control.Flush()
}

// A sender sends what is written to it.
type sender struct{ *visit }

func (s sender) Write(p []byte) (int, error) {
	if err := s.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// refuse answers with the problem that an error is. An answer that has begun is cut off: it would pass for a whole one.
func (v *visit) refuse(object string, err error) {
	v.failed = err
	if v.cut = v.status != 0; !v.cut {
		v.Header().Del("Content-Length") // of what was to be written
		p := problemOf(object, err)
		p.write(v, v.id)
	}
}

type visitKey struct{}

// visitOf returns the visit of a request's context. Every handler has one.
func visitOf(ctx context.Context) *visit { return ctx.Value(visitKey{}).(*visit) }

func actor(ctx context.Context) string { return visitOf(ctx).token.Name }

// ServeHTTP lets a request in: it finds the route, the token and its roles, takes memory for the body, and limits its
// time. It writes one line of log for each request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var id [8]byte
	rand.Read(id[:])
	v := &visit{ResponseWriter: w, at: time.Now(), id: hex.EncodeToString(id[:]), written: s.Times.Write}
	s.metrics.active.Inc()
	defer s.leave(r, v)
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	v.request = r
	if r.ContentLength != 0 { // what the route does not read, package http does
		_ = http.NewResponseController(w).SetReadDeadline(v.at.Add(s.Times.JSON))
	}
	if err := s.enter(v, r); err != nil {
		v.refuse("request", err)
	}
}

// enter finds the route of a request, and has it served if its token allows that.
func (s *Service) enter(v *visit, r *http.Request) error {
	_, pattern := s.mux.Handler(r)
	v.route = s.served[pattern]
	if v.route == nil || r.URL.Path != path.Clean(r.URL.Path) {
		return s.noRoute(v, r)
	}
	v.Header().Set("Cache-Control", "no-store")
	v.Header().Set("X-Content-Type-Options", "nosniff")
	if v.route.id != "metrics" {
		r.Header.Del("Accept") // an answer has one type, and package huma panics on "a;"
	}
	if len(v.route.roles) > 0 {
		if err := s.authorize(v); err != nil {
			return err
		}
	}
	give, err := s.body(v, r)
	if err != nil {
		return err
	}
	defer give()
	s.mux.ServeHTTP(v, r)
	return nil
}

// authorize finds a request's token, which must allow the route here. A long answer asks again: it may be revoked.
func (s *Service) authorize(v *visit) (err error) {
	r := v.request
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		text = ""
	}
	text = strings.TrimSpace(text)
	if s.provider != nil && strings.Count(text, ".") == 2 { // a JWT
		v.token, err = s.provider.check(r.Context(), text)
	} else {
		v.token, err = s.tokens.check(r.Context(), text)
	}
	if errors.Is(err, ErrToken) {
		v.Header().Set("WWW-Authenticate", `Bearer realm="kycmark"`)
		_, why, _ := strings.Cut(err.Error(), ErrToken.Error()+": ")
		return &Problem{Status: http.StatusUnauthorized, Object: "token", Problem: why, Wanted: "the header \"Authorization: Bearer TOKEN\"",
			Todo: "have the operator make a token: \"kycmark token add\"; or ask the OpenID provider for a new one"}
	}
	if err != nil {
		return err
	}
	var here []Role
	for _, role := range v.token.Roles {
		if s.has(role) {
			here = append(here, role)
		}
	}
	if !v.route.may(here) {
		return &Problem{Status: http.StatusForbidden, Object: "token", Problem: "its roles do not allow this", Got: JoinRoles(v.token.Roles),
			Wanted: JoinRoles(v.route.roles), Todo: "use a token with such a role, and a process that serves it"}
	}
	return nil
}

// noRoute is the problem of a request that no route takes.
func (s *Service) noRoute(v *visit, r *http.Request) error {
	v.route = nil
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.mux.Handler(other); s.served[pattern] != nil && r.URL.Path == path.Clean(r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		v.Header().Set("Allow", strings.Join(allowed, ", "))
		return &Problem{Status: http.StatusMethodNotAllowed, Object: "method", Problem: "this path does not take it",
			Wanted: strings.Join(allowed, " or "), Todo: "see the OpenAPI document, GET /v1/openapi.json"}
	}
	return &Problem{Status: http.StatusNotFound, Object: "path", Problem: "this process serves no such path",
		Todo: "see the OpenAPI document, GET /v1/openapi.json; a process serves the routes of its roles"}
}

// body takes memory for the body of a request, limits its size and time, and reads it if it is JSON. It begins the
// request of an idempotency key. give gives the memory back.
func (s *Service) body(v *visit, r *http.Request) (give func(), err error) {
	kind := v.route.body
	if v.route.changes() && v.token != nil {
		if v.once, err = s.keyed(v, r); err != nil {
			return nil, err
		}
	}
	if kind == noBody {
		r.Body = http.NoBody
		return func() {}, v.once.claim(r.Context())
	}
	limit, patience, size := int64(maxJSON), s.Times.JSON, r.ContentLength
	switch kind {
	case pictureBody:
		limit, patience = s.MaxBytes, s.Times.Picture
	case dumpBody:
		limit, patience, size = s.MaxDump, s.Times.Dump, dumpMemory
	}
	bodies := s.bodies
	if len(v.route.roles) == 0 {
		bodies, limit, patience = s.unknown, maxEvent, s.Times.Event
		if _, ok := s.Hooks[path.Base(r.URL.Path)]; !ok {
			return nil, &Problem{Status: http.StatusNotFound, Object: "hook", Problem: "there is no hook of this name",
				Todo: "name it in kycmark.toml: [hooks.NAME]"}
		}
	}
	if err := mediaType(r, kind); err != nil {
		return nil, err
	}
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	b := &received{http.MaxBytesReader(v.ResponseWriter, r.Body, limit), v, http.NewResponseController(v.ResponseWriter), bodies.Lease(), limit}
	if size < 0 { // what is read grows by doubling
		size, b.room = min(2*limit, bodyStep), bodyStep/2
	}
	if err := b.take(size); err != nil {
		return nil, err
	}
	_ = b.control.SetReadDeadline(time.Now().Add(patience)) // a recorder of tests has none
	if r.Body = b; kind != jsonBody {
		return b.lease.Give, nil
	}
	data, err := io.ReadAll(r.Body)
	if err == nil && v.once != nil {
		_, _ = v.once.Write(data) // never fails
		err = v.once.claim(r.Context())
	}
	if err != nil {
		b.lease.Give()
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return b.lease.Give, nil
}

// keyed begins the request of an idempotency key; nil without a key.
func (s *Service) keyed(v *visit, r *http.Request) (*once, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return nil, nil
	}
	if len(key) < minKey || len(key) > maxKey {
		return nil, &Problem{Status: http.StatusUnprocessableEntity, Object: "Idempotency-Key",
			Problem: "its length is wrong", Got: strconv.Itoa(len(key)) + " bytes",
			Wanted: fmt.Sprintf("%d to %d", minKey, maxKey), Todo: "send a random UUID for each new request"}
	}
	id := sha256.Sum256([]byte("kycmark request v1\n" + strconv.Quote(v.token.Name) + key))
	o := &once{store: s.store, id: id, mac: hmac.New(sha256.New, []byte(key))}
	o.part(v.route.id)
	o.part(r.URL.Path)
	for _, name := range submitHeaders {
		o.part(strings.Join(r.Header.Values(name), ","))
	}
	return o, nil
}

// mediaType checks the media type of a body. A request without one passes.
func mediaType(r *http.Request, kind bodyKind) error {
	given := r.Header.Get("Content-Type")
	if given == "" || kind == dumpBody {
		return nil
	}
	media, _, err := mime.ParseMediaType(given)
	wanted, ok := "application/json", media == "application/json"
	if kind == pictureBody {
		wanted = "image/*, application/pdf or application/octet-stream"
		ok = strings.HasPrefix(media, "image/") || media == "application/pdf" || media == "application/octet-stream"
	}
	if ok && err == nil {
		return nil
	}
	return &Problem{Status: http.StatusUnsupportedMediaType, Object: "Content-Type", Problem: "it is not supported", Wanted: wanted,
		Todo: "send the body as it is, with its media type"}
}

// received counts a body. At its end the deadline goes, since it would end the request.
type received struct {
	io.ReadCloser
	v       *visit
	control *http.ResponseController
	lease   *memory.Lease
	room    int64 // bytes of the body that lease is for
}

// take takes memory for the body.
func (b *received) take(n int64) error {
	if b.lease.Try(n) {
		return nil
	}
	return &Problem{Status: http.StatusTooManyRequests, Object: "server", Problem: "other requests have the memory for bodies", Todo: later, again: retryAfter}
}

func (b *received) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.v.received += int64(n)
	for ; err == nil && b.v.received > b.room; b.room += bodyStep / 2 {
		err = b.take(bodyStep)
	}
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{}) // a recorder of tests has none
	} else if err != nil {
		err = bodyError{err}
	}
	return n, err
}

// traceParent is the W3C header with the IDs of a trace and of the caller's span in it.
var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)`)

// leave writes the line of log of a request, and counts it. A panic becomes an answer.
func (s *Service) leave(r *http.Request, v *visit) {
	if x := recover(); x != nil {
		s.Log.Error("panic", "request_id", v.id, "stack", string(debug.Stack())) // its value may be personal data
		v.refuse("request", errors.New("panic"))
	}
	s.metrics.active.Dec()
	took, pattern, method := time.Since(v.at), "", "other"
	if v.route != nil {
		pattern, method = v.route.path, v.route.method
	}
	if v.failed != nil && errors.Is(v.failed, context.Canceled) {
		v.status = statusGone
	}
	caller := traceParent.FindStringSubmatch(r.Header.Get("Traceparent"))
	s.metrics.duration.WithLabelValues(method, pattern, strconv.Itoa(v.status)).Observe(took.Seconds())
	s.spans.add(caller, v, method, pattern, took)
	s.metrics.received.Add(float64(v.received))
	line := []any{"request_id", v.id, "http.request.method", method, "http.route", pattern, "http.response.status_code", v.status,
		"duration_ms", float64(took.Microseconds()) / 1000, "http.request.body.size", v.received}
	if v.token != nil {
		line = append(line, "token", v.token.ID)
	}
	if caller != nil {
		line = append(line, "trace_id", caller[1], "parent_span_id", caller[2])
	}
	level := slog.LevelInfo
	if v.status >= 500 || v.cut && v.status != statusGone {
		level = slog.LevelError
		line = append(line, "error", Cause(v.failed))
	}
	s.Log.Log(r.Context(), level, "request", line...)
	if v.cut {
		panic(http.ErrAbortHandler)
	}
}

// Cause is the innermost text of an error, without quotes: the texts around it may have names. Of a bucket's server it is the code.
func Cause(err error) string {
	if e := (minio.ErrorResponse{}); errors.As(err, &e) {
		return e.Code
	}
	for err != nil {
		var next error
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			next = x.Unwrap()
		case interface{ Unwrap() []error }:
			if all := x.Unwrap(); len(all) > 0 {
				next = all[len(all)-1]
			}
		}
		if next == nil {
			return quoted.ReplaceAllString(lastLine(err), "“…”")
		}
		err = next
	}
	return ""
}
