package sqldb

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/phash"
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
	sealed bool          // hashes too
}

// segmentFiles returns where this registry has its segments.
func (d *DB) segmentFiles(ctx context.Context) (*segmentFiles, error) {
	f := &segmentFiles{sealed: d.info.SealHashes}
	if d.dialect.Segments == nil {
		return f, nil
	}
	id := hex.EncodeToString(d.info.ID[:])
	if f.folder = d.dialect.Segments(d.address, id); f.folder != "" || d.place == nil {
		return f, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	f.folder, f.place, f.sealed = filepath.Join(cache, "kycmark", id), d.place, true
	return f, nil
}

// none reports whether there is no place for segments.
func (f *segmentFiles) none() bool { return f.folder == "" }

// errUnread says that nothing was found out about a segment.
var errUnread = errors.New("its bucket, or the folder of copies, fails")

// errChanged says that a segment is not what was written.
var errChanged = fmt.Errorf("%w: its object is missing or was altered", books.ErrSealed)

// path is the path of a segment's file, or of the copy of its object.
func (f *segmentFiles) path(s *segmentRow) string { return filepath.Join(f.folder, s.file()) }

// open maps a segment. An object is first fetched, if there is no copy.
func (f *segmentFiles) open(ctx context.Context, s *segmentRow) (*mapfile.File, error) {
	if f.sealed && len(s.wrapped) == 0 {
		return nil, fmt.Errorf("%w: it has no key", books.ErrSealed)
	}
	m, err := mapfile.Open(f.path(s), math.MaxInt64)
	if f.place == nil || err == nil && int64(len(m.Bytes())) == s.size {
		return m, err
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	fetch := func(to *os.File) error { return objects.Copy(ctx, to, f.place, s.digest, s.size) }
	m, err = f.copied(s, fetch, func([]byte) error { return nil }) // of several who do this the last copy stays
	switch {
	case err == nil:
		return m, nil
	case errors.Is(err, objects.ErrDiffers), errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", errChanged, err)
	}
	return nil, fmt.Errorf("%w: %w", errUnread, err)
}

// unnamed begins the names of copies that are being written.
const unnamed = ".kycmark-"

// copied makes the copy of an object in the folder, and maps it: fill writes it, and use may keep it.
func (f *segmentFiles) copied(s *segmentRow, fill func(*os.File) error, use func([]byte) error) (m *mapfile.File, err error) {
	here := func(err error) error {
		if err != nil {
			err = fmt.Errorf("copies of segments in %s: %v", f.folder, err)
		}
		return err
	}
	if err := os.MkdirAll(f.folder, 0o700); err != nil {
		return nil, here(err)
	}
	to, err := os.CreateTemp(f.folder, unnamed)
	if err != nil {
		return nil, here(err)
	}
	defer os.Remove(to.Name()) // nothing is there if it has its name
	if err := errors.Join(fill(to), to.Close()); err != nil {
		return nil, err
	}
	if m, err = mapfile.Open(to.Name(), math.MaxInt64); err != nil {
		return nil, here(err)
	}
	if err = use(m.Bytes()); err == nil {
		err = here(os.Rename(to.Name(), f.path(s)))
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// write makes the file that fill writes, or an object. named is called before the object is there, with the
// row of s that is to be kept.
func (f *segmentFiles) write(ctx context.Context, s *segmentRow, fill func(*os.File) error, named func() error) error {
	if f.place == nil {
		if err := durable.MkdirAll(f.folder, 0o700); err != nil {
			return err
		}
		file, err := os.OpenFile(f.path(s), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(fill(file), file.Sync(), file.Close())
	}
	m, err := f.copied(s, fill, func(body []byte) error {
		s.digest, s.size = objects.NameOf(body), int64(len(body))
		if err := named(); err != nil {
			return err
		}
		return f.place.Put(ctx, s.digest, body)
	})
	if err != nil {
		return err
	}
	return m.Close()
}

// lost reports whether a segment's file is missing. Objects are asked for only if how says so.
func (f *segmentFiles) lost(ctx context.Context, s *segmentRow, how books.Build) (bool, error) {
	var err error
	if f.place == nil {
		_, err = os.Stat(f.path(s))
	} else if how != books.BuildDue {
		_, err = f.place.Size(ctx, s.digest)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}

// remove removes the file or object of a segment, and this machine's copy.
func (f *segmentFiles) remove(ctx context.Context, s *segmentRow) error {
	if f.place != nil && s.size > 0 {
		if err := f.place.Remove(ctx, s.digest); err != nil {
			return fmt.Errorf("%w: %w", errUnread, err)
		}
	}
	return removeFile(f.path(s))
}

// forget removes this machine's copy of an object.
func (f *segmentFiles) forget(s *segmentRow) {
	if f.place != nil {
		_ = os.Remove(f.path(s)) // who cannot remove it meets it again
	}
}

// list lists the names of files, or of copies.
func (f *segmentFiles) list() (names []string, err error) {
	all, err := os.ReadDir(f.folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range all {
		if slices.Contains(segmentEnds[:], filepath.Ext(e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// prune removes copies of segments of a kind that are not among rows, and what a copying process left that was
// killed. What cannot be removed is met again.
func (f *segmentFiles) prune(rows []segmentRow, kind int64) {
	if f.place == nil {
		return
	}
	all, _ := os.ReadDir(f.folder)
	for _, e := range all {
		old := filepath.Ext(e.Name()) == segmentEnds[kind] && !slices.ContainsFunc(rows, func(s segmentRow) bool { return s.file() == e.Name() })
		if strings.HasPrefix(e.Name(), unnamed) {
			info, err := e.Info()
			old = err == nil && time.Since(info.ModTime()) > settled
		}
		if old {
			_ = os.Remove(filepath.Join(f.folder, e.Name()))
		}
	}
}

// removeFile removes a file. A missing file is no error.
func removeFile(path string) error {
	if err := durable.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Sealed hashes are the snapshot of an index, cut into pieces. Each is encrypted with its number as its nonce,
// and authenticates what the row says of the segment. The snapshot has its own length and digest, so no piece
// is missing at its end.
const sealedPiece = 1 << 20 // bytes, in the clear. Chosen

// pieceNonce returns the nonce of a piece.
func pieceNonce(number int) []byte {
	return binary.LittleEndian.AppendUint64(make([]byte, 4, 12), uint64(number))
}

// sealHashes writes the hashes of x as the segment s, up to number upto, and sets the key of s.
func sealHashes(f io.Writer, s *segmentRow, upto int64, keys *books.SegmentKeys, x *phash.Index) (err error) {
	w := &pieceWriter{to: f, about: books.AboutSegment(s.first, upto, s.others)}
	if w.key, s.wrapped, err = keys.New(s.name); err != nil {
		return err
	}
	if _, err = x.WriteTo(w); err != nil {
		return err
	}
	return w.flush()
}

// A pieceWriter encrypts what is written.
type pieceWriter struct {
	to     io.Writer
	key    cipher.AEAD
	about  []byte
	number int
	piece  []byte // not written yet, less than sealedPiece bytes
}

func (w *pieceWriter) Write(b []byte) (n int, err error) {
	for n = len(b); len(b) > 0 && err == nil; {
		fits := min(len(b), sealedPiece-len(w.piece))
		w.piece, b = append(w.piece, b[:fits]...), b[fits:]
		if len(w.piece) == sealedPiece {
			err = w.flush()
		}
	}
	return n, err
}

// flush writes a piece.
func (w *pieceWriter) flush() error {
	if len(w.piece) == 0 {
		return nil
	}
	_, err := w.to.Write(w.key.Seal(nil, pieceNonce(w.number), w.piece, w.about))
	w.number, w.piece = w.number+1, w.piece[:0]
	return err
}

// openHashes returns the snapshot that sealHashes sealed, outside of Go's heap. free releases it.
func openHashes(data []byte, s *segmentRow, keys *books.SegmentKeys) (snapshot []byte, free func([]byte), err error) {
	key, err := keys.Open(s.name, s.wrapped)
	if err != nil {
		return nil, nil, err
	}
	pieces := (len(data) + sealedPiece + key.Overhead() - 1) / (sealedPiece + key.Overhead())
	size := len(data) - pieces*key.Overhead()
	if size < sha256.Size {
		return nil, nil, fmt.Errorf("%w: %d bytes", books.ErrSealed, len(data))
	}
	memory := mapfile.Pages{}
	if snapshot = memory.Alloc(size); snapshot == nil {
		snapshot = make([]byte, size)
		free = func([]byte) {}
	} else {
		free = memory.Free
	}
	about := books.AboutSegment(s.first, s.last, s.others)
	clear := snapshot[:0]
	for number := 0; len(data) > 0; number++ {
		n := min(len(data), sealedPiece+key.Overhead())
		if clear, err = key.Open(clear, pieceNonce(number), data[:n], about); err != nil {
			free(snapshot)
			return nil, nil, fmt.Errorf("%w: its bytes were altered", books.ErrSealed)
		}
		data = data[n:]
	}
	return snapshot, free, nil
}
