package phash

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// A Leak is a picture as an [Index] is asked for it: the hashes that the upload may
// have if the leaked picture was changed as a whole. A nil Leak has no hashes, and a
// search for it finds nothing. A Leak is immutable.
type Leak struct {
	// Quality is that of the picture as it is, 0 to 100, as [Sum] returns it. Do not
	// search for a leak below [MinQuality].
	Quality int
	queries []query
}

// A query is one hash of a leak, and what was done to the leak to get it.
type query struct {
	Hash        Hash
	Orientation int    // as SumTurned numbers them
	Reading     string // plain, negative or cleaned
}

// The words for [LeakHit.Reading].
const (
	plain    = "plain"
	negative = "negative"
	cleaned  = "cleaned"
)

// A LeakHit is an entry near a leak, at its distance to the nearest hash of the leak.
type LeakHit struct {
	Hit
	Orientation int    // of the leak when it has that hash, as [SumTurned] numbers them
	Reading     string // of the leak then: "plain", a "negative", or "cleaned" of overprint
}

// SumLeak returns the hashes to search with when a picture may have leaked. Every kind is read in
// the picture's eight orientations. [PDQ] and [Area] are also read from the negative in each
// orientation (16 hashes). Stamps and names of channels are often printed across a leak, in a
// colour that the surroundings do not have. SumLeak then adds the hashes with the print painted
// over, and with only the strokes of the print painted over (up to 16 hashes more). Search an index
// of hashes that [Sum] gave.
//
// Errors wrap [ErrKind] or [ErrPicture].
func SumLeak(kind Kind, img image.Image) (*Leak, error) {
	all, quality, err := SumTurned(kind, img)
	if err != nil {
		return nil, err
	}
	l := &Leak{Quality: quality}
	for k, h := range all {
		l.queries = append(l.queries, query{h, k, plain})
	}
	if kind != PDQ && kind != Area || tooSmall(img) {
		return l, nil
	}
	for k, h := range all {
		l.queries = append(l.queries, query{h.negative(), k, negative})
	}
	if kind == Area {
		l.queries = append(l.queries, cleanedArea(img)...)
	} else {
		l.queries = append(l.queries, cleanedPDQ(img)...)
	}
	return l, nil
}

// LeakOf returns a leak that is known only by these hashes. Each counts as plain and in
// orientation 0, and the quality is 100.
func LeakOf(hashes ...Hash) *Leak {
	l := &Leak{Quality: 100}
	for _, h := range hashes {
		l.queries = append(l.queries, query{h, 0, plain})
	}
	return l
}

// Hashes returns the hashes of the leak, the plain ones first.
func (l *Leak) Hashes() []Hash {
	if l == nil {
		return nil
	}
	hashes := make([]Hash, len(l.queries))
	for i, q := range l.queries {
		hashes[i] = q.Hash
	}
	return hashes
}

// Distance returns the bits between an upload's hash and the nearest hash of the leak. It
// is math.MaxInt if the leak has no hash of that kind.
func (l *Leak) Distance(upload Hash) int {
	nearest := math.MaxInt
	for _, h := range l.Hashes() {
		nearest = min(nearest, h.Distance(upload))
	}
	return nearest
}

// SearchLeak returns every entry within radius bits of any hash of the leak, once,
// nearest first, equally near ones by Ref. Errors are the errors of
// [Index.Search].
func (x *Index) SearchLeak(l *Leak, radius int) ([]LeakHit, error) {
	return searchLeak(l, func(h Hash) ([]Hit, error) { return x.Search(h, radius) })
}

// NearestLeak returns the k entries that are nearest to any hash of the leak, once,
// nearest first, equally near ones by Ref. Errors are the errors of
// [Index.Nearest].
func (x *Index) NearestLeak(l *Leak, k int) ([]LeakHit, error) {
	hits, err := searchLeak(l, func(h Hash) ([]Hit, error) { return x.Nearest(h, k) })
	return hits[:min(max(k, 0), len(hits))], err
}

// searchLeak calls search for each hash of the leak and merges the hits. Of an entry that several
// hashes find, the smallest distance counts, and of equal distances the first. The result is sorted
// by distance, then by Ref. A nil leak has no hits; the first error of search ends the search.
func searchLeak(l *Leak, search func(Hash) ([]Hit, error)) ([]LeakHit, error) {
	if l == nil {
		return nil, nil
	}
	var all []LeakHit
	at := make(map[int64]int) // in all, by Ref
	for _, q := range l.queries {
		hits, err := search(q.Hash)
		if err != nil {
			return nil, err
		}
		for _, h := range hits {
			switch k, ok := at[h.Ref]; {
			case !ok:
				at[h.Ref] = len(all)
				all = append(all, LeakHit{h, q.Orientation, q.Reading})
			case h.Distance < all[k].Distance:
				all[k] = LeakHit{h, q.Orientation, q.Reading}
			}
		}
	}
	slices.SortFunc(all, func(a, b LeakHit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
	})
	return all, nil
}

// negative returns the hash of the picture's negative, except for rounding: all
// coefficients change their sign, so what lay above the median lies below the median.
func (h Hash) negative() Hash {
	for i := range h.Bits {
		h.Bits[i] = ^h.Bits[i]
	}
	return h
}

// cleanedPDQ returns the PDQ queries of img with overprint painted over, nil if there is no
// overprint. Queries below MinQuality are left out. The pixels that PDQ looks at are others in a
// mirrored picture, so overprint is looked for in four orientations.
func cleanedPDQ(img image.Image) (queries []query) {
	for _, o := range orientations {
		if o.swap {
			continue
		}
		m := reduced(img, o)
		w, h := m.Rect.Max.X, m.Rect.Max.Y
		page := newPage(w, h)
		for y := range h {
			page.row(rowOf(m, y), y)
		}
		for _, grey := range page.cleaned() {
			for k, p := range orientations {
				if o.mirrorX != p.mirrorX || o.mirrorY != p.mirrorY {
					continue
				}
				if g := shrink(whole(grey, orientation{swap: p.swap})); g.quality() >= MinQuality {
					queries = append(queries, query{Hash{PDQ, g.transform().bits()}, k, cleaned})
				}
			}
		}
	}
	return queries
}

// cleanedArea returns the Area queries of img with overprint painted over, nil if there is no
// overprint. Overprint is looked for in the means of Step × Step blocks. Queries below
// MinQuality are left out.
func cleanedArea(img image.Image) (queries []query) {
	all, weight := sums(img, Step)
	page, line := newPage(Step, Step), make([]uint8, 4*Step)
	for y := range Step {
		for x := range Step {
			for k, v := range all[y*Step+x] {
				line[4*x+k] = uint8((v + weight/2) / weight)
			}
		}
		page.row(line, y)
	}
	for _, grey := range page.cleaned() {
		g := areaGrid(grey)
		if g.quality() < MinQuality {
			continue
		}
		for k, h := range g.turns() {
			queries = append(queries, query{h, k, cleaned})
		}
	}
	return queries
}
