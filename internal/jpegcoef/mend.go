package jpegcoef

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"slices"
)

// A Mended is a damaged JPEG, or one of a kind that package image/jpeg does not read.
type Mended struct {
	Image *image.NRGBA // the rows from the top down to the last that was decoded
	Rows  int          // that the picture should have
	Wrong int          // rows of Image that lack data, or have wrong data; what follows may be displaced
}

// minRows is how many rows must be left. Of 11 marked copies cut to 32 rows the marks of 7 were read. None is read of 16 rows.
const minRows = 32

// stripRows is how many rows of pixels are counted together.
const stripRows = 8

// A strip is what is known of a few rows of pixels.
type strip struct {
	seen  bool // all of the first component was read
	lacks bool // data are missing
	wrong bool // a code is wrong
}

// Mend decodes a JPEG of up to maxPixels pixels as far as its data go. It reads all sampling factors, and one, three
// or four components; inks are inverted, as Adobe stores them. Like libjpeg it goes on behind a wrong code, and leaves blocks
// without data grey. If more than a quarter of the picture has wrong codes, it ends before the first of them: what follows is of another
// file. The error wraps [ErrRefused] if less than 32 rows can be read.
func Mend(data []byte, maxPixels int) (*Mended, error) {
	d, err := newDecoder(data)
	if err != nil {
		return nil, err
	}
	d.mending = true
	err = d.read(maxPixels)
	wrong, seen := 0, 0
	for y, s := range d.strips {
		if s.wrong {
			wrong++
		}
		if s.seen {
			seen = y + 1
		}
	}
	if 4*wrong > len(d.strips) {
		seen = min(seen, slices.IndexFunc(d.strips, func(s strip) bool { return s.wrong }))
	}
	m := &Mended{Rows: d.H}
	rows := min(seen*stripRows, d.H)
	if rows < min(minRows, d.H) || rows == 0 {
		return nil, cmp.Or(err, refuse("too few rows"))
	}
	for _, s := range d.strips[:seen] {
		if s.lacks || s.wrong {
			m.Wrong = min(m.Wrong+stripRows, rows)
		}
	}
	m.Image = d.render(rows)
	return m, nil
}

// mend reads a scan as far as its data go, and notes which strips lack data.
func (d *decoder) mend(s *scan) {
	across, down := s.mcus()
	interval := across * down
	if d.interval > 0 {
		interval = d.interval
	}
	sound, wrong := make([]int, down), make([]int, down) // MCUs of each row
	block := s.block()
	end := d.r.at + extent(d.r.data[d.r.at:])
	for _, p := range pieces(d.r.data[d.r.at:end], d.interval > 0) {
		s.r, s.before, s.blocksLeft = &reader{data: p.data}, [4]int{}, 0
		if p.number > across*down/interval {
			break
		}
		for n := p.number * interval; n < min((p.number+1)*interval, across*down); n++ {
			ok := s.mcu(block, s.kept(n/across), n%across)
			if s.r.spent() {
				break
			}
			if ok {
				sound[n/across]++
			} else {
				wrong[n/across]++
			}
		}
	}
	d.r.at = end
	c := s.of[0]
	_, high := s.blocks(c)
	for y := range down {
		whole := sound[y]+wrong[y] == across
		from, to := y*high*d.largest.V/c.V, over((y+1)*high*d.largest.V, c.V)
		for i := from; i < min(to, len(d.strips)); i++ {
			to := &d.strips[i]
			to.lacks, to.wrong = to.lacks || !whole, to.wrong || wrong[y] > 0
			if c == &d.Components[0] && s.from == 0 && s.high == 0 {
				to.seen = whole
			}
		}
	}
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
	for at := 0; ; at++ {
		if at += codes(data[at:]); at+4 > len(data) || data[at+1] == eoi {
			return min(at, len(data))
		}
		next := at + 2 + int(data[at+2])<<8 + int(data[at+3])
		if data[at+1] >= sof0 && next < len(data) && (data[next] == 0xff || data[at+1] == sos) {
			return at
		}
	}
}

// render returns the first rows of the picture. Samples are repeated where a component has fewer; without data it is grey.
func (d *decoder) render(rows int) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, d.W, rows))
	planes := make([][]uint8, len(d.Components))
	for i := range d.Components {
		c := &d.Components[i]
		planes[i] = bytes.Repeat([]byte{128}, blockSize*c.Across*c.V)
		c.sound() // sets kept.set, which strip needs
	}
	inks, isYCC := len(planes) == 4, (len(planes) == 3 && !d.isRGB()) || d.adobe == 2
	for y := range rows {
		if y%(8*d.largest.V) == 0 {
			for i := range d.Components {
				if c := &d.Components[i]; c.kept.coef != nil {
					n := c.Across * c.V
					c.strip(planes[i], 8, c.kept.part(y/(8*d.largest.V)*n, n))
				}
			}
		}
		row := out.Pix[y*out.Stride : (y+1)*out.Stride]
		for i, p := range planes {
			c := &d.Components[i]
			line := p[y%(8*d.largest.V)*c.V/d.largest.V*c.Across*8:]
			for x := range d.W {
				row[4*x+i] = line[x*c.H/d.largest.H]
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
