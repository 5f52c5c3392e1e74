package verify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// severalBooks fills in b what [Investigator.books] counts, for several registries: their sums by day, and
// the counts of each. A file that a leak shows and that several registries have counts once, on the day of
// the first. Of other files that is not known: they count in each.
func (v *Investigator) severalBooks(ctx context.Context, cfg Config, b *books, leaks []*Verdict) error {
	counted, err := each(v.in, func(s *shelf) (*engine.Holdings, error) {
		return s.Registry.Engine().Holdings(ctx, !cfg.named(), cfg.before, cfg.admissible)
	})
	if err != nil {
		return err
	}
	for _, s := range v.in.all {
		b.registries = append(b.registries, odds.Registry{Name: s.Name})
	}
	if cfg.named() {
		b.holdings = v.in.sum(counted, nil)
		b.history = historyOf(b.holdings, b.recipients)
		return v.namedBooks(ctx, cfg, b, leaks)
	}
	ever, err := each(v.in, func(s *shelf) (*engine.Holdings, error) {
		return s.Registry.Engine().Holdings(ctx, true, time.Time{}, func(registry.Custody) bool { return true })
	})
	if err != nil {
		return err
	}
	var days []time.Time
	for _, h := range ever {
		days = append(days, h.Days...)
	}
	slices.SortFunc(days, time.Time.Compare)
	days = slices.CompactFunc(days, time.Time.Equal)
	b.holdings, b.ever = v.in.sum(counted, days), v.in.sum(ever, days)
	for i := range b.registries {
		b.registries[i].Submissions, b.registries[i].All = spread(counted[i].Days, counted[i].Submissions, days), spread(ever[i].Days, ever[i].Submissions, days)
	}
	for i, n := range b.ever.Submissions {
		b.cells = append(b.cells, odds.Cell{From: days[i], Submissions: b.holdings.Submissions[i], All: n})
	}
	return v.placeShown(ctx, cfg, b, leaks)
}

// placeShown counts each capture that leaks show once, in the cell of its first time. It does so if several
// registries have it, or if a registry has erased it and no longer counts it.
func (v *Investigator) placeShown(ctx context.Context, cfg Config, b *books, leaks []*Verdict) error {
	again := make(map[*Verdict]held)
	taken := make(map[entry]bool)
	for _, l := range shown(leaks) {
		x, is, err := v.takeOut(ctx, cfg, b, l, taken)
		if err != nil {
			return err
		}
		if is {
			again[l] = x
		}
	}
	for k := range b.holdings.Submissions {
		b.holdings.Submissions[k] = b.cells[k].Submissions
	}
	b.history = historyOf(b.holdings, b.recipients)
	for _, l := range shown(leaks) {
		if x, is := again[l]; is {
			b.add(cfg, odds.CellOf(b.cells, l.Submitted), 1, x)
		}
	}
	return nil
}

// An entry is a submission in one of several registries.
type entry struct {
	registry string
	of       watermark.Submission
}

// takeOut takes the files of the capture that a leak shows out of the counts, unless one registry alone has
// one. It reports whether it did, and what to count in their place. taken has what was taken out before.
func (v *Investigator) takeOut(ctx context.Context, cfg Config, b *books, l *Verdict, taken map[entry]bool) (held, bool, error) {
	out := held{in: registriesOf(b.registries, l.In), submitted: l.Submitted, copies: b.copies[l.Submission], custody: l.Custody}
	var live []held
	for _, p := range l.In {
		i := slices.IndexFunc(v.in.all, func(s *shelf) bool { return s.Name == p.Registry })
		if i < 0 {
			continue
		}
		s, of := v.in.all[i], cmp.Or(p.Submission, l.Submission)
		row, err := s.Registry.Submission(ctx, of)
		if gone(err) != nil {
			return out, false, v.in.wrap(s, err)
		}
		x := held{in: []int{i}}
		if x.custody, err = v.in.custodyIn(ctx, s, of); err == nil {
			x.copies, err = v.in.copiesIn(ctx, s, of)
			x.copies = handedOut(x.copies)
		}
		if err != nil {
			return out, false, err
		}
		if of != l.Submission {
			out.copies = append(slices.Clone(out.copies), x.copies...)
		}
		if e := (entry{p.Registry, of}); row != nil && !row.Erased && !taken[e] {
			x.submitted, taken[e] = row.Submitted, true
			live = append(live, x)
		}
	}
	if len(l.In) == 0 || len(l.In) == 1 && len(live) == 1 || len(b.cells) == 0 {
		return out, false, nil
	}
	for _, x := range live {
		b.add(cfg, odds.CellOf(b.cells, x.submitted), -1, x)
	}
	return out, true, nil
}

// addTwins adds to a verdict the registries that have another file of the capture that the leak shows, with
// the custody of that file: a customer sent one picture to two registries, and a messenger changed its bytes.
func (v *Investigator) addTwins(ctx context.Context, out *Verdict) error {
	for _, m := range out.Matches {
		if !showsCapture(m.Pixels) || m.Submission == out.Submission {
			continue
		}
		_, places, err := v.in.submission(ctx, m.Submission)
		if gone(err) != nil {
			return err
		}
		for _, p := range places {
			if slices.ContainsFunc(out.In, func(o findings.Place) bool { return o.Registry == p.Registry }) {
				continue
			}
			s := v.in.all[slices.IndexFunc(v.in.all, func(s *shelf) bool { return s.Name == p.Registry })]
			facts, err := v.in.custodyIn(ctx, s, m.Submission)
			if err != nil {
				return err
			}
			p.Submission = m.Submission
			out.In, out.Custody = append(out.In, p), append(out.Custody, facts...)
		}
	}
	return nil
}

// sum adds up what the registries count, by these days; nil days: there are no counts by day.
func (r *registries) sum(of []*engine.Holdings, days []time.Time) *engine.Holdings {
	out := &engine.Holdings{Days: days, Submissions: make([]int, len(days)), Copies: make(map[string][]int), Unmarked: make(map[string][]int), Issued: make(map[string][]engine.DayCount)}
	for i, h := range of {
		s := r.all[i]
		add := func(to map[string][]int, by map[string][]int) {
			for recipient, counts := range by {
				name := r.name(s, recipient)
				to[name] = added(to[name], spread(h.Days, counts, days))
			}
		}
		add(out.Copies, h.Copies)
		add(out.Unmarked, h.Unmarked)
		out.Submissions = added(out.Submissions, spread(h.Days, h.Submissions, days))
		out.Submitted = sumDays(out.Submitted, h.Submitted)
		for recipient, counts := range h.Issued {
			name := r.name(s, recipient)
			out.Issued[name] = sumDays(out.Issued[name], counts)
		}
		for _, c := range h.Facts {
			c.Recipient = r.name(s, c.Recipient)
			out.Facts = append(out.Facts, c)
		}
	}
	return out
}

// added returns the sums of two lists of one length; nil is a list of zeros.
func added(a, b []int) []int {
	if a == nil {
		return b
	}
	for i, n := range b {
		a[i] += n
	}
	return a
}

// spread returns counts by days as counts by more days, all of them ascending.
func spread(days []time.Time, counts []int, over []time.Time) []int {
	out := make([]int, len(over))
	for i, n := range counts {
		if k, found := slices.BinarySearchFunc(over, days[i], time.Time.Compare); found {
			out[k] += n
		}
	}
	return out
}

// sumDays adds up counts by day.
func sumDays(a, b []engine.DayCount) []engine.DayCount {
	for _, x := range b {
		k, found := slices.BinarySearchFunc(a, x.Day, func(c engine.DayCount, day time.Time) int { return c.Day.Compare(day) })
		if found {
			a[k].N += x.N
		} else {
			a = slices.Insert(a, k, x)
		}
	}
	return a
}

// registriesOf returns the registries of places, as indices, ascending. Unknown names are left out.
func registriesOf(all []odds.Registry, places []findings.Place) (out []int) {
	for i, r := range all {
		if slices.ContainsFunc(places, func(p findings.Place) bool { return p.Registry == r.Name }) {
			out = append(out, i)
		}
	}
	return out
}

// registry returns the index of one of several registries by its name, -1 without such a registry.
func (d *DumpVerdict) registry(name string) int {
	return slices.IndexFunc(d.Case.Registries, func(r odds.Registry) bool { return r.Name == name })
}

// local returns the recipients of a registry whose names in findings are in names. They have the names
// that the registry gives them, sorted.
func (r *registries) local(ctx context.Context, s *shelf, names []string) ([]string, error) {
	if !r.several() {
		return slices.Sorted(slices.Values(names)), nil
	}
	rows, err := s.Registry.Recipients(ctx)
	var out []string
	for _, to := range rows {
		if slices.Contains(names, r.name(s, to.Name)) {
			out = append(out, to.Name)
		}
	}
	slices.Sort(out)
	return out, err
}
