package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/kycmark/kycmark/internal/home"
)

// homeFiles are the files of a home that no output may take the place of: the
// configuration, the registry with what SQLite keeps beside it, and the keys with
// their public halves.
func homeFiles(h *home.Home) []string {
	config := filepath.Join(h.Dir(), "kycmark.toml")
	files := []string{config}
	for _, key := range h.KeyFiles() {
		files = append(files, key, strings.TrimSuffix(key, ".key")+".pub")
	}
	if db := registryFile(config); db != "" {
		for _, end := range []string{"", "-wal", "-shm", "-journal"} {
			files = append(files, db+end)
		}
	}
	return files
}

// registryFile is the file of the registry that a configuration names; "" where it
// names a database.
func registryFile(config string) string {
	var c struct {
		Registry string `toml:"registry"`
	}
	if _, err := toml.DecodeFile(config, &c); err != nil {
		return ""
	}
	path := strings.TrimPrefix(c.Registry, "file:")
	switch {
	case strings.HasPrefix(path, "postgres:"), strings.HasPrefix(path, "postgresql:"):
		return ""
	case filepath.IsAbs(path):
		return path
	}
	return filepath.Join(filepath.Dir(config), filepath.FromSlash(path))
}

// nearFiles are the files of the homes that an output may hit by mistake: the one that
// the command would use, and the one that the output lies in.
func nearFiles(path string) []string {
	var files []string
	if h, err := openHome(""); err == nil {
		files = homeFiles(h)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return files
	}
	folder := filepath.Dir(path)
	for _, dir := range []string{folder, filepath.Dir(folder)} {
		if h, err := home.Open(dir); err == nil {
			files = append(files, homeFiles(h)...)
		}
	}
	return files
}

// checkSpared refuses an output that is one of the files in kept, or of a home near it.
func checkSpared(path string, kept []string) error {
	for _, file := range slices.Concat(kept, nearFiles(path)) {
		if file != "" && samePlace(path, file) {
			return usagef("output %s is a key in use, or a home's registry, key or configuration", path)
		}
	}
	return nil
}

// samePlace says whether two paths are one file, or would be one if they were made.
func samePlace(a, b string) bool {
	if same(a, b) {
		return true
	}
	return filepath.Base(a) == filepath.Base(b) && same(filepath.Dir(a), filepath.Dir(b))
}

// same says whether two paths lead to one file or folder that exists.
func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
