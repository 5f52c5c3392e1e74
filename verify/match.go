package verify

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/compare"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// Within the radius all candidates are listed and the nearest maxCompared are
// compared by their pixels. Beyond it, up to nearRadius, the nearest maxNear are
// compared as well and listed only where the pixels align: a picture that was
// turned by a degree or clipped in the highlights lies there, and so do
// lookalikes.
const (
	maxCompared = 32
	nearRadius  = 64
	maxNear     = 8
)

// A candidate is a submission near a leak's hash.
type candidate struct {
	ref         int64
	distance    int
	orientation int // of the leak, as phash.SumDihedral numbers them
}

// A leakPicture is a leak made ready for comparing.
type leakPicture struct {
	*picture.Picture
	plain *compare.Picture
	turns [8]*compare.Picture
}

func (l *leakPicture) oriented(k int) *compare.Picture {
	if l.plain == nil {
		l.plain = compare.New(l.Image)
	}
	if l.turns[k] == nil {
		l.turns[k] = l.plain.Oriented(k)
	}
	return l.turns[k]
}

// candidates searches the index with all eight orientations of the leak.
func (v *Investigator) candidates(ctx context.Context, l *leakPicture) (near []candidate, tooFlat bool, err error) {
	index, err := v.cfg.Registry.index.follow(ctx, v.cfg.Registry.store)
	if err != nil {
		return nil, false, err
	}
	hashes, quality, err := phash.SumTurned(phash.PDQ, l.Image)
	if err != nil {
		return nil, false, err
	}
	if quality < phash.MinQuality {
		return nil, true, nil
	}
	best := make(map[int64]candidate)
	for k, h := range hashes {
		hits, err := index.Search(h, nearRadius)
		if err != nil {
			return nil, false, err
		}
		for _, hit := range hits {
			if c, ok := best[hit.Ref]; !ok || hit.Distance < c.distance {
				best[hit.Ref] = candidate{hit.Ref, hit.Distance, k}
			}
		}
	}
	for _, c := range best {
		near = append(near, c)
	}
	slices.SortFunc(near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.ref, b.ref))
	})
	return near, false, nil
}

// matches compares the pixels of the candidates.
func (v *Investigator) matches(ctx context.Context, l *leakPicture, near []candidate) ([]Match, error) {
	var out []Match
	beyond := 0
	for i, c := range near {
		within := c.distance <= phash.MatchRadius
		if !within {
			if beyond++; beyond > maxNear {
				break
			}
		}
		row, err := v.cfg.Registry.store.SubmissionByRef(ctx, c.ref)
		if errors.Is(err, ErrNotFound) {
			continue // erased since the index was read
		}
		if err != nil {
			return nil, err
		}
		m := Match{Submission: row.ID, Distance: c.distance, Pixels: PixelsUnknown, Submitted: row.Submitted}
		if i < maxCompared || !within {
			if err := v.comparePixels(ctx, l, c, &m); err != nil {
				return nil, err
			}
		}
		if within || aligned(m.Pixels) {
			out = append(out, m)
		}
	}
	return out, nil
}

func (v *Investigator) comparePixels(ctx context.Context, l *leakPicture, c candidate, m *Match) error {
	orig, err := v.original(ctx, m.Submission)
	if err != nil || orig == nil {
		return err
	}
	leak := l.oriented(c.orientation)
	r := compare.Pair(orig, leak, compare.Stretch(orig, leak))
	score := r.Score()
	m.Pixels, m.Score = pixelWord(r), &score
	return nil
}

// leastCompared is the share of the original's textured blocks that must have
// been compared before a picture counts as the same capture. Documents of one
// template share their print: thirds of another person's bill agree in every
// comparable block (TestTemplatePartsConfirmNothing), and whoever plants a mark
// chooses the part. More than a half is harder to choose so.
const leastCompared = 0.6

// aligned reports whether the pixels say something about a submission beyond its
// hash.
func aligned(pixels string) bool {
	return pixels == PixelsSame || pixels == PixelsPartial || pixels == PixelsDifferent
}

func pixelWord(r compare.Result) string {
	switch r.Answer() {
	case compare.Same:
		if float64(r.Agree+r.Differ) < leastCompared*float64(r.Textured) {
			return PixelsPartial
		}
		return PixelsSame
	case compare.Different:
		return PixelsDifferent
	case compare.Unrelated:
		return PixelsUnrelated
	}
	return PixelsUndecided
}

// original opens a sealed original for comparing. It is nil, without an error,
// where it cannot be opened: no key, another key, altered, unreadable by today's
// decoders. What fails is the comparison, not the investigation.
func (v *Investigator) original(ctx context.Context, of watermark.Submission) (*compare.Picture, error) {
	if p, ok := v.cache.get(of); ok {
		return p, nil
	}
	pic, err := v.openOriginal(ctx, of)
	if err != nil {
		return nil, err
	}
	var p *compare.Picture
	if pic != nil {
		p = compare.New(pic.Image)
	}
	v.cache.put(of, p)
	return p, nil
}

func (v *Investigator) openOriginal(ctx context.Context, of watermark.Submission) (*picture.Picture, error) {
	if v.cfg.SealKey == nil {
		return nil, nil
	}
	file, err := v.cfg.Registry.original(ctx, v.cfg.SealKey, of)
	if errors.Is(err, ErrSealed) || errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pic, err := picture.Decode(file, v.cfg.limits())
	if err != nil {
		return nil, nil
	}
	pic.Image = picture.Flatten(pic.Image)
	return pic, nil
}

// A pictureCache keeps the originals that were compared last.
type pictureCache struct {
	mu    sync.Mutex
	most  int
	order []watermark.Submission // oldest first
	held  map[watermark.Submission]*compare.Picture
}

// cachedOriginals is how many are kept: about 1 MB each.
const cachedOriginals = 64

func (c *pictureCache) get(id watermark.Submission) (*compare.Picture, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.held[id]
	return p, ok
}

func (c *pictureCache) put(id watermark.Submission, p *compare.Picture) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = make(map[watermark.Submission]*compare.Picture)
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

// alongMark compares a leak with the submission of the copy whose mark was read
// in it, for leaks that no hash can match: cropped, turned by any angle, seen from
// the side. The mark itself says how the leak lies: where it was read in the leak
// and where it was laid on the original together map one picture onto the other.
func (v *Investigator) alongMark(ctx context.Context, l *leakPicture, d *watermark.Detection, c *Copy) (string, error) {
	key := v.key(d.KeyID)
	orig, err := v.original(ctx, c.Submission)
	if err != nil || orig == nil || key == nil {
		return PixelsUnknown, err
	}
	markToLeak, ok := geometry.Mat(d.Transform).Inverse()
	if !ok {
		return PixelsUndecided, nil
	}
	w, h := orig.Size()
	toMark := watermark.Placement(key, c.Submission, w, h)
	return bestAlong(orig, l.oriented(0), geometry.Mat(toMark), markToLeak), nil
}

// bestAlong tries the multiples of the mark space and returns what the best
// alignment says.
func bestAlong(orig, leak *compare.Picture, toMark, markToLeak geometry.Mat) string {
	best, most := PixelsUndecided, 0
	for dy := -3; dy <= 3; dy++ {
		for dx := -3; dx <= 3; dx++ {
			start := markToLeak.Mul(geometry.Translation(float64(dx*watermark.Torus), float64(dy*watermark.Torus))).Mul(toMark)
			if compare.Overlap(orig, leak, start) < leastOverlap {
				continue
			}
			r := compare.Pair(orig, leak, start)
			if r.Agree > most {
				best, most = pixelWord(r), r.Agree
			}
		}
	}
	return best
}

// leastOverlap is the share of the original or the leak, whichever is more, that
// must lie on the other picture.
const leastOverlap = 0.3
