package odds

import (
	"fmt"
	"math"
	"strings"
)

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// Sentence says in plain words what a hypothesis is worth, "" where it is worth
// nothing. It keeps to what such a number can carry.
func (h *Hypothesis) Sentence() string {
	most := ""
	if h.Capped {
		most = " More is not claimed, whatever the findings: validation has shown no more."
	}
	switch {
	case h.LogLR <= 0:
		return ""
	case h.Kind == Copies:
		s := fmt.Sprintf("%s recorded as issued to %s, of %s. This is at least %s times more probable if they derive from those copies than under the strongest listed alternative (%s). It does not show who released them; the exchange also possessed them.",
			count(h.Pictures, "picture contains a copy", "pictures contain copies"), h.Name,
			count(h.Clusters, "independent cluster", "independent clusters"), Times(h.LogLR), h.Words)
		if len(h.Planters) > 0 {
			s += fmt.Sprintf(" Some of these pictures were also held by %s, who could have laid a mark onto them had they such a copy in hand.", list(h.Planters))
		}
		return s + most
	case h.Kind == Custody:
		s := fmt.Sprintf("%s without a mark could be held unmarked by %s. This is at least %s times more probable if they were taken from there than under the strongest listed alternative, %s (%s). Sub-processors, backups and thieves of a holder have what the holder has: nothing here tells them apart.",
			count(h.Pictures, "picture", "pictures"), list(h.Holders), Times(h.LogLR), h.Against, h.Words)
		if len(h.Holders) > 1 {
			s += fmt.Sprintf(" Nor does it tell %s apart.", list(h.Holders))
		}
		return s + most
	}
	return ""
}

// Sentence says where pictures without a mark lie in time, and what that is worth.
func (w *Window) Sentence() string {
	holders := "Nobody is recorded as having held all of these unmarked."
	if len(w.Holders) > 0 {
		holders = "Recorded as having held all of these unmarked: " + list(w.Holders) + "."
	}
	return fmt.Sprintf("%d of %s without a mark were submitted in %s, which holds %.2g %% of the registry. %s Against a thief who took one contiguous range of %s, as likely as not, this earns a holder of exactly that time a likelihood ratio of at most about %s, however many the pictures; against another holder of the same pictures it earns nothing. Deliberate removal of marks is not excluded.",
		w.Leaks, count(w.Of, "matched picture", "matched pictures"), w.Dates, 100*w.Share, holders,
		count(w.Cells, "period", "periods"), Times(w.Most))
}

// Sentence says how far what was examined speaks for what is claimed.
func (c *Claim) Sentence() string {
	switch {
	case c.Claimed == 0:
		return ""
	case c.Level < 1:
		return fmt.Sprintf("Of the %s pictures claimed, at least %s show submissions of the registry, at a confidence of 95 %%: the pictures examined were drawn from them at random by the examiner.", thousands(float64(c.Claimed)), thousands(float64(c.AtLeast)))
	}
	return fmt.Sprintf("Of the %s pictures claimed, %s show submissions of the registry: those seen. They were not drawn at random by the examiner, so nothing follows for the others.", thousands(float64(c.Claimed)), thousands(float64(c.AtLeast)))
}

// Times is 10^logLR, rounded down to one digit.
func Times(logLR float64) string {
	exponent := math.Floor(logLR + 1e-9)
	digit := math.Floor(exp(float64((logLR-exponent)*math.Ln10)) + 1e-6)
	unit := 1.0
	for range int(min(exponent, 15)) {
		unit *= 10
	}
	return thousands(float64(max(digit, 1) * unit))
}

// thousands writes a whole number with commas.
func thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
