package experiments

import (
	"fmt"
	"math"
	"strings"
)

// summarise adds up the pictures. Each step is compared over those that have it.
func (rep *SpeedReport) summarise() {
	for k := range steps {
		var all mean
		var yardstick, mpx float64
		for i := range rep.Pictures {
			p := &rep.Pictures[i]
			if ms := float64(p.MS[k]); !math.IsNaN(ms) {
				all.add(ms)
				yardstick += float64(p.MS[stepJPEG])
				mpx += p.mpx()
			}
		}
		rep.MeanMS[k] = all.value()
		rep.MSPerMpx[k], rep.Ratio[k] = Number(math.NaN()), Number(math.NaN())
		if all.n > 0 {
			rep.MSPerMpx[k], rep.Ratio[k] = Number(all.sum/mpx), Number(all.sum/yardstick)
		}
	}
}

func (p *SpeedResult) mpx() float64 { return float64(p.Width) * float64(p.Height) / 1e6 }

// Markdown returns the report as tables: the steps, then milliseconds by picture.
func (rep *SpeedReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s, key %s, seed %d. Wall time, the shortest of up to %d runs.\n\n",
		count(len(rep.Pictures), "picture"), rep.Go, count(rep.Cores, "core"), rep.KeyID, rep.Seed, speedRuns)
	b.WriteString("| step | ms a picture | ms a megapixel | times image/jpeg's decoding |\n|---|---|---|---|\n")
	for k, name := range rep.Steps {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name,
			rep.MeanMS[k].digits(1), rep.MSPerMpx[k].digits(1), rep.Ratio[k].digits(2))
	}
	fmt.Fprintf(&b, "\n| picture | pixels | %s |\n|---|---|%s\n", strings.Join(rep.Steps[:], " | "), strings.Repeat("---|", steps))
	for i := range rep.Pictures {
		p := &rep.Pictures[i]
		fmt.Fprintf(&b, "| %s | %d x %d |", short(p.File), p.Width, p.Height)
		for _, ms := range p.MS {
			fmt.Fprintf(&b, " %s |", ms.digits(0))
		}
		b.WriteString("\n")
	}
	writeFailures(&b, "Not measured", rep.Broken)
	return b.String()
}
