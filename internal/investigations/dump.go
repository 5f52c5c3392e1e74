package investigations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
)

// A file in a spool is two parts: its bytes, and then its name. hashOf tells files apart.
const partFile, partName = "file ", "name "

func hashOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// filesOf returns the bytes of files, as parts by [hashOf] of the name, without unfinished files, which have no name.
func filesOf(x *kept.Opened) map[string]kept.Part {
	named, out := make(map[string]bool), make(map[string]kept.Part)
	for _, p := range x.Parts {
		if hash, is := strings.CutPrefix(p.Name, partName); is {
			named[hash] = true
		}
	}
	for _, p := range x.Parts {
		if hash, is := strings.CutPrefix(p.Name, partFile); is && named[hash] {
			out[hash] = p
		}
	}
	return out
}

func (o *Office) list(ctx context.Context, spool kept.ID) ([]File, error) {
	x, err := o.kept.Open(ctx, spool)
	if err != nil {
		return nil, err
	}
	out := []File{}
	for hash, p := range filesOf(x) {
		r, _, err := x.Read(ctx, kept.Part{Name: partName + hash})
		if err != nil {
			return nil, err
		}
		name, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		out = append(out, File{string(name), p.Size, p.SHA256})
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// files are the files of a dump as a file system. What cannot be read as it was added ends all by fail: a finding that
// says so would be about the service, not about the leak.
type files struct {
	ctx   context.Context
	fail  func(error)
	spool *kept.Opened
	list  []File // by name
}

var (
	_ fs.ReadDirFS = (*files)(nil)
	_ fs.StatFS    = (*files)(nil)
)

func (f *files) find(name string) (File, bool) {
	at, is := slices.BinarySearchFunc(f.list, name, func(x File, name string) int { return strings.Compare(x.Name, name) })
	if !is {
		return File{}, false
	}
	return f.list[at], true
}

func (f *files) Open(name string) (fs.File, error) {
	x, is := f.find(name)
	if !is {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	r, _, err := f.spool.Read(f.ctx, kept.Part{Name: partFile + hashOf(name), SHA256: x.SHA256})
	if err != nil {
		f.fail(err)
		return nil, err
	}
	return spooledFile{r, f.fail, entry{path.Base(name), x.Size, 0}}, nil
}

func (f *files) Stat(name string) (fs.FileInfo, error) {
	if x, is := f.find(name); is {
		return entry{path.Base(name), x.Size, 0}, nil
	}
	return entry{path.Base(name), 0, fs.ModeDir}, nil // asked for names of ReadDir alone
}

func (f *files) ReadDir(name string) (out []fs.DirEntry, err error) {
	under := name + "/"
	if name == "." {
		under = ""
	}
	last := ""
	for _, x := range f.list {
		rest, is := strings.CutPrefix(x.Name, under)
		if !is {
			continue
		}
		first, _, folder := strings.Cut(rest, "/")
		switch {
		case !folder:
			out = append(out, fs.FileInfoToDirEntry(entry{first, x.Size, 0}))
		case first != last:
			out, last = append(out, fs.FileInfoToDirEntry(entry{first, 0, fs.ModeDir})), first
		}
	}
	slices.SortStableFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// A spooledFile is a file that is read once, from its begin on.
type spooledFile struct {
	r    io.Reader
	fail func(error)
	entry
}

func (f spooledFile) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.fail(err)
	}
	return n, err
}

func (f spooledFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (spooledFile) Close() error                 { return nil }

// An entry is a file or folder.
type entry struct {
	name string
	size int64
	mode fs.FileMode
}

func (e entry) Name() string       { return e.name }
func (e entry) Size() int64        { return e.size }
func (e entry) Mode() fs.FileMode  { return e.mode }
func (e entry) IsDir() bool        { return e.mode.IsDir() }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) Sys() any           { return nil }

// CanName reports whether a file can have the name.
func CanName(name string) bool {
	return fs.ValidPath(name) && name != "." && len(name) <= maxName &&
		!strings.ContainsFunc(name, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) })
}

// Add adds a file, under a name such as "chats/7.jpg", to an open investigation. The same file again changes nothing.
// The error wraps [ErrStage] if the investigation has begun, and [registry.ErrConflict] if it has another file of that
// name. It wraps [registry.ErrInput] if the name cannot be, and [registry.ErrLimit] above 10,000 files. An error of r leaves no file.
func (o *Office) Add(ctx context.Context, id kept.ID, name string, r io.Reader) (*File, error) {
	if !CanName(name) {
		return nil, fmt.Errorf("%w: name of a file: want UTF-8 in parts such as chats/7.jpg, no control character, at least 1 and at most %d bytes", registry.ErrInput, maxName)
	}
	x, err := o.opened(ctx, id)
	if err != nil {
		return nil, err
	}
	hash := hashOf(name)
	parts, err := o.kept.Parts(ctx, x.Spool)
	if err != nil {
		return nil, err
	}
	if parts/2 >= maxFiles {
		return nil, fmt.Errorf("%w: more than %d files, want an archive of them", registry.ErrLimit, maxFiles)
	}
	spool, err := o.kept.Open(ctx, x.Spool, partFile+hash, partName+hash)
	if err != nil {
		return nil, err
	}
	if there, is := filesOf(spool)[hash]; is {
		got := sha256.New()
		if _, err := io.Copy(got, r); err != nil {
			return nil, err
		}
		if books.Digest(got.Sum(nil)) != there.SHA256 {
			return nil, fmt.Errorf("%w: the investigation has another file of this name", registry.ErrConflict)
		}
		return &File{name, there.Size, there.SHA256}, nil
	}
	written, err := o.kept.WriteUnless(ctx, x.Spool, partFile+hash, partName+hash, r)
	if err == nil { // the file counts from now on
		_, err = o.kept.Write(ctx, x.Spool, partName+hash, strings.NewReader(name))
	}
	if err == nil { // it may have been closed meanwhile, or got another file of this name
		_, err = o.opened(ctx, id)
	}
	if err == nil {
		spool, err = o.kept.Open(ctx, x.Spool, partFile+hash, partName+hash)
	}
	if err == nil && filesOf(spool)[hash].SHA256 != written.SHA256 {
		err = fmt.Errorf("%w: the investigation got another file of this name meanwhile", registry.ErrConflict)
	}
	return &File{name, written.Size, written.SHA256}, err
}

// Files lists the files of an investigation by name: what was there when it began, or is there until then.
func (o *Office) Files(ctx context.Context, id kept.ID) (list []File, err error) {
	in, err := o.open(ctx, id)
	if err != nil {
		return nil, err
	}
	if in.has(kept.Begun) {
		return list, in.read(ctx, kept.Begun, &list)
	}
	var x asked
	if err := in.read(ctx, partAsked, &x); err != nil {
		return nil, err
	}
	return o.list(ctx, x.Spool)
}
