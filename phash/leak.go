package phash

import "image"

// SumLeak returns the hashes to search with when a picture may have leaked, and the quality of the picture as it is, as
// in [Sum]. Every kind is read in the picture's eight orientations, which come first, as in [SumTurned]. [PDQ] and
// [Area] are also read from the negative in each orientation (16 hashes). Stamps and names of channels are often
// printed across a leak, in a colour that the surroundings do not have. SumLeak then adds the hashes with the print
// painted over, and with only the strokes of the print painted over (up to 16 hashes more). Search an index of hashes
// that [Sum] gave, but not for a leak below [MinQuality].
//
// Errors wrap [ErrKind] or [ErrPicture].
func SumLeak(kind Kind, img image.Image) (hashes []Hash, quality int, err error) {
	all, quality, err := SumTurned(kind, img)
	if err != nil {
		return nil, 0, err
	}
	hashes = all[:]
	if kind != PDQ && kind != Area || tooSmall(img) {
		return hashes, quality, nil
	}
	for _, h := range all {
		hashes = append(hashes, h.negative())
	}
	if kind == Area {
		return append(hashes, cleanedArea(img)...), quality, nil
	}
	return append(hashes, cleanedPDQ(img)...), quality, nil
}

// negative returns the hash of the picture's negative, except for rounding: all
// coefficients change their sign, so what lay above the median lies below the median.
func (h Hash) negative() Hash {
	for i := range h.Bits {
		h.Bits[i] = ^h.Bits[i]
	}
	return h
}

// cleanedPDQ returns the PDQ hashes of img with overprint painted over, nil if there is no
// overprint. Hashes below MinQuality are left out. The pixels that PDQ looks at are others in a
// mirrored picture, so overprint is looked for in four orientations.
func cleanedPDQ(img image.Image) (hashes []Hash) {
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
			for _, p := range orientations {
				if o.mirrorX != p.mirrorX || o.mirrorY != p.mirrorY {
					continue
				}
				if g := shrink(whole(grey, orientation{swap: p.swap})); g.quality() >= MinQuality {
					hashes = append(hashes, Hash{PDQ, g.transform().bits()})
				}
			}
		}
	}
	return hashes
}

// cleanedArea returns the Area hashes of img with overprint painted over, nil if there is no overprint. Overprint is
// looked for in the means of Step × Step blocks. Hashes below MinQuality are left out.
func cleanedArea(img image.Image) (hashes []Hash) {
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
		all := g.turns()
		hashes = append(hashes, all[:]...)
	}
	return hashes
}
