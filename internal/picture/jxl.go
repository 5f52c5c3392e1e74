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
	xyb           bool // its pixels are coded without regard to its colours
	colours       colours
	icc           []byte
	exif          []byte

	stream []byte // the codestream without its first two bytes
	place  [4]int // bits of stream: where colours begin and end, where the profile begins, where pictures begin
	grey   bool
	other  bool // its colours have no number that profile knows
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
	j.stream = stream[2:]
	return j, j.header(&lsbReader{data: j.stream})
}

// boxes reads the container, and returns the codestream, which lies in one or several boxes.
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
			stream = append(stream, body[4:]...)
			last = body[0]&0x80 != 0
		case "Exif":
			if len(body) >= 4 && uint64(be32(body)) <= uint64(len(body)-4) {
				j.exif = body[4+be32(body):]
			}
		}
	}
	if !whole || !last {
		return nil, errTruncated
	}
	return stream, nil
}

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

// u64 reads a number of up to 64 bits.
func (r *lsbReader) u64() uint64 {
	switch r.bits(2) {
	case 0:
		return 0
	case 1:
		return uint64(1 + r.bits(4))
	case 2:
		return uint64(17 + r.bits(8))
	}
	v := uint64(r.bits(12))
	for shift := 12; r.flag(); shift += 8 {
		if shift == 60 {
			return v | uint64(r.bits(4))<<60
		}
		v |= uint64(r.bits(8)) << shift
	}
	return v
}

// skip passes over n bits.
func (r *lsbReader) skip(n uint64) {
	if n > uint64(8*len(r.data)-r.at) {
		r.at, r.short = 8*len(r.data), true
		return
	}
	r.at += int(n)
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
func (j *jxl) header(r *lsbReader) (err error) {
	j.width, j.height = r.size()
	j.orientation, j.xyb = 1, true
	profile := false
	if !r.flag() { // not all as usual
		more := r.flag()
		if more {
			j.orientation = int(r.bits(3)) + 1
			if r.flag() {
				r.size()
			}
			if r.flag() {
				r.preview()
			}
			if j.animated = r.flag(); j.animated {
				r.u32(range32{0, 100}, range32{0, 1000}, range32{10, 1}, range32{30, 1})
				r.u32(range32{0, 1}, range32{0, 1001}, range32{8, 1}, range32{10, 1})
				r.u32(range32{0, 0}, range32{3, 0}, range32{16, 0}, range32{32, 0})
				r.bits(1)
			}
		}
		r.depth()
		r.bits(1)
		for range r.u32(range32{0, 0}, range32{0, 1}, range32{4, 2}, range32{12, 1}) {
			if j.extra(r); r.short {
				return errTruncated
			}
		}
		j.xyb = r.flag()
		j.place[0] = r.at
		profile = j.colour(r)
		j.place[1] = r.at
		if more && !r.flag() { // brightness
			r.skip(16 + 16 + 1 + 16)
		}
		r.extensions()
	}
	r.transforms(j.xyb)
	if j.place[2] = r.at; profile {
		if j.icc, err = r.profile(); err != nil {
			return err
		}
	}
	j.place[3] = r.at
	if r.short {
		return errTruncated
	}
	return nil
}

// extensions passes over extensions.
func (r *lsbReader) extensions() {
	length := uint64(0)
	for set := r.u64(); set > 0 && !r.short; set &= set - 1 {
		n := r.u64()
		if length += n; n > uint64(8*len(r.data)) {
			r.short = true
		}
	}
	r.skip(length)
}

// transforms passes over how pixels are made from what is coded, and how they are enlarged.
func (r *lsbReader) transforms(xyb bool) {
	if r.flag() { // as usual
		return
	}
	if xyb && !r.flag() {
		r.skip(16 * (9 + 3 + 3 + 1))
	}
	set := r.bits(3)
	for i, weights := range []uint64{15, 55, 210} {
		if set>>i&1 == 1 {
			r.skip(16 * weights)
		}
	}
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

// colour reads what the numbers of colours mean. It reports whether a profile says it instead.
func (j *jxl) colour(r *lsbReader) (profile bool) {
	const gray, xyb, custom, d65, sRGB = 1, 2, 2, 1, 13
	if r.flag() {
		return false
	}
	profile = r.flag()
	space := r.enum()
	if j.grey = space == gray; profile || space == xyb {
		j.other = true
		return profile
	}
	own := func(n int) {
		for range 2 * n {
			r.u32(range32{19, 0}, range32{19, 1 << 19}, range32{20, 1 << 20}, range32{21, 1 << 21})
		}
		j.other = true
	}
	switch r.enum() {
	case d65:
	case custom:
		own(1)
	default:
		j.other = true
	}
	if space != gray {
		switch j.colours.primaries = r.enum(); j.colours.primaries {
		case custom:
			own(3)
			j.colours.primaries = 0
		case 11: // P3, which H.273 numbers by its white
			j.colours.primaries = 12
		}
	}
	if r.flag() { // a power
		r.bits(24)
		j.other = true
	} else if j.colours.transfer = r.enum(); j.colours.transfer != sRGB && j.colours.transfer != 16 && j.colours.transfer != 18 {
		j.other = true
	}
	r.enum() // the intent
	return false
}

// plainJXL returns a file that decodes to sRGB. It returns data itself if its colours have a number, or if
// it is coded in them. Without colour management the decoder gives linear light instead of the colours of a
// profile.
func plainJXL(data []byte) ([]byte, error) {
	j, err := readJXL(data)
	if err != nil || !j.xyb || !j.other {
		return data, err
	}
	w, r := &lsbWriter{data: []byte("\xff\x0a")}, &lsbReader{data: j.stream}
	copyTo := func(end int) {
		for r.at < end {
			w.bits(r.bits(1), 1)
		}
	}
	copyTo(j.place[0])
	if j.grey {
		for _, v := range sRGBGrey {
			w.bits(v[0], int(v[1]))
		}
	} else {
		w.bits(1, 1) // the usual colours
	}
	r.at = j.place[1]
	copyTo(j.place[2])
	return append(w.data, j.stream[min((j.place[3]+7)/8, len(j.stream)):]...), nil
}

// sRGBGrey says grey under D65 with the curve of sRGB, numbers and their bits: not the usual colours, no
// profile, grey, D65, no power, 2 + 11, relative.
var sRGBGrey = [][2]uint32{{0, 1}, {0, 1}, {1, 2}, {1, 2}, {0, 1}, {2, 2}, {11, 4}, {1, 2}}

// An lsbWriter writes what an lsbReader reads, behind whole bytes.
type lsbWriter struct {
	data []byte
	at   int // bits
}

// bits writes the n lowest bits of v.
func (w *lsbWriter) bits(v uint32, n int) {
	for k := range n {
		if w.at&7 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[len(w.data)-1] |= byte(v>>k&1) << (w.at & 7)
		w.at++
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
	h := header{width: j.width, height: j.height, orientation: j.orientation, coded: j.width * j.height, turned: true}
	if j.xyb && j.other {
		h.decoder = "github.com/gen2brain/jpegxl v0.4.5, as sRGB"
	}
	return h, nil
}

// readJXL sets the profile of a JPEG XL, and returns its EXIF block.
func (s *Source) readJXL(data []byte) []byte {
	j, err := readJXL(data)
	if err != nil {
		return nil
	}
	s.Gray = j.grey
	switch {
	case j.xyb && j.other: // decoded as sRGB
	case j.icc != nil:
		s.ICC = profile(j.icc)
	default:
		s.ICC = j.colours.profile()
	}
	return j.exif
}
