package apart

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// maxIdle is how long a process waits for a further input. Chosen.
const maxIdle = 3 * time.Second

// A Pool has processes that read several inputs, one after the other, and several at a time. A process
// that ended early, or at an error, is not asked again. It is safe for concurrent use.
type Pool struct {
	job Job

	mu   sync.Mutex
	idle []*process
}

// NewPool returns a pool of processes for j, without a kind.
func NewPool(j Job) *Pool { return &Pool{job: j} }

// A request goes before the bytes of an input.
type request struct {
	Kind string `json:"kind"`
	Size int    `json:"size"` // bytes
}

// Ask has an input read as [Run] does, by the reader that [ServePool] serves. begin returns what is called
// for each file. It is called twice if a process that read another input before ends early: what it had
// to do with that input, and the time that this took, must not reach this one.
func (p *Pool) Ask(ctx context.Context, kind string, input []byte, begin func() func(name string, regular bool, r io.Reader) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, used := p.take(), true
		if w == nil {
			var err error
			if w, err = p.job.start(context.WithoutCancel(ctx), nil); err != nil {
				return err
			}
			used = false
		}
		stop := context.AfterFunc(ctx, w.end)
		stopped, err := w.ask(request{kind, len(input)}, input, begin())
		if stop() && err == nil {
			p.giveBack(w)
			return nil
		}
		if err = w.ended(ctx, stopped, err); !stopped || !used || ctx.Err() != nil {
			return err
		}
	}
}

// ask sends a request and reads the answer. stopped reports whether the process ended before its end.
func (w *process) ask(r request, input []byte, each func(name string, regular bool, r io.Reader) error) (stopped bool, err error) {
	head, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	if _, err = w.in.Write(append(head, '\n')); err == nil {
		_, err = w.in.Write(input)
	}
	if err != nil {
		return true, err
	}
	return read(w.out, each)
}

// take returns a process that waits, or nil.
func (p *Pool) take() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	w := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return w
}

// giveBack lets a process wait for at most maxIdle.
func (p *Pool) giveBack(w *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, w)
	w.asked++
	now := w.asked
	time.AfterFunc(maxIdle, func() {
		p.mu.Lock()
		i := slices.Index(p.idle, w)
		if i < 0 || w.asked != now {
			p.mu.Unlock()
			return
		}
		p.idle = slices.Delete(p.idle, i, i+1)
		p.mu.Unlock()
		w.ended(context.Background(), false, nil)
	})
}

// Close ends the processes that wait. The pool can be used again.
func (p *Pool) Close() {
	for w := p.take(); w != nil; w = p.take() {
		w.ended(context.Background(), false, nil)
	}
}

// ServePool is the other end of [Pool.Ask], as [Serve] is that of [Run]. It returns true when there are no
// more inputs.
func ServePool(verb string, reader func(kind string, input []byte, w *Writer) error) (served bool) {
	if !started(verb) {
		return false
	}
	in := bufio.NewReaderSize(os.Stdin, maxLine)
	for w := NewWriter(os.Stdout); ; {
		text, err := in.ReadSlice('\n')
		var r request
		if err != nil || json.Unmarshal(text, &r) != nil {
			return true
		}
		input := make([]byte, r.Size)
		if _, err := io.ReadFull(in, input); err != nil {
			return true
		}
		if !w.serve(func(w *Writer) error { return reader(r.Kind, input, w) }) {
			return true
		}
	}
}

// Waiting returns how many processes wait.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// Kill kills the processes that wait, which the pool does not know: for tests.
func (p *Pool) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.idle {
		w.cmd.Process.Kill()
	}
}
