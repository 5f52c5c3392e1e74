package sqldb

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/phash/parts"
)

// Submissions are found by hashes and local features. Segments save a process the reading of all rows: each is a sealed
// file of what the submissions in a span of numbers are found by. What is in no segment is read from its rows. Only the
// holder of the sealing key makes and reads segments.
//
// The rows are the truth. A segment counts only if its row says so and its bytes open with its key, as made from the present
// ledger: it is bound to the root of the entries up to its last number. A segment of a row that was altered for a while, of another registry or of
// another course of this one is not used. Its row is there
// before its file, and goes after it. So a kill leaves a row that says what is to be removed, and never a file without a
// row. An erasure destroys the keys of the segments that it concerns.

// Tests make these smaller before they open a registry.
var (
	// SegmentSpan is how many numbers a segment covers. A search takes about as long in each segment.
	SegmentSpan int64 = parts.MaxSealed
	// SegmentFrom is how many numbers become a segment. A process reads so many submissions in less than a second. Chosen.
	SegmentFrom int64 = 1 << 14
)

const (
	// segmentGrowth: a segment is made again when its numbers have grown by one in so many, or its span is full. Chosen.
	segmentGrowth = 4
	// segmentObject is how many numbers a segment in a bucket covers: 2.5 GB, at most 3.4 GB. S3 takes 5 GB at once.
	segmentObject = 1 << 19
	// segmentAttempts bounds the races with erasures and other builders.
	segmentAttempts = 3
)

// The states of a segment, as the schema describes them.
const (
	segmentIdle = iota
	segmentUsed
	segmentAltered
)

// usedSegments ends a query of the segments that are searched.
const usedSegments = " WHERE state > 0 ORDER BY first"

// segments are the files by which submissions are found.
type segments struct{ *core }

// Searchable needs erasures whose submissions have numbers up to upto. Beside an error that wraps [records.ErrTampered]
// it returns the number of submissions that were entered.
func (d segments) Searchable(ctx context.Context, upto, erasure int64) (n int64, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		var all, erased, listed, more, later int64
		if err := q.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM submission), (SELECT count(*) FROM submission WHERE erased > 0),
			(SELECT count(*) FROM erasure_submission WHERE erasure IN (SELECT seq FROM erasure)),
			(SELECT count(*) FROM submission WHERE seq > $1), (SELECT count(*) FROM erasure_submission WHERE erasure > $2)`,
			upto, erasure).Scan(&all, &erased, &listed, &more, &later); err != nil {
			return schema.Unreadable(err)
		}
		entered, err := listNow(ctx, q, &d.dialect, records.EntrySubmission)
		n = int64(entered.N) - more - (listed - later)
		switch {
		case err != nil:
			n = 0
		case uint64(all) != entered.N:
			err = schema.Tampered("there are %d submissions and pages, and %d were entered", all, entered.N)
		case erased != listed:
			err = schema.Tampered("%d submissions are erased, but erasures list %d", erased, listed)
		}
		return err
	})
	return n, err
}

// Segments leaves out segments replaced meanwhile. If the bucket does not answer, it returns that error alone.
func (d segments) Segments(ctx context.Context, fresh bool, mount records.MountSegment) (out []records.Segment, err error) {
	files := d.segmentFiles()
	if files.folder == "" {
		return nil, nil
	}
	there, err := files.list() // before the rows are read
	if err != nil {
		return nil, err
	}
	rows, err := schema.Segments.Rows(ctx, d.read, usedSegments)
	if err != nil {
		return nil, err
	}
	if files.place != nil {
		_ = files.prune(there, rows) // what cannot be removed is met again
	}
	for i := range rows {
		r, used := &rows[i], true
		s := records.Segment{Name: r.Name, File: r.File(), First: r.First, Last: r.Last, Wrapped: r.Wrapped}
		s.Leave = func(ctx context.Context) (used bool, err error) {
			if files.place != nil && !fresh { // the object may be what was written
				return true, durable.Remove(files.path(r))
			}
			return d.leave(ctx, r)
		}
		root, err := rootAt(ctx, d.read, r.Last)
		if s.Root = root; err == nil {
			err = d.mount(ctx, files, r, &s, fresh, mount)
		} else if errors.Is(err, records.ErrTampered) {
			err = fmt.Errorf("%w: the ledger has no such entries: %w", parts.ErrSnapshot, err)
		}
		path := (*fs.PathError)(nil)
		switch {
		case err == nil:
		case errors.Is(err, errUnread):
			return nil, r.Into(err)
		case errors.Is(err, records.ErrSealed), errors.Is(err, parts.ErrSnapshot), errors.Is(err, fs.ErrNotExist):
			s.Err = r.Into(err)
			if used, err = d.leave(ctx, r); err != nil {
				return nil, err
			}
		case errors.As(err, &path):
			s.Err = r.Into(err)
		default:
			return nil, r.Into(err)
		}
		if used {
			out = append(out, s)
		}
	}
	return out, nil
}

// mount has a segment mounted, which takes over its mapped file. A copy of an object that was altered is fetched again.
func (d segments) mount(ctx context.Context, files *segmentFiles, r *schema.Segment, s *records.Segment, fresh bool, mount records.MountSegment) error {
	f, err := files.open(ctx, r, fresh)
	if err != nil {
		return err
	}
	if err = mount(s, f); err == nil {
		return nil
	}
	err = errors.Join(err, f.Close())
	if files.place != nil && !fresh && errors.Is(err, parts.ErrSnapshot) {
		return d.mount(ctx, files, r, s, true, mount)
	}
	return err
}

// leave has the next builder make a segment anew. It reports whether the segment is still in use.
func (d segments) leave(ctx context.Context, s *schema.Segment) (used bool, err error) {
	// A process that may not write meets the segment again.
	_, _ = d.write.ExecContext(ctx, "UPDATE segment SET state = $1 WHERE name = $2 AND state > 0", segmentAltered, s.Name[:])
	n, err := schema.Number(ctx, d.read, "SELECT count(*) FROM segment WHERE state > 0 AND name = $1", s.Name[:])
	return n > 0, err
}

// alteredSegment returns an error that wraps [records.ErrTampered] if a process found a segment altered or missing.
func alteredSegment(ctx context.Context, q schema.Querier) error {
	rows, err := schema.Segments.Rows(ctx, q, " WHERE state = $1 ORDER BY first", segmentAltered)
	if err != nil || len(rows) == 0 {
		return err
	}
	return schema.Tampered("%v (%s)", rows[0].Into(errors.New("it was found altered or missing")), records.MakeSegments)
}

// errOvertaken says that another builder was faster.
var errOvertaken = errors.New("segments: others changed them meanwhile")

// BuildSegments makes a segment for every [SegmentSpan] numbers.
func (d segments) BuildSegments(ctx context.Context, write records.WriteSegment) error {
	return d.building(func(files *segmentFiles) error { return d.build(ctx, files, write) })
}

// building calls build until it was not overtaken by others, and no other builder of this process runs.
func (d segments) building(build func(*segmentFiles) error) (err error) {
	files := d.segmentFiles()
	if files.folder == "" {
		return nil
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

// build is [DB.BuildSegments] once. Its error wraps errOvertaken if it is to be run again.
func (d segments) build(ctx context.Context, files *segmentFiles, write records.WriteSegment) error {
	rows, err1 := schema.Segments.Rows(ctx, d.read, usedSegments)
	end, err2 := schema.Number(ctx, d.read, "SELECT coalesce(max(seq), 0) FROM submission")
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	span := SegmentSpan
	if files.place != nil {
		span = min(span, segmentObject)
	}
	for first := int64(1); first <= end; first += span {
		full := first + span - 1
		last, after, due := min(end, full), first-1, false
		var old []schema.Segment
		for _, s := range rows {
			if at := max(1, min(s.First, end)); at < first || at > full { // a row that was altered counts too
				continue
			}
			due = due || s.State == segmentAltered || s.First != after+1 || s.Last < s.First || s.Last > last
			old, after = append(old, s), s.Last
		}
		grown := last - after
		if due || grown >= max(SegmentFrom, (after-first+1)/segmentGrowth) || grown > 0 && last == full {
			if err := d.makeSegment(ctx, files, first, last, old, write); err != nil {
				return err
			}
		}
	}
	return d.removeSegments(ctx, files, false)
}

// makeSegment makes a segment from number first to last. It replaces old. The error wraps errOvertaken if others were first.
func (d segments) makeSegment(ctx context.Context, files *segmentFiles, first, last int64, old []schema.Segment, write records.WriteSegment) (err error) {
	s := schema.Segment{Made: time.Now(), First: first}
	rand.Read(s.Name[:])
	erasure, err := schema.Number(ctx, d.read, "SELECT coalesce(max(erased), 0) FROM submission WHERE erased > 0")
	if err != nil {
		return err
	}
	const what = "make a segment"
	if err := d.update(ctx, what, func(t *tx) error { return insert(ctx, t, schema.Segments, s) }); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.dropSegment(context.WithoutCancel(ctx), files, &s))
		}
	}()
	fill := func(f *os.File) (err error) {
		root, entered, err := d.replay(ctx, first, last)
		if err != nil {
			return err
		}
		n := int64(0)
		if s.Wrapped, n, err = write(ctx, f, &records.Segment{Name: s.Name, File: s.File(), First: first, Last: last, Root: root}); err != nil {
			return err
		}
		gone, err := erasures(d).ErasedAfter(ctx, 0)
		for _, e := range gone {
			if e.Seq < first || e.Seq > last {
			} else if entered--; e.Erasure > erasure {
				return errOvertaken
			}
		}
		if err == nil && n != entered {
			err = schema.Tampered("of the submissions %d to %d there are %d, want %d", first, last, n, entered)
		}
		return err
	}
	if err := files.write(ctx, &s, fill, func() error {
		return d.update(ctx, what, func(t *tx) error {
			return t.one(ctx, "UPDATE segment SET digest = $1, size = $2 WHERE name = $3 AND state = 0 AND last = 0", s.Digest[:], s.Size, s.Name[:])
		})
	}); err != nil {
		return err
	}
	return d.update(ctx, what, func(t *tx) error {
		for i := range old {
			if err := t.one(ctx, "UPDATE segment SET state = $1 WHERE name = $2 AND state > 0", segmentIdle, old[i].Name[:]); err != nil {
				return err
			}
		}
		var others int // +seq: the database uses the index of erased uploads, not all rows of the range
		if err := t.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM segment WHERE state > 0 AND first <= $1 AND last >= $2)
			+ (SELECT count(*) FROM submission WHERE erased > 0 AND erased > $3 AND +seq BETWEEN $2 AND $1)`, last, first, erasure).Scan(&others); err != nil {
			return err
		}
		if others > 0 {
			return errOvertaken
		}
		return t.one(ctx, "UPDATE segment SET state = $1, last = $2, wrapped = $3 WHERE name = $4 AND state = 0 AND last = 0", segmentUsed, last, schema.Blob(&s.Wrapped), s.Name[:])
	})
}

// replay returns the root of the ledger's first last entries, and how many submissions were entered from number first on. The error
// wraps [records.ErrTampered] if the ledger's tree has other entries.
func (d segments) replay(ctx context.Context, first, last int64) (root tlog.Hash, submissions int64, err error) {
	before := uint64(first - 1)
	border, err := readNodes(ctx, d.read, tlog.Border(before))
	if err != nil {
		return root, 0, err
	}
	tree, err := tlog.NewTree(before, border)
	if err != nil {
		return root, 0, err
	}
	for tree.Size() < uint64(last) {
		at := int64(tree.Size())
		entries, err := schema.Ledger.Rows(ctx, d.read, " WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", at, last, page)
		if err != nil {
			return root, 0, err
		}
		for _, r := range entries {
			tree.Append(tlog.LeafHash(r.Text))
			if e, err := records.ParseEntry(r.Text); err == nil && e.Kind == records.EntrySubmission {
				submissions++
			}
		}
		if len(entries) == 0 {
			return root, 0, schema.Tampered("entry %d is missing", at+1)
		}
	}
	if root, err = rootAt(ctx, d.read, last); err == nil && root != tree.Root() {
		err = schema.Tampered("the ledger's tree has other entries %d to %d than its table", first, last)
	}
	return root, submissions, err
}

// one runs a change of one row. The error wraps errOvertaken if the row is not there.
func (t *tx) one(ctx context.Context, query string, args ...any) error {
	n, err := schema.Changed(t.ExecContext(ctx, query, args...))
	if err == nil && n != 1 {
		err = errOvertaken
	}
	return err
}

// dropSegment removes the file of a segment that is not in use, and then its row.
func (d segments) dropSegment(ctx context.Context, files *segmentFiles, s *schema.Segment) error {
	// From then on makeSegment cannot have it used.
	if _, err := d.write.ExecContext(ctx, "UPDATE segment SET last = first WHERE name = $1 AND state = $2", s.Name[:], segmentIdle); err != nil {
		return err
	}
	if used, err := schema.Number(ctx, d.read, "SELECT count(*) FROM segment WHERE name = $1 AND state > 0", s.Name[:]); err != nil || used > 0 {
		return err
	}
	if err := files.remove(ctx, s); err != nil {
		return err
	}
	_, err := d.write.ExecContext(ctx, "DELETE FROM segment WHERE name = $1 AND state = $2", s.Name[:], segmentIdle)
	return err
}

// removeSegments removes segments that were replaced or erased. With all it also removes segments that others are making,
// which may hold erased uploads, and files of no segment.
func (d segments) removeSegments(ctx context.Context, files *segmentFiles, all bool) error {
	there, err := files.list() // before the rows are read
	if err != nil {
		return err
	}
	rows, err := schema.Segments.Rows(ctx, d.read, " ORDER BY first")
	if err != nil {
		return err
	}
	for i := range rows {
		if s := &rows[i]; s.State == segmentIdle && (all || s.Last > 0 || time.Since(s.Made) > durable.Settled) {
			if err := d.dropSegment(ctx, files, s); err != nil {
				return err
			}
		}
	}
	if all {
		return files.prune(there, rows)
	}
	return nil
}

func (d segments) cleanSegments(ctx context.Context) error {
	err := d.building(func(files *segmentFiles) error { return d.removeSegments(ctx, files, true) })
	if err != nil {
		return fmt.Errorf("the erasure is done, and the keys of its segments are destroyed; the next erasure or audit removes their files: %w", err)
	}
	return nil
}
