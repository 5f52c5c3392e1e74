// Package engine is what package verify needs of a registry, and nothing else does: the
// hashes and features that leaks are searched by, the counts that a verdict weighs, and the
// entry of an investigation.
package engine

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/watermark"
)

// An Engine searches and counts in one registry. It is safe for concurrent use.
type Engine struct {
	store      books.Store
	sealHashes bool
	now        func() time.Time
}

// New returns the engine of a registry. sealHashes says that hashes are kept sealed. now is
// the registry's clock, whose times are as rows keep them.
func New(store books.Store, sealHashes bool, now func() time.Time) *Engine {
	return &Engine{store, sealHashes, now}
}

// LogInvestigation enters that an investigation begins and returns the number of its entry in
// the ledger. Started and Salt are set. Control characters in Command are replaced by U+FFFD,
// and Command is cut off after [intake.MaxNote] bytes. The error wraps [books.ErrInput] if Input
// is zero, or Actor is unusable.
func (e *Engine) LogInvestigation(ctx context.Context, x books.Investigation) (entry int64, err error) {
	if err := books.CheckText("actor", x.Actor, intake.MaxName); err != nil {
		return 0, err
	}
	if x.Input == (books.Digest{}) {
		return 0, fmt.Errorf("%w: an investigation without the digest of its files", books.ErrInput)
	}
	x.Started, x.Command, x.Salt = e.now(), oneLine(x.Command), books.NewSalt()
	return e.store.AddInvestigation(ctx, x)
}

// oneLine returns s with line breaks, other control characters and invalid UTF-8 replaced by
// U+FFFD, cut off after [intake.MaxNote] bytes between two characters.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if intake.Breaks(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	for len(s) > intake.MaxNote {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// Changed reports what happened to the registry since its ledger had begun entries. added: uploads
// or copies were entered. altered: a key's state, an erasure, custody or a subject was entered, or
// the ledger has fewer than begun entries. Once altered is true, added may be incomplete. The error
// wraps [books.ErrTampered] if an entry is malformed, and altered is then true.
func (e *Engine) Changed(ctx context.Context, begun int64) (added, altered bool, err error) {
	size, _, err := e.store.Head(ctx)
	if err != nil || size < begun {
		return false, true, err
	}
	for begun < size && !altered {
		batch, err := e.store.Entries(ctx, begun, 1000)
		if err != nil || len(batch) == 0 {
			return false, true, err
		}
		for _, b := range batch {
			e, err := books.ParseEntry(b)
			if err != nil {
				return false, true, fmt.Errorf("%w: %w", books.ErrTampered, err)
			}
			switch e.Kind {
			case books.EntrySubmission, books.EntryIssue:
				added = true
			case books.EntryKeyState, books.EntryErasure, books.EntryCustody, books.EntrySubject:
				altered = true
			}
		}
		begun += int64(len(batch))
	}
	return added, altered, nil
}

// RenditionOf returns SHA-256 of the pixels of an upright picture: a line "kycmark rendition
// v1", a line with width and height, then R, G, B and A of each pixel, not premultiplied, row by
// row. Each line ends with a line feed.
func RenditionOf(img *image.NRGBA) (sum [32]byte) {
	h := sha256.New()
	width, height := img.Rect.Dx(), img.Rect.Dy()
	fmt.Fprintf(h, "kycmark rendition v1\n%d %d\n", width, height)
	for y := range height {
		h.Write(img.Pix[y*img.Stride:][:4*width])
	}
	h.Sum(sum[:0])
	return sum
}

// CheckRendition checks that img, the kept original of the submission, decoded by decoder and
// upright, has the pixels of the picture that was entered. A doctored original can then neither
// be marked nor support an accusation. The error wraps [books.ErrSealed] if the same decoder
// gives other pixels. With another decoder, or another version of it, nothing is compared, and
// the error is nil.
func (e *Engine) CheckRendition(ctx context.Context, of watermark.Submission, decoder string, img *image.NRGBA) error {
	row, err := e.store.Submission(ctx, of)
	if err != nil {
		return fmt.Errorf("submission %s: %w", of, err)
	}
	return SameRendition(row, decoder, img)
}

// SameRendition checks the pixels of the upright picture img, which decoder decoded from a kept
// original, against the row of the original, as [Engine.CheckRendition] does. If row has no
// rendition, or names another decoder, nothing is compared.
func SameRendition(row *books.Submission, decoder string, img *image.NRGBA) error {
	if row.Rendition != (books.Digest{}) && row.Decoder == decoder && row.Rendition != RenditionOf(img) {
		return fmt.Errorf("submission %s: %w: %s gives other pixels than were entered", row.ID, books.ErrSealed, decoder)
	}
	return nil
}
