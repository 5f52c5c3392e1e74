package picture

import (
	"bytes"
	"image"
	"io"

	"github.com/kycmark/kycmark/internal/picture/bmp"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/gif"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/picture/png"
	"github.com/kycmark/kycmark/internal/picture/tiff"
	"github.com/kycmark/kycmark/internal/picture/webp"
)

// ExifOrientation is for the fuzz target.
func ExifOrientation(data []byte) int { return ifd.Orientation(data) }

// Walk calls every parser of our own on data, also those whose magic bytes
// are missing.
func Walk(data []byte) {
	_, _ = sniff(data)
	if len(data) >= 12 {
		_, _ = jpeg.Header(data)
		_, _ = png.Header(data)
		_, _ = webp.Header(data)
	}
	if h, err := tiff.Header(data); err == nil && h.Width > 0 && h.Height > 0 && h.Width*h.Height < 1<<16 {
		_, _ = tiff.Pixels(data, &h)
	}
	_ = bmp.Is(data)
	_, _ = gif.Header(data)
}

// DecodeWith decodes data by a decoder that is not ours, as the table's rows
// do.
func DecodeWith(f func(io.Reader) (image.Image, error), data []byte) error {
	row := format{
		name:   "test",
		header: func([]byte) (codec.Header, error) { return codec.Header{Width: 1, Height: 1}, nil },
		pixels: func(data []byte, _ *codec.Header) (*image.NRGBA, error) {
			img, err := codec.Guard(f, data)
			if err != nil {
				return nil, err
			}
			return pixel.ToNRGBA(img), nil
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
		o := jpeg.Read(data)
		block = bytes.TrimPrefix(o.EXIF, []byte("Exif\x00\x00"))
	case "png":
		block = nil
		for kind, body := range png.Chunks(data) {
			if kind == "eXIf" {
				block = body
			}
		}
	}
	all := func(d ifd.Directory) map[uint16][]byte {
		out := map[uint16][]byte{}
		for e := d.Entries; len(e) >= ifd.EntryBytes; e = e[ifd.EntryBytes:] {
			tag := d.Order.Uint16(e)
			e, _ := d.Entry(tag)
			if out[tag] = nil; e.Whole {
				out[tag] = e.Raw
			}
		}
		if d.Next != 0 {
			panic("a second directory")
		}
		return out
	}
	d, ok := ifd.First(block)
	if !ok {
		return nil, nil
	}
	outer = all(d)
	if at, ok := d.Uint(ifd.TagExifIFD); ok {
		if d, ok := d.At(at); ok {
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
	s.Coded, s.EXIF = 0, nil
	return s
}
