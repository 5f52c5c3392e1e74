package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/jpegcopy"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// Opened is a submission that was opened: what its copies share is done once, for however many recipients. The zero
// value is ready for Opened of [IssueOptions]. It holds the picture in memory, of several pages the document, and of a
// JPEG the file until pixels are needed. It is safe for concurrent use.
type Opened struct {
	mu sync.Mutex
	p  *prepared // nil: nothing is opened yet
}

// About returns the copies whose marks the upload came in with. leftOut is the number of pages or frames of its file
// that were not entered and are not in copies. lacks is Lacks of [Imported]. It is known when a copy was issued.
func (o *Opened) About() (carries []books.Copy, leftOut int, lacks string) {
	o.mu.Lock()
	p := o.p
	o.mu.Unlock()
	if p == nil {
		return nil, 0, ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.carries, p.pic.Pages - 1, p.pic.Incomplete
}

// opened returns the submission of, opened for copies as o wants, with memory of lim. It uses or fills Opened of o.
func (s *Issuer) opened(ctx context.Context, of watermark.Submission, o *IssueOptions, lim picture.Limits) (*prepared, error) {
	how := *o
	how.Actor, how.Purpose, how.Request, how.ID, how.Opened = "", "", "", 0, nil
	if o.Opened == nil {
		return s.prepared(ctx, of, how, o.Actor, lim)
	}
	o.Opened.mu.Lock()
	defer o.Opened.mu.Unlock()
	if p := o.Opened.p; p != nil && p.Issuer == s && p.of == of && p.how == how {
		if err := lim.Admit(0, int64(p.size.X)*int64(p.size.Y)); err != nil {
			return nil, fmt.Errorf("copy of %s: %w", p.of, err)
		}
		return p, nil
	}
	p, err := s.prepared(ctx, of, how, o.Actor, lim)
	if err == nil {
		o.Opened.p = p
	}
	return p, err
}

// prepared is a submission that is opened for copies of one kind. It is safe for concurrent use.
type prepared struct {
	*Issuer
	how     IssueOptions         // what copies look like
	carries []books.Copy         // copies whose marks the upload came in with
	of      watermark.Submission // or the ID of one of its pages
	pic     *picture.Picture     // page 1, or that page; it may lack its Image
	size    image.Point          // of pic, pixels
	coded   *jpegcopy.Upload     // nil: copies are marked in their pixels
	decode  func(lim picture.Limits) (*picture.Picture, error)
	pages   int
	doc     *picture.Document // the original, of several pages or a PDF

	long int // pixels on the long side at which copies are made, at most

	mu       sync.Mutex
	image    *image.NRGBA     // of pic; nil: not decoded yet
	last     marker           // nil: not made yet
	manner   watermark.Manner // of last
	lastLong int              // of last, pixels
}

// marker is *watermark.Original.
type marker interface {
	Mark(context.Context, watermark.CopyID) (*watermark.Marked, error)
}

func prepareMark(key *watermark.Key, src image.Image, opts *watermark.Options) (marker, error) {
	return watermark.Prepare(key, src, opts)
}

// prepared opens the original of a submission within lim, for copies that look like how, and enters for actor what it carries. It marks nothing yet, and does
// not decode a JPEG that may be marked in its coefficients. The errors are as in [Issuer.Issue].
func (s *Issuer) prepared(ctx context.Context, of watermark.Submission, how IssueOptions, actor string, lim picture.Limits) (*prepared, error) {
	row, err := s.cfg.Registry.Submission(ctx, of)
	if err != nil {
		return nil, err
	}
	file, err := s.cfg.Registry.Original(ctx, s.cfg.SealKey, of)
	if err != nil {
		return nil, err
	}
	doc, err := engine.OpenOriginal(row, file, lim)
	if err != nil {
		return nil, fmt.Errorf("original of %s: %w", of, err)
	}
	p, err := s.preparePage(row, doc, how, lim)
	if err != nil {
		return nil, err
	}
	if err := p.look(ctx, actor, row, doc, lim); err != nil {
		return nil, err
	}
	if row.Pages < 2 && (doc.PDF(1) == nil || how.Format != "") {
		return p, nil
	}
	if how.Format != "" {
		return nil, fmt.Errorf("%w: submission %s has %d pages, and its copies are TIFF, or PDF of a PDF, not %s", ErrInput, of, row.Pages, how.Format)
	}
	p.doc, p.pages, p.long = doc, max(row.Pages, 1), math.MaxInt // each page has its own
	return p, nil
}

// preparePage readies the page of row, of the original doc, for marking.
func (s *Issuer) preparePage(row *books.Submission, doc *picture.Document, how IssueOptions, lim picture.Limits) (*prepared, error) {
	p := &prepared{Issuer: s, how: how, of: row.ID, pages: 1}
	p.decode = func(lim picture.Limits) (*picture.Picture, error) {
		pic, err := engine.PageOf(row, doc, lim)
		if err != nil {
			err = fmt.Errorf("original of %s: %w", row.Whole(), err)
		}
		return pic, err
	}
	long := cmp.Or(how.MaxSide, math.MaxInt)
	if !s.inPixels && doc.Pages() == 1 && row.Pages < 2 && doc.PDF(1) == nil && cmp.Or(how.Format, "jpeg") == "jpeg" {
		if p.coded = jpegcopy.Open(s.cfg.Key, doc.Page(1), lim, p.of); p.coded != nil && long < max(p.coded.Size.X, p.coded.Size.Y) {
			p.coded = nil
		}
	}
	if p.coded != nil {
		p.pic, p.size = p.coded.Picture, p.coded.Size
	} else {
		pic, err := p.decode(lim)
		if err != nil {
			return nil, err
		}
		p.pic, p.image, p.size = pic, pic.Image, pic.Image.Rect.Size()
	}
	p.long = min(long, max(p.size.X, p.size.Y))
	return p, nil
}

// issue makes a copy with the ID of o, enters it, and has hand release it.
func (p *prepared) issue(ctx context.Context, lim picture.Limits, to *books.Recipient, hand Hand, o *IssueOptions) (*books.Copy, error) {
	out, err := p.render(ctx, lim, o.ID)
	if err != nil {
		return nil, fmt.Errorf("copy of %s: %w", p.of, err)
	}
	row, key := p.logged(to, o, out)
	err = noEntry(p.cfg.Registry.store.AddCopy(ctx, &row, key))
	fresh := err == nil
	if errors.Is(err, ErrConflict) {
		err = entered(ctx, p.cfg.Registry, &row)
	}
	if err != nil {
		return nil, fmt.Errorf("copy of %s: not released: %w", p.of, err)
	}
	if err := p.handOut(ctx, &row, out.file, fresh, hand, o.Actor); err != nil {
		return nil, err
	}
	return &row, nil
}

// entered replaces row by the entered copy of that ID, if it is of the same submission, recipient, purpose and bytes.
func entered(ctx context.Context, r *Registry, row *books.Copy) error {
	old, err := r.Copy(ctx, row.ID)
	if err != nil {
		return err
	}
	if old.Submission != row.Submission || old.Recipient != row.Recipient || old.Reviewer != row.Reviewer || old.Purpose != row.Purpose || old.SHA256 != row.SHA256 {
		return fmt.Errorf("%w: copy %s was entered with other bytes or for another request", ErrConflict, row.ID)
	}
	*row = *old
	return nil
}

// marker returns what marks copies, and the long side of the picture that it marks, pixels: side, or less. It keeps the
// last marker, and may decode the picture within lim. lossy allows a lossy file.
func (p *prepared) marker(lim picture.Limits, lossy bool, side int) (marker, int, error) {
	manner := watermark.Lossless
	if lossy {
		manner = watermark.Lossy
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	long := min(side, p.long)
	if p.image == nil {
		pic, err := p.decode(lim)
		if err != nil {
			return nil, long, err
		}
		p.image, p.pic.Incomplete = pic.Image, pic.Incomplete
	}
	if p.last == nil || p.manner != manner || p.lastLong != long {
		m, err := p.prepare(p.cfg.Key, picture.Fit(picture.Flatten(p.image), long), &watermark.Options{Submission: p.of, Manner: manner})
		if err != nil {
			return nil, long, err
		}
		p.last, p.manner, p.lastLong = m, manner, long
	}
	return p.last, long, nil
}

// marked marks the picture behind m with the copy ID id. The error wraps [ErrWeak] if the mark
// is weak and AllowWeak is not set; it says the size in pixels.
func (p *prepared) marked(ctx context.Context, m marker, id watermark.CopyID) (*watermark.Marked, error) {
	out, err := m.Mark(ctx, id)
	if err != nil {
		return nil, err
	}
	if out.Weak && !p.how.AllowWeak {
		return nil, fmt.Errorf("%w: it was not read back after a simulated messenger (%d x %d pixels)", ErrWeak, out.Image.Rect.Dx(), out.Image.Rect.Dy())
	}
	return out, nil
}
