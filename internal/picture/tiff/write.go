package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"github.com/disintegration/imaging"
	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/ifd"
)

// Join writes TIFF files of one page each, as picture.EncodeLike writes them, as one file of all pages. The
// error is of w, or says that a file is not as our encoder writes it.
func Join(w io.Writer, pages [][]byte) error {
	var out []byte
	link := 4 // where the offset of the next directory goes
	for i, page := range pages {
		if len(out)%2 == 1 {
			out = append(out, 0)
		}
		base := len(out)
		if uint64(base)+uint64(len(page)) > math.MaxUint32 {
			return &codec.LimitError{What: "bytes", Got: int64(base) + int64(len(page)), Max: math.MaxUint32}
		}
		out = append(out, page...)
		d, ok := ifd.First(out[base:])
		if !ok || d.Cut || d.Next != 0 {
			return fmt.Errorf("page %d: %w", i+1, codec.ErrNoPlace)
		}
		if err := move(d, uint32(base)); err != nil {
			return fmt.Errorf("page %d: %w", i+1, err)
		}
		first, _ := ifd.First(out)
		first.Order.PutUint32(out[link:], uint32(base)+d.Offset)
		link = base + int(d.Offset) + 2 + len(d.Entries)
	}
	if _, err := w.Write(out); err != nil {
		return fmt.Errorf("write tiff: %w", err)
	}
	return nil
}

// move adds base to all offsets of directory d, and of the Exif directory that it points at, in place.
func move(d ifd.Directory, base uint32) error {
	if base == 0 {
		return nil
	}
	for e := d.Entries; len(e) >= ifd.EntryBytes; e = e[ifd.EntryBytes:] {
		tag := d.Order.Uint16(e)
		v, _ := d.Entry(tag)
		if !v.Whole || len(v.Raw) == 0 {
			return codec.ErrNoPlace
		}
		switch tag {
		case tagStripOffsets:
			if v.Kind != ifd.KindLong {
				return codec.ErrNoPlace
			}
			for at := v.Raw; len(at) >= 4; at = at[4:] {
				d.Order.PutUint32(at, d.Order.Uint32(at)+base)
			}
		case ifd.TagExifIFD:
			inner, ok := d.At(d.Order.Uint32(v.Raw))
			if !ok || inner.Cut {
				return codec.ErrNoPlace
			}
			if err := move(inner, base); err != nil {
				return err
			}
			d.Order.PutUint32(v.Raw, d.Order.Uint32(v.Raw)+base)
		case tagTileWidth:
			return errors.New("tiles cannot be joined")
		}
		if len(v.Raw) > 4 {
			d.Order.PutUint32(e[8:], d.Order.Uint32(e[8:])+base)
		}
	}
	return nil
}

func Encode(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, _ codec.Source, _ codec.LikeOptions) error {
	if gray != nil {
		return tiff.Encode(b, gray, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	}
	return imaging.Encode(b, pix, imaging.TIFF)
}

// Insert returns file, an encoded TIFF, with its first directory written again at the end. It
// then has the profile of s and the EXIF fields for a copy of the given size. Fields of the first
// directory go into it. The old directory stays at its place, unused. Without profile and EXIF it
// returns file itself. codec.ErrNoPlace means that the file is not as our encoder writes it.
func Insert(s codec.Source, file, _ []byte, size image.Rectangle) ([]byte, error) {
	if s.ICC == nil && len(s.EXIF) == 0 {
		return file, nil
	}
	d, ok := ifd.First(file)
	if !ok || d.Order != binary.LittleEndian || d.Next != 0 {
		return nil, codec.ErrNoPlace
	}
	var fields, inner []ifd.Field
	if len(s.EXIF) > 0 {
		fields, inner = ifd.Fields(s.EXIF, size.Dx(), size.Dy(), 1)
	}
	if s.ICC != nil {
		fields = append(fields, ifd.Field{Tag: ifd.TagICC, Kind: ifd.KindUndefined, Value: s.ICC})
	}
	known := each.Map(fields, func(f ifd.Field) (uint16, bool) { return f.Tag, true })
	for e := d.Entries; len(e) >= ifd.EntryBytes; e = e[ifd.EntryBytes:] {
		tag := d.Order.Uint16(e)
		if known[tag] { // the resolution, which the encoder makes up
			continue
		}
		kept, _ := d.Entry(tag)
		if !kept.Whole || len(kept.Raw) == 0 {
			return nil, codec.ErrNoPlace
		}
		fields = append(fields, ifd.Field{Tag: tag, Kind: kept.Kind, Value: kept.Raw})
	}
	return ifd.Append(file, fields, inner), nil
}
