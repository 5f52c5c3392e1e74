package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

const (
	// DefaultReferences is the number of controls of a dump unless [Config] says otherwise.
	DefaultReferences = tuning.DefaultReferences
	// MarkTrials and MatchTrials are the pictures by which error rates of marks and of matches were validated.
	MarkTrials  = tuning.MarkTrials
	MatchTrials = tuning.MatchTrials
)

// Limits bound what an investigation reads and how much of it at a time. 0 means the default.
type Limits struct {
	MaxBytes  int64 // of one file; default 64 MiB
	MaxPixels int64 // of one picture; default 200 million within MaxMemory, at most [phash.MaxPixels]
	MaxMemory int64 // of all pictures at a time, bytes; default 65 % of what control group, ulimit and machine allow
	MaxFiles  int   // of one dump; default 2 million
	Workers   int   // leaks examined at a time; default one a CPU
}

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

// Config is what [NewInvestigator] needs to know. Registry is required.
type Config struct {
	Registry *registry.Registry

	// Keys are the mark keys under which marks are read.
	Keys []*watermark.Key

	// SealKey opens the kept originals. An investigator without it works on hashes alone and can confirm no copy.
	SealKey *registry.SealKey

	// Actor is who acts, as written to the ledger and the report.
	Actor string

	// Command is the command line, as ledger and report repeat it.
	Command []string

	Limits

	Readers

	// References is about how many controls a dump gets: comparisons of a leak that shows an upload with an upload of
	// another subject, to see how often pictures like these fit by chance. The uploads are the nearest by hash to the
	// one shown. If there are more leaks than controls, the leaks' digests draw. 0: [tuning.DefaultReferences], at most
	// 4 a leak; negative: none.
	References int

	// Against skips the search: leaks are compared with these submissions, and traced against
	// all of them. The error rate of marks does not depend on that choice. Nothing is said
	// of windows, since the person who names the submissions chooses what can be found.
	Against []watermark.Submission

	// State is a file that keeps the findings of a dump while it is examined. A run that was cut short goes on where it
	// was; files whose bytes are in it are not examined again. "": none is kept.
	State string

	// Dir is the folder where relative paths of a dump begin; "": the current folder. Findings have the
	// paths as they are given.
	Dir string

	// Sums has the SHA-256 of files of a dump by their names. A file with another digest is not examined: its
	// verdict says that it was altered. Files without a digest are examined.
	Sums map[string]books.Digest

	// Once, if it is not zero, is 32 random bytes of a run that may be cut short and begun anew. A later run
	// with the same bytes, files and circumstances takes over the entry of the first in the ledger, if no conclusion was
	// entered. State has bytes of its own.
	Once [32]byte

	// Part has only one part of a dump examined: other investigators examine the rest, and one joins what
	// [Investigator.WritePart] wrote. Zero: all of it.
	Part Part

	findings.Circumstances

	// Progress, where set, is called after each leak of a dump, in order.
	Progress func(done, total int)
}

// ready returns the configuration, checked, with each submission of Against once and the defaults of MaxBytes,
// MaxFiles and Workers. The error wraps [registry.ErrInput].
func (c Config) ready() (Config, error) {
	refused := func(format string, args ...any) (Config, error) {
		return c, fmt.Errorf("%w: %w", registry.ErrInput, fmt.Errorf(format, args...))
	}
	switch {
	case c.Registry == nil:
		return refused("no registry")
	case slices.Contains(c.Keys, nil):
		return refused("a mark key is nil")
	case c.SealKey != nil && c.SealKey.ID() == "":
		return refused("the sealing key is the zero SealKey")
	case min(c.MaxBytes, c.MaxPixels, c.MaxMemory) < 0 || min(c.MaxFiles, c.Workers, c.Claimed, c.UploadsPerSubject) < 0:
		return refused("a limit is negative")
	case c.Drawn && int64(c.Claimed) > odds.MaxClaimed:
		return refused("drawn from more than %d pictures claimed", int64(odds.MaxClaimed))
	case c.MaxPixels > phash.MaxPixels:
		return refused("pictures of more than %d pixels are not hashed", phash.MaxPixels)
	case c.References > tuning.MaxReferencesOfADump:
		return refused("more than %d comparisons with other uploads", tuning.MaxReferencesOfADump)
	case c.Published && (c.Found.IsZero() || c.Evidence == "" && c.EvidenceSHA256 == books.Digest{}):
		return refused("published files need a time, and evidence of the place")
	case len(c.Against) > tuning.MaxAgainst:
		return refused("more than %d submissions to trace against", tuning.MaxAgainst)
	}
	if err := errors.Join(c.Part.check(), intake.CheckText("actor", c.Actor, intake.MaxName)); err != nil {
		return refused("%w", err)
	}
	seen := make(map[watermark.Submission]bool, len(c.Against))
	c.Against = slices.DeleteFunc(slices.Clone(c.Against), func(id watermark.Submission) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
	if c.MaxBytes == 0 {
		c.MaxBytes = picture.DefaultMaxBytes
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = tuning.DefaultMaxFiles
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return c, nil
}

// limits returns the limits of one picture.
func (c Config) limits(ctx context.Context) picture.Limits {
	return picture.Limits{MaxBytes: c.MaxBytes, MaxPixels: c.MaxPixels, Decode: picture.Decoding(ctx, c.Decode), PDF: picture.ReadingPDF(ctx, c.Readers.PDF)}
}

// basis returns what a dump is weighed by.
func (c Config) basis() weigh.Basis {
	return weigh.Basis{Circumstances: c.Circumstances, Named: len(c.Against)}
}

// examination returns what leaks are examined with.
func (c Config) examination() examine.Config {
	return examine.Config{Registry: c.Registry, Keys: c.Keys, SealKey: c.SealKey, References: c.References, Against: c.Against, Given: c.given(), Limits: c.limits, Workers: c.Workers, MaxMemory: c.MaxMemory}
}

// given returns what is known beside each leak.
func (c Config) given() conclude.Given {
	return conclude.Given{Opens: c.SealKey != nil, FoundAt: c.Found}
}
