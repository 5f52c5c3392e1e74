package experiments

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
)

// A score is how the verdict on one dump compares with the truth about it.
type score struct {
	story      string
	leaks      int
	took       time.Duration
	statements []statement
	listed     bool // some hypothesis stands for a true source
	top        bool // the top one does
	stated     bool // a true one reaches a ratio of ten
	any        bool // one does, whichever
	named      []string
	anyAlone   bool     // one of them without a rival
	wrong      []string // named, and no leak was made of a copy of theirs
	framed     bool     // the recipient that somebody wants blamed is named,
	alone      bool     // without a rival,
	beside     bool     // with who did it as a rival,
	open       bool     // or with whoever the rest of the dump came from, nobody listed
	warned     bool     // a flag says so
	window     bool
	headed     bool // a report's headline would have it
	supported  float64
	recipients []told // true ones
}

// A statement is a hypothesis with a ratio.
type statement struct {
	what  string
	kind  string
	logLR float64
	yes   bool
}

// told is what is told of a recipient whose copies leaked.
type told struct {
	sent      int // clusters with leaks of copies that went through a messenger
	survived  int // of these, that were found to be copies
	safe      int // of these, of uploads that no other recipient is recorded to have held unmarked
	scrubbed  bool
	scrubbedN int
	named     bool
	alone     bool   // without a rival
	reason    string // why not
}

// weigh weighs the case of a dump.
func (d *simDump) weigh(c *odds.Case) (*score, error) {
	start := time.Now()
	v, err := odds.Weigh(c)
	if err != nil {
		return nil, fmt.Errorf("a dump of %s: %w", d.story, err)
	}
	s := d.judge(v)
	s.took = time.Since(start)
	return s, nil
}

// judge compares a verdict with the truth.
func (d *simDump) judge(v *odds.Verdict) *score {
	s := &score{story: d.story, leaks: len(d.leaks), named: v.Named, anyAlone: len(v.Alone()) > 0}
	s.hypotheses(d, v)
	for _, name := range v.Named {
		if !slices.ContainsFunc(d.leaks, func(l simLeak) bool { return l.kind == OutcomeCopy && d.holders[l.recipient].name == name }) {
			s.wrong = append(s.wrong, name)
		}
	}
	s.framing(d, v)
	s.windows(d, v)
	s.told(d, v)
	return s
}

// stands reports whether a hypothesis stands for something that is true of a dump: copies
// for leaks made of them, custody for who held the same, the insider for all who
// are not listed, for nothing tells these apart, and files sent elsewhere for strangers'.
func (d *simDump) stands(h *odds.Hypothesis) bool {
	for r := range d.holders {
		if h.Kind == odds.Copies && h.Name == d.holders[r].name {
			return slices.ContainsFunc(d.leaks, func(l simLeak) bool { return l.kind == OutcomeCopy && l.recipient == r })
		}
	}
	if h.Kind == odds.Elsewhere && slices.ContainsFunc(d.leaks, func(l simLeak) bool { return l.kind == OutcomeStranger }) {
		return true
	}
	for _, src := range d.sources {
		switch {
		case h.Kind != src.kind && src.kind != odds.Unlisted:
		case h.Kind == odds.Custody && src.holder >= 0:
			if slices.Contains(h.Holders, d.holders[src.holder].name) {
				return true
			}
		case h.Kind == odds.Insider:
			return src.holder < 0
		case h.Kind == odds.Elsewhere && src.kind == odds.Elsewhere:
			return true
		}
	}
	return false
}

// hypotheses compares the ratios with the truth.
func (s *score) hypotheses(d *simDump, v *odds.Verdict) {
	var top *odds.Hypothesis
	for i := range v.Hypotheses {
		h := &v.Hypotheses[i]
		if h.Kind == odds.Unlisted || h.Kind == odds.Forged {
			continue
		}
		yes := d.stands(h)
		what := h.Name + strings.Join(h.Holders, "+")
		s.statements = append(s.statements, statement{strings.TrimSpace(h.Kind + " " + what), h.Kind, h.LogLR, yes})
		s.listed = s.listed || yes
		s.stated = s.stated || yes && h.LogLR >= 1
		s.any = s.any || h.LogLR >= 1
		if top == nil || h.LogLR > top.LogLR || h.LogLR == top.LogLR && h.Raw > top.Raw {
			top = h
		}
	}
	s.top = top != nil && d.stands(top)
}

// framing says whether a recipient is named by what was planted.
func (s *score) framing(d *simDump, v *odds.Verdict) {
	if d.framed < 0 {
		return
	}
	name := d.holders[d.framed].name
	s.framed, s.alone = slices.Contains(v.Named, name), slices.Contains(v.Alone(), name)
	for _, r := range v.Rivals {
		s.beside = s.beside || r.Name == name && r.Other == d.holders[d.planter].name
		s.open = s.open || r.Name == name && r.Other == ""
	}
	s.open = s.open && !s.beside
	for _, f := range v.Flags {
		if f.Name == name && (f.Kind == odds.FlagRepeated || f.Kind == odds.FlagOnly || f.Kind == odds.FlagTransplanted ||
			slices.Contains(f.Others, d.holders[d.planter].name)) {
			s.warned = true
		}
	}
}

// windows says whether the verdict finds the window that unmarked leaks came from, with all
// its holders, and what it earns these.
func (s *score) windows(d *simDump, v *odds.Verdict) {
	if v.Window == nil || len(d.sources) != 1 || d.sources[0].kind != odds.Custody {
		return
	}
	w, holder := v.Window, d.sources[0].holder
	first, last := len(d.months), 0
	for i, yes := range d.holders[holder].unmarked {
		if yes {
			first, last = min(first, d.month[i]), max(last, d.month[i])
		}
	}
	s.window = w.From >= first && w.To <= last && 10*w.Leaks >= 9*w.Of
	for r := range d.holders {
		if h := &d.holders[r]; h.unmarked[d.anyOf(holder)] && slices.Equal(h.unmarked, d.holders[holder].unmarked) {
			s.window = s.window && slices.Contains(w.Holders, h.name)
		}
	}
	for _, h := range v.Hypotheses {
		if h.Kind == odds.Custody && slices.Contains(h.Holders, d.holders[holder].name) {
			s.supported, s.headed = h.LogLR, h.LogLR >= odds.MinWindow && w.Heads()
		}
	}
}

// anyOf is the first upload that a recipient held unmarked.
func (d *simDump) anyOf(holder int) int { return slices.Index(d.holders[holder].unmarked, true) }

// told counts what speaks for each true recipient.
func (s *score) told(d *simDump, v *odds.Verdict) {
	for _, src := range d.sources {
		if src.kind != odds.Copies {
			continue
		}
		name := d.holders[src.holder].name
		t := told{named: slices.Contains(v.Named, name), alone: slices.Contains(v.Alone(), name), scrubbed: src.scrubbed}
		sent, survived, safe, all := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, l := range d.leaks {
			if l.kind != OutcomeCopy || l.recipient != src.holder {
				continue
			}
			all[d.subject[l.upload]] = true
			if !slices.Contains(messengers, l.attack) {
				continue
			}
			sent[d.subject[l.upload]] = true
			if l.found.Shows == ShowsOwn && l.found.Finding == string(verify.FoundCopy) {
				survived[d.subject[l.upload]] = true
				if !d.heldByOther(l.upload, src.holder) {
					safe[d.subject[l.upload]] = true
				}
			}
		}
		for _, w := range v.Withheld {
			if w.Name == d.holders[src.holder].name {
				t.reason = w.Reason
			}
		}
		t.sent, t.survived, t.safe, t.scrubbedN = len(sent), len(survived), len(safe), len(all)
		s.recipients = append(s.recipients, t)
	}
}

// heldByOther reports whether another recipient is recorded to have held an upload unmarked,
// so that it could lay marks onto it.
func (d *simDump) heldByOther(upload, recipient int) bool {
	for r, h := range d.holders {
		if r != recipient && h.unmarked[upload] {
			return true
		}
	}
	return false
}

// add counts the score of dump i.
func (rep *VerdictReport) add(i int, s *score) {
	rep.Dumps++
	rep.Leaks += s.leaks
	at := slices.IndexFunc(rep.Stories, func(x Story) bool { return x.Name == s.story })
	t := &rep.Stories[at]
	t.Dumps++
	rep.took = append(rep.took, s.took.Seconds()*1000)
	inc := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	inc(&t.Listed, s.listed)
	inc(&t.Top, s.listed && s.top)
	inc(&t.Stated, s.listed && s.stated)
	inc(&t.TopStated, s.listed && s.any && s.top)
	inc(&t.Named, len(s.named) > 0)
	inc(&t.Alone, s.anyAlone)
	inc(&t.Wrong, len(s.wrong) > 0)
	inc(&t.Framed, s.framed)
	inc(&t.FramedAlone, s.framed && s.alone)
	inc(&t.Beside, s.framed && s.beside)
	inc(&t.Open, s.framed && s.open)
	inc(&t.Warned, s.framed && s.warned)
	inc(&t.Windows, s.window)
	inc(&t.Tens, s.window && s.supported >= 1)
	inc(&t.Hundreds, s.window && s.supported >= 2)
	inc(&t.Headed, s.window && s.headed)
	if s.window {
		t.supported += s.supported
	}
	if len(s.wrong) > 0 {
		rep.Wrong++
		rep.note(i, s, fmt.Sprintf("names %s, of whose copies no leak was made", strings.Join(s.wrong, ", ")))
	}
	switch {
	case s.framed && s.alone:
		rep.WrongAlone++
		rep.note(i, s, "names alone a recipient whose copies another put there")
	case s.framed && !s.beside && !s.open:
		rep.Outside++
		rep.note(i, s, "names a recipient whose copies another put there, and not that other among its rivals")
	}
	for _, r := range s.recipients {
		if r.survived >= 3 && r.named {
			rep.Alone.add(r.alone)
		}
		if r.survived > 0 {
			rep.Named[min(r.survived, 3)-1].add(r.named)
		}
		if r.safe >= 3 {
			rep.Safe.add(r.named)
		}
		if r.sent >= 3 {
			rep.Sent.add(r.named)
		}
		if r.scrubbed && r.scrubbedN >= 3 {
			rep.Scrubbed.add(r.named)
		}
		if r.survived >= 3 && !r.named {
			rep.note(i, s, fmt.Sprintf("does not name a recipient of whose copies %d survived a messenger: %s", r.survived, r.reason))
		}
	}
	for _, x := range s.statements {
		rep.calibrate(i, s, x)
	}
}

func (b *Calibration) add(x statement, p float64) {
	b.Stated++
	b.Mean += p
	b.LogLR += x.logLR
	if x.yes {
		b.True++
	}
}

// calibrate counts one statement.
func (rep *VerdictReport) calibrate(i int, s *score, x statement) {
	p := 1 / (1 + math.Pow(10, -x.logLR))
	if rep.ByKind[x.kind] == nil {
		rep.ByKind[x.kind] = newCalibration()
	}
	for k := len(calibrationBins) - 1; k >= 0; k-- {
		if x.logLR >= calibrationBins[k] {
			rep.Calibrated[k].add(x, p)
			rep.ByKind[x.kind][k].add(x, p)
			break
		}
	}
	if p < .99 {
		return
	}
	rep.Sure.add(x.yes)
	if rep.SureKinds[x.kind] == nil {
		rep.SureKinds[x.kind] = new(Tally)
	}
	rep.SureKinds[x.kind].add(x.yes)
	if !x.yes {
		rep.note(i, s, fmt.Sprintf("states %.1f for %s, which is not true", x.logLR, x.what))
	}
}

// maxNoted is how many cases are listed.
const maxNoted = 200

func (rep *VerdictReport) note(i int, s *score, what string) {
	if len(rep.Cases) < maxNoted {
		rep.Cases = append(rep.Cases, Failure{File: fmt.Sprintf("dump %d (%s, %d leaks)", i, s.story, s.leaks), Error: what})
	}
}

func (rep *VerdictReport) finish() {
	rep.Milli = spreadOf(rep.took)
	rep.Upper95 = upperBound(rep.Wrong, rep.Dumps, .95)
	for i := range rep.Stories {
		t := &rep.Stories[i]
		t.Supported = Number(t.supported / float64(t.Windows))
	}
	rep.Calibrated = means(rep.Calibrated)
	for _, bins := range rep.ByKind {
		means(bins)
	}
}

func means(bins []Calibration) []Calibration {
	for i := range bins {
		if b := &bins[i]; b.Stated > 0 {
			b.Mean /= float64(b.Stated)
			b.LogLR /= float64(b.Stated)
		}
	}
	return bins
}
