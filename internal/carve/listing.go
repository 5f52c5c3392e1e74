package carve

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
)

// A listing is how od, hexdump, xxd, debuggers and network tools write bytes: in lines of an address, words and, at times,
// the same bytes as text. A line with a star stands for repetitions of the line before.
type listing struct {
	words
	s    *stream
	base int    // of the addresses
	line uint64 // bytes of a full line
	at   uint64 // address of the next line
	star bool   // was the line before
	last []byte // of the last line
	left []byte // of last: they were not read
}

// words say how a listing writes the bytes of a line.
type words struct {
	base, digits int  // of a word. 0 digits: any number. Base 0: columns of four signs, each a byte as C writes it
	size         int  // bytes of a word
	gap          int  // bytes between two words at most: one more than between the first two, as in hexdump -C
	big          bool // the first byte of a word comes first
}

// otherWords are the words that are not hexadecimal.
var otherWords = []words{{2, 8, 1, 2, true}, {8, 3, 1, 5, true}, {8, 6, 2, 5, false}, {8, 11, 4, 2, false}, {0, 0, 1, 1, true}, {10, 0, 1, 12, true}, {10, 0, 2, 12, false}, {10, 0, 4, 12, false}}

func isWord(c byte) bool { return c >= '0' && c <= '9' || c|' ' >= 'a' && c|' ' <= 'z' }

// word returns the first word of b, without 0x before it, how many other signs lie before it, and where it ends.
func word(b []byte) (s []byte, gap, end int) {
	for gap < len(b) && !isWord(b[gap]) {
		gap++
	}
	from := gap
	if firstOf(b[gap:], "0x", "0X") {
		from += 2
	}
	for end = from; end < len(b) && isWord(b[end]); {
		end++
	}
	return b[from:end], gap, end
}

// address returns the address with which a line starts, and what is behind it; "": the line has none.
func address(line []byte) (string, []byte) {
	s, gap, end := word(line)
	s = bytes.TrimSuffix(s, []byte("h"))
	if gap > 8 || len(s) < 4 || len(s) > 16 || hexDigit(s[0]) < 0 {
		return "", nil
	}
	return string(s), line[end:]
}

// read returns up to n bytes of the words with which a line starts, and what is left of the line.
func (w words) read(line []byte, n int) (out, rest []byte) {
	for len(out) < n {
		s, gap, end := word(line)
		if w.base == 0 && len(line) > 3 && line[0] == ' ' {
			cell := bytes.TrimLeft(line[1:4], " ")
			c, used := inDigits(`\`, 8, 0)(cell, true)
			if len(cell) == 0 {
				c = ' '
			} else if used == 0 {
				c, used = unescaped(cell, 0)
			}
			if used < len(cell) {
				break
			}
			out, line = append(out, c), line[4:]
			continue
		}
		if len(out) > 0 && gap > w.gap || w.digits > 0 && (len(s) > w.digits || len(s) < w.digits && w.base < 16) {
			break
		}
		if w.base == 16 {
			from := len(out)
			var err error
			if out, err = hex.AppendDecode(out, s); err != nil || len(s) == 0 {
				return out[:from], line
			}
		} else {
			v, err := strconv.ParseUint(string(s), w.base, 8*w.size)
			if err != nil || w.base == 0 {
				break
			}
			if w.base == 10 && gap > 0 && line[gap-1] == '-' {
				v = -v
			}
			out = append(out, binary.BigEndian.AppendUint64(nil, v)[8-w.size:]...)
		}
		if !w.big {
			slices.Reverse(out[len(out)-min(w.size, len(out)):])
		}
		line = line[end:]
	}
	return out, line
}

// listingOf returns the listing that starts b, at the start of a line; nil: none. Its second address says how many bytes a line has.
func listingOf(b []byte) *listing {
	first, second, _ := bytes.Cut(b, []byte("\n"))
	from, first := address(first)
	to, _ := address(second[:max(0, bytes.IndexByte(second, '\n'))])
	if from == "" || len(from) != len(to) {
		return nil
	}
	s, _, end := word(first)
	_, gap, _ := word(first[end:])
	for _, w := range append([]words{{16, len(s), len(s) / 2, gap + 1, true}}, otherWords...) {
		for _, base := range []int{16, 8, 10} {
			x, err := strconv.ParseUint(from, base, 63)
			y, err2 := strconv.ParseUint(to, base, 63)
			if n := y - x; err == nil && err2 == nil && w.size > 0 && n >= 4 && n <= margin && n%uint64(w.size) == 0 {
				out, rest := w.read(first, int(n))
				more, _ := w.read(rest, 1)
				_, behind, _ := word(rest)
				if len(out) != int(n) || len(more) > 0 && behind < w.gap || len(rest) > 4*int(n)+margin/8 {
					continue
				}
				w.big = w.size == 1 || w.base == 16 && bigWords(first, out, rest, w.size)
				return &listing{words: w, base: base, line: n, at: x}
			}
		}
	}
	return nil
}

// bigWords reports whether the first byte of a hexadecimal word comes first. out are the bytes of a line if it does: a file starts
// there, or rest has them as text. Without either the first byte comes first in what has a colon behind the address and no 0x.
func bigWords(line, out, rest []byte, size int) bool {
	text := func(b []byte) []byte {
		b = bytes.Clone(b)
		for i, c := range b {
			if c < ' ' || c > '~' {
				b[i] = '.'
			}
		}
		return b
	}
	little := bytes.Clone(out)
	for word := range slices.Chunk(little, size) {
		slices.Reverse(word)
	}
	switch {
	case kindMagic(out), !kindMagic(little) && bytes.Contains(rest, text(out)):
		return true
	case kindMagic(little), bytes.Contains(rest, text(little)):
		return false
	}
	return size > 8 || line[0] == ':' && !bytes.Contains(line, []byte("0x"))
}

func (l *listing) Read(out []byte) (int, error) {
	for len(l.left) == 0 {
		line, _, _ := bytes.Cut(l.s.have(4*margin), []byte("\n"))
		if bytes.Equal(bytes.TrimSpace(line), []byte("*")) && !l.star {
			l.star = true
			l.s.skip(len(line) + 1)
			continue
		}
		s, behind := address(line)
		at, err := strconv.ParseUint(s, l.base, 63)
		switch {
		case err != nil || at < l.at || at > l.at && !l.star:
			return 0, io.EOF
		case at == l.at:
			l.star = false
			l.last, _ = l.read(behind, int(l.line))
			l.s.skip(len(line) + 1)
		}
		if l.left = l.last; len(l.left) == 0 {
			return 0, io.EOF
		}
		l.at += uint64(len(l.left))
	}
	n := copy(out, l.left)
	l.left = l.left[n:]
	return n, nil
}

// isListed reports whether a sample looks like bytes in words of digits: of up to three, or of a longer length. No word is
// frequent among them. Numbers beside a point or before a hyphen are of addresses, dates and measures. Chosen.
func isListed(sample []byte) bool {
	var short, long tally
	all, wide := 0, 0 // words, but for letters alone, and bytes above 200
	for b := sample; len(b) > 0; {
		s, gap, end := word(b)
		point := gap > 0 && b[gap-1] == '.'
		if bytes.ContainsAny(s, "0123456789") || len(s) > 2 {
			all++
		}
		if b = b[end:]; point || len(b) > 0 && (b[0] == '.' || b[0] == '-') {
			continue
		}
		s = bytes.TrimRight(bytes.TrimLeft(s, "xS"), "hHuUyL") // as in \xff, S-records, 0FFh, 255u
		switch n := len(s); {
		case !bytes.ContainsAny(s, "0123456789") || slices.ContainsFunc(s, func(c byte) bool { return hexDigit(c) < 0 }):
		case n < 3 || n == 3 && s[0] < '4':
			short.add(s)
			if n == 3 && s[0] == '2' || s[0] >= 'd' {
				wide++
			}
		case n == 3:
			short.high++
		case n == 4 || n == 6 || n == 8 || n == 11 || n == 16 || n > 40:
			if long.add(s); bytes.ContainsAny(s, "89") {
				long.high++
			}
		}
	}
	octal, hexadecimal := long.high == 0, 2*long.letters > long.n
	listed := 16*short.n > len(sample) && 50*short.high < short.n
	pure := 20*short.n > 19*all && 50*wide > short.n
	return listed && (pure || 160*short.same < short.n*(short.n-1)) ||
		5*long.digits > 2*len(sample) && (octal || hexadecimal) && 160*long.same < long.n*(long.n-1)
}

// A tally counts words of digits.
type tally struct {
	n, digits, same int            // words, their digits, and pairs of equal words, twice
	letters, high   int            // words with letters, and words that are above a byte, or have an 8 or 9
	of              [1 << 12]int32 // words by hash
}

func (t *tally) add(s []byte) {
	hash := uint32(0)
	for _, c := range s {
		hash = (hash ^ uint32(c)) * 2654435769
	}
	of := &t.of[hash>>20]
	t.n, t.digits, t.same, *of = t.n+1, t.digits+len(s), t.same+2*int(*of), *of+1
	if bytes.ContainsAny(s, "abcdefABCDEF") {
		t.letters++
	}
}
