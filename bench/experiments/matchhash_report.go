package experiments

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/phash"
)

// MatchHashReport says how many leaks find their upload by a hash, and what else they
// find.
type MatchHashReport struct {
	Seed        uint64       `json:"seed"`
	MaxSide     int          `json:"max_side,omitempty"`
	Distractors int          `json:"distractors"` // in the index beside the upload
	Uploads     int          `json:"uploads"`     // hashed, leaked or not
	Plain       int          `json:"plain"`       // of these of too low quality to ask for
	Radii       []int        `json:"radii"`
	Ways        []HashWay    `json:"ways"`
	Leaks       [][]HashLeak `json:"leaks"` // by way
	Speed       *PDQSpeed    `json:"speed,omitempty"`
	Broken      []Failure    `json:"broken"`
}

// HashLeak is one leak asked for in one way.
type HashLeak struct {
	Upload      string               `json:"upload"`
	Group       string               `json:"group"` // of the upload
	Attack      string               `json:"attack"`
	AttackGroup string               `json:"attack_group"`
	Distance    int                  `json:"distance"` // bits from the upload, the least of all queries
	Queries     int                  `json:"queries"`
	Others      [len(matchRadii)]int `json:"others"` // other uploads and random hashes within each radius
	Nearer      int                  `json:"nearer"` // others no further than the upload
}

// HashWay sums up one way.
type HashWay struct {
	Name  string    `json:"name"`
	Rows  []HashRow `json:"rows"`  // by group of attacks, "all" last
	Found []HashRow `json:"found"` // by group of uploads
}

// HashRow sums up some leaks.
type HashRow struct {
	Name    string                  `json:"name"`
	Leaks   int                     `json:"leaks"`
	Found   [len(matchRadii)]int    `json:"found"`   // upload within the radius
	Others  [len(matchRadii)]Number `json:"others"`  // candidates beside the upload, mean a leak
	Median  int                     `json:"median"`  // bits
	Most    int                     `json:"most"`    // bits
	Nearest int                     `json:"nearest"` // leaks of which nothing else is as near
	Queries Number                  `json:"queries"` // mean a leak
}

func newMatchHashReport(opt *MatchHashOptions) *MatchHashReport {
	r := &MatchHashReport{
		Seed: opt.Seed, MaxSide: opt.MaxSide, Distractors: cmp.Or(opt.Distractors, 1_000_000),
		Radii: matchRadii[:], Broken: []Failure{},
	}
	for _, w := range hashWays() {
		r.Ways = append(r.Ways, HashWay{Name: w.name})
		r.Leaks = append(r.Leaks, []HashLeak{})
	}
	return r
}

// summarise fills the ways.
func (rep *MatchHashReport) summarise() {
	for i := range rep.Ways {
		w := &rep.Ways[i]
		w.Rows = hashRows(rep.Leaks[i], func(l HashLeak) string { return l.AttackGroup })
		w.Found = hashRows(rep.Leaks[i], func(l HashLeak) string { return l.Group })
	}
}

// hashRows groups leaks in the order of their first, and all of them.
func hashRows(leaks []HashLeak, group func(HashLeak) string) (rows []HashRow) {
	var names []string
	groups := map[string][]HashLeak{}
	for _, l := range leaks {
		if g := group(l); !slices.Contains(names, g) {
			names = append(names, g)
		}
		groups[group(l)] = append(groups[group(l)], l)
	}
	for _, g := range names {
		rows = append(rows, hashRow(g, groups[g]))
	}
	return append(rows, hashRow("all", leaks))
}

func hashRow(name string, leaks []HashLeak) HashRow {
	row := HashRow{Name: name, Leaks: len(leaks)}
	var distances []int
	for _, l := range leaks {
		distances = append(distances, l.Distance)
		for k, radius := range matchRadii {
			if l.Distance <= radius {
				row.Found[k]++
			}
			row.Others[k] += Number(l.Others[k])
		}
		if l.Nearer == 0 {
			row.Nearest++
		}
		row.Queries += Number(l.Queries)
	}
	if n := len(leaks); n > 0 {
		slices.Sort(distances)
		row.Median, row.Most = distances[n/2], distances[n-1]
		for k := range row.Others {
			row.Others[k] /= Number(n)
		}
		row.Queries /= Number(n)
	}
	return row
}

// Recall is the share of leaks, 0 to 1, that lie within [phash.MatchRadius] of their
// upload in the way of that name.
func (rep *MatchHashReport) Recall(way string) (recall float64, ok bool) {
	for _, w := range rep.Ways {
		if all := w.Rows[len(w.Rows)-1]; w.Name == way && all.Leaks > 0 {
			return float64(all.Found[0]) / float64(all.Leaks), true
		}
	}
	return 0, false
}

// Markdown returns the report as tables.
func (rep *MatchHashReport) Markdown() string {
	var b strings.Builder
	if rep.Speed != nil {
		rep.Speed.write(&b)
	}
	fmt.Fprintf(&b, "%s hashed, %d of them too plain to ask for; %d hashes in the index; seed %d.\n",
		count(rep.Uploads, "upload"), rep.Plain, rep.Distractors, rep.Seed)
	if rep.MaxSide > 0 {
		fmt.Fprintf(&b, "Pictures at most %d px.\n", rep.MaxSide)
	}
	rep.writeRows(&b, "attacks", func(w HashWay) []HashRow { return w.Rows })
	rep.writeRows(&b, "uploads", func(w HashWay) []HashRow { return w.Found })
	rep.writeMissed(&b)
	writeFailures(&b, "Not measured", rep.Broken)
	return b.String()
}

func (rep *MatchHashReport) writeRows(b *strings.Builder, what string, rows func(HashWay) []HashRow) {
	fmt.Fprintf(b, "\n| stored and asked with | %s | leaks |", what)
	for _, r := range rep.Radii {
		fmt.Fprintf(b, " found at %d bits | others |", r)
	}
	b.WriteString(" median, most bits | nothing nearer | queries |\n|---|---|---|" + strings.Repeat("---|", 2*len(rep.Radii)+3) + "\n")
	for _, w := range rep.Ways {
		for _, row := range rows(w) {
			fmt.Fprintf(b, "| %s | %s | %d |", w.Name, row.Name, row.Leaks)
			for k := range rep.Radii {
				fmt.Fprintf(b, " %s | %s |", percentOf(row.Found[k], row.Leaks), row.Others[k].digits(2))
			}
			fmt.Fprintf(b, " %d, %d | %s | %s |\n", row.Median, row.Most, percentOf(row.Nearest, row.Leaks), row.Queries.digits(1))
		}
	}
}

// percentOf writes a part in percent.
func percentOf(n, of int) string {
	if of == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(n)/float64(of))
}

// writeMissed lists what the last way does not find within the radius.
func (rep *MatchHashReport) writeMissed(b *strings.Builder) {
	last := len(rep.Ways) - 1
	first := true
	for _, l := range rep.Leaks[last] {
		if l.Distance <= phash.MatchRadius {
			continue
		}
		if first {
			fmt.Fprintf(b, "\nNot within %d bits by %s:\n\n", phash.MatchRadius, rep.Ways[last].Name)
			first = false
		}
		fmt.Fprintf(b, "- %s, %s: %d bits\n", l.Upload, l.Attack, l.Distance)
	}
}

func (s *PDQSpeed) write(b *strings.Builder) {
	fmt.Fprintf(b, "%d × %d pixels, %s; the shortest of %d runs on each side, in turns.\n\n", s.Width, s.Height, s.Go, s.Runs)
	b.WriteString("| PDQ | ms | reference, ms | ratio | same bits |\n|---|---|---|---|---|\n")
	for _, t := range s.Steps {
		same := "-"
		if t.Peer > 0 {
			same = map[bool]string{true: "yes", false: "NO"}[t.Same]
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", t.Name, t.MS.digits(2), t.Peer.digits(2), t.Ratio.digits(3), same)
	}
	b.WriteString("\n")
}
