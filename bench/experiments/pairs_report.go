package experiments

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// PairsReport says what leaks were taken for.
type PairsReport struct {
	Seeds     []uint64    `json:"seeds"`
	MaxSide   int         `json:"max_side,omitempty"`
	Copies    int         `json:"copies"` // of each original, traced against
	Documents int         `json:"documents"`
	Attacks   []string    `json:"attacks"`
	Media     []PairMedia `json:"media"`
	Wrong     []Failure   `json:"wrong"`
	Missed    []Failure   `json:"missed"`
}

// PairMedia are the counts of documents that became uploads in one way.
type PairMedia struct {
	Medium string      `json:"medium"`
	Counts []PairCount `json:"counts"`
}

func newPairsReport(head pairHead, lines []pairLine) *PairsReport {
	rep := &PairsReport{MaxSide: head.MaxSide, Copies: head.Copies, Attacks: head.Attacks, Wrong: []Failure{}, Missed: []Failure{}}
	tallies := make([]pairTally, media)
	for i := range lines {
		l := &lines[i]
		if !slices.Contains(rep.Seeds, l.Seed) {
			rep.Seeds = append(rep.Seeds, l.Seed)
		}
		where := fmt.Sprintf("seed %d, %s, %s, ", l.Seed, l.Template, l.Medium)
		for _, f := range l.Wrong {
			f.File = where + f.File
			rep.Wrong = append(rep.Wrong, f)
		}
		for _, f := range l.Missed {
			f.File = where + f.File
			rep.Missed = append(rep.Missed, f)
		}
		tallies[slices.Index(mediumNames[:], l.Medium)].merge(&pairTally{counts: l.Counts})
	}
	for _, list := range [][]Failure{rep.Wrong, rep.Missed} {
		slices.SortFunc(list, func(a, b Failure) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Attack, b.Attack)) })
	}
	for m, t := range tallies {
		rep.Media = append(rep.Media, PairMedia{mediumNames[m], t.counts})
	}
	rep.Documents = rep.sum(pairOwn, "", "", false).Pairs
	return rep
}

// sum adds up the counts that are wanted; a medium, or an attack, of "" is all.
func (rep *PairsReport) sum(kind int, medium, attack string, marked ...bool) (c PairCount) {
	for _, m := range rep.Media {
		for i := range m.Counts {
			o := &m.Counts[i]
			if o.Kind == kind && (medium == "" || medium == m.Medium) && (attack == "" || attack == o.Attack) && slices.Contains(marked, o.Marked) {
				c.add(o)
			}
		}
	}
	return c
}

// mostTaken is how many of 10,000 wrong pairs may be taken for the original.
const mostTaken = 3

// Failed reports whether too many pairs were taken for what they are not, or any accuses.
func (rep *PairsReport) Failed() bool {
	wrong, own := rep.sum(pairOther, "", "", false, true), rep.sum(pairOwn, "", "", false, true)
	again := rep.sum(pairAgain, "", "", false, true)
	wrong.add(&again)
	return wrong.Accusing+own.Accusing > 0 || 10_000*wrong.Taken > mostTaken*wrong.Pairs
}

// Markdown is the report as tables.
func (rep *PairsReport) Markdown() string {
	var b strings.Builder
	size := "1280 px at most"
	if rep.MaxSide > 0 {
		size = fmt.Sprintf("shrunk to %d px", rep.MaxSide)
	}
	fmt.Fprintf(&b, "%d documents of invented persons on five templates (%s), %s, %d copies issued of each, leaked through, in turn: %s. "+
		"Leaks are marked for their own upload, or unmarked. Registered: taken for the original. Bounds are those of Clopper and Pearson at 95 %%, one-sided; "+
		"pairs share documents (each leak is held against all originals of its group), and are not independent of each other. A copy is accused at a p of 1e-6, corrected for the number of copies.\n\n",
		rep.Documents, rep.seeds(), size, rep.Copies, strings.Join(rep.Attacks, ", "))
	rep.kindTable(&b)
	rep.attackTable(&b)
	listFailures(&b, "Wrong pairs registered, or accusing", labelled(rep.Wrong))
	listFailures(&b, "Leaks of the original that were not registered", labelled(rep.Missed))
	return b.String()
}

func (rep *PairsReport) seeds() string {
	text := make([]string, len(rep.Seeds))
	for i, s := range rep.Seeds {
		text[i] = fmt.Sprint(s)
	}
	if len(text) == 1 {
		return "seed " + text[0]
	}
	return "seeds " + strings.Join(text, ", ")
}

func labelled(all []Failure) []Failure {
	out := slices.Clone(all)
	for i := range out {
		out[i].File += " (" + out[i].Attack + ")"
	}
	return out
}

func (rep *PairsReport) kindTable(b *strings.Builder) {
	b.WriteString("| leaks of | as | pairs | registered | at least | at most | lying on it, not seen to be another | with a copy accused that is not in the leak | at most | named at 1e-9 |\n|---|---|---|---|---|---|---|---|---|---|\n")
	row := func(name, medium string, c PairCount) {
		if c.Pairs == 0 {
			return
		}
		named := "-"
		if c.Named > 0 {
			named = fmt.Sprint(c.Named)
		}
		fmt.Fprintf(b, "| %s | %s | %d | %d (%s) | %s | %s | %d | %d | %s | %s |\n", name, medium, c.Pairs, c.Taken, percent(float64(c.Taken)/float64(c.Pairs)),
			percent(lowerBound(c.Taken, c.Pairs, .95)), percent(upperBound(c.Taken, c.Pairs, .95)), c.Aligned, c.Accusing, percent(upperBound(c.Accusing, c.Pairs, .95)), named)
	}
	for _, m := range rep.Media {
		row(pairNames[pairOther], m.Medium, rep.sum(pairOther, m.Medium, "", false, true))
	}
	row("**"+pairNames[pairOther]+"**", "unmarked", rep.sum(pairOther, "", "", false))
	row("**"+pairNames[pairOther]+"**", "marked", rep.sum(pairOther, "", "", true))
	row("**"+pairNames[pairOther]+"**", "**all**", rep.sum(pairOther, "", "", false, true))
	for _, m := range rep.Media {
		row(pairNames[pairAgain], m.Medium, rep.sum(pairAgain, m.Medium, "", false, true))
	}
	for _, marked := range []bool{false, true} {
		name := pairNames[pairOwn] + ", unmarked"
		if marked {
			name = pairNames[pairOwn] + ", marked"
		}
		for _, m := range rep.Media {
			row(name, m.Medium, rep.sum(pairOwn, m.Medium, "", marked))
		}
	}
}

func (rep *PairsReport) attackTable(b *strings.Builder) {
	b.WriteString("\nRegistered, by attack:\n\n| attack | other persons' | other captures, photographed | scanned | the original's own, unmarked | marked | and named |\n|---|---|---|---|---|---|---|\n")
	of := func(c PairCount) string { return fmt.Sprintf("%d/%d", c.Taken, c.Pairs) }
	for _, a := range rep.Attacks {
		own := rep.sum(pairOwn, "", a, true)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %d/%d |\n", a, of(rep.sum(pairOther, "", a, false, true)),
			of(rep.sum(pairAgain, mediumNames[mediumPhoto], a, false, true)), of(rep.sum(pairAgain, mediumNames[mediumScan], a, false, true)),
			of(rep.sum(pairOwn, "", a, false)), of(own), own.Named, own.Pairs)
	}
}
