package jpegcoef

import (
	"bytes"
	"slices"
)

// A scan passes over blocks of some components. One component alone is coded without the padding of the last MCUs.
type scan struct {
	r          *reader
	of         []*Component
	set        uint64 // of the block of a sequential file that was read last
	dc, ac     [4]*table
	from, to   int // coefficients
	high, low  int // bits that earlier scans gave, and that later ones give
	before     [4]int
	mending    bool   // DC may be out of range
	row        mcuRow // of blocks that are kept
	blocksLeft int    // of a run of blocks without further coefficients
}

func (d *decoder) readScan(body []byte) error {
	if len(body) < 6 || len(body) != 4+2*int(body[0]) || int(body[0]) > len(d.Components) {
		return refuse("bad scan")
	}
	if d.scans++; d.scans > maxScans {
		return refuse("too many scans")
	}
	s := scan{r: &d.r, to: blockSize - 1, mending: d.mending}
	samples := 0
	for b := body[1:]; len(b) > 3; b = b[2:] {
		at := slices.IndexFunc(d.Components, func(c Component) bool { return c.id == b[0] })
		if at < 0 || len(s.of) > 0 && s.of[len(s.of)-1] == &d.Components[at] || b[1]>>4 > 3 || b[1]&15 > 3 {
			return refuse("bad component of a scan")
		}
		if at < len(s.of) { // components come in the order of the frame (T.81, B.2.3)
			return refuse("order of components")
		}
		c := &d.Components[at]
		steps := d.steps[d.chosen[at]]
		if steps == nil {
			return refuse("no quantisation table")
		}
		c.Steps = *steps
		s.dc[len(s.of)], s.ac[len(s.of)] = d.tables[0][b[1]>>4], d.tables[1][b[1]&15]
		if !d.progressive {
			if d.frame == sof0 && (b[1]>>4 > 1 || b[1]&15 > 1) || d.begun[at] {
				return refuse("bad component of a scan")
			}
			c.dc, c.ac = s.dc[len(s.of)], s.ac[len(s.of)]
		}
		s.of = append(s.of, c)
		samples += c.H * c.V
	}
	if len(s.of) > 1 && samples > 10 {
		return refuse("sampling factors")
	}
	end := body[len(body)-3:]
	if d.progressive {
		s.from, s.to, s.high, s.low = int(end[0]), int(end[1]), int(end[2]>>4), int(end[2]&15)
		if s.from == 0 && s.to != 0 || s.from > s.to || s.to >= blockSize || s.from > 0 && len(s.of) > 1 || s.high > 0 && s.high != s.low+1 || s.low > 13 {
			return refuse("bad progression")
		}
	}
	for i := range s.of {
		needDC, needAC := s.from == 0 && s.high == 0, s.to > 0
		if needDC && s.dc[i] == nil || needAC && s.ac[i] == nil {
			return refuse("no Huffman table")
		}
	}
	for i := range d.Components {
		d.begun[i] = d.begun[i] || s.from == 0 && slices.Contains(s.of, &d.Components[i])
	}
	d.r.acc, d.r.n, d.r.over = 0, 0, 0
	d.mixed = len(s.of) == len(d.Components) && d.scans == 1
	if d.mixed && !d.progressive && !d.mending {
		d.only, d.Picture.data, d.scanAt = s, d.r.data, d.r.at
		d.r.at += codes(d.r.data[d.r.at:])
		d.end = d.r.at
		return nil
	}
	// Package image/jpeg counts blocks and intervals of one component by pixels: that differs for some sampling factors.
	if c := s.of[0]; len(s.of) == 1 && !d.mending && (c.InX != min(c.Across, over(d.W, 8)) || c.InY != min(c.Down, over(d.H, 8)) || d.interval > 0 && c.H*c.V > 1) {
		return refuse("sampling factors")
	}
	for _, c := range s.of {
		if c.kept.coef == nil {
			c.kept = newBlocks(c.Across * c.Down)
		}
	}
	if d.mending {
		d.mend(&s)
		return nil
	}
	return s.read(d.interval, s.kept, func(int) {})
}

// codes returns how many bytes data begins with that are codes of a scan and restart markers.
func codes(data []byte) int {
	for at := 0; ; at += 2 {
		n := bytes.IndexByte(data[at:], 0xff)
		if at += n; n < 0 || at+1 == len(data) {
			return len(data)
		}
		if m := data[at+1]; m != 0 && (m < rst0 || m >= soi) {
			return at
		}
	}
}

func (s *scan) block() func(b *block, i int) bool {
	switch {
	case s.from == 0 && s.to > 0:
		return s.sequential
	case s.from == 0 && s.high == 0:
		return s.firstDC
	case s.from == 0:
		return s.furtherDC
	case s.high == 0:
		return s.firstAC
	}
	return s.furtherAC
}

// mcus returns how many MCUs a scan has across and down. In a scan of one component they are blocks, without padding.
func (s *scan) mcus() (across, down int) {
	c := s.of[0]
	if len(s.of) == 1 {
		return c.InX, c.InY
	}
	return c.Across / c.H, c.Down / c.V
}

// blocks returns how many blocks of a component an MCU of the scan has, across and down.
func (s *scan) blocks(c *Component) (h, v int) {
	if len(s.of) == 1 {
		return 1, 1
	}
	return c.H, c.V
}

// kept returns the blocks of row y of MCUs, by the components of the scan.
func (s *scan) kept(y int) *mcuRow {
	for i, c := range s.of {
		_, v := s.blocks(c)
		s.row[i] = c.kept.part(c.Across*v*y, c.Across*v)
	}
	return &s.row
}

// read reads a scan MCU by MCU. rows gives the room for a row of MCUs, and done is called when it was read.
func (s *scan) read(interval int, rows func(y int) *mcuRow, done func(y int)) error {
	block, marker := s.block(), 0
	across, down := s.mcus()
	for y := range down {
		to := rows(y)
		for x := range across {
			if n := y*across + x; interval > 0 && n > 0 && n%interval == 0 && !s.restart(&marker) {
				return refuse("restart marker")
			}
			if !s.mcu(block, to, x) {
				return refuse("bad code")
			}
		}
		if s.r.spent() {
			return refuse("truncated")
		}
		done(y)
	}
	if !s.ended() {
		return refuse("data behind a scan")
	}
	return nil
}

// mcu reads MCU x of a row. It returns false for a wrong code: at once, or in a file that is mended after the whole MCU.
func (s *scan) mcu(block func(b *block, i int) bool, row *mcuRow, x int) bool {
	sound := true
	for i, c := range s.of {
		across, down := s.blocks(c)
		for v := range down {
			for h := range across {
				at := v*c.Across + x*across + h
				if sound = block(&row[i].coef[at], i) && sound; !sound && !s.mending {
					return false
				}
				row[i].set[at] = s.set
			}
		}
	}
	return sound
}

// ended reports whether the bits of a scan or an interval end where they should.
func (s *scan) ended() bool {
	r := s.r
	return !r.spent() && r.n-r.over < 8 && s.blocksLeft == 0 && r.at < len(r.data) && r.data[r.at] == 0xff
}

func (s *scan) restart(marker *int) bool {
	r := s.r
	if !s.ended() || r.at+1 >= len(r.data) || r.data[r.at+1] != byte(rst0+*marker&7) {
		return false
	}
	*marker++
	r.at += 2
	r.acc, r.n, r.over, s.before = 0, 0, 0, [4]int{}
	return true
}

func (s *scan) nextDC(i int) (int, bool) {
	n, ok := s.r.value(s.dc[i])
	ok, n = ok && n <= 11, n&15
	s.before[i] += extend(s.r.bits(n), n)
	return s.before[i], ok && (s.mending || s.before[i] >= minDC && s.before[i] <= maxDC)
}

// sequential reads a block of a sequential file (T.81, F.2.2) and sets s.set. It returns false for damaged or impossible codes.
func (s *scan) sequential(b *block, i int) bool {
	dc, ok := s.nextDC(i)
	b[0] = int16(min(max(dc, -1<<14), 1<<14))
	if !ok && !s.mending {
		return false
	}
	sound, set := ok, uint64(0)
	if dc != 0 {
		set = 1
	}
	r, t := s.r, s.ac[i]
	for k := 1; k < blockSize; {
		if r.n < 32 {
			r.fill()
		}
		f := &t.fast[r.acc>>(r.n-fastBits)&(1<<fastBits-1)]
		value, number := int(f.value), int(f.number)
		if f.all > 0 {
			r.n -= int(f.all)
		} else {
			if value, ok = r.value(t); !ok {
				return false
			}
			number = extend(r.bits(value&15), value&15)
		}
		run, n := value>>4, value&15
		if n == 0 {
			if run == 0 {
				break
			}
			if run != 15 {
				return false
			}
			k += 16
			continue
		}
		if k += run; k >= blockSize || n > 10 && !s.mending {
			return false
		}
		b[k] = int16(number)
		set |= 1 << k
		k++
	}
	s.set = set
	return sound
}

// firstDC and the following read a block of a progressive file (T.81, G.1.2).
func (s *scan) firstDC(b *block, i int) bool {
	dc, ok := s.nextDC(i)
	b[0] = int16(min(max(dc<<s.low, -1<<14), 1<<14))
	return ok
}

func (s *scan) furtherDC(b *block, _ int) bool {
	b[0] |= int16(s.r.bits(1) << s.low)
	return true
}

func (s *scan) longRun(n int) { s.blocksLeft = 1<<n + s.r.bits(n) }

func (s *scan) firstAC(b *block, _ int) bool {
	if s.blocksLeft > 0 {
		s.blocksLeft--
		return true
	}
	for k := s.from; k <= s.to; {
		value, ok := s.r.value(s.ac[0])
		if !ok {
			return false
		}
		run, n := value>>4, value&15
		if n == 0 {
			if run < 15 {
				s.longRun(run)
				s.blocksLeft--
				return true
			}
			k += 16
			continue
		}
		number := extend(s.r.bits(n), n) << s.low
		if k += run; k > s.to || number < -maxAC || number > maxAC {
			return false
		}
		b[k] = int16(number)
		k++
	}
	return true
}

func (s *scan) furtherAC(b *block, _ int) bool {
	k := s.from
	for s.blocksLeft == 0 && k <= s.to {
		value, ok := s.r.value(s.ac[0])
		if !ok || value&15 > 1 {
			return false
		}
		run, number := value>>4, int16(0)
		if value&15 == 1 {
			if number = 1 << s.low; s.r.bits(1) == 0 {
				number = -number
			}
		} else if run < 15 {
			s.longRun(run)
			break
		}
		if k = s.refine(b, k, run); k > s.to {
			return false
		}
		if number != 0 {
			b[k] = number
		}
		k++
	}
	if s.blocksLeft > 0 {
		s.blocksLeft--
		s.refine(b, k, blockSize)
	}
	return true
}

// refine gives the coefficients from k on that are not zero their next bit, up to the zero behind as many zeros
// as skip. It returns the place of that zero, or what follows s.to.
func (s *scan) refine(b *block, k, skip int) int {
	for ; k <= s.to; k++ {
		switch {
		case b[k] == 0:
			if skip == 0 {
				return k
			}
			skip--
		case s.r.bits(1) == 0:
		case b[k] > 0:
			b[k] = min(b[k]+1<<s.low, 1<<14)
		default:
			b[k] = max(b[k]-1<<s.low, -1<<14)
		}
	}
	return k
}
