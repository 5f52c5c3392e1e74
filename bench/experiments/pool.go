package experiments

import (
	"context"
	"sync"
)

// A job is work on pictures: each is prepared once and then gives rise to tasks
// that may be done in any order.
type job struct {
	pictures int
	tasks    int // of a picture, for counting progress

	// prepare makes picture i ready for its tasks and reports whether it is;
	// release forgets it after the last of them.
	prepare func(ctx context.Context, i int) bool
	task    func(ctx context.Context, i, k int)
	release func(i int)

	progress func(done, total int)
}

// run works with so many goroutines until all is done or ctx ends, and returns
// when the last of them has. Tasks come before preparations, so that few pictures
// are held at a time.
func (j *job) run(ctx context.Context, workers int) error {
	p := &pool{job: j, left: make([]int, j.pictures)}
	p.changed.L = &p.mu
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for p.step(ctx) {
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	return nil
}

// pool hands out the work of a job.
type pool struct {
	*job
	mu        sync.Mutex
	changed   sync.Cond
	begun     int   // pictures prepared or being prepared
	preparing int   // of these, being prepared
	ready     []int // pictures with tasks not handed out, in order
	handed    int   // tasks handed out of the first of these
	left      []int // unfinished tasks by picture
	done      int   // tasks, counting all of a picture that cannot be prepared
}

// step does one piece of work and reports whether there was one.
func (p *pool) step(ctx context.Context) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for ctx.Err() == nil {
		switch {
		case len(p.ready) > 0:
			p.doTask(ctx)
			return true
		case p.begun < p.pictures:
			p.doPrepare(ctx)
			return true
		case p.preparing == 0:
			return false
		}
		p.changed.Wait()
	}
	return false
}

// doTask and doPrepare are called with the lock held, and let go of it while
// they work.

func (p *pool) doTask(ctx context.Context) {
	i, k := p.ready[0], p.handed
	p.handed++
	if p.handed == p.tasks {
		p.ready, p.handed = p.ready[1:], 0
	}
	p.mu.Unlock()
	p.task(ctx, i, k)
	p.mu.Lock()
	p.left[i]--
	if p.left[i] == 0 {
		p.release(i)
	}
	p.count(1)
}

func (p *pool) doPrepare(ctx context.Context) {
	i := p.begun
	p.begun++
	p.preparing++
	p.mu.Unlock()
	ok := p.prepare(ctx, i)
	p.mu.Lock()
	p.preparing--
	switch {
	case ok:
		p.left[i] = p.tasks
		p.ready = append(p.ready, i)
	default:
		p.release(i)
		p.count(p.tasks)
	}
	p.changed.Broadcast()
}

func (p *pool) count(n int) {
	p.done += n
	if p.progress != nil {
		p.progress(p.done, p.pictures*p.tasks)
	}
}
