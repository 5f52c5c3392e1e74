package sqldb_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/registry/s3"
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
		if all, err := d.Info(t.Context()); err == nil && all.SealHashes {
			uploads[i].Sealed = &books.Sealed{KeyID: "seal1-x", Wrapped: []byte{1}, Hashes: []byte("sealed")}
		}
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

// lone reports whether a hash is near no other by design, so that no part of it stands for
// another upload.
func (c *corpus) lone(h phash.Hash) bool {
	return !slices.ContainsFunc(c.centres, func(o phash.Hash) bool { return h.Distance(o) < 60 })
}

// testFrom is how many uploads become a segment in tests.
const testFrom = 300

// eachSegmented runs a body against registries that have segments, with the folder of the segments. That of a
// bucket is the server's.
func eachSegmented(t *testing.T, body func(t *testing.T, d *sqldb.DB, folder string)) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "r.db")
		d := opened(sqlite.Create(t.Context(), path, info()))(t)
		d.SetSegmentFrom(testFrom)
		d.OneReader()
		body(t, d, path+".segments")
	})
	t.Run("postgres", func(t *testing.T) {
		i := info()
		i.Originals = t.TempDir()
		d := opened(postgres.Create(t.Context(), server.DSN(t), i))(t)
		d.SetSegmentFrom(testFrom)
		d.OneReader()
		body(t, d, filepath.Join(i.Originals, fmt.Sprintf("%x", i.ID), "segments"))
	})
	t.Run("sealed", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "r.db")
		i := info()
		i.SealHashes = true
		d := opened(sqlite.Create(t.Context(), path, i))(t)
		d.SetSegmentFrom(testFrom)
		d.OneReader()
		body(t, d, path+".segments")
	})
	t.Run("bucket", func(t *testing.T) {
		b := newBucket(t)
		b.d.OneReader()
		body(t, b.d, b.folder)
	})
}

// A bucket is a registry in PostgreSQL whose segments are objects of a server.
type bucket struct {
	d              *sqldb.DB
	s3             *s3test.Server
	dsn            string
	folder, copies string // of the server's objects, and of this machine's copies
}

func newBucket(t *testing.T) *bucket {
	b := &bucket{s3: s3test.Start(t), dsn: server.DSN(t)}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	i := info()
	i.Originals = b.s3.Address
	b.folder, b.copies = filepath.Join(b.s3.Dir, "originals", fmt.Sprintf("%x", i.ID)), filepath.Join(cache, "kycmark", fmt.Sprintf("%x", i.ID))
	b.d = opened(postgres.Create(t.Context(), b.dsn, i, s3.Open))(t)
	b.d.SetSegmentFrom(testFrom)
	return b
}

// isSealed reports whether a registry has sealed segments of hashes alone.
func isSealed(t *testing.T, d *sqldb.DB) bool {
	i, err := d.Info(t.Context())
	require.NoError(t, err)
	return i.SealHashes || inBucket(i)
}

func inBucket(i *books.Info) bool { return strings.HasPrefix(i.Originals, "s3:") }

// pathOf is the path of a segment, or of its object. This machine has no copy of it afterwards.
func pathOf(t *testing.T, d *sqldb.DB, folder string, s books.Segment) string {
	t.Helper()
	s.Forget()
	name, err := hex.DecodeString(strings.TrimSuffix(s.File, filepath.Ext(s.File)))
	require.NoError(t, err)
	var digest []byte
	var size int64
	require.NoError(t, d.Raw().QueryRowContext(t.Context(), "SELECT digest, size FROM segment WHERE name = $1", name).Scan(&digest, &size))
	if size > 0 {
		return filepath.Join(folder, hex.EncodeToString(digest))
	}
	return filepath.Join(folder, s.File)
}

// inFolder lists what is in a folder of segments.
func inFolder(t *testing.T, folder string) []os.DirEntry {
	files, err := os.ReadDir(folder)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return files
}

// audit checks all that a store can check of segments.
func audit(t *testing.T, d *sqldb.DB) error {
	_, _, err := d.Check(t.Context())
	return errors.Join(err, d.CheckSegments(t.Context(), d.SegmentKeys()))
}

// check requires that the segments, with the erasures since, hold exactly the uploads that they cover.
func (c *corpus) check(t *testing.T, d *sqldb.DB) []books.Segment {
	t.Helper()
	x, all, err := d.Segments(t.Context(), d.SegmentKeys())
	require.NoError(t, err)
	gone, err := d.ErasedAfter(t.Context(), 0)
	require.NoError(t, err)
	for _, e := range gone {
		x.Remove(e.Seq)
	}
	want, next := make(map[int64]phash.Hash), int64(2) // the registry is entry 1
	for _, s := range all {
		require.NoError(t, s.Err)
		require.LessOrEqual(t, s.First, next, "no upload is left out")
		next = s.Last + 1
	}
	for seq, h := range c.kept {
		if seq < next {
			want[seq] = h
		}
	}
	require.Equal(t, want, maps.Collect(x.All()))
	require.NoError(t, audit(t, d))
	return all
}

// What an opponent, a disk or a restored backup does to the files is named, and nothing of such a file is
// used. The next build makes missing ones again.
func TestSegmentsThatWereAltered(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(2)
		c.add(t, d, 1300)
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
		c.add(t, d, testFrom)
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
		all := c.check(t, d)
		require.Len(t, all, 2)
		first, second := pathOf(t, d, folder, all[0]), pathOf(t, d, folder, all[1])
		whole, err := os.ReadFile(first)
		require.NoError(t, err)
		other, err := os.ReadFile(second)
		require.NoError(t, err)
		for name, edit := range map[string]func(){
			"a bit":   func() { b := bytes.Clone(whole); b[c.IntN(len(b))] ^= 1 << c.IntN(8); writeFile(t, first, b) },
			"cut":     func() { writeFile(t, first, whole[:c.IntN(len(whole))]) },
			"swapped": func() { writeFile(t, first, other) },
			"removed": func() { require.NoError(t, os.Remove(first)) },
		} {
			edit()
			all[0].Forget()
			x, got, err := d.Segments(t.Context(), d.SegmentKeys())
			require.NoError(t, err, name)
			require.ErrorContains(t, got[0].Err, all[0].File, name)
			require.NoError(t, got[1].Err, name)
			for seq := range x.All() {
				require.GreaterOrEqual(t, seq, all[1].First, name)
			}
			all[0].Forget()
			err = audit(t, d)
			require.ErrorIs(t, err, books.ErrTampered, name)
			require.ErrorContains(t, err, all[0].File, name)
			writeFile(t, first, whole)
			c.check(t, d)
		}
		require.NoError(t, os.Remove(first))
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
		c.check(t, d)
		for _, edit := range []string{
			"UPDATE segment SET last = last + 8",
			"UPDATE segment SET others = " + map[bool]string{true: "x''", false: "'\\x'"}[filepath.Ext(folder) == ".segments"],
			"UPDATE submission SET area = (SELECT max(area) FROM submission) WHERE seq = 3",
		} {
			c.add(t, d, 20)
			require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildAll, nil))
			c.add(t, d, 20)
			c.check(t, d)
			require.NoError(t, rawly(t, d, edit), edit)
			require.ErrorIs(t, audit(t, d), books.ErrTampered, edit)
		}
	})
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, b, 0o600))
}

// Builders and erasures at the same time do no harm: afterwards all is as if they had come one by one.
func TestSegmentsOfManyBuilders(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(3)
		c.add(t, d, 700)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				for k := range 4 {
					if err := d.BuildSegments(t.Context(), d.SegmentKeys(), books.Build(2*(k%2)), nil); err != nil {
						assert.ErrorContains(t, err, "others changed them")
					}
				}
			})
		}
		for k := range 4 {
			c.erase(t, d, 50+k)
		}
		group.Wait()
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
		all := c.check(t, d)
		c.add(t, d, 1)
		c.erase(t, d, 1) // the last one tidies up
		if isSealed(t, d) {
			all = nil
		}
		require.Len(t, inFolder(t, folder), len(all))
	})
}

// A builder that dies leaves nothing that is believed, and the next erasure removes it.
func TestSegmentOfADeadBuilder(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(4)
		c.add(t, d, 400)
		down := errors.New("killed")
		i, err := d.Info(t.Context())
		require.NoError(t, err)
		commits := 2
		if inBucket(i) {
			commits = 3 // the object is named before it is there
		}
		for after := range commits {
			n := 0
			d.SetCommit(func(tx *sql.Tx) error {
				if n++; n > after {
					tx.Rollback()
					return down
				}
				return tx.Commit()
			})
			require.ErrorIs(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil), down)
			d.SetCommit((*sql.Tx).Commit)
			require.Empty(t, c.check(t, d))
		}
		if !inBucket(i) {
			writeFile(t, filepath.Join(folder, "00000000000000000000000000000000.hashes"), []byte("half a file"))
		}
		require.NoError(t, rawly(t, d, "INSERT INTO segment (name, kind, state, made, first, last, hashed, others, digest, size, wrapped) SELECT id, 0, 0, 0, 1, 0, 0, salt, salt, 0, salt FROM registry"))
		require.Empty(t, c.check(t, d))
		c.erase(t, d, 7)
		require.Empty(t, inFolder(t, folder))
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
		require.Len(t, c.check(t, d), 1)

		if isSealed(t, d) {
			return // see TestErasedFromABucket
		}
		// An erasure that dies before the files are clean.
		n := 0
		d.SetCommit(func(tx *sql.Tx) error {
			if n++; n > 1 {
				tx.Rollback()
				return down
			}
			return tx.Commit()
		})
		var h phash.Hash
		for seq := range c.kept {
			h = c.kept[seq]
			require.ErrorIs(t, d.Erase(t.Context(), books.Erasure{Entered: t0, Submissions: []watermark.Submission{c.ids[seq]}}), down)
			delete(c.kept, seq)
			break
		}
		d.SetCommit((*sql.Tx).Commit)
		require.True(t, holds(t, folder, h))
		c.check(t, d) // an audit finishes it
		require.False(t, holds(t, folder, h) && c.lone(h))
		requireSegments(t, d)
	})
}

// A segment of features is made when it is due. An erasure removes its file, also one that comes while it is
// made, and one that dies before it is done.
func TestFeatureSegments(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		keys := d.SegmentKeys()
		c := newCorpus(5)
		made, during := 0, func() {}
		write := func(_ context.Context, f parts.WriterReader, name [16]byte, first, last int64) (m books.FeatureFile, err error) {
			made++
			key, wrapped, err := keys.New(name)
			require.NoError(t, err)
			m = books.FeatureFile{Found: testFrom, Wrapped: wrapped, Others: books.NoteOther(nil, last, true)}
			err = parts.WriteSealed(f, key, func(yield func(int64, *parts.Features) bool) {
				_ = yield(first, nil) && last > first && yield(last, nil)
			}, func() []byte { return books.AboutSegment(first, last, m.Others) })
			during()
			return m, err
		}
		build := func() error { return d.BuildFeatureSegments(t.Context(), books.BuildMissing, write) }
		look := func(n int, what string) []books.Segment {
			t.Helper()
			x, all, err := d.FeatureSegments(t.Context(), keys.Open)
			require.NoError(t, err)
			require.Len(t, all, n, what)
			files, err := filepath.Glob(filepath.Join(folder, "*"))
			require.NoError(t, err)
			require.Len(t, files, n, what)
			for _, s := range all {
				require.NoError(t, s.Err)
				require.Equal(t, []int64{s.Last}, s.Damaged)
				require.Equal(t, 2, x.Len())
			}
			return all
		}
		c.add(t, d, testFrom-1)
		require.NoError(t, build())
		look(0, "too few")
		c.add(t, d, 1)
		require.NoError(t, build())
		first := look(1, "enough")[0]
		require.EqualValues(t, []int64{1, testFrom + 1}, []int64{first.First, first.Last})
		c.add(t, d, testFrom-1)
		require.NoError(t, build())
		require.Equal(t, first.File, look(1, "not due")[0].File)
		c.add(t, d, 1)
		require.NoError(t, build())
		second := look(1, "due")[0]
		require.EqualValues(t, 2*testFrom+1, second.Last)
		require.NoError(t, os.Remove(pathOf(t, d, folder, second)))
		require.NoError(t, build())
		require.NotEqual(t, second.File, look(1, "missing")[0].File)

		c.erase(t, d, 50)
		look(0, "erased")
		done := make(chan struct{})
		during = func() {
			during = func() {}
			before, err := d.ErasedAfter(t.Context(), 0)
			require.NoError(t, err)
			go func() {
				defer close(done)
				c.erase(t, d, 51)
			}()
			require.Eventually(t, func() bool {
				now, err := d.ErasedAfter(t.Context(), 0)
				return err == nil && len(now) > len(before)
			}, time.Minute, time.Millisecond)
		}
		made = 0
		require.NoError(t, build())
		<-done
		look(1, "again")
		require.Equal(t, 2, made, "an erasure came meanwhile")

		// What an erasure leaves that dies behind its commit.
		require.NoError(t, rawly(t, d, "UPDATE segment SET state = 0"))
		_, _, err := d.Check(t.Context())
		require.NoError(t, err)
		look(0, "an audit finishes it")
	})
}

// requireSegments requires that all segments can be used, and hold nothing that was erased.
func requireSegments(t *testing.T, d *sqldb.DB) {
	t.Helper()
	x, all, err := d.Segments(t.Context(), d.SegmentKeys())
	require.NoError(t, err)
	for _, s := range all {
		require.NoError(t, s.Err)
	}
	gone, err := d.ErasedAfter(t.Context(), 0)
	require.NoError(t, err)
	hashes := maps.Collect(x.All())
	for _, e := range gone {
		_, kept := hashes[e.Seq]
		require.False(t, kept, "erased submission %d", e.Seq)
	}
}

// holds reports whether a file of a folder has the words of a hash.
func holds(t *testing.T, folder string, h phash.Hash) bool {
	t.Helper()
	var words []byte
	for _, w := range h.Bits {
		words = binary.LittleEndian.AppendUint64(words, w)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	for _, path := range paths {
		if filepath.Ext(path) == ".segments" {
			continue // a folder
		}
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		if bytes.Contains(b, words) || bytes.Contains(b, []byte(h.String())) {
			return true
		}
	}
	return false
}

// Of the hashes of erased uploads nothing stands in a file, of the database or of segments.
func TestErasedHashesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.db")
	d := opened(sqlite.Create(t.Context(), path, info()))(t)
	d.SetSegmentFrom(testFrom)
	c := newCorpus(7)
	var erased []phash.Hash
	for k := range 6 {
		c.add(t, d, 250+40*k)
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
		before := maps.Clone(c.kept)
		c.erase(t, d, 13+k)
		for seq, h := range before {
			if _, ok := c.kept[seq]; !ok && c.lone(h) {
				erased = append(erased, h)
			}
		}
	}
	require.Greater(t, len(erased), 100)
	c.check(t, d)
	for _, h := range erased[:100] {
		require.False(t, holds(t, dir, h) || holds(t, path+".segments", h), h)
	}
	for seq, h := range c.kept {
		require.True(t, holds(t, dir, h))
		if seq < 500 {
			require.True(t, holds(t, path+".segments", h), "what was not erased is there")
		}
		break
	}
}

func rawly(t *testing.T, d *sqldb.DB, query string) error {
	t.Helper()
	_, err := d.Raw().ExecContext(t.Context(), query)
	return err
}

// A machine fetches each segment once. What others see of hashes, in the bucket and in copies, is sealed.
func TestSegmentsInABucket(t *testing.T) {
	b := newBucket(t)
	c := newCorpus(8)
	c.add(t, b.d, 4*testFrom)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildDue, nil))
	all := c.check(t, b.d)
	require.Len(t, all, 1)
	for _, h := range c.kept {
		require.False(t, holds(t, b.folder, h) || holds(t, b.copies, h))
	}
	x, _, err := b.d.Segments(t.Context(), nil)
	require.NoError(t, err)
	require.Zero(t, x.Len(), "without keys")

	// Another machine, and a server that dies: a copy serves; without it nothing is said of the segment.
	copied := filepath.Join(b.copies, all[0].File)
	require.NoError(t, os.RemoveAll(b.copies))
	open := func() ([]books.Segment, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		x, all, err := b.d.Segments(ctx, b.d.SegmentKeys())
		if err == nil && all[0].Err == nil {
			require.Equal(t, c.kept, maps.Collect(x.All()))
		}
		return all, err
	}
	_, err = open()
	require.NoError(t, err)
	whole, err := os.ReadFile(copied)
	require.NoError(t, err)
	b.s3.Kill()
	_, err = open()
	require.NoError(t, err)
	require.NoError(t, os.Remove(copied))
	_, err = open()
	require.ErrorContains(t, err, "bucket kyc")
	require.ErrorContains(t, err, all[0].File)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	b.s3.Run(t)

	// Copies that were cut are fetched again; altered ones, at the next opening.
	writeFile(t, copied, whole[:len(whole)-1])
	_, err = open()
	require.NoError(t, err)
	bad := bytes.Clone(whole)
	bad[c.IntN(len(bad))] ^= 1
	writeFile(t, copied, bad)
	again, err := open()
	require.NoError(t, err)
	require.ErrorIs(t, again[0].Err, books.ErrSealed)
	again, err = open()
	require.NoError(t, err)
	require.NoError(t, again[0].Err)

	// What a killed process left is removed when it is old. Others may be at it.
	young, old := filepath.Join(b.copies, ".kycmark-1"), filepath.Join(b.copies, ".kycmark-2")
	writeFile(t, young, nil)
	writeFile(t, old, nil)
	ago := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(old, ago, ago))
	_, err = open()
	require.NoError(t, err)
	require.FileExists(t, young)
	require.NoFileExists(t, old)

	// A row that says that its segment is not sealed.
	require.NoError(t, rawly(t, b.d, "UPDATE segment SET wrapped = ''"))
	again, err = open()
	require.NoError(t, err)
	require.ErrorIs(t, again[0].Err, books.ErrSealed)
}

// An erasure destroys the key of each segment that it concerns, also if the bucket is away, and removes the
// object. What copies there were goes when the registry's segments are opened next.
func TestErasedFromABucket(t *testing.T) {
	b := newBucket(t)
	c := newCorpus(9)
	c.add(t, b.d, 4*testFrom)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildDue, nil))
	all := c.check(t, b.d)
	copied := filepath.Join(b.copies, all[0].File)
	whole, err := os.ReadFile(copied)
	require.NoError(t, err)
	count := func(query string) (n int) {
		require.NoError(t, b.d.Raw().QueryRowContext(t.Context(), query).Scan(&n))
		return n
	}

	b.s3.Kill()
	seq := all[0].First + 1
	for c.ids[seq] == [16]byte{} {
		seq++
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	require.ErrorContains(t, b.d.Erase(ctx, books.Erasure{Entered: t0, Submissions: []watermark.Submission{c.ids[seq]}}), "the next erasure or audit removes it")
	delete(c.kept, seq)
	require.Zero(t, count("SELECT count(*) FROM segment WHERE length(wrapped) > 0 OR state > 0"))
	require.Len(t, inFolder(t, b.folder), 1)
	again, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	_, _, err = b.d.Check(again)
	require.ErrorContains(t, err, "bucket kyc")
	require.NotErrorIs(t, err, books.ErrTampered, "the audit could not be done")
	b.s3.Run(t)
	require.NoError(t, audit(t, b.d))
	require.Empty(t, inFolder(t, b.folder))
	require.Zero(t, count("SELECT count(*) FROM segment"))

	writeFile(t, copied, whole) // as another machine has it
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildDue, nil))
	require.Len(t, c.check(t, b.d), 1)
	require.NoFileExists(t, copied)
}

// The audit of objects counts segments as it counts originals, and leaves those alone that are being made.
func TestAuditOfSegmentObjects(t *testing.T) {
	b := newBucket(t)
	c := newCorpus(10)
	c.add(t, b.d, 2*testFrom)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildDue, nil))
	all := c.check(t, b.d)
	look := func(want books.Objects) {
		t.Helper()
		want.Place = b.s3.Address
		got, err := b.d.CheckObjects(t.Context(), time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	look(books.Objects{Kept: 1})
	path := pathOf(t, b.d, b.folder, all[0])
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	look(books.Objects{Kept: 1, Missing: 1})
	require.ErrorIs(t, audit(t, b.d), books.ErrTampered)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildMissing, nil))
	c.check(t, b.d)
	writeFile(t, path, whole) // it belongs to nothing
	look(books.Objects{Kept: 1, Extra: 1, Removed: 1})
	require.NoFileExists(t, path)
	// A builder has named its object and put it there.
	require.NoError(t, rawly(t, b.d, "UPDATE segment SET state = 0, last = 0"))
	look(books.Objects{})
	require.FileExists(t, pathOf(t, b.d, b.folder, all0(t, b)))
}

// all0 is the first segment that has a row.
func all0(t *testing.T, b *bucket) books.Segment {
	var name []byte
	require.NoError(t, b.d.Raw().QueryRowContext(t.Context(), "SELECT name FROM segment").Scan(&name))
	return books.Segment{File: hex.EncodeToString(name) + ".hashes", Forget: func() {}}
}

// An object holds no more than a bucket takes at once.
func TestSegmentsOfManyObjects(t *testing.T) {
	b := newBucket(t)
	b.d.SetSegmentFrom(1) // 512 submissions an object
	c := newCorpus(11)
	c.add(t, b.d, 1400)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildAll, nil))
	all := c.check(t, b.d)
	require.Len(t, all, 3)
	c.add(t, b.d, 700)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildDue, nil))
	all = c.check(t, b.d)
	for _, s := range all {
		require.LessOrEqual(t, s.Last-s.First, int64(512))
	}
	require.NoError(t, os.Remove(pathOf(t, b.d, b.folder, all[1])))
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildDue, nil))
	_, lost, err := b.d.Segments(t.Context(), b.d.SegmentKeys())
	require.NoError(t, err)
	require.ErrorIs(t, lost[1].Err, books.ErrSealed)
	require.NoError(t, b.d.BuildSegments(t.Context(), b.d.SegmentKeys(), books.BuildMissing, nil))
	again := c.check(t, b.d)
	require.Len(t, again, len(all))
	require.Equal(t, all[2].File, again[2].File, "only what is missing is made again")
}

// An erasure removes the sealed segment that it concerns. The next build makes it again, whatever lies around it.
func TestSealedSegmentsAroundAnErasure(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, _ string) {
		if !isSealed(t, d) {
			return
		}
		c := newCorpus(12)
		for _, n := range []int{20 * testFrom, 9 * testFrom / 2, testFrom} {
			c.add(t, d, n)
			require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildDue, nil))
		}
		all := c.check(t, d)
		require.Len(t, all, 3)
		for _, at := range []int{1, 0} {
			seq := all[at].First + 5
			for c.ids[seq] == [16]byte{} || c.kept[seq] == (phash.Hash{}) {
				seq++
			}
			require.NoError(t, d.Erase(t.Context(), books.Erasure{Entered: t0, Actor: "dpo", Submissions: []watermark.Submission{c.ids[seq]},
				Logged: books.Logged{Salt: salt(fmt.Sprint("around", at))}}))
			delete(c.kept, seq)
			c.add(t, d, 6*testFrom*at) // the segments around the gap are merged
			require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildDue, nil))
			all = c.check(t, d)
		}
	})
}
