package picture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Tags of TIFF 6.0 and Exif 2.32 that point to directories or stand in those that are written.
const (
	tagOrientation = 274
	tagExifIFD     = 34665
	tagICC         = 34675
)

const (
	ifdEntry         = 12 // bytes
	orientationUpper = 8
)

// An ifd is one image file directory (TIFF 6.0 section 2), which is also how EXIF is stored. Its methods stay within
// the data and allocate nothing, whatever the data says.
type ifd struct {
	data    []byte // of the whole TIFF structure: offsets count from its start
	order   binary.ByteOrder
	entries []byte // whole entries that lie within data
	offset  uint32 // of the directory
	next    uint32 // offset of the next directory; 0: no further one
	cut     bool   // entries are missing
}

// firstIFD reads the header of a TIFF structure and its first directory. It returns false if data
// does not begin with a TIFF header, or the directory's number of entries lies beyond the data.
func firstIFD(data []byte) (ifd, bool) {
	d := ifd{data: data}
	switch {
	case len(data) < 8:
		return d, false
	case bytes.HasPrefix(data, []byte("II*\x00")):
		d.order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		d.order = binary.BigEndian
	default:
		return d, false
	}
	return d.at(d.order.Uint32(data[4:]))
}

// at returns the directory at an offset from the start of the structure. It returns false if not
// even its number of entries lies within the data. If the directory reaches beyond the data, the
// entries before the end are kept and cut is set. d itself is not changed.
func (d ifd) at(offset uint32) (ifd, bool) {
	start := int64(offset) + 2
	if start > int64(len(d.data)) {
		return d, false
	}
	rest := d.data[start:]
	n := int(d.order.Uint16(d.data[offset:])) * ifdEntry
	d.offset, d.next = offset, 0
	if n+4 <= len(rest) {
		d.next = d.order.Uint32(rest[n:])
	}
	d.cut = n > len(rest)
	n = min(n, len(rest)/ifdEntry*ifdEntry)
	d.entries = rest[:n]
	return d, true
}

// An entry is one field of a directory as it is stored.
type entry struct {
	order binary.ByteOrder
	kind  uint16
	raw   []byte // the value, as far as it lies within the data; empty if the type is unknown
	whole bool   // raw is not cut off by the end of the data
}

// entry returns the entry of a tag, and whether there is one; else the entry is zero, whose values
// do not exist. If a tag occurs twice, the first counts. The value is a part of the file's memory.
func (d ifd) entry(tag uint16) (entry, bool) {
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		if d.order.Uint16(e) != tag {
			continue
		}
		kind, raw := d.order.Uint16(e[2:]), e[8:12]
		size := uint64(kindSizes[kind]) * uint64(d.order.Uint32(e[4:]))
		if size > 4 {
			raw = d.data[min(uint64(d.order.Uint32(raw)), uint64(len(d.data))):]
		}
		n := min(size, uint64(len(raw)))
		return entry{d.order, kind, raw[:n], n == size}, true
	}
	return entry{}, false
}

// uint returns value i, from 0, of an entry of type BYTE, SHORT or LONG. It returns 0 and false for
// other types, and for values that the file does not have.
func (e entry) uint(i int) (uint32, bool) {
	size := kindSizes[e.kind]
	if size == 0 || i >= len(e.raw)/size {
		return 0, false
	}
	at := e.raw[i*size:]
	switch e.kind {
	case kindByte:
		return uint32(at[0]), true
	case kindShort:
		return uint32(e.order.Uint16(at)), true
	case kindLong:
		return e.order.Uint32(at), true
	}
	return 0, false
}

// uint returns the first value of a tag of type BYTE, SHORT or LONG.
func (d ifd) uint(tag uint16) (uint32, bool) {
	e, _ := d.entry(tag)
	return e.uint(0)
}

// orientation returns tag 274, 1 to 8. It returns 1 if the tag is missing or damaged.
func (d ifd) orientation() int {
	v, ok := d.uint(tagOrientation)
	if !ok || v < 1 || v > orientationUpper {
		return 1
	}
	return int(v)
}

// exifOrientation reads the orientation from an EXIF block, with or without the "Exif\0\0" that JPEG puts in front.
// Only the first directory counts: the second describes the thumbnail. Damaged EXIF means upright, as in every viewer.
func exifOrientation(exif []byte) int {
	d, ok := firstIFD(bytes.TrimPrefix(exif, []byte("Exif\x00\x00")))
	if !ok {
		return 1
	}
	return d.orientation()
}

// directory returns fields as the bytes of a little-endian directory that will lie at the given
// offset of its structure, without a next directory. Values of more than 4 bytes follow the
// directory. It sorts the fields by tag, in place (TIFF 6.0, section 2).
func directory(fields []field, offset int) []byte {
	slices.SortFunc(fields, func(a, b field) int { return cmp.Compare(a.tag, b.tag) })
	le := binary.LittleEndian
	out := le.AppendUint16(nil, uint16(len(fields)))
	at := offset + 2 + len(fields)*ifdEntry + 4
	var values []byte
	for _, f := range fields {
		out = le.AppendUint16(le.AppendUint16(out, f.tag), f.kind)
		out = le.AppendUint32(out, uint32(len(f.value)/kindSizes[f.kind]))
		if len(f.value) <= 4 {
			var inline [4]byte
			copy(inline[:], f.value)
			out = append(out, inline[:]...)
			continue
		}
		out = le.AppendUint32(out, uint32(at+len(values)))
		values = append(values, f.value...)
		if len(values)%2 == 1 { // values begin on a word boundary
			values = append(values, 0)
		}
	}
	return append(append(out, 0, 0, 0, 0), values...)
}
