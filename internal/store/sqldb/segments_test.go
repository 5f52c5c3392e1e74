package sqldb_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	crand "crypto/rand"
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

	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
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
	uploads := make([]records.Upload, n)
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
		uploads[i] = records.Upload{Submission: s}
	}
	_, err = d.AddSubmissions(t.Context(), uploads)
	require.NoError(t, err)
}

// erase erases every k-th upload that is there.
func (c *corpus) erase(t *testing.T, d *sqldb.DB, k int) {
	t.Helper()
	e := records.Erasure{Entered: t0, Actor: "dpo", Logged: books.Logged{Salt: salt(fmt.Sprint("erasure", len(c.ids)))}}
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

// testFrom is how many numbers become a segment in tests, and testSpan how many a segment covers.
const testFrom, testSpan = 60, 200

// smallSegments makes segments of a test small.
func smallSegments(t *testing.T) {
	from, span := sqldb.SegmentFrom, sqldb.SegmentSpan
	sqldb.SegmentFrom, sqldb.SegmentSpan = testFrom, testSpan
	t.Cleanup(func() { sqldb.SegmentFrom, sqldb.SegmentSpan = from, span })
}

// roll reads what a segment of a test keeps of the submissions from number first to last: 8 bytes of the number and the
// text of the hash. n is how many submissions there are.
func roll(ctx context.Context, d *sqldb.DB, first, last int64) (b []byte, n int64, err error) {
	rows, err := d.SearchedAfter(ctx, first-1, int(last), false)
	for _, r := range rows {
		if r.Seq <= last {
			n++
		}
		if r.Seq <= last && r.AreaQuality >= phash.MinQuality {
			b = append(binary.LittleEndian.AppendUint64(b, uint64(r.Seq)), r.Area...)
		}
	}
	return b, n, err
}

// hashText is how many bytes the text of a hash has.
var hashText = len(phash.Hash{Kind: phash.Area}.String())

// unsealed is the key of a segment of a test: what is wrapped is the key.
func unsealed(wrapped []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(wrapped)
	if err != nil {
		return nil, records.ErrSealed
	}
	return cipher.NewGCM(block)
}

func about(s *records.Segment) []byte { return fmt.Append(nil, s.First, s.Last, s.Root) }

// build makes the segments of d that are due. during is called when each file is written.
func build(ctx context.Context, d *sqldb.DB, during ...func()) error {
	return d.BuildSegments(ctx, func(ctx context.Context, f parts.WriterReader, s *records.Segment) ([]byte, int64, error) {
		wrapped := make([]byte, 32)
		crand.Read(wrapped)
		key, err := unsealed(wrapped)
		if err != nil {
			return nil, 0, err
		}
		b, n, err := roll(ctx, d, s.First, s.Last)
		err = errors.Join(err, parts.WriteSealed(f, key, func(func(int64, *parts.Features) bool) {}, func() []byte { return b }, about(s)))
		for _, f := range during {
			f()
		}
		return wrapped, n, err
	})
}

// inSegments are the hashes in all segments of d that can be used, by the number of their submission.
func inSegments(ctx context.Context, d *sqldb.DB, fresh bool) (map[int64]phash.Hash, []records.Segment, error) {
	out := make(map[int64]phash.Hash)
	all, err := d.Segments(ctx, fresh, func(s *records.Segment, f *mapfile.File) error {
		key, err := unsealed(s.Wrapped)
		if err != nil {
			return err
		}
		b, err := new(parts.Index).Mount(s.File, f.Bytes(), key, about(s))
		if err != nil {
			return err
		}
		for ; len(b) > 0; b = b[8+hashText:] {
			h, err := phash.Parse(string(b[8 : 8+hashText]))
			if err != nil {
				return err
			}
			out[int64(binary.LittleEndian.Uint64(b))] = h
		}
		return f.Close()
	})
	return out, all, err
}

// eachSegmented runs a body against registries that have segments, with the folder of the segments. That of a
// bucket is the server's. Without the tag long a bucket and a file of SQLite stand for a folder and PostgreSQL.
func eachSegmented(t *testing.T, body func(t *testing.T, d *sqldb.DB, folder string)) {
	smallSegments(t)
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "r.db")
		d := opened(sqlite.Create(t.Context(), path, info()))(t)
		d.OneReader()
		body(t, d, path+".segments")
	})
	if long.On {
		t.Run("postgres", func(t *testing.T) {
			i := info()
			i.Originals = t.TempDir()
			d := opened(postgres.Create(t.Context(), server.DSN(t), i))(t)
			d.OneReader()
			body(t, d, filepath.Join(i.Originals, fmt.Sprintf("%x", i.ID), "segments"))
		})
	}
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
	smallSegments(t)
	b := &bucket{s3: s3test.Start(t), dsn: server.DSN(t)}
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	i := info()
	i.Originals = b.s3.Address
	b.folder, b.copies = filepath.Join(b.s3.Dir, "originals", fmt.Sprintf("%x", i.ID)), filepath.Join(cache, "kycmark", fmt.Sprintf("%x", i.ID))
	b.d = opened(postgres.Create(t.Context(), b.dsn, i, s3.Open))(t)
	return b
}

// inBucket2 is inBucket of a registry.
func inBucket2(t *testing.T, d *sqldb.DB) bool {
	i, err := d.Info(t.Context())
	require.NoError(t, err)
	return inBucket(i)
}

func inBucket(i *records.Info) bool { return strings.HasPrefix(i.Originals, "s3:") }

// pathOf is the path of a segment, or of its object. This machine has no copy of it afterwards.
func pathOf(t *testing.T, d *sqldb.DB, folder string, s records.Segment) string {
	t.Helper()
	name, err := hex.DecodeString(strings.TrimSuffix(s.File, filepath.Ext(s.File)))
	require.NoError(t, err)
	var digest []byte
	var size int64
	require.NoError(t, d.Raw().QueryRowContext(t.Context(), "SELECT digest, size FROM segment WHERE name = $1", name).Scan(&digest, &size))
	if size > 0 {
		cache, err := os.UserCacheDir()
		require.NoError(t, err)
		require.NoError(t, os.RemoveAll(filepath.Join(cache, "kycmark")))
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

// check requires that the segments, with the erasures since, hold exactly the uploads that they cover.
func (c *corpus) check(t *testing.T, d *sqldb.DB) []records.Segment {
	t.Helper()
	have, all, err := inSegments(t.Context(), d, true)
	require.NoError(t, err)
	gone, err := d.ErasedAfter(t.Context(), 0)
	require.NoError(t, err)
	for _, e := range gone {
		delete(have, e.Seq)
	}
	want, next := make(map[int64]phash.Hash), int64(1)
	for _, s := range all {
		require.NoError(t, s.Err)
		require.GreaterOrEqual(t, s.First, next, "no upload is in two")
		next = s.Last + 1
		for seq, h := range c.kept {
			if seq >= s.First && seq <= s.Last {
				want[seq] = h
			}
		}
	}
	require.Equal(t, want, have)
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	return all
}

// What an opponent, a disk or a restored backup does to files and rows is named, by who opens them and by each audit
// afterwards. Nothing of such a segment is used. The next build makes it anew.
func TestSegmentsThatWereAltered(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(2)
		c.add(t, d, testSpan+testFrom)
		require.NoError(t, build(t.Context(), d))
		names := []string{"a bit", "cut", "swapped", "removed", "last = last + 8", "last = 1000000", "first = first + 1", "first = 0", "first = 1000000", "wrapped = digest"}
		if inBucket2(t, d) { // rows are read there as from a file
			names = long.Cases(4, names...)
		}
		for _, name := range names {
			all := c.check(t, d)
			require.Len(t, all, 2)
			first, second := pathOf(t, d, folder, all[0]), pathOf(t, d, folder, all[1])
			whole, err := os.ReadFile(first)
			require.NoError(t, err)
			other, err := os.ReadFile(second)
			require.NoError(t, err)
			switch name {
			case "a bit":
				b := bytes.Clone(whole)
				b[c.IntN(len(b))] ^= 1 << c.IntN(8)
				writeFile(t, first, b)
			case "cut":
				writeFile(t, first, whole[:c.IntN(len(whole))])
			case "swapped":
				writeFile(t, first, other)
			case "removed":
				require.NoError(t, os.Remove(first))
			default:
				require.NoError(t, rawly(t, d, fmt.Sprintf("UPDATE segment SET %s WHERE first = 1", name)))
			}
			have, got, err := inSegments(t.Context(), d, false)
			require.NoError(t, err, name)
			bad := slices.IndexFunc(got, func(s records.Segment) bool { return s.File == all[0].File })
			require.ErrorContains(t, got[bad].Err, all[0].File, name)
			require.NoError(t, got[1-bad].Err, name)
			for seq := range have {
				require.GreaterOrEqual(t, seq, all[1].First, name)
			}
			_, _, err = d.Check(t.Context())
			require.ErrorIs(t, err, records.ErrTampered, name)
			require.ErrorContains(t, err, all[0].File, name)
			require.NoError(t, build(t.Context(), d), name)
			again := c.check(t, d)
			require.NotEqual(t, all[0].File, again[0].File, name)
			if name != "first = 1000000" { // which seems to be of the last span
				require.Equal(t, all[1].File, again[1].File, "only what was altered is made anew")
			}
			if !inBucket2(t, d) {
				require.Len(t, inFolder(t, folder), 2, name)
			}
		}
	})
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, b, 0o600))
}

// Builders and erasures at the same time do no harm: afterwards all is as if they had come one by one.
func TestSegmentsOfManyBuilders(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(3)
		c.add(t, d, 160)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				for range 4 {
					if err := build(t.Context(), d); err != nil {
						assert.ErrorContains(t, err, "others changed them")
					}
				}
			})
		}
		for k := range 4 {
			c.erase(t, d, 30+k)
		}
		group.Wait()
		require.NoError(t, build(t.Context(), d))
		require.Len(t, c.check(t, d), 1)
		c.add(t, d, 1)
		c.erase(t, d, 1) // the last one tidies up
		require.Empty(t, inFolder(t, folder))
	})
}

// A builder that dies leaves nothing that is believed, and the next erasure removes it.
func TestSegmentOfADeadBuilder(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(4)
		c.add(t, d, 90)
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
			require.ErrorIs(t, build(t.Context(), d), down)
			d.SetCommit((*sql.Tx).Commit)
			require.Empty(t, c.check(t, d))
		}
		if !inBucket(i) {
			writeFile(t, filepath.Join(folder, "00000000000000000000000000000000.segment"), []byte("half a file"))
		}
		require.NoError(t, rawly(t, d, "INSERT INTO segment (name, state, made, first, last, digest, size, wrapped) SELECT id, 0, 0, 1, 0, salt, 0, salt FROM registry"))
		require.Empty(t, c.check(t, d))
		c.erase(t, d, 7)
		require.Empty(t, inFolder(t, folder))
		require.NoError(t, build(t.Context(), d))
		require.Len(t, c.check(t, d), 1)

		// An erasure that dies before the files are removed has destroyed the key.
		require.NoError(t, rawly(t, d, "UPDATE segment SET state = 0"))
		require.Len(t, inFolder(t, folder), 1)
		require.Empty(t, c.check(t, d), "an audit finishes it")
		require.Empty(t, inFolder(t, folder))
	})
}

// An erasure tidies up while another process ends a segment: the segment in use keeps its file.
func TestErasureWhileASegmentEnds(t *testing.T) {
	smallSegments(t)
	path := filepath.Join(t.TempDir(), "r.db")
	d := opened(sqlite.Create(t.Context(), path, info()))(t)
	c := newCorpus(3)
	c.add(t, d, 160)
	other := opened(sqlite.Open(t.Context(), path))(t)
	var erasing sync.WaitGroup
	commits := 0
	d.SetCommit(func(tx *sql.Tx) error {
		if commits++; commits == 2 { // the segment is to be used
			erasing.Go(func() { assert.NoError(t, other.Erase(context.Background(), records.Erasure{})) })
			for range 50 {
				if time.Sleep(10 * time.Millisecond); len(inFolder(t, path+".segments")) == 0 {
					break
				}
			}
		}
		return tx.Commit()
	})
	require.NoError(t, build(t.Context(), d))
	erasing.Wait()
	require.Len(t, inFolder(t, path+".segments"), 1)
	require.Len(t, c.check(t, d), 1)
}

// A segment is made when it is due, and again when it has grown by a quarter or its span is full. An erasure removes the
// segments that it concerns, also one that comes while they are made.
func TestSegmentsAreDue(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(5)
		look := func(what string, ends ...int64) []records.Segment {
			t.Helper()
			all := c.check(t, d)
			var have []int64
			for _, s := range all {
				have = append(have, s.Last)
			}
			require.Equal(t, ends, have, what)
			require.Len(t, inFolder(t, folder), len(all), what)
			return all
		}
		grow := func(to int) {
			size, _, err := d.Head(t.Context())
			require.NoError(t, err)
			c.add(t, d, to-int(size))
			require.NoError(t, build(t.Context(), d))
		}
		grow(testFrom - 1)
		look("too few")
		grow(testFrom)
		look("enough", testFrom)
		grow(2*testFrom - 1)
		look("not due", testFrom)
		grow(testSpan - 1)
		look("due", testSpan-1)
		grow(testSpan)
		look("full", testSpan)
		grow(3*testSpan + testFrom/2)
		all := look("many", testSpan, 2*testSpan, 3*testSpan)

		of := func(at int) (seq int64) {
			for seq = all[at].First; c.ids[seq] == [16]byte{}; seq++ {
			}
			return seq
		}
		erase := func(seq int64) {
			e := records.Erasure{Entered: t0, Actor: "dpo", Submissions: []watermark.Submission{c.ids[seq]}, Logged: books.Logged{Salt: salt(fmt.Sprint("due", seq))}}
			assert.NoError(t, d.Erase(t.Context(), e))
		}
		seq := of(1)
		erase(seq)
		delete(c.kept, seq)
		look("erased", testSpan, 3*testSpan)
		done, made := make(chan struct{}), 0
		seq++
		delete(c.kept, seq)
		require.NoError(t, build(t.Context(), d, func() {
			if made++; made > 1 {
				return
			}
			go func() {
				defer close(done)
				erase(seq)
			}()
			require.Eventually(t, func() bool {
				now, err := d.ErasedAfter(t.Context(), 0)
				return err == nil && len(now) == 2
			}, time.Minute, time.Millisecond)
		}))
		<-done
		again := look("again", testSpan, 2*testSpan, 3*testSpan)
		require.Equal(t, 2, made, "an erasure came meanwhile")
		require.Equal(t, []string{all[0].File, all[2].File}, []string{again[0].File, again[2].File})
	})
}

// requireSegments requires that all segments can be used, and hold nothing that was erased.
func requireSegments(t *testing.T, d *sqldb.DB) {
	t.Helper()
	hashes, all, err := inSegments(t.Context(), d, true)
	require.NoError(t, err)
	for _, s := range all {
		require.NoError(t, s.Err)
	}
	gone, err := d.ErasedAfter(t.Context(), 0)
	require.NoError(t, err)
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

// Of the hashes of erased uploads nothing stands in a file of the database, and of no hash anything in a segment's.
func TestErasedHashesLeaveNothing(t *testing.T) {
	smallSegments(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "r.db")
	d := opened(sqlite.Create(t.Context(), path, info()))(t)
	c := newCorpus(7)
	var erased []phash.Hash
	for k := range 6 {
		c.add(t, d, 110+10*k)
		require.NoError(t, build(t.Context(), d))
		before := maps.Clone(c.kept)
		c.erase(t, d, 6+k)
		for seq, h := range before {
			if _, ok := c.kept[seq]; !ok && c.lone(h) {
				erased = append(erased, h)
			}
		}
	}
	require.Greater(t, len(erased), 100)
	require.NoError(t, build(t.Context(), d))
	require.NotEmpty(t, c.check(t, d))
	for _, h := range erased[:100] {
		require.False(t, holds(t, dir, h) || holds(t, path+".segments", h), h)
	}
	for _, h := range c.kept {
		require.True(t, holds(t, dir, h))
		require.False(t, holds(t, path+".segments", h))
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
	c.add(t, b.d, 2*testFrom)
	require.NoError(t, build(t.Context(), b.d))
	all := c.check(t, b.d)
	require.Len(t, all, 1)
	for _, h := range c.kept {
		require.False(t, holds(t, b.folder, h) || holds(t, b.copies, h))
	}

	// Another machine, and a server that dies: a copy serves; without it nothing is said of the segment.
	copied := filepath.Join(b.copies, all[0].File)
	require.NoError(t, os.RemoveAll(b.copies))
	open := func() ([]records.Segment, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		have, all, err := inSegments(ctx, b.d, false)
		if err == nil && all[0].Err == nil {
			require.Equal(t, c.kept, have)
		}
		return all, err
	}
	_, err := open()
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

	// Copies that were cut or altered are fetched again.
	writeFile(t, copied, whole[:len(whole)-1])
	_, err = open()
	require.NoError(t, err)
	bad := bytes.Clone(whole)
	bad[c.IntN(len(bad))] ^= 1
	writeFile(t, copied, bad)
	again, err := open()
	require.NoError(t, err)
	require.NoError(t, again[0].Err)
	require.Equal(t, whole, read(t, copied))
	used, err := again[0].Leave(t.Context()) // after a search met an altered record
	require.NoError(t, err)
	require.True(t, used)
	require.NoFileExists(t, copied)
	again, err = open()
	require.NoError(t, err)
	require.NoError(t, again[0].Err)
	c.check(t, b.d)

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
	require.ErrorIs(t, again[0].Err, records.ErrSealed)
}

// An erasure destroys the key of each segment that it concerns, also if the bucket is away, and removes the
// object. What copies there were goes when the registry's segments are opened next.
func TestErasedFromABucket(t *testing.T) {
	b := newBucket(t)
	c := newCorpus(9)
	c.add(t, b.d, 2*testFrom)
	require.NoError(t, build(t.Context(), b.d))
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
	require.ErrorContains(t, b.d.Erase(ctx, records.Erasure{Entered: t0, Submissions: []watermark.Submission{c.ids[seq]}}), "the next erasure or audit removes their files")
	delete(c.kept, seq)
	require.Zero(t, count("SELECT count(*) FROM segment WHERE length(wrapped) > 0 OR state > 0"))
	require.Len(t, inFolder(t, b.folder), 1)
	again, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	_, _, err = b.d.Check(again)
	require.ErrorContains(t, err, "bucket kyc")
	require.NotErrorIs(t, err, records.ErrTampered, "the audit could not be done")
	b.s3.Run(t)
	_, _, err = b.d.Check(t.Context())
	require.NoError(t, err)
	require.Empty(t, inFolder(t, b.folder))
	require.Zero(t, count("SELECT count(*) FROM segment"))

	writeFile(t, copied, whole) // as another machine has it
	require.NoError(t, build(t.Context(), b.d))
	require.Len(t, c.check(t, b.d), 1)
	require.NoFileExists(t, copied)
}

// The audit of objects counts segments as it counts originals, and leaves those alone that are being made.
func TestAuditOfSegmentObjects(t *testing.T) {
	b := newBucket(t)
	c := newCorpus(10)
	c.add(t, b.d, 2*testFrom)
	require.NoError(t, build(t.Context(), b.d))
	all := c.check(t, b.d)
	look := func(want records.Objects) {
		t.Helper()
		want.Place = b.s3.Address
		got, err := b.d.CheckObjects(t.Context(), time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	look(records.Objects{Kept: 1})
	path := pathOf(t, b.d, b.folder, all[0])
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	look(records.Objects{Kept: 1, Missing: 1})
	_, lost, err := inSegments(t.Context(), b.d, true)
	require.NoError(t, err)
	require.ErrorIs(t, lost[0].Err, records.ErrSealed)
	require.NoError(t, build(t.Context(), b.d))
	c.check(t, b.d)
	writeFile(t, path, whole) // it belongs to nothing
	look(records.Objects{Kept: 1, Extra: 1, Removed: 1})
	require.NoFileExists(t, path)
	// A builder has named its object and put it there.
	require.NoError(t, rawly(t, b.d, "UPDATE segment SET state = 0, last = 0"))
	look(records.Objects{})
	require.FileExists(t, pathOf(t, b.d, b.folder, all0(t, b)))
}

// all0 is the first segment that has a row.
func all0(t *testing.T, b *bucket) records.Segment {
	var name []byte
	require.NoError(t, b.d.Raw().QueryRowContext(t.Context(), "SELECT name FROM segment").Scan(&name))
	return records.Segment{File: hex.EncodeToString(name) + ".segment"}
}
