package odds

import (
	"cmp"
	"math"
	"slices"
)

// A Hypothesis is one explanation of where leaks came from. Several may hold at once: a
// dump may have several sources.
type Hypothesis struct {
	Name    string   `json:"name,omitempty"`    // of the recipient; "" for other kinds than Copies
	Kind    string   `json:"kind"`              // [Copies], [Custody], ...
	Holders []string `json:"holders,omitempty"` // of [Custody]: all who held the same; nothing here tells them apart

	// LogLR is the log10 likelihood ratio against the strongest listed alternative without it: the
	// minimum over the grid, capped. For Copies, alternatives that contain the copies (planted,
	// forged, lost by a sub-processor) are not compared. 0 for explanations on lines of their own,
	// that nothing here supports or excludes.
	LogLR   float64 `json:"log10_lr"`
	Words   string  `json:"words"` // LogLR in words; left empty here, like Against and Note
	Capped  bool    `json:"capped"`
	Raw     float64 `json:"raw_log10_lr"`      // before the cap: not to be stated
	Against string  `json:"against,omitempty"` // Strongest in words
	Note    string  `json:"note,omitempty"`    // Code in words

	Strongest []Explanation `json:"-"` // the strongest alternative: its sources, all of them at once
	Code      string        `json:"-"` // what is particular about the hypothesis: [NoConfirmed], ...; "": nothing

	// Of Copies: clusters with a confirmed copy whose e-value is 1,000 at least, and
	// leaks with one. Of Custody: clusters and leaks that it covers and that carry no mark.
	Clusters int `json:"clusters"`
	Pictures int `json:"pictures"`

	// Absent, of Copies, counts the clusters whose submission the recipient had a copy of, and
	// which show no mark of that copy. It is 0 if all these marks may have been missed. If it
	// is not 0, not all of the clusters are the recipient's copies as they were issued.
	Absent int `json:"absent,omitempty"`

	// Planting is LogLR with planting by other listed holders among the alternatives; null if
	// no listed holder could have planted any of it. Planters lists the holders who could.
	Planting *float64 `json:"planting_log10_lr"`
	Planters []string `json:"planters,omitempty"`

	Sensitivity *sensitivity `json:"sensitivity"` // null where LogLR is below 1
}

// A Verdict is what a [Case] supports.
type Verdict struct {
	Hypotheses []Hypothesis `json:"hypotheses"`         // recipients' copies first, then custody, each strongest first, then the others
	Named      []string     `json:"named"`              // recipients that a headline may name, by the copies that leaks contain
	Rivals     []Rival      `json:"rivals"`             // for each named recipient, the parties that explain the leaks equally well
	Together   [][]string   `json:"together,omitempty"` // groups of recipients whose copies are surely in the same leaks, as the case lists them
	Withheld   []Withheld   `json:"withheld"`           // recipients with evidence that a headline may not name
	Window     *Window      `json:"window"`             // where in time leaks without marks are dense; null: nowhere more than by chance
	// Against compares the strongest custody with one kind of thief at a time; nil: no custody has
	// leaks without marks.
	Against  *Against `json:"custody_against,omitempty"`
	Flags    []flag   `json:"flags"` // patterns that planted evidence would leave
	Claim    claim    `json:"claim"`
	Clusters int      `json:"clusters"` // that count once each
	Matched  int      `json:"matched"`  // leaks
	Recall   float64  `json:"recall"`   // mean of the leaks' recall
	// AllElsewhere is the capped log10 likelihood ratio for the explanation that the owners
	// of all files also sent them elsewhere. The alternative is the best explanation without
	// any such file.
	AllElsewhere float64 `json:"all_elsewhere_log10_lr"`
}

// Codes of what is particular about a hypothesis.
const (
	NoConfirmed = "no-confirmed" // of Copies: no confirmed mark is in the leaks, so that LogLR is 0
	TooMany     = "too-many"     // of Copies: its marks are in leaks with copies of more recipients than are compared, so that LogLR is 0
	NoLeak      = "no-leak"      // of Copies: too few leaks, or no leak, show a submission that the recipient was issued a copy of
	NotAgainst  = "not-against"  // of Foreign: LogLR would be below 0, and is 0
	OwnersSent  = "owners-sent"  // of Elsewhere
	NotTold     = "not-told"     // of Insider: the ratio holds for others as well
	SameAsHeld  = "same-as-held" // of Unlisted
	IssuerHad   = "issuer-had"   // of Forged: the issuer had the copies
	IssuerHadNo = "issuer-none"  // of Forged: the issuer never had the confirmed copies
)

// An Explanation is one source of an alternative, and what that source took.
type Explanation struct {
	Kind    string   // [Copies], ...
	Holders []string // of Copies, Planted: the recipient; of Custody: all who held the same
	Removed bool     // the source removed its marks

	// What the source took: the cells From to To (-1: not a range), or what the Set, of
	// [Copies] or [Custody], of SetHolders has in common with the source ("": all).
	From, To   int
	Set        string
	SetHolders []string
}

// Withheld says why a recipient with evidence is not named.
type Withheld struct {
	Name   string `json:"name"`
	Reason string `json:"reason"` // Code in words; left empty here

	Code     string `json:"-"` // [FewClusters], ...
	Clusters int    `json:"-"` // of FewClusters: how many there are, and how many it takes
	Needed   int    `json:"-"`
}

// Weigh computes the verdict of a case: it compares all explanations of up to three sources. It is
// a pure function, and leaves words (Words, Note, Against, Reason, Dates) empty. The error wraps
// [ErrCase] if the case contradicts itself or exceeds a limit.
func Weigh(c *Case) (*Verdict, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	m := newModel(c, c.Options.WithDefaults())
	v := &Verdict{Named: []string{}, Rivals: []Rival{}, Withheld: []Withheld{}, Flags: []flag{}, Clusters: len(m.items)}
	for _, s := range m.seen {
		if s.matched {
			v.Matched++
		}
		v.Recall += s.recall
	}
	if n := len(m.seen); n > 0 {
		v.Recall = micro(v.Recall / float64(n))
	}
	v.Claim = m.claim(v.Matched)
	asked, questions := m.questions()
	found, computed := m.search(questions)
	for i, a := range asked {
		if a.planting < 0 {
			v.Hypotheses = append(v.Hypotheses, m.hypothesis(asked, found, i))
		}
	}
	m.addSilent(v)
	v.order()
	v.Flags = m.flags()
	for _, g := range m.groups() {
		slices.Sort(g)
		v.Together = append(v.Together, m.namesOf(g))
	}
	m.names(v)
	v.Window = m.window()
	v.Against = m.against(v, asked, found)
	v.AllElsewhere = m.allElsewhere(found)
	m.addLines(v)
	m.sensitivities(v, asked, questions, found, computed)
	return v, nil
}

// An asked says what the question of the same index is about.
type asked struct {
	source   int // index in the model's sources
	planting int // index of the question about the same copies that excludes planting; -1: this question is the first about its source
}

// questions returns the questions of a verdict, and for each what it is about. There is a question
// for each source of copies, custody, insider, and files sent elsewhere. If marks of copies could
// have been planted, a second question follows at once, which admits planting among the
// alternatives. The question about files sent elsewhere is the last.
func (m *model) questions() (what []asked, out []question) {
	only := func(is func(int, *source) bool) []bool {
		out := make([]bool, len(m.sources))
		for i := range m.sources {
			out[i] = is(i, &m.sources[i])
		}
		return out
	}
	for i, s := range m.sources {
		itself := only(func(k int, _ *source) bool { return k == i })
		q := question{with: itself, without: itself}
		planting := false
		switch s.kind {
		case Copies:
			r := s.holder
			q.with = only(func(_ int, o *source) bool { return slices.Contains(o.members, r) })
			q.without = only(func(k int, o *source) bool {
				planting = planting || o.kind == Planted && o.holder == r
				return q.with[k] || o.kind == Planted && (o.holder == r || slices.Contains(m.beside[r], o.holder))
			})
		case Insider:
			if s.holder >= 0 {
				continue // the insider of one registry: with the insider of all, which comes first
			}
			q.with = only(func(_ int, o *source) bool { return o.kind == Insider })
			q.barred = only(func(_ int, o *source) bool { return o.kind == Unlisted })
			q.without = only(func(k int, _ *source) bool { return q.with[k] || q.barred[k] })
		case Custody, Elsewhere:
		default:
			continue
		}
		what, out = append(what, asked{i, -1}), append(out, q)
		if planting {
			strict := question{with: q.with, without: only(func(k int, o *source) bool {
				return q.without[k] && !(o.kind == Planted && o.holder == s.holder)
			})}
			what, out = append(what, asked{i, len(out) - 1}), append(out, strict)
		}
	}
	return what, out
}

// modest returns the weakest claim over the grid: a ratio, as a natural logarithm. at is the index
// of its point of the grid, and against the strongest alternative there (nil: none was computed).
// If all points support the source, the ratio is the minimum. If all points speak against the
// source, it is the maximum ratio to the sets of fewer sources (see [answers]). If the points
// disagree, it is 0.
func (a *answers) modest() (ratio float64, at int, against *candidate) {
	lo, hi := math.Inf(1), math.Inf(-1)
	atLo, atHi := 0, 0
	for g, with := range a.with.value {
		if r := with - a.without.value[g]; r < lo {
			lo, atLo = r, g
		}
		if r := with - a.fewer.value[g]; r > hi {
			hi, atHi = r, g
		}
	}
	switch {
	case lo > 0:
		return lo, atLo, a.without.set[atLo]
	case hi < 0:
		return hi, atHi, a.fewer.set[atHi]
	}
	return 0, atLo, a.without.set[atLo]
}

// cap returns the maximum log10 likelihood ratio that may be claimed for a kind of hypothesis.
// Ratios of copies rest on the trials of marks, ratios of all other kinds on the trials of
// matching.
func (m *model) cap(kind string) float64 {
	if kind == Copies {
		return Cap(m.c.MarkTrials) // a mark is as improbable by chance on whatever picture
	}
	return Cap(m.c.MatchTrials)
}

// hypothesis returns the hypothesis that question i answers. what and found have one element for
// each question. If question i+1 is about the same source with planting, it gives Planting and
// Planters. Words and Sensitivity are left empty.
func (m *model) hypothesis(what []asked, found []answers, i int) Hypothesis {
	s := m.sources[what[i].source]
	h := Hypothesis{Kind: s.kind, Holders: s.holders}
	if s.kind == Elsewhere {
		h.Kind = Foreign // only leaks that match nothing speak for it: see addLines
	}
	ratio, at, against := found[i].modest()
	if s.kind == Copies && m.unheard(s.holder) {
		ratio, against, h.Code = 0, nil, TooMany
	}
	h.Raw = log10(ratio)
	if s.kind == Copies {
		h.Name, h.Holders, h.Absent = s.holders[0], nil, m.absent(s.holder)
		h.Raw = math.Max(h.Raw, log10(ln(slices.Max(m.o.Rho)))) // absence counts once, and no more than that
	}
	if s.kind == Elsewhere { // dates of matched leaks say how files were taken, and not that any are of strangers
		h.Raw = math.Min(h.Raw, m.strangers())
	}
	h.LogLR, h.Capped = m.capped(h.Raw, s.kind)
	h.Clusters, h.Pictures = m.evidence(s)
	if s.kind == Copies && h.Clusters == 0 && h.LogLR > 0 {
		h.LogLR, h.Capped = 0, false
		h.Code = NoConfirmed
	}
	if s.kind == Elsewhere && h.LogLR < 0 {
		h.LogLR, h.Capped = 0, false
		h.Code = NotAgainst
	}
	if s.kind == Insider {
		h.Code = NotTold
	}
	if against != nil {
		h.Strongest = m.explain(against, at)
	}
	if i+1 < len(what) && what[i+1].planting == i {
		strict, _, _ := found[i+1].modest()
		lr, _ := m.capped(log10(strict), s.kind)
		lr = math.Min(lr, h.LogLR)
		h.Planting = &lr
		h.Planters = m.planters(s.holder)
	}
	return h
}

// capped limits a log10 ratio to what validation allows for a kind of hypothesis, in both
// directions. The bool reports whether raw exceeded a limit. Files sent elsewhere have a second
// upper limit (see [model.missed]). What speaks against custody and an insider is at most [otherThief].
func (m *model) capped(raw float64, kind string) (float64, bool) {
	low, top := -m.cap(kind), m.cap(kind)
	switch kind {
	case Elsewhere:
		top = math.Min(top, m.missed())
	case Custody, Insider:
		low = math.Max(low, otherThief)
	}
	return math.Min(math.Max(raw, low), top), raw < low || raw > top
}

// missed returns the maximum log10 ratio that leaks without a match can earn for files sent
// elsewhere: 1/p, with the probability p that the search misses ours. p is 1 - recall for the best
// recall of these leaks, or with the probability [unlike] 1. It is +Inf if all leaks match. A source
// alters all its pictures alike, so that the search misses all for one cause. That counts once for a
// dump, however many leaks are unmatched.
func (m *model) missed() float64 {
	recall := 0.0
	for i := range m.seen {
		if s := &m.seen[i]; !s.matched {
			recall = math.Max(recall, s.recall)
		}
	}
	if recall == 0 {
		return math.Inf(1)
	}
	return -log10(ln(unlike + float64((1-unlike)*(1-recall))))
}

// strangers returns the log10 ratio of some strangers' pictures to none. It compares how many clusters
// match nothing with the share of ours that the search finds. All shares of strangers' pictures are
// equally probable beforehand. Clusters with a mark of ours are left out.
func (m *model) strangers() float64 {
	values := make([]float64, 0, shareSteps)
	for k := range shareSteps {
		x := (float64(k) + 0.5) / shareSteps
		share, v := float64(x*x), ln(2*x/shareSteps)
		for _, it := range m.items {
			s := &m.seen[it.leaks[0]]
			ours, theirs := s.recall, s.chance
			if !s.matched {
				ours, theirs = math.Max(1-s.recall, 1e-6), 1-s.chance
			}
			if s.matched || !s.marked {
				v += ln(1 - share + float64(share*theirs/ours))
			}
		}
		values = append(values, v)
	}
	highest, sum := slices.Max(values), 0.0
	for _, v := range values {
		sum += exp(v - highest)
	}
	return log10(highest + ln(sum))
}

// explain lists the sources of candidate c, and the part that each took in the largest combination
// at point at of the grid. [model.compute] must have filled c.top.
func (m *model) explain(c *candidate, at int) (out []Explanation) {
	top := c.all[c.top[at]]
	for i, k := range c.sources {
		s := m.sources[k]
		p := s.parts[top.parts[i]]
		x := Explanation{Kind: s.kind, Holders: s.holders, Removed: top.removed>>i&1 == 1, From: p.from, To: p.to}
		if s.kind == Planted {
			x.Holders = []string{m.c.Holders[s.holder].Name}
		}
		if p.to < p.from {
			x.From, x.To = -1, -1 // times without any of our leaks
		}
		if p.from < 0 && p.set >= 0 {
			x.Set, x.SetHolders = m.sets[p.set].kind, m.sets[p.set].holders
		}
		out = append(out, x)
	}
	return out
}

// evidence returns how many clusters and leaks speak for source s. For copies these are leaks with
// a confirmed copy of its recipient from the e-value 1,000 on. For custody these are leaks without
// a mark that the holder held. For all other kinds both are 0.
func (m *model) evidence(s source) (clusters, pictures int) {
	for _, it := range m.items {
		n := 0
		for _, l := range it.leaks {
			l := &m.seen[l]
			if s.kind == Copies && l.sure[s.holder] || s.kind == Custody && l.unmarked[s.holder] && l.plain() {
				n++
			}
		}
		if n > 0 {
			clusters++
		}
		pictures += n
	}
	return clusters, pictures
}

// planters returns the names, sorted, of the holders who could have planted marks that speak for
// recipient r, an index in m.c.Holders.
func (m *model) planters(r int) []string {
	var out []string
	for _, s := range m.seen {
		if s.mark[r] <= 1 {
			continue
		}
		for _, k := range s.by[r] {
			if name := m.c.Holders[k].Name; !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// addSilent adds a hypothesis with a ratio of 1 and the code [NoLeak] for each recipient that was
// issued copies and has no hypothesis yet. The code is [TooMany] if leaks surely have its marks.
func (m *model) addSilent(v *Verdict) {
	for i, h := range m.c.Holders {
		if total(h.Copies) > 0 && !slices.ContainsFunc(v.Hypotheses, func(o Hypothesis) bool { return o.Kind == Copies && o.Name == h.Name }) {
			code := NoLeak
			if slices.ContainsFunc(m.seen, func(s sighting) bool { return s.sure[i] }) {
				code = TooMany
			}
			v.Hypotheses = append(v.Hypotheses, Hypothesis{Kind: Copies, Name: h.Name, Code: code})
		}
	}
}

// order sorts the hypotheses: copies, then custody, then all other kinds, each the largest LogLR
// first. Equal ones are sorted by Raw, kind and name.
func (v *Verdict) order() {
	rank := func(h Hypothesis) int {
		switch h.Kind {
		case Copies:
			return 0
		case Custody:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(v.Hypotheses, func(a, b Hypothesis) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.LogLR, a.LogLR), cmp.Compare(b.Raw, a.Raw),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// addLines appends the explanations that nothing here supports or excludes: files that owners also
// sent elsewhere, an unlisted holder and the issuer. Their ratios stay 1. A source that had
// a submission explains a leak that matches it at least as well as its owner's other recipients. A
// leak that matches nothing does not show such a file.
func (m *model) addLines(v *Verdict) {
	if v.Matched > 0 {
		v.Hypotheses = append(v.Hypotheses, Hypothesis{Kind: Elsewhere, Code: OwnersSent})
	}
	issuer := IssuerHad
	if m.neutral() {
		issuer = IssuerHadNo
	}
	v.Hypotheses = append(v.Hypotheses, Hypothesis{Kind: Unlisted, Code: SameAsHeld}, Hypothesis{Kind: Forged, Code: issuer})
}

// neutral reports whether the issuer never had any of the confirmed copies that count as evidence
// ([Copy].Neutral). It is false if there are no such copies.
func (m *model) neutral() bool {
	any := false
	for _, l := range m.c.Leaks {
		for _, c := range l.Copies {
			if c.Confirmed && c.LnE >= SureLnE {
				any = true
				if !c.Neutral {
					return false
				}
			}
		}
	}
	return any
}

// allElsewhere returns [Verdict].AllElsewhere: the capped log10 ratio of files that owners also
// sent elsewhere, alone, to the best explanation without such files. The last source and the last
// element of found must be about such files.
func (m *model) allElsewhere(found []answers) float64 {
	alone := &candidate{sources: []int{len(m.sources) - 1}}
	m.combine(alone)
	m.compute(alone, nil)
	without := found[len(found)-1].without // the last question is about these files
	a := answers{maxima{value: alone.value}, without, without}
	ratio, _, _ := a.modest()
	lr, _ := m.capped(log10(ratio), Elsewhere)
	return lr
}
