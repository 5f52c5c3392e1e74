package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
)

// bars are rates that a run is held against: of a group of trials, or under "all" of all.
type bars map[string]string

// flag adds the flag --bar. usage says what a rate is of, and whether it is a min or a max.
func (b *bars) flag(fs *pflag.FlagSet, usage string) {
	fs.StringToStringVar((*map[string]string)(b), "bar", nil, usage)
}

// check refuses bars of no group that is measured, and rates outside 0 to 1.
func (b bars) check(groups []string) error {
	for name, text := range b {
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || !(rate >= 0 && rate <= 1) {
			return fmt.Errorf("--bar: %s=%s is not a rate from 0 to 1", name, text)
		}
		if name != "all" && !slices.Contains(groups, name) {
			return fmt.Errorf("--bar: no attack of group %q is measured", name)
		}
	}
	return nil
}

// missed lists the bars that the trials miss. The rate is the mean of value over the trials
// whose label has the bar's name; the bar is its lowest, or, if highest says so of these
// trials, its highest. A bar without trials is missed. highest may be nil.
func (b bars) missed(trials []ruler.Trial, label, value string, highest func(ruler.Group) bool) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(b)) {
		bar, _ := strconv.ParseFloat(b[name], 64) // checked
		g := ruler.Group(trials)
		if name != "all" {
			g = g.Where(ruler.Is(label, name))
		}
		got := g.Mean(value)
		met := got >= bar
		if highest != nil && highest(g) {
			met = got <= bar
		}
		if !met {
			out = append(out, fmt.Sprintf("%s %s, asked for %s", name, ruler.Percent(got, 1), ruler.Percent(bar, 1)))
		}
	}
	return out
}

// wrongIDs lists the readings of a copy that is not in the picture. label says what was
// done to the picture.
func wrongIDs(trials []ruler.Trial, label string) (out []string) {
	for _, t := range trials {
		if t.Values["wrong"] > 0 {
			out = append(out, fmt.Sprintf("ALARM: wrong ID: %s under %s read %s", t.Labels["picture"], t.Labels[label], t.Labels["got"]))
		}
	}
	return out
}
