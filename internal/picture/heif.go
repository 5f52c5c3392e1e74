package picture

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
)

const maxEXIF = 1 << 20 // bytes of an EXIF block that is looked at

// heicHeader reads the header of a HEIF whose primary picture is coded as HEVC.
func heicHeader(data []byte) (header, error) { return heifHeader(data, "hvc1", "HEVC") }

// avifHeader reads the header of a HEIF whose primary picture is coded as AV1.
func avifHeader(data []byte) (header, error) { return heifHeader(data, "av01", "AV1") }

// heifHeader reads size, orientation and pages of the primary picture. It checks that its parts are
// there and coded as codec, whose name is for errors.
func heifHeader(data []byte, codec, name string) (header, error) {
	f, err := readHEIF(data)
	if err != nil {
		return header{}, err
	}
	item := f.items[f.primary]
	h, leaves := header{pages: len(f.pages())}, 0
	if n, whole := frames(data); n > 0 {
		if h.pages = max(h.pages, n); !whole {
			return header{}, errTruncated
		}
	}
	if h.coded, err = f.coded(item, codec, name, 0, &leaves); err != nil {
		return header{}, err
	}
	if h.width, h.height = f.size(item); h.width <= 0 || h.height <= 0 {
		return h, nil // which is refused
	}
	if h.coded/maxWaste > max(h.width*h.height, 1<<20) {
		return h, fmt.Errorf("its parts have %d pixels, the picture %d", h.coded, h.width*h.height)
	}
	if h.coded = max(h.coded, h.width*h.height); f.transform(item, &h) != nil {
		return h, errors.New("an orientation or a clip that makes no sense")
	}
	h.colours = f.colours(item)
	return h, nil
}

// frames returns how many pictures the longest sequence of a HEIF has (ISO/IEC 14496-12 section 8.7.3); 0
// if it has none. Only the first is decoded. whole is false if a box of the file is cut off.
func frames(data []byte) (longest int, whole bool) {
	var walk func(body []byte, within []string, whole *bool)
	walk = func(body []byte, within []string, whole *bool) {
		for kind, b := range bmffBoxes(body, whole) {
			switch {
			case kind != within[0]:
			case len(within) > 1:
				var inner bool
				walk(b, within[1:], &inner)
			case len(b) >= 12:
				longest = max(longest, int(min(be32(b[8:]), math.MaxInt32)))
			}
		}
	}
	walk(data, []string{"moov", "trak", "mdia", "minf", "stbl", "stsz"}, &whole)
	return longest, whole
}

// size returns the stored width and height of an item; 0 if it says none.
func (f *heif) size(item *heifItem) (w, h int64) {
	if b := f.property(item, "ispe"); len(b) >= 12 {
		return int64(be32(b[4:])), int64(be32(b[8:]))
	}
	return 0, 0
}

// coded returns the number of pixels that are coded for an item. depth is the number of derivations
// above it, leaves counts coded pictures. The error says what is missing, or what is not read.
func (f *heif) coded(item *heifItem, codec, name string, depth int, leaves *int) (pixels int64, err error) {
	switch {
	case item.kind == codec:
		if *leaves++; *leaves > maxItems {
			return 0, fmt.Errorf("more than %d tiles", maxItems)
		}
		if len(item.parts) == 0 || len(item.bytes(1)) == 0 {
			return 0, errTruncated
		}
		if depth > 0 && f.isGrey(item) {
			return 0, errors.New("grey HEIC in tiles is not supported yet: its decoder joins no grey tiles")
		}
		w, h := f.size(item)
		if w <= 0 || h <= 0 || w > maxHEIFSide || h > maxHEIFSide {
			return 0, fmt.Errorf("a coded picture of %d x %d pixels", w, h)
		}
		if s, ok := readSPS(f.property(item, "hvcC")); ok && s.width*s.height > w*h {
			w, h = s.width, s.height
		}
		return w * h, nil
	case item.kind == "grid" && depth == 0:
		return f.grid(item, codec, name, depth, leaves)
	}
	return 0, fmt.Errorf("a picture coded as %q, not as %s, is not supported yet", item.kind, name)
}

// isGrey reports whether an item is coded as HEVC without colours.
func (f *heif) isGrey(item *heifItem) bool {
	const chroma = 16 // its byte in hvcC (ISO/IEC 14496-15 section 8.3.2)
	config := f.property(item, "hvcC")
	return len(config) > chroma+1 && config[chroma]&3 == 0
}

// maxHEIFSide is the largest width and height, pixels, that the decoders take.
const maxHEIFSide = 1 << 16

// grid checks that the tiles of a grid (ISO/IEC 23008-12 section 6.6.2.3) are there, of one size and
// enough for the picture, and returns their pixels.
func (f *heif) grid(item *heifItem, codec, name string, depth int, leaves *int) (pixels int64, err error) {
	r := bitReader{data: item.bytes(12)}
	r.uint(1)
	size := 2 + 2*int(r.uint(1)&1)
	rows, columns := int64(r.uint(1))+1, int64(r.uint(1))+1
	w, h := int64(r.uint(size)), int64(r.uint(size))
	if r.short {
		return 0, errTruncated
	}
	if int64(len(item.made)) != rows*columns {
		return 0, fmt.Errorf("a grid of %d tiles has %d", rows*columns, len(item.made))
	}
	first := f.items[item.made[0]]
	tw, th := f.size(first)
	if sw, sh := f.size(item); tw*columns < w || th*rows < h || sw != w || sh != h {
		return 0, fmt.Errorf("%d x %d tiles of %d x %d pixels, picture of %d x %d", columns, rows, tw, th, w, h)
	}
	for _, id := range item.made {
		tile := f.items[id]
		if a, b := f.size(tile); a != tw || b != th {
			return 0, fmt.Errorf("a tile of %d x %d pixels, another of %d x %d", tw, th, a, b)
		}
		n, err := f.coded(tile, codec, name, depth+1, leaves)
		if pixels += n; err != nil {
			return 0, err
		}
	}
	return pixels, nil
}

// transform applies clips, turns and mirrors of an item, in their order, to size, crop and orientation
// of h (ISO/IEC 23008-12 sections 6.5.9, 6.5.10 and 6.5.12). EXIF's orientation does not count.
func (f *heif) transform(item *heifItem, h *header) error {
	h.orientation = 1
	for kind, b := range f.propertiesOf(item) {
		switch {
		case kind == "irot" && len(b) > 0:
			for range b[0] & 3 {
				h.orientation = leftOf[h.orientation]
			}
		case kind == "imir" && len(b) > 0:
			if b[0]&1 == 0 { // top for bottom
				h.orientation = leftOf[leftOf[h.orientation]]
			}
			h.orientation = mirrorOf[h.orientation]
		case kind == "clap" && len(b) >= 32:
			if h.orientation != 1 || !h.crop.Empty() {
				return errors.New("a clip behind a turn")
			}
			if h.crop = clip(b, h.width, h.height); h.crop.Empty() {
				return errors.New("an empty clip")
			}
		}
	}
	if !h.crop.Empty() {
		h.width, h.height = int64(h.crop.Dx()), int64(h.crop.Dy())
	}
	return nil
}

// leftOf and mirrorOf give the orientation (1 to 8) of a picture with an orientation, turned left by 90
// degrees or mirrored left for right after that.
var (
	leftOf   = [9]int{1: 8, 8: 3, 3: 6, 6: 1, 2: 5, 5: 4, 4: 7, 7: 2}
	mirrorOf = [9]int{1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 7: 8, 8: 7}
)

// clip returns the part of a picture of w x h pixels that a clean aperture shows (ISO/IEC 14496-12
// section 12.1.4.1). It is empty if its sides are no whole numbers of pixels or exceed the picture.
func clip(b []byte, w, h int64) image.Rectangle {
	number := func(at int) (over, under int64) { return int64(int32(be32(b[at:]))), int64(be32(b[at+4:])) }
	side := func(sizeAt, offsetAt int, whole int64) (from, size int64) {
		n, d := number(sizeAt)
		on, od := number(offsetAt)
		if d == 0 || od == 0 || n%d != 0 || n/d <= 0 || n/d > whole {
			return 0, 0
		}
		size = n / d
		// (whole - size)/2 + offset, rounded down
		from = (whole-size)*od + 2*on
		if from < 0 || from/(2*od) > whole-size {
			return 0, 0
		}
		return from / (2 * od), size
	}
	x, cw := side(0, 16, w)
	y, ch := side(8, 24, h)
	return image.Rect(int(x), int(y), int(x+cw), int(y+ch))
}

// colours returns how the colours of an item are coded: as it says itself, else its first tile, else
// its HEVC stream.
func (f *heif) colours(item *heifItem) (c colours) {
	c = colours{matrix: unspecified, full: true} // if nothing is said, as libheif has it
	known := false
	for i := item; i != nil; {
		if s, ok := readSPS(f.property(i, "hvcC")); ok && !known {
			c, known = s.colours, true
		}
		for kind, b := range f.propertiesOf(i) {
			if r := (bitReader{data: b}); kind == "colr" && len(b) >= 11 && string(b[:4]) == "nclx" {
				r.uint(4)
				c = colours{primaries: int(r.uint(2)), transfer: int(r.uint(2)), matrix: int(r.uint(2)), full: r.bits(1) == 1}
				return c
			}
		}
		if len(i.made) == 0 {
			break
		}
		if i = f.items[i.made[0]]; i == item {
			break
		}
	}
	return c
}

// readHEIF sets the profile of a HEIC or AVIF, and returns its EXIF block.
func (s *Source) readHEIF(data []byte) []byte {
	f, err := readHEIF(data)
	if err != nil {
		return nil
	}
	item := f.items[f.primary]
	s.Gray = f.isGrey(item)
	items := []*heifItem{item}
	if len(item.made) > 0 {
		items = append(items, f.items[item.made[0]])
	}
	for _, i := range items {
		for kind, b := range f.propertiesOf(i) {
			if kind == "colr" && len(b) > 4 && slices.Contains([]string{"prof", "rICC"}, string(b[:4])) && s.ICC == nil {
				s.ICC = profile(b[4:])
			}
		}
	}
	if s.ICC == nil {
		s.ICC = f.colours(item).profile()
	}
	return f.exif()
}
