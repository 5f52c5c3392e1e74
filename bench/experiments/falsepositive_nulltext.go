package experiments

import (
	"fmt"
	"math"
	"strings"
)

// write appends the cheap trials to a report.
func (n *NullReport) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n**%d cheap trials** on these pictures: one key, one place each. ", n.Trials)
	b.WriteString("A reader makes a check only where a message correlates by 0.62 or more. Predicted is what one trial in so many exceeds in the mean: ")
	b.WriteString("the expected number of the 2^96 code words that a random direction in 312 dimensions meets (pilots: of 2^20 places in 64 dimensions).\n\n")
	b.WriteString("| trials on | trials | with a check, upper 95 % limit | found | correlation: median, exceeded by 10^-2, 10^-4 | largest / predicted | pilots: trials, exceeded by 1/2, 10^-2 | largest / predicted |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, k := range n.Kinds {
		k.row(b)
	}
	fmt.Fprintf(b, "\nAt 0.62 the prediction is a check in %.2g of the places tried.\n", codeWordTail(.62))
	n.writeCoins(b)
	n.writeRuined(b)
	fmt.Fprintf(b, "\nExtrapolated: a check holds by chance in %.3f (%.3f to %.3f) x 2^-32 of cases. ", n.Sound.Value, n.Sound.Low, n.Sound.High)
	fmt.Fprintf(b, "False readings a place and key: at most %.1e; a full reading, by the share in which a check was made: at most %.1e; by the budget of four checks, whatever the picture: %.1e.\n",
		n.PerPlace, n.PerReading, n.Bound)
}

func (k *NullCount) row(b *strings.Builder) {
	where := ""
	if k.File != "" {
		where = " (" + strings.Trim(short(k.File)+", "+k.Attack, ", ") + ")"
	}
	c, a := &k.Correlation, &k.Agreement
	fmt.Fprintf(b, "| %s | %d | %d, %.1e | %d | %s, %s, %s | %.4f / %.4f%s | %d, %s, %s | %.3f / %.3f |\n",
		k.Name, k.Trials, k.Checked, k.Upper95, k.Found,
		c.exceeded(math.Log10(.5)).digits(4), c.exceeded(-2).digits(4), c.exceeded(-4).digits(4), c.Most, c.Expected, where,
		a.N, a.exceeded(math.Log10(.5)).digits(2), a.exceeded(-2).digits(2), a.Most, a.Expected)
}

// exceeded is what a share of 10^log of the values exceeds, interpolated.
func (d *Distribution) exceeded(log float64) Number {
	at := -log * quantilesADecade
	i := int(at)
	if i >= len(d.Quantiles) || at > float64(len(d.Quantiles)-1) {
		return Number(math.NaN())
	}
	if i+1 == len(d.Quantiles) {
		return d.Quantiles[i]
	}
	share := Number(at - float64(i))
	return d.Quantiles[i] + share*(d.Quantiles[i+1]-d.Quantiles[i])
}

func (n *NullReport) writeCoins(b *strings.Builder) {
	b.WriteString("\nThe check, made on the likeliest message of every trial: its first k bits hold by chance in 2^-k of them.\n\n")
	b.WriteString("| k | held | expected | rate x 2^k, 95 % limits |\n|---|---|---|---|\n")
	for _, c := range n.Bits {
		fmt.Fprintf(b, "| %d | %d | %.1f | %.3f to %.3f |\n", c.Bits, c.Held, c.Expected, c.Low95, c.High95)
	}
}

func (n *NullReport) writeRuined(b *strings.Builder) {
	b.WriteString("\nOur own marks, damaged: read in full, and with a quarter to three quarters of the soft bits replaced by noise or flipped.\n\n")
	b.WriteString("| leak | full readings | read as first / second copy | ruined trials | read as a copy in it | checks in vain | a third ID |\n|---|---|---|---|---|---|---|\n")
	for _, c := range n.Ruined {
		fmt.Fprintf(b, "| %s | %d | %d / %d | %d | %d | %d | %d |\n", c.Name, c.Readings, c.First, c.Second, c.Trials, c.Own, c.Checked, c.Third)
	}
}
