// Package ifd reads and writes image file directories: TIFF and EXIF consist of them.
package ifd

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"image"
	"slices"
)

// Tags of TIFF 6.0 and Exif 2.32 that point to directories or that are written.
const (
	tagOrientation = 274
	TagExifIFD     = 34665
	TagICC         = 34675
)

const (
	EntryBytes       = 12 // bytes
	orientationUpper = 8
)

// A Directory is one image file directory (TIFF 6.0 section 2), which is also how EXIF is stored. Its methods stay within
// the data and allocate nothing, whatever the data says.
type Directory struct {
	Data    []byte // of the whole TIFF structure: offsets count from its start
	Order   binary.ByteOrder
	Entries []byte // whole entries that lie within data
	Offset  uint32 // of the directory
	Next    uint32 // offset of the next directory; 0: no further one
	Cut     bool   // entries are missing
}

// First reads the header of a TIFF structure and its first directory. It returns false if data
// does not begin with a TIFF header, or the directory's number of entries lies beyond the data.
func First(data []byte) (Directory, bool) {
	d := Directory{Data: data}
	switch {
	case len(data) < 8:
		return d, false
	case bytes.HasPrefix(data, []byte("II*\x00")):
		d.Order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		d.Order = binary.BigEndian
	default:
		return d, false
	}
	return d.At(d.Order.Uint32(data[4:]))
}

// At returns the directory at an offset from the start of the structure. It returns false if not
// even its number of entries lies within the data. If the directory reaches beyond the data, the
// entries before the end are kept and cut is set. d itself is not changed.
func (d Directory) At(offset uint32) (Directory, bool) {
	start := int64(offset) + 2
	if start > int64(len(d.Data)) {
		return d, false
	}
	rest := d.Data[start:]
	n := int(d.Order.Uint16(d.Data[offset:])) * EntryBytes
	d.Offset, d.Next = offset, 0
	if n+4 <= len(rest) {
		d.Next = d.Order.Uint32(rest[n:])
	}
	d.Cut = n > len(rest)
	n = min(n, len(rest)/EntryBytes*EntryBytes)
	d.Entries = rest[:n]
	return d, true
}

// An Entry is one field of a directory as it is stored.
type Entry struct {
	order binary.ByteOrder
	Kind  uint16
	Raw   []byte // the value, as far as it lies within the data; empty if the type is unknown
	Whole bool   // raw is not cut off by the end of the data
}

// Entry returns the entry of a tag, and whether there is one; else the entry is zero, whose values
// do not exist. If a tag occurs twice, the first counts. The value is a part of the file's memory.
func (d Directory) Entry(tag uint16) (Entry, bool) {
	for e := d.Entries; len(e) >= EntryBytes; e = e[EntryBytes:] {
		if d.Order.Uint16(e) != tag {
			continue
		}
		kind, raw := d.Order.Uint16(e[2:]), e[8:12]
		size := uint64(kindSizes[kind]) * uint64(d.Order.Uint32(e[4:]))
		if size > 4 {
			raw = d.Data[min(uint64(d.Order.Uint32(raw)), uint64(len(d.Data))):]
		}
		n := min(size, uint64(len(raw)))
		return Entry{d.Order, kind, raw[:n], n == size}, true
	}
	return Entry{}, false
}

// Uint returns value i, from 0, of an entry of type BYTE, SHORT or LONG. It returns 0 and false for
// other types, and for values that the file does not have.
func (e Entry) Uint(i int) (uint32, bool) {
	size := kindSizes[e.Kind]
	if size == 0 || i >= len(e.Raw)/size {
		return 0, false
	}
	at := e.Raw[i*size:]
	switch e.Kind {
	case kindByte:
		return uint32(at[0]), true
	case kindShort:
		return uint32(e.order.Uint16(at)), true
	case KindLong:
		return e.order.Uint32(at), true
	}
	return 0, false
}

// Uint returns the first value of a tag of type BYTE, SHORT or LONG.
func (d Directory) Uint(tag uint16) (uint32, bool) {
	e, _ := d.Entry(tag)
	return e.Uint(0)
}

// Orientation returns tag 274, 1 to 8. It returns 1 if the tag is missing or damaged.
func (d Directory) Orientation() int {
	v, ok := d.Uint(tagOrientation)
	if !ok || v < 1 || v > orientationUpper {
		return 1
	}
	return int(v)
}

// Fields returns the fields of a copy of the given size in pixels, of the first directory
// (outer) and of the Exif directory (inner). To the kept fields it adds the copy's own size and its
// orientation, 1 to 8. They are not sorted, which directory does.
func Fields(kept []Field, width, height, orientation int) (outer, inner []Field) {
	for _, f := range kept {
		if f.inner {
			inner = append(inner, f)
		} else {
			outer = append(outer, f)
		}
	}
	inner = append(inner, longField(tagPixelX, uint32(width)), longField(tagPixelY, uint32(height)))
	return append(outer, Field{Tag: tagOrientation, Kind: kindShort, Value: []byte{byte(orientation), 0}}), inner
}

func longField(tag uint16, v uint32) Field {
	return Field{Tag: tag, Kind: KindLong, Value: binary.LittleEndian.AppendUint32(nil, v)}
}

// directory returns fields as the bytes of a little-endian directory that will lie at the given
// offset of its structure, without a next directory. Values of more than 4 bytes follow the
// directory. It sorts the fields by tag, in place (TIFF 6.0, section 2).
func directory(fields []Field, offset int) []byte {
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Compare(a.Tag, b.Tag) })
	le := binary.LittleEndian
	out := le.AppendUint16(nil, uint16(len(fields)))
	at := offset + 2 + len(fields)*EntryBytes + 4
	var values []byte
	for _, f := range fields {
		out = le.AppendUint16(le.AppendUint16(out, f.Tag), f.Kind)
		out = le.AppendUint32(out, uint32(len(f.Value)/kindSizes[f.Kind]))
		if len(f.Value) <= 4 {
			var inline [4]byte
			copy(inline[:], f.Value)
			out = append(out, inline[:]...)
			continue
		}
		out = le.AppendUint32(out, uint32(at+len(values)))
		values = append(values, f.Value...)
		if len(values)%2 == 1 { // values begin on a word boundary
			values = append(values, 0)
		}
	}
	return append(append(out, 0, 0, 0, 0), values...)
}

// Block returns the EXIF block for a copy of the given size and orientation, 1 to 8: a TIFF structure
// without the magic that JPEG puts in front. It returns nil if there are no fields and the copy is upright.
func Block(kept []Field, size image.Rectangle, orientation int) []byte {
	if len(kept) == 0 && orientation == 1 {
		return nil
	}
	outer, inner := Fields(kept, size.Dx(), size.Dy(), orientation)
	return Append([]byte("II*\x00\x00\x00\x00\x00"), outer, inner)
}

// Append returns a copy of a little-endian TIFF structure with a new first directory at its end, to which
// the header points. fields are its fields. If inner is not nil, the Exif directory follows with the fields of inner,
// and the first directory points at it. It sorts both lists.
func Append(file []byte, fields, inner []Field) []byte {
	out := bytes.Clone(file)
	if len(out)%2 == 1 {
		out = append(out, 0)
	}
	start := len(out)
	binary.LittleEndian.PutUint32(out[4:], uint32(start))
	if inner == nil {
		return append(out, directory(fields, start)...)
	}
	pointer := longField(TagExifIFD, 0)
	fields = append(fields, pointer)
	after := start + len(directory(fields, start))
	binary.LittleEndian.PutUint32(pointer.Value, uint32(after))
	return append(append(out, directory(fields, start)...), directory(inner, after)...)
}
