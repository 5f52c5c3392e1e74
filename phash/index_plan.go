package phash

import (
	"cmp"
	"math/bits"
	"slices"
)

// Multi-index hashing (Norouzi, Punjani, Fleet, "Fast exact search in Hamming
// space with multi-index hashing", 2014) cuts a hash into bands. If two hashes
// are within radius bits, then for any thresholds t of the bands with
// sum(t+1) = radius+1 there is a band in which they differ in at most t bits: were
// all bands beyond their thresholds, the hashes would differ in sum(t+1) bits. So
// it is enough to look up, in every band, the values within t bits of the
// query's. A threshold of -1 leaves a band out.

// A cut is one band: width bits from bit from of the four words on.
type cut struct{ from, width int }

const (
	minIndexed = 4096 // fewer hashes are scanned in less time than tables are read
	maxFlips   = 4    // greatest threshold of a band that is looked up
	minWidth   = 10   // least number of bits of a band
	maxWidth   = 30   // greatest: a table of 2^30 values is 0.8 GB
)

// Nanoseconds, one core of a server with the tables in huge pages: what decides
// between ways to the same result, and nothing else.
const (
	costProbe     = 9.0  // of looking up one value of a band
	costCandidate = 12.0 // of fetching and comparing a hash found in a table
	costScanned   = 1.3  // of comparing a hash in a scan
)

// tableShare is how many bytes a hash the tables may take beside the lists.
const tableShare = 32

// planCuts returns the bands in which n hashes are found fastest within radius, or
// none where a scan is faster.
func planCuts(n, radius int) []cut {
	if n < minIndexed {
		return nil
	}
	best, least := 0, costScanned*float64(n)
	for b := (256 + maxWidth - 1) / maxWidth; b <= 256/minWidth; b++ {
		cuts := cutInto(b)
		size := 0
		for _, c := range cuts {
			size += blockSize << max(c.width-blockBits, 0)
		}
		if size > tableShare*n {
			continue
		}
		if cost, ok := expectedCost(cuts, thresholds(cuts, radius), n); ok && cost < least {
			best, least = b, cost
		}
	}
	if best == 0 {
		return nil
	}
	return cutInto(best)
}

// cutInto cuts the 256 bits into b bands, the wider ones last.
func cutInto(b int) []cut {
	cuts := make([]cut, b)
	from := 0
	for i := range cuts {
		width := (256 + i) / b
		cuts[i] = cut{from, width}
		from += width
	}
	return cuts
}

// thresholds shares radius+1 among the bands as evenly as it goes; what is left
// goes to the narrower ones, which have fewer values to look up.
func thresholds(cuts []cut, radius int) []int {
	t := make([]int, len(cuts))
	for i := range t {
		t[i] = (radius+1)/len(cuts) - 1
		if i < (radius+1)%len(cuts) {
			t[i]++
		}
	}
	return t
}

// expectedCost is that of a query among n evenly spread hashes; false if it would
// flip more bits than it may.
func expectedCost(cuts []cut, t []int, n int) (float64, bool) {
	cost := 0.0
	for i, c := range cuts {
		if t[i] > maxFlips {
			return 0, false
		}
		probes := float64(ball(c.width, t[i]))
		cost += probes * (costProbe + costCandidate*float64(n)/float64(uint64(1)<<c.width))
	}
	return cost, true
}

// ball is the number of values of w bits within t bits of one.
func ball(w, t int) int {
	sum, choose := 0, 1
	for i := range t + 1 {
		sum += choose
		choose = choose * (w - i) / (i + 1)
	}
	return sum
}

// flips lists all masks of w bits with at most t ones: fewer ones first, so that
// any smaller threshold's are the first ball(w, t) of them; then in ascending
// order, for values beside each other lie beside each other in memory.
func flips(w, t int) []uint32 {
	all := make([]uint32, 0, ball(w, t))
	all = append(all, 0)
	last := all
	for range t {
		var next []uint32
		for _, m := range last {
			for k := bits.Len32(m); k < w; k++ {
				next = append(next, m|1<<k)
			}
		}
		slices.SortFunc(next, cmp.Compare)
		all = append(all, next...)
		last = next
	}
	return all
}

// value is the band's part of a hash.
func (c cut) value(h *[4]uint64) uint32 {
	word, shift := c.from>>6, c.from&63
	v := h[word] >> shift
	if shift+c.width > 64 {
		v |= h[word+1] << (64 - shift)
	}
	return uint32(v & (1<<c.width - 1))
}
