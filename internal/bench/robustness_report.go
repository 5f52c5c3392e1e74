package bench

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// report adds up the trials in the order of pictures and attacks.
func (r *robustnessRun) report() *RobustnessReport {
	rep := &RobustnessReport{
		KeyID: r.key.ID(), Seed: r.cfg.Seed, MaxSide: r.cfg.MaxSide,
		Missed: []MissedBar{}, Broken: []Failure{}, Errors: []Failure{}, Wrong: []WrongID{},
		Pictures: []PictureResult{},
	}
	for _, a := range r.attacks {
		rep.Attacks = append(rep.Attacks, AttackResult{Name: a.Name, Group: a.Group, Missed: []string{}})
	}
	var times timesSum
	for i := range r.subjects {
		s := &r.subjects[i]
		if s.broken != nil {
			rep.Broken = append(rep.Broken, Failure{File: r.cfg.Pictures[i], Error: s.broken.Error()})
			continue
		}
		times.mark.add(float64(s.result.MarkMS))
		s.result.Missed = []string{}
		for k := range s.trials {
			rep.count(s, k)
			times.add(&s.trials[k])
		}
		rep.Pictures = append(rep.Pictures, s.result)
		rep.Total.add(s.result.Rate)
	}
	rep.MeanMS = times.means()
	rep.attackTimes(r.subjects)
	rep.groups()
	rep.bars(r.cfg.Bars)
	return rep
}

// count enters trial k of s.
func (rep *RobustnessReport) count(s *subject, k int) {
	t, a := &s.trials[k], &rep.Attacks[k]
	one := Rate{Tried: 1}
	switch {
	case t.err != nil:
		rep.Errors = append(rep.Errors, Failure{File: s.result.File, Attack: a.Name, Error: t.err.Error()})
	case t.found && t.read == s.id:
		one.Read = 1
	case t.found:
		rep.Wrong = append(rep.Wrong, WrongID{
			File: s.result.File, Attack: a.Name, Copy: s.id.String(), Read: t.read.String(),
		})
	}
	s.result.add(one)
	a.add(one)
	if one.Read == 0 {
		s.result.Missed = append(s.result.Missed, a.Name)
		a.Missed = append(a.Missed, s.result.File)
	}
}

// groups adds up the attacks of each family.
func (rep *RobustnessReport) groups() {
	for _, a := range rep.Attacks {
		if n := len(rep.Groups); n == 0 || rep.Groups[n-1].Name != a.Group {
			rep.Groups = append(rep.Groups, GroupResult{Name: a.Group})
		}
		rep.Groups[len(rep.Groups)-1].add(a.Rate)
	}
}

// bars notes what was not reached. With no picture measured every bar is missed.
func (rep *RobustnessReport) bars(bars map[string]float64) {
	for _, name := range slices.Sorted(maps.Keys(bars)) {
		rate := rep.Total
		for _, g := range rep.Groups {
			if g.Name == name {
				rate = g.Rate
			}
		}
		if rate.Tried == 0 || rate.Share() < bars[name] {
			rep.Missed = append(rep.Missed, MissedBar{Name: name, Bar: Number(bars[name]), Got: Number(rate.Share())})
		}
	}
}

func (rep *RobustnessReport) attackTimes(subjects []subject) {
	for k := range rep.Attacks {
		var attack, detect mean
		for i := range subjects {
			if s := &subjects[i]; s.broken == nil {
				attack.add(s.trials[k].attackMS)
				detect.add(s.trials[k].detectMS)
			}
		}
		rep.Attacks[k].AttackMS, rep.Attacks[k].DetectMS = attack.value(), detect.value()
	}
}

type timesSum struct{ mark, attack, found, missed mean }

func (t *timesSum) add(one *trial) {
	t.attack.add(one.attackMS)
	switch {
	case one.err != nil:
	case one.found:
		t.found.add(one.detectMS)
	default:
		t.missed.add(one.detectMS)
	}
}

func (t *timesSum) means() MeanTimes {
	return MeanTimes{Mark: t.mark.value(), Attack: t.attack.value(), Found: t.found.value(), NotFound: t.missed.value()}
}

// A mean is not a number while nothing has been added.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v float64) { m.sum += v; m.n++ }

func (m *mean) value() Number {
	if m.n == 0 {
		return Number(math.NaN())
	}
	return Number(m.sum / float64(m.n))
}

// Markdown returns the report as tables: groups with their attacks and the
// pictures that failed, then every picture, then what went wrong.
func (rep *RobustnessReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d pictures, %d attacks, key %s, seed %d", len(rep.Pictures), len(rep.Attacks), rep.KeyID, rep.Seed)
	if rep.MaxSide > 0 {
		fmt.Fprintf(&b, ", pictures shrunk to %d px", rep.MaxSide)
	}
	b.WriteString(". Read means the exact 64-bit copy ID.\n\n")
	rep.groupTable(&b)
	b.WriteString("\n| picture | pixels | PSNR, dB | SSIM | read | not read |\n|---|---|---|---|---|---|\n")
	for _, p := range rep.Pictures {
		weak := ""
		if p.Weak {
			weak = " (weak)"
		}
		fmt.Fprintf(&b, "| %s | %d x %d | %s%s | %s | %d/%d | %s |\n", short(p.File), p.Width, p.Height,
			p.PSNR.digits(1), weak, p.SSIM.digits(4), p.Read, p.Tried, strings.Join(p.Missed, " "))
	}
	fmt.Fprintf(&b, "\nMean times: marking %s ms, attack %s ms, reading %s ms where found and %s ms where not.\n",
		rep.MeanMS.Mark.digits(0), rep.MeanMS.Attack.digits(0), rep.MeanMS.Found.digits(0), rep.MeanMS.NotFound.digits(0))
	rep.troubles(&b)
	return b.String()
}

func (rep *RobustnessReport) groupTable(b *strings.Builder) {
	b.WriteString("| group | read | attacks (read/pictures), and the pictures that failed |\n|---|---|---|\n")
	for _, g := range rep.Groups {
		var cells []string
		for _, a := range rep.Attacks {
			if a.Group == g.Name {
				cells = append(cells, a.cell())
			}
		}
		fmt.Fprintf(b, "| %s | %.1f %% | %s |\n", g.Name, 100*g.Share(), strings.Join(cells, ", "))
	}
	fmt.Fprintf(b, "| **all** | **%.1f %%** | %d/%d |\n", 100*rep.Total.Share(), rep.Total.Read, rep.Total.Tried)
}

// cell names the pictures that failed, unless none or all did.
func (a *AttackResult) cell() string {
	text := fmt.Sprintf("%s %d/%d", a.Name, a.Read, a.Tried)
	if len(a.Missed) == 0 || a.Read == 0 {
		return text
	}
	names := make([]string, len(a.Missed))
	for i, file := range a.Missed {
		names[i] = short(file)
	}
	return text + " (" + strings.Join(names, " ") + ")"
}

func (rep *RobustnessReport) troubles(b *strings.Builder) {
	for _, w := range rep.Wrong {
		fmt.Fprintf(b, "\n**ALARM: wrong ID**: %s under %s was marked %s and read %s.\n", short(w.File), w.Attack, w.Copy, w.Read)
	}
	for _, m := range rep.Missed {
		fmt.Fprintf(b, "\n**Bar missed**: %s %.1f %%, asked for %.1f %%.\n", m.Name, 100*float64(m.Got), 100*float64(m.Bar))
	}
	writeFailures(b, "Not measured", rep.Broken)
	writeFailures(b, "Reading failed, counted as not read", rep.Errors)
}

// writeFailures writes a list under a heading, or nothing.
func writeFailures(b *strings.Builder, heading string, list []Failure) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", heading)
	for _, f := range list {
		name := short(f.File)
		if f.Attack != "" {
			name += " under " + f.Attack
		}
		fmt.Fprintf(b, "- %s: %s\n", name, f.Error)
	}
}
