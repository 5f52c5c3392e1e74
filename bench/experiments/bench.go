// Package experiments measures the mark on any folder of pictures: what it survives
// ([Robustness]), whether it is ever read where it is not ([FalsePositives]), what a
// forger or a remover gets out of marked pictures ([Security]), whose copy a leak is
// when the original is at hand ([Trace]), how visible the mark is ([Quality]) and what
// it costs ([Speed]). It is the library behind `kycmark-bench`.
//
// A measurement is repeated by its seed: copy IDs, what is random in the attacks,
// and the keys where none is given follow from the seed and the contents of a
// file, not from its name or its place in the folder. Only times differ between
// runs.
package experiments

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

var (
	// ErrNoPictures is returned when there is no picture to measure.
	ErrNoPictures = errors.New("bench: no pictures")

	// ErrBar is returned for bars that can never be missed or met.
	ErrBar = errors.New("bench: bad bar")
)

// Config says what to measure. Only Pictures is needed.
type Config struct {
	Pictures []string       // files, as [Find] lists them
	Attacks  []string       // names or groups of attacks; none means all
	Key      *watermark.Key // nil: a test key made from Seed
	Seed     uint64
	Workers  int            // at work at a time; 0 means one a processor
	MaxSide  int            // pictures are first shrunk to this long side, pixels; 0: not
	Limits   picture.Limits // for each file

	// Bars are the lowest rates, 0 to 1, that [Robustness] accepts by group of
	// attacks, or under "all" for the total; and the highest that [Security] accepts
	// by name of an attempt.
	Bars map[string]float64

	// Keys is how many keys [FalsePositives] reads with; 0 means 1. [Security] takes
	// it for the number of wrong keys.
	Keys int

	// Trials is how many cheap trials [FalsePositives] adds to the full readings.
	Trials int

	// Copies is how many marked pictures [Security] averages; 0 means 200.
	Copies int

	// Sheet, if not nil, is given a [Sheet] of each picture that [Quality] marks,
	// by several goroutines at a time.
	Sheet func(file string, sheet *image.NRGBA) error

	// Progress, if not nil, is called after each step, never by two goroutines
	// at a time.
	Progress func(done, total int)
}

// A Failure is a picture, or a picture under an attack, that could not be
// measured.
type Failure struct {
	File   string `json:"file"`
	Attack string `json:"attack,omitempty"`
	Error  string `json:"error"`
}

// endings are those of the formats that can be read.
var endings = []string{".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}

// Find lists the pictures under paths in a fixed order: files as they are named,
// folders with everything in and below them whose name ends like a picture's.
func Find(paths ...string) ([]string, error) {
	var files []string
	for _, root := range paths {
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			root += string(filepath.Separator) // a link to a folder is followed where it is named
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
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, ErrNoPictures
	}
	return files, nil
}

// attacks resolves names and groups, in the order of the list and each once. The
// harder attacks must be asked for.
func (c *Config) attacks() ([]attack.Attack, error) {
	if len(c.Attacks) == 0 {
		return attack.All(), nil
	}
	all := slices.Concat(attack.All(), attack.Hard())
	wanted := map[string]bool{}
	for _, name := range c.Attacks {
		if !slices.ContainsFunc(all, func(a attack.Attack) bool { return a.Name == name || a.Group == name }) {
			return nil, fmt.Errorf("bench: %w %q", attack.ErrUnknown, name)
		}
		wanted[name] = true
	}
	return slices.DeleteFunc(all, func(a attack.Attack) bool {
		return !wanted[a.Name] && !wanted[a.Group]
	}), nil
}

func (c *Config) workers() int { return cmp.Or(c.Workers, runtime.GOMAXPROCS(0)) }

// key is that of the configuration, or test key 0.
func (c *Config) key() (*watermark.Key, error) {
	if c.Key != nil {
		return c.Key, nil
	}
	return testKey(c.Seed, 0)
}

// testKey makes key number n of a seed. Anybody can make it: it protects nothing.
func testKey(seed uint64, n int) (*watermark.Key, error) {
	secret := sha256.Sum256(fmt.Appendf(nil, "kycmark bench key %d of seed %d", n, seed))
	sum := sha256.Sum256(secret[:])
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(secret[:], sum[:4]...))
	key, err := watermark.ParseKey("KYCMARK-SECRET-KEY-1-" + text)
	if err != nil {
		return nil, fmt.Errorf("bench: test key: %w", err)
	}
	return key, nil
}

// draw makes 64 bits for a purpose from the seed and a file's contents.
func (c *Config) draw(purpose string, content [32]byte) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "kycmark bench %s %d %x", purpose, c.Seed, content))
	return binary.BigEndian.Uint64(sum[:])
}

// begin resolves the attacks of a measurement that has pictures.
func (c *Config) begin() ([]attack.Attack, error) {
	attacks, err := c.attacks()
	if err != nil {
		return nil, err
	}
	if len(c.Pictures) == 0 {
		return nil, ErrNoPictures
	}
	return attacks, nil
}

// An upload is a picture to mark and attack, and what is drawn for it.
type upload struct {
	image   *image.NRGBA
	id      watermark.CopyID
	seed    uint64 // of its attacks
	content [32]byte
	options *watermark.Options // its submission, named as a registry would
}

func (c *Config) upload(path string) (*upload, error) {
	p, err := c.load(path)
	if err != nil {
		return nil, err
	}
	return &upload{
		image: p.Image, content: p.SHA256,
		id: watermark.CopyID(c.draw("copy", p.SHA256)), seed: c.draw("attack", p.SHA256),
		options: submissionOf(p),
	}, nil
}

// submissionOf names an upload as a registry would.
func submissionOf(p *picture.Picture) *watermark.Options {
	return &watermark.Options{Submission: watermark.Submission(p.SHA256[:16])}
}

// load reads a picture, laid over white and shrunk as configured.
func (c *Config) load(path string) (*picture.Picture, error) {
	p, err := picture.Load(path, c.Limits)
	if err != nil {
		return nil, err
	}
	p.Image = picture.Flatten(p.Image)
	if c.MaxSide > 0 {
		p.Image = picture.Fit(p.Image, c.MaxSide)
	}
	return p, nil
}

// A Number is a float64 that is null in JSON when it is infinite or not a number.
type Number float64

// MarshalJSON implements [json.Marshaler].
func (n Number) MarshalJSON() ([]byte, error) {
	if f := float64(n); math.IsInf(f, 0) || math.IsNaN(f) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON implements [json.Unmarshaler]; null becomes NaN.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// digits writes so many decimals, or "-" for what is no number.
func (n Number) digits(decimals int) string {
	if math.IsNaN(float64(n)) {
		return "-"
	}
	return strconv.FormatFloat(float64(n), 'f', decimals, 64)
}

// short is how a file is called in a table.
func short(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// stopped is the error of a run that was cancelled.
func stopped(ctx context.Context) error {
	return fmt.Errorf("bench: stopped: %w", context.Cause(ctx))
}
