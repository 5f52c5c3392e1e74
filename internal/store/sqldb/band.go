package sqldb

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/kycmark/kycmark/phash"
)

// Submissions are found by multi-index hashing (Norouzi, Punjani, Fleet, "Fast exact search
// in Hamming space with multi-index hashing", 2014), as in package phash. The 256 bits of
// the area hash are cut into 16 bands of 16 bits. If two hashes are within maxRadius bits,
// they differ in at most one bit in some band. A difference of two bits in every band would
// already be maxRadius+1 bits. In each band the lookup therefore covers the query's value
// and all values that differ from it in one bit: 272 values in all.
//
// Each value has a list of entries. An entry holds the number of a submission and a part of
// its hash. The part is long enough that almost no candidate is fetched by chance. A query
// among 10 million submissions looks up 41,500 entries and fetches 12 candidates by chance
// (P(Bin(96, 1/2) <= 31) = 3 in 10,000).

// searched is the kind of hash that the bands are of.
const searched = phash.Area

// bandScheme numbers the way in which hashes are cut and entries are laid out. The database
// stores the number, and every other scheme must get another number.
const bandScheme = 1

const (
	bandCount = 16
	bandBits  = 16
	bandFlips = 1
	maxRadius = phash.MatchRadius // bits
)

// An entry is entryBytes bytes, little endian: entryBands bands of a hash, from that on
// in whose list it stands, the last followed by the first; and the submission's
// number, from that of the first of the segment on, in 4 bytes.
const (
	entryBands = 7
	entryBytes = 2*entryBands + 4
	seqSpan    = 1 << 32 // numbers of a segment
)

// bandOf returns band i of a hash. Bit k of a hash is bit k%64, from the least, of its
// word k/64.
func bandOf(h *phash.Hash, i int) uint16 {
	return uint16(h.Bits[i/4] >> (bandBits * (i % 4)))
}

// A window is the bands that the entries in the lists of one band hold: four in the
// first word, three in the low bits of the second.
type window [2]uint64

const windowMask = 1<<(3*bandBits) - 1

// windowOf returns the first entryBands (7) bands of h from band i (0..15) on; band 0 follows
// band 15. The other bits of the window are 0.
func windowOf(h *phash.Hash, i int) window {
	word, shift := i/4, bandBits*(i%4)
	next := h.Bits[(word+1)%4]
	w := window{h.Bits[word]>>shift | next<<(64-shift), next >> shift}
	if shift > 0 {
		w[1] |= h.Bits[(word+2)%4] << (64 - shift)
	}
	w[1] &= windowMask
	return w
}

// appendEntry appends the entry of a submission to to: entryBytes bytes. offset is the number of
// the submission minus the number of the first submission of the segment.
func (w window) appendEntry(to []byte, offset uint32) []byte {
	to = binary.LittleEndian.AppendUint64(to, w[0])
	to = binary.LittleEndian.AppendUint64(to, w[1]|uint64(offset)<<(3*bandBits))
	return binary.LittleEndian.AppendUint16(to, uint16(offset>>16))
}

// readEntry reads the entry in the first entryBytes bytes of b, which [window.appendEntry]
// wrote. b must not be shorter.
func readEntry(b []byte) (w window, offset uint32) {
	return window{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]) & windowMask},
		binary.LittleEndian.Uint32(b[entryBytes-4:])
}

// near reports whether the submission of the entry e may lie within radius bits of w's hash. w
// and e must begin with the same band, which may differ in bandFlips bits. All 7 bands together
// may differ in radius bits. The other bands of the hash are unknown, so the caller must compare
// the whole hash.
func (w window) near(e window, radius int) bool {
	x := w[0] ^ e[0]
	return bits.OnesCount16(uint16(x)) <= bandFlips && bits.OnesCount64(x)+bits.OnesCount64(w[1]^e[1]) <= radius
}

// pieces is what is known of a hash.
type pieces struct{ bits, known [4]uint64 }

// add adds what the entry e, from a list of band i (0..15), shows of a hash: 7 bands from band i
// on; band 0 follows band 15. Bands that are already known must be equal, since add only sets
// bits.
func (p *pieces) add(i int, e window) {
	for k := range entryBands {
		at, shift := (i+k)/4%4, bandBits*((i+k)%4)
		p.bits[at] |= e[k/4] >> (bandBits * (k % 4)) & (1<<bandBits - 1) << shift
		p.known[at] |= (1<<bandBits - 1) << shift
	}
}

// distance returns how many of the known bits differ from the bits of h. Unknown bits count as
// equal.
func (p *pieces) distance(h *phash.Hash) (d int) {
	for i, w := range h.Bits {
		d += bits.OnesCount64((p.bits[i] ^ w) & p.known[i])
	}
	return d
}

// searchable returns the hash by which submission number seq is found. area is the text form of
// its area hash, "" if sealed or erased; quality is the hash's quality, 0 to 100. ok is false,
// without an error, if area is "" or quality is below [phash.MinQuality]. A malformed hash, or a
// hash of another kind, is an error. The error names seq and wraps no error of package books.
func searchable(seq int64, area string, quality int) (h phash.Hash, ok bool, err error) {
	if area == "" || quality < phash.MinQuality {
		return h, false, nil
	}
	if h, err = phash.Parse(area); err == nil && h.Kind != searched {
		err = fmt.Errorf("a hash of kind %s, not %s", h.Kind, searched)
	}
	if err != nil {
		return h, false, fmt.Errorf("submission number %d: %w", seq, err)
	}
	return h, true, nil
}

// A place is a value of a band: 4 bits of the band, 16 of the value. Lists are made
// in the order of places.
type place int64

const endPlace place = bandCount << bandBits

// placeOf returns the place of a value of band i.
func placeOf(i int, value uint16) place { return place(i)<<bandBits | place(value) }

// band returns the band of a place.
func (p place) band() int { return int(p >> bandBits) }
