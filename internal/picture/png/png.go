// Package png reads and writes PNG.
package png

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"iter"
	"slices"

	"github.com/disintegration/imaging"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// inflateProfile returns the profile in the body of a PNG's iCCP chunk (PNG, third edition, section 11.3.2.3): a name,
// a zero, the method 0, and a zlib stream. It returns nil if the body is damaged or the profile is not kept. The
// profile's header is looked at before anything is allocated for the rest.
func inflateProfile(body []byte) []byte {
	end := bytes.IndexByte(body, 0)
	if end < 1 || end > 79 || len(body) < end+2 || body[end+1] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(body[end+2:]))
	if err != nil {
		return nil
	}
	defer z.Close()
	var header [icc.HeaderBytes]byte
	if _, err := io.ReadFull(z, header[:]); err != nil {
		return nil
	}
	size, ok := icc.Size(header[:])
	if !ok {
		return nil
	}
	whole := bytes.NewBuffer(bytes.Clone(header[:]))
	if _, err := io.Copy(whole, io.LimitReader(z, int64(size-icc.HeaderBytes))); err != nil {
		return nil
	}
	return icc.Keep(whole.Bytes())
}

const (
	signature  = 8
	HeaderSize = 13
	// maxDeflate is the best compression of DEFLATE: 258 bytes out of two bits (RFC 1951 section 3.2.5).
	maxDeflate = 1032
)

// Header reads size, orientation, colours of the palette and frames from the chunks (PNG
// specification, third edition, section 5). truncated is set if there is no IEND. It decodes no
// pixels. Checksums and chunk order are left to the decoder.
func Header(data []byte) (h codec.Header, err error) {
	h.Truncated = true
	if at := data[signature:]; !ofApp(data) && len(at) >= 12 && (string(at[4:8]) != "IHDR" || binary.BigEndian.Uint32(at) != HeaderSize) {
		return h, errors.New("no IHDR chunk at the beginning")
	}
	frames, still, exif := 0, 0, []byte(nil)
	for kind, body := range Chunks(data) {
		switch kind {
		case "IHDR":
			if len(body) == HeaderSize {
				h.Width, h.Height = int64(binary.BigEndian.Uint32(body)), int64(binary.BigEndian.Uint32(body[4:]))
			}
		case "PLTE":
			h.Palette = len(body) / 3
		case "eXIf":
			if exif == nil {
				exif = body
			}
		case "fcTL":
			frames++
		case "IDAT":
			if frames == 0 { // a picture that is no frame
				still = 1
			}
		case "IEND":
			h.Truncated = false
		}
	}
	if h.Width == 0 && h.Truncated {
		return h, codec.ErrTruncated
	}
	h.Orientation, h.Pages = ifd.Orientation(exif), frames+still
	return h, nil
}

// Chunks gives the kind and body of each chunk that lies wholly within data, up to and with IEND. data begins with
// the signature. Checksums are not compared, and bodies share the memory of data.
func Chunks(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for at := signature; len(data)-at >= 12; {
			size, kind := int64(binary.BigEndian.Uint32(data[at:])), string(data[at+4:at+8])
			if size > int64(len(data)-at-12) || !yield(kind, data[at+8:at+8+int(size)]) || kind == "IEND" {
				return
			}
			at += 12 + int(size)
		}
	}
}

// append writes the chunk with its length and checksum (section 5.3).
func (c chunk) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(c.body)))
	start := len(to)
	to = append(append(to, c.kind...), c.body...)
	return binary.BigEndian.AppendUint32(to, crc32.ChecksumIEEE(to[start:]))
}

// colourChunks are the chunks that say in numbers which colours are meant, with
// their sizes (section 11.3.2). Like a profile they have to go with the pixels.
var colourChunks = map[string]int{"cHRM": 32, "gAMA": 4, "sRGB": 1, "cICP": 4}

// Describe sets what a PNG says of its colours: Gray, the profile, and the chunks of colourChunks. It
// returns the EXIF block, or nil. Only what lies before the pixels counts for colours (section
// 5.6), and of two profiles or blocks the first.
func Describe(s *codec.Source, data []byte) (exif []byte) {
	pixels, known := false, 0
	for kind, body := range Chunks(data) {
		size := colourChunks[kind]
		switch {
		case kind == "IHDR" && len(body) == HeaderSize:
			s.Gray = body[9]&2 == 0 // bit 1 of the colour type: colours
		case kind == "IDAT":
			pixels = true
		case kind == "iCCP" && s.ICC == nil && !pixels:
			s.ICC = inflateProfile(body)
		case size > 0 && len(body) == size && !pixels && known < len(colourChunks):
			known++
			s.Colour = chunk{kind, body}.append(s.Colour)
		case kind == "eXIf" && exif == nil:
			exif = body
		}
	}
	return exif
}

// Pixels decodes a PNG of the size and palette in h. It refuses data that is too short for one
// bit a pixel, and indexes beyond the palette.
func Pixels(data []byte, h *codec.Header) (*image.NRGBA, error) {
	// One bit a pixel is the least that a pixel takes before compression.
	if (h.Width+7)/8*h.Height/maxDeflate > int64(len(data)) {
		return nil, codec.CannotHold(int64(len(data)), *h)
	}
	app := ofApp(data)
	if app {
		data = plainPNG(data, (8*h.Width+8)*(h.Height+8))
	}
	img, err := codec.Guard(png.Decode, data)
	if err != nil {
		return nil, err
	}
	if app {
		img = swapped(img)
	}
	// image/png makes a palette longer when an index lies beyond its end.
	if p, ok := img.(*image.Paletted); ok && len(p.Palette) > h.Palette {
		return nil, errPaletteIndex
	}
	return pixel.ToNRGBA(img), nil
}

// ofApp reports whether a PNG is written as Xcode puts it into apps for iPhones: with a chunk CgBI before all others. Such
// files were opened by reverse engineering (iphonedevwiki, "CgBI file format").
func ofApp(data []byte) bool {
	return len(data) >= signature+8 && string(data[signature+4:signature+8]) == "CgBI"
}

// plainPNG returns a PNG of an app with its pixels as zlib wants them: with header and checksum. It inflates up to limit bytes.
// Colours stay as they are. Damage is left to the decoder.
func plainPNG(data []byte, limit int64) []byte {
	out, packed := bytes.Clone(data[:signature]), []byte{0x78, 1}
	for kind, body := range Chunks(data) {
		switch kind {
		case "CgBI":
			continue
		case "IDAT":
			packed = append(packed, body...)
			continue
		case "IEND":
			sum := adler32.New()
			io.CopyN(sum, flate.NewReader(bytes.NewReader(packed[2:])), limit)
			out = chunk{"IDAT", sum.Sum(packed)}.append(out)
		}
		out = chunk{kind, body}.append(out)
	}
	return out
}

// swapped returns the pixels of an app with red and blue in their places. Alpha is multiplied into them.
func swapped(img image.Image) image.Image {
	var out image.RGBA
	switch p := img.(type) {
	case *image.NRGBA:
		out = image.RGBA(*p)
	case *image.RGBA:
		out = *p
	default: // without colours
		return img
	}
	for i := 0; i < len(out.Pix); i += 4 {
		out.Pix[i], out.Pix[i+2] = out.Pix[i+2], out.Pix[i]
	}
	return &out
}

var errPaletteIndex = errors.New("palette index out of range")

func Encode(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, _ codec.Source, _ codec.LikeOptions) error {
	if gray != nil {
		return png.Encode(b, gray)
	}
	return imaging.Encode(b, pix, imaging.PNG)
}

// deflateProfile returns the body of an iCCP chunk with the profile icc, compressed: the inverse of inflateProfile.
func deflateProfile(icc []byte) []byte {
	body := bytes.NewBufferString("ICC Profile\x00\x00")
	z := zlib.NewWriter(body)
	z.Write(icc) // to memory: it cannot fail
	z.Close()
	return body.Bytes()
}

// Insert returns file, an encoded PNG, with more chunks behind IHDR, before the pixels: the profile, or without one
// what the source PNG says of its colours, and EXIF unless exif is nil. A profile is the better description (PNG,
// section 4.3). codec.ErrNoPlace means that file is too short for IHDR.
func Insert(s codec.Source, file, exif []byte, _ image.Rectangle) ([]byte, error) {
	const behindIHDR = signature + 12 + HeaderSize
	if len(file) < behindIHDR {
		return nil, codec.ErrNoPlace
	}
	extra := s.Colour
	if s.ICC != nil {
		extra = chunk{"iCCP", deflateProfile(s.ICC)}.append(nil)
	}
	if exif != nil {
		extra = chunk{"eXIf", exif}.append(slices.Clip(extra))
	}
	return codec.Splice(file, behindIHDR, extra), nil
}

// Named returns a profile of what a PNG says of its colours by numbers (cICP), or nil.
func Named(s *codec.Source) []byte {
	for kind, body := range Chunks(append(make([]byte, signature), s.Colour...)) {
		if kind == "cICP" {
			return icc.Named(int(body[0]), int(body[1]))
		}
	}
	return nil
}

// A chunk is one chunk as it is written again.
type chunk struct {
	kind string
	body []byte
}
