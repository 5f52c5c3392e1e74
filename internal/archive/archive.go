// Package archive keeps the hashes and names of many pictures in a folder, where
// `kycmark index` finds them again.
//
// A folder holds a manifest, index.json, and the files that it names: the snapshot of a
// [phash.Index], a list of names, and perhaps features. A change writes new files under new
// names, then replaces the manifest. A crash therefore leaves the state before or after the
// change. The next change removes files that no manifest names.
package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

var (
	// ErrNone is wrapped when a folder holds no archive.
	ErrNone = errors.New("no index")
	// ErrDamaged is wrapped when an archive is not as it was written.
	ErrDamaged = errors.New("damaged index")
	// ErrChanged is wrapped when another process changed the archive after it was opened.
	ErrChanged = errors.New("another process changed the index meanwhile")
)

const (
	manifestName = "index.json"
	version      = 1
	maxManifest  = 1 << 20
	maxFile      = 1 << 40
	partHashes   = "hashes"
	partNames    = "names"
	partFeatures = "features"
)

// A manifest says which files are the archive.
type manifest struct {
	Version int             `json:"version"`
	Parts   map[string]part `json:"parts"` // by what they hold
}

type part struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"` // of files that hold no checksum themselves
}

// An Archive is an open archive. Only its Index may be used concurrently.
type Archive struct {
	Index    *phash.Index // changes are kept by Save
	Features *parts.Index // of the same pictures; nil if not kept

	dir      string
	manifest []byte // as it was read or written; nil in a folder without
	parts    map[string]part
	hashes   *mapfile.File // nil in a new archive
	features *mapfile.File // nil: no file
	names    *names
}

// Create returns an empty archive, which Save writes to dir; Save makes the folder if needed.
// With features, the archive also keeps local features. If dir already holds an archive and
// overwrite is false, the error wraps [fs.ErrExist].
func Create(dir string, kind phash.Kind, features, overwrite bool) (*Archive, error) {
	old, err := readManifest(dir)
	switch {
	case err == nil && !overwrite:
		return nil, fmt.Errorf("%s: an index is there: %w", dir, fs.ErrExist)
	case err != nil && !errors.Is(err, ErrNone):
		return nil, err
	}
	a := &Archive{Index: phash.NewIndexIn(kind, mapfile.Pages{}), dir: dir, manifest: old, names: &names{}}
	if features {
		a.Features = new(parts.Index)
	}
	return a, nil
}

// Open opens the archive in dir after it has checked every file.
func Open(dir string) (*Archive, error) {
	a := &Archive{dir: dir}
	var err error
	if a.manifest, err = readManifest(dir); err != nil {
		return nil, err
	}
	if a.parts, err = parseManifest(a.manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, manifestName), err)
	}
	if err := a.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), a.Close())
	}
	return a, nil
}

func (a *Archive) open() (err error) {
	if a.hashes, err = mapfile.Open(a.path(partHashes), maxFile); err != nil {
		return err
	}
	if a.Index, err = phash.OpenIndex(a.hashes.Bytes()); err != nil {
		return err
	}
	if a.names, err = openNames(a.path(partNames), a.parts[partNames].SHA256); err != nil {
		return err
	}
	if _, kept := a.parts[partFeatures]; !kept {
		return nil
	}
	if a.features, err = mapfile.Open(a.path(partFeatures), maxFile); err != nil {
		return err
	}
	a.Features, err = parts.Open(a.features.Bytes())
	return err
}

func (a *Archive) path(what string) string { return filepath.Join(a.dir, a.parts[what].File) }

// Close unmaps the files. The archive and its index must not be used afterwards.
func (a *Archive) Close() error {
	var errs []error
	if a.hashes != nil {
		errs = append(errs, a.hashes.Close())
	}
	if a.features != nil {
		errs = append(errs, a.features.Close())
	}
	if a.names != nil {
		errs = append(errs, a.names.close())
	}
	return errors.Join(errs...)
}

func readManifest(dir string) ([]byte, error) {
	f, err := mapfile.Load(filepath.Join(dir, manifestName), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	data := append([]byte{}, f.Bytes()...)
	return data, f.Close()
}

func parseManifest(data []byte) (map[string]part, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if m.Version != version {
		return nil, fmt.Errorf("index of version %d, this is a program for version %d", m.Version, version)
	}
	for _, what := range []string{partHashes, partNames} {
		if m.Parts[what].File == "" {
			return nil, fmt.Errorf("%w: the manifest names no %s", ErrDamaged, what)
		}
	}
	for what, p := range m.Parts {
		if filepath.Base(p.File) != p.File || !strings.HasPrefix(p.File, what+"-") {
			return nil, fmt.Errorf("%w: %.40q is no name of a file of %s", ErrDamaged, p.File, what)
		}
	}
	return m.Parts, nil
}

// folderMode and fileMode: hashes and names are personal data.
const (
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600
)

// Save writes the archive. After an error the archive on the disk is unchanged.
func (a *Archive) Save() error {
	if err := os.MkdirAll(a.dir, folderMode); err != nil {
		return err
	}
	hashes, _, err := writePart(a.dir, partHashes, func(w *partWriter) error {
		_, err := a.Index.WriteTo(w)
		return err
	})
	if err != nil {
		return err
	}
	list, sum, err := writePart(a.dir, partNames, a.names.writeTo)
	if err != nil {
		return err
	}
	next := map[string]part{partHashes: {File: hashes}, partNames: {list, hex.EncodeToString(sum[:])}}
	if a.Features != nil {
		file, _, err := writePart(a.dir, partFeatures, func(w *partWriter) error {
			_, err := a.Features.WriteTo(w)
			return err
		})
		if err != nil {
			return err
		}
		next[partFeatures] = part{File: file}
	}
	return a.publish(next)
}

// publish writes the manifest that names the parts, then removes files that it does not name.
func (a *Archive) publish(parts map[string]part) error {
	data, err := json.MarshalIndent(manifest{version, parts}, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	switch now, err := readManifest(a.dir); {
	case errors.Is(err, ErrNone) && a.manifest == nil:
	case err != nil:
		return err
	case string(now) != string(a.manifest):
		return fmt.Errorf("%s: %w", a.dir, ErrChanged)
	}
	err = durable.WriteFile(filepath.Join(a.dir, manifestName), data, fileMode, a.manifest != nil)
	if err != nil {
		return err
	}
	a.manifest, a.parts = data, parts
	return a.sweep()
}

// sweep removes the files of parts that the manifest does not name.
func (a *Archive) sweep() error {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for _, p := range a.parts {
		named[p.File] = true
	}
	for _, e := range entries {
		what, unique, ok := strings.Cut(e.Name(), "-")
		known := what == partHashes || what == partNames || what == partFeatures
		if !ok || !known || len(unique) != 2*uniqueLen || named[e.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(a.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// checkSum compares a file with its SHA-256 in hex.
func checkSum(data []byte, want string) error {
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		return fmt.Errorf("%w: not what its checksum is of", ErrDamaged)
	}
	return nil
}
