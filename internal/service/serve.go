package service

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"github.com/kycmark/kycmark/verify/registry"
)

// maxHeader is the max size of the header of a request, bytes. A subject, recipients that held an upload and a token
// fit several times. Chosen.
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
// Without them the error wraps [registry.ErrInput] if the address is not [Loopback], unless a proxy in front of it
// does TLS.
func Listen(ctx context.Context, address, certificate, key string, behindProxy bool) (net.Listener, error) {
	if (certificate == "") != (key == "") {
		return nil, fmt.Errorf("%w: TLS needs a certificate and its key, got one of them", registry.ErrInput)
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
		ReadHeaderTimeout: s.times.Header, IdleTimeout: s.times.Idle, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(discardErrors{s.log.Handler()}, slog.LevelDebug),
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
	limit, cancel := context.WithTimeout(base, s.times.Drain)
	defer cancel()
	err := server.Shutdown(limit)
	if err != nil {
		cut()
		err = errors.Join(fmt.Errorf("requests had not ended after %s, and were cut off: %w", s.times.Drain, err), server.Close())
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
