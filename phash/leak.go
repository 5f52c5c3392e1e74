package phash

import (
	"fmt"
	"image"
)

// A Reading is how a leaked picture is taken when it is asked for.
type Reading uint8

// The readings of a leak.
const (
	AsIs     Reading = iota // its pixels
	Negative                // light for dark
	Cleaned                 // without what is printed across it in another colour
)

// A Query is a hash to ask an index of [Sum]'s hashes with.
type Query struct {
	Hash        Hash
	Orientation int // of the leak, as [SumTurned] numbers them
	Reading     Reading
}

// SumLeak returns the hashes to ask with when a picture may have leaked and been
// changed as a whole: in each of its eight orientations as it is and as a negative,
// 16 queries, and 8 or 16 more if something is printed across it in a colour that its
// surroundings do not have, as stamps and the names of channels are: then with that
// painted over, and with the strokes of it alone. What they are asked of is an index of what [Sum] gives. Kinds are PDQ
// and Area.
//
// Quality is that of the picture as it is; below [MinQuality] do not ask. Errors wrap
// [ErrKind] or [ErrPicture].
func SumLeak(kind Kind, img image.Image) (queries []Query, quality int, err error) {
	if kind != PDQ && kind != Area {
		return nil, 0, fmt.Errorf("%w: leaks are looked for by %s or %s, not %s", ErrKind, PDQ, Area, kind)
	}
	all, quality, err := SumTurned(kind, img)
	if err != nil {
		return nil, 0, err
	}
	for k, h := range all {
		queries = append(queries, Query{h, k, AsIs})
	}
	if tooSmall(img) {
		return queries, quality, nil
	}
	for k, h := range all {
		queries = append(queries, Query{h.negative(), k, Negative})
	}
	if kind == Area {
		return append(queries, cleanedArea(img)...), quality, nil
	}
	return append(queries, cleanedPDQ(img)...), quality, nil
}

// negative returns the hash that the negative of the picture has but for rounding:
// all coefficients change their sign, and what lay above the median lies below it.
func (h Hash) negative() Hash {
	for i := range h.Bits {
		h.Bits[i] = ^h.Bits[i]
	}
	return h
}

// cleanedPDQ returns the queries with overprint painted over, if there is any. The
// pixels that PDQ looks at are others in a mirrored picture.
func cleanedPDQ(img image.Image) (queries []Query) {
	for _, o := range orientations {
		if o.swap {
			continue
		}
		r := reduced(img, o)
		w, h := r.size()
		page := newPage(w, h)
		for y := range h {
			page.row(r.row(y), y)
		}
		for _, grey := range page.cleaned() {
			for k, p := range orientations {
				if o.mirrorX != p.mirrorX || o.mirrorY != p.mirrorY {
					continue
				}
				if g := whole(grey, orientation{swap: p.swap}).shrink(); g.quality() >= MinQuality {
					queries = append(queries, Query{Hash{PDQ, g.transform().bits()}, k, Cleaned})
				}
			}
		}
	}
	return queries
}

// cleanedArea is the same for Area, from the means of stepSide × stepSide blocks.
func cleanedArea(img image.Image) (queries []Query) {
	all, weight := sums(img, stepSide)
	page, line := newPage(stepSide, stepSide), make([]uint8, 4*stepSide)
	for y := range stepSide {
		for x := range stepSide {
			for k, v := range all[y*stepSide+x] {
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
			queries = append(queries, Query{h, k, Cleaned})
		}
	}
	return queries
}
