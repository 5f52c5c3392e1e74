package experiments

import (
	"fmt"
	"math"
	"strings"
)

// Markdown returns the report as tables: groups, attacks, pictures, then what power,
// innocents, collusion and pooling show, then what went wrong.
func (rep *TraceReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, traced against %d copies each, key %s, seed %d",
		count(len(rep.Pictures), "picture"), count(len(rep.Attacks), "attack"), rep.Copies, rep.KeyID, rep.Seed)
	if rep.MaxSide > 0 {
		fmt.Fprintf(&b, ", pictures shrunk to %d px", rep.MaxSide)
	}
	b.WriteString(". Named means: the right copy comes first, and p, corrected for the number of copies, is at most 1e-9.\n\n")
	rep.groupTable(&b)
	rep.attackTable(&b)
	rep.pictureTable(&b)
	rep.powerTables(&b)
	rep.innocentTable(&b)
	rep.collusionTable(&b)
	rep.poolTable(&b)
	rep.renditionTable(&b)
	rep.wrongTable(&b)
	rep.troubles(&b)
	return b.String()
}

func (rep *TraceReport) groupTable(b *strings.Builder) {
	b.WriteString("| group | named | at 1e-6 | shown to be the original | decoded without a list | worst innocent score, payload | innocents at 1e-6 / 1e-9 |\n|---|---|---|---|---|---|---|\n")
	row := func(name string, c *TraceCount) {
		fmt.Fprintf(b, "| %s | %s | %d/%d | %d/%d | %d/%d | %s, %s | %d / %d |\n", name, c.rate(), c.Likely, c.Tried,
			c.Registered, c.Tried, c.Decoded, c.Tried, c.Innocent.digits(1), c.InnocentP.digits(1), c.At6, c.At9)
	}
	for i := range rep.Groups {
		row(rep.Groups[i].Name, &rep.Groups[i].TraceCount)
	}
	row("**all**", &rep.Total)
	fmt.Fprintf(b, "\nTime of a trace: median %s ms, longest %s ms.\n", rep.Total.TraceMS.Median.digits(0), rep.Total.TraceMS.Max.digits(0))
}

func (c *TraceCount) rate() string {
	return fmt.Sprintf("%d/%d (%.1f %%)", c.Named, c.Tried, 100*c.Share())
}

func (rep *TraceReport) attackTable(b *strings.Builder) {
	b.WriteString("\n| attack | named | score min / median | payload min / median | log10 p largest / median | decoded | score seen / expected | worst innocent score, payload | ms median / longest | not named |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range rep.Attacks {
		a := &rep.Attacks[i]
		missed := make([]string, len(a.Missed))
		for k, file := range a.Missed {
			missed[k] = short(file)
		}
		if a.Named == 0 {
			missed = []string{"all"}
		}
		fmt.Fprintf(b, "| %s | %d/%d | %s / %s | %s / %s | %s / %s | %d | %s | %s, %s | %s / %s | %s |\n", a.Name, a.Named, a.Tried,
			a.Score.Min.digits(1), a.Score.Median.digits(1), a.Payload.Min.digits(1), a.Payload.Median.digits(1),
			a.LogP.Max.digits(0), a.LogP.Median.digits(0), a.Decoded, a.Ratio.digits(2),
			a.Innocent.digits(1), a.InnocentP.digits(1), a.TraceMS.Median.digits(0), a.TraceMS.Max.digits(0), strings.Join(missed, " "))
	}
}

func (rep *TraceReport) pictureTable(b *strings.Builder) {
	b.WriteString("\n| picture | pixels | PSNR, dB | SSIM | strength | named | decoded | ms median / longest | not named |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range rep.Pictures {
		p := &rep.Pictures[i]
		weak := ""
		if p.Weak {
			weak = " (weak)"
		}
		fmt.Fprintf(b, "| %s | %d x %d | %s%s | %s | %s | %d/%d | %d | %s / %s | %s |\n", short(p.File), p.Width, p.Height,
			p.PSNR.digits(1), weak, p.SSIM.digits(4), p.Strength.digits(2), p.Named, p.Tried, p.Decoded,
			p.TraceMS.Median.digits(0), p.TraceMS.Max.digits(0), strings.Join(p.Missed, " "))
	}
}

// powerTables compare what traces predict with what they saw.
func (rep *TraceReport) powerTables(b *strings.Builder) {
	b.WriteString("\n| power claimed | leaks | mean power | accused | not accused |\n|---|---|---|---|---|\n")
	for _, p := range rep.Power {
		fmt.Fprintf(b, "| %g to %g | %d | %s | %d | %d |\n", p.From, p.To, p.Leaks, p.Claimed.digits(4), p.Accused, p.Leaks-p.Accused)
	}
	if last := rep.Power[len(rep.Power)-1]; last.Leaks > 0 {
		fmt.Fprintf(b, "\nOf %d leaks with a power of 0.999 or more %d were not accused (upper 95 %% limit of the rate %.1e).\n",
			last.Leaks, last.Leaks-last.Accused, upperBound(last.Leaks-last.Accused, last.Leaks, .95))
	}
	b.WriteString("\n| score expected | leaks | seen / expected: 10 %, median, 90 % | median of abs ln(seen / expected) |\n|---|---|---|---|\n")
	for i, e := range rep.Expected {
		name := fmt.Sprintf("%g to %s", e.From, e.To.digits(0))
		switch {
		case i == len(rep.Expected)-1:
			name = "**all**"
		case math.IsInf(float64(e.To), 1):
			name = fmt.Sprintf("%g and more", e.From)
		}
		fmt.Fprintf(b, "| %s | %d | %s, %s, %s | %s |\n", name, e.Leaks, e.Low.digits(2), e.Median.digits(2), e.High.digits(2), e.Off.digits(3))
	}
}

func (rep *TraceReport) innocentTable(b *strings.Builder) {
	b.WriteString("\nCopies that are not in the leak. A score of such a copy is standard normal or less; the e-value's mean is at most 1.\n\n")
	b.WriteString("| innocents of | leaks (show the original) | trials | accused, upper 95 % limit | at 1e-6 / 1e-9 | largest score, payload | exceeded by 10^-1, 10^-3, 10^-5 (normal 1.28, 3.09, 4.26) | e-value mean / largest | wrong IDs decoded |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, n := range rep.Innocents {
		fmt.Fprintf(b, "| %s | %d (%d) | %d | %d, %.1e | %d / %d | %s, %s | %s, %s, %s | %s / %s | %d |\n", n.Name, n.Leaks, n.Registered, n.Trials,
			n.Accused, n.Upper95, n.At6, n.At9, n.Score.digits(2), n.Payload.digits(2),
			exceededBy(n.Scores, .1), exceededBy(n.Scores, 1e-3), exceededBy(n.Scores, 1e-5),
			n.MeanE.digits(3), n.MostE.digits(1), n.Decoded)
	}
}

// exceededBy is the score that a share exceeds.
func exceededBy(scores []Quantile, share float64) string {
	for _, q := range scores {
		if math.Abs(q.Share-share) < 1e-3*share {
			return q.Seen.digits(2)
		}
	}
	return "-"
}

func (rep *TraceReport) collusionTable(b *strings.Builder) {
	if len(rep.Collusion) == 0 {
		return
	}
	b.WriteString("\n| mix, then | copies | leaks | colluders named at 1e-6 | at 1e-9 | leaks with one named | with all | score of a colluder min / median | payload | innocents accused |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, m := range rep.Collusion {
		fmt.Fprintf(b, "| %s, %s | %d | %d | %d/%d | %d | %d | %d | %s / %s | %s / %s | %d |\n", m.Mix, m.Then, m.Copies, m.Leaks, m.Named, m.Colluders, m.NamedAt9,
			m.AtLeast1, m.All, m.Score.Min.digits(1), m.Score.Median.digits(1), m.Payload.Min.digits(1), m.Payload.Median.digits(1), m.Framed)
	}
}

func (rep *TraceReport) poolTable(b *strings.Builder) {
	if len(rep.Pool) == 0 {
		return
	}
	b.WriteString("\n| pooled leaks of one copy | leaks | named | score min / median | payload min / median | log10 p largest / median | innocents at 1e-6 |\n|---|---|---|---|---|---|---|\n")
	for _, p := range rep.Pool {
		fmt.Fprintf(b, "| %s | %d | %d/%d | %s / %s | %s / %s | %s / %s | %d |\n", p.Attack, p.Leaks, p.Named, p.Subsets,
			p.Score.Min.digits(1), p.Score.Median.digits(1), p.Payload.Min.digits(1), p.Payload.Median.digits(1),
			p.LogP.Max.digits(0), p.LogP.Median.digits(0), p.At6)
	}
}

func (rep *TraceReport) renditionTable(b *strings.Builder) {
	if len(rep.Smaller) == 0 {
		return
	}
	b.WriteString("\n| original kept at | named | at 1e-6 | decoded | score / that with the full original | in full, named |\n|---|---|---|---|---|---|\n")
	for i := range rep.Smaller {
		s := &rep.Smaller[i]
		fmt.Fprintf(b, "| %d px | %s | %d | %d | %s | %s |\n", s.Side, s.rate(), s.Likely, s.Decoded, s.Kept.digits(2), rep.Total.rate())
	}
	b.WriteString("\n| group, named, and score / that with the full original | in full |")
	for _, s := range rep.Smaller {
		fmt.Fprintf(b, " %d px |", s.Side)
	}
	fmt.Fprintf(b, "\n|---|---|%s\n", strings.Repeat("---|", len(rep.Smaller)))
	for i, g := range rep.Smaller[0].Groups {
		fmt.Fprintf(b, "| %s | %d/%d |", g.Name, g.Full, g.Tried)
		for _, s := range rep.Smaller {
			fmt.Fprintf(b, " %d, %s |", s.Groups[i].Named, s.Groups[i].Kept.digits(2))
		}
		b.WriteByte('\n')
	}
}

func (rep *TraceReport) wrongTable(b *strings.Builder) {
	w := rep.Wrong
	if w == nil {
		return
	}
	b.WriteString("\n| laid over | pairs | taken for the original, upper 95 % limit | pairs that accuse a copy | ms median / longest |\n|---|---|---|---|---|\n")
	fmt.Fprintf(b, "| a wrong original | %d | %d, %.1e | %d | %s / %s |\n", w.Pairs, w.Registered, w.Upper95, w.Accused, w.TraceMS.Median.digits(0), w.TraceMS.Max.digits(0))
	fmt.Fprintf(b, "| the right one | %d | %d (%.1f %%) | %d | %s / %s |\n", rep.Total.Tried, rep.Total.Registered,
		100*Rate{rep.Total.Registered, rep.Total.Tried}.Share(), rep.Total.Named, rep.Total.TraceMS.Median.digits(0), rep.Total.TraceMS.Max.digits(0))
	writeFailures(b, "Wrong originals that were taken for the right one", w.Found)
}

func (rep *TraceReport) troubles(b *strings.Builder) {
	for _, f := range rep.Framed {
		fmt.Fprintf(b, "\n**ALARM: innocent copy accused**: %s under %s: copy %s, log10 p %s.\n", short(f.File), f.Attack, f.Copy, f.LogP.digits(1))
	}
	for _, w := range rep.Misread {
		fmt.Fprintf(b, "\n**ALARM: wrong ID decoded**: %s under %s: %s.\n", short(w.File), w.Attack, w.Read)
	}
	for _, m := range rep.Missed {
		fmt.Fprintf(b, "\n**Bar missed**: %s %.1f %%, asked for %.1f %%.\n", m.Name, 100*float64(m.Got), 100*float64(m.Bar))
	}
	writeFailures(b, "Power claimed, and not accused", rep.Claims)
	writeFailures(b, "Not measured", rep.Broken)
	writeFailures(b, "Tracing failed, counted as not named", rep.Errors)
}
