package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// books gathers what the odds need: recipients, the copies of each submission that leaks show, days,
// and what each recipient had by day. All of it is counted twice: up to the time of the find that cfg has
// ([weigh.Basis.Dated]), and whatever the dates. If only named submissions were searched, the counts are of these and of
// what leaks show. Errors are the registry's, as they are.
func (g *gathering) books(ctx context.Context, cfg weigh.Basis) error {
	b := g.facts
	all, err := g.cfg.Registry.Recipients(ctx)
	if err != nil {
		return err
	}
	reviewers := make(map[string]string)
	for _, r := range all {
		if r.Of == "" {
			b.Recipients = append(b.Recipients, r)
		} else if !r.Erased() {
			reviewers[r.Ref] = r.Name
		}
	}
	looked := make(map[watermark.Submission][]time.Time)
	for _, l := range findings.Views(g.leaks) { // a copy counts that was handed out by one of these times
		for _, at := range []time.Time{g.cfg.Found, books.Earliest(g.cfg.Found, l.Known)} {
			if !l.Matched() || slices.Contains(looked[l.Submission], at) {
				continue
			}
			looked[l.Submission] = append(looked[l.Submission], at)
			had := b.Copies[l.Submission]
			copies, err := examine.HandedOut(ctx, g.cfg.Registry, l.Submission, at)
			if err != nil {
				return err
			}
			b.Copies[l.Submission] = append(had, slices.DeleteFunc(copies, func(c books.Copy) bool {
				return slices.ContainsFunc(had, func(o books.Copy) bool { return o.ID == c.ID })
			})...)
		}
	}
	e := g.x.Engine()
	if b.Holdings, err = e.Holdings(ctx, !cfg.SearchedNamed(), cfg.Before, cfg.Admissible); err != nil { // after the copies: no day of theirs is missing
		return err
	}
	b.History = historyOf(b.Holdings, b.Recipients)
	b.History.Reviewers = reviewers
	if cfg.SearchedNamed() {
		return g.namedBooks(ctx, cfg)
	}
	if b.Ever, err = e.Holdings(ctx, true, time.Time{}, func(books.Custody) bool { return true }); err != nil {
		return err
	}
	b.Holdings.Extend(len(b.Ever.Days))
	for i, n := range b.Ever.Submissions {
		b.Cells = append(b.Cells, odds.Cell{From: b.Ever.Days[i], Submissions: b.Holdings.Submissions[i], All: n})
	}
	return g.countErased(ctx, cfg)
}

// countErased adds the submissions that leaks show and that were erased since, because the registry's counts no
// longer contain them. Submissions that the registry does not know are passed over.
func (g *gathering) countErased(ctx context.Context, cfg weigh.Basis) error {
	b := g.facts
	for _, l := range findings.Shown(g.leaks) {
		if len(b.Cells) == 0 {
			continue
		}
		_, err := g.cfg.Registry.Submission(ctx, l.Submission)
		switch {
		case errors.Is(err, registry.ErrErased):
			b.Add(cfg, odds.CellOf(b.Cells, l.Submitted), weigh.Held{Submitted: l.Submitted, Copies: b.Copies[l.Submission], Custody: l.Custody})
		case err != nil && !errors.Is(err, registry.ErrNotFound):
			return err
		}
	}
	return nil
}

// historyOf returns the history that a findings file holds. Lists of submissions in custody are reduced to their
// length, and the lists of a day to one: vendors' events make a list of each upload.
func historyOf(h *holdings.Holdings, recipients []books.Recipient) findings.History {
	out := findings.History{Submitted: daily(h.Submitted)}
	if len(h.Days) > 0 { // without erased uploads, as in the case
		out.Submitted = nil
		for i, n := range h.Submissions[:len(h.Days)] {
			if n > 0 {
				out.Submitted = append(out.Submitted, findings.DayCount{Day: h.Days[i], N: n})
			}
		}
	}
	type ofDay struct {
		recipient string
		day       time.Time
	}
	spans, lists := make(map[string][]findings.CustodySpan), make(map[ofDay]int)
	for i := range h.Facts {
		c := &h.Facts[i]
		all, x := spans[c.Recipient], findings.CustodySpan{From: c.From, To: c.To, Listed: len(c.Submissions)}
		k := ofDay{c.Recipient, c.From.UTC().Truncate(24 * time.Hour)}
		at, more := lists[k]
		switch within := x.Listed > 0 && x.To.Before(k.day.Add(24*time.Hour)); {
		case within && more:
			of := &all[at]
			of.Listed += x.Listed
			if x.From.Before(of.From) {
				of.From = x.From
			}
			if x.To.After(of.To) {
				of.To = x.To
			}
			continue
		case within:
			lists[k] = len(all)
		}
		spans[c.Recipient] = append(all, x)
	}
	for _, r := range recipients {
		out.Recipients = append(out.Recipients, findings.RecipientHistory{Name: r.Name, Kind: r.Kind, Issued: daily(h.Issued[r.Name]), Custody: spans[r.Name]})
	}
	return out
}

func daily(counts []books.Issued) []findings.DayCount {
	return each.Of(counts, func(c books.Issued) findings.DayCount { return findings.DayCount{Day: c.Day, N: c.Count} })
}

// namedBooks is for searches of named submissions alone: it counts these, and what leaks show beside them, in
// one cell of time. The history is of the whole registry, and no holder's custody is counted from it.
func (g *gathering) namedBooks(ctx context.Context, cfg weigh.Basis) error {
	b := g.facts
	b.Holdings.Unmarked = make(map[string][]int)
	b.Ever = &holdings.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}
	for _, l := range findings.Shown(g.leaks) {
		b.CountOne(cfg, weigh.Held{Submitted: l.Submitted, Copies: b.Copies[l.Submission], Custody: l.Custody})
	}
	for _, id := range g.cfg.Against {
		if _, known := b.Copies[id]; known {
			continue // a leak shows it
		}
		s, err := g.cfg.Registry.Submission(ctx, id)
		if errors.Is(err, registry.ErrErased) {
			continue // as in the comparison
		}
		if err != nil {
			return err
		}
		copies, err1 := examine.HandedOut(ctx, g.cfg.Registry, id, g.cfg.Found)
		custody, err2 := g.cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: id})
		if err := cmp.Or(err1, err2); err != nil {
			return err
		}
		b.CountOne(cfg, weigh.Held{Submitted: s.Submitted, Copies: copies, Custody: custody})
	}
	return nil
}
