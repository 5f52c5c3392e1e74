// Package weigh draws a dump's leaks together: it counts them, makes the case that package odds weighs, and says the
// result in sentences. sentences.go has each with its condition. It is pure: it knows no registry, clock or context.
package weigh

import (
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// A Weighing is a verdict in the making.
type Weighing struct {
	findings.Verdict
	Cfg     Basis
	keys    int               // mark keys under which marks were looked for
	First   []int             // of each leak the first that is the same file; see [Firsts]
	parties map[string]*party // by recipient
	names   []string          // of the recipients, in the registry's order

	Unit map[watermark.Submission]string // in which leaks of a submission count: see [Weighing.Units]

	given findings.Verdict // with the files as they were given: see [Weighing.once]
}

// party is what a dump holds of one recipient's copies.
type party struct {
	books.Recipient
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

// Weigh counts the findings of a dump and weighs the marks, from the leaks and the books alone. keys is the number of
// mark keys that were tried. It writes the number of its subject into each leak ([Weighing.Clusters]). Headline and
// sentences are left to [Weighing.Speak].
func Weigh(leaks []*findings.Finding, b *Facts, cfg Basis, keys int) (*Weighing, error) {
	w := &Weighing{Cfg: cfg.Dated(leaks, b.Earlier), keys: keys, parties: make(map[string]*party)}
	w.tally(leaks)
	w.First = Firsts(leaks)
	for _, r := range b.Recipients {
		w.parties[r.Name] = &party{Recipient: r, clusters: make(map[string]bool), copies: make(map[watermark.CopyID]bool)}
		w.names = append(w.names, r.Name)
	}
	w.SameDocuments, w.NotCompared, w.Earlier = b.Same, b.NotCompared, b.Earlier
	w.Travel, w.Published = b.Travel, b.Published
	w.Clusters()
	w.Units()
	for _, l := range w.once().Findings {
		w.count(l)
	}
	w.History = b.History
	w.Unconfirmed = make(map[string]int)
	for name, s := range w.parties {
		if s.unconfirmed += b.Unconfirmed[name]; s.unconfirmed > 0 {
			w.Unconfirmed[name] = s.unconfirmed
		}
	}
	w.Case, w.Of = w.caseOf(b)
	var err error
	if w.Odds, err = odds.Weigh(w.Case); err != nil {
		return nil, fmt.Errorf("weigh: %w", err)
	}
	if w.Cfg.SearchedNamed() {
		w.Odds.Window, w.Odds.Holding = nil, nil // the person who names the uploads chooses what can match
	}
	w.Odds.Reviewers = slices.DeleteFunc(w.Odds.Reviewers, func(r odds.Reviewer) bool { // a colleague's copy may be there too
		return w.faint(func(name string) bool { return name == r.Of }) > 0 || leaksThat(&w.Verdict, func(l *findings.Finding) bool {
			return slices.Contains(l.MayNames(), r.Of) && (marksBeside(l) || mixed(l) || slices.ContainsFunc(l.Traces, func(t findings.Tracing) bool { return t.Unsought > 0 }))
		}) > 0
	})
	w.History.Reviewers = nil
	for _, r := range w.Odds.Reviewers {
		if name := b.History.Reviewers[r.Ref]; name != "" {
			if w.History.Reviewers == nil {
				w.History.Reviewers = make(map[string]string)
			}
			w.History.Reviewers[r.Ref] = name
		}
	}
	w.putIntoWords()
	w.Named = w.Odds.Named
	w.once().doubts()
	return w, nil
}

// once returns a weighing in which a file that is there several times is there once. Sentences are about different files.
func (w *Weighing) once() *Weighing {
	d, place := *w, make([]int, len(w.First))
	d.given, d.Findings, d.First, d.Of = w.Verdict, nil, nil, nil
	for i, l := range w.Findings {
		if place[i] = len(d.Findings); w.First[i] == i {
			d.Findings, d.First = append(d.Findings, l), append(d.First, place[i])
		}
	}
	for _, k := range w.Of {
		d.Of = append(d.Of, place[w.First[k]])
	}
	d.Tally = findings.Tally{Unconfirmed: w.Unconfirmed}
	d.tally(d.Findings)
	return &d
}

// unjudged reports whether a copy may be there that could not be found: records are not readable, or pilots were seen.
func unjudged(l *findings.Finding) bool { return l.Kind == findings.FoundIncomplete || l.Sync < 0 }

// marksBeside reports whether a leak with confirmed copies carries other marks, which are not confirmed.
func marksBeside(l *findings.Finding) bool {
	return l.Kind == findings.FoundCopy && slices.ContainsFunc(l.Reads, func(r findings.Reading) bool { return !slices.Contains(l.Copies, r.Copy) })
}

// doubts adds a rival without a name to a recipient if leaks may have another source that was not looked for. The reason is a
// leak with one of its copies. Only named uploads or its first frame were examined, or uploads could not be compared with it.
// Such a leak may also have a mark that is not listed, too little of its mark, or the upload once more without a mark.
// Other reasons are faint marks of others, a leak that could not be judged, or copies of fewer than two persons surely handed out.
func (w *Weighing) doubts() {
	for _, name := range w.Named {
		n := w.faint(func(other string) bool { return other != name }) + leaksThat(&w.Verdict, func(l *findings.Finding) bool {
			more := l.Closed > 0 || l.Pages > 1 || l.Unlooked() || slices.ContainsFunc(l.Matches, func(m findings.Match) bool { return m.Plain })
			more = more || mixed(l) || len(unissued(l)) > 0 || w.Cfg.SearchedNamed()
			return unjudged(l) || another(l) != nil || l.Kind == findings.FoundUnissued || more && slices.Contains(l.MayNames(), name)
		})
		if _, reserved, persons := reservedOf(w, name); n == 0 && persons < 2 {
			n = reserved
		}
		if n > 0 {
			w.Odds.Rivals = append(w.Odds.Rivals, odds.Rival{Name: name, Why: odds.RivalUnsought, Of: n})
		}
	}
}

// faint counts recipients, and reviewers apart, whose copies were found on no leak. Their scores on leaks with other copies
// are together too high for chance. One leak of each upload counts. of selects recipients.
func (w *Weighing) faint(of func(name string) bool) (n int) {
	type receiver struct{ name, reviewer string }
	sum, trials, found, seen := make(map[receiver]float64), make(map[receiver]float64), make(map[receiver]bool), make(map[string]bool)
	for j, leak := range w.Case.Leaks {
		l := w.Findings[w.Of[j]]
		t := findings.TraceOf(l.Traces, w.ViewOf(j).Submission)
		if l.Kind != findings.FoundCopy || t == nil || !slices.ContainsFunc(t.Copies, func(c findings.TracedCopy) bool { return c.Found }) {
			continue
		}
		for _, c := range leak.Copies {
			at := receiver{c.Recipient, c.Reviewer}
			id, err := watermark.ParseCopyID(c.ID)
			x := findings.CopyIn(t, id)
			if err != nil || x == nil {
				continue
			}
			if found[at] = found[at] || x.Found; !seen[leak.Submission] {
				sum[at], trials[at] = sum[at]+x.Score, trials[at]+1
			}
		}
		seen[leak.Submission] = true
	}
	for at, score := range sum {
		if of(at.name) && !found[at] && score >= float64(tuning.Another*math.Sqrt(trials[at])) {
			n++
		}
	}
	return n
}

// mixed reports whether a leak has its copies' marks otherwise than whole copies: too little, in all or in a place. Or
// another copy's mark is there with the opposite sign, or too weak to be found. Then a part may come from elsewhere.
func mixed(l *findings.Finding) bool {
	return l.Kind == findings.FoundCopy && slices.ContainsFunc(l.Traces, func(t findings.Tracing) bool {
		sum, another := 0.0, false
		for _, c := range t.Copies {
			if another = another || c.Score <= tuning.Reversed || !c.Found && c.Score >= tuning.Another; c.Found {
				sum += c.Score
			}
		}
		return sum > 0 && (sum < tuning.MinWhole*t.Expected || t.Unmarked > 0 || another)
	})
}

// unissued returns the marks in a leak that the registry does not list, if they count for the finding.
func unissued(v *findings.Finding) []findings.Reading {
	return slices.DeleteFunc(slices.Clone(v.Reads), func(r findings.Reading) bool {
		return r.Submission != (watermark.Submission{}) || v.Kind != findings.FoundUnissued && v.Copy() == 0
	})
}

// tally sets the leaks and counts them.
func (w *Weighing) tally(leaks []*findings.Finding) {
	w.Findings, w.Leaks, w.Counts = leaks, len(leaks), make(map[string]int)
	seen := make(map[string]bool)
	for _, l := range leaks {
		w.Counts[string(l.Kind)]++
		if l.Matched() {
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
func (w *Weighing) count(l *findings.Finding) {
	names := l.MayNames()
	if len(names) == 0 {
		names = l.Private.Marked
	}
	for _, name := range names {
		s := w.parties[name]
		switch {
		case s == nil:
		case l.Kind == findings.FoundTransplanted:
			s.transplanted++
		case l.Kind == findings.FoundUnconfirmed:
			s.unconfirmed++
		case l.Kind == findings.FoundCopy && !w.forged(l, name):
			s.add(l, w.Unit)
		}
	}
	for _, name := range l.Private.Marked {
		if s := w.parties[name]; s != nil && l.Kind == findings.FoundCopy && !slices.Contains(names, name) {
			s.unconfirmed++
		}
	}
	if l.Kind != findings.FoundUnreadable && l.Kind != findings.FoundUnmarked || l.Damaged() || vague(l) {
		return
	}
	in, out := make(map[string]bool), make(map[string]bool)
	for _, x := range l.Views() {
		if w.Cfg.after(x.Submitted) {
			continue
		}
		for _, c := range x.Custody {
			if w.Cfg.Admissible(c) {
				in[c.Recipient] = true
			} else {
				out[c.Recipient] = true
			}
		}
	}
	for name, s := range w.parties {
		switch {
		case in[name]:
			s.custody++
		case out[name] && w.Cfg.Before.IsZero():
			s.unjudged++
		case out[name]:
			s.late++
		}
	}
}

// add counts a leak with a confirmed copy of recipient s.
func (s *party) add(l *findings.Finding, unit map[watermark.Submission]string) {
	s.pictures++
	nameless := false
	for _, x := range l.Views() {
		if slices.Contains(x.MayNames(), s.Name) {
			s.clusters[unit[x.Submission]] = true
			nameless = nameless || x.Private.Subject == ""
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

// Firsts returns, for each leak, the index of the first leak with the same bytes, finding, submission and copy, or its own.
func Firsts(leaks []*findings.Finding) []int {
	type file struct {
		digest     string
		kind       findings.Kind
		submission watermark.Submission
		copied     watermark.CopyID
	}
	first, out := make(map[file]int), make([]int, len(leaks))
	for i, l := range leaks {
		out[i] = i
		k := file{l.SHA256, l.Kind, l.Submission, l.Copy()}
		if was, known := first[k]; known && l.SHA256 != "" {
			out[i] = was
			continue
		}
		first[k] = i
	}
	return out
}

// repeated returns the indices of the leaks that later leaks repeat, by the result of firsts.
func repeated(firsts []int) map[int]bool {
	out := make(map[int]bool)
	for i, first := range firsts {
		if i != first {
			out[first] = true
		}
	}
	return out
}

// NotSearched returns the sentences on what the search of the dump could not read: records of the registry, and
// uploads, in whole or in part. It is nil if all was read.
func NotSearched(d *findings.Verdict) (out []string) {
	w := &Weighing{Verdict: *d}
	for _, r := range dumpSentences {
		if r.code == "records-altered" || r.code == "not-searched" {
			for _, x := range r.when(w) {
				out = append(out, words.Write(r.text, x))
			}
		}
	}
	return out
}

// SearchDamaged reports whether uploads could not be searched for, since what they are found by was altered or removed.
func SearchDamaged(d *findings.Verdict) bool {
	worst := missingUploads(&Weighing{Verdict: *d})
	return worst != nil && worst.Damaged > 0
}

// notSearched are the uploads that were not searched, by the reason. If these were different for different leaks, the
// leak with the most damaged uploads counts.
func notSearched(w *Weighing) []words.Figures {
	m := missingUploads(w)
	if m == nil {
		return nil
	}
	var why []string
	for i, n := range []int{m.Damaged, m.Flat, m.Whole} {
		if n > 0 {
			why = append(why, words.Thousands(float64(n))+" "+[]string{"altered, removed or not readable (kycmark audit --originals names them)",
				"with too little to see, or sealed without a sealing key at hand", "as whole pictures only, so that crops of them may be missed"}[i])
		}
	}
	return []words.Figures{{"of": words.Thousands(float64(m.Uploads)), "why": why}}
}

// missingUploads returns the numbers of uploads that the search of a leak could not find: of that with most damaged uploads.
func missingUploads(w *Weighing) (worst *findings.Missing) {
	for _, l := range w.Findings {
		if s := l.Searched; s != nil && s.Missing != nil && (worst == nil || s.Missing.Damaged > worst.Damaged) {
			worst = s.Missing
		}
	}
	return worst
}
