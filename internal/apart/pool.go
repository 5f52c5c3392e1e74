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

// NewPool returns a pool of processes for j. Each input has a time of its own in the place of MaxTime.
func NewPool(j Job) *Pool { return &Pool{job: j} }

// A request goes before the bytes of an input.
type request struct {
	Kind string `json:"kind"`
	Size int    `json:"size"` // bytes
}

// Ask reads an input in a process, as [Run] does, with the reader of [ServePool], within so much processor time on Linux.
// It returns how much was spent. begin returns what is called for each file. If a process that read other inputs dies,
// Ask tries another and calls begin again: files of the failed try must not count.
func (p *Pool) Ask(ctx context.Context, limit time.Duration, kind string, input []byte, begin func() func(name string, regular bool, r io.Reader) error) (spent time.Duration, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return spent, err
		}
		if limit <= spent {
			return spent, ErrTime
		}
		w, used := p.take(limit-spent), true
		if w == nil {
			job := p.job
			job.MaxTime = int64((limit - spent + time.Second - 1) / time.Second)
			if w, err = job.start(context.WithoutCancel(ctx), nil); err != nil {
				return spent, err
			}
			used = false
		}
		before := w.spent
		stop := context.AfterFunc(ctx, w.kill)
		stopped, err := w.ask(request{kind, len(input)}, input, begin())
		if stop() && err == nil {
			spent += w.spent - before
			p.giveBack(w)
			return spent, nil
		}
		err = w.ended(ctx, stopped, err)
		if spent += w.spent - before; !stopped || !used || ctx.Err() != nil {
			return spent, err
		}
	}
}

// ask sends a request and reads the answer. stopped reports whether the process ended before the end of the answer.
func (p *process) ask(r request, input []byte, visit func(name string, regular bool, r io.Reader) error) (stopped bool, err error) {
	head, err := json.Marshal(r)
	if err != nil {
		return false, err
	}
	if _, err = p.in.Write(append(head, '\n')); err == nil {
		_, err = p.in.Write(input)
	}
	if err != nil {
		return true, err
	}
	return p.read(visit)
}

// take returns a process that waits, or nil. Its limit leaves it no more time than limit, rounded up, and at least half as much.
func (p *Pool) take(limit time.Duration) *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range slices.Backward(p.idle) {
		if rest := time.Duration(w.job.MaxTime)*time.Second - w.spent; rest < limit+time.Second && rest >= limit/2 {
			p.idle = slices.Delete(p.idle, i, i+1)
			return w
		}
	}
	return nil
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
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, w := range idle {
		w.ended(context.Background(), false, nil)
	}
}

// ServePool is the other end of [Pool.Ask], as [Serve] is that of [Run]. It calls ready with the pool's kind before the process is
// confined; an error of it is that of each input. The process ends when there are no more inputs: its parent has ended.
func ServePool(verb string, ready func(kind string) error, reader func(kind string, input []byte, w *Writer) error) (served bool) {
	if !started(verb) {
		return false
	}
	unready := ready(os.Args[2])
	confine()
	w, inputs := NewWriter(os.Stdout), make(chan input)
	go receive(inputs)
	for in := range inputs {
		if !w.serve(func(w *Writer) error {
			if unready != nil {
				return unready
			}
			return reader(in.kind, in.data, w)
		}) {
			return true
		}
	}
	return true
}

// An input is what a process is asked to read.
type input struct {
	kind string
	data []byte
}

// receive sends inputs from stdin to the channel, also while one is read: so it finds the end of the parent, and ends the process.
func receive(to chan<- input) {
	in := bufio.NewReaderSize(os.Stdin, maxLine)
	for {
		text, err := in.ReadSlice('\n')
		var r request
		if err == nil {
			err = json.Unmarshal(text, &r)
		}
		data := make([]byte, max(r.Size, 0))
		if err == nil {
			_, err = io.ReadFull(in, data)
		}
		if err != nil {
			os.Exit(0)
		}
		to <- input{r.Kind, data}
	}
}

// Waiting returns the processes that wait: for tests.
func (p *Pool) Waiting() (all []*os.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.idle {
		all = append(all, w.cmd.Process)
	}
	return all
}
