package parts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

var (
	// ErrPicture is wrapped when a picture cannot be looked at: nil, empty, or
	// larger than any that this package would unfold in memory.
	ErrPicture = errors.New("parts: unusable picture")
	// ErrFormat is wrapped when bytes are not what this package wrote.
	ErrFormat = errors.New("parts: malformed features")
)

const (
	// MaxFeatures is the greatest number of features that an upload has.
	MaxFeatures = (MaxSize - headerSize) / featureSize
	// MaxSize is the greatest length of an upload's features at rest, bytes.
	MaxSize = 4096

	version     = 1
	headerSize  = 16
	featureSize = 20

	turnSteps  = 64 // steps of a direction in a circle
	levelSteps = 16 // steps of a scale, three to the octave
)

// Features are what is remembered of an upload: the places that stand out in it,
// with a descriptor each. They are immutable. The zero value holds none.
type Features struct {
	data []byte // as at rest, checked; nil for none
}

// A feature is a place of a picture as it is compared.
type feature struct {
	descriptor
	place
}

// A place is where a feature lies, in pixels of the canonical picture, and its direction and scale, in steps.
type place struct {
	x, y  float32
	turn  uint8 // 0..turnSteps-1
	level uint8 // 0..levelSteps-1
}

// Extract finds the features of an upload, given upright. A blank picture has few or none, which is no error: it cannot
// be found again by them. Errors wrap [ErrPicture].
func Extract(img image.Image) (*Features, error) {
	p, err := canonical(img, uploadSide)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	chosen := choose(find(p, 1, 1), p.W, p.H, MaxFeatures)
	f := &Features{data: make([]byte, headerSize, headerSize+featureSize*len(chosen))}
	f.data[0], f.data[1] = version, byte(len(chosen))
	binary.LittleEndian.PutUint32(f.data[4:], uint32(size.X))
	binary.LittleEndian.PutUint32(f.data[8:], uint32(size.Y))
	for _, c := range chosen {
		f.data = c.feature.append(f.data)
	}
	binary.LittleEndian.PutUint32(f.data[12:], checksum(f.data))
	return f, nil
}

func checksum(data []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(data[:12]), crc32.IEEETable, data[headerSize:])
}

// append appends the form at rest of f to b: 16 bytes of signs and 4 of place.
func (f *feature) append(b []byte) []byte {
	for _, w := range f.descriptor {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	half := func(v float32) uint32 { return uint32(min(max(int(2*v+0.5), 0), 1<<11-1)) }
	return binary.LittleEndian.AppendUint32(b, half(f.x)|half(f.y)<<11|uint32(f.turn)<<22|uint32(f.level)<<28)
}

func readFeature(b []byte) (f feature) {
	f.descriptor = readDescriptor(b)
	f.place = readPlace(b[8*words:])
	return f
}

func readPlace(b []byte) place {
	v := binary.LittleEndian.Uint32(b)
	const mask = 1<<11 - 1
	return place{float32(v&mask) / 2, float32(v>>11&mask) / 2, uint8(v >> 22 & (turnSteps - 1)), uint8(v >> 28)}
}

func readDescriptor(b []byte) descriptor {
	return descriptor{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// Len returns the number of features.
func (f *Features) Len() int {
	if f == nil || len(f.data) == 0 {
		return 0
	}
	return int(f.data[1])
}

// MarshalBinary returns the form at rest, no longer than [MaxSize] bytes. A header of 16 bytes has version, number of
// features, two zeros, width, height, and the CRC-32 of the rest, little-endian. Each feature then takes 20 bytes: 128
// signs, and 32 bits of place. From the low bit on these are x and y in half canonical pixels (11 bits each), direction
// (6) and scale (4). The error wraps [ErrFormat] for nil and the zero value.
func (f *Features) MarshalBinary() ([]byte, error) {
	if f == nil || len(f.data) == 0 {
		return nil, fmt.Errorf("%w: not extracted from a picture", ErrFormat)
	}
	return append([]byte(nil), f.data...), nil
}

// UnmarshalBinary sets f to the features that [Features.MarshalBinary] wrote as data, which is
// copied. An error wraps [ErrFormat] and leaves f as it was.
func (f *Features) UnmarshalBinary(data []byte) error {
	if err := check(data); err != nil {
		return err
	}
	f.data = append([]byte(nil), data...)
	return nil
}

// check returns nil if data is the form at rest of features, and otherwise an error that wraps
// ErrFormat. The checksum must hold, and every feature must lie in the picture.
func check(data []byte) error {
	switch {
	case len(data) < headerSize:
		return fmt.Errorf("%w: %d bytes", ErrFormat, len(data))
	case data[0] != version:
		return fmt.Errorf("%w: version %d", ErrFormat, data[0])
	case int(data[1]) > MaxFeatures || len(data) != headerSize+featureSize*int(data[1]):
		return fmt.Errorf("%w: %d bytes for %d features", ErrFormat, len(data), data[1])
	case data[2] != 0 || data[3] != 0:
		return fmt.Errorf("%w: unknown flags", ErrFormat)
	case binary.LittleEndian.Uint32(data[12:]) != checksum(data):
		return fmt.Errorf("%w: wrong checksum", ErrFormat)
	}
	w, h := binary.LittleEndian.Uint32(data[4:]), binary.LittleEndian.Uint32(data[8:])
	if w < 1 || h < 1 || w > maxSide || h > maxSide {
		return fmt.Errorf("%w: a picture of %d x %d pixels", ErrFormat, w, h)
	}
	cw, ch := geometry.Fit(int(w), int(h), uploadSide)
	for b := data[headerSize:]; len(b) > 0; b = b[featureSize:] {
		if f := readFeature(b); f.x > float32(cw) || f.y > float32(ch) {
			return fmt.Errorf("%w: a feature outside of the picture", ErrFormat)
		}
	}
	return nil
}

// A found is a feature with what choosing and asking need besides: its histogram, the
// coordinates along the axes, its strength in grey levels and its octave.
type found struct {
	feature
	h      histogram
	along  histogram // coordinates along the axes
	peak   float32
	octave int
}

// find returns the features of a canonical picture, the finest octave first. It describes every blob in up to limit
// directions: those whose peak is share times the strongest peak or more. share is 0..1.
func find(p dsp.Plane, share float32, limit int) []*found {
	var out []*found
	var at []float64
	all := octaves(p)
	for i := range all {
		o := &all[i]
		for _, b := range o.blobs() {
			at = turns(at[:0], o, &b, share, limit)
			for _, t := range at {
				f := &found{peak: b.peak, octave: i}
				f.x, f.y = float32(b.x*o.step), float32(b.y*o.step)
				f.turn, f.level = uint8(int(float64(t*turnSteps)+0.5)&(turnSteps-1)), levelOf(b.sigma, i)
				cos, sin := dsp.Cis(t)
				describe(&f.h, o, &b, cos, sin)
				out = append(out, f)
			}
		}
	}
	learned.project(out)
	return out
}

// levelOf returns the scale of a blob in thirds of an octave above the smallest scale, 0 to
// levelSteps-1. sigma is in pixels of the octave with that number.
func levelOf(sigma float64, octave int) uint8 {
	l := float64(intervals*dsp.Ln(sigma/baseSigma)/math.Ln2) + float64(intervals*octave)
	return uint8(min(max(int(l+0.5)-1, 0), levelSteps-1))
}

// canonical returns the luma of img over white paper, 0..255, shrunk to a long side of maxLong
// pixels. A picture that is not longer keeps its size. The error wraps ErrPicture if img is nil or
// empty. It also does if a side exceeds maxSide pixels, or the picture maxPixels.
func canonical(img image.Image, maxLong int) (dsp.Plane, error) {
	if img == nil {
		return dsp.Plane{}, fmt.Errorf("%w: nil", ErrPicture)
	}
	size := img.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > maxSide || size.Y > maxSide || int64(size.X)*int64(size.Y) > maxPixels {
		return dsp.Plane{}, fmt.Errorf("%w: %d x %d pixels", ErrPicture, size.X, size.Y)
	}
	w, h := geometry.Fit(size.X, size.Y, maxLong)
	return dsp.ShrinkNRGBA(dsp.AsNRGBA(img), w, h).Luma(), nil
}
