package blind

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// attempt looks for the shift of the pattern on the torus in field i, and reads the message there. b is the linear map,
// row by row, from the pilots' frequencies in the mark to those in the field. If the pilots agree by minAgreement or
// more, rounds of tracking refine the map.
func (r *reader) attempt(i int, b [4]float64, rounds []round) {
	s := r.shiftIn(i, b)
	r.settle(i, s.toMatrix(b), s, minAgreement, rounds)
}

// attemptParts does what attempt does in the whole of field i, or in half of it: see strongestPart.
func (r *reader) attemptParts(i int, b [4]float64) {
	z := r.fields[i]
	f, held := r.observed(b)
	s := r.strongestPart(cellAmplitudes(z, 0, 0, &f, max(8, z.W/partCells), max(8, z.H/partCells)), &held)
	r.settle(i, s.toMatrix(b), s, minAgreementParts, settle)
}

// attemptTilted is attemptParts for m with perspective, from pixels of field i to mark pixels, except for a shift.
func (r *reader) attemptTilted(i int, m geometry.Mat) {
	z := r.fields[i]
	win := markWindow(m, z.W, z.H, nil)
	flat, ok := rectify(z, m, win)
	if !ok {
		return
	}
	s := r.strongestPart(cellAmplitudes(flat, win.u, win.v, r.kd.MarkFrequencies(), max(8, flat.W/partCells), max(8, flat.H/partCells)), nil)
	r.settle(i, s.on(m), s, minAgreementParts, spreadOut)
}

// settle decodes the message in field i under the map m, on which the shift s was found, refined by the given rounds.
// It tries each refinement until the search is done, or only the first if s.z is below plainAgreement. What is read is
// added to r.found. Below an agreement of need, settle only records s.z as the best seen, if it is.
func (r *reader) settle(i int, m geometry.Mat, s shift, need float64, rounds []round) {
	r.note(s.z, s.chance)
	if s.z < need {
		return
	}
	maps := r.kd.refined(r.fields[i], m, s.sign, rounds)
	if s.z < plainAgreement {
		maps = maps[:1]
	}
	for _, t := range maps {
		if r.decode(t, s, 1); r.done() {
			return
		}
	}
}

// decode reads the message under the map t, on which the shift s was found, at pitch mark pixels a sample.
func (r *reader) decode(t tracked, s shift, pitch int) {
	soft, energy := r.kd.softSum(r.carriers, t, s.sign, pitch)
	r.read(&soft, energy, s.z, t)
}

// refined returns maps to decode under, likeliest first: refinements of m, which leads from pixels
// of the field z to mark pixels, and m itself. sign is -1 for an inverted picture. With enoughVotes
// windows that follow the pattern, it returns the tracked map and m. With fewer, as on small leaks,
// tracking may lead astray: coherent then refines both, and the better one comes first.
func (kd *Keys) refined(z dsp.Plane, m geometry.Mat, sign float32, rounds []round) []tracked {
	t := kd.track(z, m, sign, rounds)
	if t.votes >= enoughVotes {
		return []tracked{t, {m: m}}
	}
	followed, plain := t, tracked{m: m}
	var sumFollowed, sumPlain float64
	plain.m, sumPlain = kd.coherent(z, m, sign, nil)
	if t.centre == nil { // nothing was followed
		followed.m, sumFollowed = plain.m, sumPlain
	} else {
		followed.m, sumFollowed = kd.coherent(z, t.m, sign, t.centre)
	}
	if sumPlain > sumFollowed {
		plain.votes, plain.box = t.votes, t.box
		return []tracked{plain, {m: m}, t}
	}
	return []tracked{followed, {m: m}, plain, t}
}

// An aligner finds out on which shifts the pilots of one key agree in a leak, under one map or another.
type aligner struct {
	*leak
	kd     *Keys
	f      []pattern.Frequency // of the pilots in the mark
	maps   int                 // under which shifts were looked for
	bestZ  float64             // best agreement noted
	chance float64             // ln of the least probability of an agreement noted, at one shift of one map
}

// note keeps an agreement and the ln of its probability if they are the best yet.
func (p *aligner) note(z, chance float64) {
	p.bestZ, p.chance = math.Max(p.bestZ, z), math.Min(p.chance, chance)
}

// logChance bounds, as log10, the probability that pilots agree as strongly as noted in a picture without a mark of the key.
// It is the bound for one shift of one map, times the maps and shifts: no map depends on the pilots' phases.
func (p *aligner) logChance() float64 {
	return math.Min(0, (p.chance+dsp.Ln(float64(max(p.maps, 1)))+lnShifts)/math.Ln10)
}

// observed returns the frequencies of the pilots in the leak under the linear map b, in cycles a work pixel. held says
// for each whether both parts lie below maxFrequency, so that the leak's pixels can hold the pilot.
func (p *aligner) observed(b [4]float64) (f [pattern.PilotN]pattern.Frequency, held [pattern.PilotN]bool) {
	for k, q := range p.f {
		f[k] = pattern.Frequency{X: float64(b[0]*q.X) + float64(b[1]*q.Y), Y: float64(b[2]*q.X) + float64(b[3]*q.Y)}
		held[k] = math.Abs(f[k].X) < maxFrequency && math.Abs(f[k].Y) < maxFrequency
	}
	return f, held
}

// shiftIn returns the shift of the torus on which the pilots agree best in field i under the linear
// map b. It sums exact amplitudes; only the pilots that the leak's pixels can hold count.
func (p *aligner) shiftIn(i int, b [4]float64) shift {
	f, held := p.observed(b)
	z := p.fields[i]
	a := cellAmplitudes(z, 0, 0, &f, z.W, z.H)
	return p.findShift(only(&held, &a.c[0]))
}

// roughShift returns the shift in field i under the linear map b, as shiftIn does, but from interpolated amplitudes.
// This is much cheaper than shiftIn, and its agreement differs by about 0.04. It reads nothing.
func (p *aligner) roughShift(i int, b [4]float64) shift {
	t := p.tone(i)
	f, held := p.observed(b)
	var c [pattern.PilotN]complex64
	for k, q := range f {
		if held[k] {
			c[k] = t.at(q)
		}
	}
	return p.findShift(&c)
}

func (p *aligner) findShift(c *[pattern.PilotN]complex64) shift {
	p.maps++
	return p.kd.findShift(p.shifts, c)
}

// only sets to 0, in c, the amplitudes of the pilots that are not held: the leak's pixels cannot
// hold them. A nil held is all pilots. It returns c.
func only(held *[pattern.PilotN]bool, c *[pattern.PilotN]complex64) *[pattern.PilotN]complex64 {
	for k := range c {
		if held != nil && !held[k] {
			c[k] = 0
		}
	}
	return c
}

const partCells = 8 // cells along each side of a field that is read in parts

// strongestPart returns the shift on which the pilots that are held agree best in the whole of a field, given in cells.
// If they agree by sureAgreement or less, it also looks in up to nine halves, which overlap by half. Then an agreement
// must reach minAgreementParts, because more places were tried. A nil held is all pilots.
func (p *aligner) strongestPart(a amplitudes, held *[pattern.PilotN]bool) shift {
	const half = partCells / 2
	best := p.findShift(only(held, a.sum(0, 0, partCells, partCells)))
	for y := 0; y <= half && best.z <= sureAgreement; y += half / 2 {
		for x := 0; x <= half; x += half / 2 {
			if s := p.findShift(only(held, a.sum(x, y, half, half))); s.z > best.z {
				best = s
			}
		}
	}
	return best
}
