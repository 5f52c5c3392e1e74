package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile writes data to path with mode perm (before umask): to a temporary
// file in the same folder first, which is synced to the disk and then given
// its name, and the folder is synced in turn where the system has that. The
// error is a *fs.PathError that names path.
//
// Without overwrite, what is there stays there, also when it appears while
// WriteFile runs, and errors.Is(err, fs.ErrExist) is true. With overwrite the
// old content is replaced whole; of a symbolic link at path the link is
// replaced, not what it points to.
//
// After an error path is as it was and nothing is left beside it, with one
// exception: when only the last step fails, the syncing of the folder after an
// overwrite, the new content is in place and may not outlast a power cut. A
// process that is killed may leave a file .kycmark-*.tmp.
func WriteFile(path string, data []byte, perm fs.FileMode, overwrite bool) error {
	if err := write(system(), path, data, perm, overwrite); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: cause(err)}
	}
	return nil
}

// A disk is what WriteFile asks of the operating system and what can fail
// there; tests let it fail.
type disk struct {
	fill    func(f *os.File, data []byte) error
	rename  func(from, to string) error
	link    func(from, to string) error // fs.ErrExist when there is a to
	syncDir func(dir string) error
}

func system() disk {
	return disk{fill: fill, rename: os.Rename, link: os.Link, syncDir: syncDir}
}

// fill writes, syncs and closes.
func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}

var errFolder = errors.New("is a folder")

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

// create makes the temporary file. It is not os.CreateTemp, whose mode 0600
// would have to be widened afterwards without regard to the umask.
func create(dir string, perm fs.FileMode) (*os.File, error) {
	var unique [8]byte
	rand.Read(unique[:]) // never fails: crypto/rand
	name := ".kycmark-" + hex.EncodeToString(unique[:]) + ".tmp"
	return os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// claim gives temp the name path unless that is taken. Only a hard link does
// this in one step. File systems without hard links (FAT, some network
// shares) get an empty file first, which holds the name, and then a rename
// over it; no other writer of this package that does not overwrite can get between.
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

// cause drops the names of temporary files from the system's errors.
func cause(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}
