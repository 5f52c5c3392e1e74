package ruler

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/watermark"
)

// ErrNoPictures is returned for folders that hold no picture.
var ErrNoPictures = errors.New("no pictures")

// An Env is what every experiment is given: pictures, attacks, a key and a seed.
//
// The same seed repeats a measurement. Copy IDs, random values in attacks, and keys follow
// from the seed and a file's contents. The file's name and its place in the folder do not count.
// Only times differ between runs.
type Env struct {
	Pictures    []string       // files, as [Find] lists them
	Own         bool           // the pictures were named by the user, not the shipped ones
	AttackNames []string       // names or groups, as asked for; none means the 63
	Key         *watermark.Key // nil: Run takes TestKey(0)
	Seed        uint64
	Workers     int // cases measured at a time; 0: one a processor
	MaxSide     int // pictures are first shrunk to this long side, pixels; 0: not
	Limits      picture.Limits
}

// endings are the endings of file names in the formats that can be read.
var endings = []string{".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}

// Find lists the pictures under paths in a fixed order: files as they are named, and of
// folders everything in and below them whose name ends like a picture's.
func Find(paths ...string) ([]string, error) {
	var files []string
	for _, root := range paths {
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			root += string(filepath.Separator) // a link to a folder is followed if it is named
		}
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			named := path == root && !d.IsDir()
			if named || d.Type().IsRegular() && slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, ErrNoPictures
	}
	return files, nil
}

// Attacks resolves the names and groups that were asked for: in the order of the list,
// each attack once. Attacks beyond the 63 must be asked for. The error wraps
// [attack.ErrUnknown].
func (e *Env) Attacks() ([]attack.Attack, error) {
	if len(e.AttackNames) == 0 {
		return attack.All(), nil
	}
	all := hard.All()
	wanted := map[string]bool{}
	for _, name := range e.AttackNames {
		if !slices.ContainsFunc(all, func(a attack.Attack) bool { return a.Name == name || a.Group == name }) {
			return nil, fmt.Errorf("%w %q", attack.ErrUnknown, name)
		}
		wanted[name] = true
	}
	return slices.DeleteFunc(all, func(a attack.Attack) bool {
		return !wanted[a.Name] && !wanted[a.Group]
	}), nil
}

// TestKey returns key number n of the seed. Anybody can make the key: it protects nothing.
func (e *Env) TestKey(n int) *watermark.Key {
	secret := sha256.Sum256(fmt.Appendf(nil, "kycmark bench key %d of seed %d", n, e.Seed))
	sum := sha256.Sum256(secret[:])
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(secret[:], sum[:4]...))
	return Must(watermark.ParseKey("KYCMARK-SECRET-KEY-1-" + text)) // cannot fail: the checksum is right
}

// Draw returns 64 bits for a purpose, made from the seed and a file's contents.
func (e *Env) Draw(purpose string, content [32]byte) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "kycmark bench %s %d %x", purpose, e.Seed, content))
	return binary.BigEndian.Uint64(sum[:])
}

// Load reads a picture, lays it over white and shrinks it to MaxSide.
func (e *Env) Load(path string) (*picture.Picture, error) {
	p, err := fromfile.Picture(path, e.Limits)
	if err != nil {
		return nil, err
	}
	p.Image = picture.Flatten(p.Image)
	if e.MaxSide > 0 {
		p.Image = picture.Fit(p.Image, e.MaxSide)
	}
	return p, nil
}

// An Upload is a picture to mark and attack, and what is drawn for it.
type Upload struct {
	Name    string // of the file, without folder and ending
	Format  string // of the file, as in [picture.Picture]
	Image   *image.NRGBA
	Copy    watermark.CopyID
	Seed    uint64   // of its attacks
	Content [32]byte // SHA-256 of the file
	Options *watermark.Options
}

// Upload loads a picture and draws its copy ID and the seed of its attacks.
func (e *Env) Upload(path string) (*Upload, error) {
	p, err := e.Load(path)
	if err != nil {
		return nil, err
	}
	return &Upload{
		Name: Name(path), Format: p.Format, Image: p.Image, Content: p.SHA256,
		Copy: watermark.CopyID(e.Draw("copy", p.SHA256)), Seed: e.Draw("attack", p.SHA256),
		Options: &watermark.Options{Submission: watermark.SubmissionOf(p.SHA256)}, // as a registry names it
	}, nil
}

// Name returns how a file is called in labels and tables.
func Name(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// hashes returns the SHA-256 of every picture. A file that cannot be read gives "".
func (e *Env) hashes() []string {
	out := make([]string, len(e.Pictures))
	for i, path := range e.Pictures {
		if data, err := os.ReadFile(path); err == nil {
			sum := sha256.Sum256(data)
			out[i] = hex.EncodeToString(sum[:])
		}
	}
	return out
}
