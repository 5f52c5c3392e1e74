package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Findings are checked by concluding again, with the code that concluded first. What is
// taken for given is what pictures and registry said: hashes, what pixels show, scores
// and powers, rows, custody, counts of submissions, and the record.

// CheckLeaks concludes every finding again from the evidence that stands beside it. The
// error wraps [ErrFindings] and names the first leak that says something else. Where
// only words differ, and another version of the program wrote them, it wraps [ErrVersion].
func (f *Findings) CheckLeaks() error {
	return f.inWords(func(words bool) error {
		opens, err := strconv.ParseBool(f.Verdict.Record.Parameters[originalsOpen])
		if err != nil {
			return errors.New("the record does not say whether originals could be opened")
		}
		for i, l := range f.Leaks {
			if err := l.recheck(opens, words); err != nil {
				return fmt.Errorf("leak %d (%.200q): %w", i+1, l.File, err)
			}
		}
		return nil
	})
}

// recheck concludes a leak again from the evidence that it carries. All that the new
// verdict does not take from the old one must come out the same.
func (v *Verdict) recheck(opens, words bool) error {
	again := &Verdict{File: v.File, Error: v.Error, Picture: v.Picture, Evidence: v.Evidence, Rows: v.Rows,
		Conclusion: findings.Conclusion{Submitted: v.Submitted, Cluster: v.Cluster}}
	if v.Finding == FoundDamaged {
		again = damagedLeak(v.File, v.Picture, v.Error)
	} else {
		if v.Pages == 1 || v.Pages < 0 {
			return fmt.Errorf("pages is %d, want 0 or more than 1", v.Pages)
		}
		if err := v.checkPixels(); err != nil {
			return err
		}
		if err := v.checkTraces(); err != nil {
			return err
		}
		e := v.evidence(opens)
		for _, r := range e.issuedReads() {
			if r.key == nil {
				return fmt.Errorf("copy %s: the state of its key is missing", r.copy)
			}
		}
		again.conclude(e)
	}
	if err := same("leak", v, again, words); err != nil {
		return err
	}
	return v.checkRows()
}

// checkPixels holds what the pixels are said to show against what there is to say.
func (v *Verdict) checkPixels() error {
	known := []string{PixelsSame, PixelsPartial, PixelsAlike, PixelsDifferent, PixelsUndecided, PixelsUnrelated, PixelsUnknown}
	said := make(map[watermark.Submission]string)
	for _, m := range v.Matches {
		if was := said[m.Submission]; !slices.Contains(known, m.Pixels) || was != "" && was != m.Pixels {
			return fmt.Errorf("the pixels are said to be %.40q and %.40q", m.Pixels, was)
		}
		said[m.Submission] = m.Pixels
	}
	for _, m := range v.References {
		if !slices.Contains(known, m.Pixels) {
			return fmt.Errorf("the pixels are said to be %.40q", m.Pixels)
		}
	}
	for _, r := range v.Reads {
		was := said[r.Submission]
		if !slices.Contains(known, r.Shows) || was != "" && was != PixelsUnknown && was != r.Shows {
			return fmt.Errorf("the pixels are said to be %.40q and %.40q", r.Shows, was)
		}
	}
	return nil
}

// looksLike reports whether the leak was held against a submission at all.
func (v *Verdict) looksLike(s watermark.Submission) bool {
	return slices.ContainsFunc(v.Matches, func(m Match) bool { return m.Submission == s }) ||
		slices.ContainsFunc(v.Reads, func(r findings.Reading) bool { return r.Submission == s })
}

// checkTraces holds what a tracing says of single copies against its level.
func (v *Verdict) checkTraces() error {
	for i := range v.Traces {
		t := &v.Traces[i]
		if !v.looksLike(t.Submission) {
			return fmt.Errorf("traced against %s, which nothing spoke for", t.Submission)
		}
		if t.Registered && len(t.Copies) != t.Issued {
			return fmt.Errorf("traced for %d copies, and %d are listed", t.Issued, len(t.Copies))
		}
		if t.Decoys == nil && slices.ContainsFunc(t.Copies, func(c findings.TracedCopy) bool { return c.Found }) {
			return errors.New("a copy was found, and what copies that were never issued score is missing")
		}
		last := math.Inf(-1)
		for _, c := range t.Copies {
			const rounding = 1e-6 // of the stated level
			if c.Found && c.LogP > t.Level+rounding || !c.Found && c.LogP < t.Level-rounding {
				return fmt.Errorf("found is %t of copy %s, whose log10 p is %v at a level of %v", c.Found, c.Copy, c.LogP, t.Level)
			}
			if c.LogP < last {
				return fmt.Errorf("copy %s does not stand in order", c.Copy)
			}
			last = c.LogP
			read := slices.ContainsFunc(v.Reads, func(r findings.Reading) bool { return r.Copy == c.Copy && r.Submission == t.Submission })
			if c.Found && !read {
				return fmt.Errorf("copy %s was found, and stands not among what was read", c.Copy)
			}
		}
	}
	return nil
}

// checkRows holds the registry's rows beside a leak against what they are there for.
func (v *Verdict) checkRows() error {
	for _, c := range v.Issued {
		if c.Submission != v.Submission {
			return fmt.Errorf("copy %s is of another submission", c.ID)
		}
	}
	for _, m := range v.Matches {
		if v.matched() && m.Submission == v.Submission && !m.Submitted.Equal(v.Submitted) {
			return errors.New("its submission has two times")
		}
	}
	for _, c := range v.Custody {
		if v.Submitted.Before(c.From) || v.Submitted.After(c.To) ||
			len(c.Submissions) > 0 && !slices.Contains(c.Submissions, v.Submission) {
			return fmt.Errorf("the custody of %q does not cover its submission", c.Recipient)
		}
	}
	return nil
}

// CheckVerdict weighs the leaks again, with the books as the verdict's case has them, and
// compares everything: case, odds, hypotheses, counts and words. The error wraps
// [ErrFindings] and names the first that differs. Where only words differ, and another version
// of the program wrote them, it wraps [ErrVersion].
func (f *Findings) CheckVerdict() error { return f.inWords(f.checkVerdict) }

func (f *Findings) checkVerdict(words bool) error {
	stated := f.Verdict
	cfg, err := stated.config()
	if err != nil {
		return err
	}
	leaks, books, err := f.restore()
	if err != nil {
		return err
	}
	w, err := weigh(leaks, books, cfg)
	if err != nil {
		return err
	}
	w.speak()
	w.Record = stated.Record
	for i, l := range leaks {
		if l.Cluster != f.Leaks[i].Cluster {
			return fmt.Errorf("leak %d: cluster is %.100q, and would be %q", i+1, f.Leaks[i].Cluster, l.Cluster)
		}
	}
	if n := len(f.labels()); f.Revealed && f.Hidden != 0 || !f.Revealed && f.Hidden != n {
		return fmt.Errorf("%d recipients are called by numbers, where no finding concerns %d", f.Hidden, n)
	}
	return same("verdict", stated, &w.DumpVerdict, words)
}

// config is what a verdict says of how it was weighed.
func (d *DumpVerdict) config() (Config, error) {
	c := Config{Claimed: d.Case.Claimed, Drawn: d.Case.Drawn}
	if d.Case.MarkTrials == d.Case.MatchTrials { // stated by whoever investigated: the program's own differ
		c.Trials = d.Case.MarkTrials
	}
	if with := d.Record.Parameters[comparedWith]; with != "" && with != allUploads {
		n, err := strconv.Atoi(with)
		if err != nil || n < 1 || n > maxAgainst {
			return c, errors.New("the record does not say what the leaks were compared with")
		}
		c.Against = make([]watermark.Submission, n) // which they were, nothing depends on
	}
	at := d.Record.Parameters[foundOn]
	if at == notStated {
		return c, nil
	}
	var err error
	if c.Found, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return c, errors.New("the record does not say when the leaks were found")
	}
	return c, nil
}

// restore gives the leaks what their JSON leaves out, from the case, and the books that
// the case was made from.
func (f *Findings) restore() ([]*Verdict, *books, error) {
	if err := f.checkPlaces(); err != nil {
		return nil, nil, err
	}
	c, of := f.Verdict.Case, f.Verdict.Of
	leaks := make([]*Verdict, len(f.Leaks))
	unconfirmed := 0
	for i, l := range f.Leaks {
		full := *l
		full.subject, full.marked = l.Cluster, nil
		leaks[i] = &full
		if l.Finding == FoundCopy && l.Unconfirmed {
			unconfirmed++
		}
	}
	b := &books{history: f.Verdict.History, cells: c.Cells, copies: make(map[watermark.Submission][]registry.Copy), unconfirmed: f.Verdict.Unconfirmed,
		holdings: &registry.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}}
	for _, name := range slices.Sorted(maps.Keys(b.unconfirmed)) {
		known := slices.ContainsFunc(c.Holders, func(h odds.Holder) bool { return h.Name == name })
		if n := b.unconfirmed[name]; !known || n < 1 || n > unconfirmed {
			return nil, nil, fmt.Errorf("%d leaks with marks of %.100q are not confirmed, where there are %d", n, name, unconfirmed)
		}
	}
	for _, h := range c.Holders {
		b.recipients = append(b.recipients, registry.Recipient{Name: h.Name})
		b.holdings.Copies[h.Name], b.holdings.Unmarked[h.Name] = h.Copies, h.Unmarked
	}
	for j, i := range of {
		if l := leaks[i]; l.matched() && b.copies[l.Submission] == nil {
			for _, x := range c.Leaks[j].Copies {
				id, err := watermark.ParseCopyID(x.ID)
				if err != nil {
					return nil, nil, err
				}
				b.copies[l.Submission] = append(b.copies[l.Submission], registry.Copy{ID: id, Recipient: x.Recipient})
			}
		}
		leaks[i].marked = c.Leaks[j].Transplanted
	}
	for i, k := range firsts(leaks) {
		leaks[i].marked = leaks[k].marked // of repetitions the case has the first
	}
	return leaks, b, oneSubject(leaks)
}

// checkPlaces holds the places of the case's leaks against the leaks.
func (f *Findings) checkPlaces() error {
	if n, of := len(f.Verdict.Case.Leaks), len(f.Verdict.Of); of != n {
		return fmt.Errorf("the case has %d leaks, and %d places", n, of)
	}
	for _, i := range f.Verdict.Of {
		if i < 0 || i >= len(f.Leaks) {
			return fmt.Errorf("the case has a leak %d of %d", i, len(f.Leaks))
		}
	}
	return nil
}

// oneSubject holds leaks of one submission against each other.
func oneSubject(leaks []*Verdict) error {
	first := make(map[watermark.Submission]*Verdict)
	for i, l := range leaks {
		if !l.matched() {
			continue
		}
		if o := first[l.Submission]; o == nil {
			first[l.Submission] = l
		} else if o.Cluster != l.Cluster || !o.Submitted.Equal(l.Submitted) {
			return fmt.Errorf("leak %d shows a submission of which another says another time or subject", i+1)
		}
	}
	return nil
}

// same compares what is stated with what follows, as JSON, and names the first
// difference; without words it compares all else.
func same(name string, stated, follows any, words bool) error {
	a, err := json.Marshal(stated)
	if err != nil {
		return err
	}
	b, err := json.Marshal(follows)
	if err != nil {
		return err
	}
	if bytes.Equal(a, b) {
		return nil
	}
	x, err := plain(a)
	if err != nil {
		return err
	}
	y, err := plain(b)
	if err != nil {
		return err
	}
	if !words {
		wordless(x)
		wordless(y)
		if equalJSON(x, y) {
			return nil
		}
	}
	where, s, t := difference(name, x, y)
	return fmt.Errorf("%s is %s, and would be %s", where, brief(s), brief(t))
}

func plain(text []byte) (x any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&x)
	return x, err
}

// difference is the path to the first of two values that differ.
func difference(at string, a, b any) (string, any, any) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.Sorted(maps.Keys(x))
		for k := range y {
			if _, there := x[k]; !there {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			if !equalJSON(x[k], y[k]) {
				return difference(at+"."+k, x[k], y[k])
			}
		}
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			if !equalJSON(x[i], y[i]) {
				return difference(fmt.Sprintf("%s[%d]", at, i), x[i], y[i])
			}
		}
	}
	return at, a, b
}

func equalJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// brief is a value of JSON, cut off.
func brief(x any) string {
	if x == nil {
		return "missing"
	}
	text, err := json.Marshal(x)
	if err != nil {
		return "no JSON"
	}
	if len(text) > 200 {
		text = append(bytes.ToValidUTF8(text[:200], nil), "…"...)
	}
	return string(text)
}
