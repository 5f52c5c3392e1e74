package experiments

import (
	"fmt"
	"strings"
)

// Markdown returns the report as a table and what went wrong.
func (rep *FalsePositiveReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, read with %s, seed %d. ",
		count(rep.Pictures, "picture"), count(rep.Attacks, "attack"), count(len(rep.KeyIDs), "key"), rep.Seed)
	b.WriteString("Each 32-bit check passes by chance with probability 2^-32: the computed rate is checks × 2^-32. ")
	b.WriteString("The trials alone show no more than their upper limit.\n\n")
	b.WriteString("| pictures | readings | found | upper 95 % limit | checks a reading, mean / most | computed rate, mean / worst | strongest agreement of the pilots |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	rep.Unmarked.row(&b, "unmarked")
	rep.OtherKey.row(&b, "marked under another key")
	rep.Total.row(&b, "**all**")
	for _, f := range rep.Found {
		kind := "unmarked"
		switch {
		case f.OtherKey:
			kind = "marked under another key"
		case f.Own:
			kind = "marked under the same key"
		}
		fmt.Fprintf(&b, "\n**ALARM: false finding**: %s (%s) under %s read as copy %s of key %s, log10 p %s.\n",
			short(f.File), kind, f.Attack, f.Copy, f.KeyID, f.LogPFA.digits(1))
	}
	if rep.Null != nil {
		rep.Null.write(&b)
	}
	writeFailures(&b, "Not measured", rep.Broken)
	writeFailures(&b, "Readings that failed, not counted", rep.Errors)
	return b.String()
}

func (c *ReadingCount) row(b *strings.Builder, name string) {
	where := "-"
	if c.File != "" {
		where = fmt.Sprintf("%.2f (%s, %s)", c.Sync, short(c.File), c.Attack)
	}
	checks := 0.0
	if c.Trials > 0 {
		checks = float64(c.Checks) / float64(c.Trials)
	}
	fmt.Fprintf(b, "| %s | %d | %d | %.2g | %.2f / %d | %.1e / %.1e | %s |\n",
		name, c.Trials, c.Found, c.Upper95, checks, c.MaxChecks, c.Expected, c.Worst, where)
}
