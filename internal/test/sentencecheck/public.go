package sentencecheck

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// The answers to claims that are made in public after a leak.

// answered is the rule of the answer to a claim: open, supported, refuted or against.
func answered(name string, claim func(*report) (string, row)) func(*report) []row {
	return func(r *report) []row {
		if r.examined() == 0 {
			return nil
		}
		answer, x := claim(r)
		if x == nil {
			x = row{}
		}
		x["clause"] = name + "-" + answer
		return []row{x}
	}
}

func markClaim(r *report) (string, row) {
	carry, parts, chance := r.count((*leak).marked), r.count((*leak).damaged), 1.0
	for range parts {
		chance *= 1e-6 * float64(r.examined())
	}
	carry += parts * yes(chance < 1e-3)
	bare := r.count((*leak).onlyBare) * yes(r.named == 0 && len(r.Verdict.Record.Absent) == 0)
	if carry > 0 {
		return "refuted", row{"n": carry}
	}
	if bare == len(r.Leaks) {
		return "supported", row{"n": bare} // which chooses "this picture" or "these pictures"
	}
	return "open", row{"n": len(r.Leaks) - bare, "of": len(r.Leaks)}
}

// onlyBare: without a mark, and with no room for another picture of 64 pixels beside or over the upload.
func (l *leak) onlyBare() bool {
	at := slices.IndexFunc(l.Matches, func(m matchOf) bool { return m.Submission == l.Submission })
	if l.Finding != "unmarked" || at < 0 || l.seenInPart() {
		return false
	}
	m := l.Matches[at]
	room := l.covered(m) > 0
	if m.Region != nil {
		for _, p := range [...]int{0, 1} {
			low, high := math.Inf(1), math.Inf(-1)
			for _, c := range m.Region {
				low, high = min(low, c[p]), max(high, c[p])
			}
			room = room || low >= 64 || float64([...]int{l.Width, l.Height}[p])-high >= 64
		}
	}
	return !room
}

// covered counts the places of an upload under something else with room for a mark.
func (l *leak) covered(m matchOf) (n int) {
	size := float64(l.Width) * float64(l.Height)
	if m.Region != nil {
		left, right := side(m.Region, 0)
		top, bottom := side(m.Region, 1)
		size = (right - left) * (bottom - top)
	}
	for _, a := range m.Altered {
		left, right := side(a.Quad[:], 0)
		top, bottom := side(a.Quad[:], 1)
		long, short := max(right-left, bottom-top), min(right-left, bottom-top)
		area := a.Share * size
		n += yes((a.Kind == "patch" || a.Kind == "field") && area >= 64*64 || a.Kind == "caption" && area*short/long >= 64*64)
	}
	return n
}

// coveredWithOther: something lies over an upload that is no upload found there, or the pixels leave open that a copy's upload is shown.
func (l *leak) coveredWithOther() bool {
	n := 0
	for _, m := range l.Matches {
		n += l.covered(m) - yes(m.Inset && (capture(m.Pixels) || looksLike(m.Pixels)))
	}
	return n > 0 || l.confirmed() && slices.ContainsFunc(l.Matches, func(m matchOf) bool { return m.Submission == l.Submission && !capture(m.Pixels) })
}

// seenInPart: something that the file may show was not judged.
func (l *leak) seenInPart() bool {
	looks := slices.ContainsFunc(l.Matches, func(m matchOf) bool { return looksLike(m.Pixels) && l.nextTo(m) })
	return !l.examined() || l.Pages > 1 || l.Closed > 0 || l.untraced() || looks || l.carriesOthers() || l.smallBesideRoom() || l.coveredWithOther()
}

// untraced: it is an issued file, and its mark was not traced.
func (l *leak) untraced() bool {
	return slices.ContainsFunc(l.Reads, func(x readOf) bool { return x.Exact && !l.traced(x) })
}

// carriesOthers: beside a confirmed copy the leak carries marks that are not confirmed.
func (l *leak) carriesOthers() bool {
	return l.confirmed() && slices.ContainsFunc(l.Reads, func(x readOf) bool { return !slices.Contains(l.Copies, x.Copy) })
}

// smallBesideRoom: an upload under 360 pixels is shown, or a copy of one, and beside all such uploads are 64 pixels on one side.
func (l *leak) smallBesideRoom() bool {
	small, room := false, [4]bool{true, true, true, true}
	for _, m := range l.Matches {
		if !capture(m.Pixels) && !(l.confirmed() && m.Submission == l.Submission) {
			continue
		}
		for axis, end := range [...]float64{float64(l.Width), float64(l.Height)} {
			low, high := 0.0, end
			if m.Region != nil {
				low, high = side(m.Region, axis)
			}
			small = small || high-low < 360
			room[2*axis], room[2*axis+1] = room[2*axis] && low >= 64, room[2*axis+1] && end-high >= 64
		}
	}
	return small && slices.Contains(room[:], true)
}

func oursClaim(r *report) (string, row) {
	if n := r.count(func(l *leak) bool {
		return (l.shows() && !l.hashAlone() || l.anotherToo()) && !r.newer(l, (*leak).sent)
	}); n > 0 {
		return "refuted", row{"n": n}
	}
	return "open", nil
}

// ofSeveral: the leak shows a page that several uploads have.
func (l *leak) ofSeveral() bool {
	return l.seen() && l.Finding == "unreadable" && l.trace(l.Submission).Submission != "" && len(l.Reads) == 0 && l.shared() > 1
}

// hashAlone: the hash of what the leak shows is farther than 10 bits, and the pixels do not settle it, or are few.
func (l *leak) hashAlone() bool {
	return !l.confirmed() && (l.smallAndFar() != nil || slices.ContainsFunc(l.Matches, func(m matchOf) bool {
		return m.Submission == l.Submission && m.Distance > 10 && !capture(m.Pixels) && m.Pixels != "same edges"
	}))
}

// smallAndFar returns the match with the upload shown, if its hash is farther than 10 bits and the whole picture is small, or nil.
func (l *leak) smallAndFar() *matchOf {
	i := slices.IndexFunc(l.Matches, func(m matchOf) bool { return m.Submission == l.Submission })
	if i < 0 || l.Matches[i].Distance <= 10 || l.Matches[i].Region != nil || l.Width >= 360 || l.Height >= 360 {
		return nil
	}
	return &l.Matches[i]
}

// ofAnother: the leak may be of another upload than the upload that it is counted for.
func (l *leak) ofAnother() bool {
	return l.hashAlone() || l.bareOfOne() && l.alikeBeside() != "" || l.ofSeveral()
}

// vague: a mark may be there that was not found, or the leak may be of another upload.
func (l *leak) vague() bool {
	counted := false
	for _, b := range l.Beside {
		counted = counted || b.Submission == l.alikeBeside()
	}
	return l.Sync != 0 || l.Closed != 0 || l.hashAlone() || l.ofSeveral() || l.bareOfOne() && l.alikeBeside() != "" && !counted
}

// anotherToo: beside an unconfirmed mark the leak shows an upload that is not the copy's.
func (l *leak) anotherToo() bool {
	return l.unconfirmed() && !l.shows() && l.another() != nil
}

func (l *leak) another() *matchOf {
	for i := range l.Matches {
		if m := &l.Matches[i]; capture(m.Pixels) && m.Submission != l.Submission {
			return m
		}
	}
	return nil
}

// newer: the leak shows an upload of a time after a stated find.
func (r *report) newer(l *leak, at func(*leak) time.Time) bool {
	return l.anotherToo() && l.since.Before(l.another().Submitted) || slices.ContainsFunc(l.parts(), func(x *leak) bool { return x.shows() && l.since.Before(at(x)) })
}

func (l *leak) sent() time.Time { return l.Submitted }

func monthClaim(r *report) (string, row) {
	var all []time.Time
	begins := func(t time.Time) time.Time {
		return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	n := 0
	for i := range r.Leaks {
		l := &r.Leaks[i]
		known, its := l.shows() && l.Closed == 0 && r.named == 0 && !l.ofAnother(), map[time.Time]bool{}
		for _, x := range l.parts() {
			its[begins(x.Submitted)] = true
			known = known && !x.Submitted.IsZero()
		}
		for _, b := range l.Beside {
			known = known && !(b.Same && !begins(b.Submitted).Equal(begins(l.Submitted)))
		}
		for _, m := range l.Matches {
			laid := l.Finding == "transplanted" || l.Finding == "unissued"
			known = known && !(laid && m.Submission != l.Submission && (m.Sibling || capture(m.Pixels)) && !its[begins(m.Submitted)])
		}
		for _, x := range l.Reads {
			for _, id := range x.Returned {
				there := false
				for _, m := range l.Matches {
					there = there || m.Submission == id && its[begins(m.Submitted)]
				}
				known = known && there
			}
		}
		if known = known && !r.newer(l, (*leak).sent) && !r.newer(l, (*leak).received); known {
			all = slices.AppendSeq(all, maps.Keys(its))
		}
		n += yes(known && !l.seenInPart())
	}
	slices.SortFunc(all, time.Time.Compare)
	all = slices.CompactFunc(all, time.Time.Equal)
	name := func(t time.Time) string { return fmt.Sprintf("%s %d", t.Month(), t.Year()) }
	switch {
	case len(all) > 1:
		return "refuted", row{"n": len(all), "first": name(all[0]), "last": name(all[len(all)-1])}
	case n == len(r.Leaks):
		return "supported", row{"n": n, "first": name(all[0])}
	}
	return "open", row{"n": n, "of": len(r.Leaks)}
}

func vendorClaim(r *report) (string, row) {
	kind := make(map[string]string)
	for _, h := range r.Verdict.History.Recipients {
		kind[h.Name] = h.Kind
	}
	public := make(map[string]bool) // copies: anybody could have leaked them again
	for _, l := range r.Verdict.Case.Leaks {
		for _, c := range l.Copies {
			public[c.ID] = public[c.ID] || !c.Public.IsZero()
		}
	}
	of, sure, never := 0, 0, 0
	for i := range r.Leaks {
		l := &r.Leaks[i]
		vendors, named, may := 0, 0, map[string]bool{"vendor": true, "reviewer": true, "": true}
		for _, name := range l.recipients() {
			vendors += yes(kind[name] == "vendor")
		}
		for _, x := range l.parts() {
			named += yes(slices.ContainsFunc(x.recipients(), func(name string) bool { return kind[name] == "vendor" && slices.Contains(r.Verdict.Named, name) }))
		}
		of, sure = of+yes(vendors > 0), sure+yes(named == len(l.parts()) && vendors == len(l.recipients()))
		for _, name := range l.recipients() {
			vendors += yes(may[kind[name]])
		}
		for _, x := range l.parts() {
			for _, c := range x.Custody {
				vendors += yes(may[kind[c.Recipient]])
			}
		}
		for k, c := range l.Issued {
			vendors += yes(public[c.Copy] || l.trace(c.Of).Unsought > 0 || r.lateCopy(l, k))
			for _, t := range r.Verdict.Travel {
				for _, h := range t.Others {
					vendors += yes(t.Copy == c.Copy && may[kind[h.Party]])
				}
				vendors += yes(t.Copy == c.Copy && len(t.Returned) > 0)
			}
		}
		never += yes(l.confirmed() && vendors == 0 && !l.thinned() && !l.seenInPart() && !r.forgeable(l) && r.named == 0)
	}
	for _, x := range r.Verdict.Odds.Rivals {
		never *= yes(x.Why != "held unmarked" && x.Why != "planting" || kind[x.Other] != "vendor" && kind[x.Other] != "reviewer" && kind[x.Other] != "")
	}
	if never > 0 {
		return "refuted", row{"n": never}
	}
	all := sure == len(r.Leaks) && r.count((*leak).seenInPart)+r.count(r.forgeable) == 0
	for _, name := range r.Verdict.Named {
		all = all && kind[name] == "vendor"
	}
	for i := range r.Leaks {
		for _, c := range r.Leaks[i].Issued {
			all = all && c.State != "reserved"
		}
	}
	for _, x := range r.Verdict.Odds.Rivals {
		all = all && x.Why == "together"
	}
	for _, t := range r.Verdict.Travel {
		all = all && len(t.Returned) == 0
		for _, h := range t.Others {
			all = all && kind[h.Party] == "vendor"
		}
	}
	if !all {
		return "open", row{"n": of, "of": len(r.Leaks)}
	}
	var names []string
	for _, name := range r.holders() {
		if slices.Contains(r.Verdict.Named, name) {
			names = append(names, name)
		}
	}
	return "supported", row{"n": sure, "names": names}
}

func breachClaim(r *report) (string, row) {
	n := r.count(func(l *leak) bool {
		held := len(l.Custody)
		for _, b := range l.Beside {
			held += len(b.Custody)
		}
		free := !slices.ContainsFunc(l.parts(), func(x *leak) bool {
			t := l.trace(x.Submission)
			return t.Submission == "" && x.Submission != l.Submission || t.Issued > 0 && !r.copiedLater(l, x.Submission)
		})
		return l.Finding == "unmarked" && !l.hashAlone() && !r.newer(l, (*leak).sent) && held == 0 && free
	})
	if n > 0 && r.named == 0 && len(r.Verdict.Record.Absent) == 0 {
		return "against", row{"n": n}
	}
	return "open", nil
}

// copiedLater: the case has copies of an upload that leak l shows, all issued after the find.
func (r *report) copiedLater(l *leak, of string) bool {
	for j, i := range r.Verdict.Of {
		if c := r.Verdict.Case.Leaks[j]; &r.Leaks[i] == l && c.Submission == of {
			late := 0
			for _, x := range c.Copies {
				late += yes(x.Late && !x.Undated)
			}
			return late > 0 && late == len(c.Copies)
		}
	}
	return false
}

// weakTogether: the copies of a recipient, or of one of its reviewers, were found nowhere. Their scores, on the first leak of each upload where
// others were found, are together five deviations and more.
func (r *report) weakTogether(of func(name string) bool) bool {
	type holder struct{ name, reviewer string }
	scores, found, done := make(map[holder][]float64), make(map[holder]bool), make(map[string]bool)
	for j, i := range r.Verdict.Of {
		c, l := r.Verdict.Case.Leaks[j], &r.Leaks[i]
		t := l.trace(c.Submission)
		if !l.confirmed() || !slices.ContainsFunc(t.Copies, func(x tracedCopy) bool { return x.Found }) {
			continue
		}
		for _, x := range t.Copies {
			for _, y := range c.Copies {
				h := holder{y.Recipient, y.Reviewer}
				if y.ID == x.Copy && of(y.Recipient) {
					found[h] = found[h] || x.Found
					if !done[c.Submission] {
						scores[h] = append(scores[h], x.Score)
					}
				}
			}
		}
		done[c.Submission] = true
	}
	for h, all := range scores {
		sum := 0.0
		for _, x := range all {
			sum += x
		}
		if !found[h] && sum/math.Sqrt(float64(len(all))) >= 5 {
			return true
		}
	}
	return false
}

// thinned: a trace found copies whose marks together are under seven tenths of what a whole copy is expected to have. Or
// they are missing in a place, or another mark has the opposite sign or is too weak to be found.
func (l *leak) thinned() bool {
	few := false
	for _, t := range l.Traces {
		sum := 0.0
		against := false
		for _, c := range t.Copies {
			if c.Found {
				sum += c.Score
			}
			against = against || -c.Score >= 8 || !c.Found && c.Score >= 5
		}
		few = few || sum > 0 && (t.Unmarked != 0 || against || sum/0.7 < t.Expected)
	}
	return few && l.confirmed()
}
