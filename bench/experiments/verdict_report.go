package experiments

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Bars of the project, and what the moonshot asks for.
const (
	barNamed    = 0.999 // of true recipients with three surviving marked leaks
	barSureLow  = 0.985 // of statements of 99 %
	barWindow   = 1.0   // of unmarked dumps of 20 leaks from the narrow window
	windowStory = storyWindow20
)

// Missed lists the bars that were missed.
func (rep *VerdictReport) Missed() []string {
	out := []string{}
	miss := func(missed bool, format string, args ...any) {
		if missed {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	miss(rep.Wrong > 0, "%d false accusations in %d dumps, bar 0", rep.Wrong, rep.Dumps)
	miss(rep.WrongAlone > 0, "%d of %d dumps name alone a recipient whose copies another put there, bar 0", rep.WrongAlone, rep.Dumps)
	miss(rep.Outside > 0, "%d of %d dumps name such a recipient and not that other beside it, bar 0", rep.Outside, rep.Dumps)
	three := rep.Named[2]
	miss(three.Of > 0 && three.share() < barNamed, "%s of true sources with three surviving marked leaks are named, bar %s", three, percentage(barNamed))
	miss(rep.Sure.Of > 0 && rep.Sure.share() < barSureLow, "%s of statements of 99 %% are true, bar %s", rep.Sure, percentage(barSureLow))
	for _, s := range rep.Stories {
		miss(s.Name == windowStory && s.Windows < s.Dumps, "%d of %d windows are found of 20 unmarked leaks, bar all", s.Windows, s.Dumps)
	}
	return out
}

func percentage(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }

// String is "9,991 of 10,000 (99.91 %)".
func (r Tally) String() string {
	if r.Of == 0 {
		return "0 of 0"
	}
	return fmt.Sprintf("%d of %d (%s)", r.Yes, r.Of, percentage(r.share()))
}

// Markdown returns the report as tables.
func (rep *VerdictReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d simulated dumps, %d leaks, seed %d; %d outcomes recorded on pixels.\n\n", rep.Dumps, rep.Leaks, rep.Seed, rep.Outcomes)
	b.WriteString("| measured | result | bar |\n|---|---|---|\n")
	row := func(what string, result any, bar string) { fmt.Fprintf(&b, "| %s | %v | %s |\n", what, result, bar) }
	row("false accusations: a recipient named of whose copies no leak was made", fmt.Sprintf("%d of %d; 95 %% bound %.1e", rep.Wrong, rep.Dumps, rep.Upper95), "0")
	row("a recipient named alone whose copies another put there", fmt.Sprintf("%d of %d; 95 %% bound %.1e", rep.WrongAlone, rep.Dumps, upperBound(rep.WrongAlone, rep.Dumps, .95)), "0")
	row("such a recipient named, and not that other among its rivals", fmt.Sprintf("%d of %d; 95 %% bound %.1e", rep.Outside, rep.Dumps, upperBound(rep.Outside, rep.Dumps, .95)), "0")
	row("true recipient named, alone or with rivals, three surviving marked leaks or more that went through a messenger", rep.Named[2], "99.9 %")
	row("of these, alone", rep.Alone, "")
	row("the same with three of uploads that no other recipient held unmarked", rep.Safe, "")
	row("the same with two", rep.Named[1], "")
	row("the same with one", rep.Named[0], "moonshot")
	row("the same with three that were sent, whether or not their marks survived", rep.Sent, "")
	row("true recipient named of three scrubbed leaks or more", rep.Scrubbed, "")
	row("statements of 99 % and more that are true", rep.Sure, "98.5-100 %")
	for _, k := range slices.Sorted(maps.Keys(rep.SureKinds)) {
		row("of these, "+k, *rep.SureKinds[k], "")
	}
	row("milliseconds to weigh a dump: least, median, most", fmt.Sprintf("%s, %s, %s", rep.Milli.Min.digits(1), rep.Milli.Median.digits(1), rep.Milli.Max.digits(0)), "")
	rep.storyTable(&b)
	rep.calibrationTable(&b)
	rep.kindTable(&b)
	if len(rep.Cases) > 0 {
		b.WriteString("\nThe first cases:\n\n")
	}
	for _, c := range rep.Cases[:min(len(rep.Cases), 40)] {
		fmt.Fprintf(&b, "- %s %s\n", c.File, c.Error)
	}
	for _, m := range rep.Missed() {
		fmt.Fprintf(&b, "\nMissed: %s.\n", m)
	}
	return b.String()
}

func (rep *VerdictReport) storyTable(b *strings.Builder) {
	b.WriteString("\nListed: dumps with a source that a hypothesis stands for; top: of these, those in which a true one has the greatest ratio; " +
		"stated: in which a true one reaches 10; and top: in which any reaches 10, and the top one is true. Named: dumps that name a recipient; alone: without a rival; wrongly: one of whose copies no leak was made. " +
		"Framed: dumps that name the recipient that somebody wants blamed: alone, with the one who did it as a rival, or with whoever the rest of the dump came from, where nobody listed had that; flagged: of the framed, those with a flag of planting or repetition. " +
		"Window: dumps from one custody whose densest window lies in it, all its holders listed; with the ratio that it earns them, headline: 100 and more, also divided by the number of custody sets searched.\n\n" +
		"| story | dumps | listed | top | stated | stated and top | named | alone | wrongly | framed | framed alone | rival listed | rival unlisted | flagged | window | 10 and more | 100 and more | headline | mean log10 LR |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range rep.Stories {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s |\n", s.Name, s.Dumps, s.Listed, s.Top, s.Stated, s.TopStated, s.Named, s.Alone, s.Wrong,
			s.Framed, s.FramedAlone, s.Beside, s.Open, s.Warned, s.Windows, s.Tens, s.Hundreds, s.Headed, s.Supported.digits(1))
	}
}

func (rep *VerdictReport) calibrationTable(b *strings.Builder) {
	b.WriteString("\nStated likelihood ratios as probabilities, the prior even:\n\n| log10 LR from | statements | true | share | 95 % | stated in the mean |\n|---|---|---|---|---|---|\n")
	for _, c := range rep.Calibrated {
		if c.Stated == 0 {
			continue
		}
		fmt.Fprintf(b, "| %s | %d | %d | %.4f | %.4f-%.4f | %.4f |\n", c.from(), c.Stated, c.True, float64(c.True)/float64(c.Stated),
			lowerBound(c.True, c.Stated, .975), upperBound(c.True, c.Stated, .975), c.Mean)
	}
}

// kindTable holds the stated ratios of each kind against those that the simulation realised.
func (rep *VerdictReport) kindTable(b *strings.Builder) {
	b.WriteString("\nThe same by kind, as ratios: realised is how much more often a ratio of the bin was stated of what is true than of what is not, which does not depend on how many are true:\n\n" +
		"| kind | log10 LR from | statements | true | stated in the mean, log10 | realised, log10 |\n|---|---|---|---|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(rep.ByKind)) {
		bins := rep.ByKind[kind]
		for k, c := range bins {
			if c.Stated > 0 {
				fmt.Fprintf(b, "| %s | %s | %d | %d | %.2f | %.2f |\n", kind, c.from(), c.Stated, c.True, c.LogLR, realised(bins, k))
			}
		}
	}
}

// from is where a bin begins.
func (c *Calibration) from() string {
	if c.From < -90 {
		return "less"
	}
	return fmt.Sprintf("%.1f", c.From)
}

// SVG is the reliability diagram: the share of statements that are true over the probability
// that was stated. The line is perfect calibration.
func (rep *VerdictReport) SVG() string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="790" height="400" viewBox="0 0 790 400" font-family="sans-serif" font-size="11">` + "\n")
	b.WriteString(`<rect width="790" height="400" fill="#fff"/>` + "\n")
	left, right := &panel{60, 30, 310, 310, 0, 1, 0, 1, &b}, &panel{450, 30, 310, 310, -4, 6, -4, 6, &b}
	left.frame("reliability; the line is perfect calibration", "probability stated, prior even", "share that is true", "%.1f", .2, .2)
	left.curve("#000", [][2]float64{{0, 0}, {1, 1}})
	right.frame("the same as log10 of odds", "log10 likelihood ratio stated", "log10 odds of being true", "%.0f", 2, 2)
	right.curve("#000", [][2]float64{{-4, -4}, {6, 6}})
	for _, c := range rep.Calibrated {
		if c.Stated == 0 {
			continue
		}
		low, high := lowerBound(c.True, c.Stated, .975), upperBound(c.True, c.Stated, .975)
		share := float64(c.True) / float64(c.Stated)
		left.curve(plotColours[1], [][2]float64{{c.Mean, low}, {c.Mean, high}})
		left.dots(plotColours[1], [][2]float64{{c.Mean, share}})
		odds := func(p float64) float64 { return min(max(math.Log10(p/(1-p)), -4), 6) }
		right.curve(plotColours[1], [][2]float64{{odds(c.Mean), odds(low)}, {odds(c.Mean), odds(high)}})
		right.dots(plotColours[1], [][2]float64{{odds(c.Mean), odds(share)}})
	}
	b.WriteString("</svg>\n")
	return b.String()
}
