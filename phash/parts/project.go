package parts

import (
	_ "embed" // the axes
	"encoding/binary"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// axesFile holds the mean histogram and the axes as little-endian float32: dims numbers of the mean, then for each
// dimension of a histogram its share in each of the axes. The axes are linear discriminants, as in Strecha et al.,
// "LDAHash", 2012, the best first. Along them histograms of different places differ most, and histograms of one place
// in several pictures differ by a deviation of 1. TestLearn learns the axes from specimens alone.
//
//go:embed axes.bin
var axesFile []byte

// words is the length of a descriptor.
const words = 2

// A descriptor holds the signs of a histogram along the axes, that of axis i in bit i%64 of word i/64.
type descriptor [words]uint64

// axes are the numbers of axesFile.
type axes struct {
	mean  histogram
	share dsp.Plane // a row of shares for each dimension of the histogram
}

var learned = readAxes(axesFile)

// readAxes returns the axes that data, the bytes of axesFile, holds. It returns axes of zeros if
// data has another length.
func readAxes(data []byte) *axes {
	a := &axes{share: dsp.NewPlane(dims, dims)}
	next := func(h []float32) {
		for i := range h {
			h[i] = math.Float32frombits(binary.LittleEndian.Uint32(data))
			data = data[4:]
		}
	}
	if len(data) != 4*dims*(dims+1) {
		return a
	}
	next(a.mean[:])
	next(a.share.Pix)
	return a
}

// project sets the coordinates along the axes, and the descriptors, of the histograms of all features.
func (a *axes) project(all []*found) {
	along, off := dsp.NewPlane(dims, len(all)), make([]float32, 0, dims*len(all))
	for _, f := range all {
		for i, v := range f.h {
			off = append(off, v-a.mean[i])
		}
	}
	dsp.Combine(along, a.share, off)
	for i, f := range all {
		f.along = histogram(along.Row(i))
		f.descriptor = f.along.bits()
	}
}

// bits returns the signs of the coordinates y: a bit is set if the coordinate is above 0.
func (y *histogram) bits() (d descriptor) {
	for i, v := range y {
		if v > 0 {
			d[i/64] |= 1 << (i % 64)
		}
	}
	return d
}

// mirrored returns the histogram that the picture's mirror image has at the same place: rows and
// directions run the other way round.
func (h *histogram) mirrored() (m histogram) {
	for y := range cells {
		for x := range cells {
			for a := range angles {
				m[((cells-1-y)*cells+x)*angles+(angles-a)%angles] = h[(y*cells+x)*angles+a]
			}
		}
	}
	return m
}
