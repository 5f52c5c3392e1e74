// Package heif reads what HEIC and AVIF say of themselves. Their pixels are decoded by others.
package heif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"iter"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// HEICHeader reads the header of a HEIF whose primary picture is coded as HEVC. Its decoder clips and turns.
func HEICHeader(data []byte) (codec.Header, error) {
	f, h, err := readHeader(data, "hvc1", "HEVC")
	if err == nil {
		h.Turned, h.Colours = true, f.colours()
	}
	return h, err
}

// AVIFHeader reads the header of a HEIF whose primary picture is coded as AV1.
func AVIFHeader(data []byte) (codec.Header, error) {
	f, h, err := readHeader(data, "av01", "AV1")
	if err == nil && f.transform(&h) != nil {
		err = errors.New("an orientation or a clip that makes no sense")
	}
	return h, err
}

// readHeader reads the size of the primary picture. It must be coded as coder, whose name is for errors, or in tiles.
func readHeader(data []byte, coder, name string) (f *file, h codec.Header, err error) {
	if f, err = read(data); err != nil {
		return nil, h, err
	}
	if f.kind != coder && f.kind != "grid" && f.kind != "iovl" {
		return nil, h, fmt.Errorf("a picture coded as %q, not as %s, is not supported yet", f.kind, name)
	}
	if b := f.property("ispe"); len(b) >= 12 {
		h.Width, h.Height = int64(binary.BigEndian.Uint32(b[4:])), int64(binary.BigEndian.Uint32(b[8:]))
	}
	h.Pages = 1 + len(f.more)
	return f, h, nil
}

// transform reads clips, turns and mirrors into crop and orientation of h (ISO/IEC 23008-12 sections 6.5.9,
// 6.5.10 and 6.5.12). EXIF's orientation does not count.
func (f *file) transform(h *codec.Header) error {
	h.Orientation = 1
	for _, p := range f.own {
		b := p.body
		switch {
		case p.kind == "irot" && len(b) > 0:
			for range b[0] & 3 {
				h.Orientation = leftOf[h.Orientation]
			}
		case p.kind == "imir" && len(b) > 0:
			if b[0]&1 == 0 { // top for bottom
				h.Orientation = leftOf[leftOf[h.Orientation]]
			}
			h.Orientation = mirrorOf[h.Orientation]
		case p.kind == "clap" && len(b) >= 32:
			if h.Orientation != 1 || !h.Crop.Empty() {
				return errors.New("a clip behind a turn")
			}
			if h.Crop = clip(b, h.Width, h.Height); h.Crop.Empty() {
				return errors.New("an empty clip")
			}
		}
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
	number := func(at int) (over, under int64) {
		return int64(int32(binary.BigEndian.Uint32(b[at:]))), int64(binary.BigEndian.Uint32(b[at+4:]))
	}
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

// colours returns how the colours are coded, as the file says it by numbers (nclx).
func (f *file) colours() pixel.Coding {
	if b := f.colour("nclx"); len(b) >= 7 {
		return pixel.Coding{Primaries: int(binary.BigEndian.Uint16(b)), Transfer: int(binary.BigEndian.Uint16(b[2:])), Matrix: int(binary.BigEndian.Uint16(b[4:])), Full: b[6]&0x80 != 0}
	}
	return pixel.Coding{Matrix: pixel.Unspecified, Full: true} // as libheif has it
}

// Describe sets the profile of a HEIC or AVIF, and returns its EXIF block.
func Describe(s *codec.Source, data []byte) []byte {
	f, err := read(data)
	if err != nil {
		return nil
	}
	const chroma = 16 // its byte in hvcC (ISO/IEC 14496-15 section 8.3.2)
	config := f.property("hvcC")
	s.Gray = len(config) > chroma && config[chroma]&3 == 0
	if s.ICC = icc.Keep(f.colour("prof", "rICC")); s.ICC == nil {
		c := f.colours()
		s.ICC = icc.Named(c.Primaries, c.Transfer)
	}
	return f.exif
}

var (
	ErrSequence = errors.New("a sequence of pictures (a video) without a picture that stands for it is not supported yet")
	errItems    = errors.New("the list of its parts is damaged")
)

// bmffBoxes gives the kind and body of each box of an ISO base media file (ISO/IEC 14496-12 section
// 4.2) that lies wholly within data. At the end it sets cut to the kind of a box that is cut off.
func bmffBoxes(data []byte, cut *string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(data) > 0 {
			if len(data) < 8 {
				*cut = "?"
				return
			}
			*cut = string(data[4:8])
			size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
			switch size {
			case 0:
				size = uint64(len(data))
			case 1:
				if len(data) < 16 {
					return
				}
				size, head = uint64(binary.BigEndian.Uint32(data[8:]))<<32|uint64(binary.BigEndian.Uint32(data[12:])), 16
			}
			if size < head || size > uint64(len(data)) || !yield(string(data[4:8]), data[head:size]) {
				return
			}
			data = data[size:]
		}
		*cut = ""
	}
}

// A numbers reads big-endian numbers from hostile data. Behind the end it returns zeros and sets short.
type numbers struct {
	data  []byte
	short bool
}

// uint reads a number of n bytes. Of more than 8 it returns the last 8.
func (r *numbers) uint(n int) (v uint64) {
	for range n {
		if len(r.data) == 0 {
			r.short = true
			return 0
		}
		v, r.data = v<<8|uint64(r.data[0]), r.data[1:]
	}
	return v
}

// A file is what is read of a HEIF or AVIF file (ISO/IEC 23008-12): its primary picture.
type file struct {
	kind string          // of the primary picture
	more map[uint32]bool // other pictures, by item, that stand for themselves
	own  []property      // in the order in which they count
	all  []property      // also of its tiles, and of other pictures
	exif []byte
}

// As many properties as ipma can give to an item (a count of 8 bits), and number in all (15 bits, ISO/IEC 23008-12
// section 9.3). More are an error: each of 1 to 8 bytes takes 40 in memory, before any limit.
const maxOwn, maxProperties = 1<<8 - 1, 1<<15 - 1

// A property says something of the items that name it.
type property struct {
	kind string
	body []byte
}

// read reads the structure. The parts of the result lie in data. Other bytes behind the last box do not count.
func read(data []byte) (h *file, err error) {
	var cut string
	for kind, body := range bmffBoxes(data, &cut) {
		if kind == "meta" && len(body) > 4 && h == nil {
			h = &file{}
			err = h.meta(body[4:], data)
		}
	}
	switch {
	case cut == "mdat" || cut != "" && h == nil:
		return nil, codec.ErrTruncated
	case h == nil:
		return nil, ErrSequence
	}
	return h, err
}

// meta reads the body of a meta box of the file data, behind version and flags.
func (h *file) meta(body, data []byte) error {
	boxes := map[string][]byte{"pitm": nil, "iinf": nil, "iloc": nil, "idat": nil, "iref": nil, "iprp": nil}
	var cut string
	for kind, b := range bmffBoxes(body, &cut) {
		if first, known := boxes[kind]; known && first == nil {
			boxes[kind] = b
		}
	}
	if cut != "" {
		return codec.ErrTruncated
	}
	r := numbers{data: boxes["pitm"]}
	primary := uint32(r.uint(idSize(r.uint(4)>>24 > 0)))
	h.more = map[uint32]bool{}
	sought := false // an Exif item: to look it up reads all of iloc, so that only the first is
	r = numbers{data: boxes["iinf"]}
	r.uint(idSize(r.uint(4)>>24 > 0)) // how many
	for kind, b := range bmffBoxes(r.data, &cut) {
		e := numbers{data: b}
		head := e.uint(4)
		version, hidden := head>>24, head&1 > 0
		if kind != "infe" || version < 2 {
			continue
		}
		id := uint32(e.uint(idSize(version > 2)))
		e.uint(2) // protection
		if len(e.data) < 4 {
			return errItems
		}
		switch kind := string(e.data[:4]); {
		case id == primary:
			h.kind = kind
		case !hidden && (kind == "hvc1" || kind == "av01" || kind == "grid" || kind == "iovl"):
			h.more[id] = true
		case kind == "Exif" && !sought:
			sought = true
			if block := itemBytes(boxes["iloc"], data, boxes["idat"], id); len(block) >= 4 && uint64(binary.BigEndian.Uint32(block)) <= uint64(len(block)-4) {
				h.exif = block[4+binary.BigEndian.Uint32(block):]
			}
		}
	}
	if h.kind == "" {
		return ErrSequence
	}
	h.leaveOut(boxes["iref"])
	return h.properties(boxes["iprp"], primary)
}

// leaveOut takes thumbnails, auxiliary pictures (depth, gain) and tiles out of h.more, as references (iref) tell them.
func (h *file) leaveOut(iref []byte) {
	r, cut := numbers{data: iref}, ""
	id := idSize(r.uint(4)>>24 > 0)
	for kind, b := range bmffBoxes(r.data, &cut) {
		r := numbers{data: b}
		switch from := uint32(r.uint(id)); kind {
		case "thmb", "auxl":
			delete(h.more, from)
		case "dimg":
			for range min(r.uint(2), uint64(len(b))) {
				delete(h.more, uint32(r.uint(id)))
			}
		}
	}
}

func idSize(long bool) int {
	if long {
		return 4
	}
	return 2
}

// itemBytes returns the first piece of an item (iloc): in data, the file, or in idat. It returns nil if
// nothing says where the item lies, or if it lies beyond the data.
func itemBytes(iloc, data, idat []byte, item uint32) []byte {
	r := numbers{data: iloc}
	version, sizes := r.uint(4)>>24, r.uint(2)
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		indexSize = 0
	}
	for range r.uint(idSize(version > 1)) {
		id, from := uint32(r.uint(idSize(version > 1))), data
		if version > 0 && r.uint(2)&15 == 1 {
			from = idat
		}
		r.uint(2) // data reference
		base, pieces := r.uint(baseSize), int(r.uint(2))*(indexSize+offsetSize+lengthSize)
		if r.short || pieces > len(r.data) {
			return nil
		}
		if id != item {
			r.data = r.data[pieces:]
			continue
		}
		r.uint(indexSize)
		offset := base + r.uint(offsetSize)
		if length := r.uint(lengthSize); !r.short && offset <= uint64(len(from)) && length <= uint64(len(from))-offset {
			return from[offset : offset+length]
		}
		return nil
	}
	return nil
}

// properties reads what is said of items (iprp), and of the primary one.
func (h *file) properties(body []byte, primary uint32) error {
	var cut, inner string
	for kind, b := range bmffBoxes(body, &cut) {
		switch kind {
		case "ipco":
			for kind, p := range bmffBoxes(b, &inner) {
				h.all = append(h.all[:min(len(h.all), maxProperties)], property{kind, p}) // more are an error below
			}
		case "ipma":
			r := numbers{data: b}
			head := r.uint(4)
			size := 1 + int(head&1)
			for range r.uint(4) {
				id := uint32(r.uint(idSize(head>>24 > 0)))
				for range r.uint(1) {
					i := int(r.uint(size)) &^ (1 << (8*size - 1)) // without the bit for essential ones
					if id == primary && i > 0 && i <= len(h.all) {
						h.own = append(h.own, h.all[i-1])
					}
				}
				if r.short || len(h.own) > maxOwn {
					return errItems
				}
			}
		}
	}
	if cut != "" || inner != "" || len(h.all) > maxProperties {
		return errItems
	}
	return nil
}

// property returns the body of the primary picture's first property of a kind; nil without one.
func (h *file) property(kind string) []byte {
	for _, p := range h.own {
		if p.kind == kind {
			return p.body
		}
	}
	return nil
}

// colour returns what the file says of its colours (colr) in one of these forms, behind the form: of the primary
// picture, else of a tile of it. It returns nil if the file says nothing so.
func (h *file) colour(forms ...string) []byte {
	for _, list := range [][]property{h.own, h.all} {
		for _, p := range list {
			for _, form := range forms {
				if p.kind == "colr" && len(p.body) > 4 && string(p.body[:4]) == form {
					return p.body[4:]
				}
			}
		}
	}
	return nil
}
