// Package objects keeps sealed originals outside of a registry's database: each is an object under the
// SHA-256 of its bytes, in a folder, or in what an Open function of another package knows.
package objects

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
)

// A Name is the SHA-256 of an object's bytes.
type Name [sha256.Size]byte

func NameOf(body []byte) Name { return sha256.Sum256(body) }
func (n Name) String() string { return hex.EncodeToString(n[:]) }

// ParseName reads what String writes. Any other text is no name.
func ParseName(s string) (n Name, ok bool) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(n) || hex.EncodeToString(raw) != s {
		return n, false
	}
	return Name(raw), true
}

// An Object is what a list of objects tells.
type Object struct {
	Name    Name
	Size    int64     // bytes
	Written time.Time // by the clock of the place
}

// A Place keeps objects. It is safe for concurrent use, also by several processes.
type Place interface {
	// Put keeps an object. When it returns nil, the object survives a loss of power. An object that is there is kept.
	Put(ctx context.Context, name Name, body []byte) error
	// Open reads an object, whose bytes the caller checks. The error, also of reading, wraps
	// [fs.ErrNotExist] if the object is missing.
	Open(ctx context.Context, name Name) (io.ReadCloser, error)
	// Size returns how many bytes an object has; it reads none. The error wraps [fs.ErrNotExist] without one.
	Size(ctx context.Context, name Name) (int64, error)
	// Remove removes an object. A missing object is no error.
	Remove(ctx context.Context, name Name) error
	// All lists all objects, in any order. What has no name of an object is left out. An
	// error comes last: not all objects could be listed.
	All(ctx context.Context) iter.Seq2[Object, error]
}

// ErrDiffers says that an object is not what was put there.
var ErrDiffers = errors.New("its bytes were changed")

// ErrAway says that the server of a place cannot answer now, and may later.
var ErrAway = errors.New("the server cannot answer now")

// ErrRefused says that the server of a place refuses all objects: there is no such bucket, or the keys are wrong.
var ErrRefused = errors.New("the server refuses all objects")

// An Open function opens the place with this address for a registry, which keeps its objects apart from
// the objects of other registries. registry is its ID, hex. The error wraps [errors.ErrUnsupported] if
// the address is of a kind that it does not know.
type Open func(ctx context.Context, address, registry string) (Place, error)

// Get returns an object of a place. The error wraps [fs.ErrNotExist] if the object is missing, and
// [ErrDiffers] if its bytes have another size or digest.
func Get(ctx context.Context, from Place, name Name, size int64) ([]byte, error) {
	var body bytes.Buffer
	if err := Copy(ctx, &body, from, name, size); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// Copy copies an object. Its errors are the errors that [Get] has: what was written then is no object.
func Copy(ctx context.Context, to io.Writer, from Place, name Name, size int64) error {
	r, err := from.Open(ctx, name)
	if err != nil {
		return err
	}
	defer r.Close()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(r, max(size, size+1)))
	switch {
	case err != nil:
		return err
	case n != size:
		return fmt.Errorf("%w: it has not the %d bytes that were kept", ErrDiffers, size)
	case Name(sum.Sum(nil)) != name:
		return fmt.Errorf("%w: its SHA-256 is another", ErrDiffers)
	}
	return nil
}

// Folder returns a place in the folder dir, which [Make] makes. An object is a file of mode 0600 with its name, in a subfolder
// of the name's first two digits.
func Folder(dir string) Place { return folder(dir) }

type folder string

// Make makes the folder of a new registry. Later a folder that is missing is an error: it may be of a disk that is away, and what
// was written below would be lost when the disk comes back.
func Make(in Place) error {
	if f, ok := in.(folder); ok {
		return durable.MkdirAll(string(f), 0o700)
	}
	return nil
}

func (f folder) here() error {
	if _, err := os.Stat(string(f)); err != nil {
		return fmt.Errorf("%w: the folder %s is missing, or its disk", ErrAway, f)
	}
	return nil
}

func (f folder) path(name Name) string {
	s := name.String()
	return filepath.Join(string(f), s[:2], s)
}

func (f folder) Put(_ context.Context, name Name, body []byte) error {
	path := f.path(name)
	err := durable.WriteFile(path, body, 0o600, true)
	if errors.Is(err, fs.ErrNotExist) { // the first object of its subfolder
		if err = f.here(); err == nil {
			err = durable.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = durable.WriteFile(path, body, 0o600, true)
		}
	}
	return err
}

func (f folder) Open(_ context.Context, name Name) (io.ReadCloser, error) {
	return os.Open(f.path(name))
}

func (f folder) Size(_ context.Context, name Name) (int64, error) {
	st, err := os.Stat(f.path(name))
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

func (f folder) Remove(_ context.Context, name Name) error {
	if err := f.here(); err != nil {
		return err
	}
	return durable.Remove(f.path(name))
}

func (f folder) All(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var unread error // of the first subfolder that cannot be read
		err := filepath.WalkDir(string(f), func(path string, d fs.DirEntry, err error) error {
			if err != nil && path != string(f) && !errors.Is(err, fs.ErrNotExist) {
				unread = cmp.Or(unread, err)
				return nil
			}
			if err == nil {
				err = ctx.Err()
			}
			name, ok := ParseName(filepath.Base(path))
			if err != nil || d.IsDir() || !ok || !strings.HasPrefix(name.String(), filepath.Base(filepath.Dir(path))) {
				return err
			}
			st, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
				return nil
			}
			if err != nil {
				return err
			}
			if !yield(Object{name, st.Size(), st.ModTime()}, nil) {
				unread = nil
				return filepath.SkipAll
			}
			return nil
		})
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			err = unread
		}
		if err != nil {
			yield(Object{}, err)
		}
	}
}

// Rests returns how many files of killed processes, written before a time, are among the objects of a place, and removes them with
// remove. They have the bytes of objects, whole or in part.
func Rests(ctx context.Context, in Place, before time.Time, remove bool) (n int, err error) {
	f, ok := in.(folder)
	if !ok {
		return 0, nil
	}
	n, err = durable.Clean(string(f), "??/", before, remove)
	return n, errors.Join(err, ctx.Err())
}

// Opener returns a function that opens folders, and what the other functions know. The address of a
// folder is its path; a relative path begins at base, and is unknown if base is "".
func Opener(base string, others []Open) Open {
	return func(ctx context.Context, address, registry string) (Place, error) {
		if !strings.Contains(address, "://") && address != "" {
			if filepath.IsAbs(address) {
				return Folder(filepath.Join(address, registry)), nil
			}
			if base != "" {
				return Folder(filepath.Join(base, filepath.FromSlash(address), registry)), nil
			}
			return nil, fmt.Errorf("a relative path, got no folder to begin at: %w", errors.ErrUnsupported)
		}
		for _, open := range others {
			if place, err := open(ctx, address, registry); !errors.Is(err, errors.ErrUnsupported) {
				return place, err
			}
		}
		return nil, fmt.Errorf("no package for such addresses is linked: %w", errors.ErrUnsupported)
	}
}
