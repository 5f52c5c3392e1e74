package weigh

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// How copies travel: who acknowledged a copy, who had it besides its recipient, and whether it was public before. All
// of it is on record with the time of its entry, and all of it speaks for the recipient: it counts whatever its date.

// An Exposure is a copy in a file of a dump, by the file's SHA-256 in hex.
type Exposure struct {
	File string
	Copy watermark.CopyID
}

func othersOf(d *findings.Verdict, id watermark.CopyID) []findings.HandOn {
	for _, t := range d.Travel {
		if t.Copy == id {
			return t.Others
		}
	}
	return nil
}

// acknowledged returns how many copies of a recipient are in the dump, and how many have a signed receipt.
func acknowledged(w *Weighing, name string) (all, signed int) {
	for _, t := range w.Travel {
		if w.parties[name].copies[t.Copy] {
			if all++; !t.Receipt.IsZero() {
				signed++
			}
		}
	}
	return all, signed
}

// receipts returns figures for each recipient with copies in the dump: that all have a receipt, or how many lack one.
func receipts(w *Weighing) (out []words.Figures) {
	for _, name := range w.names {
		all, signed := acknowledged(w, name)
		x := words.Figures{"name": name, "n": all, "k": all, "what": "a receipt, signed with a key that the issuer entered as the key of that recipient",
			"who": intake.InSentence(name) + " can say whether it is"}
		if not := all - signed; not > 0 {
			x["k"], x["what"] = not, "no signed receipt"
			x["who"] = "the issuer's record says that " + words.Verb(not, "it was", "they were") + " sent to " + intake.InSentence(name) + ", and not to another party by error"
		}
		out = append(out, once(all > 0, x)...)
	}
	return out
}

// reservedOf returns the number of a recipient's copies in the dump, and of these the copies not known to have been handed
// out. persons counts the persons that the other copies show.
func reservedOf(w *Weighing, name string) (all, reserved, persons int) {
	units := make(map[string]bool)
	for _, c := range findings.ConfirmedCopies(w.Findings) {
		if w.parties[name].copies[c.ID] {
			if all++; c.State == books.CopyReserved {
				reserved++
			} else {
				units[w.Unit[c.Submission]] = true
			}
		}
	}
	return all, reserved, len(units)
}

// namedReserved returns figures for each named recipient with copies in the dump whose release is not confirmed.
func namedReserved(w *Weighing) (out []words.Figures) {
	for _, name := range w.namedInOrder() {
		if all, n, _ := reservedOf(w, name); n > 0 {
			out = append(out, words.Figures{"name": name, "n": n, "of": all})
		}
	}
	return out
}

// had returns figures for each named recipient and party that by the record also had copies in the dump which are that recipient's.
func had(w *Weighing) (out []words.Figures) {
	for _, name := range w.namedInOrder() {
		n, entered := make(map[string]int), make(map[string][]time.Time)
		all, _ := acknowledged(w, name)
		for _, t := range w.Travel {
			once := make(map[string]bool)
			for _, h := range t.Others {
				if !w.parties[name].copies[t.Copy] || h.Party == name || once[h.Party] {
					continue
				}
				once[h.Party] = true
				n[h.Party]++
				entered[h.Party] = append(entered[h.Party], h.Entered)
			}
		}
		for _, other := range slices.Sorted(maps.Keys(n)) {
			so := ""
			if slices.ContainsFunc(w.rivals(name, odds.RivalHad), func(r odds.Rival) bool { return r.Other == other }) {
				so = " The findings do not tell the two apart."
			}
			out = append(out, words.Figures{"name": name, "other": other, "n": n[other], "of": all, "entered": enteredOn(entered[other]), "so": so})
		}
	}
	return out
}

// exposed returns figures for each recipient with copies in this dump that were confirmed in other files before.
func exposed(w *Weighing) (out []words.Figures) {
	for _, name := range w.names {
		in, first := make(map[int]bool), time.Time{}
		for i, l := range w.Case.Leaks {
			for _, c := range l.Copies {
				if c.Recipient != name || c.Public.IsZero() {
					continue
				}
				if in[w.Of[i]] = true; first.IsZero() || c.Public.Before(first) {
					first = c.Public
				}
			}
		}
		if n := len(in); n > 0 {
			out = append(out, words.Figures{"n": n, "name": name, "day": words.UTC(first)})
		}
	}
	return out
}

// returnedIn returns the uploads of a leak that carry the mark of a copy, with their holders.
func returnedIn(d *findings.Verdict, l *findings.Finding, id watermark.CopyID) (out []findings.Return) {
	for _, t := range d.Travel {
		for _, r := range t.Returned {
			if t.Copy == id && slices.Contains(conclude.ReturnedAs(l, id), r.Submission) {
				out = append(out, r)
			}
		}
	}
	return out
}

// cameBackOf are the named recipients whose copies came back as uploads: how many, which uploads, and who had them.
func cameBackOf(w *Weighing) (out []words.Figures) {
	for _, name := range w.namedInOrder() {
		n, all, uploads, had, how := 0, 0, []string{}, make(map[string]int), ""
		once := make(map[[2]string]bool) // a party and an upload that it had
		for _, t := range w.Travel {
			if !w.parties[name].copies[t.Copy] {
				continue
			}
			if all++; len(t.Returned) > 0 {
				n++
			}
			for _, r := range t.Returned {
				uploads = append(uploads, r.Submission.String())
				if findings.HashOnly(w.Findings, r.Submission) {
					how = ", or may have since only a hash is kept,"
				}
				for _, h := range r.Holders {
					if is := [2]string{h.Party, r.Submission.String()}; h.Party != name && !once[is] {
						once[is] = true
						had[h.Party]++
					}
				}
			}
		}
		if n == 0 {
			continue
		}
		others := each.Of(slices.Sorted(maps.Keys(had)), func(name string) string { return fmt.Sprintf("%s (%d)", intake.InSentence(name), had[name]) })
		who := append([]string{"the exchange"}, others...)
		slices.Sort(uploads)
		uploads = slices.Compact(uploads)
		out = append(out, words.Figures{"name": name, "n": n, "of": all, "m": len(uploads), "uploads": uploads, "who": who, "how": how})
	}
	return out
}

// reviewers are, for each recipient with confirmed copies, the copies that its reviewers were shown, and the named reviewer.
func reviewers(w *Weighing) []words.Figures {
	return w.each(func(s *party) words.Figures {
		n, shown := 0, make(map[string]bool)
		for _, c := range findings.ConfirmedCopies(w.Findings) {
			if c.Recipient == s.Name && c.Reviewer != "" {
				n, shown[c.Reviewer] = n+1, true
			}
		}
		if n == 0 {
			return nil
		}
		so := "The evidence is not enough to name a single reviewer."
		for _, r := range w.Odds.Reviewers {
			if r.Of == s.Name {
				are := "name"
				if !slices.Contains(w.Odds.Alone(), s.Name) {
					are = "are of copies shown to"
				}
				so = fmt.Sprintf("The marks %s %s. Others at %s may have had the same copies.", are, reviewerOf(w, r), intake.InSentence(s.Name))
			}
		}
		return words.Figures{"n": n, "of": len(s.copies), "k": len(shown), "so": so}
	})
}

// reviewerOf returns what a sentence calls a reviewer: by name, unless the name was erased.
func reviewerOf(w *Weighing, r odds.Reviewer) string {
	if name := w.History.Reviewers[r.Ref]; name != "" {
		return intake.InSentence(name)
	}
	return "a reviewer of " + intake.InSentence(r.Of) + " (erased)"
}
