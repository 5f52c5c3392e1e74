package archive

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// Names are stored one a line. The ref of a picture in the index is the number of its line,
// from 0. A name with line breaks, or that begins with a quote, is quoted as in Go. The line
// of a removed picture is empty.
type names struct {
	file  *mapfile.File // lines of the refs from 0 on; nil without
	lines int64         // in the file
	added []string      // names of the refs from lines on
	gone  map[int64]bool
}

// ErrName is wrapped when a name is empty.
var ErrName = errors.New("a picture needs a name")

func openNames(path, sum string) (*names, error) {
	f, err := mapfile.Open(path, maxFile)
	if err != nil {
		return nil, err
	}
	n := &names{file: f, lines: int64(bytes.Count(f.Bytes(), []byte{'\n'}))}
	if err := checkSum(f.Bytes(), sum); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return n, nil
}

func (n *names) close() error {
	if n.file == nil {
		return nil
	}
	return n.file.Close()
}

func quoted(name string) string {
	if strings.ContainsAny(name, "\n\r") || strings.HasPrefix(name, `"`) {
		return strconv.Quote(name)
	}
	return name
}

func unquoted(line string) string {
	if strings.HasPrefix(line, `"`) {
		if name, err := strconv.Unquote(line); err == nil {
			return name
		}
	}
	return line
}

// all returns the lines of the file, quoted, by ref.
func (n *names) all() iter.Seq2[int64, string] {
	return func(yield func(int64, string) bool) {
		if n.file == nil {
			return
		}
		ref := int64(0)
		for line := range bytes.Lines(n.file.Bytes()) {
			if !yield(ref, string(bytes.TrimSuffix(line, []byte{'\n'}))) {
				return
			}
			ref++
		}
	}
}

func (n *names) writeTo(w *partWriter) error {
	for ref, line := range n.all() {
		if n.gone[ref] {
			line = ""
		}
		if _, err := w.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	for i, name := range n.added {
		line := quoted(name)
		if n.gone[n.lines+int64(i)] {
			line = ""
		}
		if _, err := w.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// Names returns the names of refs, in their order. Hits of a search have such refs.
func (a *Archive) Names(refs ...int64) map[int64]string {
	found := make(map[int64]string, len(refs))
	left := map[int64]bool{}
	for _, ref := range refs {
		if ref >= a.names.lines {
			found[ref] = a.names.added[ref-a.names.lines]
		} else {
			left[ref] = true
		}
	}
	if len(left) > 0 {
		for ref, line := range a.names.all() {
			if left[ref] {
				found[ref] = unquoted(line)
				if delete(left, ref); len(left) == 0 {
					break
				}
			}
		}
	}
	return found
}

// Refs returns the refs of the given names. Names that the archive lacks are left out.
func (a *Archive) Refs(wanted map[string]bool) map[string]int64 {
	refs := map[string]int64{}
	for ref, line := range a.names.all() {
		if name := unquoted(line); wanted[name] && !a.names.gone[ref] {
			refs[name] = ref
		}
	}
	for i, name := range a.names.added {
		if ref := a.names.lines + int64(i); wanted[name] && !a.names.gone[ref] {
			refs[name] = ref
		}
	}
	return refs
}

// An Entry is a picture to be added.
type Entry struct {
	Name    string
	Hash    phash.Hash
	Quality int // of a hash without one: 100

	Features *parts.Features // nil: no features
}

// Add adds pictures. A picture replaces the picture of the same name; among equal names the
// last counts. Pictures that are too plain for a hash are only counted. Add returns how many
// were stored. After an error the archive must not be saved.
func (a *Archive) Add(entries []Entry) (stored int, err error) {
	wanted := make(map[string]bool, len(entries))
	for _, e := range entries {
		if e.Name == "" {
			return 0, ErrName
		}
		wanted[e.Name] = true
	}
	refs := a.Refs(wanted)
	hashes, features := map[int64]phash.Hash{}, map[int64]*parts.Features{}
	for _, e := range entries {
		ref, held := refs[e.Name]
		if e.Quality < phash.MinQuality {
			if !held {
				ref = noRef
			}
			if _, err := a.Index.Offer(e.Hash, e.Quality, ref); err != nil {
				return 0, err
			}
			a.names.forget(ref)
			delete(refs, e.Name)
			delete(hashes, ref)
			delete(features, ref)
			a.dropFeatures(ref)
			continue
		}
		if !held {
			ref = a.names.add(e.Name)
			refs[e.Name] = ref
		}
		hashes[ref], features[ref] = e.Hash, e.Features
	}
	if err := a.addFeatures(features); err != nil {
		return 0, err
	}
	return len(hashes), a.Index.AddAll(func(yield func(int64, phash.Hash) bool) {
		for _, ref := range slices.Sorted(maps.Keys(hashes)) {
			if !yield(ref, hashes[ref]) {
				return
			}
		}
	})
}

// addFeatures stores the features of a picture in place of earlier ones, if the archive keeps
// features.
func (a *Archive) addFeatures(features map[int64]*parts.Features) error {
	if a.Features == nil {
		return nil
	}
	for _, ref := range slices.Sorted(maps.Keys(features)) {
		f := features[ref]
		if f == nil || f.Len() == 0 {
			a.dropFeatures(ref)
			continue
		}
		if err := a.Features.Add(ref, f); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) dropFeatures(ref int64) {
	if a.Features != nil {
		a.Features.Remove(ref)
	}
}

// Remove removes the pictures of the given names and returns how many it found. Save erases
// them from the disk.
func (a *Archive) Remove(wanted map[string]bool) int {
	refs := a.Refs(wanted)
	for _, ref := range refs {
		a.Index.Remove(ref)
		a.dropFeatures(ref)
		a.names.forget(ref)
	}
	return len(refs)
}

// noRef is the ref of no picture.
const noRef = -1

func (n *names) add(name string) (ref int64) {
	n.added = append(n.added, name)
	return n.lines + int64(len(n.added)) - 1
}

func (n *names) forget(ref int64) {
	if n.gone == nil {
		n.gone = map[int64]bool{}
	}
	n.gone[ref] = true
}
