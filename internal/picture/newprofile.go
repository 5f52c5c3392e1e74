package picture

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// namedProfile returns an ICC profile of colours that a container names by numbers of ITU-T H.273; nil for sRGB, which
// pictures without a profile have, and for what is not known.
func namedProfile(primaries, transfer int) []byte {
	const linear, pq, hlg = 8, 16, 18
	if transfer == linear || transfer == pq || transfer == hlg {
		return nil
	}
	switch primaries {
	case 9:
		return matrixProfile("BT.2020 primaries, sRGB curve", [3][3]int32{{44137, 18287, -127}, {10857, 44259, 1965}, {8195, 2989, 52222}}, sRGBCurve())
	case 12:
		return matrixProfile("Display P3", [3][3]int32{{33759, 15807, -69}, {19135, 45367, 2745}, {10296, 4363, 51385}}, sRGBCurve())
	}
	return nil
}

// namedColours returns a profile of what a PNG says of its colours by numbers (cICP), or nil.
func namedColours(s *Source) []byte {
	for kind, body := range pngChunks(append(make([]byte, pngSignature), s.colour...)) {
		if kind == "cICP" {
			return namedProfile(int(body[0]), int(body[1]))
		}
	}
	return nil
}

// adobeProfile returns a profile of Adobe RGB (1998).
func adobeProfile() []byte {
	curve := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33") // one number: 2.2, in units of 1/256
	return matrixProfile("compatible with Adobe RGB (1998)", [3][3]int32{{39960, 20389, 1276}, {13453, 41004, 3989}, {9777, 4143, 48796}}, curve)
}

// exifAdobe reports whether an EXIF block says Adobe RGB: by ColorSpace 2, as some cameras do, or by an
// unknown ColorSpace and the index R03 (DCF 2.0, Exif 2.32 section 4.6.5).
func exifAdobe(block []byte) bool {
	const tagColourSpace, tagInterop, tagIndex, adobe, uncalibrated = 40961, 40965, 1, 2, 0xffff
	d, ok := firstIFD(bytes.TrimPrefix(block, []byte("Exif\x00\x00")))
	if !ok {
		return false
	}
	at, _ := d.uint(tagExifIFD)
	if d, ok = d.at(at); at == 0 || !ok {
		return false
	}
	space, _ := d.uint(tagColourSpace)
	if space != uncalibrated {
		return space == adobe
	}
	at, _ = d.uint(tagInterop)
	if d, ok = d.at(at); at == 0 || !ok {
		return false
	}
	index, _ := d.entry(tagIndex)
	return bytes.HasPrefix(index.raw, []byte("R03"))
}

// sRGBCurve returns the curve of sRGB as a profile has it.
func sRGBCurve() []byte {
	curve := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, n := range []uint32{157286, 62119, 3417, 5072, 2651} { // 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045
		curve = binary.BigEndian.AppendUint32(curve, n)
	}
	return curve
}

// matrixProfile returns a display profile (ICC.1:2022) with one curve. rgb are the colours red, green and
// blue as X, Y and Z under D50, in 1/65536.
func matrixProfile(name string, rgb [3][3]int32, curve []byte) []byte {
	be := binary.BigEndian
	xyz := func(v [3]int32) []byte {
		out := []byte("XYZ \x00\x00\x00\x00")
		for _, n := range v {
			out = be.AppendUint32(out, uint32(n))
		}
		return out
	}
	text := func(s string) []byte {
		letters := utf16.Encode([]rune(s))
		out := be.AppendUint32([]byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS"), uint32(2*len(letters)))
		out = be.AppendUint32(out, 28)
		for _, l := range letters {
			out = be.AppendUint16(out, l)
		}
		return out
	}
	adapted := []byte("sf32\x00\x00\x00\x00") // Bradford, from D65 to D50
	for _, n := range []int32{68674, 1502, -3291, 1939, 64912, -1119, -606, 988, 49262} {
		adapted = be.AppendUint32(adapted, uint32(n))
	}
	tags := []struct {
		name string
		body []byte
	}{
		{"desc", text(name)}, {"cprt", text("no copyright, use freely")}, {"wtpt", xyz([3]int32{63190, 65536, 54061})}, {"chad", adapted},
		{"rXYZ", xyz(rgb[0])}, {"gXYZ", xyz(rgb[1])}, {"bXYZ", xyz(rgb[2])}, {"rTRC", curve}, {"gTRC", nil}, {"bTRC", nil},
	}
	out := make([]byte, iccHeader, 1024)
	copy(out[8:], "\x04\x40\x00\x00mntrRGB XYZ \x07\xe0\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00acsp")
	copy(out[68:], "\x00\x00\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d") // D50
	out = be.AppendUint32(out, uint32(len(tags)))
	var bodies []byte
	start := len(out) + 12*len(tags)
	at, size := 0, 0
	for _, t := range tags {
		if t.body != nil { // without a body it shares the one before
			at, size = start+len(bodies), len(t.body)
			bodies = append(bodies, t.body...)
			for len(bodies)%4 > 0 {
				bodies = append(bodies, 0)
			}
		}
		out = be.AppendUint32(append(out, t.name...), uint32(at))
		out = be.AppendUint32(out, uint32(size))
	}
	out = append(out, bodies...)
	be.PutUint32(out, uint32(len(out)))
	return out
}
