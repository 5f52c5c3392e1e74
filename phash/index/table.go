package index

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"

	"github.com/kycmark/kycmark/internal/hamming"
)

var le = binary.LittleEndian

// A table is a band's index: for every value that the band's bits can have the
// numbers of the hashes with that value, ascending.
//
// The numbers of all hashes lie in lists, one value after another. Sixteen values share a block of 12 bytes: where
// their lists begin, 4 bytes, and the sixteen lengths, 4 bits each; 0.75 bytes a value instead of the 4 of plain
// offsets. If a list is longer than 15, the block is wide: its first word has the highest bit set and names a run of 17
// plain offsets in wide.
//
// Everything lies in bytes, in which the garbage collector finds no pointers.
type table struct {
	cut
	blocks []byte // 12 a block
	wide   []byte // 4 × 17 a wide block
	lists  []byte // idSize a hash, and idPad
	masks  []uint32
}

const (
	blockBits = 4 // of a value, which choose within a block
	blockLen  = 1 << blockBits
	blockSize = 4 + blockLen/2
	maxShort  = 15 // longest list of a block that is not wide
	wideFlag  = 1 << 31
	wideSize  = 4 * (blockLen + 1)
	idPad     = 16 // bytes that may be read beyond the last number
)

// A run is a part of the lists: where it begins, and from bit 32 on how many numbers it has.
type run = uint64

func runOf(start, n uint32) run { return uint64(start) | uint64(n)<<32 }

func spanOf(r run) (start, n uint32) { return uint32(r), uint32(r >> 32) }

// prefixed adds up the lengths in the nibbles of v.
func prefixed(v uint64) uint32 {
	const m = 0x0f0f0f0f0f0f0f0f
	return uint32(((v&m + v>>4&m) * 0x0101010101010101) >> 56)
}

// run returns the part of the lists that holds the numbers of the hashes with a value of the band. It may be empty.
func (t *table) run(value uint32) run {
	block := t.blocks[blockSize*int(value>>blockBits):][:blockSize]
	first, lengths := le.Uint32(block), le.Uint64(block[4:])
	k := value & (blockLen - 1)
	if first&wideFlag != 0 {
		offsets := t.wide[wideSize*int(first&^wideFlag)+4*int(k):][:8]
		start := le.Uint32(offsets)
		return runOf(start, le.Uint32(offsets[4:])-start)
	}
	return runOf(first+prefixed(lengths&(1<<(4*k)-1)), uint32(lengths>>(4*k))&maxShort)
}

// probe appends the non-empty lists of the values value^mask to runs[:n]. runs must have room for n+len(masks)+slack
// lists. It returns how many lists runs then has, and how many numbers the appended lists hold.
func (t *table) probe(value uint32, masks []uint32, runs []run, n int) (filled, numbers int) {
	for len(masks) > 0 {
		some, sum := masks, 0
		if whole := len(masks) &^ 7; hamming.AVX512 && whole > 0 {
			done := 0
			_ = runs[n+whole+slack-1]
			done, n, sum = probeAVX512(&t.blocks[0], value, &masks[0], whole, &runs[0], n)
			numbers += sum
			masks = masks[done:]
			some = masks[:min(8, len(masks))] // beside a wide block
		}
		n, sum = t.probeSome(value, some, runs, n)
		numbers += sum
		masks = masks[len(some):]
	}
	return n, numbers
}

// probeSome is probe without a kernel.
func (t *table) probeSome(value uint32, masks []uint32, runs []run, n int) (filled, numbers int) {
	sum := uint64(0)
	for _, m := range masks {
		r := t.run(value ^ m)
		runs[n] = r
		n += int((r>>32 + 1<<32 - 1) >> 32) // without a branch, which could not be foreseen
		sum += r >> 32
	}
	return n, int(sum)
}

// An idList reads the numbers of a segment's tables: 3 bytes each while they fit.
type idList struct {
	size int
	mask uint32
}

// idsUpTo returns how the numbers of a segment of n entries are stored.
func idsUpTo(n int) idList {
	if n < 1<<24 {
		return idList{3, 1<<24 - 1}
	}
	return idList{4, 1<<32 - 1}
}

func (l idList) at(lists []byte, i uint32) uint32 {
	return le.Uint32(lists[l.size*int(i):]) & l.mask
}

func (l idList) put(lists []byte, i, id uint32) {
	b := lists[l.size*int(i):][:l.size]
	b[0], b[1], b[2] = byte(id), byte(id>>8), byte(id>>16)
	if l.size == 4 {
		b[3] = byte(id >> 24)
	}
}

// gather copies the numbers of the runs of lists to ids, and returns how many they are. ids has room for four more.
// gather copies four at a time, as most runs are shorter and their lengths cannot be foreseen.
func (l idList) gather(lists []byte, runs []run, ids []uint32) int {
	if len(runs) > 0 && hamming.AVX512 {
		if l.size == 3 {
			return gather3AVX(&lists[0], &runs[0], len(runs), &ids[0])
		}
		return gather4AVX(&lists[0], &runs[0], len(runs), &ids[0])
	}
	n := 0
	for _, r := range runs {
		start, count := spanOf(r)
		from := l.size * int(start)
		for left := int(count); ; left -= 4 {
			b, to := lists[from:][:3*l.size+4], ids[n:][:4]
			to[0] = le.Uint32(b) & l.mask
			to[1] = le.Uint32(b[l.size:]) & l.mask
			to[2] = le.Uint32(b[2*l.size:]) & l.mask
			to[3] = le.Uint32(b[3*l.size:]) & l.mask
			if left <= 4 {
				n += left
				break
			}
			n += 4
			from += 4 * l.size
		}
	}
	return n
}

// forget overwrites the number id in the list of value. It writes a neighbour in the list, which a search then finds
// twice, or dead, a number that never counts. A list of more than maxForget numbers stays as it is: the value of so
// many hashes says little of one hash.
func (t *table) forget(l idList, value, id, dead uint32) {
	start, n := spanOf(t.run(value))
	if n > maxForget {
		return
	}
	at := func(i int) uint32 { return l.at(t.lists, start+uint32(i)) }
	lo := sort.Search(int(n), func(i int) bool { return at(i) >= id })
	hi := lo
	for hi < int(n) && at(hi) == id {
		hi++
	}
	by := dead
	if lo > 0 {
		by = at(lo - 1)
	} else if hi < int(n) {
		by = at(hi)
	}
	for ; lo < hi; lo++ {
		l.put(t.lists, start+uint32(lo), by)
	}
}

// Multi-index hashing (Norouzi, Punjani, Fleet, "Fast exact search in Hamming space with multi-index hashing", 2014)
// cuts a hash into bands. Each band has a threshold t, and the sum of t+1 over the bands is radius+1. If two hashes
// were beyond the threshold in every band, they would differ in radius+1 bits. So two hashes within radius bits are
// within the threshold of some band. A search looks up, in every band, the values within t bits of the query's value. A
// threshold of -1 leaves a band out.

// A cut is one band: width bits from bit from of the four words on.
type cut struct{ from, width int }

// planCuts returns the bands by which n hashes are found fastest within radius bits, or nil if a
// scan is faster. Tables that take over tableShare bytes a hash are not considered.
func planCuts(n, radius int) []cut {
	if n < minIndexed {
		return nil
	}
	best, lowest := 0, costScanned*float64(n)
	for b := (256 + maxWidth - 1) / maxWidth; b <= 256/minWidth; b++ {
		cuts := cutInto(b)
		size := 0
		for _, c := range cuts {
			size += blockSize << max(c.width-blockBits, 0)
		}
		if size > tableShare*n {
			continue
		}
		if cost, ok := expectedCost(cuts, thresholds(cuts, radius), n); ok && cost < lowest {
			best, lowest = b, cost
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

// thresholds returns the threshold of each band, -1 or more: radius+1 shared as evenly as possible,
// less 1. The rest goes to the first bands, which are narrower and have fewer values to look up.
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

// expectedCost returns the nanoseconds of a query among n evenly spread hashes, with threshold t[i]
// for cuts[i]. ok is false if a threshold is above maxFlips.
func expectedCost(cuts []cut, t []int, n int) (cost float64, ok bool) {
	for i, c := range cuts {
		if t[i] > maxFlips {
			return 0, false
		}
		probes := float64(ball(c.width, t[i]))
		cost += probes * (costProbe + costCandidate*float64(n)/float64(uint64(1)<<c.width))
	}
	return cost, true
}

// ball returns the number of values of w bits within t bits of a given value, 0 for a t of -1.
func ball(w, t int) int {
	sum, choose := 0, 1
	for i := range t + 1 {
		sum += choose
		choose = choose * (w - i) / (i + 1)
	}
	return sum
}

// flips lists all masks of w bits with at most t ones. Masks with fewer ones come first,
// so that the first ball(w, t') masks serve a smaller threshold t'. Masks with as many
// ones ascend: values beside each other lie beside each other in memory.
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

func (c cut) value(h *[4]uint64) uint32 {
	word, shift := c.from>>6, c.from&63
	v := h[word] >> shift
	if shift+c.width > 64 {
		v |= h[word+1] << (64 - shift)
	}
	return uint32(v & (1<<c.width - 1))
}
