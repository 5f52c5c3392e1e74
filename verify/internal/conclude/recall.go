package conclude

import (
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/words"
)

// RecallOf returns how often the search found leaks of one kind in recorded trials. s is what the
// search of the leak went by (nil: it was not searched), and side is the longer side of the leak in
// pixels. Uploads that were searched as wholes alone have the lower bound of such searches, and
// uploads that were not searched have 0: Bound is the mean over all uploads. The result is nil if s
// is nil, or if leaks of that kind were not tried: no leak of a trial was black and white.
func RecallOf(s *findings.Searched, side int) *findings.Recall {
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
		r.Bound = Micro((float64(float64(all)*n.Bound) + float64(float64(m.Whole)*min(k.Whole.Bound, n.Bound))) / float64(m.Uploads))
	}
	return r
}

// sayRecall adds how often the search finds leaks of the kind of c.recall to the note. m counts the uploads that the
// search could not find, or only in part; nil: none.
func (c *conclusion) sayRecall(m *findings.Missing) {
	r := c.recall
	if r == nil {
		return
	}
	x := words.Figures{"kind": r.Kind, "found": r.Found, "of": r.Of, "bound": words.Share(r.Bound), "clause": "plain"}
	if m != nil {
		x["clause"], x["missing"], x["uploads"] = "some", words.Thousands(float64(m.Damaged+m.Flat+m.Whole)), words.Thousands(float64(m.Uploads))
	}
	c.say("unknown-recall", x)
}
