package verify

import (
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/verify/findings"
)

// recallOf returns how often the search found leaks of one kind in recorded trials. s is what the
// search of the leak went by (nil: it was not searched), and side is the longer side of the leak in
// pixels. Uploads that were searched as wholes alone have the lower bound of such searches, and
// uploads that were not searched have 0: Bound is the mean over all uploads. The result is nil if s
// is nil, or if leaks of that kind were not tried: no leak of a trial was black and white.
func recallOf(s *findings.Searched, side int) *findings.Recall {
	t, err := recall.Recorded()
	if err != nil || s == nil || s.Bilevel {
		return nil
	}
	l := recall.Look{Side: side, Quality: s.Quality}
	if s.Features != nil {
		l.Features, l.Parts = *s.Features, true
	}
	k := t.Of(l)
	n := k.Trials(l)
	if n.Of == 0 {
		return nil // none of that kind was tried
	}
	r := &findings.Recall{Table: t.Version, Kind: k.Name, Found: n.Found, Of: n.Of, Bound: n.Bound}
	if m := s.Missing; m != nil && m.Uploads > 0 {
		all := m.Uploads - m.Whole - m.Flat - m.Damaged
		r.Bound = micro((float64(float64(all)*n.Bound) + float64(float64(m.Whole)*min(k.Whole.Bound, n.Bound))) / float64(m.Uploads))
	}
	return r
}

// NotSearched returns the sentences on what the search of the dump could not read: records of the registry, and
// uploads, in whole or in part. It is nil if all was read.
func (d *Verdict) NotSearched() (out []string) {
	w := &weighing{Verdict: *d}
	for _, r := range dumpSentences {
		if slices.Contains([]string{"records-altered", "not-searched-damaged", "not-searched-flat", "not-searched-whole"}, r.code) {
			for _, x := range r.when(w) {
				out = append(out, write(r.text, x))
			}
		}
	}
	return out
}

// SearchDamaged reports whether uploads could not be searched for, since what they are found by was altered or removed.
func (d *Verdict) SearchDamaged() bool {
	worst := (&weighing{Verdict: *d}).missingUploads()
	return worst != nil && worst.Damaged > 0
}

// notSearched returns the condition of a sentence on a number of uploads that were not searched. If
// these uploads were different for different leaks, the leak with the most damaged uploads counts.
func notSearched(number func(*findings.Missing) int) func(*weighing) []figures {
	return func(w *weighing) []figures {
		worst := w.missingUploads()
		if worst == nil || number(worst) == 0 {
			return nil
		}
		return []figures{{"n": thousands(float64(number(worst))), "of": thousands(float64(worst.Uploads))}}
	}
}

// missingUploads returns the numbers of uploads that the search of a leak could not find: of the leak with the most
// damaged uploads.
func (w *weighing) missingUploads() (worst *findings.Missing) {
	for _, l := range w.Findings {
		if s := l.Searched; s != nil && s.Missing != nil && (worst == nil || s.Missing.Damaged > worst.Damaged) {
			worst = s.Missing
		}
	}
	return worst
}

// sayRecall adds how often the search finds leaks of the kind of c.recall to the note. m counts the uploads that the
// search could not find, or only in part; nil: none.
func (c *conclusion) sayRecall(m *findings.Missing) {
	r := c.recall
	if r == nil {
		return
	}
	x := figures{"kind": r.Kind, "found": r.Found, "of": r.Of, "bound": share(r.Bound)}
	if m == nil {
		c.say("unknown-recall", x)
		return
	}
	x["missing"], x["uploads"] = thousands(float64(m.Damaged+m.Flat+m.Whole)), thousands(float64(m.Uploads))
	c.say("unknown-recall-part", x)
}

// recallRecord returns, in words for the record of an investigation, which trials [recallOf] uses.
func recallRecord() string {
	t, err := recall.Recorded()
	if err != nil {
		return "not known"
	}
	return fmt.Sprintf("record %d: %s; %d uploads, %d attacks, lower 95 %% bounds by kind of leak", t.Version, t.Command, t.Uploads, t.Attacks)
}
