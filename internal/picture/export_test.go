package picture

import (
	"bytes"
	"image"
	"io"
)

// ExifOrientation is for the fuzz target.
func ExifOrientation(data []byte) int { return exifOrientation(data) }

// Walk calls every parser of our own on data, also those whose magic bytes
// are missing.
func Walk(data []byte) {
	_, _ = sniff(data)
	if len(data) >= 12 {
		_, _ = jpegHeader(data)
		_, _ = pngHeader(data)
		_, _ = webpHeader(data)
	}
	if h, err := tiffHeader(data); err == nil && h.width > 0 && h.height > 0 && h.width*h.height < 1<<16 {
		_, _ = tiffPixels(data, &h)
	}
	_ = isBMP(data)
	_, _ = gifHeader(data)
}

// DecodeWith decodes data by a decoder that is not ours, as the table's rows
// do.
func DecodeWith(f func(io.Reader) (image.Image, error), data []byte) error {
	row := format{
		name:   "test",
		header: func([]byte) (header, error) { return header{width: 1, height: 1}, nil },
		pixels: func(data []byte, _ *header) (*image.NRGBA, error) {
			img, err := pixels(f, data)
			if err != nil {
				return nil, err
			}
			return ToNRGBA(img), nil
		},
	}
	_, _, err := row.decode(data, Limits{}.orDefault())
	return err
}

// ReadEXIF gives all entries of the first and of the Exif directory of a JPEG,
// PNG or little-endian TIFF, as they are stored; it fails where a second
// directory follows.
func ReadEXIF(data []byte) (outer, inner map[uint16][]byte) {
	block := data
	switch f, _ := sniff(data); f.name {
	case "jpeg":
		o := outlineJPEG(data)
		block = bytes.TrimPrefix(o.exif, []byte("Exif\x00\x00"))
	case "png":
		block = nil
		for kind, body := range pngChunks(data) {
			if kind == "eXIf" {
				block = body
			}
		}
	}
	all := func(d ifd) map[uint16][]byte {
		out := map[uint16][]byte{}
		for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
			tag := d.order.Uint16(e)
			e, _ := d.entry(tag)
			if out[tag] = nil; e.whole {
				out[tag] = e.raw
			}
		}
		if d.next != 0 {
			panic("a second directory")
		}
		return out
	}
	d, ok := firstIFD(block)
	if !ok {
		return nil, nil
	}
	outer = all(d)
	if at, ok := d.uint(tagExifIFD); ok {
		if d, ok := d.at(at); ok {
			inner = all(d)
		}
	}
	return outer, inner
}

// SourceOf reads a file that need not decode.
func SourceOf(name string, data []byte) Source {
	for i := range formats {
		if formats[i].name == name {
			return formats[i].readSource(data)
		}
	}
	return Source{Format: name}
}

// Look is what two files that look alike have in common.
func Look(s Source) Source {
	s.coded, s.exif = 0, nil
	return s
}
