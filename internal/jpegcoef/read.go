package jpegcoef

import (
	"bytes"
	"math"
	"slices"
)

// Markers of T.81, table B.1.
const (
	sof0 = 0xc0
	sof1 = 0xc1
	sof2 = 0xc2
	dht  = 0xc4
	rst0 = 0xd0
	soi  = 0xd8
	eoi  = 0xd9
	sos  = 0xda
	dqt  = 0xdb
	dri  = 0xdd
	app0 = 0xe0
	com  = 0xfe
)

// A decoder is a file that is being read.
type decoder struct {
	Picture
	r        reader
	tables   [2][4]*table // of DC and AC
	steps    [4]*Steps
	chosen   []byte // numbers of the components' tables of steps
	begun    []bool // components that a scan was read for
	adobe    int    // transform of the Adobe segment; -1: no segment
	isJFIF   bool
	maxBlock int
	scans    int
	mixed    bool     // the scan has all components
	largest  sampling // of all components
	mending  bool     // [Mend]
	strips   []strip  // of a file that is mended
}

// sampling is how often components are sampled.
type sampling struct{ H, V int }

// maxScans is how many scans a file may have: each costs as much as a file.
const maxScans = 100

// Read opens a JPEG file of up to maxPixels pixels. What follows its end is not looked at. The picture may keep data,
// and damage of its codes is found in the first pass over it. Read allocates some hundred times data's size at most. Errors wrap [ErrRefused].
func Read(data []byte, maxPixels int) (*Picture, error) {
	d, err := newDecoder(data)
	if err == nil {
		err = d.read(maxPixels)
	}
	if err != nil {
		return nil, err
	}
	return d.finish()
}

func newDecoder(data []byte) (*decoder, error) {
	if !bytes.HasPrefix(data, []byte{0xff, soi}) {
		return nil, refuse("no JPEG")
	}
	// Each block takes a bit at least in its first scan, as there are no codes of no bits.
	return &decoder{r: reader{data: data, at: 2}, adobe: -1, maxBlock: min(8*len(data), math.MaxInt/blockSize)}, nil
}

func (d *decoder) read(maxPixels int) error {
	for {
		marker, body, err := d.segment()
		if err != nil {
			return err
		}
		switch {
		case marker == sof0 || marker == sof1 || marker == sof2:
			err = d.readFrame(marker, body, maxPixels)
		case marker == dht:
			err = d.readTables(body)
		case marker == dqt:
			err = d.readSteps(body)
		case marker == dri && len(body) == 2 && d.Picture.data == nil:
			d.interval = int(body[0])<<8 | int(body[1])
		case marker == sos:
			err = d.readScan(body)
		case marker == eoi:
			return nil
		case marker == app0:
			d.readJFIF(body)
		case marker == 0xee:
			if len(body) >= 12 && string(body[:5]) == "Adobe" {
				d.adobe = int(body[11])
			}
		case marker > app0 && marker <= 0xef || marker == com:
		default:
			err = refuse("unknown marker")
		}
		if err != nil {
			return err
		}
	}
}

// segment returns the next marker and what belongs to it. Of a scan that is the header.
func (d *decoder) segment() (marker byte, body []byte, err error) {
	data, at := d.r.data, d.r.at
	if d.mending {
		at += extent(data[at:])
	}
	if at >= len(data) || data[at] != 0xff {
		return 0, nil, refuse("no marker")
	}
	for at < len(data) && data[at] == 0xff {
		at++
	}
	if at == len(data) {
		return 0, nil, refuse("truncated")
	}
	marker = data[at]
	if at++; marker == eoi {
		d.r.at = at
		return marker, nil, nil
	}
	if marker < sof0 || marker >= rst0 && marker <= soi || at+2 > len(data) {
		return 0, nil, refuse("unknown marker")
	}
	size := int(data[at])<<8 | int(data[at+1])
	if size < 2 || at+size > len(data) {
		return 0, nil, refuse("truncated")
	}
	if marker == sos && d.scans == 0 {
		d.coded = at
	}
	d.r.at = at + size
	return marker, data[at+2 : at+size], nil
}

func (d *decoder) readJFIF(body []byte) {
	const size = 14
	if len(body) < 5 {
		return
	}
	if d.isJFIF = string(body[:5]) == "JFIF\x00"; d.isJFIF && len(body) >= size {
		d.jfif = append([]byte(nil), body[:size]...)
		d.jfif[size-2], d.jfif[size-1] = 0, 0
	}
}

func (d *decoder) readTables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 {
			return refuse("Huffman table cut off")
		}
		class, to, n := body[0]>>4, body[0]&15, 0
		for _, c := range body[1:17] {
			n += int(c)
		}
		if class > 1 || to > 3 || d.frame == sof0 && to > 1 || n == 0 || n > 256 || 17+n > len(body) {
			return refuse("bad Huffman table")
		}
		t, err := newTable([16]uint8(body[1:17]), bytes.Clone(body[17:17+n]))
		if err != nil {
			return err
		}
		d.tables[class][to], body = t, body[17+n:]
	}
	return nil
}

func (d *decoder) readSteps(body []byte) error {
	if d.scans > 0 {
		return refuse("quantisation table behind a scan")
	}
	for len(body) > 0 {
		wide, to := int(body[0]>>4), body[0]&15
		if wide > 1 || to > 3 || len(body) < 1+blockSize*(1+wide) {
			return refuse("bad quantisation table")
		}
		s := new(Steps)
		for i := range s {
			if wide == 1 {
				s[i] = uint16(body[1+2*i])<<8 | uint16(body[2+2*i])
			} else {
				s[i] = uint16(body[1+i])
			}
			if s[i] == 0 {
				return refuse("quantisation by zero")
			}
		}
		d.steps[to], body = s, body[1+blockSize*(1+wide):]
	}
	return nil
}

// readFrame reads a header of 8 bits a sample, 1 or 3 components: the first has the most samples, the others the same.
func (d *decoder) readFrame(marker byte, body []byte, maxPixels int) error {
	if d.Components != nil || len(body) != 9 && len(body) != 15 && (len(body) != 18 || !d.mending) || int(body[5]) != len(body)/3-2 || body[0] != 8 {
		return refuse("kind of frame")
	}
	d.frame, d.progressive = marker, marker == sof2
	d.H, d.W = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	if d.W == 0 || d.H == 0 || d.W > maxPixels/d.H {
		return refuse("number of pixels")
	}
	for b := body[6:]; len(b) > 0; b = b[3:] {
		c := Component{id: b[0], H: int(b[1] >> 4), V: int(b[1] & 15)}
		if slices.ContainsFunc(d.Components, func(other Component) bool { return other.id == c.id }) {
			return refuse("two components of one name")
		}
		grey, factors := len(body) == 9, [5]bool{1: true, 2: true, 3: d.mending, 4: true}
		if b[2] > 3 || c.H > 4 || c.V > 4 || !factors[c.H] || !factors[c.V] || c.V == 4 && !grey && !d.mending {
			return refuse("sampling factors")
		}
		if grey {
			c.H, c.V = 1, 1
		}
		d.Components, d.chosen = append(d.Components, c), append(d.chosen, b[2])
		d.largest = sampling{max(d.largest.H, c.H), max(d.largest.V, c.V)}
	}
	luma, largest := d.Components[0], d.largest
	mx, my := over(d.W, 8*largest.H), over(d.H, 8*largest.V)
	sum := 0
	for i := range d.Components {
		c := &d.Components[i]
		same := i != 2 || c.H == d.Components[1].H && c.V == d.Components[1].V
		if !d.mending && (luma.H%c.H != 0 || luma.V%c.V != 0 || !same) {
			return refuse("sampling factors")
		}
		c.Across, c.Down = mx*c.H, my*c.V
		c.InX, c.InY = over(over(d.W*c.H, largest.H), 8), over(over(d.H*c.V, largest.V), 8)
		if sum += c.Across * c.Down; sum > d.maxBlock {
			return refuse("truncated")
		}
	}
	d.begun = make([]bool, len(d.Components))
	d.strips = make([]strip, over(d.H, stripRows))
	return nil
}

func over(a, b int) int { return (a + b - 1) / b }

// isRGB reports whether three components are colours as they are, as package image/jpeg decides.
func (d *decoder) isRGB() bool {
	c := d.Components
	if d.isJFIF || len(c) != 3 {
		return false
	}
	return d.adobe == 0 || c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
}

func (d *decoder) finish() (*Picture, error) {
	if d.scans == 0 || d.isRGB() {
		return nil, refuse("no scan, or colours that are not YCbCr")
	}
	for i := range d.Components {
		if !d.begun[i] {
			return nil, refuse("no data for a component")
		}
		if c := &d.Components[i]; d.Picture.data == nil && !c.sound() {
			return nil, refuse("coefficient of too many bits")
		}
	}
	d.coded = d.r.at - d.coded
	if !d.mixed || d.progressive {
		d.interval = 0
	}
	p := d.Picture
	return &p, nil
}

// sound finds what is not zero of the blocks that are kept. It reports whether a baseline file can hold them.
func (c *Component) sound() bool {
	sound := true
	for i := range c.kept.coef {
		b := &c.kept.coef[i]
		sound = sound && b[0] >= minDC && b[0] <= maxDC
		set := uint64(0)
		for k, v := range b {
			if v != 0 {
				set |= 1 << k
			}
			sound = sound && (k == 0 || v >= -maxAC && v <= maxAC)
		}
		c.kept.set[i] = set
	}
	return sound
}
