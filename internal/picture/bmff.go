package picture

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Limits of work that a hostile HEIF can ask for. All are chosen, not measured: a phone's picture of
// 48 megapixels has 192 tiles.
const (
	maxItems   = 10_000 // pictures, tiles and metadata of a file
	maxExtents = 1_000  // pieces of an item
	maxWaste   = 4      // coded pixels for each pixel of the picture
)

var (
	errTruncated = errors.New("truncated: unexpected EOF")
	errSequence  = errors.New("a sequence of pictures (a video) without a picture that stands for it is not supported yet")
)

// bmffBoxes gives the kind and body of each box of an ISO base media file (ISO/IEC 14496-12 section
// 4.2) that lies wholly within data. ok is set at its end if no box was cut off.
func bmffBoxes(data []byte, ok *bool) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(data) > 0 {
			if len(data) < 8 {
				return
			}
			size, head := uint64(be32(data)), uint64(8)
			switch size {
			case 0:
				size = uint64(len(data))
			case 1:
				if len(data) < 16 {
					return
				}
				size, head = be64(data[8:]), 16
			}
			if size < head || size > uint64(len(data)) {
				return
			}
			if !yield(string(data[4:8]), data[head:size]) {
				return
			}
			data = data[size:]
		}
		*ok = true
	}
}

func be64(b []byte) uint64 { return uint64(be32(b))<<32 | uint64(be32(b[4:])) }

// A bitReader reads big-endian numbers from hostile data. Behind the end it returns zeros and sets
// short.
type bitReader struct {
	data  []byte
	at    int // bits
	short bool
}

// bits reads n bits, 0 to 64.
func (r *bitReader) bits(n int) (v uint64) {
	for range n {
		i := r.at >> 3
		if i >= len(r.data) {
			r.short = true
			return 0
		}
		v = v<<1 | uint64(r.data[i]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

// uint reads n whole bytes, 0 to 8.
func (r *bitReader) uint(n int) uint64 { return r.bits(8 * n) }

// rest returns the bytes that follow.
func (r *bitReader) rest() []byte { return r.data[min((r.at+7)>>3, len(r.data)):] }

// A heifItem is one picture, tile or piece of metadata of a HEIF.
type heifItem struct {
	kind  string
	flags []byte            // the last byte of its flags, in the file; its lowest bit: hidden
	parts [][]byte          // its bytes, in the memory of the file
	refs  map[string]uint16 // how often others name it, by kind of reference
	made  []uint32          // the items that it is derived from
	props []int             // from 1, in order
}

// A heif is the structure of a HEIF or AVIF file (ISO/IEC 23008-12), as far as it is needed.
type heif struct {
	primary uint32
	first   []byte            // the primary ID in the file
	same    map[uint32]uint32 // of items that are alternatives of each other: their group
	items   map[uint32]*heifItem
	props   []heifProperty
}

// A heifProperty says something of the items that name it.
type heifProperty struct {
	kind string
	body []byte
}

// readHEIF reads the structure. Each item's bytes lie within the file; otherwise the file is truncated.
func readHEIF(data []byte) (*heif, error) {
	var whole bool
	for kind, body := range bmffBoxes(data, &whole) {
		if kind == "meta" && len(body) > 4 {
			h := &heif{items: map[uint32]*heifItem{}, same: map[uint32]uint32{}}
			if err := h.meta(body[4:], data); err != nil {
				return nil, err
			}
			if n, _ := frames(data); h.items[h.primary] == nil && n > 0 {
				return nil, errSequence
			} else if h.items[h.primary] == nil {
				return nil, errors.New("no primary picture")
			}
			return h, nil
		}
	}
	if whole {
		return nil, errSequence
	}
	return nil, errTruncated
}

// meta reads the body of a meta box of the file data, behind version and flags.
func (h *heif) meta(body, data []byte) error {
	boxes := map[string][]byte{}
	var whole bool
	for kind, b := range bmffBoxes(body, &whole) {
		if _, double := boxes[kind]; !double {
			boxes[kind] = b
		}
	}
	if !whole {
		return errTruncated
	}
	r := bitReader{data: boxes["pitm"]}
	version := r.uint(1)
	r.uint(3)
	h.first = r.rest()[:min(len(r.rest()), idSize(version > 0))]
	h.primary = uint32(r.uint(idSize(version > 0)))
	for _, read := range []func() error{
		func() error { return h.infos(boxes["iinf"]) },
		func() error { return h.locations(boxes["iloc"], data, boxes["idat"]) },
		func() error { return h.references(boxes["iref"]) },
		func() error { return h.properties(boxes["iprp"]) },
		func() error { return h.groups(boxes["grpl"]) },
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

// idSize returns the bytes of an item's ID.
func idSize(long bool) int {
	if long {
		return 4
	}
	return 2
}

// infos reads the list of items (iinf).
func (h *heif) infos(body []byte) error {
	r := bitReader{data: body}
	version := r.uint(1)
	r.uint(3)
	r.uint(idSize(version > 0)) // their number
	var whole bool
	for kind, b := range bmffBoxes(r.rest(), &whole) {
		if kind != "infe" {
			continue
		}
		e := bitReader{data: b}
		version := e.uint(1)
		e.uint(3)
		if version < 2 || len(b) < 4 {
			continue
		}
		id := uint32(e.uint(idSize(version > 2)))
		e.uint(2) // protection
		h.items[id] = &heifItem{kind: string([]byte{byte(e.uint(1)), byte(e.uint(1)), byte(e.uint(1)), byte(e.uint(1))}), flags: b[3:4], refs: map[string]uint16{}}
		if e.short {
			return errors.New("an item without a kind")
		}
		if len(h.items) > maxItems {
			return fmt.Errorf("more than %d items", maxItems)
		}
	}
	if !whole {
		return errors.New("the list of items is damaged")
	}
	return nil
}

// locations reads where the bytes of items are (iloc): in data, the file, or in idat.
func (h *heif) locations(body, data, idat []byte) error {
	r := bitReader{data: body}
	version := r.uint(1)
	r.uint(3)
	offsetSize, lengthSize, baseSize, indexSize := int(r.bits(4)), int(r.bits(4)), int(r.bits(4)), int(r.bits(4))
	for range r.uint(idSize(version > 1)) {
		id := uint32(r.uint(idSize(version > 1)))
		method := uint64(0)
		if version > 0 {
			method = r.uint(2) & 15
		}
		r.uint(2) // data reference
		base, extents := r.uint(baseSize), r.uint(2)
		if r.short || extents > maxExtents {
			return errors.New("the places of items are damaged")
		}
		item := h.items[id]
		for range extents {
			if version > 0 {
				r.uint(indexSize)
			}
			offset, length := r.uint(offsetSize), r.uint(lengthSize)
			if item == nil {
				continue
			}
			from := data
			switch method {
			case 1:
				from = idat
			case 2:
				return errors.New("items within items are not supported")
			}
			if offset += base; offset < base || offset > uint64(len(from)) {
				return errTruncated
			}
			if length == 0 {
				length = uint64(len(from)) - offset
			}
			if length > uint64(len(from))-offset {
				return errTruncated
			}
			item.parts = append(item.parts, from[offset:offset+length])
		}
	}
	if r.short {
		return errors.New("the places of items are damaged")
	}
	return nil
}

// references reads which item is named by which (iref).
func (h *heif) references(body []byte) error {
	if len(body) < 4 {
		return nil
	}
	long := body[0] > 0
	var whole bool
	for kind, b := range bmffBoxes(body[4:], &whole) {
		r := bitReader{data: b}
		from := h.items[uint32(r.uint(idSize(long)))]
		for range r.uint(2) {
			id := uint32(r.uint(idSize(long)))
			if to := h.items[id]; to != nil && from != nil && !r.short {
				switch kind {
				case "dimg":
					from.made = append(from.made, id)
					to.refs[kind]++
				default: // of a thumbnail or an auxiliary picture
					from.refs[kind]++
				}
			}
		}
		if r.short {
			return errors.New("the references of items are damaged")
		}
	}
	if !whole {
		return errors.New("the references of items are damaged")
	}
	return nil
}

// properties reads what is said of items (iprp).
func (h *heif) properties(body []byte) error {
	var whole, all bool
	for kind, b := range bmffBoxes(body, &whole) {
		switch kind {
		case "ipco":
			for kind, p := range bmffBoxes(b, &all) {
				h.props = append(h.props, heifProperty{kind, p})
			}
		case "ipma":
			r := bitReader{data: b}
			version, flags := r.uint(1), r.uint(3)
			for range r.uint(4) {
				item := h.items[uint32(r.uint(idSize(version > 0)))]
				for range r.uint(1) {
					r.bits(1) // essential
					i := int(r.bits(7 + 8*int(flags&1)))
					if item != nil && len(item.props) < maxItems {
						item.props = append(item.props, i)
					}
				}
				if r.short {
					return errors.New("the properties of items are damaged")
				}
			}
		}
	}
	if !whole || !all {
		return errors.New("the properties of items are damaged")
	}
	return nil
}

// propertiesOf gives the properties of an item, in the order in which they count.
func (h *heif) propertiesOf(item *heifItem) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, i := range item.props {
			if i > 0 && i <= len(h.props) && !yield(h.props[i-1].kind, h.props[i-1].body) {
				return
			}
		}
	}
}

// property returns the body of an item's first property of a kind; nil if it has none.
func (h *heif) property(item *heifItem, want string) []byte {
	for kind, body := range h.propertiesOf(item) {
		if kind == want {
			return body
		}
	}
	return nil
}

// bytes returns the first bytes of an item, at most limit.
func (i *heifItem) bytes(limit int) (out []byte) {
	for _, p := range i.parts {
		out = append(out, p[:min(len(p), limit-len(out))]...)
	}
	return out
}

// pages returns the IDs of the pictures that a viewer shows, the primary first: no tiles, thumbnails, depth
// maps or other auxiliary pictures, and of alternatives the first.
func (h *heif) pages() (ids []uint32) {
	shown := make(map[uint32]bool) // groups
	show := func(id uint32) {
		ids = append(ids, id)
		shown[h.same[id]] = h.same[id] != 0
	}
	show(h.primary)
	for _, id := range slices.Sorted(maps.Keys(h.items)) {
		i := h.items[id]
		if id != h.primary && i.isPicture() && i.flags[0]&1 == 0 && i.refs["dimg"] == 0 && i.refs["thmb"] == 0 && i.refs["auxl"] == 0 && !shown[h.same[id]] {
			show(id)
		}
	}
	return ids
}

// only makes one picture the primary one in the bytes that h was read from, and hides all others.
func (h *heif) only(id uint32) {
	for i := range h.first {
		h.first[i] = byte(id >> (8 * (len(h.first) - 1 - i)))
	}
	for other, i := range h.items {
		i.flags[0] |= 1
		if other == id {
			i.flags[0] &^= 1
		}
	}
}

// groups reads which items are alternatives of each other (grpl).
func (h *heif) groups(body []byte) error {
	var whole bool
	n := uint32(0)
	for kind, b := range bmffBoxes(body, &whole) {
		if kind != "altr" {
			continue
		}
		n++
		r := bitReader{data: b}
		r.uint(8) // version, flags, ID of the group
		for range r.uint(4) {
			if id := uint32(r.uint(4)); h.items[id] != nil {
				h.same[id] = n
			}
			if r.short {
				return errors.New("the groups of items are damaged")
			}
		}
	}
	return nil
}

// isPicture reports whether an item is a coded or derived picture.
func (i *heifItem) isPicture() bool {
	switch i.kind {
	case "hvc1", "av01", "grid", "iovl", "iden", "jpeg", "avc1", "j2k1", "vvc1", "unci":
		return true
	}
	return false
}

// exif returns the EXIF block of the file without the offset in front of it; nil if it has no block.
func (h *heif) exif() []byte {
	for _, i := range h.items {
		if i.kind == "Exif" && i.refs["cdsc"] > 0 {
			block := i.bytes(maxEXIF)
			if len(block) < 4 || uint64(be32(block)) > uint64(len(block)-4) {
				return nil
			}
			return block[4+be32(block):]
		}
	}
	return nil
}
