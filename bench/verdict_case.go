package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
)

// A copyKey names a copy by its upload and its recipient.
type copyKey struct{ upload, recipient int }

// caseOf draws what an investigation finds of each leak, and returns the case that the
// investigation would hand to package odds.
func (s *simulation) caseOf(rng *rand.Rand, d *simDump) *odds.Case {
	for k := range d.leaks {
		l := &d.leaks[k]
		l.found = s.outcome.draw(rng, l.kind, l.attack)
		for try := 0; d.matched && l.upload >= 0 && l.found.Shows != showsOwn && try < 100; try++ {
			l.found = s.outcome.draw(rng, l.kind, s.anyAttack(rng, l.kind))
		}
	}
	c := &odds.Case{FoundKnown: true, Cells: d.cells, Holders: d.holdings(), MarkTrials: verify.MarkTrials}
	innocent := make(map[copyKey]evidence) // one value for a copy in all leaks
	own := make(map[copyKey][]float64)     // evidence for a copy in each leak that shows it
	var leaks []*simLeak
	for k := range d.leaks {
		l := &d.leaks[k]
		if l.found.LeftOut {
			if l.recipient >= 0 && l.found.Finding == string(findings.FoundUnconfirmed) {
				c.Holders[l.recipient].Unconfirmed++
			}
			continue
		}
		var leak odds.Leak
		if shown := l.shows(rng, len(d.month)); shown >= 0 {
			d.show(&leak, l, shown, func(r int) evidence {
				key := copyKey{shown, r}
				if _, known := innocent[key]; !known {
					innocent[key] = s.outcome.innocence(rng, l.found)
				}
				return innocent[key]
			})
			if e := l.own(shown); e != nil && !l.found.Read {
				key := copyKey{shown, l.recipient}
				own[key] = append(own[key], e.LnE)
			}
		}
		c.Leaks, leaks = append(c.Leaks, leak), append(leaks, l)
	}
	for k, l := range leaks {
		d.pool(&c.Leaks[k], l, own[copyKey{l.upload, l.recipient}])
	}
	return c
}

// shows returns the upload that a leak is found to show, of the given number; -1: none.
func (l *simLeak) shows(rng *rand.Rand, uploads int) int {
	switch l.found.Shows {
	case showsNone:
		return -1
	case showsOther:
		return rng.IntN(uploads)
	}
	return l.upload
}

// own returns the evidence for the leaked copy itself. It returns nil if shown is not the leaked
// upload or if the leak is not of a copy.
func (l *simLeak) own(shown int) *evidence {
	if l.kind == outcomeCopy && shown == l.upload {
		return l.found.Own
	}
	return nil
}

// show enters what the registry says of the submission that a leak was found to show, and the
// evidence for each of its copies.
func (d *simDump) show(leak *odds.Leak, l *simLeak, shown int, innocence func(recipient int) evidence) {
	leak.Submission, leak.Submitted, leak.Cluster = strconv.Itoa(shown), d.at[shown], d.subject[shown]
	for r, h := range d.holders {
		if h.unmarked[shown] {
			leak.Held = append(leak.Held, h.name)
		}
		if h.unmarked[shown] && !h.late {
			leak.Unmarked = append(leak.Unmarked, h.name)
		}
		if !h.copies[shown] {
			continue
		}
		e := innocence(r)
		x := odds.Copy{ID: strconv.Itoa(shown*len(d.holders) + r), Recipient: h.name}
		if own := l.own(shown); own != nil && l.recipient == r {
			e = *own
			if d.listed && d.framed == r {
				x.Others = []string{d.holders[d.planter].name}
			}
		}
		x.LnE, x.Miss, x.Confirmed = e.LnE, e.Miss, e.Confirmed
		leak.Copies = append(leak.Copies, x)
	}
	if l.kind == outcomeTransplanted && l.found.Marked {
		leak.Transplanted = []string{d.holders[l.recipient].name}
	}
}

// pool gives the confirmed copy of a leak the mean of the evidence of all leaks that show the copy.
// A leak that was not found to be a copy keeps its own evidence if that is smaller.
func (d *simDump) pool(leak *odds.Leak, l *simLeak, all []float64) {
	if len(all) < 2 || l.recipient < 0 || l.found.Own == nil {
		return
	}
	for x := range leak.Copies {
		c := &leak.Copies[x]
		if c.Recipient != d.holders[l.recipient].name || !c.Confirmed {
			continue
		}
		c.LnE = meanLn(all)
		if l.found.Finding != string(findings.FoundCopy) {
			c.LnE = min(c.LnE, l.found.Own.LnE)
		}
	}
}

// meanLn returns the logarithm of the mean of numbers whose logarithms are given.
func meanLn(ln []float64) float64 {
	highest, sum := slices.Max(ln), 0.0
	for _, x := range ln {
		sum += math.Exp(x - highest)
	}
	return highest + math.Log(sum/float64(len(ln)))
}
