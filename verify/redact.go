package verify

import (
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
)

// A reader of a redacted report need not learn who else receives pictures: an authority's
// request is confidential, and that a vendor is a recipient says nothing about these leaks.
// So recipients that no finding concerns are numbered in the registry's order. The verdict
// is then weighed again with the numbers in place of the names, so that it still follows
// from itself.

// redact replaces the names of recipients that no finding concerns by numbers, and weighs again so that the verdict
// follows from what is written. f gets a new verdict and new leaks. f.Hidden becomes the number of names replaced.
func (f *Findings) redact() error {
	labels := f.labels()
	if f.Hidden = len(labels); f.Hidden == 0 {
		return nil
	}
	cfg, err := f.Verdict.basis()
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	leaks, b, err := f.restore()
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	for _, l := range leaks {
		l.Private.marked = slices.Clone(l.Private.marked)
		for i, name := range l.Private.marked {
			l.Private.marked[i] = labelled(labels, name)
		}
	}
	b.relabel(labels)
	w, err := weigh(leaks, b, cfg, len(f.Verdict.Record.Keys))
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	w.Record = f.Verdict.Record
	w.speak()
	f.Verdict, f.Leaks = &w.Verdict, leaks
	return nil
}

// labels returns, by name, what recipients that no finding concerns are called: "recipient 1" and so on in the
// registry's order. A label that is the name of a recipient is left out.
func (f *Findings) labels() map[string]string {
	d := f.Verdict
	known := make(map[string]bool)
	for _, h := range d.Case.Holders {
		known[h.Name] = true
	}
	keep := f.concerned()
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
func (f *Findings) concerned() map[string]bool {
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
func (b *books) relabel(labels map[string]string) {
	for i := range b.recipients {
		b.recipients[i].Name = labelled(labels, b.recipients[i].Name)
	}
	for _, copies := range b.copies {
		for i := range copies {
			copies[i].Recipient = labelled(labels, copies[i].Recipient)
		}
	}
	b.holdings.Copies = relabelled(labels, b.holdings.Copies)
	b.holdings.Unmarked = relabelled(labels, b.holdings.Unmarked)
	b.ever.Copies = relabelled(labels, b.ever.Copies)
	b.ever.Unmarked = relabelled(labels, b.ever.Unmarked)
	b.unconfirmed = relabelled(labels, b.unconfirmed)
	for _, list := range []*[]findings.Earlier{&b.earlier, &b.published} {
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
	b.history.Recipients = slices.Clone(b.history.Recipients)
	for i := range b.history.Recipients {
		if r := &b.history.Recipients[i]; labels[r.Name] != "" {
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
