package trace

import (
	"crypto/sha256"
	"encoding/binary"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/requant"
)

// evidence is what a leak shows of the marks of one key: sums that any copy's signs and code are correlated with.
type evidence struct {
	tracer   coefficients
	soft     [code.CodedN]float64 // soft bits of the payload, of unit norm; zero if nothing of it is seen
	expected float64              // score of a mark at strength 1
	payload  float64              // the same of the payload's code
	told     float64              // how far these can be believed, 0..1
	weight   float64              // of the soft bits: their norm before it was made 1
	promised float64              // payload, not cut at what a code may score
	byCodec  bool                 // expected follows from the roundings of the leak's JPEG
	pilots   [pattern.PilotN]complex64
	seen     dsp.Plane // weighed, times the local strength of a mark: the tracer is its spectrum
	due      dsp.Plane // the same, if the probe alone had made it
}

// evidence returns what the leak of v shows of the marks of one key: for each coefficient of a
// tracer and each coded bit, what it would have added to the leak, weighed by how well it is seen.
// It also sets what a mark of strength 1 is expected to score. Copies are compared only by score.
func (s *suspects) evidence(v *frameView) *evidence {
	e := s.gathered(v.frame, v.weighed(v.spectrum))
	e.expected, e.payload = s.probe.expect(s, v, e)
	e.told = v.told
	return e
}

// gathered returns the evidence of w, a weighed plane of the frame, for the marks of a key. The soft bits get unit
// norm; all stay 0 if nothing of them is seen. expected, payload and told are left 0 for the caller.
func (s *suspects) gathered(f *frame, w dsp.Plane) *evidence {
	e := &evidence{seen: dsp.Product(w, s.probe.amplitude)}
	var soft [code.CodedN]float64
	e.tracer, soft, e.pilots = s.adjoint(f, e.seen)
	norm := 0.0
	for _, b := range soft {
		norm += float64(b * b)
	}
	if norm = math.Sqrt(norm); norm > 0 {
		for j, b := range soft {
			e.soft[j] = b / norm
		}
	}
	e.weight = norm
	return e
}

// adjoint returns the tracer's coefficients, the payload's soft bits and the pilots in masked: a weighed plane of the
// frame, times the local strength of a mark, by which marking multiplies a pattern. Bits and pilots are unnormalised.
func (s *suspects) adjoint(f *frame, masked dsp.Plane) (coefficients, [code.CodedN]float64, [pattern.PilotN]complex64) {
	end := math.Min(pattern.TracerHigh, 0.45*float64(max(f.w, f.h)))
	c := f.quantised(dsp.DCT2(masked, pattern.TracerSize), end)
	soft, pilots := s.despread(f, masked)
	return c, soft, pilots
}

// despread returns the soft bits and the pilots that masked holds: a weighed plane of the frame times a mark's local strength.
func (s *suspects) despread(f *frame, masked dsp.Plane) ([code.CodedN]float64, [pattern.PilotN]complex64) {
	return s.kd.Despread(masked, s.place.Mul(geometry.PixelScale(f.scale, f.scale)))
}

// score sets the entries of out that belong to the candidates of s: scores, e-value and p, which is
// not yet corrected for the number of copies. copies are all candidates, and out has an entry for
// each; other keys' entries stay as they are. conclude corrects p.
func (e *evidence) score(s *suspects, copies []Candidate, out []CopyScore) {
	streams := make([]*code.Stream, len(s.at))
	for i, k := range s.at {
		streams[i] = s.kd.TracerStream(s.sub, copies[k].ID)
	}
	z := e.tracer.scores(streams)
	null := &codeNull{soft: &e.soft}
	for i, k := range s.at {
		c := CopyScore{ID: copies[k].ID, Score: z[i]}
		for j, b := range s.kd.Payload.Encode(c.ID) {
			c.Payload += float64(float64(b) * e.soft[j])
		}
		c.LogE = e.logE(c.Score, c.Payload, copies[k].Strength, null)
		c.LogP = math.Min(0, math.Min(logFisher(c.Score, c.Payload), -c.LogE)+dsp.Ln(2)/math.Ln10)
		out[k] = c
	}
}

// logFisher returns the log10 of P(X >= x) <= (1 + x) exp(-x), x = (z^2 + z'^2)/2, for two
// independent scores, z and z' = payload. Each exceeds its value with exp(-z^2/2) at most (Fisher's
// combination). Negative scores count as 0, and payload as payloadCap at most.
func logFisher(z, payload float64) float64 {
	z, payload = math.Max(z, 0), math.Min(math.Max(payload, 0), payloadCap)
	x := (float64(z*z) + float64(payload*payload)) / 2
	return math.Min(0, (dsp.Ln(1+x)-x)/math.Ln10)
}

// logE returns the log10 of the e-value of a copy with scores z (tracer) and z' = payload, marked with strength:
//
//	mean over l of exp(l z - l^2/2) x mean over l' of exp(l' z')/M(l')
//
// with l and l' predicted from the channel, never from the candidate. The first factor has a mean below 1 for a copy
// that was not used, since cosh x <= exp(x^2/2); M, which null computes, is the mean of exp(l' z') over all messages.
// Signs and code are independent, so the mean of the e-value is 1 at most.
func (e *evidence) logE(z, payload, strength float64, null *codeNull) float64 {
	var t [len(tracerShares)]float64
	for i, s := range tracerShares {
		l := math.Min(math.Max(float64(s*float64(strength*e.expected)), 0), maxExpected)
		t[i] = float64(l*z) - float64(l*l)/2
	}
	var p [len(payloadShares)]float64
	for i, s := range payloadShares {
		r := math.Min(math.Max(float64(s*float64(strength*e.payload)), 0)/math.Sqrt(code.CodedN), maxCorrelation)
		l := float64(math.Sqrt(code.CodedN)*r) / (1 - float64(r*r))
		p[i] = float64(l*payload) - null.at(i, l)
	}
	return (lnMean(t[:]) + lnMean(p[:])) / math.Ln10
}

// lnMean returns the natural logarithm of the mean of exp(v) over the values v of x, without overflow. x must not be empty.
func lnMean(x []float64) float64 {
	top := slices.Max(x)
	sum := 0.0
	for _, v := range x {
		sum += dsp.Exp(v - top)
	}
	return top + dsp.Ln(sum/float64(len(x)))
}

// decode returns the payload read out of the soft bits without the list of candidates. It returns nil if none of the
// likeliest messages correlates by code.MinCorrelation and passes the check of kd.
func (e *evidence) decode(kd *pattern.Keys) *uint64 {
	soft := make([]float32, code.CodedN)
	for j, b := range e.soft {
		soft[j] = float32(b)
	}
	for _, bits := range code.Decode(soft, code.MessageN, code.CheckBudget) {
		correlation := 0.0
		for j, c := range code.Encode(bits) {
			correlation += float64(float64(c) * e.soft[j])
		}
		if correlation/math.Sqrt(code.CodedN) < code.MinCorrelation {
			continue
		}
		if id, ok := kd.Payload.Parse(bits); ok {
			return &id
		}
	}
	return nil
}

// A codeNull knows the mean of exp(l z') over random messages.
type codeNull struct {
	soft  *[code.CodedN]float64
	known [len(payloadShares)]struct{ l, lnM float64 }
}

// at returns ln M(l), the logarithm of the mean of exp(l z') over random messages, for the i-th share of the predicted
// strength. It keeps the last result of each share, since copies of one strength ask for the same l.
func (n *codeNull) at(i int, l float64) float64 {
	if k := &n.known[i]; k.l != l {
		k.l, k.lnM = l, code.LnMean(n.soft[:], l)
	}
	return n.known[i].lnM
}

// norm returns the root of the sum of the coefficients' squares, in their own units.
func (c coefficients) norm() float64 { return float64(math.Sqrt(c.square) * c.unit) }

// predict sets Expected, the score that a mark of the weakest strength issued would have in the
// mean. It also sets Power, the probability that such a mark would have been accused by its own
// part alone. Of several keys, the key that expects less counts. Without evidence both stay 0.
func (out *Result) predict() {
	if len(out.evidence) == 0 {
		return
	}
	weakest := out.tracer.weakest()
	out.Expected = math.Inf(1)
	told := 1.0
	for _, e := range out.evidence {
		out.Expected = math.Min(out.Expected, float64(weakest*e.expected))
		told = math.Min(told, e.told)
	}
	bias, spread := predictionBias+float64(untoldBias*(1-told)), predictionSpread+float64(untoldSpread*(1-told))
	need := needed(out.tracer.level, len(out.Copies))
	const steps = 40
	sum, weights := 0.0, 0.0
	for i := -steps; i <= steps; i++ {
		x := 4 * float64(i) / steps
		w := dsp.Exp(-float64(x*x) / 2)
		z := float64(out.Expected * dsp.Exp(bias+float64(spread*x)))
		sum += float64(w * normalCDF(z-need))
		weights += w
	}
	out.Power = sum / weights
}

// needed returns the score, 60 at most, from which on a copy's own part alone accuses it. level is
// the p of an accusation, corrected for the number of copies. Two p are tried, which counts also.
func needed(level float64, copies int) float64 {
	want := (dsp.Ln(level) - dsp.Ln(2*float64(max(copies, 1)))) / math.Ln10
	lo, hi := 0.0, 60.0
	for range 60 {
		if mid := (lo + hi) / 2; logFisher(mid, 0) > want {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

// normalCDF returns the probability that a standard normal variable is at most x, within
// 7.5e-8 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.2.17).
func normalCDF(x float64) float64 {
	if x < 0 {
		return 1 - normalCDF(-x)
	}
	t := 1 / (1 + float64(0.2316419*x))
	p := 0.0
	for _, c := range [...]float64{1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530} {
		p = float64(t * (c + p))
	}
	return 1 - float64(p*dsp.Exp(-float64(x*x)/2))/math.Sqrt(2*math.Pi)
}

// PresentLevel is the log10 p from which on a mark of any copy was there: wrong for one unmarked leak of a million.
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

// survival sets Survival. It compares the code of the strongest copy with what a mark of its strength would show. If the
// roundings of the leak's JPEG were read, they say what. Else the mark should have fared like strong detail of the
// original: blur, resizing, tone and light compression damage both alike. It measures nothing on small leaks whose
// roundings were not read. view gives the leak p in the frame. Of several keys, the key under which most is left counts.
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
	known := each.Map(issued, func(c Candidate) (uint64, bool) { return c.ID, true })
	out := make([]*code.Stream, 0, n)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("kycmark decoy"), s.sub[:]...), i))
		if id := binary.BigEndian.Uint64(sum[:]); !known[id] {
			out = append(out, s.kd.TracerStream(s.sub, id))
		}
	}
	return out
}
