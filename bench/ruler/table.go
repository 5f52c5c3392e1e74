package ruler

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Table says how trials become the rows of a Markdown table: one row for each group of
// trials with equal values of the labels By, in the order of their first trial.
type Table struct {
	Name    string // in documents: <!-- table FILE NAME -->
	Title   string // written above the table in the command's output; may be ""
	Doc     bool   // for documents only: the command does not print the table
	Where   func(*Trial) bool
	By      []string           // labels; without any the table has one row
	Heads   []string           // of these columns; by default their labels
	Row     RowNames           // merges rows: the value of the first label becomes Row's name for it
	Total   string             // name of the last row, over all trials; "" for none
	Columns []Column           // after the columns of By
	Note    func(Group) string // lines below the table; may be nil

	// Transposed writes every column as a row: its head, and its cell over all trials. By and
	// Total are empty then, and Heads are the two heads of the table.
	Transposed bool
}

// RowNames maps values of a label to names of rows, several to one. The order is the order of
// the names. A value without a name keeps its own.
type RowNames []RowName

// A RowName is the name of the row of some values.
type RowName struct {
	Name   string
	Values []string
}

// of returns the row of a value.
func (r RowNames) of(value string) string {
	for _, n := range r {
		if slices.Contains(n.Values, value) {
			return n.Name
		}
	}
	return value
}

// A Column is a cell for every group.
type Column struct {
	Head  string
	Cell  func(Group) string
	Where func(*Trial) bool // of the group's trials only these; nil: all
}

// A Group is the trials of a row.
type Group []Trial

// group returns the trials by equal values of labels, in the order of the first of each.
func group(trials []Trial, by []string) []Group {
	at := map[string]int{}
	var out []Group
	for _, t := range trials {
		var key strings.Builder
		for _, l := range by {
			key.WriteString(t.Labels[l])
			key.WriteByte(0)
		}
		i, seen := at[key.String()]
		if !seen {
			i = len(out)
			at[key.String()] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], t)
	}
	return out
}

// Where returns the trials that fit.
func (g Group) Where(fits func(*Trial) bool) Group {
	if fits == nil {
		return g
	}
	var out Group
	for i := range g {
		if fits(&g[i]) {
			out = append(out, g[i])
		}
	}
	return out
}

// Is returns whether a trial's label has one of some values, as a condition.
func Is(label string, values ...string) func(*Trial) bool {
	return func(t *Trial) bool { return slices.Contains(values, t.Labels[label]) }
}

// Has returns whether a trial has a value, as a condition.
func Has(value string) func(*Trial) bool {
	return func(t *Trial) bool { _, ok := t.Values[value]; return ok }
}

// And returns whether a trial fits all conditions.
func And(all ...func(*Trial) bool) func(*Trial) bool {
	return func(t *Trial) bool {
		return !slices.ContainsFunc(all, func(f func(*Trial) bool) bool { return !f(t) })
	}
}

// Count returns how many measurements the trials stand for.
func (g Group) Count() float64 {
	n := 0.
	for i := range g {
		n += g[i].N()
	}
	return n
}

// Sum returns the sum of a value.
func (g Group) Sum(value string) float64 {
	sum := 0.
	for i := range g {
		sum += g[i].Values[value]
	}
	return sum
}

// Having returns the trials that have a value.
func (g Group) Having(value string) Group { return g.Where(Has(value)) }

// Mean returns the mean of a value over the measurements that have it, or NaN.
func (g Group) Mean(value string) float64 {
	h := g.Having(value)
	return h.Sum(value) / h.Count()
}

// Values returns a value of every trial that has it, rising.
func (g Group) Values(value string) []float64 {
	var out []float64
	for i := range g {
		if v, ok := g[i].Values[value]; ok {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// Quantile returns the value below which a share q of the trials lies, 0 <= q <= 1, by
// linear interpolation; NaN without trials. Counted trials have no quantiles.
func (g Group) Quantile(value string, q float64) float64 {
	v := g.Values(value)
	if len(v) == 0 {
		return math.NaN()
	}
	at := q * float64(len(v)-1)
	i := min(int(at), len(v)-1)
	j := min(i+1, len(v)-1)
	return v[i] + (at-float64(i))*(v[j]-v[i])
}

// Labels returns the different values of a label, in the order of the trials.
func (g Group) Labels(label string) []string {
	var out []string
	for i := range g {
		if v := g[i].Labels[label]; v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// Markdown returns the table of trials. Trials with an error alone are left out.
func (t *Table) Markdown(trials []Trial) string {
	all := Group(trials).Where(func(t *Trial) bool { return len(t.Values) > 0 }).Where(t.Where)
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	heads := t.Heads
	if heads == nil {
		heads = t.By
	}
	heads = slices.Clone(heads)
	for _, c := range t.Columns {
		heads = append(heads, c.Head)
	}
	if t.Transposed {
		heads = t.Heads
	}
	writeRow(&b, heads)
	b.WriteString("|" + strings.Repeat("---|", len(heads)) + "\n")
	if t.Transposed {
		for i, cell := range t.cells(nil, all) {
			writeRow(&b, []string{t.Columns[i].Head, cell})
		}
		return b.String()
	}
	for _, g := range t.rows(all) {
		cells := make([]string, 0, len(heads))
		for i, l := range t.By {
			cell := g[0].Labels[l]
			if i == 0 {
				cell = t.Row.of(cell)
			}
			cells = append(cells, cell)
		}
		writeRow(&b, t.cells(cells, g))
	}
	if t.Total != "" {
		cells := make([]string, len(t.By))
		cells[0] = "**" + t.Total + "**"
		writeRow(&b, t.cells(cells, all))
	}
	if t.Note != nil {
		if note := t.Note(all); note != "" {
			b.WriteString("\n" + note + "\n")
		}
	}
	return b.String()
}

// rows groups the trials, merged and ordered by Row.
func (t *Table) rows(all Group) []Group {
	if t.Row == nil {
		return group(all, t.By)
	}
	renamed := make([]Trial, len(all))
	for i, trial := range all {
		renamed[i] = trial
		renamed[i].Labels = map[string]string{}
		maps.Copy(renamed[i].Labels, trial.Labels)
		renamed[i].Labels[t.By[0]] = t.Row.of(trial.Labels[t.By[0]])
	}
	rows := group(renamed, t.By)
	place := func(g Group) int {
		for i, n := range t.Row {
			if n.Name == g[0].Labels[t.By[0]] {
				return i
			}
		}
		return len(t.Row)
	}
	slices.SortStableFunc(rows, func(a, b Group) int { return place(a) - place(b) })
	return rows
}

// cells appends the cells of all columns for a group.
func (t *Table) cells(cells []string, g Group) []string {
	for _, c := range t.Columns {
		cell := ""
		if of := g.Where(c.Where); len(of) > 0 {
			cell = c.Cell(of)
		}
		cells = append(cells, cell)
	}
	return cells
}

// writeRow writes a row of a Markdown table.
func writeRow(b *strings.Builder, cells []string) {
	b.WriteString("|")
	for _, c := range cells {
		b.WriteString(" " + strings.ReplaceAll(c, "|", `\|`) + " |")
	}
	b.WriteString("\n")
}

// Counts is a column of how many measurements there are.
func Counts(head string) Column {
	return Column{Head: head, Cell: func(g Group) string { return Thousands(g.Count()) }}
}

// Sums is a column of the sum of a value.
func Sums(head, value string) Column {
	return Column{Head: head, Cell: func(g Group) string { return Thousands(g.Sum(value)) }}
}

// Of is a column "19 of 20": in how many measurements that have a value, which is 0 or 1,
// it is 1.
func Of(head, value string) Column {
	return Column{Head: head, Cell: func(g Group) string {
		h := g.Having(value)
		if len(h) == 0 {
			return ""
		}
		return Thousands(h.Sum(value)) + " of " + Thousands(h.Count())
	}}
}

// Share is a column "95.0 %" of the same.
func Share(head, value string) Column {
	return Column{Head: head, Cell: func(g Group) string { return Percent(g.Mean(value), 1) }}
}

// SumOf is a column "19 of 20": the sum of a value, of the sum of another.
func SumOf(head, value, of string) Column {
	return Column{Head: head, Cell: func(g Group) string { return Thousands(g.Sum(value)) + " of " + Thousands(g.Sum(of)) }}
}

// Quotient is a column of the sum of a value, divided by the sum of another.
func Quotient(head, value, by string, decimals int) Column {
	return Column{Head: head, Cell: func(g Group) string { return Decimals(g.Sum(value)/g.Sum(by), decimals) }}
}

// Upper is a column of the upper 95 % confidence limit of the rate of a value, which is 0 or 1,
// among the measurements that have the value (Clopper and Pearson).
func Upper(head, value string) Column {
	return Column{Head: head, Cell: func(g Group) string {
		h := g.Having(value)
		return Short(UpperBound(int(h.Sum(value)), int(h.Count()), .95))
	}}
}

// UpperOf is a column of the same limit of the sum of a value, of the sum of another.
func UpperOf(head, value, of string) Column {
	return Column{Head: head, Cell: func(g Group) string {
		return Short(UpperBound(int(g.Sum(value)), int(g.Sum(of)), .95))
	}}
}

// Means is a column of the mean of a value, with so many decimals.
func Means(head, value string, decimals int) Column {
	return Column{Head: head, Cell: func(g Group) string { return Decimals(g.Mean(value), decimals) }}
}

// Quantiles is a column of quantiles of a value, as "1.2 / 3.4" for two.
func Quantiles(head, value string, decimals int, at ...float64) Column {
	return Column{Head: head, Cell: func(g Group) string {
		cells := make([]string, len(at))
		for i, q := range at {
			cells[i] = Decimals(g.Quantile(value, q), decimals)
		}
		return strings.Join(cells, " / ")
	}}
}

// List is a column of the different values of a label, of trials that fit.
func List(head, label string, fits func(*Trial) bool) Column {
	return Column{Head: head, Cell: func(g Group) string { return strings.Join(g.Where(fits).Labels(label), " ") }}
}

// When returns the column restricted to the trials of a group that fit.
func (c Column) When(fits func(*Trial) bool) Column {
	c.Where = fits
	return c
}

// Decimals writes a number with so many decimals, or "-" for what is no number.
func Decimals(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// Percent writes a share as a percentage.
func Percent(share float64, decimals int) string {
	if math.IsNaN(share) {
		return "-"
	}
	return Decimals(100*share, decimals) + " %"
}

// Short writes a number with two digits, such as 0.0029 or 2.4e-06.
func Short(v float64) string { return strconv.FormatFloat(v, 'g', 2, 64) }

// Thousands writes a whole number with commas, such as 1,256,742.
func Thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	digits := strings.IndexByte(s, '.')
	if digits < 0 {
		digits = len(s)
	}
	for i := digits - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
