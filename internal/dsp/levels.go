package dsp

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
)

// Levels are samples in 7 bits, 0 to MaxLevel: where many are added and compared, an
// eighth of the memory and of the time of floats.

// MaxLevel is the largest level.
const MaxLevel = 127

// ToLevels writes (src-low) times gain, rounded to a whole level, for each sample of dst. src may
// be longer than dst. The product must lie within 0 and MaxLevel: ToLevels does not cut it.
func ToLevels(dst []uint8, src []float32, low, gain float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = uint8(float32((src[i]-low)*gain) + 0.5)
	}
}

// SumLevels writes to dst[i] the sum of src[a+i] over the places a in at: of rows of levels that
// begin at these places. There must be an even number of places, 256 at most, which is not checked.
// It panics if a row of len(dst) levels does not lie in src.
func SumLevels(dst []int16, src []uint8, at []int) {
	if len(dst) == 0 {
		return
	}
	for _, a := range at {
		_ = src[a : a+len(dst)]
	}
	n := 0
	if len(at) > 0 {
		n = batched(len(dst), 64)
	}
	if n > 0 { // the last columns are done again if they are not sixty-four
		sumLevelsAVX2(&dst[0], &src[0], &at[0], len(at), n)
		if last := len(dst) - 64; n < len(dst) {
			sumLevelsAVX2(&dst[last], &src[last], &at[0], len(at), 64)
		}
		return
	}
	for ; n+8 <= len(dst); n += 8 {
		sumEight(dst[n:n+8:n+8], src[n:], at)
	}
	for ; n < len(dst); n++ {
		var sum int16
		for _, a := range at {
			sum += int16(src[a+n])
		}
		dst[n] = sum
	}
}

// sumEight is SumLevels of eight columns, from the first of src on: two levels add up in 8 bits,
// their sums in 16. A last odd place is left out.
func sumEight(dst []int16, src []uint8, at []int) {
	const low = 0x00FF00FF00FF00FF
	var even, odd uint64
	for ; len(at) >= 2; at = at[2:] {
		v := binary.LittleEndian.Uint64(src[at[0]:]) + binary.LittleEndian.Uint64(src[at[1]:])
		even += v & low
		odd += v >> 8 & low
	}
	for i := range 4 {
		dst[2*i], dst[2*i+1] = int16(even>>(16*i)), int16(odd>>(16*i))
	}
}

// RankLanes is the number of columns that Ranks works on.
const RankLanes = 16

// Ranks returns the k-th smallest number of each of RankLanes columns, k from 0. x has rows of
// RankLanes numbers of 0 to 4095 and is not changed. A k beyond the rows gives 4095. The result is
// found bit by bit: the largest number that at most k numbers are smaller than.
func Ranks(x []int16, k int) (out [RankLanes]int16) {
	if rows := len(x) / RankLanes; avx2 && rows > 0 && rows <= math.MaxInt16 {
		ranksAVX2(&out[0], &x[0], rows, k)
		return out
	}
	var below [RankLanes]int32
	for bit := int16(2048); bit > 0; bit >>= 1 {
		clear(below[:])
		for row := x; len(row) >= RankLanes; row = row[RankLanes:] {
			for i, v := range row[:RankLanes] {
				below[i] += int32(uint32(int32(v)-int32(out[i]|bit)) >> 31)
			}
		}
		for i, n := range below {
			if n <= int32(k) {
				out[i] |= bit
			}
		}
	}
	return out
}

// Above sets bit i of set, counted from the lowest of set[0], if x[i] exceeds limit[i], and clears
// all other bits of set. set must have a bit and limit a number for each number of x.
func Above(set []uint64, x, limit []int16) {
	limit = limit[:len(x)]
	n := batched(len(x), 64)
	if len(x) > 0 {
		_ = set[(len(x)-1)/64]
	}
	if n > 0 {
		aboveAVX2(&set[0], &x[0], &limit[0], n)
	}
	clear(set[n/64:])
	for i := n; i < len(x); i++ {
		if x[i] > limit[i] {
			set[i/64] |= 1 << (i % 64)
		}
	}
}

// SetBits returns the numbers of the bits that are set, in rising order: bit 64 is the lowest of set[1].
func SetBits(set []uint64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range set {
			for ; w != 0; w &= w - 1 {
				if !yield(64*i + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
