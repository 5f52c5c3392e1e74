package verify

import (
	"fmt"

	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/verify/internal/findings"
)

// recallOf returns how often the search found leaks of one kind in recorded trials. s is what the
// search of the leak went by (nil: it was not searched), and side is the longer side of the leak in
// pixels. The result is nil if s is nil, or if leaks of that kind were not tried.
func recallOf(s *findings.Searched, side int) *findings.Recall {
	t, err := recall.Recorded()
	if err != nil || s == nil {
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
	return &findings.Recall{Table: t.Version, Kind: k.Name, Found: n.Found, Of: n.Of, Bound: n.Bound}
}

// recalled says in a sentence how often the search finds leaks of the kind that r is about.
func recalled(r *findings.Recall) string {
	return fmt.Sprintf("In trials of leaks of its kind (%s) the search found the upload of %d of %d: at least %s (95 %% confidence).", r.Kind, r.Found, r.Of, share(r.Bound))
}

// recallRecord returns, in words for the record of an investigation, which trials [recallOf] uses;
// "not known" if the record of the trials cannot be read.
func recallRecord() string {
	t, err := recall.Recorded()
	if err != nil {
		return "not known"
	}
	return fmt.Sprintf("record %d: %s; %d uploads, %d attacks, lower 95 %% bounds by kind of leak", t.Version, t.Command, t.Uploads, t.Attacks)
}
