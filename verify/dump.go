package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Verdict is what is concluded of a dump as a whole.
type Verdict struct {
	findings.Text
	findings.Tally
	Odds    *odds.Verdict    `json:"odds"` // what [odds.Weigh] says of Case; without a window if only named uploads were searched
	Case    *odds.Case       `json:"case"` // all that the odds were computed from
	Of      []int            `json:"of"`   // for each leak of Case its place among the leaks
	History findings.History `json:"history"`
	// SameDocuments are pairs of the submissions that leaks show whose originals show the same document.
	SameDocuments []findings.SameDocument `json:"same_documents,omitempty"`
	// NotCompared is the number of submissions that leaks show whose originals were not compared
	// with each other.
	NotCompared int `json:"documents_not_compared,omitempty"`
	// Travel says how the confirmed copies travelled, by the record: receipts, and who else had them.
	Travel []findings.Travel `json:"travel,omitempty"`
	// Earlier are the investigations of some of the same files that the ledger has from before.
	Earlier []findings.Earlier `json:"earlier,omitempty"`
	// Published are the investigations of other files that were published before, with the same copies.
	Published []findings.Earlier `json:"published,omitempty"`
	Record    findings.Record    `json:"record"`
	Findings  []*Finding         `json:"-"` // of the leaks, in the order in which they were given
}

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
	books, err := v.books(ctx, leaks, v.cfg.dated(leaks, before.earlier))
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
	w, err := weigh(leaks, books, v.cfg, len(record.Keys))
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
	w, err := weigh(leaks, &books{}, v.cfg, len(record.Keys))
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

// A weighing is a verdict in the making.
type weighing struct {
	Verdict
	cfg     Config
	keys    int               // mark keys under which marks were looked for
	first   []int             // of each leak the first that is the same file; see [firsts]
	parties map[string]*party // by recipient
	names   []string          // of the recipients, in the registry's order

	unit map[watermark.Submission]string // in which leaks of a submission count: see [weighing.units]
}

// party is what a dump holds of one recipient's copies.
type party struct {
	registry.Recipient
	pictures     int                       // leaks with a confirmed copy
	clusters     map[string]bool           // the units of these leaks
	nameless     int                       // of these, leaks of a submission whose subject is not known
	copies       map[watermark.CopyID]bool // the confirmed copies of these leaks
	purposes     []string                  // of the copies, each once
	transplanted int                       // leaks with this recipient's marks on other pictures
	unconfirmed  int                       // leaks with marks of its copies that are not confirmed
	custody      int                       // leaks without a mark within admissible custody
	late         int                       // the same, custody entered after the leaks were found
	unjudged     int                       // the same, if it is not known when the leaks were found, or the stated time is contradicted
}

// weigh counts the findings of a dump and weighs the marks, from the leaks and the books alone. keys is the number of
// mark keys that were tried. It writes the number of its subject into each leak ([weighing.clusters]). Headline and
// sentences are left to [weighing.speak].
func weigh(leaks []*Finding, b *books, cfg Config, keys int) (*weighing, error) {
	w := &weighing{cfg: cfg.dated(leaks, b.earlier), keys: keys, parties: make(map[string]*party)}
	w.tally(leaks)
	w.first = firsts(leaks)
	for _, r := range b.recipients {
		w.parties[r.Name] = &party{Recipient: r, clusters: make(map[string]bool), copies: make(map[watermark.CopyID]bool)}
		w.names = append(w.names, r.Name)
	}
	w.SameDocuments, w.NotCompared, w.Earlier = b.same, b.notCompared, b.earlier
	w.Travel, w.Published = b.travel, b.published
	w.clusters()
	w.units()
	for _, l := range leaks {
		w.count(l)
	}
	w.History = b.history
	w.Unconfirmed = make(map[string]int)
	for name, s := range w.parties {
		if s.unconfirmed += b.unconfirmed[name]; s.unconfirmed > 0 {
			w.Unconfirmed[name] = s.unconfirmed
		}
	}
	w.Case, w.Of = w.caseOf(b)
	var err error
	if w.Odds, err = odds.Weigh(w.Case); err != nil {
		return nil, fmt.Errorf("weigh: %w", err)
	}
	if w.cfg.named() {
		w.Odds.Window = nil // the person who names the uploads chooses what can match
	}
	w.putIntoWords()
	w.Named = w.Odds.Named
	return w, nil
}

// unissued returns the marks in a leak that the registry does not list, if they count for the finding.
func (v *Finding) unissued() (out []findings.Reading) {
	for _, r := range v.Reads {
		if r.Submission == (watermark.Submission{}) && (v.Kind == findings.FoundUnissued || v.Copy != 0) {
			out = append(out, r)
		}
	}
	return out
}

// tally sets the leaks and counts them.
func (w *weighing) tally(leaks []*Finding) {
	w.Findings, w.Leaks, w.Counts = leaks, len(leaks), make(map[string]int)
	seen := make(map[string]bool)
	for _, l := range leaks {
		w.Counts[l.Label()]++
		if l.matched() {
			w.Matched++
		}
		if l.SHA256 != "" && seen[l.SHA256] {
			w.Repeated++
		}
		seen[l.SHA256] = true
	}
}

// count adds one leak to the counts of the recipients that it concerns. Marks count by the finding. A leak without a
// found mark counts for each recipient with recorded custody of its upload: as custody, late, or unjudged. Uploads
// later than the find do not count for custody.
func (w *weighing) count(l *Finding) {
	names := l.MayNames()
	if len(names) == 0 {
		names = l.Private.marked
	}
	for _, name := range names {
		s := w.parties[name]
		switch {
		case s == nil:
		case l.Kind == findings.FoundTransplanted:
			s.transplanted++
		case l.Kind == findings.FoundCopy && l.Unconfirmed:
			s.unconfirmed++
		case l.Kind == findings.FoundCopy:
			s.add(l, w.unit)
		}
	}
	if l.Kind != findings.FoundUnreadable && l.Kind != findings.FoundUnmarked || l.damaged() || w.cfg.after(l.Submitted) {
		return
	}
	in, out := make(map[string]bool), make(map[string]bool)
	for _, c := range l.Custody {
		if w.cfg.admissible(c) {
			in[c.Recipient] = true
		} else {
			out[c.Recipient] = true
		}
	}
	for name, s := range w.parties {
		switch {
		case in[name]:
			s.custody++
		case out[name] && w.cfg.before.IsZero():
			s.unjudged++
		case out[name]:
			s.late++
		}
	}
}

// add counts a leak with a confirmed copy of recipient s.
func (s *party) add(l *Finding, unit map[watermark.Submission]string) {
	s.pictures++
	nameless := false
	for _, x := range l.views() {
		if slices.Contains(x.MayNames(), s.Name) {
			s.clusters[unit[x.Submission]] = true
			nameless = nameless || x.Private.subject == ""
		}
	}
	if nameless {
		s.nameless++
	}
	for _, c := range l.Issued {
		if c.Recipient == s.Name {
			s.copies[c.ID] = true
		}
		if c.Recipient == s.Name && c.Purpose != "" && !slices.Contains(s.purposes, c.Purpose) {
			s.purposes = append(s.purposes, c.Purpose)
		}
	}
}
