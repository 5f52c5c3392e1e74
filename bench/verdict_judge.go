package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
)

// messengers are the attacks after which a mark must still name its recipient.
var messengers = []string{"telegram_low", "whatsapp_twice"}

// judge compares a verdict with the truth about a dump. It returns a trial for the dump. It
// also returns a trial for each statement of the verdict, for each recipient whose copies leaked,
// and for each case to look at.
func (d *simDump) judge(v *odds.Verdict) []ruler.Trial {
	j := &judgement{simDump: d, v: v, dump: newTrial("dump")}
	j.dump.Labels["story"] = d.story
	j.dump.Values = map[string]float64{"leaks": float64(len(d.leaks)), "found": 0}
	j.statements()
	j.names()
	j.framing()
	j.windows()
	if d.vendor != "" {
		j.vendors()
	}
	for _, src := range d.sources {
		if src.kind == sourceCopies {
			j.recipient(src)
		}
	}
	return append(j.more, j.dump)
}

// newTrial returns a trial of a kind: "dump", "statement", "recipient" or "case".
func newTrial(kind string) ruler.Trial {
	return ruler.Trial{Labels: map[string]string{"trial": kind}, Values: map[string]float64{}}
}

// A judgement compares one verdict with the truth.
type judgement struct {
	*simDump
	v    *odds.Verdict
	dump ruler.Trial
	more []ruler.Trial
}

// set enters whether something is true of the dump.
func (j *judgement) set(name string, is bool) { j.dump.Values[name] = yes(is) }

// note adds a case to look at.
func (j *judgement) note(format string, args ...any) {
	t := newTrial("case")
	t.Labels["story"], t.Labels["what"] = j.story, fmt.Sprintf(format, args...)
	j.more = append(j.more, t)
}

// statements adds a trial for each ratio of 100 and more that is stated: that leaks derive from copies of a recipient. It is true if
// leaks were made of the recipient's copies.
func (j *judgement) statements() {
	for _, r := range j.v.Recipients {
		is := slices.ContainsFunc(j.leaks, func(l simLeak) bool { return l.kind == outcomeCopy && j.holders[l.recipient].name == r.Name })
		if r.LogE < 2 {
			continue
		}
		t := newTrial("statement")
		t.Values["true"] = yes(is)
		if !is {
			j.note("states %.1f for %s, which is not true", r.LogE, r.Name)
		}
		j.more = append(j.more, t)
	}
}

// names records whom the verdict names. wrong are recipients whose copies did not leak.
func (j *judgement) names() {
	wrong := slices.DeleteFunc(slices.Clone(j.v.Named), func(name string) bool {
		return slices.ContainsFunc(j.leaks, func(l simLeak) bool { return l.kind == outcomeCopy && j.holders[l.recipient].name == name })
	})
	j.set("named", len(j.v.Named) > 0)
	j.set("alone", len(j.v.Alone()) > 0)
	j.set("wrong", len(wrong) > 0)
	if len(wrong) > 0 {
		j.note("names %s, although no leak was made of its copies", strings.Join(wrong, ", "))
	}
}

// framing says whether the verdict names the framed recipient: alone, with the planter as a rival,
// or open, with an unlisted rival. Outside: named, but neither of the two.
// Warned: a flag of the verdict tells of planting.
func (j *judgement) framing() {
	if j.framed < 0 || !slices.Contains(j.v.Named, j.holders[j.framed].name) {
		return
	}
	name, planter := j.holders[j.framed].name, j.holders[j.planter].name
	rival := func(other string) bool {
		return slices.ContainsFunc(j.v.Rivals, func(r odds.Rival) bool { return r.Name == name && r.Other == other })
	}
	alone, beside := slices.Contains(j.v.Alone(), name), rival(planter)
	open := !beside && rival("")
	j.set("framed", true)
	j.set("framed_alone", alone)
	j.set("beside", beside)
	j.set("open", open)
	j.set("outside", !alone && !beside && !open)
	j.set("warned", slices.ContainsFunc(j.v.AlsoHeld, func(f odds.AlsoHeld) bool { return f.Name == name && slices.Contains(f.Others, planter) }))
	if !beside && !open {
		j.note("names a recipient whose copies another put there, and not that other among its rivals")
	}
}

// windows records whether the verdict finds the window that all unmarked leaks came from, with all its
// holders. A window is wrong if the unmarked leaks are a sample of all uploads.
func (j *judgement) windows() {
	w := j.v.Window
	if w == nil || len(j.sources) != 1 {
		return
	}
	src := j.sources[0]
	j.set("window_wrong", src.kind == sourceInsider && src.how == takeSample)
	if src.kind != sourceCustody {
		return
	}
	holder := &j.holders[src.holder]
	held := indices(holder.unmarked)
	if len(held) == 0 {
		return
	}
	found := w.From >= j.day[held[0]] && w.To <= j.day[held[len(held)-1]] && 10*w.Leaks >= 9*w.Of
	for r := range j.holders {
		if slices.Equal(j.holders[r].unmarked, holder.unmarked) {
			found = found && slices.Contains(w.Holders, j.holders[r].name)
		}
	}
	j.set("found", found)
}

// recipient adds a trial for a recipient whose copies leaked. Its label survived counts, as one of [fewNames], the
// clusters that were sent through a messenger and found to be copies.
func (j *judgement) recipient(src simSource) {
	name, survived := j.holders[src.holder].name, make(map[string]bool)
	for _, l := range j.leaks {
		if l.kind == outcomeCopy && l.recipient == src.holder && slices.Contains(messengers, l.attack) && l.found.Shows == showsOwn && l.found.Finding == string(findings.FoundCopy) {
			survived[j.subject[l.upload]] = true
		}
	}
	named := slices.Contains(j.v.Named, name)
	t := newTrial("recipient")
	t.Labels["survived"] = fewNames[min(len(survived), len(fewNames)-1)]
	t.Values["named"], t.Values["alone"] = yes(named), yes(slices.Contains(j.v.Alone(), name))
	j.more = append(j.more, t)
	if len(survived) >= 3 && !named {
		j.note("does not name a recipient with %d copies that survived a messenger", len(survived))
	}
}

// fewNames are the numbers of clusters that tables distinguish.
var fewNames = []string{"0", "1", "2", three}

const three = "3 and more"
