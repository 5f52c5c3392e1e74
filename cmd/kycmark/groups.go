package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/verify"
)

// kindSearch begins the kinds of jobs that search a group of segments: the number of the group and of all follow.
const kindSearch = "search"

func searchKind(group, of int) string { return fmt.Sprintf("%s-%d-%d", kindSearch, group, of) }

// maxGroups bounds --groups. Chosen.
const maxGroups = 1000

// A divided registry has its segments of local features in groups, which other machines search.
type divided struct {
	n     int
	queue *jobs.Queue

	mu    sync.Mutex
	bases map[int]*verify.Investigator // of a worker, by the number of groups: what its jobs share
}

// divide has other machines search n groups of segments, in what b investigates; 0: nothing is divided. done
// closes the queue.
func (b *books) divide(ctx context.Context, n int) (done func(), err error) {
	if n == 0 {
		return func() {}, nil
	}
	if n < 1 || n > maxGroups {
		return nil, usagef("--groups %d: want from 1 to %d", n, maxGroups)
	}
	if !home.IsServer(b.home.Address()) {
		return nil, usagef("--groups: a registry in a file has no queue, want a registry in PostgreSQL")
	}
	_, seal, err := b.keys()
	if err != nil {
		return nil, err
	}
	q, err := jobs.Open(ctx, b.home.Address(), b.registry.ID(), seal)
	if err != nil {
		return nil, err
	}
	b.divided = &divided{n: n, queue: q}
	return q.Close, nil
}

// groups asks workers of the groups. A group without a worker does not answer.
func (d *divided) groups() verify.Groups {
	if d == nil || d.n == 0 {
		return verify.Groups{}
	}
	return verify.Groups{N: d.n, Ask: func(ctx context.Context, group int, question []byte) (answer []byte, err error) {
		kind := searchKind(group, d.n)
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		one := func(yield func(jobs.Job, error) bool) {
			yield(jobs.Job{Kind: kind, Do: json.RawMessage(question)}, nil)
		}
		err = d.queue.Run(ctx, one, func(_ jobs.Job, result json.RawMessage, failed error) error {
			answer = result
			return failed
		}, func(why error) {
			if errors.Is(why, jobs.ErrUnattended) {
				cancel(why)
			}
		})
		if why := context.Cause(ctx); errors.Is(why, jobs.ErrUnattended) {
			err = why
		}
		return answer, err
	}}
}

// base returns what an investigation of a worker shares with its others: see [verify.Investigator.With].
func (d *divided) base(whole *verify.Investigator, cfg verify.Config) (*verify.Investigator, error) {
	if cfg.Groups.N == 0 {
		return whole, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bases[cfg.Groups.N] == nil {
		base, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, SealKey: cfg.SealKey, Groups: cfg.Groups, Limits: verify.Limits{MaxMemory: cfg.MaxMemory}})
		if err != nil {
			return nil, err
		}
		if d.bases == nil {
			d.bases = make(map[int]*verify.Investigator)
		}
		d.bases[cfg.Groups.N] = base
	}
	return d.bases[cfg.Groups.N], nil
}

// holds returns the function that searches one group, such as "2/3", and its kind.
func (b *books) holds(group string) (string, jobs.Func, error) {
	var k, n int
	if _, err := fmt.Sscanf(group, "%d/%d", &k, &n); err != nil || k < 1 || k > n || n > maxGroups || group != fmt.Sprintf("%d/%d", k, n) {
		return "", nil, usagef("--group %s: want K/N, with K from 1 to N, and N up to %d", strings.TrimSpace(group), maxGroups)
	}
	h := verify.NewHolder(b.registry, b.worker.seal)
	return searchKind(k, n), func(ctx context.Context, question []byte) (any, error) {
		answer, err := h.Answer(ctx, question)
		return json.RawMessage(answer), err
	}, nil
}
