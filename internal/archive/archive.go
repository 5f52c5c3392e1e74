// Package archive keeps the hashes and names of many pictures in a folder, where
// `kycmark index` finds them again.
//
// A folder holds a manifest, index.json, and the files that it names: the snapshot of a
// [phash.Index], a list of names, and perhaps features. A change writes new files under new
// names, then replaces the manifest. A crash therefore leaves the state before or after the
// change. The next change removes files that no manifest names.
package archive

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/intake"
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
	maxManifest  = 1 << 20 // bytes
	maxFile      = 1 << 40 // bytes
	uniqueLen    = 8       // random bytes at the end of a file's name
	bufferLen    = 1 << 20 // bytes written at a time

	// What the files of an archive hold. A file is named by that, a hyphen and random digits.
	partHashes   = "hashes"
	partNames    = "names"
	partFeatures = "features"

	// Hashes and names are personal data: only the owner may read them.
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600
)

// A manifest says which files are the archive.
type manifest struct {
	Version int             `json:"version"`
	Parts   map[string]part `json:"parts"` // by what they hold
}

type part struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256,omitempty"` // hex, of the names; the other files check themselves
}

// An Archive is an open archive. Only its Index and its Features may be used concurrently.
type Archive struct {
	Index    *phash.Index // changes are kept by Save
	Features *parts.Index // of the same pictures; nil if not kept

	dir      string
	manifest []byte // as it was read or written; nil: there was no archive
	names    names
	mapped   []*mapfile.File // that Index and Features read from
}

// Create returns an empty archive of hashes of the given kind, without writing anything: Save makes
// the folder dir and writes the archive there. With features, the archive also keeps local
// features. If dir already holds an archive and overwrite is false, the error wraps [fs.ErrExist].
func Create(dir string, kind phash.Kind, features, overwrite bool) (*Archive, error) {
	old, err := readManifest(dir)
	switch {
	case err == nil && !overwrite:
		return nil, fmt.Errorf("%s: an index is there: %w", dir, fs.ErrExist)
	case err != nil && !errors.Is(err, ErrNone):
		return nil, err
	}
	a := &Archive{Index: phash.NewIndexIn(kind, mapfile.Pages{}), dir: dir, manifest: old}
	if features {
		a.Features = new(parts.Index)
	}
	return a, nil
}

// Open opens the archive in dir after it has checked every file. An error names the folder; it
// wraps [ErrNone] if dir holds no archive. A damaged list of names wraps [ErrDamaged]; a damaged
// index is an error of phash or parts. The caller must call Close.
func Open(dir string) (*Archive, error) {
	data, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	a := &Archive{dir: dir, manifest: data}
	if err := a.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dir, err), a.Close())
	}
	return a, nil
}

// open opens and checks the files that a.manifest names, and sets a.Index, a.names and, if the
// archive keeps features, a.Features. After an error the caller must call Close.
func (a *Archive) open() error {
	files, err := parseManifest(a.manifest)
	if err != nil {
		return fmt.Errorf("%s: %w", manifestName, err)
	}
	data, err := a.read(files[partHashes])
	if err != nil {
		return err
	}
	if a.Index, err = phash.OpenIndex(data); err != nil {
		return err
	}
	if data, err = a.read(files[partNames]); err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != files[partNames].SHA256 {
		return fmt.Errorf("%s: %w: not what its checksum is of", files[partNames].File, ErrDamaged)
	}
	a.names = parseNames(data)
	if _, kept := files[partFeatures]; !kept {
		return nil
	}
	if data, err = a.read(files[partFeatures]); err != nil {
		return err
	}
	a.Features, err = parts.Open(data)
	return err
}

// read returns the bytes of a file of the archive, unchecked. They are mapped into memory until the
// archive is closed, and must not be written to.
func (a *Archive) read(p part) ([]byte, error) {
	f, err := mapfile.Open(filepath.Join(a.dir, p.File), maxFile)
	if err != nil {
		return nil, err
	}
	a.mapped = append(a.mapped, f)
	return f.Bytes(), nil
}

// Close unmaps the files and saves nothing. The archive and its indexes must not be used
// afterwards. It joins all errors.
func (a *Archive) Close() error {
	var errs []error
	for _, f := range a.mapped {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// readManifest returns the bytes of the manifest in dir. The error wraps [ErrNone] if there is
// no manifest.
func readManifest(dir string) ([]byte, error) {
	data, err := intake.ReadFile(filepath.Join(dir, manifestName), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	return data, err
}

// parseManifest returns the files that a manifest names, by what they hold. It must name files of
// hashes and names, and only files in its own folder; else the error wraps [ErrDamaged]. Another
// version is an error that does not. The files themselves are not looked at.
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

// Save writes the archive, all of it, and removes the files of earlier states. The error wraps
// [ErrChanged] if another process has changed the archive since it was opened. After an error of
// writing, the archive on the disk is as before. Only an error of removing old files comes after
// the change.
func (a *Archive) Save() error {
	if err := os.MkdirAll(a.dir, folderMode); err != nil {
		return err
	}
	lines := a.names.lines()
	sum := sha256.Sum256(lines.Bytes())
	contents := map[string]io.WriterTo{partHashes: a.Index, partNames: lines}
	if a.Features != nil {
		contents[partFeatures] = a.Features
	}
	next := map[string]part{}
	for what, content := range contents {
		file, err := a.write(what, content)
		if err != nil {
			return err
		}
		next[what] = part{File: file}
	}
	next[partNames] = part{next[partNames].File, hex.EncodeToString(sum[:])}
	return a.publish(next)
}

// write writes content to a new file of the archive's folder, and syncs the file. what is
// partHashes, partNames or partFeatures, which the file's name begins with; file is that name,
// without the folder. After an error it leaves no file. The folder is synced with the manifest.
func (a *Archive) write(what string, content io.WriterTo) (file string, err error) {
	var unique [uniqueLen]byte
	rand.Read(unique[:]) // never fails: crypto/rand
	file = what + "-" + hex.EncodeToString(unique[:])
	path := filepath.Join(a.dir, file)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(f, bufferLen)
	_, err = content.WriteTo(w)
	if err = errors.Join(err, w.Flush(), f.Sync(), f.Close()); err != nil {
		os.Remove(path)
	}
	return file, err
}

// publish writes the manifest that names files, by what they hold, and then removes the files of
// earlier states. If the manifest on the disk is not a.manifest any more, it writes nothing and the
// error wraps [ErrChanged]. Between that check and the writing another process may still come.
func (a *Archive) publish(files map[string]part) error {
	data, err := json.MarshalIndent(manifest{version, files}, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	switch now, err := readManifest(a.dir); {
	case errors.Is(err, ErrNone) && a.manifest == nil:
	case err != nil:
		return err
	case !bytes.Equal(now, a.manifest):
		return fmt.Errorf("%s: %w", a.dir, ErrChanged)
	}
	if err := durable.WriteFile(filepath.Join(a.dir, manifestName), data, fileMode, a.manifest != nil); err != nil {
		return err
	}
	a.manifest = data
	return a.sweep(files)
}

// sweep removes the files of earlier states: those in the folder with a name as [Archive.write]
// gives that are not in files. Other files are left alone. The first error ends it.
func (a *Archive) sweep(files map[string]part) error {
	entries, err := os.ReadDir(a.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		what, unique, _ := strings.Cut(e.Name(), "-")
		ours := what == partHashes || what == partNames || what == partFeatures
		if !ours || len(unique) != 2*uniqueLen || files[what].File == e.Name() {
			continue
		}
		if err := os.Remove(filepath.Join(a.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
