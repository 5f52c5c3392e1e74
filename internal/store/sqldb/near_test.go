package sqldb_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// A corpus is uploads whose hashes are random, near each other as those of documents
// of one template are, or equal.
type corpus struct {
	*rand.Rand
	n       int
	centres []phash.Hash
	kept    map[int64]phash.Hash // by number: what must be found
	ids     map[int64][16]byte
}

func newCorpus(seed uint64) *corpus {
	c := &corpus{Rand: rand.New(rand.NewPCG(seed, 31)), kept: make(map[int64]phash.Hash), ids: make(map[int64][16]byte)}
	for range 3 {
		c.centres = append(c.centres, c.hash())
	}
	return c
}

func (c *corpus) hash() phash.Hash {
	return phash.Hash{Kind: phash.Area, Bits: [4]uint64{c.Uint64(), c.Uint64(), c.Uint64(), c.Uint64()}}
}

// turned changes n different bits.
func (c *corpus) turned(h phash.Hash, n int) phash.Hash {
	for _, b := range c.Perm(256)[:n] {
		h.Bits[b/64] ^= 1 << (b % 64)
	}
	return h
}

func (c *corpus) next() phash.Hash {
	switch c.IntN(4) {
	case 0:
		return c.turned(c.centres[c.IntN(len(c.centres))], c.IntN(40))
	case 1:
		return c.centres[c.IntN(len(c.centres))]
	}
	return c.hash()
}

// add enters n uploads in one transaction, one in ten of too low a quality.
func (c *corpus) add(t *testing.T, d *sqldb.DB, n int) {
	t.Helper()
	size, _, err := d.Head(t.Context())
	require.NoError(t, err)
	uploads := make([]books.Upload, n)
	for i := range uploads {
		s, _ := submission(c.n)
		h := c.next()
		s.Area, s.Kept, s.AreaQuality = h.String(), false, phash.MinQuality
		if c.n++; c.n%10 == 0 {
			s.AreaQuality--
		} else {
			c.kept[size+int64(i)+1] = h
		}
		c.ids[size+int64(i)+1] = s.ID
		uploads[i] = books.Upload{Submission: s}
	}
	_, err = d.AddSubmissions(t.Context(), uploads)
	require.NoError(t, err)
}

// erase erases every k-th upload that is there.
func (c *corpus) erase(t *testing.T, d *sqldb.DB, k int) {
	t.Helper()
	e := books.Erasure{Entered: t0, Actor: "dpo", Logged: books.Logged{Salt: salt(fmt.Sprint("erasure", len(c.ids)))}}
	for seq := range c.kept {
		if seq%int64(k) == 0 {
			e.Submissions = append(e.Submissions, c.ids[seq])
			delete(c.kept, seq)
		}
	}
	slices.SortFunc(e.Submissions, func(a, b watermark.Submission) int { return slices.Compare(a[:], b[:]) })
	require.NoError(t, d.Erase(t.Context(), e))
}

// naive compares with every hash.
func (c *corpus) naive(hashes []phash.Hash, radius int) []phash.Hit {
	out := []phash.Hit{}
	for seq, h := range c.kept {
		least := 257
		for _, q := range hashes {
			least = min(least, h.Distance(q))
		}
		if least <= radius {
			out = append(out, phash.Hit{Ref: seq, Distance: least})
		}
	}
	slices.SortFunc(out, func(a, b phash.Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
	})
	return out
}

// check holds what Near finds against comparing with every hash: for queries at all
// distances up to beyond the radius, one at a time and many in one call.
func (c *corpus) check(t *testing.T, d *sqldb.DB, radius int) {
	t.Helper()
	numbers := make([]int64, 0, len(c.kept))
	for seq := range c.kept {
		numbers = append(numbers, seq)
	}
	slices.Sort(numbers)
	var all []phash.Hash
	found := 0
	for flips := range 36 {
		q := c.turned(c.kept[numbers[c.IntN(len(numbers))]], flips)
		all = append(all, q)
		if flips%4 != 3 {
			continue
		}
		got, err := d.Near(t.Context(), all[len(all)-1:], radius)
		require.NoError(t, err)
		require.Equal(t, c.naive(all[len(all)-1:], radius), got)
		found += len(got)
	}
	require.Positive(t, found)
	got, err := d.Near(t.Context(), all[:16], radius)
	require.NoError(t, err)
	require.Equal(t, c.naive(all[:16], radius), got)
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
}

// bulk is so many that segments of testSegment submissions are made, and merged.
const (
	bulk        = 2000
	testSegment = 300
)

func TestNearIsExact(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		d.SetSegmentSize(testSegment)
		c := newCorpus(1)
		c.add(t, d, 20) // compared with one by one
		c.check(t, d, 31)
		for range 12 { // with lists on both sides of a merge
			c.add(t, d, 190)
			c.check(t, d, 31)
			c.erase(t, d, 17)
		}
		c.check(t, d, 9)
		require.Greater(t, listed(t, d), bandCount*bulk/2)
		c.erase(t, d, 7)
		c.add(t, d, 1)
		c.add(t, d, 300)
		c.check(t, d, 31)
	})
}

// Whatever is deferred or half built is found all the same.
func TestNearWithoutAllBands(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		d.SetSegmentSize(testSegment)
		c := newCorpus(2)
		c.add(t, d, bulk)
		require.NoError(t, d.DeferBands(t.Context()))
		before := listed(t, d)
		require.Positive(t, before)
		c.add(t, d, bulk)
		require.Equal(t, before, listed(t, d))
		c.check(t, d, 31)
		c.erase(t, d, 5)
		c.check(t, d, 31)
		before = listed(t, d)

		stopped := fmt.Errorf("stopped")
		steps := 0
		d.SetCommit(func(tx *sql.Tx) error {
			if steps++; steps == 8 {
				return stopped
			}
			return tx.Commit()
		})
		require.ErrorIs(t, d.BuildBands(t.Context(), false, nil), stopped)
		d.SetCommit((*sql.Tx).Commit)
		require.Greater(t, listed(t, d), before)
		c.erase(t, d, 11)
		c.check(t, d, 31)

		var done, total int64
		require.NoError(t, d.BuildBands(t.Context(), false, func(d, n int64) { done, total = d, n }))
		require.Positive(t, done)
		require.Equal(t, total, done)
		c.check(t, d, 31)
		require.Equal(t, bandCount*len(c.kept), listed(t, d))
		c.add(t, d, 10)
		c.check(t, d, 31)
		require.Equal(t, bandCount*(len(c.kept)-9), listed(t, d), "recent ones are compared one by one")
		require.NoError(t, d.BuildBands(t.Context(), true, nil))
		c.check(t, d, 31)
		require.Equal(t, bandCount*len(c.kept), listed(t, d))
	})
}

// An upload that is erased while its lists are made leaves no entry.
func TestErasureDuringBuild(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		c := newCorpus(3)
		require.NoError(t, d.DeferBands(t.Context()))
		c.add(t, d, bulk)
		calls := 0
		require.NoError(t, d.BuildBands(t.Context(), false, func(int64, int64) {
			if calls++; calls == 3 || calls == 6 {
				c.erase(t, d, calls)
				c.check(t, d, 31)
			}
		}))
		c.check(t, d, 31)
		require.Equal(t, bandCount*len(c.kept), listed(t, d))
	})
}

func TestTwoBuildsDoNotMix(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		c := newCorpus(4)
		require.NoError(t, d.DeferBands(t.Context()))
		c.add(t, d, bulk)
		second := false
		err := d.BuildBands(t.Context(), false, func(int64, int64) {
			if !second {
				second = true
				require.NoError(t, d.BuildBands(t.Context(), false, nil))
			}
		})
		require.ErrorContains(t, err, "another process")
		c.check(t, d, 31)
	})
}

func TestNearRefuses(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		h := newCorpus(5).hash()
		_, err := d.Near(t.Context(), []phash.Hash{h}, 32)
		require.ErrorIs(t, err, books.ErrSearch)
		_, err = d.Near(t.Context(), []phash.Hash{{Kind: phash.PDQ, Bits: h.Bits}}, 31)
		require.ErrorIs(t, err, books.ErrSearch)
		require.NoError(t, rawly(t, d, "UPDATE search_state SET scheme = 2"))
		_, err = d.Near(t.Context(), []phash.Hash{h}, 31)
		require.ErrorIs(t, err, books.ErrSchema)
		s, x := submission(1)
		_, err = add(t.Context(), d, s, x)
		require.ErrorIs(t, err, books.ErrSchema)
	})
	sealed := info()
	sealed.SealHashes = true
	for name, create := range kinds {
		_, err := create(t, sealed).Near(t.Context(), []phash.Hash{newCorpus(5).hash()}, 31)
		require.ErrorIs(t, err, books.ErrSearch, name)
	}
}

func TestCheckFindsEditedBands(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		d.SetSegmentSize(testSegment)
		c := newCorpus(6)
		c.add(t, d, 1000)
		c.add(t, d, 60) // which are in no segment
		const (
			first = "(SELECT min(id) FROM posting)"
			last  = "(SELECT max(id) FROM posting)"
		)
		for _, edit := range []string{
			"DELETE FROM posting WHERE id = " + first,
			"UPDATE posting SET entries = (SELECT p.entries FROM posting p WHERE p.id = " + last + ") WHERE id = " + first,
			"UPDATE posting SET id = id + 17592186044416 WHERE id = " + first,
			"UPDATE posting SET id = id + 68719476736 WHERE id = " + last,
			"UPDATE posting SET id = id + 16777216 WHERE id = " + last,
			"UPDATE lot SET first = first + 1",
			"UPDATE lot SET first = first + 5000, last = last + 5000",
			"UPDATE lot SET reach = 1000",
			"UPDATE lot SET bits = bits + 1",
			"DELETE FROM lot",
			"DELETE FROM recent",
			"UPDATE recent SET hashes = (SELECT entries FROM posting WHERE id = " + first + ")",
			"UPDATE search_state SET upto = upto + 8",
			"UPDATE search_state SET upto = upto - 8",
			"UPDATE search_state SET since = 2000",
		} {
			edited(t, d, edit, edit)
		}
		_, _, err := d.Check(t.Context())
		require.NoError(t, err, "each edit was rolled back")
		require.NoError(t, rawly(t, d, "DELETE FROM lot; DELETE FROM recent"))
		require.NoError(t, d.BuildBands(t.Context(), true, nil))
		c.check(t, d, 31)
	})
}

// Whoever has the database can do away with constraints.
func TestEditedSegmentsAreRefused(t *testing.T) {
	d := kinds["memory"](t, info())
	d.SetSegmentSize(testSegment)
	c := newCorpus(8)
	c.add(t, d, 700)
	c.add(t, d, 50)
	require.NoError(t, rawly(t, d, "PRAGMA ignore_check_constraints = 1"))
	for column, values := range map[string][]int64{"bits": {-1, 17, 1 << 40}, "reach": {-1, 1<<20 + 1}, "last": {1 << 40}} {
		for _, v := range values {
			edit := fmt.Sprintf("UPDATE lot SET %s = %d", column, v)
			edited(t, d, edit, edit)
		}
	}
	for _, id := range []string{"id + 524288", "id + 1048576", "-id"} { // whose lists' numbers wrap round
		require.NoError(t, rawly(t, d, "UPDATE lot SET id = "+id))
		_, err := d.Near(t.Context(), []phash.Hash{c.hash()}, 31)
		require.ErrorIs(t, err, books.ErrTampered, id)
		require.NoError(t, rawly(t, d, "UPDATE lot SET id = abs(id) % 524288"))
	}
	require.NoError(t, rawly(t, d, "UPDATE lot SET bits = 99"))
	_, err := d.Near(t.Context(), []phash.Hash{c.hash()}, 31)
	require.ErrorIs(t, err, books.ErrTampered)
	require.NoError(t, rawly(t, d, "UPDATE lot SET bits = 1; UPDATE posting SET entries = x'00'"))
	_, err = d.Near(t.Context(), []phash.Hash{c.hash()}, 31)
	require.ErrorIs(t, err, books.ErrTampered)
}

func rawly(t *testing.T, d *sqldb.DB, query string) error {
	t.Helper()
	_, err := d.Raw().ExecContext(t.Context(), query)
	return err
}

// The layout that docs/registry.md states.
const (
	bandCount  = 16
	entryBytes = 18
)

// listed counts the entries in the lists.
func listed(t *testing.T, d *sqldb.DB) (n int) {
	t.Helper()
	require.NoError(t, d.Raw().QueryRowContext(t.Context(), "SELECT coalesce(sum(length(entries)), 0) FROM posting").Scan(&n))
	return n / entryBytes
}
