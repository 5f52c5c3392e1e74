package odds

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Kinds of explanations, as [Hypothesis].Kind has them.
const (
	Copies    = "copies"    // marked copies issued to a recipient
	Custody   = "custody"   // submissions that a holder held unmarked
	Unlisted  = "unlisted"  // a holder that is not listed
	Insider   = "insider"   // somebody with the whole registry
	Forged    = "forged"    // the accuser made the marks
	Planted   = "planted"   // another holder of a recipient's copies laid them into the dump
	Elsewhere = "elsewhere" // owners sent the same files to others
)

// A source is one explanation of leaks, with the parts of its holdings that it may have
// taken.
type source struct {
	kind    string
	holder  int      // of copies, custody, planted
	holders []string // of custody: all who held the same
	parts   []part
}

// A part is what of its holdings a source took: everything, a range of cells, or the
// same as another holder had.
type part struct {
	whole  float64 // share of the prior that goes with 1 - tau
	taken  float64 // share of the prior that goes with tau
	size   float64 // submissions
	from   int     // cells, from up to and including to; -1: not a range
	to     int
	set    int // index of the set; -1: none
	reuse  float64
	column [2]int // without and with marks removed
}

// A set is what somebody is recorded to have had: the partitions of a registry that a
// thief may find laid out.
type set struct {
	kind    string
	holder  int
	holders []string
	counts  []int
}

// model is a case made ready.
type model struct {
	c       *Case
	o       Options
	seen    []sighting
	items   []item
	sets    []set
	all     []int // submissions by cell
	sources []source
	rows    rows
	kindOf  []int // row of each item
}

// newModel builds the sources and the table of how probable each makes each cluster.
func newModel(c *Case, o Options) *model {
	m := &model{c: c, o: o}
	m.seen, m.items = gather(c, o)
	for _, cell := range c.Cells {
		m.all = append(m.all, cell.Submissions)
	}
	m.collectSets()
	for i, s := range m.sets {
		if m.covers(s.kind, s.holder) {
			m.sources = append(m.sources, source{kind: s.kind, holder: s.holder, holders: s.holders, parts: m.parts(s.kind, s.holder, s.counts, i)})
		}
	}
	for i, s := range m.sets {
		if s.kind == Copies && m.plantable(s.holder) {
			m.sources = append(m.sources, source{kind: Planted, holder: s.holder, parts: m.parts(Planted, s.holder, s.counts, i)})
		}
	}
	for _, kind := range []string{Unlisted, Insider} {
		m.sources = append(m.sources, source{kind: kind, holder: -1, parts: m.parts(kind, -1, m.all, -1)})
	}
	m.sources = append(m.sources, m.elsewhere())
	m.fill()
	return m
}

// collectSets lists the distinct sets: holders of the same submissions unmarked share one.
func (m *model) collectSets() {
	for i, h := range m.c.Holders {
		if total(h.Copies) > 0 {
			m.sets = append(m.sets, set{Copies, i, []string{h.Name}, h.Copies})
		}
	}
	for i, h := range m.c.Holders {
		if total(h.Unmarked) == 0 || !m.c.FoundKnown {
			continue
		}
		same := slices.IndexFunc(m.sets, func(s set) bool {
			return s.kind == Custody && slices.Equal(s.counts, h.Unmarked) && m.alike(s.holder, i)
		})
		if same >= 0 {
			m.sets[same].holders = append(m.sets[same].holders, h.Name)
			continue
		}
		m.sets = append(m.sets, set{Custody, i, []string{h.Name}, h.Unmarked})
	}
}

// alike reports whether two holders held the same leaked submissions unmarked.
func (m *model) alike(a, b int) bool {
	for i := range m.seen {
		if m.seen[i].unmarked[a] != m.seen[i].unmarked[b] {
			return false
		}
	}
	return true
}

func total(counts []int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// has reports whether a leak's submission is among what a source of a kind could hand on.
func (s *sighting) has(kind string, holder int) bool {
	switch kind {
	case Copies:
		_, ok := s.mark[holder]
		return ok
	case Planted:
		return s.planted[holder]
	case Custody:
		return s.unmarked[holder]
	}
	return s.matched
}

func (m *model) covers(kind string, holder int) bool {
	return slices.ContainsFunc(m.seen, func(s sighting) bool { return s.has(kind, holder) })
}

// plantable reports whether somebody else could have laid marks that speak for a recipient.
func (m *model) plantable(r int) bool {
	return slices.ContainsFunc(m.seen, func(s sighting) bool { return s.planted[r] && s.mark[r] > 1 })
}

// elsewhere has a part for each share of files that owners also sent to others.
func (m *model) elsewhere() source {
	s := source{kind: Elsewhere, holder: -1}
	even := 1 / float64(len(m.o.Reuse))
	for _, u := range m.o.Reuse {
		s.parts = append(s.parts, part{whole: even, taken: even, size: math.Max(1, float64(total(m.all))), from: -1, to: -1, set: -1, reuse: u})
	}
	return s
}

// parts lists what a source may have taken: everything with the prior 1 - tau; with
// tau one of its ranges of cells or one of the other sets, all alike. Of these, the ones
// that fit the leaks best are kept.
func (m *model) parts(kind string, holder int, counts []int, own int) []part {
	out := []part{{whole: 1, size: math.Max(1, float64(total(counts))), from: -1, to: -1, set: -1}}
	first, last := span(counts)
	if first < 0 {
		return out
	}
	n := float64(last - first + 1)
	others := float64(len(m.sets))
	if own >= 0 {
		others--
	}
	choices := float64(n*(n+1)/2) + others
	p := newProfile(m, kind, holder, counts)
	for _, r := range p.ranges() {
		out = append(out, p.rangePart(r, choices))
	}
	out = append(out, m.setParts(p, kind, own, choices)...)
	return m.useful(m.merged(out, kind, holder), kind, holder)
}

// useful leaves out parts that no explanation could gain by. Beside everything, a part is
// at best more probable by the ratio of sizes for each cluster that it holds, and dearer
// by its prior at the greatest tau.
func (m *model) useful(parts []part, kind string, holder int) []part {
	whole, tau := parts[0], slices.Max(m.o.Tau)
	out := parts[:1]
	for _, p := range parts[1:] {
		n := 0.0
		for _, it := range m.items {
			if slices.ContainsFunc(it.leaks, func(l int) bool { return m.seen[l].has(kind, holder) && m.in(p, &m.seen[l]) }) {
				n++
			}
		}
		gain := float64(n * ln(whole.size/p.size))
		cost := ln(float64(tau*p.taken)+float64((1-tau)*p.whole)) - ln(float64((1-tau)*whole.whole)+float64(tau*whole.taken))
		if gain+cost > 0 {
			out = append(out, p)
		}
	}
	return out
}

// setParts are the two other sets that fit best.
func (m *model) setParts(p *profile, kind string, own int, choices float64) []part {
	type candidate struct {
		part
		fit float64
	}
	var all []candidate
	for i, s := range m.sets {
		if i == own {
			continue
		}
		size, n, plain := 0.0, 0.0, 0.0
		for k, c := range s.counts {
			size += float64(min(c, p.counts[k]))
		}
		for _, it := range m.items {
			for _, l := range it.leaks {
				if l := &m.seen[l]; l.has(kind, p.holder) && l.has(s.kind, s.holder) {
					n += 1 / float64(len(it.leaks))
					if l.plain() {
						plain += 1 / float64(len(it.leaks))
					}
				}
			}
		}
		if n > 0 && size > 0 {
			fit := math.Max(scan(n, p.total[everyLeak], size, p.size), scan(plain, p.total[plainLeaks], size, p.size))
			all = append(all, candidate{part{taken: 1 / choices, size: size, from: -1, to: -1, set: i}, fit})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.fit, a.fit), cmp.Compare(a.size, b.size)) })
	most := mostSets
	if kind == Copies || kind == Planted {
		most = 1
	}
	var out []part
	for _, c := range all[:min(len(all), most)] {
		out = append(out, c.part)
	}
	return out
}

// mostSets is how many other sets are kept as parts of a source.
const mostSets = 3

// in reports whether a leak lies in a part of a source's holdings.
func (m *model) in(p part, s *sighting) bool {
	if p.from >= 0 && (s.cell < p.from || s.cell > p.to) {
		return false
	}
	return p.set < 0 || s.has(m.sets[p.set].kind, m.sets[p.set].holder)
}

// merged draws parts of the same size that hold the same leaks together.
func (m *model) merged(parts []part, kind string, holder int) []part {
	var out []part
	var held [][]bool
	for _, p := range parts {
		covers := make([]bool, len(m.seen))
		for i := range m.seen {
			covers[i] = m.seen[i].has(kind, holder) && m.in(p, &m.seen[i])
		}
		same := slices.IndexFunc(out, func(q part) bool { return q.size == p.size })
		for ; same >= 0 && same < len(out); same++ {
			if out[same].size == p.size && slices.Equal(held[same], covers) {
				break
			}
		}
		if same < 0 || same == len(out) {
			out, held = append(out, p), append(held, covers)
			continue
		}
		out[same].whole += p.whole
		out[same].taken += p.taken
	}
	return out
}

// span is the first and last cell with any submission, -1 if there is none.
func span(counts []int) (first, last int) {
	first, last = -1, -1
	for i, c := range counts {
		if c > 0 && first < 0 {
			first = i
		}
		if c > 0 {
			last = i
		}
	}
	return first, last
}

// fill computes the table: for each cluster the mean over its leaks, for each source
// and part, of what the model says of one leak.
func (m *model) fill() {
	columns := 0
	for i := range m.sources {
		s := &m.sources[i]
		for k := range s.parts {
			s.parts[k].column = [2]int{columns, columns}
			columns++
			if s.kind == Copies {
				s.parts[k].column[1] = columns
				columns++
			}
		}
	}
	m.kindOf = make([]int, len(m.items))
	row := make(map[string]int)
	m.rows.col = make([][]float64, columns)
	m.rows.ln = make([][]float64, columns)
	values := make([]float64, columns)
	var key []byte
	for i, it := range m.items {
		m.likelihoods(it, values)
		key = key[:0]
		for _, v := range values {
			key = fmt.Appendf(key, "%x ", math.Float64bits(v))
		}
		k, known := row[string(key)]
		if !known {
			k = len(m.rows.count)
			row[string(key)] = k
			m.rows.count = append(m.rows.count, 0)
			for c, v := range values {
				m.rows.col[c] = append(m.rows.col[c], v)
				ln := math.Inf(-1)
				if v > 0 {
					ln = dsp.Ln(v)
				}
				m.rows.ln[c] = append(m.rows.ln[c], ln)
			}
		}
		m.rows.count[k]++
		m.kindOf[i] = k
	}
	m.rows.rule = newRule(float64(max(len(m.items), 1)))
}

// likelihoods fills in one cluster's row, its greatest value 1.
func (m *model) likelihoods(it item, values []float64) {
	clear(values)
	for _, l := range it.leaks {
		l := &m.seen[l]
		for i := range m.sources {
			s := &m.sources[i]
			for _, p := range s.parts {
				v, bare := m.likelihood(s, p, l)
				values[p.column[0]] += v
				if s.kind == Copies {
					values[p.column[1]] += bare
				}
			}
		}
	}
	most := slices.Max(values)
	for c := range values {
		values[c] /= most
	}
}

// likelihood is q g of one leak, and the same where all marks were removed.
func (m *model) likelihood(s *source, p part, l *sighting) (v, bare float64) {
	if s.kind == Elsewhere {
		if l.matched {
			v = math.Min(p.reuse+l.chance, 1) / p.size
		} else {
			v = math.Max(1-p.reuse-l.chance, 1e-6)
		}
		return v, v
	}
	if !l.matched {
		v = math.Max(1-l.recall, 1e-6)
		return v, v
	}
	if !l.has(s.kind, s.holder) || !m.in(p, l) {
		return 0, 0
	}
	bare = l.recall / p.size
	v = bare
	if s.kind == Copies || s.kind == Planted {
		v = float64(bare * l.mark[s.holder])
	}
	return v, bare
}

// describe names a source and the part that it took.
func (m *model) describe(s source, p part) string {
	var text string
	switch s.kind {
	case Copies:
		text = "copies issued to " + m.c.Holders[s.holder].Name
	case Custody:
		text = "unmarked pictures held by " + list(s.holders)
	case Planted:
		text = "copies issued to " + m.c.Holders[s.holder].Name + " planted by another holder"
	case Unlisted:
		text = "an unlisted holder"
	case Insider:
		text = "somebody with the whole registry"
	default:
		return "files that their owners also sent elsewhere"
	}
	switch {
	case p.from >= 0:
		text += ", from " + m.dates(p.from, p.to)
	case p.set >= 0 && m.sets[p.set].kind == Copies:
		text += ", of what was issued to " + list(m.sets[p.set].holders)
	case p.set >= 0:
		text += ", of what " + list(m.sets[p.set].holders) + " held unmarked"
	}
	return text
}

// dates are the first and the last day of cells.
func (m *model) dates(from, to int) string {
	first := m.c.Cells[from].From.UTC().Format(time.DateOnly)
	if to+1 == len(m.c.Cells) {
		return first + " on"
	}
	return first + " to " + m.c.Cells[to+1].From.UTC().Add(-1).Format(time.DateOnly)
}
