package verify

import (
	"context"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
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

// placeShown counts each file that leaks show once, in the cell of its first time. It does so if several
// registries have the file, or if a registry has erased it and no longer counts it.
func (v *Investigator) placeShown(ctx context.Context, cfg Config, b *books, leaks []*Verdict) error {
	var again []*Verdict
	for _, l := range shown(leaks) {
		taken, err := v.takeOut(ctx, cfg, b, l)
		if err != nil {
			return err
		}
		if taken {
			again = append(again, l)
		}
	}
	for k := range b.holdings.Submissions {
		b.holdings.Submissions[k] = b.cells[k].Submissions
	}
	b.history = historyOf(b.holdings, b.recipients)
	for _, l := range again {
		b.add(cfg, odds.CellOf(b.cells, l.Submitted), 1, held{registriesOf(b.registries, l.In), l.Submitted, b.copies[l.Submission], l.Custody})
	}
	return nil
}

// takeOut takes the file that a leak shows out of the counts, unless one registry alone has it. It reports
// whether it did.
func (v *Investigator) takeOut(ctx context.Context, cfg Config, b *books, l *Verdict) (bool, error) {
	live := make(map[int]*registry.Submission)
	for i, s := range v.in.all {
		row, err := s.Registry.Submission(ctx, l.Submission)
		if err == nil {
			live[i] = row
		} else if gone(err) != nil {
			return false, v.in.wrap(s, err)
		}
	}
	if len(live) == 1 && len(l.In) == 1 || len(l.In) == 0 || len(b.cells) == 0 {
		return false, nil
	}
	for i, s := range v.in.all {
		row := live[i]
		if row == nil {
			continue
		}
		x := held{in: []int{i}, submitted: row.Submitted}
		custody, err := s.Registry.Custody(ctx, registry.CustodyFilter{Submission: l.Submission})
		if err != nil {
			return false, v.in.wrap(s, err)
		}
		for _, c := range custody {
			c.Recipient = v.in.name(s, c.Recipient)
			x.custody = append(x.custody, c)
		}
		copies, err := s.Registry.Copies(ctx, l.Submission)
		if err != nil {
			return false, v.in.wrap(s, err)
		}
		for _, c := range copies {
			c.Recipient = v.in.name(s, c.Recipient)
			x.copies = append(x.copies, c)
		}
		b.add(cfg, odds.CellOf(b.cells, row.Submitted), -1, x)
	}
	return true, nil
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
