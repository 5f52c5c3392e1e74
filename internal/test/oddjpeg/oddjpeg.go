// Package oddjpeg writes JPEGs that cameras, broken disks and broken connections leave, and that libjpeg-turbo opens. Tests
// use it. Files are whole ones that were damaged, or ones of rare kinds.
package oddjpeg

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"
)

// A Kind says how [Encode] writes a picture.
type Kind struct {
	Sampling    []byte // of each component, across<<4 | down: 1, 3 or 4 components
	Interval    int    // MCUs between restart markers; 0: no markers
	Alone       bool   // each component has a scan of its own
	Progressive bool   // the scans of the last bits are missing
}

// step is the step of quantisation of all coefficients.
const step = 6

// low is the number of bits that scans of a progressive file lack.
const low = 1

// Encode writes a picture with steps of 6. Its Huffman codes have one length, so that it needs no tables. Four components
// are inks, with black where all others are dark.
func Encode(img image.Image, k Kind) []byte {
	e := &encoder{Kind: k, size: img.Bounds().Size()}
	for i, s := range k.Sampling {
		e.largest.X, e.largest.Y = max(e.largest.X, int(s>>4)), max(e.largest.Y, int(s&15))
		e.planes = append(e.planes, plane(img, i, len(k.Sampling)))
	}
	e.out.WriteString("\xff\xd8")
	if len(k.Sampling) == 4 {
		e.segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))
	}
	e.segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{step}, 64)...))
	frame := []byte{8, byte(e.size.Y >> 8), byte(e.size.Y), byte(e.size.X >> 8), byte(e.size.X), byte(len(k.Sampling))}
	for i, s := range k.Sampling {
		frame = append(frame, byte(i+1), s, 0)
	}
	marker := byte(0xc0)
	if k.Progressive {
		marker = 0xc2
	}
	e.segment(marker, frame)
	e.segment(0xc4, codes(0, 4, 12))
	e.segment(0xc4, codes(0x10, 8, 250))
	if k.Interval > 0 {
		e.segment(0xdd, binary.BigEndian.AppendUint16(nil, uint16(k.Interval)))
	}
	e.scans()
	e.out.WriteString("\xff\xd9")
	return e.out.Bytes()
}

// codes returns the body of a DHT segment with the values below n, all of so many bits.
func codes(class, bits byte, n int) []byte {
	out := append([]byte{class}, make([]byte, 16)...)
	out[bits] = byte(n)
	for v := range n {
		out = append(out, byte(v))
	}
	return out
}

// plane returns component i of n as samples: grey, YCbCr, or inverted inks.
func plane(img image.Image, i, n int) func(x, y int) float64 {
	b := img.Bounds()
	return func(x, y int) float64 {
		r16, g16, b16, _ := img.At(b.Min.X+min(x, b.Dx()-1), b.Min.Y+min(y, b.Dy()-1)).RGBA()
		c := [3]float64{float64(r16 >> 8), float64(g16 >> 8), float64(b16 >> 8)}
		if n == 4 {
			black := max(c[0], c[1], c[2], 1)
			if i == 3 {
				return black
			}
			return min(255, c[i]/black*255)
		}
		return [3]float64{
			.299*c[0] + .587*c[1] + .114*c[2],
			128 - .168736*c[0] - .331264*c[1] + .5*c[2],
			128 + .5*c[0] - .418688*c[1] - .081312*c[2],
		}[i]
	}
}

type encoder struct {
	Kind
	size, largest image.Point // largest: of the sampling
	planes        []func(x, y int) float64
	out           bytes.Buffer
	acc, n        int // bits that are not written yet
}

func (e *encoder) segment(marker byte, body []byte) {
	e.out.Write([]byte{0xff, marker, byte((len(body) + 2) >> 8), byte(len(body) + 2)})
	e.out.Write(body)
}

// scans writes all scans.
func (e *encoder) scans() {
	all := make([]int, len(e.planes))
	for i := range all {
		all[i] = i
	}
	switch {
	case e.Progressive:
		e.scan(all, 0, 0)
		for i := range all {
			e.scan(all[i:i+1], 1, 63)
		}
	case e.Alone:
		for i := range all {
			e.scan(all[i:i+1], 0, 63)
		}
	default:
		e.scan(all, 0, 63)
	}
}

// scan writes a scan of components, with their coefficients from and to.
func (e *encoder) scan(of []int, from, to int) {
	head, shift := []byte{byte(len(of))}, 0
	for _, i := range of {
		head = append(head, byte(i+1), 0)
	}
	if e.Progressive {
		shift = low
	}
	e.segment(0xda, append(head, byte(from), byte(to), byte(shift)))
	across, down := (e.size.X+8*e.largest.X-1)/(8*e.largest.X), (e.size.Y+8*e.largest.Y-1)/(8*e.largest.Y)
	alone := len(of) == 1
	if s := e.Sampling[of[0]]; alone { // blocks with pixels, not whole MCUs
		w, h := (e.size.X*int(s>>4)+e.largest.X-1)/e.largest.X, (e.size.Y*int(s&15)+e.largest.Y-1)/e.largest.Y
		across, down = (w+7)/8, (h+7)/8
	}
	before := make([]int, len(e.planes))
	for mcu := range across * down {
		if e.Interval > 0 && mcu > 0 && mcu%e.Interval == 0 {
			e.flush()
			e.out.Write([]byte{0xff, byte(0xd0 + (mcu/e.Interval-1)%8)})
			clear(before)
		}
		for _, i := range of {
			h, v := int(e.Sampling[i]>>4), int(e.Sampling[i]&15)
			if alone {
				h, v = 1, 1
			}
			for n := range h * v {
				e.block(e.coefficients(i, mcu%across*h+n%h, mcu/across*v+n/h, shift), &before[i], from, to)
			}
		}
	}
	e.flush()
}

// block writes the coefficients from and to of a block.
func (e *encoder) block(c [64]int, before *int, from, to int) {
	if from == 0 {
		e.number(4, 0, c[0]-*before)
		*before = c[0]
	}
	run := 0
	for k := max(from, 1); k <= to; k++ {
		if c[k] == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			e.bits(0xf0, 8)
		}
		e.number(8, run<<4, c[k])
		run = 0
	}
	if run > 0 {
		e.bits(0, 8)
	}
}

// number writes the code of run and size, and the bits of a number (T.81, F.1.2.1).
func (e *encoder) number(bits, run, v int) {
	size, low := 0, v
	for a := max(v, -v); a > 0; a >>= 1 {
		size++
	}
	if v < 0 {
		low += 1<<size - 1
	}
	e.bits(run|size, bits)
	e.bits(low, size)
}

func (e *encoder) bits(v, n int) {
	e.acc, e.n = e.acc<<n|v, e.n+n
	for ; e.n >= 8; e.n -= 8 {
		b := byte(e.acc >> (e.n - 8))
		if e.out.WriteByte(b); b == 0xff {
			e.out.WriteByte(0)
		}
	}
	e.acc &= 1<<e.n - 1
}

// flush fills the last byte with ones.
func (e *encoder) flush() {
	if e.n > 0 {
		e.bits(1<<(8-e.n)-1, 8-e.n)
	}
}

// cosines has the factors of the transform, by order and sample.
var cosines = func() (out [8][8]float64) {
	for u := range out {
		for x := range 8 {
			if out[u][x] = math.Cos(math.Pi*float64((2*x+1)*u)/16) / 2; u == 0 {
				out[u][x] = math.Sqrt(1. / 8)
			}
		}
	}
	return out
}()

// coefficients returns a block in zigzag order, without its lowest bits.
func (e *encoder) coefficients(i, bx, by, lack int) (out [64]int) {
	sx, sy := e.largest.X, e.largest.Y
	h, v := int(e.Sampling[i]>>4), int(e.Sampling[i]&15)
	var samples, half [8][8]float64
	for y := range 8 {
		for x := range 8 {
			samples[y][x] = e.mean(i, (8*bx+x)*sx/h, (8*by+y)*sy/v, max(1, sx/h), max(1, sy/v)) - 128
		}
	}
	for y := range 8 {
		for u := range 8 {
			for x := range 8 {
				half[y][u] += cosines[u][x] * samples[y][x]
			}
		}
	}
	for k, at := range zigzag {
		sum := 0.0
		for y := range 8 {
			sum += cosines[at/8][y] * half[y][at%8]
		}
		if out[k] = int(math.Round(sum / step)); k == 0 {
			out[k] >>= lack
		} else if out[k] < 0 {
			out[k] = -(-out[k] >> lack)
		} else {
			out[k] >>= lack
		}
	}
	return out
}

// mean returns the mean of w x h pixels of a component.
func (e *encoder) mean(i, x, y, w, h int) float64 {
	sum := 0.0
	for n := range w * h {
		sum += e.planes[i](x+n%w, y+n/w)
	}
	return sum / float64(w*h)
}

// zigzag is the place of each coefficient (T.81, figure A.6): along the diagonals, by turns down and up.
var zigzag = func() (out [64]int) {
	k := 0
	for d := range 15 {
		for n := range d + 1 {
			x, y := n, d-n
			if d%2 == 1 {
				x, y = y, x
			}
			if x < 8 && y < 8 {
				out[k] = 8*y + x
				k++
			}
		}
	}
	return out
}()
