package experiments

import (
	"maps"
	"math"
	"slices"
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
