package sqldb

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// Hashes and local features are searched in memory, by packages phash and parts. Segments save a process
// the reading of all rows and the building of the tables: each is a snapshot of an index of the submissions
// from one number to another, which is mapped. What is in no segment is read from its rows. Features lie
// sealed in their segments, and so do hashes in a bucket, and hashes whose rows are sealed. Only the holder
// of the sealing key makes and reads these.
//
// The rows are the truth. A segment counts only if its row says so and its bytes have the digest that the
// row names, or open with its key. Its row is there before its file, and goes after it. So a kill leaves a row that
// says what is to be removed, and never a file without a row.

// searched is the kind of hash that submissions are found by.
const searched = phash.Area

const (
	// segmentFrom is how many submissions become a segment. A process reads fewer from their rows in
	// less than a second. Chosen.
	segmentFrom = 1 << 16
	// segmentGrowth: a segment is merged with the submissions after it, if it has fewer than so many
	// times as many. So an entry is moved a few times, and there are few segments. As in package phash.
	segmentGrowth = 4
	// featuresFrom is segmentFrom for local features. Reading these costs 40 µs a submission. Chosen.
	featuresFrom = 1 << 14
	// featuresInObject is how many numbers a segment of features in a bucket covers: 2.5 GB, at most 3.4 GB. S3
	// takes 5 GB at once.
	featuresInObject = 1 << 19
	// hashesInObject is how many times segmentFrom submissions a segment of hashes in a bucket covers: 3 GB.
	hashesInObject = 1 << 9
	// segmentAttempts bounds the races with erasures and other builders.
	segmentAttempts = 3
	// segmentPage is how many rows are read at a time.
	segmentPage = 10_000
)

// The states of a segment, as the migration describes them.
const (
	segmentIdle = iota
	segmentUsed
	segmentMarred
)

// The kinds of segments.
const (
	hashSegment = iota
	featureSegment
)

// A segmentRow is a row of the table segment.
type segmentRow struct {
	name                [16]byte
	kind, state         int64
	made                time.Time
	first, last, hashed int64
	others              []byte
	digest              [32]byte
	size                int64  // of an object; 0: it is a file
	wrapped             []byte // key of a sealed segment; empty: not sealed
}

// segmentEnds end the names of segments' files, by their kind.
var segmentEnds = [...]string{".hashes", ".features"}

// file is the name of the segment's file.
func (s *segmentRow) file() string { return hex.EncodeToString(s.name[:]) + segmentEnds[s.kind] }

// rest yields the submissions that have no hash in the file.
func (s *segmentRow) rest() iter.Seq2[int64, bool] {
	return func(yield func(seq int64, damaged bool) bool) {
		for b := s.others; len(b) >= 8; b = b[8:] {
			if v := binary.LittleEndian.Uint64(b); !yield(int64(v>>1), v&1 != 0) {
				return
			}
		}
	}
}

// usedSegments ends a query of the segments of a kind that are searched.
const usedSegments = " WHERE state > 0 AND kind = $1 ORDER BY first"

// Searchable needs erasures whose submissions have numbers up to upto. Beside an error that wraps [books.ErrTampered]
// it returns the number of submissions that were entered.
func (d *DB) Searchable(ctx context.Context, upto, erasure int64) (n int64, err error) {
	err = d.snapshot(ctx, func(q querier) error {
		var all, erased, listed, more, later int64
		if err := q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM submission), (SELECT count(*) FROM submission WHERE erased > 0),
			(SELECT count(*) FROM erasure_submission WHERE erasure IN (SELECT seq FROM erasure)),
			(SELECT count(*) FROM submission WHERE seq > $1), (SELECT count(*) FROM erasure_submission WHERE erasure > $2)`,
			upto, erasure).Scan(&all, &erased, &listed, &more, &later); err != nil {
			return unreadable(err)
		}
		lists, err := readLists(ctx, q, &d.dialect)
		if err != nil {
			return err
		}
		entered, err := lists.Find(ctx, books.EntrySubmission)
		switch {
		case err != nil:
			return damaged(err)
		case uint64(all) != entered.N:
			n = int64(entered.N) - more - (listed - later)
			return tampered("there are %d submissions and pages, and %d were entered", all, entered.N)
		case erased != listed:
			n = all - more - (listed - later)
			return tampered("%d submissions are erased, but erasures list %d", erased, listed)
		}
		n = all - more - (listed - later)
		return nil
	})
	return n, err
}

func (d *DB) Segments(ctx context.Context, keys *books.SegmentKeys) (x *phash.Index, out []books.Segment, err error) {
	x = phash.NewIndex(searched)
	files, err := d.segmentFiles(ctx)
	if err != nil || files.sealed && keys == nil {
		return x, nil, err
	}
	out, err = d.mountAll(ctx, files, hashSegment, func() { x = phash.NewIndex(searched) }, func(s *segmentRow) error { return d.mount(ctx, files, x, s, keys) })
	return x, out, err
}

func (d *DB) FeatureSegments(ctx context.Context, open books.OpenSegment) (x *parts.Index, out []books.Segment, err error) {
	x = new(parts.Index)
	files, err := d.segmentFiles(ctx)
	if err != nil {
		return x, nil, err
	}
	out, err = d.mountAll(ctx, files, featureSegment, func() { x = new(parts.Index) }, func(s *segmentRow) error {
		return d.mountFeatures(ctx, files, x, s, open)
	})
	return x, out, err
}

// mountAll mounts all segments of a kind, and begins again if segments were replaced meanwhile. If the bucket
// does not answer, that is its error: nothing was found out about a segment.
func (d *DB) mountAll(ctx context.Context, files *segmentFiles, kind int64, begin func(), mount func(*segmentRow) error) (out []books.Segment, err error) {
	if files.none() {
		return nil, nil
	}
	for range segmentAttempts {
		rows, err := segmentTable.rows(ctx, d.read, usedSegments, kind)
		if err != nil {
			return nil, err
		}
		files.prune(rows, kind)
		begin()
		out = nil
		missing := false
		for i := range rows {
			r := &rows[i]
			s := books.Segment{File: r.file(), First: r.first, Last: r.last, Err: mount(r), Forget: func() { files.forget(r) }}
			if errors.Is(s.Err, errUnread) {
				return nil, s.Err
			}
			for seq, damaged := range r.rest() {
				if damaged {
					s.Damaged = append(s.Damaged, seq)
				} else {
					s.Flat = append(s.Flat, seq)
				}
			}
			missing = missing || errors.Is(s.Err, fs.ErrNotExist)
			out = append(out, s)
		}
		if !missing { // or replaced meanwhile
			break
		}
	}
	return out, nil
}

// mount adds the hashes of a segment to x: with its file mapped, or opened in memory.
func (d *DB) mount(ctx context.Context, files *segmentFiles, x *phash.Index, s *segmentRow, keys *books.SegmentKeys) error {
	f, err := files.open(ctx, s)
	if err != nil {
		return intoSegment(s, err)
	}
	if !files.sealed {
		return keepMapped(x, f, s, x.Mount(f.Bytes(), s.digest))
	}
	snapshot, free, err := openHashes(f.Bytes(), s, keys)
	if err == nil {
		if err = x.Mount(snapshot, [32]byte(snapshot[len(snapshot)-32:])); err != nil {
			free(snapshot)
		} else {
			runtime.AddCleanup(x, free, snapshot)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		files.forget(s)
		return intoSegment(s, err)
	}
	return nil
}

// mountFeatures adds the features of a segment to x, which keeps its file mapped.
func (d *DB) mountFeatures(ctx context.Context, files *segmentFiles, x *parts.Index, s *segmentRow, open books.OpenSegment) error {
	f, err := files.open(ctx, s)
	if err != nil {
		return intoSegment(s, err)
	}
	key, err := open(s.name, s.wrapped)
	if err == nil {
		if err = x.Mount(s.file(), f.Bytes(), key, books.AboutSegment(s.first, s.last, s.others)); err != nil {
			files.forget(s)
		}
	}
	return keepMapped(x, f, s, err)
}

// keepMapped unmaps the file of a segment after an error, or with x.
func keepMapped[T any](x *T, f *mapfile.File, s *segmentRow, err error) error {
	if err != nil {
		return intoSegment(s, errors.Join(err, f.Close()))
	}
	runtime.AddCleanup(x, func(f *mapfile.File) { _ = f.Close() }, f)
	return nil
}

// intoSegment names the segment in err, and no folder.
func intoSegment(s *segmentRow, err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("segment %s of the submissions %d to %d: %w", s.file(), s.first, s.last, err)
}

// errOvertaken says that another builder was faster.
var errOvertaken = errors.New("segments: others changed them meanwhile")

// BuildSegments makes a segment from segmentFrom submissions on. It is merged with segments before it that are not
// much larger. Without keys no sealed segment is made.
func (d *DB) BuildSegments(ctx context.Context, keys *books.SegmentKeys, how books.Build, progress func(done, total int64)) error {
	return d.building(ctx, func(files *segmentFiles) error {
		if files.sealed && keys == nil {
			return d.tidySegments(ctx, files, false)
		}
		return d.buildHashes(ctx, files, keys, how, progress)
	})
}

// building calls build until it was not overtaken by others, and no other builder of this process runs.
func (d *DB) building(ctx context.Context, build func(*segmentFiles) error) error {
	files, err := d.segmentFiles(ctx)
	if err != nil || files.none() {
		return err
	}
	d.segmenting.Lock()
	defer d.segmenting.Unlock()
	for range segmentAttempts {
		if err = build(files); !errors.Is(err, errOvertaken) {
			break
		}
	}
	return err
}

// buildHashes is [DB.BuildSegments] once. Its error wraps errOvertaken if it is to be run again.
func (d *DB) buildHashes(ctx context.Context, files *segmentFiles, keys *books.SegmentKeys, how books.Build, progress func(done, total int64)) error {
	rows, err := segmentTable.rows(ctx, d.read, usedSegments, hashSegment)
	if err != nil {
		return err
	}
	anew := how == books.BuildAll
	keep, whole := 0, int64(0)                                               // there are segments up to number whole
	for ; keep < len(rows) && !anew && rows[keep].first == whole+1; keep++ { // an erasure leaves a gap
		if lost, err := files.lost(ctx, &rows[keep], how); err != nil {
			return err
		} else if lost {
			break
		}
		whole = rows[keep].last
	}
	after, broken := int64(0), keep < len(rows)
	if len(rows) > 0 {
		after = rows[len(rows)-1].last
	}
	tail, upto, err := d.submissions(ctx, after, math.MaxInt64)
	if err != nil {
		return err
	}
	if upto = max(upto, after); upto == 0 || tail < int64(d.segmentFrom) && !broken && !anew {
		return d.tidySegments(ctx, files, false)
	}
	maxHashed := int64(math.MaxInt64)
	if files.place != nil {
		maxHashed = hashesInObject * int64(d.segmentFrom)
	}
	if !broken {
		for keep = len(rows); keep > 0; keep-- {
			s := &rows[keep-1]
			n := s.hashed + int64(len(s.others)/8)
			if n >= segmentGrowth*tail || n+tail > maxHashed {
				break
			}
			tail += n
		}
	}
	first, end, old := after+1, upto, rows[keep:]
	if broken {
		first = whole + 1
	} else if len(old) > 0 {
		first = old[0].first
	}
	switch {
	case files.place == nil:
	case broken && !anew && first < old[0].first: // only what is missing: at most what one object holds
		if end, err = d.bounded(ctx, first, maxHashed); err != nil {
			return err
		}
		end, old = min(max(end, first), old[0].first-1), nil
	case broken && !anew:
		old, end = old[:1], old[0].last
	case anew || len(old) == 0:
		if end, err = d.bounded(ctx, first, maxHashed); err != nil {
			return err
		}
		end = min(max(end, first), upto)
	}
	if err := d.makeSegment(ctx, files, segmentRow{first: first}, old, end, d.collecting(ctx, files, keys, anew, progress)); err != nil {
		return err
	}
	if end < upto {
		return d.buildHashes(ctx, files, keys, min(how, books.BuildMissing), progress)
	}
	return d.tidySegments(ctx, files, false)
}

// bounded returns the number of the n-th submission from number first on, or of the last; 0 without submissions.
func (d *DB) bounded(ctx context.Context, first, n int64) (int64, error) {
	return number(ctx, d.read, "SELECT coalesce(max(seq), 0) FROM (SELECT seq FROM submission WHERE seq >= $1 ORDER BY seq LIMIT $2) AS first", first, n)
}

// submissions counts the submissions from behind number after to number upto, and returns the last of them.
func (d *DB) submissions(ctx context.Context, after, upto int64) (n, last int64, err error) {
	err = d.read.QueryRowContext(ctx, "SELECT count(*), coalesce(max(seq), 0) FROM submission WHERE seq > $1 AND seq <= $2", after, upto).Scan(&n, &last)
	return n, last, err
}

// FeatureSpan is how many numbers a segment of features covers. Tests make it smaller before they open a registry.
var FeatureSpan int64 = parts.MaxSealed

// BuildFeatureSegments makes segments of features: one for every FeatureSpan numbers, or featuresInObject in a
// bucket, from featuresFrom submissions on. It is made again if they have grown by a quarter, or as how says. write
// fills the file.
func (d *DB) BuildFeatureSegments(ctx context.Context, how books.Build, write books.WriteSegment) error {
	return d.building(ctx, func(files *segmentFiles) error {
		rows, err := segmentTable.rows(ctx, d.read, usedSegments, featureSegment)
		if err != nil {
			return err
		}
		end, err := number(ctx, d.read, "SELECT coalesce(max(seq), 0) FROM submission")
		if err != nil {
			return err
		}
		span := FeatureSpan
		if files.place != nil {
			span = min(span, featuresInObject)
		}
		for first := int64(1); first <= end; first += span {
			last := first + span - 1
			i := slices.IndexFunc(rows, func(s segmentRow) bool { return s.first == first })
			var old []segmentRow
			after, from := first-1, min(featuresFrom, int64(d.segmentFrom))
			due := how == books.BuildAll
			if i >= 0 {
				old, after = rows[i:i+1], rows[i].last
				from = max(from, old[0].hashed/segmentGrowth)
				if !due {
					if due, err = files.lost(ctx, &old[0], how); err != nil {
						return err
					}
				}
			}
			tail, upto, err := d.submissions(ctx, after, last)
			if err != nil {
				return err
			}
			if upto = max(upto, after); upto < first || tail < from && !due {
				continue
			}
			err = d.makeSegment(ctx, files, segmentRow{kind: featureSegment, first: first}, old, upto, func(f *os.File, s *segmentRow, _ []segmentRow, upto int64) error {
				m, err := write(ctx, f, s.name, first, upto)
				s.hashed, s.others, s.wrapped = m.Found, m.Others, m.Wrapped
				return err
			})
			if err != nil {
				return err
			}
		}
		return d.tidySegments(ctx, files, false)
	})
}

// A segmentWriter writes the file of a segment of the submissions from s.first to upto. It takes the place of
// the segments old. The writer sets what the row of s is to say of the file.
type segmentWriter func(f *os.File, s *segmentRow, old []segmentRow, upto int64) error

// makeSegment makes a segment, of the kind and from the number that s has, to number upto. It replaces old.
// The error wraps errOvertaken if others built the same meanwhile.
func (d *DB) makeSegment(ctx context.Context, files *segmentFiles, s segmentRow, old []segmentRow, upto int64, write segmentWriter) (err error) {
	s.made = time.Now()
	rand.Read(s.name[:])
	erasure, err := number(ctx, d.read, "SELECT coalesce(max(erased), 0) FROM submission WHERE erased > 0")
	if err != nil {
		return err
	}
	const what = "make a segment"
	if err := d.update(ctx, what, func(t *tx) error { return insert(ctx, t, segmentTable, s) }); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.dropSegment(context.WithoutCancel(ctx), files, &s))
		}
	}()
	if err := files.write(ctx, &s, func(f *os.File) error { return write(f, &s, old, upto) }, func() error {
		return d.update(ctx, what, func(t *tx) error {
			return t.one(ctx, "UPDATE segment SET digest = $1, size = $2 WHERE name = $3 AND state = 0", s.digest[:], s.size, s.name[:])
		})
	}); err != nil {
		return err
	}
	return d.update(ctx, what, func(t *tx) error {
		for i := range old {
			if err := t.one(ctx, "UPDATE segment SET state = $1 WHERE name = $2 AND state > 0", segmentIdle, old[i].name[:]); err != nil {
				return err
			}
		}
		var others, erased int // +seq: the database uses the index of erased uploads, not all rows of the range
		if err := t.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM segment WHERE state > 0 AND kind = $4 AND first <= $1 AND last >= $2),
			(SELECT count(*) FROM submission WHERE erased > 0 AND erased > $3 AND +seq BETWEEN $2 AND $1)`, upto, s.first, erasure, s.kind).Scan(&others, &erased); err != nil {
			return err
		}
		state := segmentUsed
		switch {
		case others > 0 || erased > 0 && len(s.wrapped) > 0:
			return errOvertaken
		case erased > 0: // since the hashes were read
			state = segmentMarred
		}
		return t.one(ctx, "UPDATE segment SET state = $1, last = $2, hashed = $3, others = $4, digest = $5, wrapped = $6 WHERE name = $7",
			state, upto, s.hashed, blob{&s.others}, sparse(s.digest[:]), blob{&s.wrapped}, s.name[:])
	})
}

// one runs a change of one row. The error wraps errOvertaken if the row is not there.
func (t *tx) one(ctx context.Context, query string, args ...any) error {
	done, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(errOvertaken, err)
	}
	return nil
}

// collecting returns what writes the file of a segment of hashes, and sets what its row is to say of it. With anew, all
// hashes are read from rows. keys may be nil if hashes are not sealed, progress too.
func (d *DB) collecting(ctx context.Context, files *segmentFiles, keys *books.SegmentKeys, anew bool, progress func(done, total int64)) segmentWriter {
	return func(f *os.File, s *segmentRow, old []segmentRow, upto int64) error {
		each := hashesIn(d.read)
		if d.info.SealHashes {
			each = keys.Hashes
		}
		x := phash.NewIndex(searched)
		read := func(first, last int64) (err error) {
			all := x.AddAll(func(yield func(int64, phash.Hash) bool) {
				err = each(ctx, first, last, func(seq int64, h *phash.Hash, damaged error) bool {
					if progress != nil {
						progress(seq, upto)
					}
					if h == nil {
						s.others = books.NoteOther(s.others, seq, damaged != nil)
						return true
					}
					return yield(seq, *h)
				})
			})
			return errors.Join(err, all)
		}
		gone := make(map[int64]bool)
		erased, err := numbers(ctx, d.read, "SELECT seq FROM submission WHERE erased > 0 AND +seq BETWEEN $1 AND $2", s.first, upto)
		if err != nil {
			return err
		}
		for _, n := range erased {
			gone[n] = true
		}
		from := s.first
		for i := range old {
			if anew {
				break
			}
			if err := read(from, old[i].first-1); err != nil { // of a segment that an erasure removed
				return err
			}
			if err := d.mount(ctx, files, x, &old[i], keys); errors.Is(err, errUnread) {
				return err
			} else if err != nil {
				if err := read(old[i].first, old[i].last); err != nil {
					return err
				}
			} else {
				for seq, damaged := range old[i].rest() {
					if !gone[seq] {
						s.others = books.NoteOther(s.others, seq, damaged)
					}
				}
			}
			from = old[i].last + 1
		}
		if err := read(from, upto); err != nil {
			return err
		}
		for seq := range gone {
			x.Remove(seq)
		}
		s.hashed = int64(x.Len())
		if files.sealed {
			return sealHashes(f, s, upto, keys, x)
		}
		n, err := x.WriteTo(f)
		if err == nil {
			_, err = f.ReadAt(s.digest[:], n-int64(len(s.digest)))
		}
		return err
	}
}

// hashesIn reads the hashes of rows that have them in the clear.
func hashesIn(q querier) books.EachHash {
	type row struct {
		seq     int64
		area    string
		quality int
	}
	return func(ctx context.Context, first, last int64, use func(seq int64, h *phash.Hash, damaged error) bool) error {
		for first <= last {
			page, err := collect(ctx, q, func(r *row) []any { return []any{&r.seq, &r.area, &r.quality} },
				"SELECT seq, area, area_quality FROM submission WHERE erased = 0 AND seq BETWEEN $1 AND $2 ORDER BY seq LIMIT $3", first, last, segmentPage)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, r := range page {
				h, err := phash.Parse(r.area)
				if err == nil && h.Kind != searched {
					err = fmt.Errorf("a hash of kind %s, not %s", h.Kind, searched)
				}
				found := &h
				if err != nil || r.quality < phash.MinQuality {
					found = nil
				}
				if !use(r.seq, found, err) {
					return nil
				}
			}
			first = page[len(page)-1].seq + 1
		}
		return nil
	}
}

// dropSegment removes the file of a segment that is not in use, and then its row.
func (d *DB) dropSegment(ctx context.Context, files *segmentFiles, s *segmentRow) error {
	if err := files.remove(ctx, s); err != nil {
		return err
	}
	_, err := d.write.ExecContext(ctx, "DELETE FROM segment WHERE name = $1 AND state = $2", s.name[:], segmentIdle)
	return err
}

// removeSegments removes segments that were replaced. With all it also removes segments that others are
// making, which may hold erased hashes, and files of no segment. It returns the other segments.
func (d *DB) removeSegments(ctx context.Context, files *segmentFiles, all bool) (left []segmentRow, err error) {
	var there []string // before the rows are read
	if all {
		if there, err = files.list(); err != nil {
			return nil, err
		}
	}
	rows, err := segmentTable.rows(ctx, d.read, " ORDER BY first")
	if err != nil {
		return nil, err
	}
	for i := range rows {
		s := &rows[i]
		there = slices.DeleteFunc(there, func(name string) bool { return name == s.file() })
		switch {
		case s.state != segmentIdle:
			left = append(left, *s)
		case all || s.last > 0 || time.Since(s.made) > settled:
			if err := d.dropSegment(ctx, files, s); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range there {
		if err := removeFile(filepath.Join(files.folder, name)); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// tidySegments is removeSegments, and makes segments anew that hold erased hashes. What was erased before it
// began is then in no file.
func (d *DB) tidySegments(ctx context.Context, files *segmentFiles, all bool) error {
	rows, err := d.removeSegments(ctx, files, all)
	if err != nil {
		return err
	}
	marred := slices.DeleteFunc(rows, func(s segmentRow) bool { return s.state != segmentMarred })
	for i := range marred {
		if err := d.makeSegment(ctx, files, segmentRow{first: marred[i].first}, marred[i:i+1], marred[i].last, d.collecting(ctx, files, nil, false, nil)); err != nil {
			return intoSegment(&marred[i], err)
		}
	}
	if len(marred) > 0 {
		_, err = d.removeSegments(ctx, files, false)
	}
	return err
}

// cleanSegments removes the hashes of erased submissions from segments, after the erasure.
func (d *DB) cleanSegments(ctx context.Context) error {
	err := d.building(ctx, func(files *segmentFiles) error { return d.tidySegments(ctx, files, true) })
	if err != nil {
		return fmt.Errorf("the erasure is done, but a segment still holds its hashes; the next erasure or audit removes it: %w", err)
	}
	return nil
}

// finishErasures is cleanSegments if an erasure was interrupted before its hashes were out of all files, and
// this process may write.
func (d *DB) finishErasures(ctx context.Context) error {
	marred, err := number(ctx, d.read, "SELECT count(*) FROM segment WHERE state = $1 OR state = $2 AND last > 0", segmentMarred, segmentIdle)
	if err != nil || marred == 0 || d.readOnly {
		return err
	}
	if err = d.cleanSegments(ctx); err == nil || errors.Is(err, books.ErrFrozen) || d.dialect.Frozen != nil && d.dialect.Frozen(err) {
		return nil
	}
	if errors.Is(err, errUnread) {
		return err
	}
	return tampered("an erasure is not finished: %v", err)
}

var marring = fmt.Sprintf("UPDATE segment SET state = CASE WHEN length(wrapped) > 0 THEN %d ELSE %d END, wrapped = $1 WHERE state = $2 AND first <= $3 AND last >= $3",
	segmentIdle, segmentMarred)

// mar takes the segments of erased submissions out of use: segments in the clear are to be made anew. Of sealed
// segments the key is destroyed, and they are to be removed: only who has the sealing key can make them anew.
func mar(ctx context.Context, t *tx, rows []books.Submission) error {
	for i := range rows {
		if _, err := t.ExecContext(ctx, marring, []byte{}, segmentUsed, rows[i].Seq); err != nil {
			return err
		}
	}
	return nil
}

// CheckSegments reads all segments of a bucket again. The error wraps [books.ErrTampered] and names the segment.
func (d *DB) CheckSegments(ctx context.Context, keys *books.SegmentKeys) error {
	files, err := d.segmentFiles(ctx)
	if err != nil || !files.sealed || files.none() {
		return err
	}
	if files.place != nil { // what machines have copies of may be altered, or missing
		copies, err := files.list()
		if err != nil {
			return err
		}
		for _, name := range copies {
			if err := removeFile(filepath.Join(files.folder, name)); err != nil {
				return err
			}
		}
	}
	differ, err := d.checkEach(ctx, files, d.read, keys, keys.Hashes)
	if err != nil {
		return err
	}
	return d.stillUsed(ctx, differ)
}

// checkSegments compares the segments in the clear with the rows of their submissions, in the transaction q. Files that
// a copy of the registry came without are no error if the whole folder is missing.
func (d *DB) checkSegments(ctx context.Context, files *segmentFiles, q querier) ([]differing, error) {
	if files.sealed {
		return nil, nil
	}
	if _, err := os.Stat(files.folder); files.none() || err != nil {
		return nil, nil
	}
	return d.checkEach(ctx, files, q, nil, hashesIn(q))
}

// A differing segment is not what its submissions yield, or it was replaced after its row was read.
type differing struct {
	name [16]byte
	err  error
}

// checkEach compares all segments of hashes with what each yields.
func (d *DB) checkEach(ctx context.Context, files *segmentFiles, q querier, keys *books.SegmentKeys, each books.EachHash) (differ []differing, err error) {
	rows, err := segmentTable.rows(ctx, q, usedSegments, hashSegment)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		s := &rows[i]
		x := phash.NewIndex(searched)
		err := d.mount(ctx, files, x, s, keys)
		switch {
		case err == nil:
			err = checkSegment(ctx, s, x, each)
		case !errors.Is(err, errUnread):
			err = wrongSegment(err)
		}
		if errors.Is(err, books.ErrTampered) {
			differ = append(differ, differing{s.name, err})
		} else if err != nil {
			return nil, err
		}
	}
	return differ, nil
}

// stillUsed returns the error of the first segment that was not replaced. It asks the database anew, so the caller
// must hold none of the connections that read: all of them may be held by callers that wait for another.
func (d *DB) stillUsed(ctx context.Context, differ []differing) error {
	for _, s := range differ {
		if used, err := number(ctx, d.read, "SELECT count(*) FROM segment WHERE state > 0 AND name = $1", s.name[:]); err != nil || used > 0 {
			return s.err
		}
	}
	return nil
}

// wrongSegment is the error of a segment that cannot be used.
func wrongSegment(err error) error {
	return tampered("%v (kycmark segments --anew makes it again)", err)
}

// checkSegment compares the entries of one segment, in x, with the rows of its submissions.
func checkSegment(ctx context.Context, s *segmentRow, x *phash.Index, each books.EachHash) error {
	next, stop := iter.Pull2(x.All())
	defer stop()
	others := make(map[int64]bool)
	for seq, damaged := range s.rest() {
		others[seq] = damaged
	}
	var wrong error
	err := each(ctx, s.first, s.last, func(seq int64, h *phash.Hash, damaged error) bool {
		if _, other := others[seq]; h == nil && other {
			return true
		}
		ref, have, ok := next()
		for ok && ref < seq && s.state == segmentMarred { // erased, and the segment is to be made anew
			ref, have, ok = next()
		}
		if h == nil || !ok || ref != seq || have != *h {
			wrong = wrongSegment(intoSegment(s, fmt.Errorf("it differs from the hash of submission number %d", seq)))
		}
		return wrong == nil
	})
	if _, _, more := next(); more && wrong == nil && s.state != segmentMarred {
		wrong = wrongSegment(intoSegment(s, errors.New("it has hashes of no submission")))
	}
	return errors.Join(err, wrong)
}
