package sentencecheck

import (
	"fmt"
	"maps"
	"slices"
)

// The sentences on copies that came back as uploads.

// A returned is an upload that came in with the mark of a copy.
type returned struct {
	Submission string `json:"submission"`
	Holders    []struct {
		Party string `json:"party"`
	} `json:"holders"`
}

// cameBack returns the uploads that came in with a mark on which the finding of a leak rests.
func (l *leak) cameBack() (out []string) {
	for _, x := range l.main() {
		for _, id := range x.Returned {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// cameBack reports whether a copy that was found came back as an upload.
func (r *report) cameBack() bool {
	return slices.ContainsFunc(r.Verdict.Travel, func(t travel) bool { return len(t.Returned) > 0 })
}

// hashed reports whether only the hash is kept of an upload that the leak matches.
func (l *leak) hashed(upload string) bool {
	return slices.ContainsFunc(l.Matches, func(m matchOf) bool { return m.HashOnly && m.Submission == upload })
}

func copyReturned(_ *report, l *leak) row {
	all := l.cameBack()
	how := "came in"
	if slices.ContainsFunc(all, l.hashed) {
		how = "may have come in, since only the hash is kept,"
	}
	return when(len(all) > 0, row{"n": len(all), "uploads": all, "how": how})
}

// namedReturned: of each named recipient, the copies in leaks that came back, as which uploads, and who had these.
func namedReturned(r *report) (out []row) {
	for _, name := range r.holders() {
		if !slices.Contains(r.Verdict.Named, name) {
			continue
		}
		n, had, uploads, how := 0, make(map[string]map[string]bool), make(map[string]bool), ""
		for _, t := range r.travelOf(name) {
			n += yes(len(t.Returned) > 0)
			for _, x := range t.Returned {
				uploads[x.Submission] = true
				if r.count(func(l *leak) bool { return l.hashed(x.Submission) }) > 0 {
					how = ", or may have since only a hash is kept,"
				}
				for _, h := range x.Holders {
					if had[h.Party] == nil {
						had[h.Party] = make(map[string]bool)
					}
					had[h.Party][x.Submission] = true
				}
			}
		}
		who := []string{"the exchange"}
		for _, party := range slices.Sorted(maps.Keys(had)) {
			if party != name {
				who = append(who, fmt.Sprintf("%s (%d)", party, len(had[party])))
			}
		}
		if n > 0 {
			out = append(out, row{"name": name, "n": n, "of": len(r.travelOf(name)), "m": len(uploads), "uploads": slices.Sorted(maps.Keys(uploads)), "who": who, "how": how})
		}
	}
	return out
}
