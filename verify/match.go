package verify

import (
	"context"
	"errors"
	"slices"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
)

// A candidate is a submission near a leak's hash.
type candidate struct {
	ref      int64
	distance int
	region   *findings.Quad // where it lies in the leak; nil: all of it
}

// A search is what the hashes of a leak led to.
type search struct {
	near    []candidate // nearest first
	queries *phash.Leak
	tooFlat bool // the hash has too little to go on
}

// candidates searches the hashes with the leak in its eight orientations, as a
// negative too, and without stamps.
func (v *Investigator) candidates(ctx context.Context, l *leakPicture) (*search, error) {
	queries, err := phash.SumLeak(searched, l.Image)
	if err != nil {
		return nil, err
	}
	s := &search{queries: queries, tooFlat: queries.Quality < phash.MinQuality}
	if len(v.cfg.Against) > 0 {
		return s, nil
	}
	if l.searched = (&findings.Searched{Quality: queries.Quality}); s.tooFlat {
		queries = nil // its parts may still tell
	}
	s.near, err = v.near(ctx, queries)
	l.near = s.near
	return s, err
}

// matches compares the pixels of the candidates. If no candidate is the same capture, it also
// compares the submissions that the leak may show a part of.
func (v *Investigator) matches(ctx context.Context, l *leakPicture, s *search) ([]Match, error) {
	if len(v.cfg.Against) > 0 {
		return v.against(ctx, l, s.queries)
	}
	out, looked, err := v.wholeMatches(ctx, l, s.near)
	if err != nil || slices.ContainsFunc(out, func(m Match) bool { return m.Pixels == PixelsSame }) {
		return out, err
	}
	parts, err := v.partMatches(ctx, l, s.near[:looked], s.queries)
	return append(out, parts...), err
}

// wholeMatches also says how many of the candidates it looked at: those beyond, of one
// template perhaps hundreds, may still be found by their parts.
func (v *Investigator) wholeMatches(ctx context.Context, l *leakPicture, near []candidate) (out []Match, looked int, err error) {
	beyond, compared := 0, nearRadius // compared: distance up to which pixels are
	for i, c := range near {
		within := c.distance <= phash.MatchRadius
		if !within {
			if beyond++; beyond > maxNear || c.distance > compared {
				break
			}
		}
		looked = i + 1
		m, err := v.match(ctx, c)
		if errors.Is(err, registry.ErrNotFound) {
			continue // erased since the catalogue was read
		}
		if err != nil {
			return nil, 0, err
		}
		if c.distance <= compared && (i < maxCompared || !within) {
			if err := v.comparePixels(ctx, l, m); err != nil {
				return nil, 0, err
			}
		}
		if m.Pixels == PixelsSame {
			compared = min(compared, c.distance+clearGap)
		}
		if within || aligned(m.Pixels) {
			out = append(out, *m)
		}
	}
	return out, looked, nil
}

// match looks a candidate up in the registry. It returns [registry.ErrNotFound] if the
// submission was erased.
func (v *Investigator) match(ctx context.Context, c candidate) (*Match, error) {
	row, err := v.cfg.Registry.Engine().SubmissionAt(ctx, c.ref)
	if errors.Is(err, registry.ErrErased) {
		return nil, registry.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return &Match{Submission: row.ID, Distance: c.distance, Region: c.region, Pixels: PixelsUnknown, Submitted: row.Submitted, HashOnly: !row.Kept}, nil
}

// comparePixels fills in what the pixels of a match's submission say: nothing if its
// original cannot be opened.
func (v *Investigator) comparePixels(ctx context.Context, l *leakPicture, m *Match) error {
	o, err := v.original(ctx, m.Submission)
	if err != nil || o == nil {
		return err
	}
	s, err := l.lay(ctx, o)
	if err != nil {
		return err
	}
	if m.Pixels, m.Score, err = comparePixels(s); err == nil {
		l.keep(m.Submission, s, m.Pixels)
	}
	return err
}

// comparePixels says what a leak shows of an original, and which share of the comparable
// blocks agrees, 0..1. s is how the leak lies on the original, nil if nothing aligns.
func comparePixels(s *capture.Sight) (string, *float64, error) {
	none := 0.0
	if s == nil {
		return PixelsUnrelated, &none, nil
	}
	verdict, err := s.Verdict()
	if err != nil {
		return "", nil, err
	}
	n := s.Likeness()
	score := float64(n.Agree) / float64(max(n.Textured-n.Covered, 1))
	if verdict == capture.Other && (score < minAligned || s.Quality < minAlignedQuality) {
		return PixelsUnrelated, &score, nil
	}
	return pixelWord(verdict, s.Shown()), &score, nil
}

// aligned reports whether the pixels say something about a submission beyond its
// hash.
func aligned(pixels string) bool {
	return slices.Contains([]string{PixelsSame, PixelsPartial, PixelsAlike, PixelsDifferent}, pixels)
}

// pixelWord puts a verdict of package capture into a word for pixels. shown is the share, 0..1,
// of the original that the leak shows.
func pixelWord(v capture.Verdict, shown float64) string {
	switch v {
	case capture.Same:
		if shown < minShown {
			return PixelsPartial
		}
		return PixelsSame
	case capture.Alike:
		return PixelsAlike
	case capture.Edited, capture.Other:
		return PixelsDifferent
	}
	return PixelsUndecided
}
