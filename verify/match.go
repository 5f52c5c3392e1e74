package verify

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Within the radius all candidates are listed and the nearest maxCompared are
// compared by their pixels. Beyond it, up to nearRadius, the nearest maxNear are
// compared as well and listed only where the pixels align: a picture that was
// turned by a degree or clipped in the highlights lies there, and so do
// lookalikes. Once a submission of the same pixels is found, those further away by
// more than clearGap are not compared.
const (
	maxCompared = 32
	nearRadius  = 64
	maxNear     = 8
	clearGap    = 16 // bits
)

// A candidate is a submission near a leak's hash.
type candidate struct {
	ref      int64
	distance int
	region   *Quad // where it lies in the leak; nil: all of it
}

// A search is what the hashes of a leak led to.
type search struct {
	near    []candidate // nearest first
	queries *phash.Leak
	tooFlat bool // the hash has too little to go on
}

// A leakPicture is a leak, its luma for comparing once that was needed, what it was
// searched by; nil: it was not; and the original that it was last found to show, if that
// was decoded for it.
type leakPicture struct {
	*picture.Picture
	compared dsp.Plane
	searched *Searched
	shown    decoded
}

// A decoded is an original that was opened.
type decoded struct {
	of      watermark.Submission
	picture *picture.Picture // nil: none was
}

func (l *leakPicture) luma() dsp.Plane {
	if l.compared.Pix == nil {
		l.compared = comparedLuma(l.Image)
	}
	return l.compared
}

// comparedSide is the long side in pixels at which pictures are compared: more than
// what the registration works at, less than what many originals in memory allow.
const comparedSide = 1600

// comparedLuma is the luma of a picture at no more than that, the same on every
// machine.
func comparedLuma(img *image.NRGBA) dsp.Plane {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	long := max(w, h)
	if long <= comparedSide {
		return dsp.LumaNRGBA(img)
	}
	side := func(n int) int { return max(1, (n*comparedSide+long/2)/long) }
	return dsp.ShrinkNRGBA(img, side(w), side(h)).Luma()
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
	if l.searched = (&Searched{Quality: queries.Quality}); s.tooFlat {
		queries = nil // its parts may still tell
	}
	s.near, err = v.near(ctx, queries)
	return s, err
}

// matches compares the pixels of the candidates, and where none is the same capture
// those of what the leak shows a part of.
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

// match looks a candidate up. One that was erased is [ErrNotFound].
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

func (v *Investigator) comparePixels(ctx context.Context, l *leakPicture, m *Match) error {
	orig, pic, err := v.original(ctx, m.Submission)
	if err != nil || orig == nil {
		return err
	}
	m.Pixels, m.Score, err = comparePixels(ctx, orig, l)
	if m.Pixels == PixelsSame && pic != nil {
		l.shown = decoded{m.Submission, pic}
	}
	return err
}

// comparePixels says what a leak shows of an original, and which share of the
// comparable blocks agrees; nil where nothing aligns.
func comparePixels(ctx context.Context, orig *capture.Original, l *leakPicture) (string, *float64, error) {
	s, err := orig.Find(ctx, l.luma())
	if err != nil {
		return "", nil, err
	}
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
	if verdict == capture.Other && (score < leastAligned || s.Quality < leastAlignedQuality) {
		return PixelsUnrelated, &score, nil
	}
	return pixelWord(verdict, s.Shown()), &score, nil
}

const (
	leastAligned        = 0.5 // share of the blocks that agree where two pictures align at all
	leastAlignedQuality = 0.4 // the same of the registration's quality
)

// leastShown is the share of the original that must be seen before a picture counts
// as the same capture. Documents of one template share their print: thirds of another
// person's bill agree in every comparable block (TestTemplatePartsConfirmNothing), and
// whoever plants a mark chooses the part. More than a half is harder to choose so.
const leastShown = 0.6

// aligned reports whether the pixels say something about a submission beyond its
// hash.
func aligned(pixels string) bool {
	switch pixels {
	case PixelsSame, PixelsPartial, PixelsAlike, PixelsDifferent:
		return true
	}
	return false
}

func pixelWord(v capture.Verdict, shown float64) string {
	switch v {
	case capture.Same:
		if shown < leastShown {
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

// original opens a sealed original for comparing. It is nil, without an error,
// where it cannot be opened: no key, another key, altered, unreadable by today's
// decoders. What fails is the comparison, not the investigation. The picture is nil where
// it was not decoded for this.
func (v *Investigator) original(ctx context.Context, of watermark.Submission) (*capture.Original, *picture.Picture, error) {
	p, ok, upto := v.cache.get(of)
	if ok {
		return p, nil, nil
	}
	pic, err := v.openOriginal(ctx, of)
	if err != nil {
		return nil, nil, err
	}
	if pic != nil {
		p = capture.New(comparedLuma(pic.Image))
	}
	v.cache.put(of, p, upto)
	return p, pic, nil
}

func (v *Investigator) openOriginal(ctx context.Context, of watermark.Submission) (*picture.Picture, error) {
	if v.cfg.SealKey == nil {
		return nil, nil
	}
	file, err := v.cfg.Registry.Original(ctx, v.cfg.SealKey, of)
	if errors.Is(err, registry.ErrSealed) || errors.Is(err, registry.ErrNotFound) || errors.Is(err, registry.ErrErased) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pic, err := picture.Decode(file, v.cfg.limits())
	if err != nil {
		return nil, nil
	}
	switch err := v.cfg.Registry.Engine().CheckRendition(ctx, of, pic.Decoder, pic.Image); {
	case errors.Is(err, registry.ErrSealed), errors.Is(err, registry.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	pic.Image = picture.Flatten(pic.Image)
	return pic, nil
}

// A pictureCache keeps the originals that were compared last.
type pictureCache struct {
	mu     sync.Mutex
	most   int
	erased int64                  // number of the last erasure that was followed
	order  []watermark.Submission // oldest first
	held   map[watermark.Submission]*capture.Original
}

// cachedOriginals is how many are kept: up to 20 MB each.
const cachedOriginals = 16

// follow forgets the originals that were erased.
func (c *pictureCache) follow(ctx context.Context, r *registry.Registry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	c.erased, err = r.Engine().ErasedAfter(ctx, c.erased, func(_ int64, gone watermark.Submission) {
		delete(c.held, gone)
		c.order = slices.DeleteFunc(c.order, func(id watermark.Submission) bool { return id == gone })
	})
	if err != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	return nil
}

// get also says up to which erasure the cache was followed.
func (c *pictureCache) get(id watermark.Submission) (p *capture.Original, ok bool, upto int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok = c.held[id]
	return p, ok, c.erased
}

// put keeps what was opened after a get, unless something was erased since: it may be this.
func (c *pictureCache) put(id watermark.Submission, p *capture.Original, upto int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.erased != upto {
		return
	}
	if c.held == nil {
		c.held = make(map[watermark.Submission]*capture.Original)
	}
	if _, ok := c.held[id]; ok {
		return
	}
	if len(c.order) >= c.most {
		delete(c.held, c.order[0])
		c.order = c.order[1:]
	}
	c.held[id] = p
	c.order = append(c.order, id)
}
