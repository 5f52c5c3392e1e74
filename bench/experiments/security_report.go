package experiments

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (r *securityRun) report() *SecurityReport {
	rep := &SecurityReport{
		KeyID: r.key.ID(), Seed: r.cfg.Seed, MaxSide: r.cfg.MaxSide, Averaged: r.averaged,
		Missed: []MissedBar{}, Wrong: []WrongID{}, Broken: []Failure{}, Errors: []Failure{},
	}
	psnr := make([]mean, len(r.attempts))
	for _, a := range r.attempts {
		rep.Attempts = append(rep.Attempts, Attempt{Name: a.name, Goal: a.goal, About: a.about})
	}
	for i := range r.subjects {
		s := &r.subjects[i]
		if s.broken != nil {
			rep.Broken = append(rep.Broken, Failure{File: s.file, Error: s.broken.Error()})
			continue
		}
		rep.Pictures++
		for k := range s.results {
			psnr[k].add(s.results[k].psnr)
			rep.count(s, k)
		}
	}
	for k := range rep.Attempts {
		rep.Attempts[k].PSNR = psnr[k].value()
	}
	rep.bars(r.cfg.Bars)
	return rep
}

// count enters the outcome of attempt k on s.
func (rep *SecurityReport) count(s *victim, k int) {
	out, a := &s.results[k], &rep.Attempts[k]
	if out.err != nil {
		rep.Errors = append(rep.Errors, Failure{File: s.file, Attack: a.Name, Error: out.err.Error()})
	}
	a.add(out.Rate)
	a.Sync = max(a.Sync, Number(out.sync))
	for _, id := range out.wrong {
		rep.Wrong = append(rep.Wrong, WrongID{File: s.file, Attack: a.Name, Copy: s.ids[0].String(), Read: id.String()})
	}
}

// bars notes what was missed: attempts to remove must be read as often as the bar
// says, the others at most so often. What was not measured is missed.
func (rep *SecurityReport) bars(bars map[string]float64) {
	for _, name := range slices.Sorted(maps.Keys(bars)) {
		for _, a := range rep.Attempts {
			bad := a.Share() > bars[name]
			if a.Goal == toRemove {
				bad = a.Share() < bars[name]
			}
			if a.Name == name && (bad || a.Tried == 0) {
				rep.Missed = append(rep.Missed, MissedBar{Name: name, Bar: Number(bars[name]), Got: Number(a.Share())})
			}
		}
	}
}

// Markdown returns the report as a table and what went wrong.
func (rep *SecurityReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of at most %d px, key %s, seed %d.\n\n", count(rep.Pictures, "picture"), rep.MaxSide, rep.KeyID, rep.Seed)
	rep.Averaged.write(&b)
	b.WriteString("| attempt | what is done | meant to | read | PSNR against the unmarked picture | strongest agreement of the pilots |\n|---|---|---|---|---|---|\n")
	for _, a := range rep.Attempts {
		fmt.Fprintf(&b, "| %s | %s | %s | %d of %d | %s | %s |\n", a.Name, a.About, a.Goal, a.Read, a.Tried, a.PSNR.digits(1), a.Sync.digits(2))
	}
	for _, m := range rep.Missed {
		fmt.Fprintf(&b, "\n**Bar missed**: %s %.2f, bar %.2f.\n", m.Name, float64(m.Got), float64(m.Bar))
	}
	for _, w := range rep.Wrong {
		fmt.Fprintf(&b, "\n**ALARM: wrong ID**: %s under %s, marked %s, read %s.\n", short(w.File), w.Attack, w.Copy, w.Read)
	}
	writeFailures(&b, "Not measured", rep.Broken)
	writeFailures(&b, "Attempts that failed, not counted", rep.Errors)
	return b.String()
}

func (a *Averaged) write(b *strings.Builder) {
	if a.Uploads == 0 {
		return
	}
	fmt.Fprintf(b, "Averaging %s of one key, each with a submission and an ID of its own: a mark has %s grey levels RMS, ",
		count(a.Uploads, "upload"), a.MarkRMS.digits(2))
	fmt.Fprintf(b, "an estimate of it %s and correlates with it by %s; the average has %s. ", a.OneRMS.digits(2), a.One.digits(3), a.MeanRMS.digits(3))
	fmt.Fprintf(b, "At the best of all shifts the average correlates with other marks of the key by at most %s, with marks of another key by %s.\n\n",
		a.Fresh.digits(4), a.OtherKey.digits(4))
}
