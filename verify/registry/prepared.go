package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/jpegcopy"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// A Prepared submission is opened: what its copies share is done once, for however many recipients. It
// holds the picture in memory, of several pages the document, and of a JPEG the file until pixels are needed. It is
// safe for concurrent use.
type Prepared struct {
	Carries []books.Copy // copies whose marks the upload came in with

	issuer *Issuer
	of     watermark.Submission // or the ID of one of its pages
	pic    *picture.Picture     // page 1, or that page; it may lack its Image
	size   image.Point          // of pic, pixels
	coded  *jpegcopy.Upload     // nil: copies are marked in their pixels
	decode func(lim picture.Limits) (*picture.Picture, error)
	pages  int
	doc    *picture.Document // the original, of several pages or a PDF

	mu     sync.Mutex
	image  *image.NRGBA     // of pic; nil: not decoded yet
	long   int              // pixels on the long side at which copies are made, of several pages at most
	last   marker           // of that size; nil: not made yet
	manner watermark.Manner // of last
}

// marker is *watermark.Original.
type marker interface {
	Mark(context.Context, watermark.CopyID) (*watermark.Marked, error)
}

// prepareMark is [watermark.Prepare], whose result is a marker.
func prepareMark(key *watermark.Key, src image.Image, opts *watermark.Options) (marker, error) {
	return watermark.Prepare(key, src, opts)
}

// Prepare opens the original of a submission, to issue copies of it. It marks nothing yet, and does not decode a
// JPEG that may be marked in its coefficients. The error wraps [ErrInput] if [Config] has no mark key or sealing key, or asks for a
// format that cannot hold the pages. It wraps [ErrSealed] if the original cannot be opened, has other
// pixels than were entered, or was never kept. An upload without copies is read for marks of earlier copies:
// the error wraps [ErrMarked] if [Config] refuses it.
func (s *Issuer) Prepare(ctx context.Context, of watermark.Submission) (*Prepared, error) {
	lease := s.memory.Lease()
	defer lease.Give()
	return s.prepared(ctx, of, s.entering(ctx, lease))
}

// prepared is [Issuer.Prepare] within lim.
func (s *Issuer) prepared(ctx context.Context, of watermark.Submission, lim picture.Limits) (*Prepared, error) {
	if s.cfg.Key == nil {
		return nil, fmt.Errorf("%w: no mark key", ErrInput)
	}
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
	p, err := s.preparePage(row, doc, lim)
	if err != nil {
		return nil, err
	}
	if err := p.look(ctx, row, doc, lim); err != nil {
		return nil, err
	}
	if row.Pages < 2 && (doc.PDF(1) == nil || s.cfg.Format != "") {
		return p, nil
	}
	if s.cfg.Format != "" {
		return nil, fmt.Errorf("%w: submission %s has %d pages, and its copies are TIFF, or PDF of a PDF, not %s", ErrInput, of, row.Pages, s.cfg.Format)
	}
	p.doc, p.pages, p.long = doc, max(row.Pages, 1), math.MaxInt // each page has its own
	return p, nil
}

// preparePage readies the page of row, of the original doc, for marking.
func (s *Issuer) preparePage(row *books.Submission, doc *picture.Document, lim picture.Limits) (*Prepared, error) {
	p := &Prepared{issuer: s, of: row.ID, pages: 1}
	p.decode = func(lim picture.Limits) (*picture.Picture, error) {
		pic, err := engine.PageOf(row, doc, lim)
		if err != nil {
			err = fmt.Errorf("original of %s: %w", row.Whole(), err)
		}
		return pic, err
	}
	long := cmp.Or(s.cfg.MaxSide, math.MaxInt)
	if !s.inPixels && doc.Pages() == 1 && row.Pages < 2 && doc.PDF(1) == nil && cmp.Or(s.cfg.Format, "jpeg") == "jpeg" {
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

// LeftOut returns the number of pages or frames of the submission's file that were not entered, and are not in copies.
func (p *Prepared) LeftOut() int { return p.pic.Pages - 1 }

// Lacks is Lacks of [Imported]. It is known when a copy was issued.
func (p *Prepared) Lacks() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pic.Incomplete
}

// Issue is [Issuer.Issue] for a prepared submission. It checks the mark key and the recipient, and renders a copy with
// a fresh ID. It enters the copy, and only then writes the file to dst, in one Write. Then it enters that the copy was
// released. The error wraps [ErrNotFound] if the recipient is not there, [ErrMarkKey] if the key is not active, and
// [ErrWeak] if the mark is too weak. If dst fails, the copy stays reserved: it may have been handed out. If its error
// wraps [ErrNothingLeft], the copy becomes void.
func (p *Prepared) Issue(ctx context.Context, dst io.Writer, to, purpose string) (*books.Copy, error) {
	return p.leased(ctx, p.issuer.newID(), to, purpose, false, writeTo(dst))
}

// writeTo hands copies out by writing them to dst.
func writeTo(dst io.Writer) func(*books.Copy, []byte) error {
	return func(_ *books.Copy, file []byte) error {
		_, err := dst.Write(file)
		return err
	}
}

// IssueAs is [Prepared.Issue] with an ID, such as [Issuer.CopyFor] returns, and a function hand in place of dst.
// After a crash, a second call with the same arguments releases the copy that the first one entered, and enters
// none. The error wraps [ErrConflict] if another copy has the ID or the copy is void. It also does if the file
// cannot be made again with the same bytes.
func (p *Prepared) IssueAs(ctx context.Context, id watermark.CopyID, to, purpose string, hand func(c *books.Copy, file []byte) error) (*books.Copy, error) {
	return p.leased(ctx, id, to, purpose, true, hand)
}

// leased is issue when there is memory for it.
func (p *Prepared) leased(ctx context.Context, id watermark.CopyID, to, purpose string, again bool, hand func(*books.Copy, []byte) error) (*books.Copy, error) {
	lease := p.issuer.memory.Lease()
	defer lease.Give()
	lim := p.issuer.issuing(ctx, lease)
	if err := lim.Admit(0, int64(p.size.X)*int64(p.size.Y)); err != nil {
		return nil, fmt.Errorf("copy of %s: %w", p.of, err)
	}
	return p.issue(ctx, lim, id, to, purpose, again, hand)
}

// issue is [Prepared.IssueAs] with again, and [Prepared.Issue] without: then an ID that is taken is an error.
func (p *Prepared) issue(ctx context.Context, lim picture.Limits, id watermark.CopyID, to, purpose string, again bool, hand func(*books.Copy, []byte) error) (*books.Copy, error) {
	s := p.issuer
	if err := records.CheckName("purpose", purpose, intake.MaxNote); err != nil {
		return nil, err
	}
	if err := s.cfg.Registry.mayIssue(ctx, s.cfg.Key.ID()); err != nil {
		return nil, err
	}
	if err := s.cfg.Registry.checkRecipient(ctx, to); err != nil {
		return nil, err
	}
	out, err := p.render(ctx, lim, id)
	if err != nil {
		return nil, fmt.Errorf("copy of %s: %w", p.of, err)
	}
	row, key := s.logged(id, p.of, to, purpose, out)
	err = noEntry(s.cfg.Registry.store.AddCopy(ctx, &row, key))
	fresh := err == nil
	if again && errors.Is(err, ErrConflict) {
		err = s.cfg.Registry.entered(ctx, &row)
	}
	if err != nil {
		return nil, fmt.Errorf("copy of %s: not released: %w", p.of, err)
	}
	if err := s.handOut(ctx, &row, out.file, fresh, hand); err != nil {
		return nil, err
	}
	return &row, nil
}

// entered replaces row by the entered copy of that ID, if it is of the same submission, recipient, purpose and bytes.
func (r *Registry) entered(ctx context.Context, row *books.Copy) error {
	old, err := r.Copy(ctx, row.ID)
	if err != nil {
		return err
	}
	if old.Submission != row.Submission || old.Recipient != row.Recipient || old.Purpose != row.Purpose || old.SHA256 != row.SHA256 {
		return fmt.Errorf("%w: copy %s was entered with other bytes or for another request", ErrConflict, row.ID)
	}
	*row = *old
	return nil
}

// marker returns what marks copies, and the long side in pixels of the picture that it marks. It prepares the marker
// at the first call, for which it may decode the picture within lim, and after [Prepared.shrink]. lossy: the file may
// be lossy.
func (p *Prepared) marker(lim picture.Limits, lossy bool) (marker, int, error) {
	manner := watermark.Lossless
	if lossy {
		manner = watermark.Lossy
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.image == nil {
		pic, err := p.decode(lim)
		if err != nil {
			return nil, p.long, err
		}
		p.image, p.pic.Incomplete = pic.Image, pic.Incomplete
	}
	if p.last == nil || p.manner != manner {
		m, err := p.issuer.prepare(p.issuer.cfg.Key, pixel.Fit(p.image, p.long), &watermark.Options{Submission: p.of, Manner: manner})
		if err != nil {
			return nil, p.long, err
		}
		p.last, p.manner = m, manner
	}
	return p.last, p.long, nil
}

// shrink makes further copies, anew from the original, no larger than long pixels on the long side.
func (p *Prepared) shrink(long int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if long < p.long {
		p.long, p.last = long, nil
	}
}

// marked marks the picture behind m with the copy ID id. The error wraps [ErrWeak] if the mark
// is weak and [Config] does not allow that; it says the size in pixels.
func (s *Issuer) marked(ctx context.Context, m marker, id watermark.CopyID) (*watermark.Marked, error) {
	out, err := m.Mark(ctx, id)
	if err != nil {
		return nil, err
	}
	if out.Weak && !s.cfg.AllowWeak {
		return nil, fmt.Errorf("%w: it was not read back after a simulated messenger (%d x %d pixels)",
			ErrWeak, out.Image.Rect.Dx(), out.Image.Rect.Dy())
	}
	return out, nil
}
