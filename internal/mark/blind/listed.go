package blind

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// A look is what was seen at one place where the pilots agree, and not read.
type look struct {
	soft [code.CodedN]float64 // soft bits, of unit norm
	z    float64              // agreement of the pilots
	tracked
}

// newLook returns the look of soft bits with the given sum of squares, which must not be 0.
func newLook(soft *[code.CodedN]float64, energy, z float64, t tracked) look {
	l := look{z: z, tracked: t}
	norm := math.Sqrt(energy)
	for j, v := range soft {
		l.soft[j] = v / norm
	}
	return l
}

// Unread is what a search saw under one key and could not read by the mark's own check. It is immutable and safe
// for concurrent use.
type Unread struct {
	kd    *Keys
	looks []look // the best agreement first
	found []uint64
	Sync  float64 // strongest agreement of the pilots on a place
	LogP  float64 // log10 P(the pilots agree so in a picture without a mark of the key), search included
	frame
}

// unread returns what r saw and did not read.
func (r *reader) unread() *Unread {
	u := &Unread{kd: r.kd, looks: slices.Clone(r.looks), Sync: r.bestZ, LogP: r.logChance(), frame: r.frame()}
	slices.SortStableFunc(u.looks, func(a, b look) int { return cmp.Compare(b.z, a.z) })
	u.looks = slices.Clip(u.looks[:min(len(u.looks), maxCompared)])
	for _, f := range r.found {
		u.found = append(u.found, f.id)
	}
	return u
}

// logChance returns the log10 of a probability: a picture without a mark of the key has an agreement of its pilots as
// strong as r saw. No map depends on the pilots' phases, and each has lnShifts shifts, so the bounds of all are added up.
func (r *reader) logChance() float64 {
	return math.Min(0, (r.chance+dsp.Ln(float64(max(r.maps, 1)))+lnShifts)/math.Ln10)
}

// Looks returns the number of places that were not read.
func (u *Unread) Looks() int { return len(u.looks) }

// Among compares the looks with the messages that were issued under the key, in turn, up to the first that shows marks
// not read before. It returns these. The k-th look may be wrong with a share of 1/(k(k+1)) of code.ListedPFA. The
// agreement of the pilots orders the looks: it says nothing of messages, whose keys are others.
func (u *Unread) Among(book *code.Book) (all []*Detection) {
	known := slices.Clone(u.found)
	for k, l := range u.looks {
		for _, s := range book.Shown(l.soft[:], float64((k+1)*(k+2))) {
			if id, ok := u.kd.Payload.Parse(s.Message); ok && !slices.Contains(known, id) {
				known = append(known, id)
				d := u.report(&reading{id: id, correlation: s.Sum / math.Sqrt(code.CodedN), logPFA: s.LogPFA, tracked: l.tracked})
				d.Sync = l.z
				all = append(all, d)
			}
		}
		if len(all) > 0 {
			break
		}
	}
	return all
}
