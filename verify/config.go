package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

const (
	// DefaultReferences is the number of controls of a dump unless [Options] say otherwise.
	DefaultReferences = tuning.DefaultReferences
	// MarkTrials is the number of pictures by which error rates of marks were validated.
	MarkTrials = tuning.MarkTrials
)

// Readers read what the library alone does not. The command brings all of them.
type Readers struct {
	// LeakedPDF returns a page of a PDF in a dump, from 1 on, as a Reader of package decoders/pdfs does. If page is 0, it
	// returns the number of pages alone (Of). It calls admit as PDF of Readers does. Without it PDFs in dumps are not supported.
	LeakedPDF func(ctx context.Context, file []byte, page int, admit func(bytes int64) error) (registry.PDFPage, error)

	// Unpack reads archives of kind ".7z" and ".rar" and calls each for their files. Of kind ".tar.xz" and
	// ".tar.zst" it calls each once, for what xz or zstd compressed. The command brings it; without it
	// such archives are listed as not opened.
	Unpack func(ctx context.Context, kind string, archive *os.File, each func(name string, regular bool, r io.Reader) error) error

	registry.Readers // of originals and leaks
}

// Config is what an [Investigator] has as long as it lives. Registry is required; every limit of 0 means its default.
type Config struct {
	Registry *registry.Registry

	// Keys are the mark keys under which marks are read.
	Keys []*watermark.Key

	// SealKey opens the kept originals. An investigator without it works on hashes alone and can confirm no copy.
	SealKey *registry.SealKey

	MaxBytes  int64 // of one file; default 64 MiB
	MaxPixels int64 // of one picture; default 200 million within MaxMemory, at most [phash.MaxPixels]
	MaxMemory int64 // of all pictures at a time, bytes; default 65 % of what control group, ulimit and machine allow
	MaxFiles  int   // of one dump; default 2 million

	Readers
}

// Options say what is known of one investigation, and how it is done. The zero value works.
type Options struct {
	// Actor is who acts, as written to the ledger and the report.
	Actor string

	// Command is the command line, as ledger and report repeat it.
	Command []string

	findings.Circumstances

	Workers int // leaks examined at a time; default one a CPU

	// References is about how many controls a dump gets: comparisons of a leak that shows an upload with an upload of
	// another subject, to see how often such pictures fit by chance. The uploads are the nearest by hash to the one shown.
	// With more leaks than controls, the leaks' digests draw. 0: [DefaultReferences], at most 4 a leak; negative: none.
	References int

	// Against skips the search: leaks are compared with these submissions, and traced against
	// all of them. The error rate of marks does not depend on that choice. Nothing is said
	// of windows, since the person who names the submissions chooses what can be found.
	Against []watermark.Submission

	State State // nil: findings are not kept

	// Dir is the folder where relative paths of a dump begin; "": the current folder. Findings have the paths as given.
	Dir string

	// Sums has the SHA-256 of files of a dump by their names. A file with another digest is not examined: its
	// finding says that it was altered. Files without a digest are examined.
	Sums map[string]books.Digest

	// Once, if it is not zero, is 32 random bytes of a run that may be cut short and begun anew. A later run
	// with the same bytes, files, command and circumstances takes over the entry of the first in the ledger. Its conclusion may have been
	// entered, and its results not be kept. Of what was entered meanwhile, only erasures and changes of keys have it examine files again that State has.
	// Zero: bytes that State keeps, if there is one.
	Once [32]byte

	// Part has only one part of a dump examined: other investigations examine the rest, and one joins what
	// [Investigation.WritePart] wrote. Zero: all of it.
	Part Part

	// Progress, where set, is called after each leak of a dump, in order.
	Progress func(done, total int)
}

// A config is what one investigation works with.
type config struct {
	Config
	Options
}

func unusable(format string, args ...any) error {
	return fmt.Errorf("%w: %w", registry.ErrInput, fmt.Errorf(format, args...))
}

// ready returns the configuration, checked, with the defaults of MaxBytes and MaxFiles. The error wraps
// [registry.ErrInput].
func (c Config) ready() (Config, error) {
	switch {
	case c.Registry == nil:
		return c, unusable("no registry")
	case slices.Contains(c.Keys, nil):
		return c, unusable("a mark key is nil")
	case c.SealKey != nil && c.SealKey.ID() == "":
		return c, unusable("the sealing key is the zero SealKey")
	case min(c.MaxBytes, c.MaxPixels, c.MaxMemory) < 0 || c.MaxFiles < 0:
		return c, unusable("a limit is negative")
	case c.MaxPixels > phash.MaxPixels:
		return c, unusable("pictures of more than %d pixels are not hashed", phash.MaxPixels)
	}
	c.MaxBytes = cmp.Or(c.MaxBytes, picture.DefaultMaxBytes)
	c.MaxFiles = cmp.Or(c.MaxFiles, tuning.DefaultMaxFiles)
	return c, nil
}

// earliestFound is the first year in which leaks can have been found, as package registry has it for uploads. Chosen.
const earliestFound = 1990

// ready returns the options, checked, with each submission of Against once and the default of Workers. The error wraps
// [registry.ErrInput].
func (o Options) ready() (Options, error) {
	switch {
	case min(o.Workers, o.Claimed, o.UploadsPerSubject) < 0:
		return o, unusable("a limit is negative")
	case !o.Found.IsZero() && o.Found.UTC().Year() < earliestFound:
		return o, unusable("leaks found in %d: before %d there were no such pictures", o.Found.UTC().Year(), earliestFound)
	case o.References > tuning.MaxReferencesOfADump:
		return o, unusable("more than %d comparisons with other uploads", tuning.MaxReferencesOfADump)
	case o.Published && (o.Found.IsZero() || o.Evidence == "" && o.EvidenceSHA256 == books.Digest{}):
		return o, unusable("published files need a time, and evidence of the place")
	case len(o.Against) > tuning.MaxAgainst:
		return o, unusable("more than %d submissions to trace against", tuning.MaxAgainst)
	}
	if err := errors.Join(o.Part.check(), intake.CheckText("actor", o.Actor, intake.MaxName),
		intake.CheckText("case", o.Case, intake.MaxName), intake.CheckText("examiner", o.Examiner, intake.MaxName),
		intake.CheckText("evidence of the time", o.Evidence, intake.MaxNote)); err != nil {
		return o, unusable("%w", err)
	}
	o.Found = records.Timestamp(o.Found) // as the ledger has it: the next investigation compares the two
	seen := make(map[watermark.Submission]bool, len(o.Against))
	o.Against = slices.DeleteFunc(slices.Clone(o.Against), func(id watermark.Submission) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
	o.Command = each.Of(o.Command, func(arg string) string { return string([]rune(arg)) }) // as JSON has it
	o.Workers = cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	return o, nil
}

func (c Config) limits(ctx context.Context) picture.Limits {
	return picture.Limits{MaxBytes: c.MaxBytes, MaxPixels: c.MaxPixels, Decode: picture.Decoding(ctx, c.Decode), PDF: picture.ReadingPDF(ctx, c.Readers.PDF)}
}

func (o Options) basis() weigh.Basis {
	return weigh.Basis{Circumstances: o.Circumstances, Named: len(o.Against)}
}

func (c config) examination() examine.Config {
	return examine.Config{Registry: c.Registry, Keys: c.Keys, SealKey: c.SealKey, References: c.References, Against: c.Against, Given: c.given(), Limits: c.limits, Workers: c.Workers, MaxMemory: c.MaxMemory}
}

func (c config) given() conclude.Given {
	return conclude.Given{Opens: c.SealKey != nil, FoundAt: c.Found}
}

func (c config) keyIDs() []string {
	return each.Of(c.Keys, (*watermark.Key).ID)
}

func (c config) sealKeyID() string {
	if c.SealKey == nil {
		return ""
	}
	return c.SealKey.ID()
}

// parameters returns the parameters of [recheck.Method] and the parameters that depend on the configuration.
func (c config) parameters() map[string]string {
	p := recheck.Method()
	p["other uploads a leak is held against"] = c.examination().ReferenceRecord()
	p["most bytes of a file"] = strconv.FormatInt(c.MaxBytes, 10)
	p[recheck.FoundOn], p[recheck.ComparedWith], p[recheck.PerSubject] = words.NotStated, recheck.AllUploads, words.NotStated
	p[recheck.OriginalsOpen] = strconv.FormatBool(c.SealKey != nil)
	if n := len(c.Against); n > 0 {
		p[recheck.ComparedWith] = strconv.Itoa(n)
	}
	if n := c.UploadsPerSubject; n > 0 {
		p[recheck.PerSubject] = strconv.Itoa(n)
	}
	if !c.Found.IsZero() {
		p[recheck.FoundOn] = c.Found.UTC().Format(time.RFC3339Nano)
	}
	return p
}
