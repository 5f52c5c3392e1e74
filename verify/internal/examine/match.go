package examine

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A searched leak holds what the hashes of a leak are and what they led to.
type searched struct {
	Near    []search.Candidate // nearest first
	queries []phash.Hash       // the hashes of the leak
	tooFlat bool               // the hash has too little to go on
}

// Candidates hashes a leak and searches the registry for submissions near any of the hashes. The
// hashes are of the leak in eight orientations, also as a negative and without stamps. A leak that
// is too flat is not searched by its hash. With [verify.Options].Against nothing is searched, and only
// queries and tooFlat are set. Otherwise the leak receives what the search went by and what it found.
func (v *matcher) Candidates(ctx context.Context) (*searched, error) {
	queries, quality, err := phash.SumLeak(tuning.Searched, v.leak.Image)
	if err != nil {
		return nil, err
	}
	s := &searched{queries: queries, tooFlat: quality < phash.MinQuality}
	v.leak.queries = queries
	if len(v.Cfg.Against) > 0 {
		return s, nil
	}
	if v.leak.searched = (&findings.Searched{Quality: quality, Bilevel: v.leak.luma().Bilevel()}); s.tooFlat {
		queries = nil // its parts may still tell
	}
	s.Near, err = v.Found.Near(ctx, queries)
	v.leak.near = s.Near
	return s, err
}

// Matches compares the pixels of the leak with the originals of the candidates of s, and returns the matches, nearest
// hash first. Of each submission it returns the page that the leak shows best. Submissions that share a part with the leak follow,
// unless it shows more than one upload: the upload that it shows may show another one's copy.
func (v *matcher) Matches(ctx context.Context, s *searched) ([]findings.Match, error) {
	if len(v.Cfg.Against) > 0 {
		return v.against(ctx, s.queries)
	}
	out, looked, err := v.wholeMatches(ctx, s.Near)
	if err != nil || slices.ContainsFunc(out, func(m findings.Match) bool {
		return conclude.ShowsCapture(m.Pixels) && (len(m.Altered) > 0 || m.Region != nil) // then [rest] looks there
	}) {
		return onePage(out), err
	}
	parts, err := v.partMatches(ctx, s.Near[:looked], s.queries)
	return onePage(append(out, parts...)), err
}

// wholeMatches compares a leak with the candidates near, which must be nearest first. It returns
// all candidates within [phash.MatchRadius], and beyond it those whose pixels align. At most
// [tuning.MaxCompared] are compared within the radius and [tuning.MaxNear] beyond. Candidates more than
// [tuning.ClearGap] bits further away than one of the same pixels are not compared. looked is the number
// of candidates, from the first, that were looked at; the rest may still be found by parts.
func (v *matcher) wholeMatches(ctx context.Context, near []search.Candidate) (out []findings.Match, looked int, err error) {
	beyond, compared := 0, tuning.NearRadius // compared: distance up to which pixels are
	for i, c := range near {
		within := c.Distance <= phash.MatchRadius
		if !within {
			if beyond++; beyond > tuning.MaxNear || c.Distance > compared {
				break
			}
		}
		looked = i + 1
		m, err := v.match(ctx, c)
		if errors.Is(err, registry.ErrNotFound) {
			continue // erased since the catalogue was read, or damaged
		}
		if err != nil {
			return nil, 0, err
		}
		if c.Distance <= compared && (i < tuning.MaxCompared || !within) {
			v.locate(ctx, c.Ref, conclude.PageOf(m))
			if err := v.comparePixels(ctx, m); err != nil {
				return nil, 0, err
			}
		}
		if m.Pixels == findings.PixelsSame {
			compared = min(compared, c.Distance+tuning.ClearGap)
		}
		if within || conclude.Aligned(m.Pixels) {
			out = append(out, *m)
		}
	}
	return out, looked, nil
}

// row returns the row of a candidate. If it was erased, does not exist, or cannot be read, the error wraps
// [registry.ErrNotFound]. That it cannot be read is noted in the leak.
func (v *matcher) row(ctx context.Context, c search.Candidate) (*books.Submission, error) {
	row, err := v.Engine().SubmissionAt(ctx, c.Ref)
	switch {
	case errors.Is(err, registry.ErrTampered):
		v.Found.Damaged(c.Ref)
		v.leak.close(watermark.Submission(binary.BigEndian.AppendUint64(make([]byte, 8), uint64(c.Ref))), err) // its ID is not known
		return nil, registry.ErrNotFound
	case errors.Is(err, registry.ErrErased):
		return nil, registry.ErrNotFound
	}
	return row, err
}

// match returns a match with the submission of a candidate, not yet compared by pixels. The error is that of row.
func (v *matcher) match(ctx context.Context, c search.Candidate) (*findings.Match, error) {
	row, err := v.row(ctx, c)
	if err != nil {
		return nil, err
	}
	return &findings.Match{Submission: row.Whole(), Page: row.Page, Distance: c.Distance, Region: c.Region, Pixels: findings.PixelsUnknown, Submitted: row.Submitted, Received: row.Received, HashOnly: !row.Kept}, nil
}

// comparePixels compares a leak with the original of the page m and sets m.Pixels and m.Score. It leaves m as it is if
// the original cannot be opened. A leak with more detail than the original is [findings.PixelsSharper]. How the leak
// lies on the original is kept in the leak for tracing. If the leak goes on beside the original, m gets the place.
func (v *matcher) comparePixels(ctx context.Context, m *findings.Match) error {
	o, err := v.original(ctx, conclude.PageOf(m))
	if err == nil && o == nil {
		return v.closed(ctx, m)
	}
	if err != nil {
		return err
	}
	m.Width, m.Height = o.Onto.Luma().W, o.Onto.Luma().H
	s, err := v.leak.lay(ctx, o)
	if err != nil {
		return err
	}
	var fields []capture.Region
	if m.Pixels, m.Score, fields, err = comparePixels(s); err != nil {
		return err
	}
	if conclude.ShowsCapture(m.Pixels) || m.Pixels == findings.PixelsPartial || m.Pixels == findings.PixelsAlike {
		var finer bool
		if finer, m.PerhapsSharper = s.Finer(); finer {
			m.Pixels = findings.PixelsSharper
		}
	}
	if v.leak.Keep(o, s, m.Pixels); conclude.ShowsCapture(m.Pixels) {
		fields = s.Altered()
		if q := v.leak.region(s, 0, 0, float64(m.Width), float64(m.Height)); m.Region == nil && len(v.leak.beside(q, tuning.MinSeen)) > 0 {
			m.Region = q
		}
	}
	m.Altered = places(fields, o)
	return nil
}

// closed notes in the leak that it may show the page m, whose original could not be opened. What is kept as a
// hash alone has none, and what was erased meanwhile is no upload any more. m was found, or has copies: if it
// is not found by its ID, the index of IDs is damaged.
func (v *matcher) closed(ctx context.Context, m *findings.Match) error {
	if v.Cfg.SealKey == nil || m.HashOnly {
		return nil
	}
	_, err := v.Engine().Page(ctx, conclude.PageOf(m))
	if errors.Is(err, registry.ErrErased) {
		return nil
	}
	if gone(err) != nil {
		return err
	}
	_, err = v.Engine().Original(ctx, v.Cfg.SealKey, m.Submission)
	if gone(err) != nil {
		return err
	}
	v.leak.close(conclude.PageOf(m), err)
	return nil
}

// close notes that the leak may show a page that could not be compared. why may be nil.
func (l *Leak) close(page watermark.Submission, why error) {
	for l.whole != nil {
		l = l.whole
	}
	if l.closed == nil {
		l.closed = make(map[watermark.Submission]bool)
	}
	l.closed[page] = true
	if l.why == "" && why != nil {
		l.why = why.Error()
	}
}

// comparePixels returns the word for what a leak shows of an original, and the share, 0..1, of the
// comparable blocks that agree: textured blocks that are not covered. s is how the leak lies on the
// original; nil means that nothing aligns, a share of 0. An alignment that chance gives also counts
// as [findings.PixelsUnrelated]. For [findings.PixelsTemplate] the share is of all textured blocks. For [findings.PixelsPage] the
// fields that differ are returned as well, if there are any.
func comparePixels(s *capture.Sight) (word string, score *float64, fields []capture.Region, err error) {
	score = new(float64)
	if s == nil {
		return findings.PixelsUnrelated, score, nil, nil
	}
	verdict, err := s.Verdict()
	if err != nil {
		return "", nil, nil, err
	}
	n := s.Likeness()
	*score = float64(n.Agree) / float64(max(n.Textured-n.Covered, 1))
	shared, weak := float64(n.Agree)/float64(max(n.Textured, 1)), s.Quality < tuning.MinAlignedQuality
	switch found := shared >= tuning.MinAligned; {
	case verdict == capture.Other && (!found || weak), (verdict == capture.Alike || verdict == capture.Edited) && !found && weak:
		return findings.PixelsUnrelated, score, nil, nil
	case verdict == capture.Other && !n.Foreign && n.Exchanged >= tuning.MinExchanged && shared < tuning.MinTwin:
		return findings.PixelsTemplate, &shared, nil, nil
	}
	word = pixelWord(verdict, s.Shown())
	if !conclude.ShowsCapture(word) && !slices.Contains([]string{findings.PixelsPartial, findings.PixelsEdges, findings.PixelsAlike, findings.PixelsUndecided}, word) {
		return word, score, nil, nil
	}
	page, err := s.Page()
	if err != nil || page == nil || page.Whole && len(page.Other) == 0 {
		return word, score, nil, err
	}
	return findings.PixelsPage, score, page.Other, nil
}

// places returns places of the original o in its own pixels. They are given in its canonical pixels.
func places(of []capture.Region, o *Original) (all []findings.Region) {
	full, small := o.Onto.Luma(), o.Onto.Canonical()
	kx, ky := float64(full.W)/float64(small.W), float64(full.H)/float64(small.H)
	for _, r := range of {
		x0, y0, x1, y1 := conclude.Micro((r.X0+0.5)*kx), conclude.Micro((r.Y0+0.5)*ky), conclude.Micro((r.X1+0.5)*kx), conclude.Micro((r.Y1+0.5)*ky)
		all = append(all, findings.Region{Quad: findings.Quad{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}, Kind: r.Kind, Share: conclude.Micro(r.Share)})
	}
	return all
}

// pixelWord returns the word for a verdict of package capture. shown is the share, 0..1, of the
// original that the leak shows: the same capture below [tuning.MinShown], altered or not, is
// [findings.PixelsPartial]. A verdict without a word of its own gives [findings.PixelsUndecided].
func pixelWord(v capture.Verdict, shown float64) string {
	switch v {
	case capture.Same, capture.Altered:
		switch {
		case shown < tuning.MinShown:
			return findings.PixelsPartial
		case v == capture.Altered:
			return findings.PixelsAltered
		}
		return findings.PixelsSame
	case capture.Alike:
		return findings.PixelsAlike
	case capture.Edges:
		return findings.PixelsEdges
	case capture.Edited, capture.Other:
		return findings.PixelsDifferent
	}
	return findings.PixelsUndecided
}
