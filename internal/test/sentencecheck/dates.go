package sentencecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The sentences on the first page about dates, and about earlier examinations of the same files.

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// claim is how a time of the find is written.
func claim(t time.Time) string {
	if t.IsZero() {
		return "not stated"
	}
	return "stated as " + moment(t)
}

// contradicted lists what the stated time of the find contradicts.
func (r *report) contradicted() (why []string) {
	if r.stated.IsZero() {
		return nil
	}
	begun, said, copied, sent := false, false, false, false
	for _, e := range r.Verdict.Earlier {
		begun = begun || e.Started.Before(r.stated)
		said = said || !e.Found.IsZero() && !e.Found.Equal(r.stated)
	}
	for _, l := range r.all() {
		if !l.shows() {
			continue
		}
		sent = sent || r.stated.Before(l.Submitted)
		for _, c := range l.Issued {
			copied = copied || r.stated.Before(c.Issued)
		}
	}
	for i := range r.Leaks {
		l := &r.Leaks[i]
		sent = sent || l.anotherToo() && r.stated.Before(l.another().Submitted)
	}
	for i, yes := range []bool{begun, said, copied, sent} {
		if yes {
			why = append(why, []string{"these files were examined before it", "another time was entered for these files",
				"a picture contains a copy that was issued later", "a picture shows an upload that was submitted later"}[i])
		}
	}
	return why
}

func foundNotUsed(r *report) []row {
	why := r.contradicted()
	return once(len(why) > 0, row{"found": moment(r.stated), "why": why})
}

// who writes whom an examination named.
func who(names []string) string {
	switch n := len(names); n {
	case 0:
		return "no recipient was named"
	case 1:
		return names[0] + " was named"
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " were named"
	}
}

func examinedBefore(r *report) []row {
	all := r.Verdict.Earlier
	if len(all) == 0 {
		return nil
	}
	first := all[0]
	for _, e := range all {
		if e.Started.Before(first.Started) {
			first = e
		}
	}
	return some(len(all), row{"day": moment(first.Started), "entry": fmt.Sprint(first.Entry)})
}

func otherwise(r *report) (out []row) {
	for _, e := range slices.Backward(r.Verdict.Earlier) {
		if !e.Found.Equal(r.stated) {
			out = []row{{"what": "time of the find", "now": "it is " + claim(r.stated), "then": "it was " + claim(e.Found), "entry": fmt.Sprint(e.Entry), "n": e.Shared}}
		}
	}
	for _, e := range r.Verdict.Earlier {
		now := slices.Sorted(slices.Values(r.Verdict.Named))
		if e.Concluded.IsZero() || slices.Equal(now, e.Named) {
			continue
		}
		return append(out, row{"what": "result", "now": who(now), "then": who(e.Named), "entry": fmt.Sprint(e.Entry), "n": e.Shared})
	}
	return out
}

// late counts the pictures with copies of after the stated find, by recipient, and the pictures that show uploads of after it.
func late(r *report) (out []row) {
	n, first, open := make(map[string]int), make(map[string]time.Time), make(map[string]string)
	var names []string
	for i := range r.Leaks {
		seen := make(map[string]bool)
		for k, c := range r.Leaks[i].Issued {
			if !r.Leaks[i].shows() || !r.lateCopy(&r.Leaks[i], k) {
				continue
			}
			if !r.Leaks[i].since.Before(c.Issued) {
				open[c.Recipient] = "; that this was entered before the find is not shown"
			}
			if n[c.Recipient] == 0 {
				names, first[c.Recipient] = append(names, c.Recipient), c.Issued
			}
			if c.Issued.Before(first[c.Recipient]) {
				first[c.Recipient] = c.Issued
			}
			if !seen[c.Recipient] {
				n[c.Recipient]++
			}
			seen[c.Recipient] = true
		}
	}
	slices.Sort(names)
	for _, name := range names {
		what := fmt.Sprintf("%s recorded as issued to %s on %s or later%s", either(n[name], "contains a copy", "contain copies"), name, moment(first[name]), open[name])
		out = append(out, row{"n": n[name], "what": unquoted(what), "found": moment(r.known()), "so": "One of these dates is wrong, or the pictures were made after the find."})
	}
	return append(out, lateUploads(r)...)
}

// lateCopy: issued copy k of a leak is not proven to be of before the file was known.
func (r *report) lateCopy(l *leak, k int) bool {
	c := l.Issued[k]
	said := r.earliest.Before(c.Issued)
	if !c.Proven.IsZero() {
		said = r.earliest.Before(c.Proven)
	}
	return l.since.Before(c.Issued) || said || r.earliest != farOff && c.Unproven || c.Proven.IsZero() && r.earliest.Before(c.After)
}

func lateUploads(r *report) []row {
	late := func(at func(*leak) time.Time) int {
		return r.count(func(l *leak) bool {
			return r.newer(l, at)
		})
	}
	if n := late(func(x *leak) time.Time { return x.Submitted }); n > 0 {
		return some(n, row{"found": moment(r.known()), "what": either(n, "shows an upload", "show uploads") + " recorded as submitted after that",
			"so": "One of these dates is wrong, or the file was elsewhere before."})
	}
	n := late((*leak).received)
	return some(n, row{"found": moment(r.known()), "what": either(n, "shows an upload", "show uploads") + " entered after that", "so": "They may have been chosen for these pictures. So no holder follows from their times, and that they are of one time shows little."})
}

// known is when the first of the files was known, by what was stated and by earlier examinations.
func (r *report) known() time.Time {
	first := farOff
	for i := range r.Leaks {
		if r.Leaks[i].since.Before(first) {
			first = r.Leaks[i].since
		}
	}
	return first
}

// received returns when the registry took the upload that the leak shows.
func (l *leak) received() (at time.Time) {
	for _, m := range l.Matches {
		if m.Submission == l.Submission {
			return m.Received
		}
	}
	return at
}

// held returns when the first fact of a holder's custody of a leak was entered; zero: no fact.
func (l *leak) held(by string) (first time.Time) {
	all := slices.Clone(l.Custody)
	for _, b := range l.Beside {
		all = append(all, b.Custody...)
	}
	for _, c := range all {
		if c.Recipient == by && (first.IsZero() || c.Entered.Before(first)) {
			first = c.Entered
		}
	}
	return first
}

// custodySigned: how many pictures show an upload that a holder said, in an event, to have held.
func custodySigned(r *report) (out []row) {
	for _, h := range r.holders() {
		n := r.count(func(l *leak) bool {
			all := slices.Clone(l.Custody)
			for _, b := range l.Beside {
				all = append(all, b.Custody...)
			}
			return l.shows() && slices.ContainsFunc(all, func(c holding) bool { return c.Recipient == h && c.Event != "" })
		})
		out = append(out, some(n, row{"name": h})...)
	}
	return out
}

// month is within which custody is marked that was entered before the stated find.
const month = 30 * 24 * time.Hour

func custodyEntered(r *report) (out []row) {
	why := func(at time.Time) string {
		began := r.Verdict.Record.Began
		switch all := r.Verdict.Earlier; {
		case len(all) > 0 && !at.Before(all[0].Started):
			return "after these files were first examined"
		case at.After(r.earliest):
			return "after the stated time of the find"
		case !r.stated.IsZero() && r.stated.Sub(at) < month:
			return "less than 30 days before the stated time of the find (" + moment(r.stated) + ")"
		case r.stated.IsZero() && !began.IsZero() && began.Sub(at) < month:
			return "less than 30 days before this examination (" + moment(began) + ")"
		}
		return ""
	}
	for _, h := range r.holders() {
		first := map[string][]time.Time{}
		for i := range r.Leaks {
			if at := r.Leaks[i].held(h); r.Leaks[i].shows() && !at.IsZero() && why(at) != "" {
				first[why(at)] = append(first[why(at)], at)
			}
		}
		for _, y := range slices.Sorted(maps.Keys(first)) {
			out = append(out, row{"n": len(first[y]), "name": h, "entered": moment(slices.MinFunc(first[y], time.Time.Compare)), "why": y})
		}
	}
	return out
}

// since writes when custody of a rival was entered that covers leaks with copies of a recipient.
func (r *report) since(name, other string) string {
	var days []string
	for _, l := range partsOf(r.with(name), name) {
		if at := l.held(other); !at.IsZero() {
			days = append(days, at.UTC().Format(time.DateOnly))
		}
	}
	if len(days) == 0 {
		return ""
	}
	return ", " + enteredOn(days)
}

func enteredOn(days []string) string {
	first, last := slices.Min(days), slices.Max(days)
	if first == last {
		return "as entered on " + first
	}
	return "as entered from " + first + " to " + last
}
