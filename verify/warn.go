package verify

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/registry"
)

// warn names the patterns that somebody who plants evidence would leave.
func (w *weighing) warn() {
	w.warnOfKeys()
	w.warnOfLateCopies()
	w.warnOfLateUploads()
	w.warnOfPlanting()
	w.showRivals()
	for _, name := range w.names {
		s := w.parties[name]
		if s.pictures == 0 {
			continue
		}
		if n := len(s.clusters); s.pictures > n {
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("The %s with copies issued to %s are of %s: repetitions and pictures of one subject count once.",
				pictures(s.pictures), s.Name, count(n, "independent submission", "independent submissions")))
		}
		if s.nameless > 0 {
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("Of the %s with copies issued to %s, %d %s of uploads without a subject reference: whether these are of different persons is not known, and they count as one independent submission together.",
				pictures(s.pictures), s.Name, s.nameless, verb(s.nameless, "is", "are")))
		}
		if others := w.alsoHeld(s.Name); len(others) > 0 {
			w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("Of the %s with a copy issued to %s, these could also be held unmarked by others: %s. Whoever of them had that copy in hand could have laid its mark onto the unmarked picture.",
				pictures(s.pictures), s.Name, list(others)))
		}
	}
}

// warnOfKeys names the keys of confirmed copies that somebody else may have held when
// the leaks were found. Those that somebody may have held at the issue confirm nothing.
func (w *weighing) warnOfKeys() {
	at := make(map[string]registry.KeyState)
	n := make(map[string]int)
	for _, l := range w.Verdicts {
		for _, k := range l.Keys {
			before := !w.cfg.Found.IsZero() && w.cfg.Found.Before(k.Since)
			if l.MayName() != "" && k.KeyID == l.KeyID && k.State == registry.KeyCompromised && !before {
				at[k.KeyID] = k
				n[k.KeyID]++
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n)) {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("The mark key %s of %s with a confirmed copy is recorded as compromised since %s, after these copies were issued: whoever held it since then, and had such a copy in hand, could have laid its mark onto an unmarked picture of the same upload.",
			id, pictures(n[id]), day(at[id].Since)))
	}
}

// warnOfLateCopies is about copies that are younger than the find of the leaks.
func (w *weighing) warnOfLateCopies() {
	n := make(map[string]int)
	for _, l := range w.Verdicts {
		once := make(map[string]bool)
		for _, c := range l.Issued {
			if w.cfg.tooLate(l, c.ID) && !once[c.Recipient] {
				once[c.Recipient] = true
				n[c.Recipient]++
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s recorded as issued to %s after the leaks were found (%s): that time is wrong, or the copies were made afterwards. They count for nobody.",
			count(n[name], "picture contains a copy", "pictures contain copies"), name, w.cfg.Found.UTC().Format(time.RFC3339)))
	}
}

// warnOfLateUploads is about uploads that are younger than the find of the leaks.
func (w *weighing) warnOfLateUploads() {
	n := 0
	for _, l := range w.Verdicts {
		if l.matched() && w.cfg.after(l.Submitted) {
			n++
		}
	}
	if n > 0 {
		w.ShowsNot = append(w.ShowsNot, fmt.Sprintf("%s an upload that is recorded as submitted after the leaks were found (%s): that time is wrong, or the file was elsewhere before. It speaks for nobody.",
			count(n, "picture shows", "pictures show"), w.cfg.Found.UTC().Format(time.RFC3339)))
	}
}

// alsoHeld are the other recipients whose admissible custody covers confirmed
// pictures of one recipient, each with how many.
func (w *weighing) alsoHeld(name string) []string {
	held := make(map[string]int)
	for _, l := range w.Verdicts {
		if !slices.Contains(l.MayNames(), name) {
			continue
		}
		once := make(map[string]bool)
		for _, c := range l.Custody {
			if c.Recipient != name && w.cfg.admissible(c) && !once[c.Recipient] {
				once[c.Recipient] = true
				held[c.Recipient]++
			}
		}
	}
	var out []string
	for _, other := range slices.Sorted(maps.Keys(held)) {
		out = append(out, fmt.Sprintf("%d by %s", held[other], other))
	}
	return out
}
