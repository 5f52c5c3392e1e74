package sqldb

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
)

// segmentFiles is where segments are: files of a folder, or objects of a bucket. Each machine has copies of
// objects in a folder of its user: kycmark/ID in [os.UserCacheDir], or in [os.TempDir] if that is unknown.
//
// An object has the SHA-256 of its bytes for a name, which its row has before the object is there. A copy is
// compared with it once, when it is fetched; afterwards what a search reads of it opens with its key. The
// copies of segments that the registry no longer lists are removed when the registry's segments are opened.
type segmentFiles struct {
	folder string        // of the files, or of copies; "": there are no segments
	place  objects.Place // of objects; nil: files
}

// segmentFiles returns where this registry has its segments.
func (d segments) segmentFiles() *segmentFiles {
	f := new(segmentFiles)
	if d.dialect.Segments == nil {
		return f
	}
	id := hex.EncodeToString(d.info.ID[:])
	if f.folder = d.dialect.Segments(d.address, id); f.folder != "" || d.place == nil {
		return f
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	f.folder, f.place = filepath.Join(cache, "kycmark", id), d.place
	return f
}

// errUnread says that nothing was found out about a segment.
var errUnread = errors.New("its bucket, or the folder of copies, fails")

// errChanged says that a segment is not what was written.
var errChanged = fmt.Errorf("%w: its object is missing or was altered", records.ErrSealed)

func (f *segmentFiles) path(s *schema.Segment) string { return filepath.Join(f.folder, s.File()) }

// open maps a segment. An object is first fetched if there is no copy, or if fresh is set.
func (f *segmentFiles) open(ctx context.Context, s *schema.Segment, fresh bool) (*mapfile.File, error) {
	if f.place == nil {
		return mapfile.Open(f.path(s), math.MaxInt64)
	}
	if info, err := os.Stat(f.path(s)); fresh || err != nil || info.Size() != s.Size {
		err := f.fetch(ctx, s)
		if errors.Is(err, objects.ErrDiffers) || errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", errChanged, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnread, err)
		}
	}
	m, err := mapfile.Open(f.path(s), math.MaxInt64)
	if err != nil {
		err = fmt.Errorf("%w: %w", errUnread, f.here(err))
	}
	return m, err
}

// here names the folder of copies in err, which wraps nothing afterwards.
func (f *segmentFiles) here(err error) error {
	if err != nil {
		err = fmt.Errorf("copies of segments in %s: %v", f.folder, err)
	}
	return err
}

// unnamed begins the names of copies that are being written.
const unnamed = ".kycmark-"

// fetch makes the copy of an object. Of several processes that do this the last copy stays.
func (f *segmentFiles) fetch(ctx context.Context, s *schema.Segment) error {
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return f.here(err)
	}
	to, err := os.CreateTemp(f.folder, unnamed)
	if err != nil {
		return f.here(err)
	}
	defer os.Remove(to.Name()) // nothing is there if it has its name
	if err := errors.Join(objects.Copy(ctx, to, f.place, s.Digest, s.Size), to.Close()); err != nil {
		return err
	}
	return f.here(os.Rename(to.Name(), f.path(s)))
}

// write makes the file that fill writes, and of a file in the folder of copies an object. named is called before the
// object is there, with the row of s that is to be kept.
func (f *segmentFiles) write(ctx context.Context, s *schema.Segment, fill func(*os.File) error, named func() error) error {
	if err := durable.MkdirAll(f.folder, 0o700); err != nil {
		return err
	}
	path := f.path(s)
	if f.place != nil { // as a copy it is not listed yet
		path = filepath.Join(f.folder, unnamed+s.File())
		defer os.Remove(path)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(fill(file), file.Sync(), file.Close()); err != nil || f.place == nil {
		return err
	}
	m, err := mapfile.Open(path, math.MaxInt64)
	if err != nil {
		return err
	}
	defer m.Close()
	s.Digest, s.Size = objects.NameOf(m.Bytes()), int64(len(m.Bytes()))
	if err := named(); err != nil {
		return err
	}
	if err := f.place.Put(ctx, s.Digest, m.Bytes()); err != nil {
		return err
	}
	return os.Rename(path, f.path(s))
}

// remove removes the file or object of a segment, and this machine's copy.
func (f *segmentFiles) remove(ctx context.Context, s *schema.Segment) error {
	if f.place != nil && s.Size > 0 {
		if err := f.place.Remove(ctx, s.Digest); err != nil {
			return fmt.Errorf("%w: %w", errUnread, err)
		}
	}
	return durable.Remove(f.path(s))
}

// list lists the names of files, or of copies, and of old copies that a killed process has not named.
func (f *segmentFiles) list() (names []string, err error) {
	all, err := os.ReadDir(f.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range all {
		old := filepath.Ext(e.Name()) == schema.SegmentEnd
		if strings.HasPrefix(e.Name(), unnamed) {
			info, err := e.Info()
			old = err == nil && time.Since(info.ModTime()) > durable.Settled
		}
		if old {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// prune removes files that list found and that are of no row. The rows must have been read after list.
func (f *segmentFiles) prune(names []string, rows []schema.Segment) error {
	for _, name := range names {
		if !slices.ContainsFunc(rows, func(s schema.Segment) bool { return s.File() == name }) {
			if err := durable.Remove(filepath.Join(f.folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
