package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFile writes data to path with mode perm (before umask): first to a
// temporary file beside it, then, synced to the disk, under its name. An error
// leaves path as it was and no temporary file.
//
// Without overwrite a file that is there stays there, also when it appears
// between check and write, and errors.Is(err, fs.ErrExist) is true. With
// overwrite the old content is replaced whole; a symbolic link at path is
// replaced, not followed.
func WriteFile(path string, data []byte, perm fs.FileMode, overwrite bool) error {
	if !overwrite {
		if _, err := os.Lstat(path); err == nil {
			return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist}
		}
	}
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	var r [8]byte
	rand.Read(r[:])
	tmp := filepath.Join(dir, "."+base+"."+hex.EncodeToString(r[:])+".tmp")
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fail(path, err)
	}
	defer os.Remove(tmp)
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fail(path, err)
	}
	if overwrite {
		err = os.Rename(tmp, path)
	} else {
		err = os.Link(tmp, path)
	}
	if err != nil {
		return fail(path, err)
	}
	return nil
}

func fail(path string, err error) error {
	return &fs.PathError{Op: "write", Path: path, Err: err}
}
