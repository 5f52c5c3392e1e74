package trace

import (
	"crypto/sha256"
	"encoding/binary"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/requant"
)

// PresentLevel is the log10 p from which on a mark was there, whichever copy it is of: a wrong word on one
// unmarked leak of a million.
const PresentLevel = -6

// A Presence is what a leak shows of a mark of the candidates' keys, whichever copy carries it.
type Presence struct {
	LogAny   float64 // log10 p of as much in a leak that never had a mark of these keys; all copies and keys are in it
	Survival float64 // of the strongest copy's code, over what the leak's codec, blur and tone leave: minSurvival or more; 0: not measured
}

// presence sets LogAny of a result whose copies are scored. The phases of the pilots, the
// signs of the tracers and the chips are keyed apart. So two p are independent in a leak that does not
// depend on the key: that of the pilots, and the least p of a copy, corrected for the number of copies
// (Fisher's combination). Of several keys, the key with the smaller p counts.
func (t *Tracer) presence(out *Result) {
	out.LogAny = 0
	for i, s := range t.under {
		sum := 0.0
		for _, a := range out.evidence[i].pilots {
			sum += float64(real(a))
		}
		x := -pattern.LnAgreement(&out.evidence[i].pilots, sum)
		if k := s.best(out.Copies); k >= 0 {
			x -= float64(out.Copies[k].LogP * math.Ln10)
		}
		out.LogAny = math.Min(out.LogAny, (dsp.Ln(1+x)-x+dsp.Ln(float64(len(t.under))))/math.Ln10)
	}
}

// best returns the index in copies of the copy of s with the smallest p; -1 if s has no copy.
func (s *suspects) best(copies []CopyScore) int {
	best := -1
	for _, k := range s.at {
		if best < 0 || copies[k].LogP < copies[best].LogP {
			best = k
		}
	}
	return best
}

// survival sets Survival. It compares the code of the strongest copy with what a mark of its strength
// would show. If the roundings of the leak's JPEG were read, they say what. Else the mark should have
// fared like strong detail of the original: blur, resizing, tone and light compression damage both
// alike. It measures nothing on small leaks whose roundings were not read. view gives the leak p in
// the frame. Of several keys, the key under which most is left counts.
func (t *Tracer) survival(out *Result, view func() *frameView, p *image.NRGBA) {
	var steps *requant.Leak
	if size := p.Rect.Max; size.X*size.Y <= maxRounded {
		steps, _ = requant.OpenFinest(p)
	}
	for i, s := range t.under {
		k, e := s.best(out.Copies), out.evidence[i]
		if k < 0 {
			continue
		}
		whole := e.promised
		switch {
		case e.byCodec:
		case view().pitch > coarsest:
			continue // light compression of so few pixels takes away the band of the code
		default:
			whole = s.probe.unhurt(s, view(), e, steps)
		}
		if whole *= t.copies[k].Strength; whole > 0 {
			out.Survival = math.Max(out.Survival, math.Max(out.Copies[k].Payload/whole, minSurvival))
		}
	}
}

// Decoys returns the scores of n copies that were never issued, under the key of the strongest
// copy: what chance gives in this very leak. They are the same at every call and in memory at once,
// 1 kB each. Decoys returns nil if no copy was scored or n is below 1.
func (r *Result) Decoys(n int) []float64 {
	if r.Best < 0 || n < 1 {
		return nil
	}
	for i, s := range r.tracer.under {
		if slices.Contains(s.at, r.Best) {
			return r.evidence[i].tracer.scores(s.never(n, r.tracer.copies))
		}
	}
	return nil
}

// never returns the streams of the tracers of n copies whose IDs are not among those issued. The
// IDs are drawn from the submission, the same at every call and for every key.
func (s *suspects) never(n int, issued []Candidate) []*code.Stream {
	known := make(map[uint64]bool, len(issued))
	for _, c := range issued {
		known[c.ID] = true
	}
	out := make([]*code.Stream, 0, n)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("kycmark decoy"), s.sub[:]...), i))
		if id := binary.BigEndian.Uint64(sum[:]); !known[id] {
			out = append(out, s.kd.TracerStream(s.sub, id))
		}
	}
	return out
}
