package picture

import (
	"bytes"
	"encoding/binary"
)

// Tags of TIFF 6.0 (section 8 and appendix A) and DNG 1.4 that are looked at.
const (
	tagSubfileType   = 254
	tagCompression   = 259
	tagPhotometric   = 262
	tagOrientation   = 274
	tagSamples       = 277
	tagRowsPerStrip  = 278
	tagPlanarConfig  = 284
	tagTileWidth     = 322
	tagTileLength    = 323
	tagDNGVersion    = 50706
	ifdEntry         = 12  // bytes
	mostIFDs         = 512 // of a chain that are followed
	orientationUpper = 8
)

// An ifd is one image file directory (TIFF 6.0 section 2), which is also how
// EXIF is stored. Its methods stay within the data and allocate nothing,
// whatever the data says.
type ifd struct {
	data    []byte // of the whole TIFF structure: offsets count from its start
	order   binary.ByteOrder
	entries []byte // whole entries that lie within data
	next    uint32 // offset of the next directory; 0 is none
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

// at reads the directory at an offset. Of one that reaches beyond the data
// the entries before the end are kept.
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
	n = min(n, len(rest)/ifdEntry*ifdEntry)
	d.entries = rest[:n]
	return d, true
}

// uint gives the first value of a tag of type BYTE, SHORT or LONG. When a tag
// stands there twice the first one counts.
func (d ifd) uint(tag uint16) (uint32, bool) {
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		if d.order.Uint16(e) != tag {
			continue
		}
		size := map[uint16]uint64{1: 1, 3: 2, 4: 4}[d.order.Uint16(e[2:])]
		count := uint64(d.order.Uint32(e[4:]))
		if size == 0 || count == 0 {
			return 0, false
		}
		value := e[8:12]
		if size*count > 4 {
			offset := uint64(d.order.Uint32(value))
			if offset+size > uint64(len(d.data)) {
				return 0, false
			}
			value = d.data[offset:]
		}
		switch size {
		case 1:
			return uint32(value[0]), true
		case 2:
			return uint32(d.order.Uint16(value)), true
		}
		return d.order.Uint32(value), true
	}
	return 0, false
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
