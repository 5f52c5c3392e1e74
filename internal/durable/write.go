package durable

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MkdirAll makes a folder and the folders that it lies in. What it made survives a loss of power.
func MkdirAll(dir string, perm fs.FileMode) error {
	var made []string
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		made = append(made, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, perm); err != nil {
		return err
	}
	for _, at := range made {
		if err := syncDir(at); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes a file. That survives a loss of power. A missing file is no error.
func Remove(path string) error {
	err := os.Remove(path)
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// WriteFile writes data to path with mode perm (before umask). It writes a temporary file in the same folder, syncs
// that to the disk, renames it, and syncs the folder if the system can. The error is a *fs.PathError that names path.
//
// If overwrite is false and path exists, or appears meanwhile, WriteFile changes nothing and errors.Is(err, fs.ErrExist)
// is true. If overwrite is true the whole content is replaced; a symbolic link at path is replaced, not its target.
//
// After an error path is unchanged and nothing is left beside it, with one exception: the last
// step of an overwrite, the syncing of the folder. If that fails, the new content is there but
// may be lost in a power cut. A process that is killed may leave a file [Temporary].
func WriteFile(path string, data []byte, perm fs.FileMode, overwrite bool) error {
	if err := write(system(), path, data, perm, overwrite); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: cause(err)}
	}
	return nil
}

// A disk is what WriteFile asks of the operating system and what can fail there; tests let it fail.
type disk struct {
	fill    func(f *os.File, data []byte) error
	rename  func(from, to string) error
	link    func(from, to string) error // fs.ErrExist when there is a to
	syncDir func(dir string) error
}

func system() disk { return disk{fill: fill, rename: os.Rename, link: os.Link, syncDir: syncDir} }

// fill writes data to f, syncs f to the disk, and closes f, also after an error. It returns the first error.
func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close())
}

var errFolder = errors.New("is a folder")

// write is WriteFile on the disk d. Its errors do not name path; they may name the temporary
// file. It removes the temporary file in every case, and path if path was new and the folder
// cannot be synced. An empty path is [fs.ErrInvalid].
func write(d disk, path string, data []byte, perm fs.FileMode, overwrite bool) error {
	if path == "" {
		return fs.ErrInvalid
	}
	// To fail early; what appears later is seen by link.
	if st, err := os.Lstat(path); err == nil {
		if !overwrite {
			return fs.ErrExist
		}
		if st.IsDir() {
			return errFolder
		}
	}
	dir := filepath.Dir(path)
	f, err := create(dir, perm)
	if err != nil {
		return err
	}
	temp := f.Name()
	defer os.Remove(temp) // in vain after a rename
	if err := d.fill(f, data); err != nil {
		return err
	}
	if overwrite {
		err = d.rename(temp, path)
	} else {
		err = d.claim(temp, path, perm)
	}
	if err != nil {
		return err
	}
	if err := d.syncDir(dir); err != nil {
		if !overwrite {
			os.Remove(path)
		}
		return err
	}
	return nil
}

// Temporary is the pattern of the names of files that a process leaves that is killed while it writes.
const Temporary = ".kycmark-*.tmp"

// Settled is the age from which on a file [Temporary] is of no process that runs. The same holds for what else killed
// processes leave. Chosen.
const Settled = time.Hour

// Clean counts the files and folders [Temporary] in a folder that were last written before a time. With remove it removes them.
// subfolders, a pattern that ends with a slash, is for those in subfolders. A missing folder is no error.
func Clean(dir, subfolders string, before time.Time, remove bool) (n int, err error) {
	files, err := fs.Glob(os.DirFS(dir), subfolders+Temporary)
	for _, name := range files {
		path := filepath.Join(dir, name)
		if st, gone := os.Lstat(path); gone != nil || !st.Mode().IsRegular() && !st.IsDir() || !st.ModTime().Before(before) {
			continue
		}
		n++
		if remove {
			err = errors.Join(err, os.RemoveAll(path), syncDir(filepath.Dir(path)))
		}
	}
	return n, err
}

// Rename renames a file within its folder, over a file with the new name. That survives a loss of power.
func Rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

// create makes an empty temporary file with a random name in dir, open for writing. perm is its mode before the umask.
// os.CreateTemp has mode 0600, which would have to be widened afterwards without regard to the umask.
func create(dir string, perm fs.FileMode) (*os.File, error) {
	var unique [8]byte
	rand.Read(unique[:]) // never fails: crypto/rand
	name := strings.Replace(Temporary, "*", hex.EncodeToString(unique[:]), 1)
	return os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// claim gives the file temp the name path. If path exists, nothing changes, and the error wraps
// [fs.ErrExist]. A hard link does this in one step; the caller then removes the name temp. On
// file systems without hard links claim makes an empty file at path, with mode perm, and renames
// temp over it. After any other error claim removes that file. It syncs nothing.
func (d disk) claim(temp, path string, perm fs.FileMode) error {
	err := d.link(temp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	holder, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	if err := errors.Join(holder.Close(), d.rename(temp, path)); err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// cause returns the system's error inside err, without the names of temporary files. Errors of
// other types are returned unchanged.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	} else if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err
	}
	return err
}
