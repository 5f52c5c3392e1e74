// Package heif reads what HEIC and AVIF say of themselves. Their pixels are decoded by others.
package heif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

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
