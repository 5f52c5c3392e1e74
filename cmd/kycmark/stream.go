package main

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// stream is stdout or stderr, safe for concurrent use. While a progress bar is shown it
// writes above the bar. It keeps its first error, because callers of fmt ignore errors.
type stream struct {
	w        io.Writer
	terminal bool

	mu     sync.Mutex
	bar    io.Writer
	failed error
}

// newStream makes a stream that writes to w and knows whether w is a terminal.
func newStream(w io.Writer) *stream {
	f, ok := w.(*os.File)
	return &stream{w: w, terminal: ok && cwriter.IsTerminal(int(f.Fd()))}
}

// Write writes p above the progress bar if there is one, else to w. It notes the first error of w
// in s.failed, which decides the exit code. Errors of the bar are returned, not noted.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		if n, err := s.bar.Write(p); !errors.Is(err, mpb.ErrDone) { // the bar ends with its context
			return n, err
		}
	}
	n, err := s.w.Write(p)
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return n, err
}

// above makes later writes go through a progress bar; nil ends that. It does nothing for a stream
// that is no terminal.
func (s *stream) above(bar io.Writer) {
	if s.terminal {
		s.mu.Lock()
		s.bar = bar
		s.mu.Unlock()
	}
}

// progress shows a bar of total steps, named what, on stderr if that is a terminal, else nothing.
// Call step after each step, from any goroutine, and done at the end, also after an error. ctx ends
// the bar as well. Both functions are never nil.
func (u *ui) progress(ctx context.Context, what string, total int) (step, done func()) {
	show, done := u.progressOf(ctx, what)
	var n atomic.Int64
	return func() { show(int(n.Add(1)), total) }, done
}

// progressOf is [ui.progress] for work that counts for itself: show sets the bar to n of total, and
// may raise the total. The bar appears with the first call. show may be called from any goroutine;
// done may be called more than once.
func (u *ui) progressOf(ctx context.Context, what string) (show func(n, total int), done func()) {
	if !u.err.terminal {
		return func(int, int) {}, func() {}
	}
	b := &bar{ui: u, ctx: ctx, what: what}
	return b.show, b.done
}

type bar struct {
	ui   *ui
	ctx  context.Context // of the work, ends the bar
	what string

	mu   sync.Mutex
	at   int
	pool *mpb.Progress
	bar  *mpb.Bar
}

// show moves the bar to n of total, and draws it at the first call. A lower n than before is
// ignored, because workers may report out of order; total is always taken over.
func (b *bar) show(n, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		b.start()
	}
	b.at = max(b.at, n) // workers may report out of order
	b.bar.SetTotal(int64(total), false)
	b.bar.SetCurrent(int64(b.at))
}

// start draws the bar and makes both streams write above it. It sets b.pool and b.bar. The caller
// holds b.mu.
func (b *bar) start() {
	b.pool = mpb.NewWithContext(b.ctx, mpb.WithOutput(b.ui.err.w), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))
	b.bar = b.pool.AddBar(0, // the total may rise, and done alone ends it
		mpb.PrependDecorators(decor.Name(b.what+" "), decor.CountersNoUnit("%d/%d ")),
		mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO)))
	b.ui.err.above(b.pool)
	b.ui.out.above(b.pool)
}

// done takes the bar away and makes both streams write as before. It may be called more than once;
// a later show draws a new bar.
func (b *bar) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return
	}
	b.ui.err.above(nil)
	b.ui.out.above(nil)
	b.bar.Abort(true)
	b.pool.Wait()
	b.pool = nil
}
