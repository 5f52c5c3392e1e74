package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/recheck"
)

// An Investigator examines leaks against a registry. One serves a whole process: it is safe for concurrent use, and its
// investigations share what they read of the registry, and the memory that [Config] allows.
type Investigator struct {
	cfg Config
	x   *examine.Examiner
}

// NewInvestigator returns an investigator of a configuration, which needs a Registry. Marks are
// read under all Keys, and pixels are compared only with a SealKey. Whether the SealKey opens the
// registry's uploads shows at the first investigation. The error wraps [registry.ErrInput].
func NewInvestigator(cfg Config) (*Investigator, error) {
	cfg, err := cfg.ready()
	if err != nil {
		return nil, err
	}
	return &Investigator{cfg: cfg, x: examine.New(config{Config: cfg}.examination())}, nil
}

// An Investigation examines the leaks of one dump, and weighs them. It is safe for concurrent use.
type Investigation struct {
	cfg config
	x   *examine.Examiner
	now func() time.Time

	mu         sync.Mutex
	begun      time.Time              // when the first leak was examined
	logged     []int64                // the entries of this investigation in the ledger
	known      map[[32]byte]time.Time // from when on files are known, by SHA-256: see [findings.Rows]
	containers []findings.Container
	files      int          // of the dump that was listed last
	listed     books.Digest // of their names and sizes
}

// Begin returns a new investigation; opts may be nil. Nothing is entered into the ledger yet. The error wraps
// [registry.ErrInput].
func (v *Investigator) Begin(opts *Options) (*Investigation, error) {
	o, err := cmp.Or(opts, new(Options)).ready()
	if err != nil {
		return nil, err
	}
	cfg := config{v.cfg, o}
	return &Investigation{cfg: cfg, x: v.x.With(cfg.examination()), now: time.Now, known: make(map[[32]byte]time.Time)}, nil
}

// File examines one leak. leak holds the bytes of its file, and path is only the name in the finding. Before it
// examines, it enters the investigation into the ledger: see [books.Investigation]. A file that cannot be decoded
// gives a finding that says why ([findings.Finding.Examined]), and no entry. Errors are failures of the registry, a
// SealKey that does not open it, and the end of ctx.
func (v *Investigation) File(ctx context.Context, path string, leak []byte) (*findings.Finding, error) {
	lease := v.x.Memory.Lease()
	defer lease.Give()
	pic, err := v.decode(ctx, leak, lease)
	if ended := ctx.Err(); ended != nil {
		return nil, ended
	}
	if err != nil {
		return closed(path, leak, err), nil
	}
	if err := v.log(ctx, v.cfg.Once, []dump.File{{Name: path, Size: int64(len(leak))}}, [][32]byte{sha256.Sum256(leak)}); err != nil {
		return nil, err
	}
	return v.x.Investigate(ctx, path, v.leak(pic), 1)
}

func (v *Investigation) leak(pic *picture.Picture) *examine.Leak {
	v.mu.Lock()
	defer v.mu.Unlock()
	return &examine.Leak{Picture: pic, Known: v.known[pic.SHA256]}
}

// decode decodes a leak when lease has memory for its examination. The error is as in [picture.Decode].
func (v *Investigation) decode(ctx context.Context, leak []byte, lease *memory.Lease) (*picture.Picture, error) {
	pic, err := picture.Decode(leak, lease.Within(ctx, v.cfg.limits(ctx), func(decoding, pixels int64) int64 {
		return int64(len(leak)) + memory.Examining(decoding, pixels)
	}))
	if err != nil {
		lease.Give()
	}
	return pic, err
}

func closed(path string, leak []byte, cause error) *findings.Finding {
	return conclude.ClosedLeak(path, unreadable(path, cause), findings.Picture{SHA256: recheck.HexDigest(leak), Size: int64(len(leak))}, intake.WithoutPath(cause).Error())
}

// unreadable returns the finding on a file that cannot be read as a picture, by the cause. The name decides if the
// content says nothing: with the ending of a picture, or without an ending, the file is damaged.
func unreadable(name string, cause error) findings.Kind {
	var format *picture.FormatError
	var limit *picture.LimitError
	switch {
	case errors.Is(cause, fs.ErrNotExist):
		return findings.FoundMissing
	case errors.As(cause, &limit) && limit.What != "bytes":
		return findings.FoundUnsupported
	case !errors.As(cause, &format):
		return findings.FoundUnopened
	}
	switch format.Kind {
	case codec.Unsupported, codec.Video:
		return findings.FoundUnsupported
	case codec.NoPicture, codec.Sound, codec.Text:
		return findings.FoundNoPicture
	case codec.Archive:
		return findings.FoundUnopened
	case codec.Unknown:
		if !dump.MayBePicture(name) {
			return findings.FoundNoPicture
		}
	}
	return findings.FoundDamaged
}
