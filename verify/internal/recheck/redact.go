package recheck

import (
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/weigh"
)

// A reader of a redacted report need not learn who else receives pictures: an authority's request is confidential, and
// that a vendor is a recipient says nothing about these leaks. So recipients that no finding concerns are numbered in
// the registry's order. The verdict is then weighed again with the numbers in place of the names, so that it still
// follows from itself.

// Redact replaces the names of recipients that no finding concerns by numbers, and weighs again so that the verdict
// follows from what is written. f gets a new verdict and new leaks. f.Hidden becomes the number of names replaced.
func Redact(f *findings.File) error {
	labels := labels(f)
	if f.Hidden = len(labels); f.Hidden == 0 {
		return nil
	}
	cfg, err := basis(f.Verdict)
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	leaks, b, err := restore(f)
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	for _, l := range leaks {
		l.Private.Marked = slices.Clone(l.Private.Marked)
		for i, name := range l.Private.Marked {
			l.Private.Marked[i] = labelled(labels, name)
		}
	}
	relabel(b, labels)
	w, err := weigh.Weigh(leaks, b, cfg, len(f.Verdict.Record.Keys))
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	w.Record = f.Verdict.Record
	w.Speak()
	f.Verdict, f.Leaks = &w.Verdict, leaks
	return nil
}

// labels returns, by name, what recipients that no finding concerns are called: "recipient 1" and so on in the
// registry's order. A label that is the name of a recipient is left out.
func labels(f *findings.File) map[string]string {
	d := f.Verdict
	known := make(map[string]bool)
	for _, h := range d.Case.Holders {
		known[h.Name] = true
	}
	keep := concerned(f)
	labels := make(map[string]string)
	n := 0
	for _, h := range d.Case.Holders {
		if keep[h.Name] {
			continue
		}
		label := ""
		for label == "" || known[label] {
			n++
			label = fmt.Sprintf("recipient %d", n)
		}
		labels[h.Name] = label
	}
	return labels
}

// concerned returns the names of the recipients that a finding concerns: named or withheld recipients, and recipients of
// confirmed copies, and of copies of erased uploads. So are holders of an upload that a leak shows. A mark that was
// transplanted, or is not confirmed, concerns no recipient.
func concerned(f *findings.File) map[string]bool {
	out := make(map[string]bool)
	for _, name := range f.Verdict.Named {
		out[name] = true
	}
	for _, x := range f.Verdict.Odds.Withheld {
		out[x.Name] = true
	}
	for _, t := range f.Verdict.Travel {
		for _, h := range t.Others {
			out[h.Party] = true
		}
		for _, r := range t.Returned {
			for _, h := range r.Holders {
				out[h.Party] = true
			}
		}
	}
	for _, l := range f.Leaks {
		for _, name := range l.MayNames() {
			out[name] = true
		}
		for _, c := range l.EveryCustody() {
			out[c.Recipient] = true
		}
		for _, r := range l.Reads {
			out[r.Recipient] = true // of a copy of an erased upload
		}
	}
	return out
}

// labelled returns the label of a name, or the name itself if it has none.
func labelled(labels map[string]string, name string) string {
	if label := labels[name]; label != "" {
		return label
	}
	return name
}

// relabel replaces the names of recipients in all of b that are in labels. Recipients with a label lose their kind.
func relabel(b *weigh.Facts, labels map[string]string) {
	for i := range b.Recipients {
		b.Recipients[i].Name = labelled(labels, b.Recipients[i].Name)
	}
	for _, copies := range b.Copies {
		for i := range copies {
			copies[i].Recipient = labelled(labels, copies[i].Recipient)
		}
	}
	b.Holdings.Copies = relabelled(labels, b.Holdings.Copies)
	b.Holdings.Unmarked = relabelled(labels, b.Holdings.Unmarked)
	b.Ever.Copies = relabelled(labels, b.Ever.Copies)
	b.Ever.Unmarked = relabelled(labels, b.Ever.Unmarked)
	b.Unconfirmed = relabelled(labels, b.Unconfirmed)
	for _, list := range []*[]findings.Earlier{&b.Earlier, &b.Published} {
		*list = slices.Clone(*list)
		for i := range *list {
			e := &(*list)[i]
			e.Named = slices.Clone(e.Named)
			for k, name := range e.Named {
				e.Named[k] = labelled(labels, name)
			}
			slices.Sort(e.Named)
		}
	}
	b.History.Recipients = slices.Clone(b.History.Recipients)
	for i := range b.History.Recipients {
		if r := &b.History.Recipients[i]; labels[r.Name] != "" {
			r.Name, r.Kind = labels[r.Name], ""
		}
	}
}

// relabelled returns a copy of a map by names in which each name is replaced by its label.
func relabelled[T any](labels map[string]string, of map[string]T) map[string]T {
	out := make(map[string]T, len(of))
	for name, x := range of {
		out[labelled(labels, name)] = x
	}
	return out
}
