package picture

import (
	"errors"
	"math"
)

// yccColours say what each code adds to red, green and blue, in units of
// 2^-16 levels. The luma holds the half that rounds.
type yccColours struct {
	luma, crRed, crGreen, cbGreen, cbBlue [256]int32
}

// maxLevels bounds what a code adds, so that the sum of three fits into 32
// bits whatever the file says of its colours.
const maxLevels = 4096

// yccColours reads the tags YCbCrCoefficients (529) and ReferenceBlackWhite
// (532). Their defaults, which are ITU-R BT.601 and full range, make JPEG's
// conversion of them (TIFF 6.0 sections 20 and 21):
//
//	full = (code - black) * range / (white - black), range 255 for Y and 127 for Cb, Cr
//	R = Y + (2 - 2 LumaRed) Cr
//	B = Y + (2 - 2 LumaBlue) Cb
//	G = (Y - LumaRed R - LumaBlue B) / LumaGreen
//
// Each entry is rounded once, from products and quotients that no compiler may
// fuse: the tables are the same on every CPU.
func (d ifd) yccColours() (*yccColours, error) {
	luma, err := d.numbers(tagCoefficients, 0.299, 0.587, 0.114)
	if err != nil {
		return nil, err
	}
	levels, err := d.numbers(tagReferenceLevel, 0, 255, 128, 255, 128, 255)
	if err != nil {
		return nil, err
	}
	red, green, blue := luma[0], luma[1], luma[2]
	if red > 1 || green <= 0 || blue > 1 {
		return nil, errors.New("impossible YCbCr coefficients")
	}
	crRed, cbBlue := 2-float64(2*red), 2-float64(2*blue)
	c := new(yccColours)
	for _, t := range []struct {
		table  *[256]int32
		levels []float64
		scale  float64
	}{
		{&c.luma, levels[0:2], 255},
		{&c.cbBlue, levels[2:4], float64(127 * cbBlue)},
		{&c.cbGreen, levels[2:4], float64(127*float64(blue*cbBlue)) / green},
		{&c.crRed, levels[4:6], float64(127 * crRed)},
		{&c.crGreen, levels[4:6], float64(127*float64(red*crRed)) / green},
	} {
		black, white := t.levels[0], t.levels[1]
		if white <= black {
			return nil, errors.New("reference white is not above reference black")
		}
		for code := range t.table {
			v := float64((float64(code)-black)*t.scale) / (white - black)
			t.table[code] = int32(math.Round(max(-maxLevels, min(v, maxLevels)) * (1 << 16)))
		}
	}
	for code := range c.luma {
		c.luma[code] += 1 << 15
	}
	return c, nil
}

// numbers returns the values of a tag, as many as there are defaults. It returns the defaults unset
// if the directory does not have the tag, and an error if a value is missing or cannot be read.
func (d ifd) numbers(tag uint16, unset ...float64) ([]float64, error) {
	v, ok := d.entry(tag)
	if !ok {
		return unset, nil
	}
	out := make([]float64, len(unset))
	for i := range out {
		if out[i], ok = v.number(i); !ok {
			return nil, errors.New("YCbCr coefficients or reference levels are damaged")
		}
	}
	return out, nil
}
