package picture

import "math"

// A quantTable is a JPEG quantisation table in zigzag order (ITU-T T.81, B.2.4.1). The zero
// value means that the file has no such table: entries cannot be 0.
type quantTable [64]uint16

// The example tables for luminance and chrominance, in zigzag order (ITU-T
// T.81, tables K.1 and K.2).
var baseTables = [2]quantTable{{
	16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
	26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
	56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
	95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
}, {
	17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
}}

// scaled returns one entry of a base table at a quality of 1 to 100, as the Independent JPEG
// Group's library and image/jpeg compute it: 1 to 255.
func scaled(base uint16, quality int) int {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	return min(max((int(base)*scale+50)/100, 1), 255)
}

// nearestQuality returns the quality, 1 to 100, whose tables are nearest to the luma and chroma
// tables given, by least squares over the logarithms of all entries. A step of quantisation matters
// by its ratio to another, not by its difference. For tables of that family the distance is 0 at
// their own quality; cameras and Photoshop have tables of their own, which get the quality of like
// coarseness. Tables that are zero are left out; without any the answer is 0.
func nearestQuality(tables [2]quantTable) int {
	best, minMiss := 0, math.Inf(1)
	for q := 1; q <= 100; q++ {
		miss, n := 0.0, 0
		for t := range tables {
			if tables[t][0] == 0 {
				continue
			}
			for i, v := range tables[t] {
				d := math.Log(float64(max(v, 1)) / float64(scaled(baseTables[t][i], q)))
				miss += float64(d * d)
			}
			n++
		}
		if n > 0 && miss < minMiss {
			best, minMiss = q, miss
		}
	}
	return best
}

// readTables records the tables of a DQT segment, of 8 or 16 bits an entry. A table replaces an
// earlier one of its number. At a damaged table it stops, and keeps those before.
func (o *jpegOutline) readTables(body []byte) {
	for len(body) > 0 {
		wide, to := int(body[0]>>4), body[0]&15
		body = body[1:]
		if wide > 1 || int(to) >= len(o.tables) || len(body) < 64*(1+wide) {
			return
		}
		for i := range o.tables[to] {
			if wide == 1 {
				o.tables[to][i] = uint16(be16(body[2*i:]))
			} else {
				o.tables[to][i] = uint16(body[i])
			}
		}
		body = body[64*(1+wide):]
	}
}

// quality returns the quality, 1 to 100, that is nearest to the tables of the first two components;
// 0 if the file has no tables. In CMYK and RGB files all components use the first table, which then
// is compared alone.
func (o *jpegOutline) quality() int {
	var tables [2]quantTable
	for c := range min(len(o.sampling), len(tables)) {
		tables[c] = o.tables[o.sampling[c].table&3]
	}
	if len(o.sampling) > 1 && o.sampling[0].table == o.sampling[1].table {
		tables[1] = quantTable{}
	}
	return nearestQuality(tables)
}

// subsampling returns the subsampling by comparing the first component with the second and third:
// SubGray for one component, 0 for none or two. For factors without a name it returns the next
// finer name, so that a copy never has less colour than its source.
func (o *jpegOutline) subsampling() Subsampling {
	if len(o.sampling) == 1 {
		return SubGray
	}
	if len(o.sampling) < 3 {
		return 0
	}
	y, cb, cr := o.sampling[0], o.sampling[1], o.sampling[2]
	half := func(luma, b, r byte) bool { return luma >= 2*max(b, r) }
	across, down := half(y.h, cb.h, cr.h), half(y.v, cb.v, cr.v)
	switch {
	case across && down:
		return Sub420
	case across:
		return Sub422
	case down:
		return Sub440
	}
	return Sub444
}

// exampleCounts are how many codes of 1 to 16 bits there are in the example
// Huffman tables (ITU-T T.81, tables K.3 to K.6), which most cameras use.
var exampleCounts = map[[16]byte]bool{
	{0, 1, 5, 1, 1, 1, 1, 1, 1}:                         true,
	{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}:                   true,
	{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d}: true,
	{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}: true,
}

// exampleCodes reports whether a DHT segment (T.81, B.2.4.2) holds the example codes alone.
func exampleCodes(body []byte) bool {
	for len(body) >= 17 {
		counts, symbols := [16]byte(body[1:17]), 0
		for _, n := range counts {
			symbols += int(n)
		}
		if !exampleCounts[counts] || len(body) < 17+symbols {
			return false
		}
		body = body[17+symbols:]
	}
	return true
}
