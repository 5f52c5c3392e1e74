package verify

import (
	"context"
	"fmt"
	"image"
	"io"
	"runtime"
	"time"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// Config is shared by [NewIssuer] and [NewInvestigator]. Registry is required;
// every limit of 0 means its default.
type Config struct {
	Registry *Registry

	// Keys are the mark keys: the first one marks, all of them are tried in
	// reading. Submit needs none.
	Keys []*watermark.Key

	// SealKey seals and opens the kept originals. An investigator without it
	// works on hashes alone and can confirm no copy.
	SealKey *SealKey

	// Actor is who acts, as written to the registry and the report.
	Actor string

	// Command is the command line, as the report repeats it.
	Command []string

	MaxBytes  int64 // of one file; default 64 MiB
	MaxPixels int64 // of one picture; default 100 million
	MaxFiles  int   // of one dump; default 1 million
	Workers   int   // leaks examined at a time; default one a CPU

	// HashOnly enters uploads by their hashes alone: they are found, whole, but no
	// original is kept to be compared or to make copies of, and no features by which
	// parts are found. What was entered so stays so.
	HashOnly bool

	// MaxSide shrinks copies to this many pixels on the long side before they
	// are marked; 0 leaves them as they are.
	MaxSide int
	// MaxCopyBytes is the most that a copy's file may have: lossless formats
	// become JPEG, unless Format asks for them, the quality of lossy ones is lowered
	// to 80, then the picture shrunk, until it fits; 0 sets no limit.
	MaxCopyBytes int64
	// Format of all copies: "jpeg", "png", or "webp", which takes EncodeWebP; "" makes
	// each like its original.
	Format string
	// EncodeWebP writes an opaque picture as lossy WebP of a quality of 0 to 100, with
	// a colour profile and an EXIF block where they are not empty. The command brings
	// an encoder; the library leaves the choice to its users.
	EncodeWebP func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error
	// OpenPDF opens the bytes of a PDF, which it keeps, so that the pictures in it are
	// examined. The command brings a reader; the library leaves the choice to its users,
	// for whom PDFs are damaged otherwise.
	OpenPDF func(ctx context.Context, data []byte) (PDF, error)
	// KeepEXIF passes on what the original's EXIF says of exposure, time, camera
	// and lens. Places, names, serial numbers, texts, maker's notes, thumbnails and
	// all metadata outside EXIF are never passed on.
	KeepEXIF bool
	// AllowWeak releases copies whose mark would not survive a messenger,
	// which is otherwise an error that wraps [ErrWeak].
	AllowWeak bool

	// Search says where leaks are looked for. In memory: all uploads within 64 bits and,
	// with a SealKey, by local features, which finds parts; 100 bytes and 4 kB an
	// upload. In the store: whole pictures within 31 bits, in next to no memory.
	// Default [SearchMemory]; from 20 million uploads on [SearchStore].
	Search string

	// Found is when the leaks were found. Custody that was entered later is listed
	// as inadmissible. The zero time: not known; whether custody is admissible is
	// then not judged, and the sentences name no holders.
	Found time.Time

	// Trials is the number of independent trials of reading pictures without a
	// mark of the key, with no false identification among them. It caps every
	// likelihood ratio at Trials/3, the inverse of the 95 % upper bound of the
	// error rate (rule of three). The comparison of pictures, which confirms
	// copies, is not covered by them. Default [DefaultTrials].
	Trials int

	// Progress, where set, is called after each leak of a dump, in order.
	Progress func(done, total int)
}

const (
	defaultMaxBytes = 64 << 20
	defaultMaxFiles = 1_000_000
)

// ready checks a configuration and fills in the defaults.
func (c Config) ready() (Config, error) {
	if c.Registry == nil {
		return c, fmt.Errorf("%w: no registry", ErrInput)
	}
	for _, k := range c.Keys {
		if k == nil {
			return c, fmt.Errorf("%w: a mark key is nil", ErrInput)
		}
	}
	if c.SealKey != nil && c.SealKey.master == nil {
		return c, fmt.Errorf("%w: the sealing key is the zero SealKey", ErrInput)
	}
	if c.MaxBytes < 0 || c.MaxPixels < 0 || c.MaxFiles < 0 || c.Workers < 0 || c.MaxSide < 0 || c.MaxCopyBytes < 0 || c.Trials < 0 {
		return c, fmt.Errorf("%w: a limit is negative", ErrInput)
	}
	switch {
	case c.Format != "" && c.Format != "jpeg" && c.Format != "png" && c.Format != "webp":
		return c, fmt.Errorf("%w: the format of copies is jpeg, png or webp, not %.40q", ErrInput, c.Format)
	case c.Format == "webp" && c.EncodeWebP == nil:
		return c, fmt.Errorf("%w: there is no encoder for WebP", ErrInput)
	}
	if err := checkSearch(c.Search, c.Registry); err != nil {
		return c, err
	}
	if err := checkText("actor", c.Actor, maxName); err != nil {
		return c, err
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = defaultMaxFiles
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Trials == 0 {
		c.Trials = DefaultTrials
	}
	return c, nil
}

func (c Config) limits() picture.Limits {
	return picture.Limits{MaxBytes: c.MaxBytes, MaxPixels: c.MaxPixels}
}

// DefaultTrials is the number of trials behind the cap on likelihood ratios: 300
// readings of the 15 pictures in testdata/pictures after 10 attacks, each unmarked
// and marked under another key, with no mark found:
//
//	kycmark bench falsepositives --pictures testdata/pictures --attacks none,telegram,telegram_low,whatsapp,jpeg50,jpeg20,crop50,crop25,rot5,screenshot
//
// More trials, once they are made, are stated in [Config].
const DefaultTrials = 300

// trialsCover says what the trials are about, wherever their number stands.
const trialsCover = "trials of reading pictures without a mark of the key; the comparison of pictures is not covered by them"
