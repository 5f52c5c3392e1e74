package sqldb

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/phash"
)

// Submissions are found by multi-index hashing (Norouzi, Punjani, Fleet, "Fast exact
// search in Hamming space with multi-index hashing", 2014), as in package phash: the
// 256 bits of the area hash are cut into bands, and table band has, for each, a row of
// its value. If two hashes are within maxRadius bits then in some band they differ in
// no more bits than its flips: were all bands beyond, they would differ in
// sum(flips+1) = maxRadius+1 bits. So it is enough to look up the values within flips
// of the query's: 2,843 of them.

// searched is the kind of hash that the bands are of.
const searched = phash.Area

// bandScheme numbers what [bandAt] says. It stands in the database; another cut gets
// another number.
const bandScheme = 1

const (
	bandCount = 11
	maxRadius = phash.MatchRadius // bits
)

// A band is width bits of a hash from bit from on. Bit k of a hash is bit k%64, from
// the least, of its word k/64.
type band struct{ from, width, flips int }

// bandAt returns band i: eight of 23 bits and three of 24; two hashes may differ in
// two bits of a band, of the last in one.
func bandAt(i int) band {
	const wide = 8 // the first of 24 bits
	b := band{from: 23*i + max(0, i-wide), width: 23, flips: 2}
	if i >= wide {
		b.width = 24
	}
	if i == bandCount-1 {
		b.flips = 1
	}
	return b
}

func (b band) value(h *phash.Hash) uint32 {
	word, shift := b.from/64, b.from%64
	v := h.Bits[word] >> shift
	if shift+b.width > 64 {
		v |= h.Bits[word+1] << (64 - shift)
	}
	return uint32(v & (1<<b.width - 1))
}

// probes appends all values within flips of v.
func (b band) probes(to []uint32, v uint32) []uint32 {
	to = append(to, v)
	for i := range b.width {
		to = append(to, v^1<<i)
		for j := 0; b.flips > 1 && j < i; j++ {
			to = append(to, v^1<<i^1<<j)
		}
	}
	return to
}

// A place is a row of table band in one number, which sorts as the table's key does:
// 4 bits of the band, 24 of the value, and seqBits of the submission's number.
type place int64

const (
	seqBits   = 35 // 34 thousand million entries of a ledger
	valueBits = 24
)

func placeOf(i int, value uint32, seq int64) place {
	return place(i)<<(valueBits+seqBits) | place(value)<<seqBits | place(seq)
}

func (p place) band() int     { return int(p >> (valueBits + seqBits)) }
func (p place) value() uint32 { return uint32(p >> seqBits & (1<<valueBits - 1)) }
func (p place) seq() int64    { return int64(p & (1<<seqBits - 1)) }

// selectPlaces reads rows of table band as places, insertPlaces enters the rows that
// the places in a list are.
const (
	selectPlaces = "SELECT (CAST(b.band AS BIGINT) << 59) | (CAST(b.value AS BIGINT) << 35) | b.seq "
	insertPlaces = " INTO band (band, value, seq) SELECT p.value >> 59, (p.value >> 35) & 16777215, p.value & 34359738367 FROM "
)

// searchable is what the band rows of a submission are made from; false where it has
// none, since its hash is sealed, erased or too poor to be matched on.
func searchable(seq int64, area string, quality int) (h phash.Hash, ok bool, err error) {
	if area == "" || quality < phash.MinQuality {
		return h, false, nil
	}
	if seq >= 1<<seqBits {
		return h, false, fmt.Errorf("submission number %d: the search tables end at %d", seq, int64(1)<<seqBits)
	}
	if h, err = phash.Parse(area); err == nil && h.Kind != searched {
		err = fmt.Errorf("a hash of kind %s, not %s", h.Kind, searched)
	}
	if err != nil {
		return h, false, fmt.Errorf("submission number %d: %w", seq, err)
	}
	return h, true, nil
}

// places returns the rows of one hash.
func places(to []place, seq int64, h *phash.Hash) []place {
	for i := range bandCount {
		to = append(to, placeOf(i, bandAt(i).value(h), seq))
	}
	return to
}

// A bandState says which submissions have their band rows.
type bandState struct {
	scheme int64
	upto   int64 // entries up to this one; allBands: all of them
	build  int64 // who enters those beyond upto; 0: nobody
}

// allBands is where whoever enters a submission enters its band rows with it.
const allBands = math.MaxInt64

func readBandState(ctx context.Context, q querier) (s bandState, err error) {
	err = q.QueryRowContext(ctx, "SELECT scheme, upto, build FROM band_state WHERE one = 1").Scan(&s.scheme, &s.upto, &s.build)
	return s, s.check(err)
}

func (s *bandState) check(err error) error {
	if err == nil && s.scheme != bandScheme {
		err = fmt.Errorf("%w: its search tables are of scheme %d; this version of kycmark knows %d", store.ErrSchema, s.scheme, bandScheme)
	}
	if err != nil {
		return fmt.Errorf("search tables: %w", err)
	}
	return nil
}

func (t *tx) setBandState(ctx context.Context, upto, build int64) error {
	_, err := t.ExecContext(ctx, "UPDATE band_state SET upto = $1, build = $2 WHERE one = 1", upto, build)
	return err
}

// enterBands enters the band rows of new submissions, unless they are deferred.
func enterBands(ctx context.Context, t *tx, rows []store.Submission) error {
	var all []place
	for i := range rows {
		h, ok, err := searchable(rows[i].Seq, rows[i].Area, rows[i].AreaQuality)
		if err != nil {
			return err
		}
		if ok {
			all = places(all, rows[i].Seq, &h)
		}
	}
	if len(all) == 0 {
		return nil
	}
	state, err := readBandState(ctx, t)
	if err != nil || state.upto != allBands {
		return err
	}
	slices.Sort(all) // rows beside each other go to the same page
	return t.insertPlaces(ctx, all)
}

// maxList is how many numbers one statement is handed.
const maxList = 50_000

func (t *tx) insertPlaces(ctx context.Context, all []place) error {
	for part := range slices.Chunk(all, maxList) {
		list, arg := t.dialect.List(numbers(part))
		if _, err := t.ExecContext(ctx, cmp.Or(t.dialect.Enter, "INSERT")+insertPlaces+list, arg); err != nil {
			return fmt.Errorf("search tables: %w", err)
		}
	}
	return nil
}

func numbers[T ~int64](from []T) []int64 {
	out := make([]int64, len(from))
	for i, v := range from {
		out[i] = int64(v)
	}
	return out
}

// eraseBands removes the band rows of submissions that are erased.
func eraseBands(ctx context.Context, t *tx, rows []store.Submission) error {
	var all []place
	for i := range rows {
		h, ok, err := searchable(rows[i].Seq, rows[i].Area, rows[i].AreaQuality)
		if err != nil { // somebody edited the hash: look everywhere
			if _, err := t.ExecContext(ctx, "DELETE FROM band WHERE seq = $1", rows[i].Seq); err != nil {
				return fmt.Errorf("search tables: %w", err)
			}
		}
		if ok {
			all = places(all, rows[i].Seq, &h)
		}
	}
	return t.deletePlaces(ctx, all)
}

func (t *tx) deletePlaces(ctx context.Context, all []place) error {
	for _, p := range all {
		if _, err := t.ExecContext(ctx, "DELETE FROM band WHERE band = $1 AND value = $2 AND seq = $3",
			int64(p.band()), int64(p.value()), p.seq()); err != nil {
			return fmt.Errorf("search tables: %w", err)
		}
	}
	return nil
}
