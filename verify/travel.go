package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// How copies travel: who acknowledged a copy, who had it besides its recipient, and whether it was
// public before. All of it is on record with the time of its entry, and all of it speaks for the
// recipient: it counts whatever its date.

// An exposure is a copy in a file of a dump, by the file's SHA-256 in hex.
type exposure struct {
	file string
	copy watermark.CopyID
}

// travel returns how the confirmed copies in leaks travelled, each copy once, in the order of the leaks.
func (v *Investigator) travel(ctx context.Context, leaks []*Finding) (out []findings.Travel, err error) {
	for _, c := range confirmedCopies(leaks) {
		t := findings.Travel{Copy: c.ID}
		facts, err := v.cfg.Registry.Custody(ctx, registry.CustodyFilter{})
		if err != nil {
			return nil, err
		}
		receipts, err := v.cfg.Registry.Ledger().Receipts(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		if len(receipts) > 0 {
			t.Receipt = receipts[0].Entered
		}
		for _, h := range facts {
			if h.Of(&c) {
				t.Others = append(t.Others, findings.HandOn{Party: h.Recipient, Entered: h.Entered, Note: h.Note})
			}
		}
		if t.Returned, err = v.holdersOfReturned(ctx, c.ID, leaks); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// othersOf returns who had a copy besides its recipient.
func (d *Verdict) othersOf(id watermark.CopyID) []findings.HandOn {
	for _, t := range d.Travel {
		if t.Copy == id {
			return t.Others
		}
	}
	return nil
}

// acknowledged returns how many copies of a recipient are in the dump, and how many have a signed receipt.
func (w *weighing) acknowledged(name string) (all, signed int) {
	for _, t := range w.Travel {
		if w.parties[name].copies[t.Copy] {
			if all++; !t.Receipt.IsZero() {
				signed++
			}
		}
	}
	return all, signed
}

// misdelivered are the recipients whose copies are in the dump.
func (w *weighing) misdelivered() (out []figures) {
	for _, name := range w.names {
		if all, signed := w.acknowledged(name); all > 0 {
			out = append(out, figures{"name": name, "n": all, "signed": signed})
		}
	}
	return out
}

// Which of its copies a recipient acknowledged.
func signedAll(all, signed int) bool  { return signed == all }
func signedPart(all, signed int) bool { return signed > 0 && signed < all }
func signedNone(_, signed int) bool   { return signed == 0 }

// receipts returns the condition of a sentence on the receipts of a named recipient.
func receipts(is func(all, signed int) bool) func(*weighing) []figures {
	return func(w *weighing) (out []figures) {
		for _, name := range w.namedInOrder() {
			if all, signed := w.acknowledged(name); all > 0 && is(all, signed) {
				out = append(out, figures{"name": name, "n": all, "signed": signed, "not": all - signed})
			}
		}
		return out
	}
}

// namedReserved are the named recipients with copies in the dump whose release is not confirmed.
func (w *weighing) namedReserved() (out []figures) {
	for _, name := range w.namedInOrder() {
		all, _ := w.acknowledged(name)
		n := 0
		for _, c := range confirmedCopies(w.Findings) {
			if w.parties[name].copies[c.ID] && c.State == registry.CopyReserved {
				n++
			}
		}
		if n > 0 {
			out = append(out, figures{"name": name, "n": n, "of": all})
		}
	}
	return out
}

// namedHad are the parties that by the record had copies of a named recipient which are in the dump.
func (w *weighing) namedHad() (out []figures) {
	for _, name := range w.namedInOrder() {
		n, first := make(map[string]int), make(map[string]findings.HandOn)
		all, _ := w.acknowledged(name)
		for _, t := range w.Travel {
			once := make(map[string]bool)
			for _, h := range t.Others {
				if !w.parties[name].copies[t.Copy] || h.Party == name || once[h.Party] {
					continue
				}
				once[h.Party] = true
				if n[h.Party]++; n[h.Party] == 1 {
					first[h.Party] = h
				}
			}
		}
		for _, other := range slices.Sorted(maps.Keys(n)) {
			out = append(out, figures{"name": name, "other": other, "n": n[other], "of": all, "entered": day(first[other].Entered)})
		}
	}
	return out
}

// exposed are the recipients with copies in this dump that were confirmed in other files before.
func (w *weighing) exposed() (out []figures) {
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
			out = append(out, figures{"n": n, "name": name, "day": utc(first)})
		}
	}
	return out
}

// CopyOf returns the recipient of a copy that is confirmed in this dump.
func (r reportView) CopyOf(id watermark.CopyID) string {
	for _, l := range r.Findings {
		for _, c := range l.Issued {
			if c.ID == id {
				return c.Recipient
			}
		}
	}
	return ""
}

// Others says who had a copy besides its recipient, and how this is known.
func (r reportView) Others(t findings.Travel) string {
	var out []string
	for _, h := range t.Others {
		out = append(out, fmt.Sprintf("%s, as entered on %s (%s)", intake.InSentence(h.Party), day(h.Entered), h.Note))
	}
	for _, x := range t.Returned {
		out = append(out, fmt.Sprintf("the exchange, as upload %s, which came in with this mark", x.Submission))
		for _, h := range x.Holders {
			out = append(out, fmt.Sprintf("%s, which had that upload, as entered on %s (%s)", intake.InSentence(h.Party), day(h.Entered), h.Note))
		}
	}
	return strings.Join(out, "; ")
}
