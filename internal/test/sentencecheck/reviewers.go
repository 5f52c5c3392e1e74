package sentencecheck

import (
	"slices"
	"strings"
)

// reviewers says which copies of a recipient were shown to its reviewers, and whom their marks may name.
func reviewers(r *report) (out []row) {
	for _, name := range r.holders() {
		all, shown, who := make(map[string]bool), make(map[string]bool), make(map[string]bool)
		for _, l := range r.with(name) {
			for _, c := range l.Issued {
				if c.Recipient != name {
					continue
				}
				all[c.Copy] = true
				if c.Reviewer != "" {
					shown[c.Copy], who[c.Reviewer] = true, true
				}
			}
		}
		so := "The evidence is not enough to name a single reviewer."
		for _, x := range r.Verdict.Odds.Reviewers {
			if x.Of != name || !r.single(name, x.Ref) {
				continue
			}
			called := r.Verdict.History.Reviewers[x.Ref]
			if called == "" {
				called = "a reviewer of " + quoted(name) + " (erased)"
			} else {
				called = quoted(called)
			}
			so = "The marks name " + called + "."
			for _, x := range r.Verdict.Odds.Rivals {
				if x.Name == name {
					so = "The marks are of copies shown to " + called + "."
				}
			}
			so += " Others at " + quoted(name) + " may have had the same copies."
		}
		out = append(out, some(len(shown), row{"of": len(all), "k": len(who), "name": name, "so": so})...)
	}
	return out
}

// quoted is a name in a sentence: of three words or more in quotation marks.
func quoted(name string) string {
	if len(strings.Fields(name)) > 2 {
		return "“" + name + "”"
	}
	return name
}

// single reports whether all copies of a named recipient in leaks are one reviewer's. They must show two persons or
// more.
func (r *report) single(name, ref string) bool {
	persons := make(map[string]bool)
	for i := range r.Verdict.Case.Leaks {
		l := &r.Verdict.Case.Leaks[i]
		for _, c := range l.Copies {
			if l.Submission == "" || c.Recipient != name || !c.Confirmed || c.LnE < strong {
				continue
			}
			if c.Reviewer != ref {
				return false
			}
			if !c.Late && c.Public.IsZero() {
				persons[l.Cluster] = true
			}
		}
	}
	return len(persons) >= 2 && slices.Contains(r.Verdict.Named, name)
}
