package picture

import "encoding/binary"

// plainHEIC returns the primary picture of a HEIC as a file of its own: a grid, of one tile if need be, or
// a grey picture, without turns, clips, profiles and all else. heicHeader has checked data. So the decoder reads no
// structure that others wrote. By itself it would turn and clip, refuse some brands, and blur the
// colours of pictures without a grid.
func plainHEIC(data []byte) ([]byte, error) {
	f, err := readHEIF(data)
	if err != nil {
		return nil, err
	}
	item := f.items[f.primary]
	w, h := f.size(item)
	shape, tiles := []byte{0, 1, 0, 0}, []*heifItem{item}
	if item.kind == "grid" {
		copy(shape[2:], item.bytes(4)[2:])
		tiles = nil
		for _, id := range item.made {
			tiles = append(tiles, f.items[id])
		}
	}
	be := binary.BigEndian
	const gridID = 1 // tiles follow
	primary, hidden := gridID, byte(1)
	if f.isGrey(item) { // the decoder knows no grey grids
		primary, hidden = gridID+1, 0
	}
	var infos, places, props, links, body []byte // of the boxes that follow
	add := func(id int, kind string, hidden byte, parts ...[]byte) {
		infos = append(infos, bmffBox("infe", []byte{2, 0, 0, hidden}, be16s(id, 0), []byte(kind), []byte{0})...)
		start := len(body)
		for _, p := range parts {
			body = append(body, p...)
		}
		places = append(places, be16s(id, 0, 1)...)
		places = be.AppendUint32(be.AppendUint32(places, uint32(start)), uint32(len(body)-start))
	}
	extent := func(w, h int64) []byte { return bmffBox("ispe", make([]byte, 4), be32s(w, h)) }
	tw, th := f.size(tiles[0])
	// Whatever the colours are: of these the decoder hands over the stored numbers.
	props = append(append(extent(w, h), extent(tw, th)...), bmffBox("colr", []byte("nclx"), be16s(1, 13, 6), []byte{0x80})...)
	grid := append(shape, be32s(w, h)...)
	items, derived := len(tiles), []byte(nil)
	if primary == gridID {
		items++
		add(gridID, "grid", 0, grid)
		links = append(be16s(gridID), 2, 0, 1, 0, 3)
	}
	refs, last := be16s(gridID, len(tiles)), []byte(nil)
	n := 3
	if primary != gridID {
		props = append(props, bmffBox("pixi", make([]byte, 4), []byte{1, f.property(item, "hvcC")[17]&7 + 8})...) // one channel
		n++
	}
	for i, t := range tiles {
		id := gridID + 1 + i
		if config := f.property(t, "hvcC"); last == nil || string(config) != string(last) {
			props = append(props, bmffBox("hvcC", config)...)
			last = config
			n++
		}
		add(id, "hvc1", hidden, t.parts...)
		refs = append(refs, be16s(id)...)
		if links = append(links, be16s(id)...); primary == gridID {
			links = append(links, 3, 0, 2, 0, 3)
		} else {
			links = append(links, 3, 0, 2, 0, 4) // with numbers for colours it would not be grey
		}
		links = append(links, be16s(0x8000|n)...)
	}
	count := be16s(items)
	if primary == gridID {
		derived = bmffBox("dimg", refs)
	}
	meta := func(at int) []byte {
		moved := append([]byte(nil), places...)
		for i := 6; i < len(moved); i += 14 {
			be.PutUint32(moved[i:], be.Uint32(moved[i:])+uint32(at))
		}
		return bmffBox("meta", make([]byte, 4),
			bmffBox("hdlr", make([]byte, 8), []byte("pict"), make([]byte, 13)),
			bmffBox("pitm", make([]byte, 4), be16s(primary)),
			bmffBox("iloc", make([]byte, 4), []byte{0x44, 0}, count, moved),
			bmffBox("iinf", make([]byte, 4), count, infos),
			bmffBox("iref", make([]byte, 4), derived),
			bmffBox("iprp", bmffBox("ipco", props), bmffBox("ipma", []byte{0, 0, 0, 1}, be32s(int64(items)), links)))
	}
	out := bmffBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	out = append(out, meta(len(out)+len(meta(0))+8)...)
	return append(out, bmffBox("mdat", body)...), nil
}

// bmffBox returns a box with the joined parts as its body.
func bmffBox(kind string, parts ...[]byte) []byte {
	out := append(make([]byte, 4, 32), kind...)
	for _, p := range parts {
		out = append(out, p...)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

// be16s returns numbers in 2 bytes each.
func be16s(numbers ...int) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	return out
}

// be32s returns numbers in 4 bytes each.
func be32s(numbers ...int64) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	return out
}
