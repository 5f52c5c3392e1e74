package seal

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrBundle is wrapped by errors about files that cannot become a bundle, or that are not exactly as they were signed.
var ErrBundle = errors.New("not a bundle as it was signed")

// Names of the files that sealing adds to what was found.
const (
	publicName    = "public.pem"
	anchorsName   = "tsa-ca.pem"
	statementName = "statement.dsse.json"
	stampName     = "timestamp.tsr"
	paeName       = "statement.pae"
	sigName       = "statement.sig"
	readmeName    = "README.txt"
	listName      = "SHA256SUMS"
	listSigName   = "SHA256SUMS.sig"
)

// unstated are the names of the files that the statement cannot be about, because they are made from the statement.
var unstated = []string{statementName, stampName, paeName, sigName, readmeName, listName, listSigName}

const (
	maxBundle = 1 << 30 // bytes of all files together
	maxFiles  = 10_000
	maxName   = 200 // bytes
)

var errTooLarge = fmt.Errorf("%w: more than %d bytes", ErrBundle, int64(maxBundle))

// A File is one file of a bundle.
type File struct {
	Name  string // relative, with slashes; ASCII letters, digits and -._ only
	About string // one line for README.txt; empty in a bundle that was read
	Data  []byte
}

// A Bundle holds all files of a bundle, sorted by name.
type Bundle struct {
	files []File
}

// newBundle returns a bundle of files, sorted by name; the slice is copied, the contents are
// not. The error wraps [ErrBundle] for names that are not the same on every system, or differ in
// case alone. It also does for too many or too large files.
func newBundle(files []File) (*Bundle, error) {
	if len(files) > maxFiles {
		return nil, fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
	}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	total := int64(0)
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		lower := strings.ToLower(f.Name)
		if seen[lower] {
			return nil, fmt.Errorf("%w: two files with the name %s", ErrBundle, f.Name)
		}
		seen[lower] = true
		if total += int64(len(f.Data)); total > maxBundle {
			return nil, errTooLarge
		}
	}
	return &Bundle{files}, nil
}

// checkName returns an error that wraps [ErrBundle] unless name is a relative path, with
// slashes, of up to maxName bytes. Each part has only ASCII letters, digits and -._, begins with
// neither . nor -, and does not end with a dot. Such a name means the same on every system.
func checkName(name string) error {
	odd := name == "" || len(name) > maxName
	for part := range strings.SplitSeq(name, "/") {
		odd = odd || part == "" || part[0] == '.' || part[len(part)-1] == '.' || part[0] == '-'
		odd = odd || strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
		})
	}
	if odd {
		return fmt.Errorf("%w: %.40q is no name of a file in it", ErrBundle, name)
	}
	return nil
}

// file returns the content of the file with the given name, and whether the bundle has it.
func (b *Bundle) file(name string) ([]byte, bool) {
	i, found := slices.BinarySearchFunc(b.files, name, func(f File, name string) int { return strings.Compare(f.Name, name) })
	if !found {
		return nil, false
	}
	return b.files[i].Data, true
}

// need returns the content of the file with the given name. If the bundle lacks the file, the
// error wraps [ErrBundle] and names the file.
func (b *Bundle) need(name string) ([]byte, error) {
	data, found := b.file(name)
	if !found {
		return nil, fmt.Errorf("%w: there is no %s", ErrBundle, name)
	}
	return data, nil
}

// sums returns the list of all files, by name, with their SHA-256, in the form of sha256sum:
// hex, two spaces, name, line feed. The list leaves out itself and its signature.
func (b *Bundle) sums() []byte {
	var out []byte
	for _, f := range b.files {
		if f.Name != listName && f.Name != listSigName {
			out = fmt.Appendf(out, "%x  %s\n", sha256.Sum256(f.Data), f.Name)
		}
	}
	return out
}

func (f File) subject() Subject { return subject(f.Name, int64(len(f.Data)), sha256.Sum256(f.Data)) }
