package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
)

// Weigh draws the leaks of one dump together: the counts, the evidence for each recipient, and the
// sentences. leaks come from this investigator or from JSON; Weigh changes none of them and returns
// copies in Verdicts. Leaks are incomplete in these if records of the registry that concern them were altered
// (Record.Altered). The error wraps [registry.ErrInput] if a leak is nil, [odds.ErrCase] if the
// books contradict the leaks, or is the registry's.
func (v *Investigator) Weigh(ctx context.Context, leaks []*Finding) (*Verdict, error) {
	record, err := v.record(ctx)
	if err != nil {
		return nil, err
	}
	if slices.Contains(leaks, nil) {
		return nil, fmt.Errorf("%w: a verdict is nil", registry.ErrInput)
	}
	if err := v.checkRecords(ctx); err != nil {
		return nil, err
	}
	if record.Altered = v.damage(); len(record.Altered) > 0 {
		return v.unweighed(leaks, record)
	}
	if leaks, err = v.restored(ctx, leaks); err != nil {
		return nil, err
	}
	before, err := v.past(ctx, leaks)
	if err != nil {
		return nil, err
	}
	books, err := v.books(ctx, leaks, v.cfg.basis().dated(leaks, before.earlier))
	if errors.Is(err, registry.ErrTampered) { // counts, most likely
		record.Altered = []string{err.Error()}
		return v.unweighed(leaks, record)
	}
	if err != nil {
		return nil, err
	}
	books.past = before
	if books.travel, err = v.travel(ctx, leaks); err != nil {
		return nil, err
	}
	if books.same, books.notCompared, err = v.sameDocuments(ctx, leaks); err != nil {
		return nil, err
	}
	w, err := weigh(leaks, books, v.cfg.basis(), len(record.Keys))
	if err != nil {
		return nil, err
	}
	w.Record = *record
	w.speak()
	return &w.Verdict, v.conclude(ctx, &w.Verdict)
}

// unweighed is the verdict if records by which every leak is weighed were altered: the leaks that they concern are
// incomplete, and nothing is said of recipients or of times. No conclusion is entered.
func (v *Investigator) unweighed(leaks []*Finding, record *findings.Record) (*Verdict, error) {
	leaks = slices.Clone(leaks)
	for i, l := range leaks {
		if l.restsOnRecords() {
			leaks[i] = l.withoutRecords(v.cfg.given())
		}
	}
	w, err := weigh(leaks, &books{}, v.cfg.basis(), len(record.Keys))
	if err != nil {
		return nil, err
	}
	w.Record = *record
	w.speak()
	return &w.Verdict, nil
}

// restored returns copies of findings. Findings that were read from JSON get back from the registry what JSON leaves
// out: subject, time, and recipients of the copies that were read. What the registry no longer has stays empty.
func (v *Investigator) restored(ctx context.Context, leaks []*Finding) ([]*Finding, error) {
	out := slices.Clone(leaks)
	for i, l := range leaks {
		full := *l
		if (l.Private.subject == "" || l.Submitted.IsZero()) && l.matched() {
			s, err := v.cfg.Registry.Submission(ctx, l.Submission)
			if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrErased) {
				return nil, err
			}
			if err == nil {
				full.Private.subject, full.Submitted, full.SubjectEntered = s.Subject, s.Submitted, s.SetAt
			}
		}
		if len(l.Private.others) < len(l.Beside) {
			full.Beside, full.Private.others = slices.Clone(l.Beside), nil
			if err := v.fillBeside(ctx, &full); err != nil && !errors.Is(err, registry.ErrNotFound) {
				return nil, err
			}
			for k := range full.Beside {
				full.Beside[k].Custody = l.Beside[k].Custody
			}
		}
		if len(l.Private.marked) == 0 && l.Copy != 0 {
			if err := v.restoreMarked(ctx, &full); err != nil {
				return nil, err
			}
		}
		out[i] = &full
	}
	return out, nil
}

// restoreMarked adds to l.Private.marked the recipients of all copies that were read in a leak.
func (v *Investigator) restoreMarked(ctx context.Context, l *Finding) error {
	e := l.evidence(v.cfg.given())
	for _, r := range e.issuedReads() {
		c, err := v.issued(ctx, r.copy, r.keyID)
		if err != nil {
			return err
		}
		if c != nil {
			l.mark(c.Recipient)
		}
	}
	return nil
}
