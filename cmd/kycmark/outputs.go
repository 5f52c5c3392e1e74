package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kycmark/kycmark/internal/durable"
)

// Outputs are identity pictures and reports on them: for their owner alone.
const (
	outputPerm fs.FileMode = 0o600
	folderPerm fs.FileMode = 0o700
)

// checkOutput refuses an output that is one of the inputs, of the files to be kept (keys
// in use, a home's books) or of a home near it; or that exists when overwriting was not
// asked for, or whose folder is missing or closed. It looks before the work is done;
// writeOutput looks again.
func checkOutput(path string, force bool, kept []string, inputs ...string) error {
	if err := checkSpared(path, kept); err != nil {
		return err
	}
	if path == "" || os.IsPathSeparator(path[len(path)-1]) {
		return usagef("output %q names no file", path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return checkFolder(path)
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return usagef("output %s is a folder", path)
	}
	for _, in := range inputs {
		if i, err := os.Stat(in); err == nil && os.SameFile(i, info) {
			return usagef("output %s is the input itself", path)
		}
	}
	if !force {
		return exists(path)
	}
	return checkFolder(path)
}

// checkFolder refuses an output in whose folder nothing can be made, which only making
// something there tells for sure.
func checkFolder(path string) error {
	f, err := os.CreateTemp(filepath.Dir(filepath.Clean(path)), ".kycmark-*.tmp")
	if err != nil {
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = p.Err
		}
		return fmt.Errorf("output %s cannot be written there: %w", path, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// writeOutput writes a file under a temporary name and renames it.
func writeOutput(path string, data []byte, force bool) error {
	err := durable.WriteFile(path, data, outputPerm, force)
	if errors.Is(err, fs.ErrExist) {
		return exists(path)
	}
	return err
}

func exists(path string) error {
	return withHint(fmt.Errorf("output %s exists", path), "use --force to overwrite it, or choose another name")
}
