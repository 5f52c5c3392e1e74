package ui

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// stream is stdout or stderr, safe for concurrent use. While a progress bar is shown it
// writes above the bar. It keeps its first error, because callers of fmt ignore errors.
type stream struct {
	W        io.Writer
	Terminal bool

	mu     sync.Mutex
	bar    *bar
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

// Write writes p above the progress bar if there is one, else to w.
func (s *stream) Write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	write := func() { n, err = s.W.Write(p) }
	if s.bar != nil {
		s.bar.above(write)
	} else {
		write()
	}
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return n, err
}

// under makes later writes of a terminal go above a progress bar; nil ends that.
func (s *stream) under(b *bar) {
	if s.Terminal {
		s.mu.Lock()
		s.bar = b
		s.mu.Unlock()
	}
}

// Progress shows a bar of total steps, named what, on stderr if that is a terminal. Call step after each step, from
// any goroutine, and done at the end, also after an error. ctx ends the bar as well.
func (u *UI) Progress(ctx context.Context, what string, total int) (step, done func()) {
	show, done := u.ProgressOf(ctx, what)
	var n atomic.Int64
	return func() { show(int(n.Add(1)), total) }, done
}

// ProgressOf is [UI.Progress] for work that counts for itself: show sets the bar to n of total, and
// may raise the total. The bar appears with the first call. show may be called from any goroutine;
// done may be called more than once, and ends the bar for good.
func (u *UI) ProgressOf(ctx context.Context, what string) (show func(n, total int), done func()) {
	if !u.Err.Terminal {
		return func(int, int) {}, func() {}
	}
	b := &bar{w: u.Err.W, what: what, began: time.Now()}
	u.Err.under(b)
	u.Out.under(b)
	done = sync.OnceFunc(func() {
		u.Err.under(nil)
		u.Out.under(nil)
		b.above(func() { b.ended = true })
	})
	context.AfterFunc(ctx, done)
	return b.show, done
}

const (
	barWidth   = 40                     // characters
	barRefresh = 100 * time.Millisecond // between two drawings
	clearLine  = "\r\x1b[K"
)

// A bar is a line at the bottom of the terminal.
type bar struct {
	w     io.Writer
	what  string
	began time.Time

	mu        sync.Mutex
	at, total int
	drawn     time.Time // zero: not yet
	ended     bool
}

// show moves the bar to n of total. A lower n than before is ignored, because workers may report out of
// order; total is always taken over.
func (b *bar) show(n, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at, b.total = max(b.at, n), total
	if !b.ended && time.Since(b.drawn) >= barRefresh {
		b.draw()
	}
}

// above takes the bar away, calls f, and draws the bar again unless it has ended.
func (b *bar) above(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.drawn.IsZero() {
		io.WriteString(b.w, clearLine)
	}
	if f(); !b.drawn.IsZero() && !b.ended {
		b.draw()
	}
}

// draw draws the bar with the time that is left, if the rest takes as long. The caller holds b.mu.
func (b *bar) draw() {
	b.drawn = time.Now()
	total := max(b.total, b.at, 1)
	left := time.Duration(0)
	if b.at > 0 {
		left = time.Duration(float64(b.drawn.Sub(b.began)) * float64(total-b.at) / float64(b.at)).Round(time.Second)
	}
	full := barWidth * b.at / total
	fmt.Fprintf(b.w, "%s%s %d/%d [%s%s] %s", clearLine, b.what, b.at, total, strings.Repeat("=", full), strings.Repeat("-", barWidth-full), left)
}
