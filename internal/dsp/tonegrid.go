package dsp

import "slices"

// A ToneGrid sums a few tones at all places of an n x n grid. This is the transform of a spectrum that is zero except
// at the tones, without the work for the zeros. A ToneGrid is immutable and safe for concurrent use.
type ToneGrid struct {
	fft    *fft
	order  []int          // of the tones: the tones of a first butterfly follow each other
	counts []int          // tones of each first butterfly
	leg    [][4]complex64 // what each tone, in order, is to the results of its butterfly
	turns  []complex64    // of a batch of columns after the other: each tone, in order, in each column
}

// ColumnBatch is the number of columns that a ToneGrid sums at once.
const ColumnBatch = batch

// NewToneGrid readies one tone or more on a grid of n x n places. at has the tones in whole cycles (x, y) a grid,
// negative if they run the other way. n is a power of 4 from 16 on. Amplitudes are given later, to EachColumns.
func NewToneGrid(n int, at [][2]int) *ToneGrid {
	circle := make([]complex64, n)
	for i := range circle {
		circle[i] = conjugateTurn(float64(i) / float64(n))
	}
	g := &ToneGrid{fft: newFFT(n), counts: make([]int, n/4), turns: make([]complex64, 0, n*len(at))}
	for k := range at {
		g.order = append(g.order, k)
	}
	first := func(k int) int { return at[k][1] & (n/4 - 1) }
	slices.SortStableFunc(g.order, func(a, b int) int { return first(a) - first(b) })
	for _, k := range g.order {
		g.counts[first(k)]++
		var leg [4]complex64
		for j := range leg {
			leg[j] = circle[j*at[k][1]&(n-1)]
		}
		g.leg = append(g.leg, leg)
	}
	for x := range n / batch {
		for _, k := range g.order {
			for i := range batch {
				g.turns = append(g.turns, circle[at[k][0]*(x*batch+i)&(n-1)])
			}
		}
	}
	return g
}

// EachColumns calls each for each ColumnBatch columns, from left to right. x is the first of these columns. sums has n
// rows of ColumnBatch numbers: the sums of c exp(-2 pi i (tone x, y)/n) over the tones. They hold until each returns. c
// has the amplitudes in the order of NewToneGrid. tmp is scratch space for 2 n ColumnBatch numbers.
func (g *ToneGrid) EachColumns(c, tmp []complex64, each func(x int, sums []complex64)) {
	n := g.fft.n
	legs := make([][4]complex64, len(g.leg))
	for i, k := range g.order {
		for j, w := range g.leg[i] {
			legs[i][j] = mul(c[k], w)
		}
	}
	buf, tmp := tmp[:batch*n], tmp[batch*n:2*batch*n]
	for x := range n / batch {
		sparse4(buf, g.turns[x*batch*len(legs):(x+1)*batch*len(legs)], legs, g.counts)
		each(x*batch, g.fft.runFrom(1, buf, tmp, batch))
	}
}

// sparse4 is the first stage of radix 4 on a batch of columns, written to dst. The four results of
// a butterfly are the sums, over its tones, of the tone's turn in each column times its leg. counts
// has the number of tones of each butterfly; legs and turns follow each other in that order.
func sparse4(dst, turns []complex64, legs [][4]complex64, counts []int) {
	if avx2 {
		_, _ = dst[4*len(counts)*batch-1], turns[len(legs)*batch-1]
		sparse4AVX2(&dst[0], &turns[0], &legs[0][0], &counts[0], len(counts))
		return
	}
	for p, n := range counts {
		out := dst[4*batch*p : 4*batch*(p+1)]
		clear(out)
		for _, leg := range legs[:n] {
			for j, c := range leg {
				for i, t := range turns[:batch] {
					out[j*batch+i] += mul(t, c)
				}
			}
			turns = turns[batch:]
		}
		legs = legs[n:]
	}
}
