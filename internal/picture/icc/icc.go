// Package icc keeps and makes colour profiles (ICC.1:2022).
package icc

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
)

// Colour profiles (ICC.1:2022): where they stand in files, and which are kept.
const (
	MaxBytes    = 4 << 20 // bytes of a profile that is kept
	HeaderBytes = 128     // bytes
	rgb         = "RGB "
	Gray        = "GRAY"
)

// Keep returns a copy of a profile that may be passed on: complete, of the size that it
// states, for RGB or grey pixels. It returns nil for every other profile.
func Keep(data []byte) []byte {
	size, ok := Size(data)
	if !ok || size > len(data) {
		return nil
	}
	return bytes.Clone(data[:size])
}

// Size reads the header of a profile (ICC.1:2022 section 7.2). It returns the size in bytes that the profile
// states, and whether a profile of that size and kind is kept. The size means nothing if that is false.
func Size(data []byte) (int, bool) {
	if len(data) < HeaderBytes || string(data[36:40]) != "acsp" {
		return 0, false
	}
	size, model := binary.BigEndian.Uint32(data), Model(data)
	return int(size), size >= HeaderBytes && size <= MaxBytes && (model == rgb || model == Gray)
}

// Model returns the kind of pixels that a profile is for, four bytes such as rgb; "" if
// data is too short for a profile's header.
func Model(data []byte) string {
	if len(data) < HeaderBytes {
		return ""
	}
	return string(data[16:20])
}

// Named returns an ICC profile of colours that a container names by numbers of ITU-T H.273; nil for sRGB, which
// pictures without a profile have, and for what is not known.
func Named(primaries, transfer int) []byte {
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

// AdobeRGB returns a profile of Adobe RGB (1998).
func AdobeRGB() []byte {
	curve := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33") // one number: 2.2, in units of 1/256
	return matrixProfile("compatible with Adobe RGB (1998)", [3][3]int32{{39960, 20389, 1276}, {13453, 41004, 3989}, {9777, 4143, 48796}}, curve)
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
	out := make([]byte, HeaderBytes, 1024)
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
