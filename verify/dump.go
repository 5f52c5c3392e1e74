package verify

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
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
		return v.cfg.unweighed(leaks, record)
	}
	g := gathering{v, leaks, &weigh.Facts{Copies: make(map[watermark.Submission][]books.Copy)}}
	if err := g.past(ctx); err != nil {
		return nil, err
	}
	if err := g.restore(ctx); err != nil {
		return nil, err
	}
	err = g.books(ctx, v.cfg.basis().Dated(g.leaks, g.facts.Earlier))
	if err == nil {
		err = g.travel(ctx)
	}
	if errors.Is(err, registry.ErrTampered) { // counts, or an upload that came back
		record.Altered = []string{err.Error()}
		return v.cfg.unweighed(g.leaks, record)
	}
	if err != nil {
		return nil, err
	}
	if g.facts.Same, g.facts.NotCompared, err = v.x.SameDocuments(ctx, g.leaks); err != nil {
		return nil, err
	}
	w, err := weigh.Weigh(g.leaks, g.facts, v.cfg.basis(), len(record.Keys))
	if err != nil {
		return nil, err
	}
	w.Record = *record
	w.Speak()
	return &w.Verdict, v.conclude(ctx, &w.Verdict)
}

// unweighed is the verdict if records by which every leak is weighed were altered: the leaks that they concern are
// incomplete, and nothing is said of recipients or of times. No conclusion is entered.
func (c config) unweighed(leaks []*findings.Finding, record *findings.Record) (*findings.Verdict, error) {
	leaks = slices.Clone(leaks)
	for i, l := range leaks {
		if l.RestsOnRecords() {
			leaks[i] = conclude.WithoutRecords(l, c.given())
		}
	}
	w, err := weigh.Weigh(leaks, &weigh.Facts{}, c.basis(), len(record.Keys))
	if err != nil {
		return nil, err
	}
	w.Record = *record
	w.Speak()
	return &w.Verdict, nil
}

// A gathering reads from the registry what the leaks of a dump are weighed by.
type gathering struct {
	*Investigation
	leaks []*findings.Finding
	facts *weigh.Facts
}

// restore replaces the findings by copies. All get the subjects and times that the registry has now: a subject may be changed
// between two leaks of one upload. Findings that were read from JSON also get the recipients of the copies that were read. What the
// registry no longer has stays as it is.
func (g *gathering) restore(ctx context.Context) error {
	known := make(map[watermark.Submission]time.Time)
	for _, l := range findings.Views(g.leaks) {
		known[l.Submission] = books.Earliest(known[l.Submission], l.Known)
	}
	for i, l := range g.leaks {
		full := *l
		if l.Matched() {
			full.Beside, full.Private.Others = slices.Clone(l.Beside), maps.Clone(l.Private.Others)
			if err := g.x.FillSubjects(ctx, &full, func(of watermark.Submission) time.Time { return known[of] }); err != nil && !errors.Is(err, registry.ErrNotFound) {
				return err
			}
		}
		if len(l.Private.Marked) == 0 && len(l.Copies) > 0 {
			if err := g.restoreMarked(ctx, &full); err != nil {
				return err
			}
		}
		g.leaks[i] = &full
	}
	return nil
}

// restoreMarked adds to l.Private.marked the recipients of all copies that were read in a leak.
func (g *gathering) restoreMarked(ctx context.Context, l *findings.Finding) error {
	e := conclude.EvidenceOf(l, g.cfg.given())
	reads := e.IssuedReads()
	if l.Kind == findings.FoundCopy {
		reads = conclude.Conclude(e).Aside
	}
	for _, r := range reads {
		c, err := g.x.Issued(ctx, r.Copy, r.KeyID, l.Known)
		if err != nil {
			return err
		}
		if c != nil {
			conclude.Mark(l, c.Recipient)
		}
	}
	return nil
}

// past gathers the earlier investigations, in the order of entry. Some examined any of these files. Others
// examined published files with copies that are confirmed now.
func (g *gathering) past(ctx context.Context) error {
	sums, confirmed := make(map[string][32]byte), make(map[[32]byte][]watermark.CopyID)
	for _, l := range g.leaks {
		raw, err := hex.DecodeString(l.SHA256)
		if err != nil || len(raw) != 32 {
			continue
		}
		sums[l.SHA256] = [32]byte(raw)
		for _, c := range findings.ConfirmedCopies([]*findings.Finding{l}) {
			confirmed[[32]byte(raw)] = append(confirmed[[32]byte(raw)], c.ID)
		}
	}
	b := &g.facts.Past
	b.Public = make(map[weigh.Exposure]time.Time)
	first := int64(0)
	if own := g.entries(); len(own) > 0 {
		first = own[0]
	}
	all, exposed, known, err := g.x.Engine().Earlier(ctx, first, slices.Collect(maps.Values(sums)), confirmed, g.cfg.basis().Exposes)
	if err != nil {
		return err
	}
	g.leaks = slices.Clone(g.leaks)
	for i, l := range g.leaks {
		if dated := *l; l.Examined() {
			dated.Known = known[sums[l.SHA256]]
			g.leaks[i] = &dated
		}
	}
	for _, x := range all {
		e := findings.EarlierOf(&x.Began)
		e.Shared, e.Concluded, e.Named = x.Shared, x.Ended.Entered, x.Ended.Named
		if x.Shared > 0 {
			b.Earlier = append(b.Earlier, e)
		}
		if x.Exposes {
			b.Published = append(b.Published, e)
		}
	}
	for file, copies := range exposed {
		for id, since := range copies {
			b.Public[weigh.Exposure{File: hex.EncodeToString(file[:]), Copy: id}] = since
		}
	}
	return nil
}

// conclude enters what is concluded of a dump into the ledger, under the number of this investigator's last entry, if
// it has one. A later examination then knows that these copies were found in these files, and not in others.
func (v *Investigation) conclude(ctx context.Context, d *findings.Verdict) error {
	c, err := recheck.ConclusionOf(&findings.File{Verdict: d, Leaks: d.Findings, Revealed: true})
	if c == nil && err == nil {
		return nil
	}
	if err == nil {
		c.Actor = v.cfg.Actor
		err = v.x.Engine().LogConclusion(ctx, *c)
	}
	if err != nil {
		return fmt.Errorf("the conclusion could not be entered: %w", err)
	}
	return nil
}

// travel gathers how the confirmed copies in leaks travelled, each copy once, in the order of the leaks.
func (g *gathering) travel(ctx context.Context) error {
	copies := findings.ConfirmedCopies(g.leaks)
	if len(copies) == 0 {
		return nil
	}
	facts, err := g.cfg.Registry.Custody(ctx, registry.CustodyFilter{})
	if err != nil {
		return err
	}
	for _, c := range copies {
		t := findings.Travel{Copy: c.ID}
		receipts, err := g.cfg.Registry.Ledger().Receipts(ctx, c.ID)
		if err != nil {
			return err
		}
		if len(receipts) > 0 {
			t.Receipt = receipts[0].Entered
		}
		t.Others = examine.HandedOn(c, facts)
		if t.Returned, err = g.x.HoldersOfReturned(ctx, c.ID, g.leaks, facts); err != nil {
			return err
		}
		g.facts.Travel = append(g.facts.Travel, t)
	}
	return nil
}
