package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/kycmark/kycmark/watermark"
)

// Lists are the IDs that were issued under mark keys, by key, as far as they were needed. The zero Lists is ready, and
// safe for concurrent use.
type Lists struct {
	mu sync.Mutex
	of map[string]*issuedList
}

type issuedList struct {
	ids  []watermark.CopyID
	last int64 // number of the last copy
	list *watermark.List
	n    int // of ids are on list
}

// Of returns the list of the copies that were issued under a key until now.
func (l *Lists) Of(ctx context.Context, e *Engine, key *watermark.Key) (*watermark.List, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.of[key.ID()]
	if known == nil {
		if l.of == nil {
			l.of = make(map[string]*issuedList)
		}
		known = new(issuedList)
		l.of[key.ID()] = known
	}
	ids, last, err := e.store.IssuedAfter(ctx, key.ID(), known.last)
	if err != nil {
		return nil, fmt.Errorf("list issued copies: %w", err)
	}
	known.ids, known.last = append(known.ids, ids...), last
	if known.list == nil || len(known.ids) > known.n {
		known.list, known.n = watermark.NewList(key, known.ids), len(known.ids)
	}
	return known.list, nil
}
