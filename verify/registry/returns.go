package registry

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// A customer who gets a checked picture back may send this marked copy again. Each holder of that upload has what the
// recipient of the copy has. So uploads are read, and what they carry is entered.

// What [Config].Marked says of uploads that carry the mark of an issued copy.
const (
	MarkedAtIssue  = "issue"  // an upload is read before its first copy is issued
	MarkedAtSubmit = "submit" // when it is entered, too
	MarkedRefused  = "refuse" // as MarkedAtSubmit; such an upload is not entered, and no copies of it are issued
)

// Returns lists the uploads that came in with the mark of a copy, in the order of entry.
func (r *Registry) Returns(ctx context.Context, of watermark.CopyID) ([]books.Return, error) {
	return r.store.Returns(ctx, of)
}

// Carried returns the copies whose marks an upload came in with, as far as they were entered.
func (r *Registry) Carried(ctx context.Context, upload watermark.Submission) (copies []books.Copy, err error) {
	rows, err := r.store.ReturnedIn(ctx, upload)
	if err != nil {
		return nil, err
	}
	for _, x := range rows {
		c, err := r.Copy(ctx, x.Copy)
		if err != nil {
			return nil, err
		}
		copies = append(copies, *c)
	}
	return copies, nil
}

func (s *Issuer) keys() []*watermark.Key {
	keys := slices.Clone(s.cfg.Keys)
	if k := s.cfg.Key; k != nil && !slices.ContainsFunc(keys, func(o *watermark.Key) bool { return o.ID() == k.ID() }) {
		keys = append(keys, k)
	}
	return keys
}

func (s *Issuer) readsAtSubmit() bool { return s.cfg.Marked != MarkedAtIssue && len(s.keys()) > 0 }

// carried reads the marks of issued copies in the picture of an upload, by their own checks and among all copies
// issued. It enters nothing. Submission, Entered and the rest of a row are the caller's.
func (s *Issuer) carried(ctx context.Context, img *image.NRGBA) (rows []books.Return, err error) {
	keys := s.keys()
	reading, err := watermark.Skim(ctx, picture.Flatten(img), keys...)
	if errors.Is(err, watermark.ErrTooSmall) || len(keys) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read marks of earlier copies: %w", err)
	}
	marks := reading.Marks
	for _, key := range keys {
		if !reading.Unread(key) {
			continue
		}
		list, err := s.lists.Of(ctx, s.cfg.Registry.Engine(), key)
		if err != nil {
			return nil, err
		}
		marks = append(marks, reading.Among(list)...)
	}
	for _, d := range marks {
		c, err := s.cfg.Registry.Copy(ctx, d.Copy)
		switch {
		case errors.Is(err, ErrNotFound) || err == nil && c.KeyID != d.KeyID:
		case err != nil:
			return nil, err
		case !slices.ContainsFunc(rows, func(r books.Return) bool { return r.Copy == d.Copy }):
			rows = append(rows, books.Return{Copy: d.Copy, LogP: d.LogPFA})
		}
	}
	return rows, nil
}

// refused returns an error that wraps [ErrRefused] if an upload carries marks of copies and [Config] refuses it.
func (s *Issuer) refused(ctx context.Context, rows []books.Return) error {
	if s.cfg.Marked != MarkedRefused || len(rows) == 0 {
		return nil
	}
	c, err := s.cfg.Registry.Copy(ctx, rows[0].Copy)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: copy %s, issued to %q on %s", errMarked, c.ID, c.Recipient, day(c.Issued))
}

func (s *Issuer) enterReturns(ctx context.Context, upload watermark.Submission, rows []books.Return, actor string) ([]books.Copy, error) {
	for _, x := range rows {
		x.Submission, x.Entered, x.Actor, x.Salt = upload, s.cfg.Registry.clock(), actor, records.NewSalt()
		if _, err := s.cfg.Registry.store.AddReturn(ctx, x); err != nil {
			return nil, fmt.Errorf("submission %s carries the mark of copy %s, and that could not be entered: %w", upload, x.Copy, err)
		}
	}
	return s.cfg.Registry.Carried(ctx, upload)
}

// look reads the upload of row before its first copy is issued, page by page, and enters what it carries. It sets
// p.carries. The error wraps [ErrRefused] if [Config] refuses the upload.
func (p *prepared) look(ctx context.Context, actor string, row *books.Submission, doc *picture.Document, lim picture.Limits) error {
	issued, err := p.cfg.Registry.Copies(ctx, row.ID)
	if err != nil {
		return err
	}
	var rows []books.Return
	for k := 1; len(issued) == 0 && k <= max(row.Pages, 1); k++ {
		img := p.image
		if k > 1 || img == nil {
			page, err := p.cfg.Registry.Engine().Page(ctx, row.ID.Page(k))
			if err != nil {
				return err
			}
			pic, err := engine.PageOf(page, doc, lim)
			if err != nil {
				return fmt.Errorf("original of %s: %w", row.ID, err)
			}
			img = pic.Image
		}
		found, err := p.carried(ctx, img)
		if err != nil {
			return err
		}
		rows = append(rows, found...)
	}
	if p.carries, err = p.enterReturns(ctx, row.ID, rows, actor); err != nil || p.cfg.Marked != MarkedRefused || len(p.carries) == 0 {
		return err
	}
	return p.refused(ctx, []books.Return{{Copy: p.carries[0].ID}})
}
