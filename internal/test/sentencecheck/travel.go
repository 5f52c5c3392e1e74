package sentencecheck

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The sentences on how copies travelled.

// A travel says who acknowledged a copy, and who else had it.
type travel struct {
	Copy    string    `json:"copy"`
	Receipt time.Time `json:"receipt"`
	Others  []struct {
		Party   string    `json:"party"`
		Entered time.Time `json:"entered"`
	} `json:"others"`
	Returned []returned `json:"returned"`
}

// of returns how the copies of a recipient that are in leaks travelled.
func (r *report) travelOf(name string) (out []travel) {
	seen := make(map[string]bool)
	for _, l := range r.with(name) {
		for _, c := range l.Issued {
			if c.Recipient != name || seen[c.Copy] {
				continue
			}
			seen[c.Copy] = true
			if i := slices.IndexFunc(r.Verdict.Travel, func(t travel) bool { return t.Copy == c.Copy }); i >= 0 {
				out = append(out, r.Verdict.Travel[i])
			}
		}
	}
	return out
}

// receiptRule: of each recipient, the copies in leaks, and how many of them have no receipt.
func receiptRule(r *report) (out []row) {
	for _, name := range r.holders() {
		all, not := r.travelOf(name), 0
		for _, t := range all {
			not += yes(t.Receipt.IsZero())
		}
		x := row{"name": name, "n": len(all), "k": not, "what": "no signed receipt",
			"who": unquoted("the issuer's record says that " + either(not, "it was", "they were") + " sent to " + name + ", and not to another party by error")}
		if not == 0 {
			x["k"], x["what"] = len(all), "a receipt, signed with a key that the issuer entered as the key of that recipient"
			x["who"] = unquoted(name + " can say whether it is")
		}
		out = append(out, once(len(all) > 0, x)...)
	}
	return out
}

// namedReserved: of each named recipient, the copies in leaks that are not known to be released.
func namedReserved(r *report) (out []row) {
	for _, name := range r.holders() {
		reserved := make(map[string]bool)
		for _, l := range r.with(name) {
			for _, c := range l.Issued {
				if c.Recipient == name && c.State == "reserved" {
					reserved[c.Copy] = true
				}
			}
		}
		if n := len(reserved); n > 0 && slices.Contains(r.Verdict.Named, name) {
			out = append(out, row{"name": name, "n": n, "of": len(r.travelOf(name))})
		}
	}
	return out
}

func namedHad(r *report) (out []row) {
	for _, name := range r.holders() {
		if !slices.Contains(r.Verdict.Named, name) {
			continue
		}
		all := r.travelOf(name)
		count, since := make(map[string]int), make(map[string][]string)
		var others []string
		for _, t := range r.Verdict.Travel {
			if !slices.ContainsFunc(all, func(o travel) bool { return o.Copy == t.Copy }) {
				continue
			}
			var seen []string
			for _, h := range t.Others {
				if h.Party == name || slices.Contains(seen, h.Party) {
					continue
				}
				seen = append(seen, h.Party)
				if count[h.Party]++; count[h.Party] == 1 {
					others = append(others, h.Party)
				}
				since[h.Party] = append(since[h.Party], h.Entered.UTC().Format(time.DateOnly))
			}
		}
		slices.Sort(others)
		for _, o := range others {
			so := ""
			for _, x := range r.Verdict.Odds.Rivals {
				if x.Name == name && x.Other == o && x.Why == "had the copies" {
					so = " The findings do not tell the two apart."
				}
			}
			out = append(out, row{"name": name, "other": o, "n": count[o], "of": len(all), "entered": enteredOn(since[o]), "so": so})
		}
	}
	return out
}

// exposed counts the pictures with copies that were public before.
func exposed(r *report) (out []row) {
	for _, name := range r.holders() {
		in, first := make(map[int]bool), time.Time{}
		for i, l := range r.Verdict.Case.Leaks {
			public := false
			for _, c := range l.Copies {
				if c.Recipient == name && !c.Public.IsZero() {
					public = true
					if first.IsZero() || c.Public.Before(first) {
						first = c.Public
					}
				}
			}
			if public && r.Leaks[r.Verdict.Of[i]].confirmed() {
				in[r.Verdict.Of[i]] = true
			}
		}
		if n := len(in); n > 0 {
			out = append(out, row{"n": n, "name": name, "day": moment(first)})
		}
	}
	return out
}

// published: the entries of files that were public before.
func published(r *report) (out []row) {
	for _, e := range r.Verdict.Published {
		out = append(out, row{"entry": fmt.Sprint(e.Entry), "day": moment(e.Found), "actor": cmp.Or(e.Actor, "its investigator"), "evidence": cmp.Or(e.Evidence, e.EvidenceSHA256)})
	}
	return out
}

// issuerAll: of how many uploads that several recipients had copies of, the copies of all of them were found.
func issuerAll(r *report) []row {
	had, found, names := map[string]map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}
	set := func(m map[string]map[string]bool, id, name string) {
		if m[id] == nil {
			m[id] = map[string]bool{}
		}
		m[id][name] = true
	}
	for _, l := range r.Verdict.Case.Leaks {
		for _, c := range l.Copies {
			if after := c.Late && !c.Undated && !c.Confirmed; !after {
				set(had, l.Submission, c.Recipient)
			}
		}
	}
	for _, l := range r.all() {
		for _, name := range l.recipients() {
			set(found, l.Submission, name)
		}
	}
	n, of := 0, 0
	for id := range found {
		of += yes(len(had[id]) > 1)
		if len(had[id]) > 1 && len(found[id]) == len(had[id]) {
			n++
			maps.Copy(names, found[id])
		}
	}
	return once(n > 1, row{"n": n, "of": of, "names": slices.Sorted(maps.Keys(names))})
}
