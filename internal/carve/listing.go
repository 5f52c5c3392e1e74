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
	s          *stream
	base       int    // of the addresses
	line       uint64 // bytes of a full line
	at         uint64 // address of the next line
	star       bool   // was the line before
	last, left []byte // bytes of the last line, and what of it was not read
}

// words say how a listing writes the bytes of a line.
type words struct {
	base, digits, size int  // of a word. 0 digits: any number. size is in bytes
	gap                int  // bytes between two words at most: one more than between the first two, as in hexdump -C
	big                bool // the first byte of a word comes first
}

// otherWords are the words that are not hexadecimal.
var otherWords = []words{{2, 8, 1, 2, true}, {8, 3, 1, 5, true}, {8, 6, 2, 5, false}, {8, 11, 4, 2, false},
	{10, 0, 1, 12, true}, {10, 0, 2, 12, false}, {10, 0, 4, 12, false}}

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

func allHex(s []byte) bool {
	return !slices.ContainsFunc(s, func(c byte) bool { return hexDigit(c) < 0 })
}

// address returns the address with which a line starts, and what is behind it; "": the line has none.
func address(line []byte) (string, []byte) {
	s, gap, end := word(line)
	s = bytes.TrimSuffix(s, []byte("h"))
	if gap > 8 || len(s) < 4 || len(s) > 16 || !allHex(s) {
		return "", nil
	}
	return string(s), line[end:]
}

// read returns up to n bytes of the words with which a line starts, and what is left of the line.
func (w words) read(line []byte, n int) (out, rest []byte) {
	for len(out) < n {
		s, gap, end := word(line)
		if len(out) > 0 && gap > w.gap || w.digits > 0 && (len(s) > w.digits || len(s) < w.digits && w.base < 16) {
			break
		}
		bits, err := hex.DecodeString(string(s))
		if w.base < 16 {
			var v uint64
			if v, err = strconv.ParseUint(string(s), w.base, 8*w.size); gap > 0 && line[gap-1] == '-' {
				v = -v
			}
			bits = binary.BigEndian.AppendUint64(nil, v)[8-w.size:]
		}
		if err != nil || len(s) == 0 {
			break
		}
		if !w.big {
			slices.Reverse(bits)
		}
		out, line = append(out, bits...), line[end:]
	}
	return out, line
}

// listingOf returns the listing that starts b, at the start of a line; nil: none. Its second address says how many bytes a line has.
func listingOf(b []byte) *listing {
	first, second, _ := bytes.Cut(b, []byte("\n"))
	from, first := address(first)
	if from == "" { // most lines of text
		return nil
	}
	to, _ := address(second[:max(0, bytes.IndexByte(second, '\n'))])
	s, _, end := word(first)
	_, gap, _ := word(first[end:])
	for _, w := range append([]words{{16, len(s), len(s) / 2, gap + 1, true}}, otherWords...) {
		for _, base := range []int{16, 8, 10} {
			x, err := strconv.ParseUint(from, base, 63)
			y, err2 := strconv.ParseUint(to, base, 63)
			n := y - x
			if err != nil || err2 != nil || len(from) != len(to) || w.size == 0 || n < 4 || n > margin || n%uint64(w.size) > 0 {
				continue
			}
			out, rest := w.read(first, int(n))
			more, _ := w.read(rest, 1)
			_, behind, _ := word(rest)
			if len(out) == int(n) && (len(more) == 0 || behind >= w.gap) && len(rest) <= 4*int(n)+margin/8 {
				w.big = w.big && w.inOrder(first, out, rest)
				return &listing{words: w, base: base, line: n, at: x}
			}
		}
	}
	return nil
}

// inOrder reports whether the first byte of a hexadecimal word comes first. out are the bytes of a line if it does: text behind
// them repeats them, or a file starts there. Else only what has a colon behind the address, and no 0x, may have this order.
func (w words) inOrder(line, out, rest []byte) bool {
	w.big = false
	little, _ := w.read(line, len(out))
	letters := func(b []byte) []byte {
		return bytes.Join(bytes.FieldsFunc(b, func(r rune) bool { return r > '~' || !isWord(byte(r)) }), nil)
	}
	text := letters(rest)
	switch {
	case w.size == 1 || kindMagic(out):
		return true
	case kindMagic(little) || len(text) > 0 && !bytes.Equal(text, letters(out)):
		return false
	}
	return len(text) > 0 || line[0] == ':' && !bytes.Contains(line, []byte("0x"))
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
		if err != nil || at < l.at || at > l.at && !l.star {
			return 0, io.EOF
		}
		l.at = max(l.at, at-min(at, l.line<<16)) // of more repetitions so many lines are enough
		if at == l.at {
			l.star = false
			l.last, _ = l.read(behind, int(l.line))
			l.s.skip(len(line) + 1)
		}
		n := uint64(len(l.last))
		if n == 0 {
			return 0, io.EOF
		}
		l.left = bytes.Repeat(l.last, int(max(1, min(at-min(at, l.at), margin)/n)))
		l.at += uint64(len(l.left))
	}
	n := copy(out, l.left)
	l.left = l.left[n:]
	return n, nil
}

// isListed reports whether a sample looks like bytes in words of digits, and no word is frequent. Words have up to three
// digits, or more as od writes them. Numbers beside a point or before a hyphen are of addresses, dates and measures. Chosen.
func isListed(sample []byte) bool {
	var n, same, digits, letters, high [2]int // of shorter and longer words. Equal pairs count twice
	var of [2][1 << 12]int                    // words by hash
	all, wide := 0, 0                         // words except pairs of letters, and bytes above 200
	for b := sample; len(b) > 0; {
		s, gap, end := word(b)
		point := gap > 0 && b[gap-1] == '.'
		if b = b[end:]; bytes.ContainsAny(s, "0123456789") || len(s) > 2 {
			all++
		}
		s = bytes.TrimRight(bytes.TrimLeft(s, "xS"), "hHuUyL") // as in \xff, S-records, 0FFh, 255u
		long := len(s) > 40 || slices.Contains([]int{4, 6, 8, 11, 16}, len(s))
		point = point || len(b) > 0 && (b[0] == '.' || b[0] == '-')
		if point || !long && len(s) > 3 || !allHex(s) || !bytes.ContainsAny(s, "0123456789") {
			continue
		}
		k, hash := 0, uint32(0)
		if long {
			k = 1
		}
		for _, c := range s {
			hash = (hash ^ uint32(c)) * 2654435769
		}
		seen := &of[k][hash>>20]
		n[k], same[k], digits[k], *seen = n[k]+1, same[k]+2**seen, digits[k]+len(s), *seen+1
		if bytes.ContainsAny(s, "abcdefABCDEF") {
			letters[k]++
		}
		if len(s) == 3 && s[0] > '3' || long && bytes.ContainsAny(s, "89") { // no byte, or not octal
			high[k]++
		}
		if len(s) == 3 && s[0] == '2' || !long && s[0] >= 'd' {
			wide++
		}
	}
	pure := 20*n[0] > 19*all && 50*wide > n[0]
	return 16*n[0] > len(sample) && 50*high[0] < n[0] && (pure || 160*same[0] < n[0]*(n[0]-1)) ||
		5*digits[1] > 2*len(sample) && (high[1] == 0 || 2*letters[1] > n[1]) && 160*same[1] < n[1]*(n[1]-1)
}
