package picture

import (
	"bytes"
	"errors"
	"fmt"
)

const jxlContainer = "\x00\x00\x00\x0cJXL \r\n\x87\n"

// A jxl is what a JPEG XL file says of itself (ISO/IEC 18181-1 annex D, 18181-2).
type jxl struct {
	width, height int64 // before the orientation
	orientation   int
	animated      bool
	black         bool // it has inks
	icc           bool // its profile is compressed, which is not read
	colours       colours
	exif          []byte
}

// readJXL reads the boxes, if there are any, and the header of the codestream. The error says that the
// file is cut off or damaged.
func readJXL(data []byte) (j jxl, err error) {
	stream := data
	if bytes.HasPrefix(data, []byte(jxlContainer)) {
		if stream, err = j.boxes(data); err != nil {
			return j, err
		}
	}
	if len(stream) < 2 || stream[0] != 0xff || stream[1] != 0x0a {
		return j, errTruncated
	}
	return j, j.header(&lsbReader{data: stream[2:]})
}

// boxes reads the container, and returns the beginning of the codestream, in one or several boxes.
func (j *jxl) boxes(data []byte) (stream []byte, err error) {
	var whole, last bool
	for kind, body := range bmffBoxes(data, &whole) {
		switch kind {
		case "jxlc":
			stream, last = body, true
		case "jxlp":
			if len(body) < 4 {
				return nil, errTruncated
			}
			stream = append(stream, body[4:4+min(len(body)-4, maxJXLHeader)]...)
			last = body[0]&0x80 != 0
		case "Exif":
			if len(body) >= 4 && uint64(be32(body)) <= uint64(len(body)-4) {
				j.exif = body[4+be32(body):]
			}
		}
		if len(stream) > 1<<20 {
			break
		}
	}
	if !whole || !last {
		return nil, errTruncated
	}
	return stream, nil
}

// maxJXLHeader is the max number of bytes of each piece of a codestream that is looked at: the header
// has a few dozen.
const maxJXLHeader = 4 << 10

// An lsbReader reads numbers whose first bit is the lowest of a byte. Behind the end it returns zeros and
// sets short.
type lsbReader struct {
	data  []byte
	at    int // bits
	short bool
}

// bits reads n bits, 0 to 32.
func (r *lsbReader) bits(n int) (v uint32) {
	for k := range n {
		i := r.at >> 3
		if i >= len(r.data) {
			r.short = true
			return 0
		}
		v |= uint32(r.data[i]>>(r.at&7)&1) << k
		r.at++
	}
	return v
}

func (r *lsbReader) flag() bool { return r.bits(1) == 1 }

// A range32 is a number of bits and what is added to them.
type range32 struct {
	bits int
	add  uint32
}

// u32 reads a number in one of four ranges (ISO/IEC 18181-1 section B.2.2).
func (r *lsbReader) u32(a, b, c, d range32) uint32 {
	x := [4]range32{a, b, c, d}[r.bits(2)]
	return r.bits(x.bits) + x.add
}

// enum reads a number of an enumeration.
func (r *lsbReader) enum() int {
	return int(r.u32(range32{0, 0}, range32{0, 1}, range32{4, 2}, range32{6, 18}))
}

// size reads a size header. small pictures have sides that are multiples of 8.
func (r *lsbReader) size() (w, h int64) {
	small := r.flag()
	side := func() int64 {
		if small {
			return 8 * int64(r.bits(5)+1)
		}
		return int64(r.u32(range32{9, 1}, range32{13, 1}, range32{18, 1}, range32{30, 1}))
	}
	h = side()
	return r.across(h, side), h
}

// across reads the width, which may be a ratio of the height.
func (r *lsbReader) across(h int64, side func() int64) int64 {
	ratios := [8][2]int64{1: {1, 1}, 2: {12, 10}, 3: {4, 3}, 4: {3, 2}, 5: {16, 9}, 6: {5, 4}, 7: {2, 1}}
	if ratio := ratios[r.bits(3)]; ratio[1] > 0 {
		return h * ratio[0] / ratio[1]
	}
	return side()
}

// preview passes over a preview header.
func (r *lsbReader) preview() {
	eighth := r.flag()
	side := func() int64 {
		if eighth {
			return int64(r.u32(range32{0, 16}, range32{0, 32}, range32{5, 1}, range32{9, 33}))
		}
		return int64(r.u32(range32{6, 1}, range32{8, 65}, range32{10, 321}, range32{12, 1345}))
	}
	r.across(side(), side)
}

// depth passes over the depth of samples.
func (r *lsbReader) depth() {
	if r.flag() {
		r.u32(range32{0, 32}, range32{0, 16}, range32{0, 24}, range32{6, 1})
		r.bits(4)
		return
	}
	r.u32(range32{0, 8}, range32{0, 10}, range32{0, 12}, range32{6, 1})
}

// header reads size and metadata of a codestream.
func (j *jxl) header(r *lsbReader) error {
	j.width, j.height = r.size()
	j.orientation = 1
	if !r.flag() { // not all as usual
		if r.flag() {
			j.orientation = int(r.bits(3)) + 1
			if r.flag() {
				r.size()
			}
			if r.flag() {
				r.preview()
			}
			if j.animated = r.flag(); j.animated {
				return nil
			}
		}
		r.depth()
		r.bits(1)
		for range r.u32(range32{0, 0}, range32{0, 1}, range32{4, 2}, range32{12, 1}) {
			if j.extra(r); r.short {
				return errTruncated
			}
		}
		r.bits(1) // is it coded as XYB
		j.colour(r)
	}
	if r.short {
		return errTruncated
	}
	return nil
}

// extra reads an extra channel: transparency, black, or others.
func (j *jxl) extra(r *lsbReader) {
	if r.flag() {
		return
	}
	kind := r.enum()
	r.depth()
	r.u32(range32{0, 0}, range32{0, 3}, range32{0, 4}, range32{3, 1})
	for range r.u32(range32{0, 0}, range32{4, 0}, range32{5, 16}, range32{10, 48}) {
		r.bits(8)
	}
	switch kind {
	case 0:
		r.bits(1)
	case 2:
		for range 4 {
			r.bits(16)
		}
	case 4:
		j.black = true
	case 5:
		r.u32(range32{0, 1}, range32{2, 0}, range32{4, 3}, range32{8, 19})
	}
}

// colour reads what the numbers of colours mean. Own primaries and white points stay unknown.
func (j *jxl) colour(r *lsbReader) {
	const gray, xyb, custom = 1, 2, 2
	if r.flag() {
		return
	}
	j.icc = r.flag()
	space := r.enum()
	if j.icc || space == xyb {
		return
	}
	own := func(n int) {
		for range 2 * n {
			r.u32(range32{19, 0}, range32{19, 1 << 19}, range32{20, 1 << 20}, range32{21, 1 << 21})
		}
	}
	if r.enum() == custom {
		own(1)
	}
	if space == gray {
		return
	}
	if j.colours.primaries = r.enum(); j.colours.primaries == custom {
		own(3)
		j.colours.primaries = 0
	}
	if j.colours.primaries == 11 { // P3, which H.273 numbers by its white
		j.colours.primaries = 12
	}
	if !r.flag() {
		j.colours.transfer = r.enum()
	}
}

// jxlHeader reads size and orientation, and refuses what is not read.
func jxlHeader(data []byte) (header, error) {
	j, err := readJXL(data)
	switch {
	case err != nil:
		return header{}, err
	case j.animated:
		return header{}, errors.New("animated JPEG XL is not supported yet")
	case j.black:
		return header{}, errors.New("CMYK colours are not supported yet")
	case j.width > maxHEIFSide || j.height > maxHEIFSide:
		return header{width: j.width, height: j.height}, fmt.Errorf("picture of %d x %d pixels", j.width, j.height)
	}
	return header{width: j.width, height: j.height, orientation: j.orientation, coded: j.width * j.height, turned: true}, nil
}

// readJXL sets the profile of a JPEG XL, and returns its EXIF block.
func (s *Source) readJXL(data []byte) []byte {
	j, err := readJXL(data)
	if err != nil {
		return nil
	}
	if !j.icc {
		s.ICC = j.colours.profile()
	}
	return j.exif
}
