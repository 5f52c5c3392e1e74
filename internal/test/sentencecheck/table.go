package sentencecheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// rules say, for each code, with which figures the evidence asks for the sentence.
var rules = map[string]func(*report) []row{
	"claim-no-mark":   answered("mark", markClaim),
	"claim-not-ours":  answered("ours", oursClaim),
	"claim-one-month": answered("month", monthClaim),
	"claim-vendor":    answered("vendor", vendorClaim),
	"claim-no-breach": answered("breach", breachClaim),
	"no-picture":      func(r *report) []row { return once(r.examined() == 0, nil) },
	"not-examined": func(r *report) []row {
		var why []string
		for _, f := range []string{"damaged", "unsupported", "unopened", "missing", "no picture"} {
			if n := r.count(finding(f)); n > 0 {
				why = append(why, fmt.Sprintf("%d %s", n, f))
			}
		}
		n, others := 0, 0
		for _, l := range r.Leaks {
			n += yes(l.Pages > 1)
			others += max(l.Pages-1, 0)
		}
		part := fmt.Sprintf("the first page or frame, without %d other%s", others, strings.Repeat("s", yes(others > 1)))
		return append(some(len(r.Leaks)-r.examined(), row{"of": len(r.Leaks), "how": "not examined", "why": why}),
			some(n, row{"of": len(r.Leaks), "how": "examined in part", "why": []string{part}})...)
	},
	"reviewers": reviewers,
	"named-others": func(r *report) []row {
		n := 0
		for _, name := range r.holders() {
			if r.stage() == named && !slices.Contains(r.Verdict.Named, name) {
				n += yes(r.count(func(l *leak) bool { return slices.Contains(l.recipients(), name) }) > 0)
			}
		}
		return some(n, nil)
	},
	"confirmed": func(r *report) []row {
		if r.stage() != confirmed {
			return nil
		}
		names := r.sources()
		who := fmt.Sprintf("%d different recipients", len(names))
		switch len(names) {
		case 1:
			who = names[0]
		case 2, 3:
			who = strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
		}
		n, come, copies := r.count((*leak).confirmed), []string{"comes from ", "come from "}, make(map[string]bool)
		if r.count(r.forgeable) > 0 {
			come = []string{"carries the mark of ", "carry marks of "}
		}
		for _, l := range r.Leaks {
			for _, c := range l.Issued {
				copies[c.Copy] = copies[c.Copy] || l.confirmed()
			}
		}
		delete(copies, "")
		come[0], come[1] = come[0]+either(len(copies), "a copy", "copies"), come[1]+"copies"
		return []row{{"n": n, "come": come[yes(n != 1)], "of": r.examined(), "k": len(names), "who": unquoted(who)}}
	},
	"lookalike": numbered(finding("lookalike")),
	"receipts":  receiptRule,
	"also-held": func(r *report) (out []row) {
		for _, name := range r.holders() {
			all, by := 0, make(map[string]int)
			for i := range r.Verdict.Case.Leaks {
				l := &r.Verdict.Case.Leaks[i]
				all += yes(l.carries(name))
				for _, other := range r.holders() {
					by[other] += yes(l.carries(name) && other != name && (slices.Contains(l.holding(), other) || l.had(name, other)))
				}
			}
			for _, x := range r.Verdict.Odds.Rivals {
				if x.Name == name {
					delete(by, x.Other)
				}
			}
			var others []string
			for _, other := range slices.Sorted(maps.Keys(by)) {
				if by[other] == all {
					others = append(others, other)
				}
			}
			if all > 0 && len(others) > 0 {
				out = append(out, row{"n": all, "name": name, "others": others})
			}
		}
		return out
	},
	"held": namedRivals,
	"rest": func(r *report) []row {
		if len(r.Verdict.Named) != 1 {
			return nil
		}
		name := r.Verdict.Named[0]
		n, low, high := r.rest(name)
		var had []string
		for _, x := range r.Verdict.Odds.Rivals {
			if x.Name == name && x.Why == "rest" && x.Other != "" && r.restHad(x.Other, x.Clusters)(float64(x.Clusters)) {
				had = append(had, fmt.Sprintf("%s (%d)", x.Other, x.Clusters))
			}
		}
		who := ""
		if k := len(had); k > 0 {
			who = had[k-1]
			if k > 1 {
				who = strings.Join(had[:k-1], ", ") + " and " + who
			}
			who = " By the records, " + who + " had uploads of these, marked or unmarked."
		}
		return once(n > 0, row{"name": name, "who": who, "n": func(x any) bool {
			return x == float64(n) && n >= low && n <= high
		}})
	},
	"several": func(r *report) []row { return once(len(r.sources()) > 1, row{"at": unquoted(r.together())}) },
	"controls": func(r *report) []row {
		leaks, n, same := r.controls()
		so := ""
		switch {
		case same > 0 && r.cameBack():
			so = " Uploads came in with marks of copies that were found here."
		case same > 0:
			so = " The same picture may have been submitted twice."
		}
		return some(n, row{"leaks": leaks, "same": same, "so": so})
	},
	"custody-late": func(r *report) []row {
		x := row{"what": "Custody that was entered after the leaks were found", "why": ""}
		if r.found.IsZero() {
			x = row{"what": "Custody", "why": ": when the leaks were found is not known"}
		}
		return once(r.inadmissible() > 0, x)
	},
	"not-searched": func(r *report) []row {
		m := r.missing()
		if m == nil {
			return nil
		}
		var why []string
		for _, x := range []struct {
			n   int
			say string
		}{{m.Damaged, "altered, removed or not readable (kycmark audit --originals names them)"}, {m.Flat, "with too little to see, or sealed without a sealing key at hand"},
			{m.Whole, "as whole pictures only, so that crops of them may be missed"}} {
			if x.n > 0 {
				why = append(why, whole(x.n)+" "+x.say)
			}
		}
		return []row{{"of": whole(m.Uploads), "why": why}}
	},
	"nameless": namelessRule(func(*report) bool { return true }, func(r *report) row {
		switch r.each {
		case 0:
			return row{"each": "They may all be of one person, who may also have a reference."}
		case 1:
			return row{"each": "The investigator states that one person has at most 1 such upload."}
		}
		return row{"each": fmt.Sprintf("The investigator states that one person has at most %d such uploads.", r.each)}
	}),
	"same-document": func(r *report) []row {
		of, pairs := make(map[string]string), []string{}
		for _, l := range r.all() {
			if l.shows() {
				of[l.Submission] = l.Cluster
			}
		}
		for _, d := range r.Verdict.SameDocuments {
			a, b := of[d.Submissions[0]], of[d.Submissions[1]]
			if x := a + " and " + b; a != "" && b != "" && a != b && !slices.Contains(pairs, x) {
				pairs = append(pairs, x)
			}
		}
		differ := strings.Join(pairs, "; ")
		if differ != "" {
			differ = ", though the registry calls these persons different: " + differ
		}
		return some(len(r.Verdict.SameDocuments), row{"pairs": differ})
	},
	"named":     namedRule,
	"exposed":   exposed,
	"published": published,
	"reserved":  namedReserved,
	"had":       namedHad,
	"others-unsure": func(r *report) (out []row) {
		if r.stage() == named && slices.ContainsFunc(r.holders(), func(name string) bool {
			seen := r.count(func(l *leak) bool { return slices.Contains(l.recipients(), name) }) > 0
			return r.Verdict.Unconfirmed[name] > 0 && !slices.Contains(r.Verdict.Named, name) && !seen
		}) {
			out = append(out, row{"what": "Marks of copies issued to others were also found, and could not be confirmed"})
		}
		unsought := false
		for j := range r.Verdict.Case.Leaks {
			for _, name := range r.Verdict.Named {
				unsought = unsought || slices.ContainsFunc(r.unsought(j), func(other string) bool { return other != name })
			}
		}
		if unsought {
			out = append(out, row{"what": "Copies issued to others were not looked for on some pictures, since their mark keys were not at hand (kycmark doctor names these keys)"})
		}
		n := r.count(func(l *leak) bool { return l.confirmed() && len(l.further()) > 0 })
		if r.stage() == named && n > 0 {
			words := map[bool]string{true: "picture with a confirmed copy also shows", false: "pictures with confirmed copies also show"}[n == 1]
			out = append(out, row{"what": fmt.Sprintf("%d %s uploads, or what looks like them, in places where no copy was confirmed", n, words)})
		}
		if r.stage() == named && r.weakTogether(func(name string) bool { return !slices.Contains(r.Verdict.Named, name) }) {
			out = append(out, row{"what": "Marks of copies issued to others are too weak to be found on one picture, but may be there if pictures are taken together"})
		}
		if n := r.count((*leak).thinned); r.stage() == named && n > 0 {
			words := map[bool]string{true: "picture with a confirmed copy carries its mark", false: "pictures with confirmed copies carry their marks"}[n == 1]
			out = append(out, row{"what": fmt.Sprintf("%d %s otherwise than whole copies would, so that a part may come from the upload itself or from another copy", n, words)})
		}
		return out
	},

	"returned":         namedReturned,
	"missing-subjects": missingSubjects,
	"missing-marks":    func(r *report) []row { return once(r.stage() == matched && r.named == 0, nil) },
	"unproved": func(r *report) []row {
		if n := r.count((*leak).shows); r.stage() == matched {
			what := either(n, "shows an upload", "show uploads")
			if r.count((*leak).hashAlone) > 0 {
				what = either(n, "looks like an upload", "look like uploads")
			}
			return []row{{"n": n, "of": r.examined(), "what": what + " of the registry",
				"why": "no mark of an issued copy was confirmed on " + either(n, "it", "them")}}
		}
		n := r.count(finding("copy-unconfirmed"))
		return once(r.stage() == unconfirmed, row{"n": n, "of": r.examined(), "what": either(n, "carries", "carry") + " the mark of an issued copy",
			"why": either(n, "it is", "they are") + " not confirmed to show that copy's upload" + either(1+r.count((*leak).anotherToo), ", and no other upload was matched", "")})
	},
	"restore": func(r *report) (out []row) {
		if n := r.count(func(l *leak) bool { return l.Closed > 0 && l.Finding != "lookalike" && l.Finding != "unknown" }); n > 0 {
			out = append(out, row{"what": fmt.Sprintf("%d %s may show uploads that could not be read", n, either(n, "picture", "pictures")),
				"these": "the originals or records of these uploads", "by": "kycmark audit --originals"})
		}
		if n := r.count(func(l *leak) bool {
			noKey := func(x readOf) bool {
				t := l.trace(l.Submission)
				return x.Exact && x.LogP == nil && l.Closed == 0 && (t.Submission == "" || t.Unsought > 0)
			}
			return l.Finding == "unreadable" && (l.Unlooked || l.trace(l.Submission).Unsought > 0) || slices.ContainsFunc(l.Reads, noKey)
		}); n > 0 {
			out = append(out, row{"what": fmt.Sprintf("For %d %s the mark keys of some copies were not at hand", n, either(n, "picture", "pictures")),
				"these": "these keys", "by": "kycmark doctor"})
		}
		return out
	},
	"no-match": func(r *report) []row {
		open, n := "", r.count(finding("incomplete"))
		if n > 0 {
			share := fmt.Sprintf("%d of the %d leaked pictures", n, r.examined())
			switch {
			case r.examined() == 1:
				share = "the leaked picture"
			case n == 2 && r.examined() == 2:
				share = "both leaked pictures"
			case n == r.examined():
				share = fmt.Sprintf("all %d leaked pictures", n)
			}
			open = "Inconclusive: " + share + " may show uploads that could not be read. "
		}
		if r.named > 0 {
			open = "Inconclusive: only " + either(r.named, "the upload that was named was", "the uploads that were named were") + " searched. "
		}
		return once(r.stage() == unmatched, row{"n": r.examined(), "open": open})
	},

	"repeated": func(r *report) []row {
		n := 0
		for i := range r.Leaks {
			x := &r.Leaks[i]
			if x.examined() && x.SHA256 != "" && slices.ContainsFunc(r.Leaks[:i], func(l leak) bool { return l.SHA256 == x.SHA256 }) {
				n++
			}
		}
		return some(n, nil)
	},
	"copies": func(r *report) (out []row) {
		said := false
		for _, h := range r.spoken() {
			out = append(out, row{"n": len(r.with(h.Name)), "name": h.Name, "clusters": between(r.units(partsOf(r.with(h.Name), h.Name))), "words": support(h.LR),
				"cap": r.capOf(h.Name, &said), "times": func(x any) bool {
					return times(h.LR)(x) && h.LR <= bound(r.Verdict.Case.MarkTrials)+1e-6 && h.LR <= h.Raw && h.Raw <= r.maxRatio(h.Name)+1e-4
				}})
		}
		return out
	},
	"withheld": func(r *report) (out []row) {
		for _, h := range r.withCopies(func(h *hypothesis) bool { return r.withheld(h) != "" }) {
			x := row{"name": h.Name, "clause": map[string]string{"few": "few-clusters", "exposed": "exposed", "dates": "dates", "many": "too-many", "ratio": "small-ratio", "trials": "few-trials"}[r.withheld(h)]}
			if r.withheld(h) == "few" {
				x["clusters"], x["needed"] = h.Clusters, 2
			}
			out = append(out, x)
		}
		return out
	},
	"unissued": unissuedRule,
	"holders": func(r *report) []row {
		var names []string
		for _, h := range r.holders() {
			if n := r.count(func(l *leak) bool {
				in, _ := r.admissible(l)
				return l.bare() && !l.vague() && slices.Contains(in, h)
			}); n > 0 {
				held, all := r.everHeld(h)
				names = append(names, fmt.Sprintf("%s (%d of these; %s of all %s uploads)", h, n, whole(held), whole(all)))
			}
		}
		return once(len(names) > 0 && r.named == 0, row{"n": r.count((*leak).bare), "names": names})
	},
	"window": func(r *report) []row {
		w := r.Verdict.Odds.Window
		if w == nil {
			return nil
		}
		of, n := r.plain()
		dates, share := r.timeOf()
		persons, inside := r.personsIn(w.From, w.To, func(l *caseLeak) string { return l.Cluster })
		uploads, these := r.personsIn(w.From, w.To, func(l *caseLeak) string { return l.Submission })
		chance := max(r.chance(inside, persons, w.From, w.To), r.chance(these, uploads, w.From, w.To))
		return []row{{"of": of, "n": n, "dates": dates, "share": share, "persons": persons, "inside": inside, "holders": r.holdersOfTime(),
			"once": func(x any) bool {
				return chance <= -2 && inside > 1 && seldom(x, chance)
			}}}
	},
	"claimed": claimRule,

	"released":   func(r *report) []row { return once(r.count((*leak).confirmed) > 0, nil) },
	"issuer-all": issuerAll,
	"unmarked": func(r *report) []row {
		n := r.count(func(l *leak) bool { return l.onlyBare() && r.named == 0 })
		return append(some(n, row{"keys": r.keysTried(), "so": "A mark that was not removed would have been found " + either(n, "there", "on each") +
			" with a probability of at least 99.5 %. Deliberate removal, which hits a whole dump, is not excluded."}),
			some(r.count(func(l *leak) bool {
				return l.Finding == "unmarked" && (!l.onlyBare() || r.named > 0) || l.Finding == "unreadable" && !l.damaged()
			}), row{"keys": r.keysTried(),
				"so": "A mark may have been missed or removed there, so nothing follows from its absence on a single picture."})...)
	},
	"damaged-mark": func(r *report) []row {
		return some(r.count((*leak).damaged), row{"chance": func(x any) bool {
			p, ok := number(x)
			return ok && p >= 1e-6*float64(r.examined())*(1-1e-9) && p <= 2e-6*float64(r.examined())
		}})
	},
	"disowned": func(r *report) []row {
		n := r.count(func(l *leak) bool { return l.Forgeable })
		return append(some(n, row{"that": "whose mark key is recorded as compromised, and " + either(n, "it is", "they are") + " not stated to have been found before that",
			"so": "Each holder of the key who had the upload could have made that mark, without any copy."}),
			some(r.count(func(l *leak) bool { return l.Void }), row{"that": "that is void in the ledger: no byte of it was handed out, says the issuer's record",
				"so": "The record is wrong, or the copy left the issuer in another way."})...)
	},
	"unconfirmed": func(r *report) []row {
		return some(r.count(func(l *leak) bool {
			return l.unconfirmed() && !l.Forgeable && !l.Void
		}), nil)
	},
	"transplanted": numbered(finding("transplanted")),
	"records-altered": func(r *report) []row {
		wrong := r.Verdict.Record.Altered
		return some(len(wrong), row{"names": wrong})
	},
	"unknown-recall":  unknownRecall,
	"named-only":      func(r *report) []row { return once(r.named > 0, nil) },
	"key-compromised": keyCompromised,
	"late":            late,
	"examined-before": examinedBefore,
	"changed":         otherwise,
	"found-not-used":  foundNotUsed,
	"custody-entered": custodyEntered,
	"custody-signed":  custodySigned,
	"holding":         holdingRule,
	"not-compared": func(r *report) []row {
		return some(r.Verdict.NotCompared*yes(r.count((*leak).confirmed) > 0), nil)
	},
	"subjects-entered": func(r *report) []row {
		seen, last := make(map[string]bool), time.Time{}
		for _, l := range r.all() {
			if l.shows() && !l.Entered.IsZero() {
				if seen[l.Submission] = true; l.Entered.After(last) {
					last = l.Entered
				}
			}
		}
		return some(len(seen), row{"day": last.UTC().Format(time.DateOnly)})
	},
}

func yes(is bool) int {
	if is {
		return 1
	}
	return 0
}

// numbered is the rule of a sentence on the number of leaks of one kind.
func numbered(is func(*leak) bool) func(*report) []row {
	return func(r *report) []row { return some(r.count(is), nil) }
}

// either returns one if n is 1, else many.
func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// unquoted is the rule of a text with names: a name of several words is quoted.
func unquoted(want string) func(any) bool {
	bare := strings.NewReplacer("“", "", "”", "")
	return func(x any) bool {
		s, is := x.(string)
		return is && bare.Replace(s) == bare.Replace(want)
	}
}

// keysTried says under how many keys marks were looked for.
func (r *report) keysTried() string {
	n := len(r.Verdict.Record.Keys)
	if n == 0 {
		return " (no mark key was given)"
	}
	others := "another service's"
	if k := len(r.Verdict.Record.Absent); k > 0 {
		others = fmt.Sprintf("%d of the registry that %s not at hand", k, either(k, "was", "were"))
	}
	return fmt.Sprintf(" under the %d mark %s tried (marks under other keys, such as %s, cannot be seen)", n, either(n, "key that was", "keys that were"), others)
}

// together says in how many pictures copies of the recipients of each group are at once.
func (r *report) together() string {
	var all []string
	for _, group := range r.groups() {
		n := r.count(func(l *leak) bool {
			in := 0
			for _, name := range l.recipients() {
				in += yes(slices.Contains(group, name))
			}
			return in > 1
		})
		var names []string
		for _, name := range group {
			if slices.Contains(r.Verdict.Named, name) {
				names = append(names, name)
			}
		}
		among, others := strings.Repeat("two or more of ", yes(len(group) > 2)), len(group)-len(names)
		if others > 0 {
			names = append(names, fmt.Sprintf("%d other recipient%s", others, strings.Repeat("s", yes(others > 1))))
		}
		if k := len(names) - 1; n > 0 && len(group) > others {
			all = append(all, fmt.Sprintf("%d %s issued to %s%s and %s at once", n, either(n, "picture contains copies", "pictures contain copies"), among, strings.Join(names[:k], ", "), names[k]))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, "; ")
}

// namedRule: how many of the pictures contain copies of each named recipient, for what and in which months these were issued.
func namedRule(r *report) (out []row) {
	for _, name := range r.holders() {
		if !slices.Contains(r.Verdict.Named, name) || r.stage() != named {
			continue
		}
		var purposes []string
		var issued []time.Time
		copies := make(map[string]bool)
		for _, l := range r.with(name) {
			for _, c := range l.Issued {
				if c.Recipient != name {
					continue
				}
				issued, copies[c.Copy] = append(issued, c.Issued.UTC()), true
				if c.Purpose != "" && !slices.Contains(purposes, "“"+c.Purpose+"”") {
					purposes = append(purposes, "“"+c.Purpose+"”")
				}
			}
		}
		slices.SortFunc(issued, time.Time.Compare)
		first, last := issued[0], issued[len(issued)-1]
		when := fmt.Sprintf("%s %d", first.Month(), first.Year())
		if last.Month() != first.Month() || last.Year() != first.Year() {
			when += fmt.Sprintf(" to %s %d", last.Month(), last.Year())
		}
		if len(purposes) > 3 {
			purposes = []string{fmt.Sprintf("%d requests", len(purposes))}
		}
		come := either(len(r.with(name)), "comes from "+either(len(copies), "a copy", "copies"), "come from copies")
		out = append(out, row{"n": len(r.with(name)), "of": r.examined(), "come": come, "name": name, "as": " (" + strings.Join(append(purposes, when), ", ") + ")",
			"alone": strings.Repeat(" No mark of another recipient's copy was found.", yes(alone(r)))})
	}
	return out
}

// alone: one recipient is named, and no mark of another copy was found, whatever that mark is worth.
func alone(r *report) bool {
	if len(r.Verdict.Named) != 1 {
		return false
	}
	name := r.Verdict.Named[0]
	if r.count((*leak).unconfirmed) > r.Verdict.Unconfirmed[name] {
		return false
	}
	for other, n := range r.Verdict.Unconfirmed {
		if other != name && n > 0 {
			return false
		}
	}
	for j, l := range r.Verdict.Case.Leaks {
		if slices.ContainsFunc(r.unsought(j), func(other string) bool { return other != name }) {
			return false
		}
		if slices.ContainsFunc(l.Transplanted, func(other string) bool { return other != name }) {
			return false
		}
	}
	if r.weakTogether(func(other string) bool { return other != name }) {
		return false
	}
	sure, unsure := map[string]bool{}, map[string]bool{}
	for i := range r.Leaks {
		l := &r.Leaks[i]
		for _, c := range l.Issued {
			if l.confirmed() && c.State == "reserved" {
				unsure[c.Copy] = true
			} else if l.confirmed() {
				sure[r.unitOf(c.Of)] = true
			}
		}
		if l.examined() && l.seenInPart() || slices.Contains([]string{"damaged", "unsupported", "unopened", "missing"}, l.Finding) || l.unissued() || l.damaged() || l.Finding == "incomplete" || l.Sync < 0 || l.thinned() || l.confirmed() && (l.Closed > 0 || l.Pages > 1 || l.untraced() || r.named > 0 || slices.ContainsFunc(l.Matches, func(m matchOf) bool { return m.Plain })) {
			return false
		}
		for _, other := range l.recipients() {
			if other != name {
				return false
			}
		}
		ids := make(map[string]bool)
		for _, c := range l.Issued {
			ids[c.Copy] = true
		}
		for _, x := range l.Reads {
			if l.confirmed() && !ids[x.Copy] {
				return false
			}
		}
	}
	if len(unsure) > 0 && len(sure) < 2 {
		return false
	}
	return true
}

func namedRivals(r *report) (out []row) {
	for _, name := range r.holders() {
		var who []string
		for _, x := range r.rivals(name, "held unmarked", "planting") {
			who = append(who, fmt.Sprintf("%s (could hold pictures of %d of these %d persons%s)", x["other"], x["n"], x["of"], r.since(name, x["other"].(string))))
		}
		if slices.Contains(r.Verdict.Named, name) && len(who) > 0 {
			out = append(out, row{"who": strings.Join(who, " or ")})
		}
	}
	return out
}

// missingSubjects counts the uploads without a subject of recipients that lack persons.
func missingSubjects(r *report) []row {
	uploads := make(map[string]bool)
	for _, h := range r.withCopies(func(h *hypothesis) bool { return r.withheld(h) == "few" }) {
		for _, l := range partsOf(r.with(h.Name), h.Name) {
			if l.Cluster == "" && r.stage() == confirmed && r.each == 0 {
				uploads[l.Submission] = true
			}
		}
	}
	return some(len(uploads), nil)
}

func (r *report) controls() (leaks, n, same int) {
	for i := range r.Leaks {
		l := &r.Leaks[i]
		if len(l.References) == 0 || !l.shows() || !r.first(i) {
			continue
		}
		leaks++
		for _, x := range l.References {
			n++
			same += yes(x.Pixels == "same")
		}
	}
	return leaks, n, same
}

// capOf says why no higher ratio of a recipient's copies is stated, if it is below what was computed, and once in a report.
func (r *report) capOf(name string, once *bool) func(any) bool {
	n := r.Verdict.Case.MarkTrials
	capped := len(r.withCopies(func(h *hypothesis) bool { return h.Name == name && h.LR > 0 && h.Raw > bound(n)+1e-6 })) > 0 && !*once
	*once = *once || capped
	return func(x any) bool {
		said, _ := x.(string)
		before, after, is := strings.Cut(said, " is stated: in ")
		top, number := strings.CutPrefix(before, " No higher number than ")
		trials := whole(n) + " trials no mark was read as another copy's, which bounds the error rate by 3 in " + whole(n) + " (95 % confidence)."
		return said == "" && !capped || capped && is && number && times(bound(n))(top) && after == trials
	}
}

// unissuedRule: the chance that is stated must not be below 9.3e-10 for each picture and key. Nine parts of a picture are read too.
func unissuedRule(r *report) []row {
	ids, keys := make(map[string]bool), make(map[string]bool)
	for _, l := range r.Leaks {
		for _, x := range l.Reads {
			if x.Submission == "" {
				ids[x.Copy], keys[x.KeyID] = true, true
			}
		}
	}
	tried := len(r.Verdict.Record.Keys)
	return some(r.count((*leak).unissued), row{"ids": len(ids), "keys": len(keys), "names": slices.Sorted(maps.Keys(keys)),
		"chance": func(x any) bool {
			p := 10 * 9.3e-10 * float64(r.examined()*tried)
			n, ok := number(x)
			return ok && n >= p*(1-1e-9) && n <= 2*p
		}})
}

// claimRule: how many pictures are claimed and how many files were examined, and whether others chose these.
func claimRule(r *report) []row {
	c, seen, files := r.Verdict.Case, 0, make(map[string]bool)
	for i, l := range r.Leaks {
		files[cmp.Or(l.SHA256, fmt.Sprint(i))] = true
	}
	for _, l := range c.Leaks {
		seen += yes(l.Submission != "" && !l.Beside)
	}
	chosen := yes(len(files) < c.Claimed || r.count((*leak).seenInPart) > 0)
	return once(c.Claimed > 0, row{"claims": whole(c.Claimed) + either(c.Claimed, " picture is", " pictures are"), "seen": seen, "examined": len(files),
		"so": strings.Repeat(" From a selection that others made, nothing follows about the rest.", chosen)})
}

// inadmissible counts, over leaks without a mark, the holders whose custody was not entered in time.
func (r *report) inadmissible() (n int) {
	for i := range r.Leaks {
		if l := &r.Leaks[i]; l.bare() && !l.vague() {
			_, out := r.admissible(l)
			n += len(out)
		}
	}
	return n
}

// issuedTo returns the number of clusters of the case with a copy that was issued to a recipient.
func (r *report) issuedTo(name string) int {
	seen := make(map[string]bool)
	for _, l := range r.Verdict.Case.Leaks {
		for _, c := range l.Copies {
			if c.Recipient == name {
				seen[l.Cluster] = true
			}
		}
	}
	return len(seen)
}

func unknownRecall(r *report) (out []row) {
	n, worst := make(map[string]int), make(map[string]float64)
	for _, l := range r.Leaks {
		if l.Finding == "unknown" && l.Recall != nil {
			k := l.Recall.Kind
			if n[k]++; n[k] == 1 || l.Recall.Bound < worst[k] {
				worst[k] = l.Recall.Bound
			}
		}
	}
	var kinds []string
	for k := range n {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int {
		if worst[a] != worst[b] {
			return 1 - 2*yes(worst[a] > worst[b])
		}
		return strings.Compare(a, b)
	})
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%s for %d picture%s (%s)", percent(worst[k]), n[k], strings.Repeat("s", yes(n[k] > 1)), k)
	}
	if r.named > 0 {
		return nil
	}
	if len(kinds) > 0 {
		out = append(out, row{"found": "the search would have found them with at least this probability: " + strings.Join(kinds, "; "),
			"so": "These are lower 95 % bounds of trials of such leaks, of one upload alone, each altered in one way of many. All pages of uploads were searched; the uploads of the trials had one page."})
	}
	untried := r.count(func(l *leak) bool { return l.Finding == "unknown" && l.Recall == nil })
	return append(out, once(untried > 0, row{"found": "some are missed that were altered much, or too little of them is left",
		"so": fmt.Sprintf("How many is not measured for %d of these pictures.", untried)})...)
}

// missing returns what could not be searched: of the first leak with the most damaged uploads.
func (r *report) missing() (worst *missing) {
	for _, l := range r.Leaks {
		if l.Searched != nil && l.Searched.Missing != nil && (worst == nil || l.Searched.Missing.Damaged > worst.Damaged) {
			worst = l.Searched.Missing
		}
	}
	return worst
}

// foundLater: a picture, or what was stated in an earlier examination, shows that the find was later than stated.
func (r *report) foundLater() bool {
	return slices.ContainsFunc(r.contradicted(), func(why string) bool { return strings.HasPrefix(why, "a picture") }) || slices.ContainsFunc(r.Verdict.Earlier, func(e earlier) bool {
		return e.Found.After(r.stated) && e.Started.After(r.stated)
	})
}

// forgeable: then each holder of a key that was lost could have made a mark of the leak.
func (r *report) forgeable(l *leak) bool {
	return r.foundLater() && slices.ContainsFunc(l.Reads, func(x readOf) bool {
		return slices.Contains(l.Copies, x.Copy) && slices.ContainsFunc(l.Keys, func(k keyState) bool { return k.KeyID == x.KeyID && k.State == "compromised" })
	})
}

// forged: each holder of a lost key could have made all marks of a recipient's copies in the leak.
func (r *report) forged(l *leak, name string) bool {
	for _, c := range l.Issued {
		made := slices.ContainsFunc(l.Reads, func(x readOf) bool { return x.Copy == c.Copy && !l.lost(x.KeyID).IsZero() })
		if c.Recipient == name && !made {
			return false
		}
	}
	return r.forgeable(l)
}

// unitOf returns the unit of an upload, by the case.
func (r *report) unitOf(upload string) string {
	for _, l := range r.Verdict.Case.Leaks {
		if l.Submission == upload {
			return l.Cluster
		}
	}
	return upload
}

func keyCompromised(r *report) (out []row) {
	n, day := make(map[string]int), make(map[string]time.Time)
	for _, l := range r.Leaks {
		for _, k := range l.Keys {
			of := k.KeyID == l.KeyID
			for _, c := range l.Issued {
				of = of || c.KeyID == k.KeyID
			}
			if len(l.recipients()) > 0 && of && k.State == "compromised" {
				n[k.KeyID]++
				day[k.KeyID] = k.Since
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n)) {
		so := "If they were found later, each holder of the key could have made these marks."
		if r.foundLater() {
			so = "That time is contradicted: each holder of the key could have made these marks, which count for no recipient."
		}
		early := !r.stated.IsZero() && r.stated.Before(day[id]) // else no copy may be confirmed
		out = append(out, row{"key": id, "n": n[id], "found": moment(r.stated), "so": so, "since": func(x any) bool { return x == moment(day[id]) && early }})
	}
	return out
}

// group counts the recipients whose copies are in the same leaks, directly or over others, and that recipient itself.
func (r *report) group(name string) int {
	in := map[string]bool{name: true}
	for grown := true; grown; {
		grown = false
		for _, l := range r.Verdict.Case.Leaks {
			var with []string
			met := false
			for _, h := range r.Verdict.Odds.Recipients {
				if l.shared(h.Name) {
					with, met = append(with, h.Name), met || in[h.Name]
				}
			}
			for _, other := range with {
				grown = grown || met && !in[other]
				in[other] = in[other] || met
			}
		}
	}
	return len(in)
}

// restHad checks the number of clusters, apart from a recipient's, that another holder had.
func (r *report) restHad(other string, stated int) func(any) bool {
	seen := make(map[string]bool)
	for _, l := range r.Verdict.Case.Leaks {
		had := slices.Contains(l.holding(), other)
		for _, c := range l.Copies {
			had = had || c.Recipient == other
		}
		if had && l.Submission != "" {
			seen[l.Submission] = true
		}
	}
	return func(x any) bool { return x == float64(stated) && stated <= len(seen) }
}

// namelessRule: how many pictures are of uploads without a subject, and the units that have no other
// uploads.
func namelessRule(when func(*report) bool, more func(*report) row) func(*report) []row {
	return eachWith(func(r *report, name string, leaks []*leak) row {
		units, open, n := make(map[string]bool), 0, 0
		for _, l := range leaks {
			n += yes(slices.ContainsFunc(partsOf([]*leak{l}, name), func(x *leak) bool { return x.Cluster == "" }))
		}
		for _, l := range partsOf(leaks, name) {
			if l.Cluster != "" {
				continue
			}
			i := slices.IndexFunc(r.Verdict.Case.Leaks, func(c caseLeak) bool { return c.Submission == l.Submission })
			if i < 0 {
				open++
			} else if strings.HasPrefix(r.Verdict.Case.Leaks[i].Cluster, "without a subject") {
				units[r.Verdict.Case.Leaks[i].Cluster] = true
			}
		}
		if n == 0 || !when(r) {
			return nil
		}
		x := more(r)
		low, high := len(units), len(units)+open
		if r.each == 0 { // one unit at most, if no upload has a subject
			high = min(high, yes(n == len(leaks)))
		}
		x["n"], x["of"], x["adds"] = n, len(leaks), between(low, high)
		return x
	})
}

func eachWith(of func(*report, string, []*leak) row) func(*report) []row {
	return func(r *report) (out []row) {
		for _, h := range r.holders() {
			if leaks := r.with(h); len(leaks) > 0 {
				if x := of(r, h, leaks); x != nil {
					x["name"] = h
					out = append(out, x)
				}
			}
		}
		return out
	}
}
