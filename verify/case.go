package verify

import (
	"context"
	"errors"
	"time"

	rows "github.com/kycmark/kycmark/internal/books"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// books reads from the registry what the odds need: recipients, the copies of each submission that
// leaks show, days, and what each recipient had by day. All of it is counted twice: up to
// the time of the find that cfg has ([Config.dated]), and whatever the dates. If only named submissions
// were searched, the counts are of these and of what leaks show. Errors are the registry's, as they
// are.
func (v *Investigator) books(ctx context.Context, leaks []*Finding, cfg Basis) (*books, error) {
	b := &books{copies: make(map[watermark.Submission][]registry.Copy)}
	var err error
	if b.recipients, err = v.cfg.Registry.Recipients(ctx); err != nil {
		return nil, err
	}
	for _, l := range shown(leaks) {
		all, err := v.cfg.Registry.Copies(ctx, l.Submission)
		if err != nil {
			return nil, err
		}
		b.copies[l.Submission] = handedOut(all)
	}
	e := v.engine()
	if b.holdings, err = e.Holdings(ctx, !cfg.searchedNamed(), cfg.before, cfg.admissible); err != nil { // after the copies: no day of theirs is missing
		return nil, err
	}
	b.history = historyOf(b.holdings, b.recipients)
	if cfg.searchedNamed() {
		return b, v.namedBooks(ctx, cfg, b, leaks)
	}
	if b.ever, err = e.Holdings(ctx, true, time.Time{}, func(registry.Custody) bool { return true }); err != nil {
		return nil, err
	}
	b.holdings.Extend(len(b.ever.Days))
	for i, n := range b.ever.Submissions {
		b.cells = append(b.cells, odds.Cell{From: b.ever.Days[i], Submissions: b.holdings.Submissions[i], All: n})
	}
	return b, v.countErased(ctx, cfg, b, leaks)
}

// countErased adds to b the submissions that leaks show and that were erased since, because the registry's counts no
// longer contain them. Submissions that the registry does not know are passed over.
func (v *Investigator) countErased(ctx context.Context, cfg Basis, b *books, leaks []*Finding) error {
	for _, l := range shown(leaks) {
		if len(b.cells) == 0 {
			continue
		}
		_, err := v.cfg.Registry.Submission(ctx, l.Submission)
		switch {
		case errors.Is(err, registry.ErrErased):
			b.add(cfg, odds.CellOf(b.cells, l.Submitted), held{submitted: l.Submitted, copies: b.copies[l.Submission], custody: l.Custody})
		case err != nil && !errors.Is(err, registry.ErrNotFound):
			return err
		}
	}
	return nil
}

// historyOf returns the history that a findings file holds. Lists of submissions in custody are reduced to their
// length.
func historyOf(h *engine.Holdings, recipients []registry.Recipient) findings.History {
	out := findings.History{Submitted: daily(h.Submitted)}
	if len(h.Days) > 0 { // without erased uploads, as in the case
		out.Submitted = nil
		for i, n := range h.Submissions[:len(h.Days)] {
			if n > 0 {
				out.Submitted = append(out.Submitted, findings.DayCount{Day: h.Days[i], N: n})
			}
		}
	}
	for _, r := range recipients {
		x := findings.RecipientHistory{Name: r.Name, Kind: r.Kind, Issued: daily(h.Issued[r.Name])}
		for _, c := range h.Facts {
			if c.Recipient == r.Name {
				x.Custody = append(x.Custody, findings.CustodySpan{From: c.From, To: c.To, Listed: len(c.Submissions)})
			}
		}
		out.Recipients = append(out.Recipients, x)
	}
	return out
}

// daily returns counts as a findings file holds them.
func daily(counts []rows.Issued) (out []findings.DayCount) {
	for _, c := range counts {
		out = append(out, findings.DayCount{Day: c.Day, N: c.Count})
	}
	return out
}
