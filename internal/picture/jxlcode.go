package picture

import (
	"cmp"
	"errors"
	"math/bits"
	"slices"
)

// errJXLCode is returned for symbols of a JPEG XL that cannot have been written.
var errJXLCode = errors.New("damaged: its header has no valid code")

// A jxlSymbols reads the symbols of a JPEG XL that describe it (ISO/IEC 18181-1 annex C). Each symbol has a
// context, and each context one of several codes.
type jxlSymbols struct {
	r        *lsbReader
	of       []int // the codes of the contexts; with repetitions, last the code of distances
	codes    []jxlCode
	state    uint32 // of ANS; 0: not begun
	repeats  bool   // symbols from minSymbol on repeat minLength symbols or more
	lengths  jxlNumber
	minSym   uint32
	minLen   uint32
	out      []uint32 // all symbols
	from     int      // of out: what is repeated
	repeated uint32   // symbols that are still to be repeated
}

// A jxlNumber says how a token and bits behind it become a number.
type jxlNumber struct{ split, high, low int }

// A jxlCode is a prefix code, or a distribution for ANS.
type jxlCode struct {
	number jxlNumber
	prefix prefixCode
	ans    []ansEntry // nil: a prefix code
	bucket int        // bits of the places of an entry
}

// An ansEntry is one entry of an alias table.
type ansEntry struct{ share, symbol, offset, cut int }

// symbols reads the codes of so many contexts.
func (r *lsbReader) symbols(contexts int, mayRepeat bool) (*jxlSymbols, error) {
	s := &jxlSymbols{r: r}
	if s.repeats = r.flag(); s.repeats {
		if !mayRepeat {
			return nil, errJXLCode
		}
		s.minSym = r.u32(range32{0, 224}, range32{0, 512}, range32{0, 4096}, range32{15, 8})
		s.minLen = r.u32(range32{0, 3}, range32{0, 4}, range32{2, 5}, range32{8, 9})
		s.lengths = r.number(8)
		contexts++
	}
	n, err := s.contexts(contexts)
	if err != nil {
		return nil, err
	}
	s.codes = make([]jxlCode, n)
	size, prefix := 15, r.flag()
	if !prefix {
		size = 5 + int(r.bits(2))
	}
	for i := range s.codes {
		s.codes[i].number = r.number(size)
	}
	if r.short {
		return nil, errJXLCode
	}
	if !prefix {
		for i := range s.codes {
			if err := s.codes[i].readANS(r, size); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
	sizes := make([]int, n)
	for i := range sizes {
		if sizes[i] = 1; r.flag() {
			k := int(r.bits(4))
			sizes[i] = 1 + 1<<k + int(r.bits(k))
		}
	}
	for i := range s.codes {
		if err := s.codes[i].prefix.read(r, sizes[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// contexts reads which code each context has, and returns the number of codes.
func (s *jxlSymbols) contexts(n int) (codes int, err error) {
	s.of = make([]int, n)
	switch {
	case n == 1:
	case s.r.flag():
		each := int(s.r.bits(2))
		for i := range s.of {
			s.of[i] = int(s.r.bits(each))
		}
	default:
		moved := s.r.flag()
		nested, err := s.r.symbols(1, n > 2)
		if err != nil {
			return 0, err
		}
		for i := range s.of {
			v, err := nested.next(0)
			if err != nil || v > 255 {
				return 0, errJXLCode
			}
			s.of[i] = int(v)
		}
		if !nested.ended() {
			return 0, errJXLCode
		}
		if moved {
			moveToFront(s.of)
		}
	}
	if codes = slices.Max(s.of) + 1; codes > n || s.r.short {
		return 0, errJXLCode
	}
	return codes, nil
}

// moveToFront replaces places, 0 to 255, in a list of the numbers from 0 on by the numbers there. Each moves
// to the front of the list.
func moveToFront(of []int) {
	var list [256]int
	for i := range list {
		list[i] = i
	}
	for i, k := range of {
		v := list[k]
		copy(list[1:], list[:k])
		list[0], of[i] = v, v
	}
}

// number reads how the tokens of an alphabet of 2^size symbols become numbers.
func (r *lsbReader) number(size int) (n jxlNumber) {
	if n.split = int(r.bits(bits.Len(uint(size)))); n.split < size {
		n.high = int(r.bits(bits.Len(uint(n.split))))
		n.low = int(r.bits(bits.Len(uint(max(n.split-n.high, 0)))))
	}
	if n.split > size || n.high+n.low > n.split {
		r.short = true
	}
	return n
}

// of returns the number that a token begins.
func (n jxlNumber) of(token uint32, r *lsbReader) uint32 {
	if token < 1<<n.split {
		return token
	}
	count := n.split - n.high - n.low + int((token-1<<n.split)>>(n.high+n.low))
	if count > 31 {
		r.short = true
		return 0
	}
	low := token & (1<<n.low - 1)
	high := token>>n.low&(1<<n.high-1) | 1<<n.high
	return (high<<count|r.bits(count))<<n.low | low
}

// next reads the next symbol in a context. The error is errJXLCode.
func (s *jxlSymbols) next(context int) (v uint32, err error) {
	if s.repeated == 0 {
		code := &s.codes[s.of[context]]
		token := s.token(code)
		if !s.repeats || token < s.minSym {
			v = code.number.of(token, s.r)
			if s.repeats {
				s.out = append(s.out, v)
			}
			return v, s.failed()
		}
		s.repeated = s.minLen + s.lengths.of(token-s.minSym, s.r)
		code = &s.codes[s.of[len(s.of)-1]]
		back := int(code.number.of(s.token(code), s.r)) + 1
		if s.from = len(s.out) - min(back, 1<<20, len(s.out)); s.from == len(s.out) || s.repeated == 0 {
			return 0, errJXLCode
		}
	}
	v = s.out[s.from]
	s.out = append(s.out, v)
	s.from++
	s.repeated--
	return v, s.failed()
}

// failed returns errJXLCode behind the end of the file, and after a number that is too large.
func (s *jxlSymbols) failed() error {
	if s.r.short {
		return errJXLCode
	}
	return nil
}

// token reads a token of a code.
func (s *jxlSymbols) token(c *jxlCode) uint32 {
	if c.ans == nil {
		return c.prefix.next(s.r)
	}
	if s.state == 0 {
		s.state = s.r.bits(32)
	}
	at := int(s.state & 0xfff)
	i, place := at>>c.bucket, at&(1<<c.bucket-1)
	e := &c.ans[i]
	if place >= e.cut {
		i, place = e.symbol, e.offset+place
	}
	s.state = uint32(c.ans[i].share)*(s.state>>12) + uint32(place)
	if s.state>>16 == 0 {
		s.state = s.state<<16 | s.r.bits(16)
	}
	return uint32(i)
}

// ended reports whether the symbols ended as they must.
func (s *jxlSymbols) ended() bool { return s.state == 0 || s.state == 0x130000 }

// byte8 reads a number of up to 8 bits.
func (r *lsbReader) byte8() int {
	if !r.flag() {
		return 0
	}
	n := int(r.bits(3))
	return 1<<n + int(r.bits(n))
}

// readANS reads a distribution over at most 2^size symbols. Its shares are of 4,096.
func (c *jxlCode) readANS(r *lsbReader, size int) error {
	shares := make([]int, 1<<size)
	set := func(symbol, share int) {
		if symbol >= len(shares) {
			r.short = true
			return
		}
		shares[symbol] = share
	}
	few, first := r.flag(), r.flag()
	switch {
	case few && first: // two symbols
		a, b := r.byte8(), r.byte8()
		share := int(r.bits(12))
		set(a, share)
		set(b, 1<<12-share)
		if a == b {
			return errJXLCode
		}
	case few: // one symbol
		set(r.byte8(), 1<<12)
	case first: // all alike
		n := r.byte8() + 1
		for i := range n {
			share := 1 << 12 / n
			if i < 1<<12%n {
				share++
			}
			set(i, share)
		}
	default:
		if err := r.shares(shares); err != nil {
			return err
		}
	}
	if r.short {
		return errJXLCode
	}
	c.alias(shares, 12-size)
	return nil
}

// shareSizes are the codes of the sizes of shares: bits, value with the first bit lowest, size. 13 is a
// repetition.
var shareSizes = [][3]uint32{{3, 0, 10}, {3, 2, 7}, {3, 4, 6}, {3, 5, 8}, {3, 6, 9}, {4, 3, 3}, {4, 7, 5}, {4, 9, 4},
	{4, 11, 1}, {4, 15, 2}, {5, 17, 0}, {6, 33, 11}, {7, 1, 12}, {7, 65, 13}}

// listed reads a symbol of a list of codes as in shareSizes.
func (r *lsbReader) listed(codes [][3]uint32) int {
	v, n := uint32(0), 0
	for _, c := range codes {
		for ; n < int(c[0]); n++ {
			v |= r.bits(1) << n
		}
		if v == c[1] {
			return int(c[2])
		}
	}
	r.short = true
	return 0
}

// shares reads the shares of symbols. The largest is what the others leave.
func (r *lsbReader) shares(shares []int) error {
	const repetition = 13
	k := 0
	for k < 3 && r.flag() {
		k++
	}
	shift := 1<<k | int(r.bits(k)) - 1
	n := r.byte8() + 3
	if shift > 13 || n > len(shares) {
		return errJXLCode
	}
	sizes, again := make([]int, n), make([]int, n)
	rest := -1
	for i := 0; i < n; i++ {
		sizes[i] = r.listed(shareSizes)
		if sizes[i] == repetition {
			again[i] = r.byte8() + 4
			i += again[i] - 1
		} else if rest < 0 || sizes[i] > sizes[rest] {
			rest = i
		}
	}
	if rest < 0 || rest+1 < n && sizes[rest+1] == repetition || r.short {
		return errJXLCode
	}
	left, same, before := 1<<12, 0, 0
	for i := range n {
		if again[i] > 0 {
			if same, before = again[i], 0; i > 0 {
				before = shares[i-1]
			}
		}
		switch size := sizes[i]; {
		case same > 0:
			same--
			shares[i] = before
		case i == rest || size == 0:
		case size == 1:
			shares[i] = 1
		default:
			count := min(max(shift-(13-size)/2, 0), size-1)
			shares[i] = 1<<(size-1) + int(r.bits(count))<<(size-1-count)
		}
		left -= shares[i]
	}
	if left < 0 {
		return errJXLCode
	}
	shares[rest] = left
	return nil
}

// alias makes the table of a distribution, whose entries have 2^bucket places each.
func (c *jxlCode) alias(shares []int, bucket int) {
	c.bucket, c.ans = bucket, make([]ansEntry, len(shares))
	size := 1 << bucket
	var over, under []int
	for i, share := range shares {
		c.ans[i].share = share
		if share == 1<<12 { // the only symbol
			for j := range c.ans {
				c.ans[j].symbol, c.ans[j].offset = i, j*size
			}
			c.ans[i].share = share
			return
		}
		switch c.ans[i].cut = share; {
		case share > size:
			over = append(over, i)
		case share < size:
			under = append(under, i)
		}
	}
	for len(over) > 0 && len(under) > 0 {
		o, u := over[len(over)-1], under[len(under)-1]
		over, under = over[:len(over)-1], under[:len(under)-1]
		c.ans[o].cut -= size - c.ans[u].cut
		c.ans[u].symbol, c.ans[u].offset = o, c.ans[o].cut
		switch cut := c.ans[o].cut; {
		case cut < size:
			under = append(under, o)
		case cut > size:
			over = append(over, o)
		}
	}
	for i := range c.ans {
		if e := &c.ans[i]; e.cut == size {
			e.symbol, e.offset, e.cut = i, 0, 0
		} else {
			e.offset -= e.cut
		}
	}
}

// A prefixCode is a complete prefix code (RFC 7932 section 3).
type prefixCode struct {
	counts  [16]int // codes of each number of bits; none: symbols[0] takes no bits
	symbols []int   // in the order of their codes
}

// next reads a symbol.
func (p *prefixCode) next(r *lsbReader) uint32 {
	code, first, at := 0, 0, 0
	for n := 1; n < len(p.counts) && at < len(p.symbols)-1; n++ {
		code |= int(r.bits(1))
		if k := code - first; k < p.counts[n] {
			return uint32(p.symbols[at+k])
		}
		at += p.counts[n]
		first = (first + p.counts[n]) << 1
		code <<= 1
	}
	return uint32(p.symbols[0])
}

// set makes the code of symbols whose codes have so many bits, 0: none. It reports whether the code is
// complete.
func (p *prefixCode) set(sizes []int) bool {
	p.symbols, p.counts = nil, [16]int{}
	room := 1 << 15
	for i, n := range sizes {
		if n > 0 {
			p.symbols = append(p.symbols, i)
			p.counts[n]++
			room -= 1 << (15 - n)
		}
	}
	slices.SortStableFunc(p.symbols, func(a, b int) int { return cmp.Compare(sizes[a], sizes[b]) })
	return room == 0
}

// The order in which a prefix code lists the sizes of the codes of sizes, and the codes of these.
var (
	sizeOrder = [...]int{1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	sizeSizes = [][3]uint32{{2, 0, 0}, {2, 1, 4}, {2, 2, 3}, {3, 3, 2}, {4, 7, 1}, {4, 15, 5}}
)

// read reads a code of n symbols (RFC 7932 sections 3.4 and 3.5).
func (p *prefixCode) read(r *lsbReader, n int) error {
	if p.symbols = []int{0}; n == 1 {
		return nil
	}
	skip := int(r.bits(2))
	if skip == 1 {
		return p.readFew(r, n)
	}
	var sizes [18]int
	room, codes := 32, 0
	for _, k := range sizeOrder[skip:] {
		if room <= 0 {
			break
		}
		if sizes[k] = r.listed(sizeSizes); sizes[k] > 0 {
			codes++
			room -= 32 >> sizes[k]
		}
	}
	var of prefixCode
	if complete := of.set(sizes[:]); codes == 0 || codes > 1 && !complete || room < 0 || r.short {
		return errJXLCode
	}
	all, err := of.sizes(r, n)
	if err != nil || !p.set(all) {
		return errJXLCode
	}
	return nil
}

// sizes reads the sizes of the codes of n symbols.
func (p *prefixCode) sizes(r *lsbReader, n int) ([]int, error) {
	const again, zeros = 16, 17
	all := make([]int, n)
	before, last, count, room := 8, 0, 0, 1<<15
	for i := 0; i < n && room > 0; {
		k := int(p.next(r))
		if r.short {
			return nil, errJXLCode
		}
		if k < again {
			if all[i] = k; k > 0 {
				before, room = k, room-1<<15>>k
			}
			i, last = i+1, 0
			continue
		}
		size, extra := before, 2
		if k == zeros {
			size, extra = 0, 3
		}
		was := count
		if k != last {
			was, count = 0, 0
		} else {
			count = (count - 2) << extra
		}
		count += 3 + int(r.bits(extra))
		last = k
		if count-was > n-i {
			return nil, errJXLCode
		}
		for range count - was {
			if all[i] = size; size > 0 {
				room -= 1 << 15 >> size
			}
			i++
		}
	}
	if room != 0 {
		return nil, errJXLCode
	}
	return all, nil
}

// readFew reads a code of up to four symbols, which are listed.
func (p *prefixCode) readFew(r *lsbReader, n int) error {
	p.symbols = make([]int, 1+r.bits(2))
	for i := range p.symbols {
		if p.symbols[i] = int(r.bits(bits.Len(uint(n - 1)))); p.symbols[i] >= n {
			return errJXLCode
		}
	}
	sorted := p.symbols
	switch len(sorted) {
	case 2:
		p.counts[1] = 2
	case 3:
		p.counts[1], p.counts[2], sorted = 1, 2, sorted[1:]
	case 4:
		if r.flag() {
			p.counts[1], p.counts[2], p.counts[3], sorted = 1, 1, 2, sorted[2:]
		} else {
			p.counts[2] = 4
		}
	}
	slices.Sort(sorted)
	return nil
}
