package code

import (
	"github.com/kycmark/kycmark/internal/dsp"
	"math"
	"math/bits"
)

// The error-correcting code of the payload is the convolutional code of constraint length 9 and rate 1/3 with the
// generators 557, 663 and 711 octal. It has the maximal free distance, 18 (Larsen 1973). Eight zero bits end it. It is
// decoded from soft values by the parallel list Viterbi algorithm (Seshadri and Sundberg, "List Viterbi decoding
// algorithms with applications", 1994).
const (
	// Tail is the number of zero bits that end a message.
	Tail       = 8
	states     = 1 << Tail
	outputs    = 3
	negligible = -math.MaxFloat32
)

var generators = [outputs]uint{0o557, 0o663, 0o711}

// CodedLen returns the number of coded bits of an n-bit message: three for each bit of the message and of the tail.
func CodedLen(n int) int { return outputs * (n + Tail) }

// Encode returns the coded message as values +1 (bit 0) and -1 (bit 1), CodedLen(len(message)) of
// them. Of each byte of message, which holds one bit, the lowest bit counts.
func Encode(message []uint8) []float32 {
	out := make([]float32, 0, CodedLen(len(message)))
	reg := uint(0)
	for i := range len(message) + Tail {
		reg = reg << 1 & (2*states - 1)
		if i < len(message) {
			reg |= uint(message[i] & 1)
		}
		for _, g := range generators {
			out = append(out, 1-2*float32(bits.OnesCount(reg&g)&1))
		}
	}
	return out
}

// Decode returns up to list messages of n bits, the likeliest first, one bit a byte. soft has the soft value of every
// coded bit: positive for +1, its size the confidence. It does not say how likely a message is; any soft values give
// messages. It panics if soft has not CodedLen(n) values, or list is not 1 to 255.
func Decode(soft []float32, n, list int) [][]uint8 {
	steps := n + Tail
	if len(soft) != outputs*steps || list < 1 || list > 255 {
		panic("code: wrong number of soft values or list size")
	}
	d := newDecoder(steps, list)
	for t := range steps {
		d.step(t, soft[outputs*t:outputs*t+outputs], t >= n)
	}
	var out [][]uint8
	for k := range list {
		if d.metric[k] > negligible/2 { // state 0
			out = append(out, d.traceback(k)[:n])
		}
	}
	return out
}

// decoder keeps, for each state, the list best paths into it; a path is the predecessor's upper bit and its rank there.
type decoder struct {
	list, steps  int
	metric, next []float32 // [state][rank]
	from         []uint8   // [step][state][rank]: upper bit of the predecessor
	rank         []uint8
	sign         [2 * states][outputs]float32
}

// newDecoder returns a decoder of that many steps, one a bit, that keeps the list best paths
// into each state. At first only state 0 has a path.
func newDecoder(steps, list int) *decoder {
	d := &decoder{list: list, steps: steps, metric: make([]float32, states*list), next: make([]float32, states*list),
		from: make([]uint8, steps*states*list), rank: make([]uint8, steps*states*list)}
	for i := range d.metric {
		d.metric[i] = negligible
	}
	d.metric[0] = 0
	for reg := range d.sign {
		for j, g := range generators {
			d.sign[reg][j] = 1 - 2*float32(bits.OnesCount(uint(reg)&g)&1)
		}
	}
	return d
}

// step extends every path by bit t, from 0 on, given the soft values of its three coded bits. In
// the tail, which has zeros only, it extends by zeros. Steps must come in order.
func (d *decoder) step(t int, soft []float32, tail bool) {
	branch := func(reg int) float32 {
		s := &d.sign[reg]
		return float32(s[0]*soft[0]) + float32(s[1]*soft[1]) + float32(s[2]*soft[2])
	}
	for s := range states {
		out := d.next[s*d.list : (s+1)*d.list]
		if tail && s&1 == 1 {
			for k := range out {
				out[k] = negligible
			}
			continue
		}
		lo, hi := s>>1, s>>1|states/2
		d.merge(t, s, out, lo, hi, branch(s), branch(s|states))
	}
	d.metric, d.next = d.next, d.metric
}

// merge writes to out the metrics of the best paths into state s at step t, best first, and records
// where each came from. The paths come from the states lo and hi, whose lists are sorted. blo and
// bhi are what the step adds to paths from lo and from hi.
func (d *decoder) merge(t, s int, out []float32, lo, hi int, blo, bhi float32) {
	a, b := d.metric[lo*d.list:(lo+1)*d.list], d.metric[hi*d.list:(hi+1)*d.list]
	at := (t*states + s) * d.list
	i, j := 0, 0
	for k := range out {
		if va, vb := a[i]+blo, b[j]+bhi; va >= vb {
			out[k], d.from[at+k], d.rank[at+k] = va, 0, uint8(i)
			i++
		} else {
			out[k], d.from[at+k], d.rank[at+k] = vb, 1, uint8(j)
			j++
		}
		out[k] = max(out[k], negligible)
	}
}

// traceback returns the bits, one a byte, of the path of rank k, 0 the best, that ends in state 0,
// the tail included. All steps must have been done.
func (d *decoder) traceback(k int) []uint8 {
	out := make([]uint8, d.steps)
	s := 0
	for t := d.steps - 1; t >= 0; t-- {
		out[t] = uint8(s & 1)
		at := (t*states+s)*d.list + k
		k = int(d.rank[at])
		s = s>>1 | int(d.from[at])*states/2
	}
	return out
}

// LnMean returns the natural logarithm of the mean of exp(scale sum soft c) over the codewords c
// (+1 and -1) of all messages, each equally likely: a forward pass through the trellis. soft has
// the length of a codeword, the tail included. It is what chance gives in a likelihood ratio.
func LnMean(soft []float64, scale float64) float64 {
	steps := len(soft) / outputs
	var sign [2 * states][outputs]float64
	for reg := range sign {
		for j, g := range generators {
			sign[reg][j] = 1 - 2*float64(bits.OnesCount(uint(reg)&g)&1)
		}
	}
	var now, next [states]float64
	now[0] = 1
	ln := 0.0
	for t := range steps {
		s := soft[outputs*t : outputs*t+outputs]
		var factor [1 << outputs]float64 // by the signs of the three outputs
		for k := range factor {
			x := 0.0
			for j, v := range s {
				x += float64((1 - 2*float64(k>>j&1)) * v)
			}
			factor[k] = dsp.Exp(float64(scale * x))
		}
		total := 0.0
		for st := range states {
			next[st] = 0
			if t >= steps-Tail && st&1 == 1 {
				continue
			}
			for _, reg := range [2]int{st, st | states} {
				k := 0
				for j, v := range sign[reg] {
					if v < 0 {
						k |= 1 << j
					}
				}
				p := float64(now[reg>>1] * factor[k])
				if t < steps-Tail {
					p /= 2
				}
				next[st] += p
			}
			total += next[st]
		}
		for st := range next {
			now[st] = next[st] / total
		}
		ln += dsp.Ln(total)
	}
	return ln
}
