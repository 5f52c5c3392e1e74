package experiments

import (
	"fmt"
	"strings"
)

// lookalikeListed is how many wrong verdicts a table lists.
const lookalikeListed = 40

// Markdown is the report as tables.
func (rep *LookalikeReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Lookalikes\n\n%d documents of invented persons on five templates (seeds %d to %d), uploaded at %d pixels and leaked through, in turn: %s. "+
		"Each leak is registered onto an upload and compared. \"Alike\" is the same document, perhaps in another capture; the bound is the 95 %% one on the rate of \"same\".\n\n",
		rep.Documents, rep.Seed, rep.Seed+uint64(max(rep.Parts, 1)-1), rep.Side, strings.Join(rep.Attacks, ", "))
	b.WriteString("| leaks of | as | pairs | same | alike | edited | other | not aligned | unsure | same, at most |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, t := range []struct {
		of   string
		rows []Judged
	}{{"the upload", rep.Own}, {"other persons' documents, nearest by hash", rep.Others}, {"other captures of the same card", rep.Again}} {
		for _, j := range t.rows {
			if j.Pairs > 0 {
				fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d | %d | %d | %s |\n",
					t.of, j.Medium, j.Pairs, j.Same, j.Alike, j.Edited, j.Other, j.Apart, j.Unsure, percent(j.Upper95))
			}
		}
	}
	fmt.Fprintf(&b, "\nA verdict took %.0f ms in the median, %.0f ms at most.\n", float64(rep.JudgeMS.Median), float64(rep.JudgeMS.Max))
	listFailures(&b, "Lookalikes taken for the upload", rep.Passed)
	listFailures(&b, "Leaks of the upload that were not taken for it", rep.Missed)
	return b.String()
}

// Wrong is the number of lookalikes taken for an upload.
func (rep *LookalikeReport) Wrong() int { return len(rep.Passed) }

func listFailures(b *strings.Builder, what string, all []Failure) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n\n", what)
	for i, f := range all {
		if i == lookalikeListed {
			fmt.Fprintf(b, "- and %d more\n", len(all)-i)
			return
		}
		fmt.Fprintf(b, "- %s: %s\n", f.File, f.Error)
	}
}

func percent(p float64) string { return fmt.Sprintf("%.2f %%", 100*p) }
