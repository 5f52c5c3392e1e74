package examine

import (
	"context"
	"errors"
	"slices"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A submission is a document of pages. A leak shows one page of it, and each page has an original, hashes,
// features and a mark of its own. Copies, custody and subjects are the submission's.

// pixelOrder are the words for pixels, the word that says the most first.
var pixelOrder = []string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsSharper, findings.PixelsPartial, findings.PixelsEdges, findings.PixelsAlike, findings.PixelsPage, findings.PixelsUndecided, findings.PixelsDifferent, findings.PixelsTemplate, findings.PixelsUnknown, findings.PixelsUnrelated}

// saysMore reports whether the pixels of match a say more than the pixels of b.
func saysMore(a, b *findings.Match) bool {
	return slices.Index(pixelOrder, a.Pixels) < slices.Index(pixelOrder, b.Pixels)
}

// onePage leaves of several matches with pages of one submission the match whose pixels say the most, of
// equal ones the first. The order stays.
func onePage(all []findings.Match) []findings.Match {
	best := make(map[watermark.Submission]*findings.Match)
	for i := range all {
		if m := &all[i]; best[m.Submission] == nil || saysMore(m, best[m.Submission]) {
			best[m.Submission] = m
		}
	}
	var out []findings.Match
	for i := range all {
		if best[all[i].Submission] == &all[i] {
			out = append(out, all[i])
		}
	}
	return out
}

// pagesToCompare returns the pages of a submission with which a leak is compared: all, or the nearest
// [tuning.MaxCompared] by their hashes. The only page of a submission is 0.
func (v *matcher) pagesToCompare(ctx context.Context, row *books.Submission) (pages []int, err error) {
	near := make(map[int]int)
	for k := min(row.Pages, 1); k <= row.Pages; k++ {
		if pages = append(pages, k); row.Pages > tuning.MaxCompared && v.leak.queries != nil {
			if near[k], err = v.Distance(ctx, row.ID.Page(k), v.leak.queries); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(pages, func(a, b int) int { return near[a] - near[b] })
	return pages[:min(len(pages), tuning.MaxCompared)], nil
}

// comparePages compares a leak with the pages of m.Submission, up to the first page that it shows as the very capture. It
// makes m the match with the page whose pixels say the most. If the submission cannot be opened, m stays as it
// is. A row that is not found, or damaged, is noted in the leak.
func (v *matcher) comparePages(ctx context.Context, m *findings.Match) error {
	row, err := v.Engine().Page(ctx, m.Submission)
	if err != nil {
		if gone(err) == nil && !errors.Is(err, registry.ErrErased) {
			v.leak.close(m.Submission, err)
		}
		return gone(err)
	}
	m.Submitted, m.Received = row.Submitted, row.Received
	was := *m
	pages, err := v.pagesToCompare(ctx, row)
	if err != nil {
		return err
	}
	for i, k := range pages {
		x := was
		x.Page, x.Pixels, x.Score, x.Altered = k, findings.PixelsUnknown, nil, nil
		delete(v.leak.places, conclude.PageOf(&x))
		if err := v.comparePixels(ctx, &x); err != nil {
			return err
		}
		if i == 0 || saysMore(&x, m) {
			*m = x
		}
		if conclude.ShowsCapture(m.Pixels) {
			break
		}
	}
	if v.leak.queries != nil {
		m.Distance, err = v.Distance(ctx, conclude.PageOf(m), v.leak.queries)
	}
	return err
}

// tracePages traces a leak against the page m at a false-positive rate level. Pages of one submission may show the
// same: a scan in colour and in grey. So if no copy is found, the twins of the page are traced as well, with half of
// the level. A twin with a copy becomes the page of the match and of the reads.
func (v *tracer) tracePages(ctx context.Context, m *findings.Match, level float64) (*tracing, error) {
	if m.Page == 0 {
		return v.traceAgainst(ctx, m, level)
	}
	t, err := v.traceAgainst(ctx, m, level/2)
	if err != nil || t == nil || !t.Registered || len(t.rows) > 0 {
		return t, err
	}
	twins, err := v.twins(ctx, m)
	for i := range twins {
		other, err := v.traceAgainst(ctx, &twins[i], level/2/float64(len(twins)))
		if err != nil {
			return nil, err
		}
		if other != nil && len(other.rows) > 0 {
			move(v.e, &twins[i])
			return other, nil
		}
	}
	return t, err
}

// twins returns matches with other pages of m.Submission that the leak shows as the very capture. They are
// also near to the leak by their hashes.
func (v *matcher) twins(ctx context.Context, m *findings.Match) (out []findings.Match, err error) {
	row, err := v.Engine().Page(ctx, m.Submission)
	if err != nil {
		return nil, gone(err)
	}
	pages, err := v.pagesToCompare(ctx, row)
	if err != nil {
		return nil, err
	}
	for _, k := range pages {
		x := findings.Match{Submission: m.Submission, Page: k, Pixels: findings.PixelsUnknown}
		if v.leak.queries != nil {
			if x.Distance, err = v.Distance(ctx, conclude.PageOf(&x), v.leak.queries); err != nil {
				return nil, err
			}
		}
		if k == m.Page || x.Distance > tuning.NearRadius {
			continue
		}
		if err := v.comparePixels(ctx, &x); err != nil {
			return nil, err
		}
		if conclude.ShowsCapture(x.Pixels) {
			out = append(out, x)
		}
	}
	return out, nil
}

// move makes the page of x that of its submission's match and reads.
func move(e *conclude.Evidence, x *findings.Match) {
	if m := e.Match(x.Submission); m != nil {
		x.Submitted, x.HashOnly = m.Submitted, m.HashOnly
		*m = *x
	}
	for i := range e.Reads {
		if r := &e.Reads[i]; r.Issued != nil && r.Issued.Submission == x.Submission {
			r.Page, r.Shows, r.Altered = x.Page, x.Pixels, x.Altered
		}
	}
}
