package picture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Tags of TIFF 6.0 (section 8 and appendix A) and DNG 1.4 that are looked at.
const (
	tagSubfileType    = 254
	tagWidth          = 256
	tagLength         = 257
	tagBitsPerSample  = 258
	tagCompression    = 259
	tagPhotometric    = 262
	tagFillOrder      = 266
	tagStripOffsets   = 273
	tagOrientation    = 274
	tagSamples        = 277
	tagRowsPerStrip   = 278
	tagStripCounts    = 279
	tagPlanarConfig   = 284
	tagPredictor      = 317
	tagTileWidth      = 322
	tagTileLength     = 323
	tagSampleFormat   = 339
	tagCoefficients   = 529
	tagSubsampling    = 530
	tagReferenceLevel = 532 // ReferenceBlackWhite
	tagExifIFD        = 34665
	tagICC            = 34675
	tagDNGVersion     = 50706
	ifdEntry          = 12  // bytes
	maxIFDs           = 512 // of a chain that are followed
	orientationUpper  = 8
)

// An ifd is one image file directory (TIFF 6.0 section 2), which is also how
// EXIF is stored. Its methods stay within the data and allocate nothing,
// whatever the data says.
type ifd struct {
	data    []byte // of the whole TIFF structure: offsets count from its start
	order   binary.ByteOrder
	entries []byte // whole entries that lie within data
	next    uint32 // offset of the next directory; 0: no further one
	cut     bool   // entries are missing
}

// firstIFD reads the header of a TIFF structure and its first directory.
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

// at reads the directory at an offset. If it reaches beyond the data, the entries before the end
// are kept.
func (d ifd) at(offset uint32) (ifd, bool) {
	start := int64(offset) + 2
	if start > int64(len(d.data)) {
		return d, false
	}
	rest := d.data[start:]
	n := int(d.order.Uint16(d.data[offset:])) * ifdEntry
	d.next = 0
	if n+4 <= len(rest) {
		d.next = d.order.Uint32(rest[n:])
	}
	d.cut = n > len(rest)
	n = min(n, len(rest)/ifdEntry*ifdEntry)
	d.entries = rest[:n]
	return d, true
}

// values are the values of one entry, as far as they lie within the data.
type values struct {
	order binary.ByteOrder
	size  int // bytes of one: 1, 2, 4, or 8 for a RATIONAL
	raw   []byte
}

// values finds a tag of type BYTE, SHORT, LONG or RATIONAL. If a tag occurs twice, the first
// counts.
func (d ifd) values(tag uint16) (values, bool) {
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		if d.order.Uint16(e) != tag {
			continue
		}
		size := map[uint16]int{1: 1, 3: 2, 4: 4, 5: 8}[d.order.Uint16(e[2:])]
		count := uint64(d.order.Uint32(e[4:]))
		raw := e[8:12]
		if uint64(size)*count > 4 {
			raw = d.data[min(uint64(d.order.Uint32(raw)), uint64(len(d.data))):]
		}
		raw = raw[:min(uint64(size)*count, uint64(len(raw)))]
		return values{d.order, size, raw}, size != 0 && len(raw) >= size
	}
	return values{}, false
}

// has reports whether the directory names the tag, even if its value is damaged.
func (d ifd) has(tag uint16) bool {
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		if d.order.Uint16(e) == tag {
			return true
		}
	}
	return false
}

// uint returns value i of an entry that is not rational.
func (v values) uint(i int) (uint32, bool) {
	if v.size == 0 || i >= len(v.raw)/v.size {
		return 0, false
	}
	at := v.raw[i*v.size:]
	switch v.size {
	case 1:
		return uint32(at[0]), true
	case 2:
		return uint32(v.order.Uint16(at)), true
	case 4:
		return v.order.Uint32(at), true
	}
	return 0, false
}

// number returns value i of any type, and false for a division by zero.
func (v values) number(i int) (float64, bool) {
	if v.size != 8 || i >= len(v.raw)/8 {
		n, ok := v.uint(i)
		return float64(n), ok
	}
	over, under := v.order.Uint32(v.raw[8*i:]), v.order.Uint32(v.raw[8*i+4:])
	return float64(over) / float64(max(under, 1)), under != 0
}

// uint gives the first value of a tag of type BYTE, SHORT or LONG.
func (d ifd) uint(tag uint16) (uint32, bool) {
	v, _ := d.values(tag)
	return v.uint(0)
}

// orientation gives tag 274, or 1.
func (d ifd) orientation() int {
	v, ok := d.uint(tagOrientation)
	if !ok || v < 1 || v > orientationUpper {
		return 1
	}
	return int(v)
}

// exifOrientation reads the orientation from an EXIF block, with or without
// the "Exif\0\0" that JPEG puts in front. Only the first directory counts: the
// second describes the thumbnail. Damaged EXIF means upright, as in every
// viewer.
func exifOrientation(exif []byte) int {
	d, ok := firstIFD(bytes.TrimPrefix(exif, []byte("Exif\x00\x00")))
	if !ok {
		return 1
	}
	return d.orientation()
}

// entry returns type and raw value of a tag. It fails if part of the value lies outside the data,
// or if the type is unknown here.
func (d ifd) entry(tag uint16) (kind uint16, raw []byte) {
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		if d.order.Uint16(e) != tag {
			continue
		}
		kind = d.order.Uint16(e[2:])
		size := uint64(kindSizes[kind]) * uint64(d.order.Uint32(e[4:]))
		raw = e[8:12]
		if size > 4 {
			raw = d.data[min(uint64(d.order.Uint32(raw)), uint64(len(d.data))):]
		}
		if size > uint64(len(raw)) {
			return kind, nil
		}
		return kind, raw[:size]
	}
	return 0, nil
}

// directory writes fields as a little-endian directory for the given offset, without a next
// directory, followed by the values that do not fit into it. It sorts the fields (TIFF 6.0,
// section 2).
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
