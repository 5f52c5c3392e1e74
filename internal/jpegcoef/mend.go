package jpegcoef

import (
	"bytes"
	"image"
	"image/color"
)

// A Mended is a damaged JPEG, or one of a kind that package image/jpeg does not read.
type Mended struct {
	Image *image.NRGBA // the rows from the top down to the last that has luma
	Rows  int          // that the picture should have
	Wrong int          // rows of Image that lack data, or have wrong data; what follows may be displaced
}

// stripRows is how many rows of pixels are counted together.
const stripRows = 8

// A strip is what is known of a few rows of pixels.
type strip struct {
	seen  bool // all of the first component was read
	wrong bool // data are missing or wrong
}

// Mend decodes a JPEG of up to maxPixels pixels as far as its data go. It reads all sampling factors, and one, three
// or four components; inks are inverted, as Adobe stores them. Like libjpeg it goes on behind a wrong code, and leaves blocks
// without data grey. The error wraps [ErrRefused] if no row can be read.
func Mend(data []byte, maxPixels int) (*Mended, error) {
	d, err := newDecoder(data)
	if err != nil {
		return nil, err
	}
	d.mending = true
	err = d.read(maxPixels)
	m := &Mended{Rows: d.H}
	rows := 0
	for y, s := range d.strips {
		if s.seen {
			rows = min((y+1)*stripRows, d.H)
		}
	}
	if rows == 0 {
		if err == nil {
			err = refuse("no whole row")
		}
		return nil, err
	}
	for _, s := range d.strips[:over(rows, stripRows)] {
		if s.wrong {
			m.Wrong = min(m.Wrong+stripRows, rows)
		}
	}
	m.Image = d.render(rows)
	return m, nil
}

// mend reads a scan as far as its data go, and notes which strips lack data.
func (d *decoder) mend(s *scan) {
	c := s.of[0]
	across, down, high := c.Across/c.H, c.Down/c.V, 1 // MCUs, and blocks of c in a row of them that counts
	if len(s.of) == 1 {
		across, down = c.InX, c.InY
	} else {
		high = c.V
	}
	interval := across * down
	if d.interval > 0 {
		interval = d.interval
	}
	left := make([]int, down) // MCUs of each row that were not read, or wrong
	for y := range left {
		left[y] = across
	}
	end := d.r.at + extent(d.r.data[d.r.at:])
	for _, p := range pieces(d.r.data[d.r.at:end], d.interval > 0) {
		s.r, s.before, s.blocksLeft = &reader{data: p.data}, [4]int{}, 0
		for mcu := p.number * interval; mcu < min((p.number+1)*interval, across*down); mcu++ {
			sound := s.mcu(mcu%across, mcu/across)
			if s.r.spent() {
				break
			}
			if sound {
				left[mcu/across]--
			}
		}
	}
	d.r.at = end
	for y, n := range left {
		from := y * high * d.most.V / c.V
		for to := over((y+1)*high*d.most.V, c.V); from < min(to, len(d.strips)); from++ {
			d.strips[from].wrong = d.strips[from].wrong || n > 0
			if c == &d.Components[0] && s.from == 0 && s.high == 0 {
				d.strips[from].seen = n == 0
			}
		}
	}
}

// mcu reads an MCU, which is one block if the scan has one component. It returns false for a wrong code.
func (s *scan) mcu(x, y int) bool {
	read, sound := s.block(), true
	if len(s.of) == 1 {
		return read(&s.of[0].kept.coef[y*s.of[0].Across+x], 0)
	}
	for i, c := range s.of {
		for v := range c.V {
			for h := range c.H {
				sound = read(&c.kept.coef[(y*c.V+v)*c.Across+x*c.H+h], i) && sound
			}
		}
	}
	return sound
}

// A piece is the codes of a restart interval, without its marker.
type piece struct {
	number int // of the interval
	data   []byte
}

// pieces divides the codes of a scan at its restart markers, if it has some. The markers are counted from 0 to 7: that shows
// how many intervals are lost, up to five. Other bytes like a marker are wrong codes, which stay.
func pieces(data []byte, restarts bool) []piece {
	out := []piece{{}}
	for {
		last := &out[len(out)-1]
		n := bytes.IndexByte(data, 0xff)
		if n < 0 || n+1 == len(data) {
			last.data = append(last.data, data...)
			return out
		}
		last.data = append(last.data, data[:n]...)
		m := data[n+1]
		data = data[n+2:]
		switch lost := (int(m) - rst0 - last.number) & 7; {
		case m == 0:
			last.data = append(last.data, 0xff, 0)
		case !restarts || m < rst0 || m >= soi:
			last.data = append(last.data, 0xff, 0, m)
		case lost < 6:
			out = append(out, piece{number: last.number + 1 + lost})
		}
	}
}

// extent returns how many bytes data begins with up to the marker of a whole segment, or to the end of the picture.
func extent(data []byte) int {
	for at := 0; ; at += 2 {
		n := codes(data[at:])
		if at += n; at+2 > len(data) || data[at+1] == eoi {
			return min(at, len(data))
		}
		if at+4 <= len(data) && data[at+1] >= sof0 {
			next := at + 2 + int(data[at+2])<<8 + int(data[at+3])
			if next < len(data) && (data[next] == 0xff || data[at+1] == sos) {
				return at
			}
		}
	}
}

// strayed returns how many bytes data begins with up to a marker of a segment.
func strayed(data []byte) int {
	for at := 0; at+1 < len(data); at++ {
		if m := data[at+1]; data[at] == 0xff && m >= sof0 && (m < rst0 || m >= eoi) {
			return at
		}
	}
	return len(data)
}

// render returns rows of pixels from above. Samples are repeated where a component has fewer.
func (d *decoder) render(rows int) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, d.W, rows))
	planes := make([][]uint8, len(d.Components))
	for i := range d.Components {
		c := &d.Components[i]
		planes[i] = bytes.Repeat([]byte{128}, blockSize*c.Across*c.V)
		c.sound()
	}
	inks, isYCC := len(planes) == 4, len(planes) == 3 && !d.isRGB() || d.adobe == 2
	for y := range rows {
		if y%(8*d.most.V) == 0 {
			for i := range d.Components {
				if c := &d.Components[i]; c.kept.coef != nil {
					n := c.Across * c.V
					c.strip(planes[i], 8, c.kept.part(y/(8*d.most.V)*n, n))
				}
			}
		}
		row := out.Pix[y*out.Stride : (y+1)*out.Stride]
		for i, p := range planes {
			c := &d.Components[i]
			line := p[y%(8*d.most.V)*c.V/d.most.V*c.Across*8:]
			for x := range d.W {
				row[4*x+i] = line[x*c.H/d.most.H]
			}
		}
		for x := range d.W {
			to := row[4*x : 4*x+4 : 4*x+4]
			if isYCC {
				to[0], to[1], to[2] = color.YCbCrToRGB(to[0], to[1], to[2])
			}
			switch {
			case inks:
				for i, v := range to[:3] {
					to[i] = uint8((int(v)*int(to[3]) + 127) / 255)
				}
			case len(planes) == 1:
				to[1], to[2] = to[0], to[0]
			}
			to[3] = 255
		}
	}
	return out
}
