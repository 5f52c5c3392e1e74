package dsp

import (
	"math"
	"slices"
)

// A Tone is a spatial frequency in cycles a sample.
type Tone struct{ X, Y float64 }

// toneBlock tones are summed together.
const toneBlock = 16

// ToneCells returns the sums of z exp(-2 pi i f.x) over cells of cw x ch samples, for each tone of f. x counts from
// (x0, y0), the place of z's first sample, so that phases fit a larger plane. There are nx x ny cells, at least one
// each way: the last of a row or column takes what is left. c has them row by row, len(f) numbers each.
func ToneCells(z Plane, x0, y0 int, f []Tone, cw, ch int) (c []complex64, nx, ny int) {
	nx, ny = max(1, z.W/cw), max(1, z.H/ch)
	c = make([]complex64, nx*ny*len(f))
	blocks := (len(f) + toneBlock - 1) / toneBlock
	circle := newCircle(f)
	waves := make([][]float32, blocks)
	for b := range waves {
		waves[b] = circle.samples(f[b*toneBlock:min(len(f), (b+1)*toneBlock)], x0, z.W, false)
	}
	Parallel(ny, func(from, to int) {
		for j := from; j < to; j++ {
			end := (j + 1) * ch
			if j == ny-1 {
				end = z.H
			}
			for b := range waves {
				part := f[b*toneBlock : min(len(f), (b+1)*toneBlock)]
				turns := circle.samples(part, y0+j*ch, end-j*ch, true)
				for i := range nx {
					right := (i + 1) * cw
					if i == nx-1 {
						right = z.W
					}
					var sum [2 * toneBlock]float32
					toneRows(&sum, z.Pix[j*ch*z.W+i*cw:], z.W, right-i*cw, end-j*ch, waves[b][2*toneBlock*i*cw:], turns)
					for k := range part {
						c[(j*nx+i)*len(f)+b*toneBlock+k] = complex(sum[k], sum[toneBlock+k])
					}
				}
			}
		}
	})
	return c, nx, ny
}

// toneRows adds to sum the sums of a block of tones over rows of width samples of src, which lie stride floats apart. sum
// has toneBlock real parts and then as many imaginary parts, as wave has for each column and turn for each row. The samples
// of a row are multiplied by wave and summed, even and odd columns apart. That sum is multiplied by the turn of the row.
func toneRows(sum *[2 * toneBlock]float32, src []float32, stride, width, rows int, wave, turn []float32) {
	if avx2 && width > 0 && rows > 0 {
		_, _, _ = src[(rows-1)*stride+width-1], wave[2*toneBlock*width-1], turn[2*toneBlock*rows-1]
		toneRowsAVX2(&sum[0], &src[0], stride, width, rows, &wave[0], &turn[0], 2*toneBlock)
		return
	}
	for y := range rows {
		var even, odd [2 * toneBlock]float32
		for x, v := range src[y*stride : y*stride+width] {
			acc := &even
			if x&1 == 1 {
				acc = &odd
			}
			for k, w := range (*[2 * toneBlock]float32)(wave[2*toneBlock*x:]) {
				acc[k] += float32(v * w)
			}
		}
		t := (*[2 * toneBlock]float32)(turn[2*toneBlock*y:])
		for k := range toneBlock {
			re, im := even[k]+odd[k], even[k+toneBlock]+odd[k+toneBlock]
			tr, ti := t[k], t[k+toneBlock]
			sum[k] += float32(re*tr) - float32(im*ti)
			sum[k+toneBlock] += float32(re*ti) + float32(im*tr)
		}
	}
}

// A circle gives cosines and sines. If all frequencies are multiples of 1/circleSteps, as the
// frequencies of a mark in place are, it looks them up; else table is nil.
type circle struct {
	table []complex64
}

const circleSteps = 1024

// newCircle returns a circle with a table if all frequencies of f are multiples of 1/circleSteps
// within ±1, and else one without, which computes each wave.
func newCircle(f []Tone) circle {
	for _, t := range f {
		if x, y := float64(t.X*circleSteps), float64(t.Y*circleSteps); x != math.Floor(x) || y != math.Floor(y) || math.Abs(x) > circleSteps || math.Abs(y) > circleSteps {
			return circle{}
		}
	}
	c := circle{make([]complex64, circleSteps)}
	for i := range c.table {
		c.table[i] = conjugateTurn(float64(i) / circleSteps)
	}
	return c
}

func conjugateTurn(turns float64) complex64 {
	c, s := Cis(turns)
	return complex(float32(c), float32(-s))
}

// samples returns exp(-2 pi i f p) at n places p from start on, for up to toneBlock tones f: for their X or, if vertical is
// set, their Y. A place has toneBlock real parts, then as many imaginary parts, which are zero beyond the last tone.
func (c circle) samples(f []Tone, start, n int, vertical bool) []float32 {
	out := make([]float32, 2*toneBlock*n)
	for k, t := range f {
		q := t.X
		if vertical {
			q = t.Y
		}
		if c.table == nil {
			wave(out[k:], q, start, n)
			continue
		}
		step := int(float64(q * circleSteps))
		for p := range n {
			v := c.table[step*(start+p)&(circleSteps-1)]
			out[2*toneBlock*p+k], out[2*toneBlock*p+toneBlock+k] = real(v), imag(v)
		}
	}
	return out
}

// waveStep places of a wave follow from one of them by multiplication.
const waveStep = 32

// wave writes exp(-2 pi i q p) to out at n places p from start on, q in cycles a place. The real parts lie 2 toneBlock
// floats apart from the first float on, the imaginary parts toneBlock floats behind.
func wave(out []float32, q float64, start, n int) {
	var fine [waveStep][2]float64
	for i := range fine {
		fine[i][0], fine[i][1] = Cis(float64(q * float64(i)))
	}
	for p := 0; p < n; p += waveStep {
		c, s := Cis(float64(q * float64(start+p)))
		for i := range min(waveStep, n-p) {
			at, a, b := 2*toneBlock*(p+i), fine[i][0], fine[i][1]
			out[at] = float32(float64(c*a) - float64(s*b))
			out[at+toneBlock] = float32(-float64(c*b) - float64(s*a))
		}
	}
}

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
			legs[i][j] = Mul(c[k], w)
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
					out[j*batch+i] += Mul(t, c)
				}
			}
			turns = turns[batch:]
		}
		legs = legs[n:]
	}
}
