package odds

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Recipient is what the leaks say of the copies that were issued to a recipient.
type Recipient struct {
	Name string `json:"name"`

	// LogE is the log10 likelihood ratio of "leaks derive from these copies" to "no leak does": the
	// e-value of the package comment, at most what validation allows ([Cap]). It is 0 if no
	// cluster has a confirmed copy whose e-value is 1,000 at least: absence of a mark is no support.
	LogE   float64 `json:"log10_e"`
	Capped bool    `json:"capped"`
	Raw    float64 `json:"raw_log10_e"`    // before the cap: not to be stated
	Words  string  `json:"words"`          // LogE in words; left empty here
	Note   string  `json:"note,omitempty"` // Code in words; left empty here
	Code   string  `json:"-"`              // what is particular: [NoConfirmed], ...; "": nothing

	Clusters int `json:"clusters"` // with a confirmed copy whose e-value is 1,000 at least
	Pictures int `json:"pictures"` // pictures with one

}

// A Verdict is what a [Case] supports.
type Verdict struct {
	Recipients []Recipient `json:"recipients"`          // that were issued copies, strongest first
	Named      []string    `json:"named"`               // recipients that a headline may name, by the copies that leaks contain
	Rivals     []Rival     `json:"rivals"`              // for each named recipient, the parties that explain the leaks equally well
	Reviewers  []Reviewer  `json:"reviewers,omitempty"` // reviewers of named recipients that a headline may name as well
	Together   [][]string  `json:"together,omitempty"`  // groups of recipients whose copies are surely in the same leaks, as the case lists them
	Withheld   []Withheld  `json:"withheld"`            // recipients with evidence that a headline may not name
	Window     *Window     `json:"window"`              // where in time leaks without marks are dense; null: nowhere more than by chance
	Holding    *Holding    `json:"holding,omitempty"`   // a holder's uploads among which leaks without marks are dense; nil: no holder's more than by chance
	AlsoHeld   []AlsoHeld  `json:"also_held,omitempty"` // recipients whose copies others could have laid on pictures of their own
	Clusters   int         `json:"clusters"`            // that count once each
	Matched    int         `json:"matched"`             // pictures that show submissions
}

// Codes of what is particular about a recipient's copies.
const (
	NoConfirmed = "no-confirmed" // no confirmed mark of them is in the leaks
	TooMany     = "too-many"     // their marks are in leaks with copies of more recipients than are compared
	NoLeak      = "no-leak"      // no leak shows a submission that the recipient was issued a copy of
)

// Weigh computes the verdict of a case. It is a pure function, and leaves words (Words, Note, Reason, Dates)
// empty. The error wraps [ErrCase] if the case contradicts itself or exceeds a limit.
func Weigh(c *Case) (*Verdict, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	m := newModel(c)
	v := m.verdict()
	for i, s := range m.seen {
		if s.matched && !c.Leaks[i].Beside {
			v.Matched++
		}
	}
	for _, g := range m.groups {
		v.Together = append(v.Together, m.namesOf(slices.Sorted(slices.Values(g))))
	}
	v.AlsoHeld = m.alsoHeld()
	v.Window, v.Holding = m.window(), m.holding()
	v.Reviewers = m.reviewers(v)
	return v, nil
}

// verdict returns what the marks say of the recipients: whom a headline may name, and against which rivals.
func (m *model) verdict() *Verdict {
	v := &Verdict{Recipients: []Recipient{}, Named: []string{}, Rivals: []Rival{}, Withheld: []Withheld{}, Clusters: len(m.items)}
	for r, h := range m.c.Holders {
		if Total(h.Copies) > 0 || m.given[r] {
			v.Recipients = append(v.Recipients, m.recipient(r))
		}
	}
	slices.SortStableFunc(v.Recipients, func(a, b Recipient) int {
		return cmp.Or(cmp.Compare(b.LogE, a.LogE), cmp.Compare(b.Raw, a.Raw), cmp.Compare(a.Name, b.Name))
	})
	m.names(v)
	return v
}

// recipient returns what the leaks say of the copies of recipient r, an index of a holder.
func (m *model) recipient(r int) Recipient {
	out := Recipient{Name: m.c.Holders[r].Name, Raw: log10(m.value[r])}
	if !m.given[r] {
		out.Code = NoLeak
		return out
	}
	for i, counted := 0, false; i < len(m.seen); i++ {
		if counted = counted && m.c.Leaks[i].Beside; m.seen[i].sure[r] && !counted {
			out.Pictures++
			counted = true
		}
	}
	out.Clusters = m.count(m.items, func(s *sighting) bool { return s.sure[r] })
	switch {
	case m.beyond[r]:
		out.Code = TooMany
	case out.Clusters == 0:
		out.Code = NoConfirmed
	default:
		top := Cap(m.c.MarkTrials)
		out.LogE, out.Capped = min(max(out.Raw, 0), top), out.Raw > top
	}
	return out
}

// Total returns the sum of counts.
func Total(counts []int) (n int) {
	for _, k := range counts {
		n += k
	}
	return n
}

func log10(ln float64) float64 { return micro(ln / math.Ln10) }

func micro(x float64) float64 { return math.Round(float64(x*1e6)) / 1e6 }

// Cap returns the maximum log10 likelihood ratio that may be stated after so many independent trials without a false
// identification; 0 for 3 trials or fewer. It is the inverse of the 95 % upper confidence bound 3/n of the rate of
// errors (rule of three; Hanley and Lippman-Hand, JAMA 249, 1983: 1 - 0.05^(1/n) is at most 3/n).
func Cap(trials int) float64 {
	if trials <= 3 {
		return 0
	}
	return log10(dsp.Ln(float64(trials) / 3))
}

// lnGamma returns the natural logarithm of the gamma function of x > 0. It uses Stirling's series (Abramowitz and
// Stegun 6.1.41) from 17 on, where the error is below 1e-11, and multiplication below.
func lnGamma(x float64) float64 {
	f := 1.0
	for ; x < 17; x++ {
		f *= x
	}
	x--
	y := 1 / float64(x*x)
	series := (1 - float64(y*(1-float64(y*(2.0/7)))/30)) / float64(12*x)
	return float64((x+0.5)*dsp.Ln(x)) - x + 0.9189385332046727 + series - dsp.Ln(f)
}
