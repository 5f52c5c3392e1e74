package dump

import (
	"io/fs"
	"os"
	"path/filepath"
)

// A folder is a tree of files like [os.DirFS]. It also has names that are not UTF-8: package fs
// refuses them, and leaks from old or foreign systems contain them. Only names that the folder
// has listed are opened, so nothing outside can be named.
type folder string

func (f folder) path(name string) string {
	if os.IsPathSeparator(f[len(f)-1]) {
		return string(f) + filepath.FromSlash(name)
	}
	return string(f) + string(filepath.Separator) + filepath.FromSlash(name)
}

func (f folder) Open(name string) (fs.File, error)          { return os.Open(f.path(name)) }
func (f folder) Stat(name string) (fs.FileInfo, error)      { return os.Stat(f.path(name)) }
func (f folder) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(f.path(name)) }
