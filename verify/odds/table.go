package odds

import (
	"fmt"
	"math"
	"slices"
)

// fill computes the table m.rows and m.rowsOf. The table has a column for each source and part,
// and a second column for copies with their marks removed. It has a row for each distinct
// kind of share of a cluster ([model.shares]). An entry is the mean, over the share's leaks, of the likelihood of
// one leak; each row is scaled by a power of 2 so that its maximum is from 1/2 up to 1.
func (m *model) fill() {
	columns := 0
	for i := range m.sources {
		s := &m.sources[i]
		for k := range s.parts {
			s.parts[k].column = [2]int{columns, columns}
			columns++
			if s.marked() {
				s.parts[k].column[1] = columns
				columns++
			}
		}
	}
	m.rowsOf = make([][]int, len(m.items))
	row := make(map[string]int)
	m.rows.col = make([][]float64, columns)
	m.rows.ln = make([][]float64, columns)
	values := make([]float64, columns)
	var key []byte
	for i, it := range m.items {
		for _, leaks := range m.shares(it) {
			m.likelihoods(leaks, values)
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
					m.rows.ln[c] = append(m.rows.ln[c], ln(v))
				}
			}
			m.rows.count[k]++
			m.rowsOf[i] = append(m.rowsOf[i], k)
		}
	}
	m.rows.rule = newRule(math.Max(m.rows.n(), 1))
}

// shares divides the leaks of a cluster among thefts: leaks that surely are of one recipient's copies alone, and
// leaks that surely are of another's. A cluster without leaks of two such recipients is one share. All other leaks are
// in the first share.
func (m *model) shares(it item) [][]int {
	of, owners := make([]int, len(it.leaks)), []int{}
	for i, l := range it.leaks {
		of[i] = -1
		if sure := m.seen[l].sure; len(sure) == 1 {
			for r := range sure {
				of[i] = r
			}
			owners = append(owners, of[i])
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	out := make([][]int, max(1, len(owners)))
	for i, l := range it.leaks {
		k := max(0, slices.Index(owners, of[i]))
		out[k] = append(out[k], l)
	}
	return out
}

// likelihoods fills in values, the row of one share of a cluster: for each column the sum over its
// leaks, scaled by a power of 2 so that the maximum of the row is from 1/2 up to 1. len(values) is the number of columns.
func (m *model) likelihoods(leaks []int, values []float64) {
	clear(values)
	for _, l := range leaks {
		l := &m.seen[l]
		for i := range m.sources {
			s := &m.sources[i]
			for _, p := range s.parts {
				v, bare := m.likelihood(s, p, l)
				values[p.column[0]] += v
				if s.marked() {
					values[p.column[1]] += bare
				}
			}
		}
	}
	top := slices.Max(values)
	_, e := math.Frexp(top)
	for c := range values {
		values[c] = math.Ldexp(values[c], -e)
	}
}

// likelihood returns q g (see the package comment) of one leak for source s that took part p. bare
// is the same if the source removed all marks; only for marked and planted copies does it differ
// from v. Both are 0 if the source could not hand on the submission of a matched leak.
func (m *model) likelihood(s *source, p part, l *sighting) (v, bare float64) {
	if s.kind == Elsewhere {
		v = m.foreign(&p, l)
		return v, v
	}
	if !l.matched {
		v = math.Max(1-l.recall, 1e-6)
		return v, v
	}
	if !l.has(s.kind, s.holder) || !m.in(p, l) {
		return 0, 0
	}
	bare = float64(l.recall * p.density(l))
	v = bare
	switch s.kind {
	case Copies:
		v = float64(bare * l.mark[s.holder])
	case Coalition:
		v = float64(bare * l.joint[s.holder])
	case Planted:
		v = float64(bare * m.planting(l, s.holder))
	}
	return v, bare
}
