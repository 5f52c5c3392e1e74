package picture

import (
	"errors"
	"image"
	"image/png"
)

const (
	pngSignature = 8
	pngIHDR      = 13
	// mostDeflate is the best compression of DEFLATE: 258 bytes out of two
	// bits (RFC 1951 section 3.2.5).
	mostDeflate = 1032
)

// pngHeader walks the chunks (PNG specification, third edition, section 5).
// Checksums and chunk order are left to the decoder.
func pngHeader(data []byte) (h header, err error) {
	h.truncated = true
	frames, exif := 0, []byte(nil)
	for at := pngSignature; len(data)-at >= 12; {
		size, kind := int64(be32(data[at:])), string(data[at+4:at+8])
		if at == pngSignature && (kind != "IHDR" || size != pngIHDR) {
			return h, errors.New("no IHDR chunk at the beginning")
		}
		if size > int64(len(data)-at-12) {
			break
		}
		body := data[at+8 : at+8+int(size)]
		switch kind {
		case "IHDR":
			if len(body) == pngIHDR {
				h.width, h.height = int64(be32(body)), int64(be32(body[4:]))
			}
		case "PLTE":
			h.palette = len(body) / 3
		case "eXIf":
			if exif == nil {
				exif = body
			}
		case "fcTL":
			frames++
		case "IEND":
			h.truncated = false
		}
		if !h.truncated {
			break
		}
		at += 12 + int(size)
	}
	if h.width == 0 && h.truncated {
		return h, errors.New("truncated: unexpected EOF")
	}
	h.orientation, h.pages = exifOrientation(exif), frames
	return h, nil
}

func pngPixels(data []byte, h header) (*image.NRGBA, error) {
	// One bit a pixel is the least that a pixel takes before compression.
	if (h.width+7)/8*h.height/mostDeflate > int64(len(data)) {
		return nil, cannotHold(int64(len(data)), h)
	}
	img, err := pixels(png.Decode, data)
	if err != nil {
		return nil, err
	}
	// image/png makes a palette longer when an index lies beyond its end.
	if p, ok := img.(*image.Paletted); ok && len(p.Palette) > h.palette {
		return nil, errPaletteIndex
	}
	return toNRGBA(img), nil
}

var errPaletteIndex = errors.New("palette index out of range")
