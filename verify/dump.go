package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/registry"
)

// Weigh draws the leaks of one dump together: the counts, the evidence for each recipient, and the sentences. leaks
// come from this investigator or from JSON; Weigh changes none of them and returns copies in Verdicts. Leaks are
// incomplete in these if records of the registry that concern them were altered (Record.Altered). The error wraps
// [registry.ErrInput] if a leak is nil, [odds.ErrCase] if the books contradict the leaks, or is the registry's.
func (v *Investigation) Weigh(ctx context.Context, leaks []*findings.Finding) (*findings.Verdict, error) {
	record, err := v.record(ctx)
	if err != nil {
		return nil, err
	}
	if slices.Contains(leaks, nil) {
		return nil, fmt.Errorf("%w: a verdict is nil", registry.ErrInput)
	}
	if err := v.x.CheckRecords(ctx); err != nil {
		return nil, err
	}
	if record.Altered = v.x.Damage(); len(record.Altered) > 0 {
		return v.unweighed(leaks, record)
	}
	if leaks, err = v.restored(ctx, leaks); err != nil {
		return nil, err
	}
	before, err := v.past(ctx, leaks)
	if err != nil {
		return nil, err
	}
	books, err := v.books(ctx, leaks, v.cfg.basis().Dated(leaks, before.Earlier))
	if err == nil {
		books.Travel, err = v.travel(ctx, leaks)
	}
	if errors.Is(err, registry.ErrTampered) { // counts, or an upload that came back
		record.Altered = []string{err.Error()}
		return v.unweighed(leaks, record)
	}
	if err != nil {
		return nil, err
	}
	books.Past = before
	if books.Same, books.NotCompared, err = v.x.SameDocuments(ctx, leaks); err != nil {
		return nil, err
	}
	w, err := weigh.Weigh(leaks, books, v.cfg.basis(), len(record.Keys))
	if err != nil {
		return nil, err
	}
	w.Record = *record
	w.Speak()
	return &w.Verdict, v.conclude(ctx, &w.Verdict)
}

// unweighed is the verdict if records by which every leak is weighed were altered: the leaks that they concern are
// incomplete, and nothing is said of recipients or of times. No conclusion is entered.
func (v *Investigation) unweighed(leaks []*findings.Finding, record *findings.Record) (*findings.Verdict, error) {
	leaks = slices.Clone(leaks)
	for i, l := range leaks {
		if l.RestsOnRecords() {
			leaks[i] = conclude.WithoutRecords(l, v.cfg.given())
		}
	}
	w, err := weigh.Weigh(leaks, &weigh.Facts{}, v.cfg.basis(), len(record.Keys))
	if err != nil {
		return nil, err
	}
	w.Record = *record
	w.Speak()
	return &w.Verdict, nil
}

// restored returns copies of findings. Findings that were read from JSON get back from the registry what JSON leaves
// out: subject, time, and recipients of the copies that were read. What the registry no longer has stays empty.
func (v *Investigation) restored(ctx context.Context, leaks []*findings.Finding) ([]*findings.Finding, error) {
	out := slices.Clone(leaks)
	for i, l := range leaks {
		full := *l
		if (l.Private.Subject == "" || l.Submitted.IsZero()) && l.Matched() {
			s, err := v.cfg.Registry.Submission(ctx, l.Submission)
			if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrErased) {
				return nil, err
			}
			if err == nil {
				full.Private.Subject, full.Submitted, full.SubjectEntered = s.Subject, s.Submitted, s.SetAt
			}
		}
		if len(l.Private.Others) < len(l.Beside) {
			full.Beside, full.Private.Others = slices.Clone(l.Beside), nil
			if err := v.x.FillBeside(ctx, &full); err != nil && !errors.Is(err, registry.ErrNotFound) {
				return nil, err
			}
			for k := range full.Beside {
				full.Beside[k].Custody = l.Beside[k].Custody
			}
		}
		if len(l.Private.Marked) == 0 && len(l.Copies) > 0 {
			if err := v.restoreMarked(ctx, &full); err != nil {
				return nil, err
			}
		}
		out[i] = &full
	}
	return out, nil
}

// restoreMarked adds to l.Private.marked the recipients of all copies that were read in a leak.
func (v *Investigation) restoreMarked(ctx context.Context, l *findings.Finding) error {
	e := conclude.EvidenceOf(l, v.cfg.given())
	for _, r := range e.IssuedReads() {
		c, err := v.x.Issued(ctx, r.Copy, r.KeyID)
		if err != nil {
			return err
		}
		if c != nil {
			conclude.Mark(l, c.Recipient)
		}
	}
	return nil
}
