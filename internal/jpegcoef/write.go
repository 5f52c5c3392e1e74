package jpegcoef

import (
	"encoding/binary"
	"math/bits"
)

// heavier is the weight, times the source's, from which a file that could keep its Huffman codes gets others. Other
// codes save 1 to 6 % of the files that cameras write.
const heavier = 1.03

// Encode returns a JPEG file of the coefficients: JFIF segment, tables and scans, without other metadata. The
// first component has the name 1. A baseline file keeps its Huffman codes and restart markers, unless a code is
// missing or it becomes heavier than its source. A progressive file stays progressive. views are made on the way. Encode
// returns nil for a file of more than limit bytes. The error is as in [Picture.Each].
func (p *Picture) Encode(limit int, views ...View) ([]byte, error) {
	e := encoder{p: p, views: views}
	file := e.file(limit)
	if e.err != nil || len(file) > limit {
		return nil, e.err
	}
	return file, nil
}

// file is Encode, except that it may return a file of more than limit bytes.
func (e *encoder) file(limit int) []byte {
	if e.p.progressive {
		e.begin(sof2)
		e.progressive()
		return e.finish()
	}
	own := e.ownTables()
	e.silent = !own
	e.count = new([2][2][256]int)
	e.sequentialFile()
	own = own && !e.missing
	if own && float64(len(e.w.out)-e.scanAt) <= float64(heavier*float64(e.p.coded)) {
		return e.w.out
	}
	again := encoder{p: e.p, err: e.err}
	bits := 0
	for class := range again.tables {
		for to := range again.tables[class] {
			t := fitted(&e.count[class][to])
			again.tables[class][to], bits = t, bits+t.bits(&e.count[class][to])
		}
	}
	if limit < bits/8 && (!own || limit < len(e.w.out)) { // no codes make it fit
		return nil
	}
	again.sequentialFile()
	if e.err = again.err; own && len(e.w.out) <= len(again.w.out) {
		return e.w.out
	}
	return again.w.out
}

// An encoder is a file that is being written.
type encoder struct {
	p       *Picture
	w       writer
	views   []View          // to be made in the next pass
	err     error           // of a pass
	tables  [2][2]*table    // of DC and AC, of luma and of the other components
	count   *[2][2][256]int // not nil: values are counted
	silent  bool            // nothing is written
	missing bool            // a value had no code
	scanAt  int             // where the first scan begins
	run     int             // blocks without further coefficients that are not written yet
}

// ownTables takes the tables of the source. It returns false if they are more than baseline files have.
func (e *encoder) ownTables() bool {
	c := e.p.Components
	for i := range c {
		if c[i].dc == nil || c[i].ac == nil || c[i].dc != c[min(i, 1)].dc || c[i].ac != c[min(i, 1)].ac {
			return false
		}
		e.tables[0][min(i, 1)], e.tables[1][min(i, 1)] = c[i].dc, c[i].ac
	}
	return true
}

func (e *encoder) segment(marker byte, body ...byte) {
	e.w.out = append(e.w.out, 0xff, marker)
	e.w.out = binary.BigEndian.AppendUint16(e.w.out, uint16(2+len(body)))
	e.w.out = append(e.w.out, body...)
}

func (e *encoder) begin(frame byte) {
	p := e.p
	e.w.out = append(make([]byte, 0, p.coded+p.coded/8+4096), 0xff, soi)
	if p.jfif != nil {
		e.segment(app0, p.jfif...)
	}
	tables := map[Steps]byte{}
	head := []byte{8, byte(p.H >> 8), byte(p.H), byte(p.W >> 8), byte(p.W), byte(len(p.Components))}
	for i := range p.Components {
		c := &p.Components[i]
		to, is := tables[c.Steps]
		if !is {
			to = byte(len(tables))
			tables[c.Steps] = to
			wide, narrow := []byte{1<<4 | to}, []byte{to}
			fits := true
			for _, v := range c.Steps {
				wide, narrow, fits = binary.BigEndian.AppendUint16(wide, v), append(narrow, byte(v)), fits && v < 256
			}
			if fits {
				e.segment(dqt, narrow...)
			} else {
				e.segment(dqt, wide...)
				if frame == sof0 {
					frame = sof1
				}
			}
		}
		head = append(head, byte(i+1), byte(c.H<<4|c.V), to)
	}
	e.segment(frame, head...)
}

func (e *encoder) table(class, to int) {
	t := e.tables[class][to]
	body := append([]byte{byte(class<<4 | to)}, t.counts[:]...)
	e.segment(dht, append(body, t.values...)...)
}

func (e *encoder) scan(from, to, first, last int) {
	if e.silent {
		return
	}
	body := []byte{byte(to - from)}
	for i := from; i < to; i++ {
		body = append(body, byte(i+1), byte(min(i, 1)*0x11))
	}
	e.segment(sos, append(body, byte(first), byte(last), 0)...)
}

func (e *encoder) finish() []byte {
	e.w.out = append(e.w.out, 0xff, eoi)
	return e.w.out
}

// sequentialFile writes a sequential file with the encoder's tables, or counts its values alone.
func (e *encoder) sequentialFile() {
	if !e.silent {
		e.begin(max(sof0, e.p.frame))
		for to := range min(2, len(e.p.Components)) {
			e.table(0, to)
			e.table(1, to)
		}
		if e.p.interval > 0 {
			e.segment(dri, byte(e.p.interval>>8), byte(e.p.interval))
		}
	}
	e.scanAt = len(e.w.out)
	e.scan(0, len(e.p.Components), 0, blockSize-1)
	e.sequential()
	e.finish()
}

// emit writes and counts tokens of DC or AC (class 0 and 1), of luma or of another component (to 0 and 1).
func (e *encoder) emit(class, to int, tokens ...token) {
	if e.count != nil {
		count := &e.count[class][to]
		for _, t := range tokens {
			count[t.value]++
		}
	}
	if !e.silent {
		e.missing = !e.w.put(e.tables[class][to], tokens) || e.missing
	}
}

// number returns the token of a number behind run zeros (T.81, F.1.2.1 and F.1.2.2).
func number(v, run int) token {
	n := bits.Len(uint(max(v, -v)))
	if v < 0 {
		v--
	}
	return token{uint16(v) & (1<<n - 1), uint8(run<<4 | n), uint8(n)}
}

// appendAC appends the tokens of the coefficients of b that are set, in an order from first on.
func appendAC(tokens []token, b *block, set uint64, first int) []token {
	for ; set != 0; set &= set - 1 {
		k := bits.TrailingZeros64(set)
		run := k - first
		for ; run > 15; run -= 16 {
			tokens = append(tokens, token{value: 0xf0})
		}
		tokens = append(tokens, number(int(b[k&63]), run))
		first = k + 1
	}
	return tokens
}

// pass makes a pass with view over components [from, to), or over all of them if the encoder's views are still to be made.
func (e *encoder) pass(from, to int, view View) {
	n := len(e.views)
	if n > 0 {
		from, to = 0, len(e.p.Components)
	}
	err := e.p.pass(from, to, append(e.views[:n:n], view))
	if e.views = nil; e.err == nil {
		e.err = err
	}
}

// eachBlock calls visit for every block, MCU by MCU, and restart between intervals. i is the component of the block.
func (e *encoder) eachBlock(visit func(b *block, set uint64, i int), restart func()) {
	c := e.p.Components
	mcu := 0
	e.pass(0, len(c), func(_ int, rows *mcuRow) {
		for x := range c[0].Across / c[0].H {
			if e.p.interval > 0 && mcu > 0 && mcu%e.p.interval == 0 {
				restart()
			}
			mcu++
			for i := range c {
				for v := range c[i].V {
					for h := range c[i].H {
						at := v*c[i].Across + x*c[i].H + h
						visit(&rows[i].coef[at], rows[i].set[at], i)
					}
				}
			}
		}
	})
}

func (e *encoder) sequential() {
	var before [3]int
	marker := 0
	var room [blockSize]token
	e.eachBlock(func(b *block, set uint64, i int) {
		e.dc(b, i, &before)
		tokens := appendAC(room[:0], b, set&^1, 1)
		if set>>(blockSize-1) == 0 {
			tokens = append(tokens, token{})
		}
		e.emit(1, min(i, 1), tokens...)
	}, func() {
		if before = [3]int{}; !e.silent {
			e.w.flush()
			e.w.out = append(e.w.out, 0xff, byte(rst0+marker&7))
			marker++
		}
	})
	e.w.flush()
}

func (e *encoder) dc(b *block, i int, before *[3]int) {
	e.emit(0, min(i, 1), number(int(b[0])-before[i], 0))
	before[i] = int(b[0])
}

// progressive writes scans of all bits: all DC coefficients, then the AC coefficients in bands.
func (e *encoder) progressive() {
	e.fit(0, min(2, len(e.p.Components)), func() {
		e.scan(0, len(e.p.Components), 0, 0)
		var before [3]int
		e.eachBlock(func(b *block, _ uint64, i int) { e.dc(b, i, &before) }, nil)
	})
	for i := range e.p.Components {
		for _, band := range [...][2]int{{1, 5}, {6, 63}} {
			e.fit(1, min(i, 1)+1, func() {
				e.scan(i, i+1, band[0], band[1])
				e.band(i, band[0], band[1])
			})
		}
	}
}

// fit calls write twice: to count, and with tables of class for what was counted, those below tables.
func (e *encoder) fit(class, tables int, write func()) {
	e.count, e.silent = new([2][2][256]int), true
	write()
	count := e.count
	e.count, e.silent = nil, false
	for to := range tables {
		if class == 1 && to < tables-1 {
			continue
		}
		e.tables[class][to] = fitted(&count[class][to])
		e.table(class, to)
	}
	write()
	e.w.flush()
}

// band writes or counts the coefficients [first, last] of a component (T.81, G.1.2.2).
func (e *encoder) band(i, first, last int) {
	c, to := &e.p.Components[i], min(i, 1)
	in := uint64(1)<<(last+1) - 1<<first
	var room [blockSize]token
	e.pass(i, i+1, func(top int, rows *mcuRow) {
		for y := range min(c.V, c.InY-top*c.V) {
			for x := range c.InX {
				set := rows[i].set[y*c.Across+x] & in
				if set != 0 {
					e.endRun(to)
					e.emit(1, to, appendAC(room[:0], &rows[i].coef[y*c.Across+x], set, first)...)
				}
				if set>>last&1 == 0 {
					if e.run++; e.run == 0x7fff {
						e.endRun(to)
					}
				}
			}
		}
	})
	e.endRun(to)
}

// endRun writes the blocks without further coefficients that were counted.
func (e *encoder) endRun(to int) {
	if e.run > 0 {
		n := bits.Len(uint(e.run)) - 1
		e.emit(1, to, token{uint16(e.run) & (1<<n - 1), uint8(n << 4), uint8(n)})
		e.run = 0
	}
}
