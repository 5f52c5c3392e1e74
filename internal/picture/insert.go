package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"slices"
)

// errNoPlace means that an encoder wrote another beginning than it always does.
var errNoPlace = errors.New("found no place for the metadata")

// exifBlock returns the EXIF block for a copy of the given size and orientation, 1 to 8: a TIFF structure
// without the magic that JPEG puts in front. It returns nil if there are no fields and the copy is upright.
func exifBlock(kept []field, size image.Rectangle, orientation int) []byte {
	if len(kept) == 0 && orientation == 1 {
		return nil
	}
	outer, inner := exifFields(kept, size.Dx(), size.Dy(), orientation)
	return appendDirectories([]byte("II*\x00\x00\x00\x00\x00"), outer, inner)
}

// insertJPEG returns file, an encoded JPEG, with EXIF and the profile of s behind SOI, or behind the JFIF segment,
// which must come first (JFIF 1.02). A nil exif adds none. errNoPlace means that file does not begin like a JPEG.
func insertJPEG(s Source, file, exif []byte, _ image.Rectangle) ([]byte, error) {
	if len(file) < 6 || file[0] != 0xff || file[1] != 0xd8 {
		return nil, errNoPlace
	}
	at := 2
	if file[2] == 0xff && file[3] == 0xe0 {
		at += 2 + int(binary.BigEndian.Uint16(file[4:]))
	}
	if at > len(file) {
		return nil, errNoPlace
	}
	var extra []byte
	add := func(marker byte, body []byte) {
		extra = binary.BigEndian.AppendUint16(append(extra, 0xff, marker), uint16(2+len(body)))
		extra = append(extra, body...)
	}
	if exif != nil {
		add(0xe1, append([]byte("Exif\x00\x00"), exif...))
	}
	for _, body := range iccSegments(s.ICC) {
		add(0xe2, body)
	}
	return splice(file, at, extra), nil
}

// insertPNG returns file, an encoded PNG, with more chunks behind IHDR, before the pixels: the profile, or without one
// what the source PNG says of its colours, and EXIF unless exif is nil. A profile is the better description (PNG,
// section 4.3). errNoPlace means that file is too short for IHDR.
func insertPNG(s Source, file, exif []byte, _ image.Rectangle) ([]byte, error) {
	const behindIHDR = pngSignature + 12 + pngIHDR
	if len(file) < behindIHDR {
		return nil, errNoPlace
	}
	extra := s.colour
	if s.ICC != nil {
		extra = pngChunk{"iCCP", deflateProfile(s.ICC)}.append(nil)
	}
	if exif != nil {
		extra = pngChunk{"eXIf", exif}.append(slices.Clip(extra))
	}
	return splice(file, behindIHDR, extra), nil
}

// splice returns file with extra inserted at an offset, or file itself if extra is empty.
func splice(file []byte, at int, extra []byte) []byte {
	if len(extra) == 0 {
		return file
	}
	return bytes.Join([][]byte{file[:at], extra, file[at:]}, nil)
}

// insertTIFF returns file, an encoded TIFF, with its first directory written again at the end. It
// then has the profile of s and the EXIF fields for a copy of the given size. Fields of the first
// directory go into it. The old directory stays at its place, unused. Without profile and EXIF it
// returns file itself. errNoPlace means that the file is not as our encoder writes it.
func insertTIFF(s Source, file, _ []byte, size image.Rectangle) ([]byte, error) {
	if s.ICC == nil && len(s.exif) == 0 {
		return file, nil
	}
	d, ok := firstIFD(file)
	if !ok || d.order != binary.LittleEndian || d.next != 0 {
		return nil, errNoPlace
	}
	var fields, inner []field
	if len(s.exif) > 0 {
		fields, inner = exifFields(s.exif, size.Dx(), size.Dy(), 1)
	}
	if s.ICC != nil {
		fields = append(fields, field{tag: tagICC, kind: kindUndefined, value: s.ICC})
	}
	known := map[uint16]bool{}
	for _, f := range fields {
		known[f.tag] = true
	}
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		tag := d.order.Uint16(e)
		if known[tag] { // the resolution, which the encoder makes up
			continue
		}
		kept, _ := d.entry(tag)
		if !kept.whole || len(kept.raw) == 0 {
			return nil, errNoPlace
		}
		fields = append(fields, field{tag: tag, kind: kept.kind, value: kept.raw})
	}
	return appendDirectories(file, fields, inner), nil
}

// appendDirectories returns a copy of a little-endian TIFF structure with a new first directory at its end, to which
// the header points. fields are its fields. If inner is not nil, the Exif directory follows with the fields of inner,
// and the first directory points at it. It sorts both lists.
func appendDirectories(file []byte, fields, inner []field) []byte {
	out := bytes.Clone(file)
	if len(out)%2 == 1 {
		out = append(out, 0)
	}
	start := len(out)
	binary.LittleEndian.PutUint32(out[4:], uint32(start))
	if inner == nil {
		return append(out, directory(fields, start)...)
	}
	pointer := longField(tagExifIFD, 0)
	fields = append(fields, pointer)
	after := start + len(directory(fields, start))
	binary.LittleEndian.PutUint32(pointer.value, uint32(after))
	return append(append(out, directory(fields, start)...), directory(inner, after)...)
}
