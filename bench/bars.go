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

// missed lists the bars that the trials miss: too low, or with most too high, is the mean
// of value over the trials whose label has the bar's name. A bar without trials is missed.
func (b bars) missed(trials []ruler.Trial, label, value string, highest bool) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(b)) {
		bar, _ := strconv.ParseFloat(b[name], 64) // checked
		g := ruler.Group(trials)
		if name != "all" {
			g = g.Where(ruler.Is(label, name))
		}
		got := g.Mean(value)
		if !(got >= bar) && !highest || !(got <= bar) && highest {
			out = append(out, fmt.Sprintf("%s %s, asked for %s", name, ruler.Percent(got, 1), ruler.Percent(bar, 1)))
		}
	}
	return out
}
