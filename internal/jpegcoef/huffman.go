package jpegcoef

// A table is a Huffman table (T.81, annex C), to read and to write.
type table struct {
	counts [16]uint8 // codes of 1 to 16 bits
	values []uint8   // by code

	fast  [1 << fastBits]fastCode
	first [16]int32 // code of each length, and where its value is
	at    [16]int32
	codes [256]uint32 // code<<8 | bits of each value; 0: no code
}

// fastBits are looked up at once: most codes with what follows them.
const fastBits = 10

// A fastCode is what fastBits bits begin with: a code, and the bits of a number behind it if they are there.
type fastCode struct {
	number int16
	value  uint8
	size   uint8 // bits of the code; 0: it is longer than fastBits
	all    uint8 // bits of code and number; 0: the number is not all there
}

// newTable returns the table of a DHT segment. counts sum to the number of values, 1 to 256.
func newTable(counts [16]uint8, values []uint8) (*table, error) {
	t := &table{counts: counts, values: values}
	code, k := int32(0), 0
	for n := range 16 {
		t.first[n], t.at[n] = code, int32(k)
		for range counts[n] {
			if code >= 1<<(n+1) {
				return nil, refuse("Huffman codes of no tree")
			}
			v := values[k]
			t.codes[v] = uint32(code)<<8 | uint32(n+1)
			t.spread(code, n+1, v)
			code, k = code+1, k+1
		}
		code <<= 1
	}
	return t, nil
}

// spread enters a code of n bits in fast.
func (t *table) spread(code int32, n int, value uint8) {
	if n > fastBits {
		return
	}
	for rest := range 1 << (fastBits - n) {
		f := fastCode{value: value, size: uint8(n)}
		if bits := int(value & 15); n+bits <= fastBits {
			f.number, f.all = int16(extend(rest>>(fastBits-n-bits), bits)), uint8(n+bits)
		}
		t.fast[int(code)<<(fastBits-n)|rest] = f
	}
}

// extend returns the number that n bits stand for (T.81, F.2.2.1).
func extend(v, n int) int {
	if n > 0 && v < 1<<(n-1) {
		v -= 1<<n - 1
	}
	return v
}

// fitted returns the table for values that occur as often as counted (T.81, K.2). At least one occurs.
func fitted(counted *[256]int) *table {
	const none = -1
	var freq [257]int
	copy(freq[:], counted[:])
	freq[256] = 1 // no code of ones alone
	var size [257]int
	var next [257]int
	for i := range next {
		next[i] = none
	}
	for {
		a, b := none, none // the rarest, and the next; of equals the later
		for i, f := range freq {
			switch {
			case f == 0:
			case a == none || f <= freq[a]:
				a, b = i, a
			case b == none || f <= freq[b]:
				b = i
			}
		}
		if b == none {
			break
		}
		freq[a], freq[b] = freq[a]+freq[b], 0
		for size[a]++; next[a] != none; size[a]++ {
			a = next[a]
		}
		next[a] = b
		for size[b]++; next[b] != none; size[b]++ {
			b = next[b]
		}
	}
	var bits [258]int
	for _, n := range size {
		bits[n]++
	}
	for n := len(bits) - 1; n > 16; n-- {
		for bits[n] > 0 {
			shorter := n - 2
			for bits[shorter] == 0 {
				shorter--
			}
			bits[n] -= 2
			bits[n-1]++
			bits[shorter+1] += 2
			bits[shorter]--
		}
	}
	longest := 16
	for bits[longest] == 0 {
		longest--
	}
	bits[longest]-- // the code of ones
	var counts [16]uint8
	for n := range counts {
		counts[n] = uint8(bits[n+1])
	}
	var values []uint8
	for n := 1; n < len(bits); n++ {
		for v := range 256 {
			if size[v] == n {
				values = append(values, uint8(v))
			}
		}
	}
	t, err := newTable(counts, values)
	if err != nil {
		panic(err) // the codes of a tree
	}
	return t
}

// bits returns how many bits values take that occur as often as counted, with the numbers behind them.
func (t *table) bits(counted *[256]int) int {
	sum := 0
	for v, n := range counted {
		sum += n * (int(t.codes[v]&255) + v&15)
	}
	return sum
}

// A reader reads the bits of a scan. Behind its last byte it gives zeros.
type reader struct {
	data []byte
	at   int    // the next byte
	acc  uint64 // its lowest n bits come next
	n    int
	over int // zero bits that were given
}

// fill makes n 32 or more. It is called with fewer.
func (r *reader) fill() {
	if r.at+4 <= len(r.data) {
		d := r.data[r.at : r.at+4 : r.at+4]
		if x := uint32(d[0])<<24 | uint32(d[1])<<16 | uint32(d[2])<<8 | uint32(d[3]); !hasFF(x) {
			r.acc, r.n, r.at = r.acc<<32|uint64(x), r.n+32, r.at+4
			return
		}
	}
	for r.n < 32 {
		b, step := byte(0), 0
		if r.at < len(r.data) {
			if b, step = r.data[r.at], 1; b == 0xff {
				if step = 2; r.at+1 >= len(r.data) || r.data[r.at+1] != 0 {
					b, step = 0, 0 // a marker
				}
			}
		}
		if step == 0 {
			r.over += 8
		}
		r.at += step
		r.acc, r.n = r.acc<<8|uint64(b), r.n+8
	}
}

func hasFF(x uint32) bool {
	y := ^x
	return (y-0x01010101)&^y&0x80808080 != 0
}

func (r *reader) spent() bool { return r.over > r.n }

// bits returns the next n bits, 0 to 16.
func (r *reader) bits(n int) int {
	if r.n < n {
		r.fill()
	}
	r.n -= n
	return int(r.acc>>r.n) & (1<<n - 1)
}

// value returns the next value of a table. ok is false for bits that are no code. 16 bits more are left at least.
func (r *reader) value(t *table) (v int, ok bool) {
	if r.n < 32 {
		r.fill()
	}
	if f := &t.fast[r.acc>>(r.n-fastBits)&(1<<fastBits-1)]; f.size > 0 {
		r.n -= int(f.size)
		return int(f.value), true
	}
	for n := fastBits; n < 16; n++ {
		code := int32(r.acc>>(r.n-n-1)) & (1<<(n+1) - 1)
		if k := code - t.first[n]; k >= 0 && k < int32(t.counts[n]) {
			r.n -= n + 1
			return int(t.values[t.at[n]+k]), true
		}
	}
	r.n -= 17 // as libjpeg goes on
	return 0, false
}

// A writer writes the bits of a scan.
type writer struct {
	out []byte
	acc uint64
	n   int
}

// A token is a value to be coded, with the bits of a number behind it.
type token struct {
	number uint16
	value  uint8
	bits   uint8
}

// put writes tokens with the codes of t. It returns false if a value has no code.
func (w *writer) put(t *table, tokens []token) bool {
	acc, n, sound := w.acc, w.n, true
	for _, x := range tokens {
		code := t.codes[x.value]
		sound = sound && code != 0
		size := uint(code&255) + uint(x.bits)
		acc = acc<<size | uint64(code>>8)<<x.bits | uint64(x.number)
		if n += int(size); n < 32 {
			continue
		}
		n -= 32
		v := uint32(acc >> uint(n))
		if !hasFF(v) {
			w.out = append(w.out, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
			continue
		}
		for shift := 24; shift >= 0; shift -= 8 {
			w.add(byte(v >> shift))
		}
	}
	w.acc, w.n = acc, n
	return sound
}

func (w *writer) add(b byte) {
	if w.out = append(w.out, b); b == 0xff {
		w.out = append(w.out, 0)
	}
}

// flush fills the last byte with ones.
func (w *writer) flush() {
	for ; w.n >= 8; w.n -= 8 {
		w.add(byte(w.acc >> (w.n - 8)))
	}
	if w.n > 0 {
		w.add(byte(w.acc<<(8-w.n)) | (1<<(8-w.n) - 1))
	}
	w.acc, w.n = 0, 0
}
