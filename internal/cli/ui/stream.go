package ui

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// stream is stdout or stderr, safe for concurrent use. It keeps its first error, because callers of fmt ignore errors.
type stream struct {
	W        io.Writer
	Terminal bool

	below *stream // whose count is below what is written here; nil: no such stream

	mu     sync.Mutex
	count  string // how far a work is, the last line of the terminal; "": none is shown
	drawn  time.Time
	failed error
}

func newStream(w io.Writer) *stream {
	s := &stream{W: w}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		s.Terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

func (s *stream) Write(p []byte) (n int, err error) {
	if s.below != nil {
		s.below.mu.Lock()
		s.below.clear()
		s.below.mu.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	if n, err = s.W.Write(p); err != nil && s.failed == nil {
		s.failed = err
	}
	return n, err
}

// clear takes away what [stream.show] wrote. The caller holds s.mu.
func (s *stream) clear() {
	if s.count != "" {
		io.WriteString(s.W, "\r\x1b[K")
		s.count = ""
	}
}

const showRefresh = 100 * time.Millisecond // between two counts

// show writes how far a work is, unless it did so just now.
func (s *stream) show(count string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.drawn) >= showRefresh {
		s.clear()
		s.count, s.drawn = count, time.Now()
		io.WriteString(s.W, count)
	}
}

// Progress shows how many of total steps of the work what are done, on stderr if that is a terminal. Call step after each step, from
// any goroutine, and done at the end, also after an error. ctx ends it as well.
func (u *UI) Progress(ctx context.Context, what string, total int) (step, done func()) {
	show, done := u.ProgressOf(ctx, what)
	var n atomic.Int64
	return func() { show(int(n.Add(1)), total) }, done
}

// ProgressOf is [UI.Progress] for work that counts for itself: show says that n of total are done. show may be called from any
// goroutine; done may be called more than once.
func (u *UI) ProgressOf(ctx context.Context, what string) (show func(n, total int), done func()) {
	if !u.Err.Terminal {
		return func(int, int) {}, func() {}
	}
	done = sync.OnceFunc(func() {
		u.Err.mu.Lock()
		defer u.Err.mu.Unlock()
		u.Err.clear()
	})
	context.AfterFunc(ctx, done)
	return func(n, total int) { u.Err.show(fmt.Sprintf("%s %d of %d", what, n, max(n, total))) }, done
}
