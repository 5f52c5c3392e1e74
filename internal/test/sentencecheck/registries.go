package sentencecheck

import (
	"slices"
	"strings"
)

// The sentences on several registries that were searched as one.

func searchedTogether(r *report) []row {
	var names []string
	for _, x := range r.Verdict.Case.Registries {
		names = append(names, x.Name)
	}
	return some(len(names), row{"names": names})
}

func matchedIn(r *report) (out []row) {
	for _, x := range r.Verdict.Case.Registries {
		n := r.count(func(l *leak) bool {
			for _, p := range l.In {
				if l.shows() && p.Registry == x.Name {
					return true
				}
			}
			return false
		})
		out = append(out, some(n, row{"name": x.Name})...)
	}
	return out
}

// partiesStated are the holders that several names stand for: "A/x = B/x".
func partiesStated(r *report) (out []row) {
	for _, h := range r.Verdict.Case.Holders {
		if strings.Contains(h.Name, " = ") && len(h.In) > 0 {
			out = append(out, row{"name": h.Name})
		}
	}
	return out
}

// namesAlike are the holders of one registry each whose names are equal after the registry's.
func namesAlike(r *report) []row {
	var alike []string
	for i, h := range r.Verdict.Case.Holders {
		for k, o := range r.Verdict.Case.Holders {
			_, a, one := strings.Cut(h.Name, "/")
			_, b, two := strings.Cut(o.Name, "/")
			if i != k && one && two && a == b && len(h.In) == 1 && len(o.In) == 1 && !slices.Contains(alike, h.Name) {
				alike = append(alike, h.Name)
			}
		}
	}
	slices.Sort(alike)
	return once(len(alike) > 0, row{"names": alike})
}

// inLedger keeps the rows about the ledger of one of several registries, or the others.
func inLedger(of bool, all func(*report) []row) func(*report) []row {
	return func(r *report) []row {
		return slices.DeleteFunc(all(r), func(x row) bool { return (x["registry"] != nil) != of })
	}
}

// namedBy returns the recipients that are named and that a registry lists; "": all that are named. They are sorted.
func (r *report) namedBy(registry string) (out []string) {
	for _, h := range r.Verdict.Case.Holders {
		listed := registry == ""
		for _, i := range h.In {
			listed = listed || i >= 0 && i < len(r.Verdict.Case.Registries) && r.Verdict.Case.Registries[i].Name == registry
		}
		if listed && slices.Contains(r.Verdict.Named, h.Name) {
			out = append(out, h.Name)
		}
	}
	slices.Sort(out)
	return out
}

// bareOfOne reports whether a leak without a mark was traced, is unreadable, and shows no page that several
// uploads share.
func (l *leak) bareOfOne() bool {
	return l.Finding == "unreadable" && l.seen() && len(l.Reads) == 0 && l.trace(l.Submission).Submission != "" && l.shared() <= 1
}

// notRuledOut returns, of several registries, those with another upload that the leak may show and whose
// copies no tracing rules out.
func (l *leak) notRuledOut() (out []string) {
	for _, m := range l.Matches {
		may := !slices.Contains([]string{"different", "same template", "unrelated"}, m.Pixels) && (m.Pixels != "not compared" || m.HashOnly && m.Distance <= 31)
		if m.Submission == l.Submission || l.silent(m.Submission) || !may {
			continue
		}
		for _, name := range m.In {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// alikeBeside returns another upload of the same document that the leak may show in the place of its upload. No
// tracing rules out its copies. "": no such upload.
func (l *leak) alikeBeside() string {
	for _, m := range l.Matches {
		if m.Pixels == "same document" && m.Submission != l.Submission && !l.excluded(m.Submission) && !l.alone(m) {
			return m.Submission
		}
	}
	return ""
}

// ruledOut reports whether no other upload that the leak may show in the place of its upload can have the copy.
func (l *leak) ruledOut() bool { return len(l.notRuledOut()) == 0 && l.alikeBeside() == "" }

// silent reports whether tracing against an upload would have found a mark, and found none.
func (l *leak) silent(of string) bool {
	return l.trace(of).Registered && l.excluded(of)
}

// excluded reports whether tracing against an upload would have found a mark, and found none. The leak may be another
// capture.
func (l *leak) excluded(of string) bool {
	t := l.trace(of)
	return t.Unsought == 0 && max(t.Power, t.Withheld) >= 0.999 && t.LogAny > -6
}

// closedBeside reports whether uploads of several registries that the leak may show could not be opened.
func (l *leak) closedBeside() bool {
	return l.Closed > 0 && slices.ContainsFunc(l.Matches, func(m matchOf) bool { return len(m.In) > 0 })
}
