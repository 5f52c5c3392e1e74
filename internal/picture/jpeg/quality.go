package jpeg

import (
	"encoding/binary"
	"math"

	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// A quantTable is a JPEG quantisation table in zigzag order (ITU-T T.81, B.2.4.1). The zero
// value means that the file has no such table: entries cannot be 0.
type quantTable = jpegcoef.Steps

// nearestQuality returns the quality, 1 to 100, whose tables are nearest to the luma and chroma tables given, by least
// squares over the logarithms of all entries. A step of quantisation matters by its ratio to another, not by its
// difference. For tables of that family the distance is 0 at their own quality; cameras and Photoshop have tables of
// their own, which get the quality of like coarseness. Tables that are zero are left out; without any the answer is 0.
func nearestQuality(tables [2]quantTable) int {
	best, minMiss := 0, math.Inf(1)
	for q := 1; q <= 100; q++ {
		miss, n, examples := 0.0, 0, jpegcoef.Examples(q)
		for t := range tables {
			if tables[t][0] == 0 {
				continue
			}
			for i, v := range tables[t] {
				d := math.Log(float64(max(v, 1)) / float64(examples[t][i]))
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
func (o *Outline) readTables(body []byte) {
	for len(body) > 0 {
		wide, to := int(body[0]>>4), body[0]&15
		body = body[1:]
		if wide > 1 || int(to) >= len(o.tables) || len(body) < 64*(1+wide) {
			return
		}
		for i := range o.tables[to] {
			if wide == 1 {
				o.tables[to][i] = binary.BigEndian.Uint16(body[2*i:])
			} else {
				o.tables[to][i] = uint16(body[i])
			}
		}
		body = body[64*(1+wide):]
	}
}

// quality returns the quality, 1 to 100, that is nearest to the tables of the first two components; 0 if the file has
// no tables. In CMYK and RGB files all components use the first table, which then is compared alone.
func (o *Outline) quality() int {
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
// codec.SubGray for one component, 0 for none or two. For factors without a name it returns the next
// finer name, so that a copy never has less colour than its source.
func (o *Outline) subsampling() codec.Subsampling {
	if len(o.sampling) == 1 {
		return codec.SubGray
	}
	if len(o.sampling) < 3 {
		return 0
	}
	y, cb, cr := o.sampling[0], o.sampling[1], o.sampling[2]
	half := func(luma, b, r byte) bool { return luma >= 2*max(b, r) }
	across, down := half(y.h, cb.h, cr.h), half(y.v, cb.v, cr.v)
	switch {
	case across && down:
		return codec.Sub420
	case across:
		return codec.Sub422
	case down:
		return codec.Sub440
	}
	return codec.Sub444
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
