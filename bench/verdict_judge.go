package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
)

// messengers are the attacks after which a mark must still name its recipient.
var messengers = []string{"telegram_low", "whatsapp_twice"}

// judge compares a verdict with the truth about a dump. It returns a trial for the dump. It
// also returns a trial for each statement of the verdict, for each recipient whose copies leaked,
// and for each case to look at.
func (d *simDump) judge(v *odds.Verdict, took time.Duration) []ruler.Trial {
	j := &judgement{simDump: d, v: v, dump: newTrial("dump")}
	j.dump.Labels["story"] = d.story
	ms := float64(took) / float64(time.Millisecond)
	j.dump.Values = map[string]float64{"leaks": float64(len(d.leaks)), "ms": ms, "max_ms": ms, "found": 0}
	j.hypotheses()
	j.names()
	j.framing()
	j.windows()
	j.blame()
	for _, src := range d.sources {
		if src.kind == odds.Copies {
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

// isTrue reports whether a hypothesis is true of the dump. Copies: leaks were made of the recipient's
// copies. Custody: the recipients held what the source had. Insider: the source is not listed; nothing
// tells such sources apart. Foreign: the dump has documents of persons who are not in the registry.
func (d *simDump) isTrue(h *odds.Hypothesis) bool {
	if h.Kind == odds.Copies && slices.ContainsFunc(d.leaks, func(l simLeak) bool { return l.kind == outcomeCopy && d.holders[l.recipient].name == h.Name }) {
		return true
	}
	if h.Kind == odds.Foreign && slices.ContainsFunc(d.leaks, func(l simLeak) bool { return l.kind == outcomeStranger }) {
		return true
	}
	for _, src := range d.sources {
		switch {
		case h.Kind != src.kind && src.kind != odds.Unlisted && h.Kind != odds.Foreign:
		case h.Kind == odds.Custody && src.holder >= 0:
			if slices.Contains(h.Holders, d.holders[src.holder].name) {
				return true
			}
		case h.Kind == odds.Insider:
			return src.holder < 0
		case h.Kind == odds.Foreign && src.kind == odds.Elsewhere:
			return true
		}
	}
	return false
}

// hypotheses adds a trial for each stated ratio. In the dump's trial, listed says
// that a hypothesis is true, and top that the hypothesis with the highest ratio is. stated says that
// a true hypothesis reaches a ratio of ten, and any that a hypothesis does, true or not.
func (j *judgement) hypotheses() {
	var top *odds.Hypothesis
	listed, ten, anyTen := false, false, false
	for i := range j.v.Hypotheses {
		h := &j.v.Hypotheses[i]
		if h.Kind == odds.Unlisted || h.Kind == odds.Forged {
			continue
		}
		is := j.isTrue(h)
		j.more = append(j.more, j.statement(h, is))
		if !is && stated(h.LogLR) >= .99 {
			j.note("states %.1f for %s, which is not true", h.LogLR, strings.TrimSpace(h.Kind+" "+h.Name+strings.Join(h.Holders, "+")))
		}
		listed, ten, anyTen = listed || is, ten || is && h.LogLR >= 1, anyTen || h.LogLR >= 1
		if top == nil || h.LogLR > top.LogLR || h.LogLR == top.LogLR && h.Raw > top.Raw {
			top = h
		}
	}
	right := listed && j.isTrue(top)
	j.set("listed", listed)
	j.set("top", right)
	j.set("stated", listed && ten)
	j.set("stated_top", right && anyTen)
}

// statement is the trial of a hypothesis with a ratio, which is true or not. Its label from is the
// bin of the ratio, and stated the probability that the ratio amounts to.
func (j *judgement) statement(h *odds.Hypothesis, is bool) ruler.Trial {
	bin := len(calibrationBins) - 1
	for h.LogLR < calibrationBins[bin] {
		bin--
	}
	t := newTrial("statement")
	t.Labels["kind"], t.Labels["from"] = h.Kind, binNames()[bin]
	p := stated(h.LogLR)
	t.Values["true"], t.Values["log10_lr"], t.Values["stated"] = yes(is), h.LogLR, p
	if p >= .99 {
		t.Labels["sure"] = "yes"
	}
	return t
}

// stated returns the probability that a log10 likelihood ratio amounts to with an even prior.
func stated(logLR float64) float64 { return 1 / (1 + math.Pow(10, -logLR)) }

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
	alone := slices.Contains(j.v.Alone(), name)
	rival := func(other string) bool {
		return slices.ContainsFunc(j.v.Rivals, func(r odds.Rival) bool { return r.Name == name && r.Other == other })
	}
	beside := rival(planter)
	open := !beside && rival("")
	j.set("framed", true)
	j.set("framed_alone", alone)
	j.set("beside", beside)
	j.set("open", open)
	j.set("outside", !alone && !beside && !open)
	warned := false
	for _, f := range j.v.Flags {
		warned = warned || f.Name == name && (slices.Contains([]string{odds.FlagRepeated, odds.FlagOnly, odds.FlagTransplanted}, f.Kind) || slices.Contains(f.Others, planter))
	}
	j.set("warned", warned)
	switch {
	case alone:
		j.note("names alone a recipient whose copies another put there")
	case !beside && !open:
		j.note("names a recipient whose copies another put there, and not that other among its rivals")
	}
}

// windows records whether the verdict finds the window that all unmarked leaks came from, with all
// holders of the window. It also records the log10 ratio that the window earns them.
func (j *judgement) windows() {
	if j.v.Window == nil || len(j.sources) != 1 || j.sources[0].kind != odds.Custody {
		return
	}
	w, holder := j.v.Window, &j.holders[j.sources[0].holder]
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
	if !found {
		return
	}
	j.dump.Labels["window"] = "found"
	j.set("found", true)
	lr := 0.0
	for _, h := range j.v.Hypotheses {
		if h.Kind == odds.Custody && slices.Contains(h.Holders, holder.name) {
			lr = h.LogLR
		}
	}
	j.dump.Values["window_log10_lr"] = lr
	j.set("window_10", lr >= 1)
	j.set("window_100", lr >= 2)
}

// recipient adds a trial for a recipient whose copies leaked. Its labels count clusters of leaks, as
// [few] writes numbers. sent: clusters sent through a messenger. survived: sent clusters that were found
// to be copies. safe: survived clusters of uploads that no other recipient is recorded to have held
// unmarked. scrubbed: all clusters, if the source meant to remove marks.
func (j *judgement) recipient(src simSource) {
	name := j.holders[src.holder].name
	all, sent, survived, safe := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, l := range j.leaks {
		if l.kind != outcomeCopy || l.recipient != src.holder {
			continue
		}
		cluster := j.subject[l.upload]
		all[cluster] = true
		if !slices.Contains(messengers, l.attack) {
			continue
		}
		sent[cluster] = true
		if l.found.Shows == showsOwn && l.found.Finding == string(verify.FoundCopy) {
			survived[cluster] = true
			if !j.heldByOther(l.upload, src.holder) {
				safe[cluster] = true
			}
		}
	}
	named := slices.Contains(j.v.Named, name)
	t := newTrial("recipient")
	t.Labels["survived"], t.Labels["sent"], t.Labels["safe"] = few(survived), few(sent), few(safe)
	if src.scrubbed {
		t.Labels["scrubbed"] = few(all)
	}
	t.Values["named"], t.Values["alone"] = yes(named), yes(slices.Contains(j.v.Alone(), name))
	j.more = append(j.more, t)
	if len(survived) >= 3 && !named {
		reason := ""
		for _, w := range j.v.Withheld {
			if w.Name == name {
				reason = w.Reason
			}
		}
		j.note("does not name a recipient with %d copies that survived a messenger: %s", len(survived), reason)
	}
}

// fewNames are the numbers of clusters that tables distinguish.
var fewNames = []string{"0", "1", "2", three}

const three = "3 and more"

// few returns the number of clusters as one of fewNames.
func few(clusters map[string]bool) string { return fewNames[min(len(clusters), len(fewNames)-1)] }

// heldByOther reports whether another recipient is recorded to have held an upload unmarked, and
// so could lay marks on it.
func (d *simDump) heldByOther(upload, recipient int) bool {
	return slices.ContainsFunc(d.holders, func(h worldHolder) bool { return h.name != d.holders[recipient].name && h.unmarked[upload] })
}
