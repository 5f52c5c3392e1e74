package code

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Book is the messages of the IDs that were issued under a key. With it a mark is read that is too faint for [Decode]:
// only these messages are compared with the soft bits, not all 2^96. It is immutable and safe for concurrent use.
type Book struct{ messages []message }

// A message is the 96 bits of an ID's message: first its bits 0 to 63, then its bits 40 to 95 and the tail.
type message [2]uint64

// The sums of a message's code are looked up for bookStep bits at a time. They depend on Tail bits
// before these. 4096 sums of a table stay in a processor's first cache.
const (
	bookStep  = 4
	bookBits  = Tail + bookStep
	bookTable = 1 << bookBits
	bookSteps = (MessageN + Tail) / bookStep
	bookBlock = 2048 // messages whose sums are added up together: 8 kB
)

// NewBook returns the book of IDs, each taken once. It takes about 2.5 seconds of processor time and 16 MB for 10^6 IDs
// (BenchmarkBook).
func (p Payload) NewBook(ids []uint64) *Book {
	b := &Book{make([]message, len(ids))}
	dsp.Parallel(len(ids), func(from, to int) {
		own := p.hashes()
		for i := from; i < to; i++ {
			id, sum := own.permute(ids[i]), own.sum(ids[i])
			b.messages[i] = message{id, id<<(SumBits+Tail) | uint64(sum)<<Tail}
		}
	})
	slices.SortFunc(b.messages, func(a, b message) int { return cmp.Compare(a[0], b[0]) }) // equal leading bits: fewer cache misses
	b.messages = slices.Compact(b.messages)
	return b
}

func (b *Book) Len() int { return len(b.messages) }

// A Score is a message of a book, one bit a byte, and the sum of its code's signs times the soft bits.
type Score struct {
	Message []uint8
	Sum     float64
}

// Above returns the messages whose code has a sum of bar or more with soft, CodedN soft bits: the largest sum first.
func (b *Book) Above(soft []float64, bar float64) []Score {
	tables := bookTables(soft)
	blocks := (len(b.messages) + bookBlock - 1) / bookBlock
	found := make([][]message, blocks)
	low := float32(bar - 1e-3*math.Abs(bar)) // sums of float32: those kept are summed again
	dsp.Parallel(blocks, func(from, to int) {
		var sums [bookBlock]float32
		for k := from; k < to; k++ {
			block := b.messages[k*bookBlock : min((k+1)*bookBlock, len(b.messages))]
			tables.add(&sums, block)
			for i, s := range sums[:len(block)] {
				if s >= low {
					found[k] = append(found[k], block[i])
				}
			}
		}
	})
	var out []Score
	for _, m := range slices.Concat(found...) {
		word := m.bits()
		if sum := codeSum(word, soft); sum >= bar {
			out = append(out, Score{word, sum})
		}
	}
	slices.SortStableFunc(out, func(a, b Score) int { return cmp.Compare(b.Sum, a.Sum) })
	return out
}

// ListedPFA is the probability, at most, that a picture without a mark of the key shows a message of the book. It holds
// for books of any size, and for any number of places that are looked at.
const ListedPFA = 1e-9

// bookCorrelations are the correlations at which a mark is expected that is read with a book. Without one they begin at MinCorrelation.
var bookCorrelations = [...]float64{.25, .35, .45}

// A Shown is a message that soft bits show beyond chance.
type Shown struct {
	Score
	LogPFA float64 // log10 P(a picture without a mark shows any message of the book so well), all looks included
}

// Shown returns the messages of the book that soft bits of unit norm show with a LogPFA of ListedPFA at most, the
// clearest first. The reciprocals of times must add up to 1 at most over all looks at one picture.
//
// For the sum s of a message the e-value is the mean over l of exp(l s)/M(l). M(l) is the mean of exp(l s) over
// all messages, which the scrambling makes equally likely. The mean of the e-value is 1 for a message that is not
// there, so it exceeds 1/p with probability p at most (Markov). That is divided by the number of messages and by times.
func (b *Book) Shown(soft []float64, times float64) []Shown { return b.shown(soft, times, ListedPFA) }

// shown is Shown at another level than ListedPFA.
func (b *Book) shown(soft []float64, times, level float64) []Shown {
	if len(b.messages) == 0 {
		return nil
	}
	var l, lnM [len(bookCorrelations)]float64
	for i, r := range bookCorrelations {
		l[i] = float64(math.Sqrt(CodedN)*r) / (1 - float64(r*r))
		lnM[i] = LnMean(soft, l[i])
	}
	penalty := dsp.Ln(float64(len(b.messages))) + dsp.Ln(times)
	logPFA := func(sum float64) float64 {
		e := 0.0
		for i := range l {
			e += dsp.Exp(float64(l[i]*sum) - lnM[i] - penalty)
		}
		return -dsp.Ln(e/float64(len(l))) / math.Ln10
	}
	bar, enough := math.Sqrt(CodedN), math.Log10(level)
	for low := 0.0; bar-low > 1e-6; { // the lowest sum that is enough
		if mid := (low + bar) / 2; logPFA(mid) <= enough {
			bar = mid
		} else {
			low = mid
		}
	}
	var out []Shown
	for _, s := range b.Above(soft, bar) {
		if p := logPFA(s.Sum); p <= enough {
			out = append(out, Shown{s, p})
		}
	}
	return out
}

// bits returns the message one bit a byte, in the order of [Payload.Encode].
func (m message) bits() []uint8 {
	out := make([]uint8, 0, MessageN)
	for _, b := range binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, m[0]), uint32(m[1]>>Tail)) {
		for i := 7; i >= 0; i-- {
			out = append(out, b>>i&1)
		}
	}
	return out
}

// sumTables has for each group of bookStep bits what these and the Tail bits before add to the sum of a message's code.
type sumTables [bookSteps][bookTable]float32

func bookTables(soft []float64) *sumTables {
	t := new(sumTables)
	for j := range t {
		var step [bookStep][2 * states]float32
		for k := range step {
			for reg := range step[k] {
				for o, g := range generators {
					v := float32(soft[outputs*(bookStep*j+k)+o])
					if bits.OnesCount(uint(reg)&g)&1 == 1 {
						v = -v
					}
					step[k][reg] += v
				}
			}
		}
		for i := range t[j] {
			for k := range step {
				t[j][i] += step[k][i>>(bookStep-1-k)&(2*states-1)]
			}
		}
	}
	return t
}

// add sets sums to the sums of the messages of a block.
func (t *sumTables) add(sums *[bookBlock]float32, block []message) {
	clear(sums[:len(block)])
	for j := range t {
		// The index ends with the bit before (j+1)*bookStep of the message.
		word, right := 0, 64-bookStep*(j+1)
		if right < 0 {
			word, right = 1, MessageN+Tail-bookStep*(j+1)
		}
		for i, m := range block {
			sums[i] += t[j][m[word]>>right&(bookTable-1)]
		}
	}
}
