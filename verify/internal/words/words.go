// Package words writes numbers, names and times into sentences, and has the sentences on single leaks. It is pure.
package words

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify/internal/tuning"
)

// Package odds computes numbers and codes. This file puts them into words, and has what all sentences share. The texts
// are in notes.go and in package weigh.

// A level of the verbal scale begins at a log10 likelihood ratio.
type level struct {
	from  float64
	words string
}

// verbal is the scale of the ENFSI Guideline for Evaluative Reporting in Forensic
// Science (2015), section 2.4 and table on page 17.
var verbal = []level{
	{6, "extremely strong support"},
	{4, "very strong support"},
	{3, "strong support"},
	{2, "moderately strong support"},
	{1, "moderate support"},
	{0.30102999566398120, "weak support"}, // log10 2
}

// InWords returns the words of the verbal scale for a log10 likelihood ratio of 0 or more; below log10 2 "no support".
func InWords(logLR float64) string {
	for _, l := range verbal {
		if logLR >= l.from {
			return l.words
		}
	}
	return "no support"
}

func UTC(t time.Time) string { return t.UTC().Format(time.RFC3339) }
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Count returns a number with its noun: "1 picture", "3 pictures".
func Count(n int, one, many string) string { return fmt.Sprintf("%d %s", n, Verb(n, one, many)) }

// Verb returns one if n is 1, else many.
func Verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// List joins names: "a, b and c". It is "" without names.
func List(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// Thousands writes a number, rounded to a whole number, with commas: "1,234".
func Thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Times writes 10^logLR as a whole number, rounded down to its first digit: "400,000" for 5.69.
// logLR must not be below 0.
func Times(logLR float64) string {
	x := math.Pow(10, logLR+1e-9)
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	return Thousands(math.Floor(x/unit) * unit)
}

// OnceIn writes the inverse of a probability, given by its log10, for "about once in": a whole number with one
// digit, rounded down, and from 10^9 on the power of ten alone.
func OnceIn(log10 float64) string {
	if log10 <= -9 {
		return fmt.Sprintf("10^%.0f", math.Floor(-log10))
	}
	return Times(-log10)
}

// RoundedUp writes a probability above 0 with one digit, rounded up: "2e-09" for 1.1e-9.
func RoundedUp(p float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(p)))
	return fmt.Sprintf("%.0g", math.Ceil(p/unit-1e-9)*unit)
}

// Share writes a probability, 0..1, in percent, rounded down so that it never says more than p.
// From 0.99 on it has two decimals, and from 0.9999 on it is "more than 99.99 %".
func Share(p float64) string {
	switch {
	case p >= 0.9999:
		return "more than 99.99 %"
	case p >= 0.99:
		return fmt.Sprintf("%.2f %%", math.Floor(p*1e4)/100)
	}
	return fmt.Sprintf("%.0f %%", math.Floor(p*100))
}

// Power writes a power, 0..1, as share does, and no more than trials support.
func Power(p float64) string { return Share(math.Min(p, tuning.MaxPower)) }

// Percent writes a share in percent with one decimal; above 0 and below 0.001 it is "less than 0.1 %".
func Percent(x float64) string {
	if x > 0 && x < 0.001 {
		return "less than 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*x)
}

// NotStated are the words for a fact that is not stated.
const NotStated = "not stated"

// StatedFind writes the time of the find as sentences have it.
func StatedFind(t time.Time) string {
	if t.IsZero() {
		return NotStated
	}
	return "stated as " + UTC(t)
}
