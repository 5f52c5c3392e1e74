package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/watermark"
)

// Holdings counts submissions by the UTC day of their submission. Erased submissions do not count,
// since no leak can be matched with them. If byDay is false, Days and Submissions are nil, and Copies
// and Unmarked are empty. What was submitted or issued after until does not count; with the zero
// time everything counts. A custody fact counts if counts returns true for it.
func (e *Engine) Holdings(ctx context.Context, byDay bool, until time.Time, counts func(books.Custody) bool) (*holdings.Holdings, error) {
	if until.IsZero() {
		until = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}
	h := &holdings.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int), Issued: make(map[string][]books.Issued)}
	counted, err := e.store.CountDays(ctx, until)
	if err != nil {
		return nil, err
	}
	h.Submitted = counted.Submitted
	for _, x := range counted.Issued {
		h.Issued[x.Recipient] = append(h.Issued[x.Recipient], x)
	}
	facts, err := e.store.Custody(ctx)
	if err != nil {
		return nil, err
	}
	by := make(map[string][]books.Custody)
	for _, c := range facts {
		if c.Through == "" && counts(c) {
			h.Facts = append(h.Facts, c)
			by[c.Recipient] = append(by[c.Recipient], c)
		}
	}
	if !byDay {
		return h, nil
	}
	for _, x := range h.Submitted {
		h.Days, h.Submissions = append(h.Days, x.Day), append(h.Submissions, x.Count)
	}
	b := holdingsOf{e.store, h.Days, until, h.Submissions}
	for _, x := range counted.Erased {
		h.Submissions[b.at(x.Day)] -= x.Count
	}
	for _, x := range counted.Held {
		if h.Copies[x.Recipient] == nil {
			h.Copies[x.Recipient] = make([]int, len(b.days))
		}
		h.Copies[x.Recipient][b.at(x.Day)] = x.Count
	}
	for name, facts := range by {
		if h.Unmarked[name], err = b.unmarked(ctx, facts); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// A span of time, both ends included.
type span = [2]time.Time

// holdingsOf counts by days.
type holdingsOf struct {
	store records.Store
	days  []time.Time
	until time.Time
	all   []int
}

// whole returns the span of each day, both ends included, and not after until.
func (b *holdingsOf) whole() []span {
	out := make([]span, len(b.days))
	for i, day := range b.days {
		out[i] = span{day, day.AddDate(0, 0, 1).Add(-time.Microsecond)}
		if out[i][1].After(b.until) {
			out[i][1] = b.until
		}
	}
	return out
}

func (b *holdingsOf) at(t time.Time) int {
	return max(sort.Search(len(b.days), func(i int) bool { return b.days[i].After(t) })-1, 0)
}

// unmarked counts by day, once each, the submissions that one recipient's facts cover. b.all must count whole days.
func (b *holdingsOf) unmarked(ctx context.Context, facts []books.Custody) ([]int, error) {
	out := make([]int, len(b.days))
	var spans []span
	var lists []books.Custody
	for _, c := range facts {
		if len(c.Submissions) > 0 {
			lists = append(lists, c)
		} else {
			spans = append(spans, span{c.From, c.To})
		}
	}
	spans = union(spans)
	var parts []span
	for i, day := range b.whole() {
		for _, s := range spans {
			switch s = clip(s, day); {
			case s == day:
				out[i] = b.all[i]
			case !s[1].Before(s[0]):
				parts = append(parts, s)
			}
		}
	}
	n, err := b.store.CountSubmitted(ctx, parts...)
	for i := range n {
		out[b.at(parts[i][0])] += n[i]
	}
	if err == nil {
		err = b.listed(ctx, lists, spans, out)
	}
	for i, n := range b.all {
		out[i] = min(out[i], n) // more only of rows that were altered
	}
	return out, err
}

// listed adds to out, for each day, the submissions in the lists of facts, each once. Erased submissions are left
// out, and submissions outside of their fact's time, after until, or in any of spans, which are counted already.
func (b *holdingsOf) listed(ctx context.Context, facts []books.Custody, spans []span, out []int) error {
	submitted, err := b.submitted(ctx, facts)
	if err != nil {
		return err
	}
	for _, c := range facts {
		for _, id := range c.Submissions {
			at := submitted[id]
			if at.IsZero() || !holds(span{c.From, c.To}, at) || at.After(b.until) {
				continue // though another fact may hold it
			}
			delete(submitted, id) // it is counted once
			if !slices.ContainsFunc(spans, func(x span) bool { return holds(x, at) }) {
				out[b.at(at)]++
			}
		}
	}
	return nil
}

// submitted returns the times of the submissions in facts: the zero time for an erased one or an unreadable row.
func (b *holdingsOf) submitted(ctx context.Context, facts []books.Custody) (map[watermark.Submission]time.Time, error) {
	out := make(map[watermark.Submission]time.Time)
	for _, c := range facts {
		for _, id := range c.Submissions {
			out[id] = time.Time{}
		}
	}
	note := func(s *books.Submission) {
		if !s.Erased {
			out[s.ID] = s.Submitted
		}
	}
	for ids := range slices.Chunk(slices.Collect(maps.Keys(out)), readTogether) {
		rows, err := b.store.SubmissionsAmong(ctx, ids)
		if err != nil && !errors.Is(err, records.ErrTampered) {
			return nil, err
		}
		if err == nil && len(rows) == len(ids) {
			for i := range rows {
				note(&rows[i])
			}
			continue
		}
		for _, id := range ids { // which of them?
			if s, err := b.store.Submission(ctx, id); err == nil {
				note(s)
			} else if !errors.Is(err, records.ErrTampered) {
				return nil, fmt.Errorf("submission %s: %w", id, err)
			}
		}
	}
	return out, nil
}

// readTogether is how many submissions are read at a time. Chosen: one query has so many.
const readTogether = 250

// clip returns the part of s within day. If they do not overlap, the end of the result is before its begin.
func clip(s, day span) span {
	if s[0].Before(day[0]) {
		s[0] = day[0]
	}
	if s[1].After(day[1]) {
		s[1] = day[1]
	}
	return s
}

func holds(s span, t time.Time) bool { return !t.Before(s[0]) && !t.After(s[1]) }

// union sorts spans by their begin, in place, and returns new spans in which overlapping spans are joined.
func union(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a[0].Compare(b[0]) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && !s[0].After(out[n-1][1]) {
			if s[1].After(out[n-1][1]) {
				out[n-1][1] = s[1]
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// Lists are the needed IDs issued under mark keys, by key. The zero Lists is ready, and safe for concurrent use.
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
