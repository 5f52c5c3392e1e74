package archive

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// names are the names of the pictures by their refs in the index; "" for a picture that was
// removed. In a file they are lines. A name with line breaks, or that begins with a quote, is
// quoted as in Go.
type names []string

// parseNames reads the lines of a file of names; a line's number, from 0, is the ref. A quoted line
// is unquoted; a line that begins with a quote but cannot be unquoted is taken as it is.
func parseNames(data []byte) (n names) {
	for line := range strings.Lines(string(data)) {
		name := strings.TrimSuffix(line, "\n")
		if unquoted, err := strconv.Unquote(name); err == nil && strings.HasPrefix(name, `"`) {
			name = unquoted
		}
		n = append(n, name)
	}
	return n
}

// lines returns the content of the file of names, which [parseNames] reads: a line for each ref,
// empty for a removed picture.
func (n names) lines() *bytes.Buffer {
	var out bytes.Buffer
	for _, name := range n {
		if strings.ContainsAny(name, "\n\r") || strings.HasPrefix(name, `"`) {
			name = strconv.Quote(name)
		}
		out.WriteString(name + "\n")
	}
	return &out
}

// Name returns the name of the picture with a ref, as hits of a search have it; "" for a removed
// picture. It panics for a ref that the archive never gave.
func (a *Archive) Name(ref int64) string { return a.names[ref] }

// refs returns the refs of the wanted names, by name. Names that the archive lacks are left out. It
// looks at every name of the archive.
func (a *Archive) refs(wanted map[string]bool) map[string]int64 {
	refs := map[string]int64{}
	for ref, name := range a.names {
		if name != "" && wanted[name] {
			refs[name] = int64(ref)
		}
	}
	return refs
}

// ErrName is wrapped when a name is empty.
var ErrName = errors.New("a picture needs a name")

// An Entry is a picture to be added.
type Entry struct {
	Name    string
	Hash    phash.Hash
	Quality int // of a hash without one: 100

	Features *parts.Features // nil: no features
}

// Add adds pictures in memory; Save keeps them. A picture replaces the picture of the same name;
// among equal names the last counts. Pictures below the quality phash.MinQuality are only counted,
// and remove the picture of their name. stored is how many were stored. An empty name is [ErrName],
// and nothing is added. After another error the archive must not be saved.
func (a *Archive) Add(entries []Entry) (stored int, err error) {
	wanted := make(map[string]bool, len(entries))
	for _, e := range entries {
		if e.Name == "" {
			return 0, ErrName
		}
		wanted[e.Name] = true
	}
	refs := a.refs(wanted)
	kept := map[int64]*Entry{} // by ref
	for i, e := range entries {
		ref, held := refs[e.Name]
		switch {
		case e.Quality >= phash.MinQuality:
			if !held {
				ref = int64(len(a.names))
				a.names = append(a.names, e.Name)
				refs[e.Name] = ref
			}
			kept[ref] = &entries[i]
			continue
		case held:
			a.forget(ref)
			delete(refs, e.Name)
			delete(kept, ref)
		default:
			ref = noRef
		}
		if _, err := a.Index.Offer(e.Hash, e.Quality, ref); err != nil { // which counts it
			return 0, err
		}
	}
	return len(kept), a.store(kept)
}

// noRef is the ref of no picture.
const noRef = -1

// store puts the hashes and features of pictures into the indexes, in the order of their refs,
// which are the keys. What was stored under these refs is replaced. Features go only into an
// archive that keeps them.
func (a *Archive) store(pictures map[int64]*Entry) error {
	refs := slices.Sorted(maps.Keys(pictures))
	if a.Features != nil {
		for _, ref := range refs {
			a.Features.Remove(ref)
			if f := pictures[ref].Features; f != nil && f.Len() > 0 {
				if err := a.Features.Add(ref, f); err != nil {
					return err
				}
			}
		}
	}
	return a.Index.AddAll(func(yield func(int64, phash.Hash) bool) {
		for _, ref := range refs {
			if !yield(ref, pictures[ref].Hash) {
				return
			}
		}
	})
}

// Remove removes the pictures with names that are true in wanted and returns how many it found. It
// changes memory only: Save erases them from the disk.
func (a *Archive) Remove(wanted map[string]bool) int {
	refs := a.refs(wanted)
	for _, ref := range refs {
		a.forget(ref)
	}
	return len(refs)
}

// forget takes a picture out of the indexes and its name out of the list.
func (a *Archive) forget(ref int64) {
	a.Index.Remove(ref)
	if a.Features != nil {
		a.Features.Remove(ref)
	}
	a.names[ref] = ""
}
