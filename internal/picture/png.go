package picture

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"iter"
)

const (
	pngSignature = 8
	pngIHDR      = 13
	// maxDeflate is the best compression of DEFLATE: 258 bytes out of two bits (RFC 1951 section 3.2.5).
	maxDeflate = 1032
)

// pngHeader reads size, orientation, colours of the palette and frames from the chunks (PNG
// specification, third edition, section 5). truncated is set if there is no IEND. It decodes no
// pixels. Checksums and chunk order are left to the decoder.
func pngHeader(data []byte) (h header, err error) {
	h.truncated = true
	if at := data[pngSignature:]; !ofApp(data) && len(at) >= 12 && (string(at[4:8]) != "IHDR" || binary.BigEndian.Uint32(at) != pngIHDR) {
		return h, errors.New("no IHDR chunk at the beginning")
	}
	frames, still, exif := 0, 0, []byte(nil)
	for kind, body := range pngChunks(data) {
		switch kind {
		case "IHDR":
			if len(body) == pngIHDR {
				h.width, h.height = int64(binary.BigEndian.Uint32(body)), int64(binary.BigEndian.Uint32(body[4:]))
			}
		case "PLTE":
			h.palette = len(body) / 3
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
			h.truncated = false
		}
	}
	if h.width == 0 && h.truncated {
		return h, errTruncated
	}
	h.orientation, h.pages = exifOrientation(exif), frames+still
	return h, nil
}

// pngChunks gives the kind and body of each chunk that lies wholly within data, up to and with IEND. data begins with
// the signature. Checksums are not compared, and bodies share the memory of data.
func pngChunks(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for at := pngSignature; len(data)-at >= 12; {
			size, kind := int64(binary.BigEndian.Uint32(data[at:])), string(data[at+4:at+8])
			if size > int64(len(data)-at-12) || !yield(kind, data[at+8:at+8+int(size)]) || kind == "IEND" {
				return
			}
			at += 12 + int(size)
		}
	}
}

// A pngChunk is one chunk as it is written again.
type pngChunk struct {
	kind string
	body []byte
}

// append writes the chunk with its length and checksum (section 5.3).
func (c pngChunk) append(to []byte) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(c.body)))
	start := len(to)
	to = append(append(to, c.kind...), c.body...)
	return binary.BigEndian.AppendUint32(to, crc32.ChecksumIEEE(to[start:]))
}

// pngColours are the chunks that say in numbers which colours are meant, with
// their sizes (section 11.3.2). Like a profile they have to go with the pixels.
var pngColours = map[string]int{"cHRM": 32, "gAMA": 4, "sRGB": 1, "cICP": 4}

// describePNG sets what a PNG says of its colours: Gray, the profile, and the chunks of pngColours. It
// returns the EXIF block, or nil. Only what lies before the pixels counts for colours (section
// 5.6), and of two profiles or blocks the first.
func describePNG(s *Source, data []byte) (exif []byte) {
	pixels, known := false, 0
	for kind, body := range pngChunks(data) {
		size := pngColours[kind]
		switch {
		case kind == "IHDR" && len(body) == pngIHDR:
			s.Gray = body[9]&2 == 0 // bit 1 of the colour type: colours
		case kind == "IDAT":
			pixels = true
		case kind == "iCCP" && s.ICC == nil && !pixels:
			s.ICC = inflateProfile(body)
		case size > 0 && len(body) == size && !pixels && known < len(pngColours):
			known++
			s.colour = pngChunk{kind, body}.append(s.colour)
		case kind == "eXIf" && exif == nil:
			exif = body
		}
	}
	return exif
}

// pngPixels decodes a PNG of the size and palette in h. It refuses data that is too short for one
// bit a pixel, and indexes beyond the palette.
func pngPixels(data []byte, h *header) (*image.NRGBA, error) {
	// One bit a pixel is the least that a pixel takes before compression.
	if (h.width+7)/8*h.height/maxDeflate > int64(len(data)) {
		return nil, cannotHold(int64(len(data)), *h)
	}
	app := ofApp(data)
	if app {
		data = plainPNG(data, (8*h.width+8)*(h.height+8))
	}
	img, err := pixels(png.Decode, data)
	if err != nil {
		return nil, err
	}
	if app {
		img = swapped(img)
	}
	// image/png makes a palette longer when an index lies beyond its end.
	if p, ok := img.(*image.Paletted); ok && len(p.Palette) > h.palette {
		return nil, errPaletteIndex
	}
	return ToNRGBA(img), nil
}

// ofApp reports whether a PNG is written as Xcode puts it into apps for iPhones: with a chunk CgBI before all others. Such
// files were opened by reverse engineering (iphonedevwiki, "CgBI file format").
func ofApp(data []byte) bool {
	return len(data) >= pngSignature+8 && string(data[pngSignature+4:pngSignature+8]) == "CgBI"
}

// plainPNG returns a PNG of an app with its pixels as zlib wants them: with header and checksum. It inflates up to limit bytes.
// Colours stay as they are. Damage is left to the decoder.
func plainPNG(data []byte, limit int64) []byte {
	out, packed := bytes.Clone(data[:pngSignature]), []byte{0x78, 1}
	for kind, body := range pngChunks(data) {
		switch kind {
		case "CgBI":
			continue
		case "IDAT":
			packed = append(packed, body...)
			continue
		case "IEND":
			sum := adler32.New()
			io.CopyN(sum, flate.NewReader(bytes.NewReader(packed[2:])), limit)
			out = pngChunk{"IDAT", sum.Sum(packed)}.append(out)
		}
		out = pngChunk{kind, body}.append(out)
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
