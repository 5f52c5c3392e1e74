package engine

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// Original decrypts the kept file of a submission and checks that its digest is that of the file received. It does not
// decode the file. The error wraps [records.ErrSealed] if the file cannot be opened, differs, or was never kept. It
// wraps [records.ErrNotFound] if there is no such submission, and [records.ErrInput] if key is nil or zero.
func (e *Engine) Original(ctx context.Context, key *sealing.Key, of watermark.Submission) ([]byte, error) {
	if sealing.Zero(key) {
		return nil, fmt.Errorf("%w: no sealing key", records.ErrInput)
	}
	row, err := e.store.Submission(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	if !row.Erased && !row.Kept {
		return nil, fmt.Errorf("submission %s: %w: only its hash was entered", of, records.ErrSealed)
	}
	sealed, err := e.store.Sealed(ctx, of, true)
	if errors.Is(err, records.ErrNotFound) && !row.Erased {
		if row, again := e.store.Submission(ctx, of); again == nil && !row.Erased { // not erased meanwhile
			err = fmt.Errorf("%w: it was removed, or its record was altered", records.ErrSealed)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	file, err := sealing.Open(key, of, sealed, sealing.Original)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	if sum := sha256.Sum256(file); watermark.SubmissionOf(sum) != of || sum != row.SHA256 {
		return nil, fmt.Errorf("submission %s: %w: its digest is another", of, records.ErrSealed)
	}
	return file, nil
}

// Page returns the row of a submission or, by [watermark.Submission.Page], of one of its pages. An erased row comes with
// [records.ErrErased].
func (e *Engine) Page(ctx context.Context, id watermark.Submission) (*books.Submission, error) {
	row, err := e.store.Submission(ctx, id)
	if err == nil && row.Erased {
		err = records.ErrErased
	}
	if err != nil {
		err = fmt.Errorf("submission %s: %w", id, err)
	}
	return row, err
}

// DecodePage decodes the page of row from file, the original of its submission, and compares the pixels
// with what was entered: see [SameRendition]. The error wraps [records.ErrSealed] if the pixels or the
// number of pages differ, else it is of package picture.
func DecodePage(row *books.Submission, file []byte, lim picture.Limits) (d *picture.Document, pic *picture.Picture, err error) {
	lim.Page = max(row.Page, 1)
	if d, err = OpenOriginal(row, file, lim); err != nil {
		return nil, nil, err
	}
	pic, err = PageOf(row, d, lim)
	return d, pic, err
}

// OpenOriginal opens the original of the submission of row, as [picture.OpenDocument] does.
func OpenOriginal(row *books.Submission, file []byte, lim picture.Limits) (*picture.Document, error) {
	lim.MaxPixels = math.MaxInt64 // pixels were checked when it was entered
	if row.Pages == 0 && !picture.IsPDF(file) {
		return picture.OnePage(file), nil // what else is in the file was not entered
	}
	return picture.OpenDocument(file, lim)
}

// PageOf decodes the page of row from d, the original of its submission: see [DecodePage].
func PageOf(row *books.Submission, d *picture.Document, lim picture.Limits) (*picture.Picture, error) {
	if d.Pages() != max(row.Pages, 1) {
		return nil, fmt.Errorf("submission %s: %w: it has %d pages, and %d were entered", row.Whole(), records.ErrSealed, d.Pages(), max(row.Pages, 1))
	}
	pic, err := d.Picture(max(row.Page, 1), lim)
	if err != nil {
		return nil, err
	}
	return pic, SameRendition(row, pic.Decoder, pic.Image)
}
