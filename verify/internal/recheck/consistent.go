package recheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// Given values of a findings file must agree with each other.

// checkMatches checks that every word for pixels is known, and that no two places of the finding give one submission
// different pixels or another page. The order and the distances are not checked.
func checkMatches(v *findings.Finding) error {
	known := []string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsPartial, findings.PixelsAlike, findings.PixelsEdges, findings.PixelsPage, findings.PixelsSharper, findings.PixelsDifferent, findings.PixelsTemplate, findings.PixelsUndecided, findings.PixelsUnrelated, findings.PixelsUnknown}
	pixels, pages := make(map[watermark.Submission]string), make(map[watermark.Submission]int)
	for i, m := range v.Matches {
		if was := pixels[m.Submission]; !slices.Contains(known, m.Pixels) || was != "" && was != m.Pixels {
			return fmt.Errorf("match %d: pixels are %.40q and %.40q", i, m.Pixels, was)
		}
		if m.Pixels != findings.PixelsPage && (m.Pixels == findings.PixelsAltered || !conclude.ShowsCapture(m.Pixels)) && (m.Pixels == findings.PixelsAltered) != (len(m.Altered) > 0) {
			return fmt.Errorf("match %d: %d altered places, but pixels are %q", i, len(m.Altered), m.Pixels)
		}
		pixels[m.Submission] = m.Pixels
		if m.Page < 0 {
			return fmt.Errorf("match %d: page is %d", i, m.Page)
		}
		if m.Pixels != findings.PixelsUnknown {
			pages[m.Submission] = m.Page
		}
	}
	for i, m := range v.References {
		if !slices.Contains(known, m.Pixels) {
			return fmt.Errorf("reference %d: pixels are %.40q", i, m.Pixels)
		}
	}
	for _, r := range v.Reads {
		was := pixels[r.Submission]
		if !slices.Contains(known, r.Shows) || was != "" && was != findings.PixelsUnknown && was != r.Shows {
			return fmt.Errorf("copy %s: pixels are %.40q and %.40q", r.Copy, r.Shows, was)
		}
		if page, known := pages[r.Submission]; r.Page < 0 || known && page != r.Page {
			return fmt.Errorf("copy %s: of page %d and of page %d", r.Copy, r.Page, page)
		}
	}
	if v.Sync != 0 && !(v.Sync <= watermark.PresentLevel) {
		return fmt.Errorf("sync_log10_p is %v", v.Sync)
	}
	for _, t := range v.Traces {
		if page, known := pages[t.Submission]; t.Page < 0 || known && page != t.Page {
			return fmt.Errorf("trace against %s: of page %d and of page %d", t.Submission, t.Page, page)
		}
	}
	return nil
}

// compared reports whether s is among the matches, or a read names a copy of it: the leak may be traced against s.
func compared(v *findings.Finding, s watermark.Submission) bool {
	return slices.ContainsFunc(v.Matches, func(m findings.Match) bool { return m.Submission == s }) ||
		slices.ContainsFunc(v.Reads, func(r findings.Reading) bool { return r.Submission == s })
}

// checkTraces checks every tracing of the finding ([checkTrace]).
func checkTraces(v *findings.Finding) error {
	for i := range v.Traces {
		if err := checkTrace(v, &v.Traces[i]); err != nil {
			return fmt.Errorf("trace against %s: %w", v.Traces[i].Submission, err)
		}
	}
	return nil
}

// checkTrace checks that the leak was compared with the submission of t. Level must be [tuning.TraceLevel], divided by a possible
// number of submissions, or [tuning.SiblingLevel] so divided. Copies must be in order of LogP, and
// found exactly if LogP is at or below Level. Copies that were found must be among the reads, and
// decoys must be there. Power must be a probability. Scores are not checked.
func checkTrace(v *findings.Finding, t *findings.Tracing) error {
	found := func(c findings.TracedCopy) bool { return c.Found }
	sibling := func(o *findings.Tracing) bool {
		return slices.ContainsFunc(v.Matches, func(m findings.Match) bool { return m.Submission == o.Submission && m.Sibling })
	}
	targets := 0 // beside siblings, and what was traced at a lower level
	for i := range v.Traces {
		if !sibling(&v.Traces[i]) && v.Traces[i].Level > math.Log10(tuning.SiblingLevel)+0.1 {
			targets++
		}
	}
	divides := func(level float64, min int) bool {
		n := math.Round(math.Pow(10, math.Log10(level)-t.Level))
		return n >= float64(min) && n <= tuning.MaxAgainst && t.Level == conclude.Micro(math.Log10(level/n))
	}
	switch {
	case !compared(v, t.Submission):
		return errors.New("nothing spoke for this submission")
	case !divides(tuning.TraceLevel, targets) && !(sibling(t) && divides(tuning.TraceLevel, 1)) && !divides(tuning.SiblingLevel, 1):
		return fmt.Errorf("level is %v, which no number of submissions gives", t.Level)
	case !(t.Power >= 0 && t.Power <= 1):
		return fmt.Errorf("power is %v, want 0 to 1", t.Power)
	case !(t.Withheld >= 0 && t.Withheld <= 1) || t.Registered && t.Withheld > 0:
		return fmt.Errorf("withheld power is %v, want 0 to 1, and 0 if registered", t.Withheld)
	case !(t.LogAny <= 0 && t.Survival >= 0) || t.Survival > 0 && t.LogAny > watermark.PresentLevel:
		return fmt.Errorf("any_log10_p is %v, survival is %v", t.LogAny, t.Survival)
	case !(t.Unmarked >= 0 && t.Unmarked <= 1) || t.Unmarked > 0 && !slices.ContainsFunc(t.Copies, found):
		return fmt.Errorf("unmarked is %v, want 0 to 1, and 0 without copies", t.Unmarked)
	case t.Registered && len(t.Copies) != t.Issued:
		return fmt.Errorf("%d copies were looked for, but %d are listed", t.Issued, len(t.Copies))
	case t.Decoys == nil && slices.ContainsFunc(t.Copies, found):
		return errors.New("a copy was found, but decoys are missing")
	}
	last := math.Inf(-1)
	for _, c := range t.Copies {
		const rounding = 1e-6 // of the stated level
		if c.Found && c.LogP > t.Level+rounding || !c.Found && c.LogP < t.Level-rounding {
			return fmt.Errorf("copy %s: found is %t, but log10 p is %v at a level of %v", c.Copy, c.Found, c.LogP, t.Level)
		}
		if c.LogP < last {
			return fmt.Errorf("copy %s: not in order", c.Copy)
		}
		last = c.LogP
		read := func(r findings.Reading) bool { return r.Copy == c.Copy && r.Submission == t.Submission }
		if c.Found && !slices.ContainsFunc(v.Reads, read) {
			return fmt.Errorf("copy %s: found, but missing from reads", c.Copy)
		}
	}
	return nil
}

// checkRows checks that the registry's rows agree with the finding.
func checkRows(v *findings.Finding) error {
	for _, c := range v.Issued {
		if !v.Shows(c.Submission) {
			return fmt.Errorf("copy %s: made of another submission", c.ID)
		}
		if r := v.Exact(); r != nil && r.Copy == c.ID && c.SHA256.String() != v.SHA256 {
			return fmt.Errorf("copy %s: issued as the file %s, but the leak is %s", c.ID, c.SHA256, v.SHA256)
		}
	}
	for _, x := range v.Views() {
		if err := checkView(x); err != nil {
			return err
		}
	}
	return nil
}

func checkView(v *findings.Finding) error {
	for _, m := range v.Matches {
		if v.Matched() && m.Submission == v.Submission && !m.Submitted.Equal(v.Submitted) {
			return errors.New("its submission has two times")
		}
	}
	for _, c := range v.Custody {
		if v.Submitted.Before(c.From) || v.Submitted.After(c.To) || len(c.Submissions) > 0 && !slices.Contains(c.Submissions, v.Submission) {
			return fmt.Errorf("custody of %q: does not cover its submission", c.Recipient)
		}
	}
	return nil
}

// checkHistory checks the history against the case: it must have the same recipients in the same order. If cfg
// names the uploads that were searched, nothing else is checked. Otherwise matched leaks must lie on the days of the cells.
// The history may then have at most as many uploads in a cell as the case. Erased uploads that leaks show are in the case only.
func checkHistory(f *findings.File, cfg weigh.Basis) error {
	h, c := f.Verdict.History, f.Verdict.Case
	same := func(r findings.RecipientHistory, o odds.Holder) bool { return r.Name == o.Name }
	if !slices.EqualFunc(h.Recipients, c.Holders, same) {
		return errors.New("history: other recipients than in the case")
	}
	if cfg.SearchedNamed() {
		return nil // the case has the named uploads only
	}
	for i, l := range c.Leaks {
		if l.Submission == "" {
			continue
		}
		if k := odds.CellOf(c.Cells, l.Submitted); len(c.Cells) == 0 || l.Submitted.Before(c.Cells[k].From) || !l.Submitted.Before(c.Cells[k].From.AddDate(0, 0, 1)) {
			return fmt.Errorf("case: leak %d was submitted on %s, which no cell has", i+1, words.Day(l.Submitted))
		}
	}
	n := make([]int, len(c.Cells))
	for _, x := range h.Submitted {
		if len(n) == 0 || x.N < 1 {
			return fmt.Errorf("history: %d uploads on %s", x.N, words.Day(x.Day))
		}
		n[odds.CellOf(c.Cells, x.Day)] += x.N
	}
	for i, cell := range c.Cells { // erased uploads that leaks show are in the case only
		if n[i] > cell.Submissions {
			return fmt.Errorf("history: %d uploads in the cell from %s, but %d in the case", n[i], words.Day(cell.From), cell.Submissions)
		}
	}
	return nil
}

// checkRecord checks that a record lists the keys whose marks were read, and that its ledger reaches to the entries it names.
func checkRecord(f *findings.File) error {
	r := &f.Verdict.Record
	for i, l := range f.Leaks {
		for _, x := range l.Reads {
			if (x.LogP != nil || !x.Exact) && !slices.Contains(r.Keys, x.KeyID) {
				return fmt.Errorf("leak %d: a mark under the key %.100q, which the record lacks", i+1, x.KeyID)
			}
		}
	}
	if n := slices.Max(append([]int64{0}, r.Logged...)); n > r.LedgerSize {
		return fmt.Errorf("record: entry %d of a ledger of %d entries", n, r.LedgerSize)
	}
	return nil
}

// checkMethod checks the parameters of a record that are the same in every investigation with this program (see
// [Method]).
func checkMethod(r *findings.Record) error {
	for name, want := range Method() {
		if got := r.Parameters[name]; got != want {
			return fmt.Errorf("record: %s is %.100q, and would be %q", name, got, want)
		}
	}
	return nil
}

// same compares, as JSON, a stated value with the value that follows from the evidence. The error has the path to the
// first difference, which begins with name. If wordsToo is false, the fields that [wordless] deletes do not count.
func same(name string, stated, follows any, wordsToo bool) error {
	a, errA := json.Marshal(stated)
	b, errB := json.Marshal(follows)
	if err := errors.Join(errA, errB); err != nil || bytes.Equal(a, b) {
		return err
	}
	x, errA := plain(a)
	y, errB := plain(b)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if !wordsToo {
		wordless(x)
		wordless(y)
	}
	if reflect.DeepEqual(x, y) {
		return nil
	}
	where, s, t := difference(name, x, y)
	return fmt.Errorf("%s is %s, and would be %s", where, brief(s), brief(t))
}

// plain decodes JSON into maps, slices, strings and [json.Number], which keeps numbers as they are written.
func plain(text []byte) (x any, err error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&x)
	return x, err
}

// difference returns the path to the first difference of a and b, two results of [plain] that differ, and the two
// values there. Lists of different length differ as a whole. at is the path to a and b.
func difference(at string, a, b any) (string, any, any) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			break
		}
		keys := slices.AppendSeq(slices.Collect(maps.Keys(x)), maps.Keys(y))
		slices.Sort(keys)
		for _, k := range keys {
			if !reflect.DeepEqual(x[k], y[k]) {
				return difference(at+"."+k, x[k], y[k])
			}
		}
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			break
		}
		for i := range x {
			if !reflect.DeepEqual(x[i], y[i]) {
				return difference(fmt.Sprintf("%s[%d]", at, i), x[i], y[i])
			}
		}
	}
	return at, a, b
}

// brief returns a result of [plain] as JSON, cut off after 200 bytes, and nil as "missing".
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
