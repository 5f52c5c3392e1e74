package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/registry"
)

// A Hypothesis is one explanation of where pictures of a dump came from. They do
// not exclude each other: a dump may have several sources.
type Hypothesis struct {
	Name     string  `json:"name"`     // a recipient's, or words
	Kind     string  `json:"kind"`     // a recipient's, or "unlisted", "issuer", "forged", "elsewhere"
	LogLR    float64 `json:"log10_lr"` // log10 likelihood ratio against the strongest explanation without it, capped
	Words    string  `json:"words"`    // the same on the verbal scale
	Capped   bool    `json:"capped"`   // LogLR is the cap, not the evidence's own value
	Evidence int     `json:"evidence"` // independent submissions with a confirmed copy of this recipient: one a subject, and one for all uploads without a subject reference
	Pictures int     `json:"pictures"` // leaks with one
	Note     string  `json:"note,omitempty"`
}

// Kinds of hypotheses that are no recipients.
const (
	kindUnlisted  = "unlisted"
	kindIssuer    = "issuer"
	kindForged    = "forged"
	kindElsewhere = "elsewhere"
)

// A DumpVerdict is what is concluded of a dump as a whole.
type DumpVerdict struct {
	Headline   string         `json:"headline"`
	Named      []string       `json:"named"` // recipients whose copies the headline names
	Shows      []string       `json:"shows"` // sentences
	ShowsNot   []string       `json:"shows_not"`
	Hypotheses []Hypothesis   `json:"hypotheses"` // recipients, strongest first, then the others
	Matched    int            `json:"matched"`    // leaks that show a submission of the registry
	Leaks      int            `json:"leaks"`
	Repeated   int            `json:"repeated"` // leaks that are byte for byte repetitions of others
	Counts     map[string]int `json:"counts"`   // leaks by Verdict.Label
	Record     Record         `json:"record"`
	Verdicts   []*Verdict     `json:"-"`
}

// leastEvidence is how many independent submissions must carry a recipient's
// confirmed copies before a headline prints the name.
const leastEvidence = 2

// Weigh draws the leaks of one dump together.
func (v *Investigator) Weigh(ctx context.Context, leaks []*Verdict) (*DumpVerdict, error) {
	recipients, err := v.cfg.Registry.Recipients(ctx)
	if err != nil {
		return nil, err
	}
	record, err := v.record(ctx)
	if err != nil {
		return nil, err
	}
	first, last, err := v.cfg.Registry.Span(ctx)
	if err != nil {
		return nil, err
	}
	if slices.Contains(leaks, nil) {
		return nil, fmt.Errorf("%w: a verdict is nil", registry.ErrInput)
	}
	if leaks, err = v.restored(ctx, leaks); err != nil {
		return nil, err
	}
	w := weigh(leaks, recipients, v.cfg, spanMonths(first, last))
	w.speak()
	w.Record = *record
	return &w.DumpVerdict, nil
}

// restored gives verdicts that were read back from JSON what their JSON leaves out:
// the subject that clusters them and whose copy's mark was read. What the registry
// does not know stays empty.
func (v *Investigator) restored(ctx context.Context, leaks []*Verdict) ([]*Verdict, error) {
	out := slices.Clone(leaks)
	for i, l := range leaks {
		full := *l
		if l.subject == "" && l.matched() {
			s, err := v.cfg.Registry.Submission(ctx, l.Submission)
			if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrErased) {
				return nil, err
			}
			if err == nil {
				full.subject = s.Subject
			}
		}
		if len(l.marked) == 0 && l.Copy != 0 {
			c, err := v.cfg.Registry.Copy(ctx, l.Copy)
			if err != nil && !errors.Is(err, registry.ErrNotFound) {
				return nil, err
			}
			if err == nil {
				full.marked = []string{c.Recipient}
			}
		}
		out[i] = &full
	}
	return out, nil
}

// spanMonths is how many calendar months two times and those between them touch.
func spanMonths(first, last time.Time) int {
	return 12*(last.Year()-first.Year()) + int(last.Month()) - int(first.Month()) + 1
}

// A weighing is a verdict in the making.
type weighing struct {
	DumpVerdict
	cfg     Config
	months  int
	sources []party
}

// party is what a dump holds of one recipient's copies.
type party struct {
	registry.Recipient
	logP         float64 // of the weakest confirmed read
	pictures     int
	clusters     map[string]bool // independent submissions, by subject: all without one are one
	nameless     int             // pictures whose subject is not known
	purposes     []string
	transplanted int // leaks with this recipient's marks on other pictures
	unconfirmed  int
	custody      int // unmarked or unreadable leaks within admissible custody
	late         int // the same, custody entered after the leaks were found
	unjudged     int // the same, custody where it is not known when the leaks were found
}

// weigh counts the findings and computes the odds: a pure function.
func weigh(leaks []*Verdict, recipients []registry.Recipient, cfg Config, months int) *weighing {
	w := &weighing{cfg: cfg, months: months}
	w.Verdicts, w.Leaks, w.Counts = leaks, len(leaks), make(map[string]int)
	w.Named = []string{}
	byName := make(map[string]*party)
	for _, r := range recipients {
		byName[r.Name] = &party{Recipient: r, logP: math.Inf(-1), clusters: make(map[string]bool)}
	}
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
		w.count(l, byName)
	}
	for _, r := range recipients {
		w.sources = append(w.sources, *byName[r.Name])
	}
	w.hypotheses()
	return w
}

// count adds one leak to the recipients that it concerns.
func (w *weighing) count(l *Verdict, byName map[string]*party) {
	names := l.MayNames()
	if len(names) == 0 {
		names = l.marked
	}
	for _, name := range names {
		s := byName[name]
		switch {
		case s == nil:
		case l.Finding == FoundTransplanted:
			s.transplanted++
		case l.Finding == FoundCopy && l.Unconfirmed:
			s.unconfirmed++
		case l.Finding == FoundCopy:
			s.add(l)
		}
	}
	if l.Finding != FoundUnreadable && l.Finding != FoundUnmarked {
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
	for name, s := range byName {
		switch {
		case in[name]:
			s.custody++
		case out[name] && w.cfg.Found.IsZero():
			s.unjudged++
		case out[name]:
			s.late++
		}
	}
}

// add counts a confirmed copy. A verdict without a probability of its read, as one
// that was read back from elsewhere may be, is a picture that earns nothing.
func (s *party) add(l *Verdict) {
	s.pictures++
	s.clusters[l.subject] = true
	if l.subject == "" {
		s.nameless++
	}
	logP := 0.0
	if l.LogP != nil && *l.LogP < 0 { // not NaN either
		logP = *l.LogP
	}
	s.logP = math.Max(s.logP, logP)
	for _, c := range l.Issued {
		if c.Recipient == s.Name && c.Purpose != "" && !slices.Contains(s.purposes, c.Purpose) {
			s.purposes = append(s.purposes, c.Purpose)
		}
	}
}

// hypotheses lists every explanation, those that cannot be told apart included.
func (w *weighing) hypotheses() {
	keys := max(1, len(w.cfg.Keys))
	best := 0.0
	for i := range w.sources {
		s := &w.sources[i]
		h := Hypothesis{Name: s.Name, Kind: s.Kind, Evidence: len(s.clusters), Pictures: s.pictures}
		if n := len(s.clusters); n > 0 {
			logP := s.logP + math.Log10(float64(keys))
			h.LogLR, h.Capped = recipientOdds(n, w.Leaks, len(w.sources), logP, w.cfg.Trials)
		}
		h.Words = words(h.LogLR)
		h.Note = s.note()
		best = math.Max(best, h.LogLR)
		w.Hypotheses = append(w.Hypotheses, h)
		if h.Evidence >= leastEvidence && h.LogLR >= 1 {
			w.Named = append(w.Named, s.Name)
		}
	}
	slices.SortStableFunc(w.Hypotheses, func(a, b Hypothesis) int {
		return cmp.Or(cmp.Compare(b.LogLR, a.LogLR), cmp.Compare(b.Evidence, a.Evidence), cmp.Compare(a.Name, b.Name))
	})
	w.Hypotheses = append(w.Hypotheses, w.others(best)...)
}

// others are the explanations that no mark can exclude, and the one without us.
func (w *weighing) others(best float64) []Hypothesis {
	even := words(0)
	elsewhere := Hypothesis{Name: "all of it from elsewhere", Kind: kindElsewhere, LogLR: -best, Words: words(-best),
		Note: "The same files may have been sent to others by their owners; that explains no marks of issued copies."}
	for _, h := range w.Hypotheses {
		elsewhere.Capped = elsewhere.Capped || h.Capped
	}
	return []Hypothesis{
		{Name: "the issuer, with copies issued to a recipient", Kind: kindIssuer, Words: even,
			Note: "The exchange made these copies and possessed them: marks do not tell it from the recipient."},
		{Name: "an unlisted holder", Kind: kindUnlisted, Words: even,
			Note: "A sub-processor of a recipient, a backup, or a thief of either holds what the recipient held."},
		{Name: "planted or forged", Kind: kindForged, Words: even,
			Note: "Whoever held a recipient's copies, or the mark key and the originals, could have put these pictures together."},
		elsewhere,
	}
}

// notJudged stands beside custody where Config.Found is not set.
const notJudged = "admissibility not judged: when the leaks were found was not given"

// party.note says in words what the odds leave out.
func (s *party) note() string {
	var parts []string
	if s.custody > 0 {
		parts = append(parts, count(s.custody, "picture without a readable mark lies", "pictures without a readable mark lie")+" within this recipient's recorded custody of unmarked uploads")
	}
	if s.late > 0 {
		parts = append(parts, count(s.late, "picture lies", "pictures lie")+" within custody that was entered after the leaks were found, which is not admissible")
	}
	if s.unjudged > 0 {
		parts = append(parts, count(s.unjudged, "picture lies", "pictures lie")+" within this recipient's recorded custody of unmarked uploads; "+notJudged)
	}
	if s.unconfirmed > 0 {
		parts = append(parts, count(s.unconfirmed, "picture carries a mark of this recipient's copies but is not confirmed", "pictures carry marks of this recipient's copies but are not confirmed")+" and not counted")
	}
	if s.transplanted > 0 {
		parts = append(parts, count(s.transplanted, "picture carries a transplanted mark of this recipient's copies", "pictures carry transplanted marks of this recipient's copies")+", which count for nobody")
	}
	return sentence(parts)
}
