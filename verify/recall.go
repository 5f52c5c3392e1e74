package verify

import (
	"fmt"

	"github.com/kycmark/kycmark/internal/recall"
)

// Searched is what there was in a leak for the search of the registry to go by.
type Searched struct {
	Quality  int  `json:"quality"`            // of the hash, 0..100
	Features *int `json:"features,omitempty"` // local features; nil: not searched
}

// A Recall is how often the search found the upload of leaks of a kind, in trials of
// leaks whose upload was in the registry. It bounds what may be concluded of a leak for
// which the search found no upload. The kind depends on the leak alone. What was done to the
// leak is not known, so the trials are over a mixture of attacks (docs/matching.md).
type Recall struct {
	Table   int     `json:"table"` // version of the record of the trials
	Kind    string  `json:"kind"`
	Found   int     `json:"found"`
	Of      int     `json:"of"`
	AtLeast float64 `json:"at_least"` // lower 95 % bound (Clopper and Pearson, Biometrika 26, 1934)
}

// recallOf is that of a leak of a long side of so many pixels; nil: it was not searched, or
// none of its kind was tried.
func recallOf(s *Searched, side int) *Recall {
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
	return &Recall{Table: t.Version, Kind: k.Name, Found: n.Found, Of: n.Of, AtLeast: n.AtLeast}
}

// sentence says what the search would have found.
func (r *Recall) sentence() string {
	return fmt.Sprintf("In trials of leaks of its kind (%s) the search found the upload of %d of %d: %s or more, at a confidence of 95 %%.", r.Kind, r.Found, r.Of, share(r.AtLeast))
}

// recallRecord says where the numbers come from.
func recallRecord() string {
	t, err := recall.Recorded()
	if err != nil {
		return "not known"
	}
	return fmt.Sprintf("record %d: %s; %d uploads, %d attacks, lower 95 %% bounds by kind of leak", t.Version, t.Command, t.Uploads, t.Attacks)
}
