package verify

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Config is what [NewInvestigator] needs to know. Registry is required; every limit of
// 0 means its default.
type Config struct {
	Registry *registry.Registry

	// Keys are the mark keys under which marks are read.
	Keys []*watermark.Key

	// SealKey opens the kept originals. An investigator without it works on hashes
	// alone and can confirm no copy.
	SealKey *registry.SealKey

	// Actor is who acts, as written to the ledger and the report.
	Actor string

	// Command is the command line, as ledger and report repeat it.
	Command []string

	MaxBytes  int64 // of one file; default 64 MiB
	MaxPixels int64 // of one picture; default 100 million, at most [phash.MaxPixels]
	MaxFiles  int   // of one dump; default 1 million
	Workers   int   // leaks examined at a time; default one a CPU

	// OpenPDF opens the bytes of a PDF, which it keeps, so that the pictures in it are
	// examined. The command brings a reader; the library leaves the choice to its users,
	// for whom PDFs are damaged otherwise.
	OpenPDF func(ctx context.Context, data []byte) (PDF, error)

	// Search says where leaks are looked for. In memory: all uploads within 64 bits and,
	// with a SealKey, by local features, which finds parts; 100 bytes and 4 kB an
	// upload. In the store: whole pictures within 31 bits, in next to no memory.
	// Default [SearchMemory]; from 20 million uploads on [SearchStore].
	Search string

	// References is about how many controls a dump gets: comparisons of a leak that shows an
	// upload with an upload of another subject, to see how often pictures like these fit by
	// chance. The uploads are the nearest by hash to the one shown. If there are more leaks
	// than controls, the leaks' digests draw. 0: [DefaultReferences], at most 4 a leak;
	// negative: none.
	References int

	// Against skips the search: leaks are compared with these submissions, and traced against
	// all of them. The error rate of marks does not depend on that choice. Nothing is concluded
	// of windows, custody and an insider, since the person who names the submissions chooses
	// what can be found.
	Against []watermark.Submission

	// State is a file that keeps the verdicts of a dump while it is examined. A run that was
	// cut short goes on where it was; files whose bytes are in it are not examined again.
	// "": none is kept.
	State string

	// Found is when the leaks were found. Custody that was entered later is listed as
	// inadmissible. Copies issued later and uploads submitted later do not count for any
	// recipient. The zero time: not known; admissibility of custody is then not judged, and
	// the sentences name no holders.
	Found time.Time

	// Claimed is how many pictures the holder of the dump claims to have, at most
	// [odds.MaxClaimed] if Drawn; 0: there is no such claim. Drawn says that we drew the dump
	// at random from the claimed pictures. A selection that others made says nothing about the
	// rest.
	Claimed int
	Drawn   bool

	// Trials is the number of independent trials, of marks and of matching, that ended
	// without a false identification. It caps every likelihood ratio at Trials/3, the inverse
	// of the 95 % upper bound of the error rate (rule of three). 0: the trials that validated
	// this code ([TraceTrials], [ReadTrials] and [MatchTrials]).
	Trials int

	// Progress, where set, is called after each leak of a dump, in order.
	Progress func(done, total int)
}

const (
	defaultMaxFiles = 1_000_000
	maxAgainst      = 1_000
)

// ready checks a configuration and fills in the defaults.
func (c Config) ready() (Config, error) {
	if c.Registry == nil {
		return c, fmt.Errorf("%w: no registry", registry.ErrInput)
	}
	for _, k := range c.Keys {
		if k == nil {
			return c, fmt.Errorf("%w: a mark key is nil", registry.ErrInput)
		}
	}
	if c.SealKey != nil && c.SealKey.ID() == "" {
		return c, fmt.Errorf("%w: the sealing key is the zero SealKey", registry.ErrInput)
	}
	if c.MaxBytes < 0 || c.MaxPixels < 0 || c.MaxFiles < 0 || c.Workers < 0 || c.Trials < 0 || c.Claimed < 0 {
		return c, fmt.Errorf("%w: a limit is negative", registry.ErrInput)
	}
	if c.Drawn && int64(c.Claimed) > odds.MaxClaimed {
		return c, fmt.Errorf("%w: drawn from more than %d pictures claimed", registry.ErrInput, int64(odds.MaxClaimed))
	}
	if c.MaxPixels > phash.MaxPixels {
		return c, fmt.Errorf("%w: pictures of more than %d pixels are not hashed", registry.ErrInput, phash.MaxPixels)
	}
	if c.References > maxReferencesOfADump {
		return c, fmt.Errorf("%w: more than %d comparisons with other uploads", registry.ErrInput, maxReferencesOfADump)
	}
	if err := checkSearch(c.Search, c.Registry); err != nil {
		return c, err
	}
	if err := intake.CheckText("actor", c.Actor, intake.MaxName); err != nil {
		return c, fmt.Errorf("%w: %w", registry.ErrInput, err)
	}
	if len(c.Against) > maxAgainst {
		return c, fmt.Errorf("%w: more than %d submissions to trace against", registry.ErrInput, maxAgainst)
	}
	c.Against = eachOnce(c.Against)
	if c.MaxBytes == 0 {
		c.MaxBytes = picture.DefaultMaxBytes
	}
	if c.MaxFiles == 0 {
		c.MaxFiles = defaultMaxFiles
	}
	if c.Workers == 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return c, nil
}

// eachOnce are submissions in their order, each once.
func eachOnce(all []watermark.Submission) []watermark.Submission {
	var out []watermark.Submission
	seen := make(map[watermark.Submission]bool, len(all))
	for _, id := range all {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

func (c Config) limits() picture.Limits {
	return picture.Limits{MaxBytes: c.MaxBytes, MaxPixels: c.MaxPixels}
}
