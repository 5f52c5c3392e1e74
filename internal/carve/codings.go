package carve

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A coding is a writing of bytes that starts at a place of a text.
type coding struct {
	name     string
	decode   func(*stream) io.Reader // reads the bytes, and leaves the stream at the end of the writing
	inflates bool                    // they are compressed
}

// signs are before a byte that a text escapes, the longest first. Bytes that it can print may be written as themselves.
var signs = []struct {
	sign string
	base int
}{{`\\u00`, 16}, {`\u00`, 16}, {`\udc`, 16}, {`\\x`, 16}, {`\x`, 16}, {"%", 16}, {"=", 16}, {`\\`, 8}, {`\`, 8}, {`\`, 10}}

// started64 are what the base64 of files starts with: JPEG, PNG, GIF, WebP, PDF, zip, TIFF, 7z, rar, gzip, SQLite.
var started64 = []string{"/9j/", "iVBORw0KGgo", "R0lGODlh", "R0lGODdh", "UklGR", "JVBERi", "UEsDB", "SUkqA", "TU0AK", "N3q8ryc", "UmFyIRo", "H4sIA", "H4sIC", "U1FMaXRl"}

// startsWide start writings in texts of two or four bytes a sign. Other signs of base64 start them only behind another sign.
const startsWide = `/_iRUJSTNHQ\fF8-123457x%`

// pairs has the two bytes with which a file, or a writing of one, starts: bit b[0] + 256 b[1].
var pairs = func() (set [1 << 10]uint64) {
	add := func(all ...string) {
		for _, s := range all {
			p := int(s[0]) | int(s[1])<<8
			set[p/64] |= 1 << (p % 64)
		}
	}
	for _, k := range kinds {
		add(k.magic)
	}
	add(started64...)
	add("_9", "Qk", `\/`, `\u`, "%2", "ff", "FF", "89", "37", "21", "25", "-1", "13", "82", "80", "71", "52", "47", "50", "25", "\xc3\xbf", "\xc2\x89", "AA", "\x1f\x8b", "1f", "1F", "31", "49", "4d", "4D", "73", "77")
	for _, level := range zlibLevels {
		add("x" + level)
	}
	for c := range sign64 {
		if sign64[c] >= 0 || c == '\\' || c == '%' {
			add(string([]byte{byte(c), 0}))
		}
	}
	return set
}()

// next returns the index in b, before end, at which a file seems to start, or a writing of one if codings is true. It also
// returns whether one does; if not, the index is end. last are the bytes before b.
func next(b, last []byte, end int, codings bool) (int, bool) {
	for i := 0; i < end; i++ {
		if i+1 >= len(b) {
			break
		}
		p := int(b[i]) | int(b[i+1])<<8
		if pairs[p>>6]>>(p&63)&1 == 0 {
			continue
		}
		if p == 0 && i+3 < len(b) && (b[i+2] != 0 || b[i+3] == 0) { // of many zeros the last three may start a box
			continue
		}
		before := last
		if i >= maxSign {
			before = b[i-maxSign : i]
		} else if i > 0 {
			before = append(bytes.Clone(last[max(0, len(last)-maxSign):]), b[:i]...)
		}
		if starts(b[i:], before, codings) {
			return i, true
		}
	}
	return end, false
}

// starts reports whether a file, or a writing of one if codings is true, seems to start b. before are bytes before it.
func starts(b, before []byte, codings bool) bool {
	switch {
	case kindMagic(b), kindOf(b) != nil:
		return true
	case !codings:
		return false
	case b[1] == 0:
		return (!ends64(before) || strings.IndexByte(startsWide, b[0]) >= 0) && width(b) > 1 && coded(b, before) != nil
	case b[0] == 0x1f, b[0] == 'x':
		return compressed(b) != nil
	case strings.IndexByte("fF8-123457\xc2\xc3", b[0]) >= 0:
		return codedBytes(b, before) != nil
	}
	return coded64(b)
}

// kindMagic reports whether b starts as a file whose head may be written with escapes.
func kindMagic(b []byte) bool {
	return firstOf(b, "\xff\xd8\xff", "\x89PNG", "RIFF", "GIF8", "%PDF", "PK\x03", `PK\`, `II*\`, `MM\`)
}

// longRun returns the first index below end at which minRun signs of base64 follow one another; without one, end.
func longRun(b []byte, end int) int {
	for i := 0; i < end && i+minRun <= len(b); {
		j := i + minRun - 1
		for j >= i && sign64[b[j]] >= 0 {
			j--
		}
		if j < i {
			return i
		}
		i = j + 1
	}
	return end
}

// coded64 reports whether the base64 of a file of a known kind starts b.
func coded64(b []byte) bool {
	var signs [12]byte
	n := 0
	for i := 0; n < len(signs) && i < len(b); n++ {
		c, used := b[i], 1
		if sign64[c] < 0 {
			if c, used = escaped64(b[i:]); c == 0 {
				break
			}
		}
		switch signs[n] = c; c {
		case '_':
			signs[n] = '/'
		case '-':
			signs[n] = '+'
		}
		i += used
	}
	s := string(signs[:n])
	return slices.ContainsFunc(started64, func(start string) bool { return strings.HasPrefix(s, start) }) ||
		n > 9 && s[:4] == "AAAA" && s[5:10] == "GZ0eX" || // a file type box
		n > 11 && s[:2] == "Qk" && s[8:] == "AAAA" // a BMP
}

// ends64 reports whether a sign of base64 ends b, of any width.
func ends64(b []byte) bool {
	b = bytes.TrimRight(b, "\x00")
	return len(b) > 0 && is64(b[len(b)-1])
}

// coded returns the writing of bytes that starts b; nil: none. before are the bytes before it.
func coded(b, before []byte) *coding {
	if w := width(b); w > 1 {
		head := narrowed(b[:min(len(b), maxHead*w)], w)
		if c := coded(head, narrowed(before, 1)); c == nil || c.name == "base64" && ends64(before) && !coded64(head) {
			return nil
		}
		return &coding{name: fmt.Sprintf("UTF-%d", 8*w), decode: func(s *stream) io.Reader { return &wide{s, w} }}
	}
	in64 := func(s *stream) io.Reader {
		return join(s, before, is64, func(j *joined) io.Reader { return &run64{s: s, from: j.column, joins: j.goesOn} })
	}
	switch {
	case coded64(b):
		return &coding{name: "base64", decode: in64}
	case len(b) >= minRun && longRun(b[:minRun], 1) == 0:
		for _, start := range []string{"0x", "x", ""} {
			if digits, has := bytes.CutPrefix(b[:minRun], []byte(start)); has && allHex(digits) {
				return inHexadecimal(before, len(start))
			}
		}
		return &coding{name: "base64", decode: in64}
	}
	if c := cmp.Or(codedBytes(b, before), compressed(b)); c != nil {
		return c
	}
	if !kindMagic(b) {
		return nil
	}
	quote := quoteOf(before)
	if hasFrame(b) || quote == 0 && (firstOf(b, "\xff", "\x89") || kindOf(b) != nil) {
		return nil
	}
	var best decoder
	longest := 0 // bytes
	for _, next := range []decoder{inDigits(`\x`, 16, quote), inDigits(`\u00`, 16, quote), inDigits("%", 16, quote), inDigits(`\\`, 8, quote), inDigits(`\`, 8, quote), inLatin1(quote), inQuotes(quote)} {
		inner := func(b []byte, _ bool) (byte, int) { return next(b, false) }
		if kindOf(unquoted(b, enoughUnquoted, inner)) == nil {
			continue
		}
		if out := unquoted(b, maxUnquoted, inner); len(out) > longest && kindOf(out) != nil {
			if best, longest = inner, len(out); longest > enoughUnquoted {
				break
			}
		}
	}
	if best == nil {
		return nil
	}
	return &coding{name: "escaped", decode: func(s *stream) io.Reader { return &bytesOf{s: s, next: best} }}
}

// hasFrame reports whether b starts with a JPEG or PNG as it is, up to the size of the picture. Escapes before that move it.
func hasFrame(b []byte) bool {
	if !bytes.HasPrefix(b, []byte("\xff\xd8\xff")) { // what follows is long to read
		return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n"))
	}
	is, frame := jpegHead(b)
	return is && frame
}

// maxSign is the length of the longest of signs, and of a quote before it.
const maxSign = 6

// codedBytes returns the bytewise writing in which a magic starts b, or nil. before is maxSign or all bytes before b.
func codedBytes(b, before []byte) *coding {
	if b[0] >= 0xc2 {
		return inCode("escaped", b, inLatin1(quoteOf(before)))
	}
	for _, e := range signs {
		if rest, has := bytes.CutSuffix(before, []byte(e.sign)); has {
			if c := inCode("escaped", b, inDigits(e.sign, e.base, quoteOf(rest))); c != nil {
				return c
			}
		}
	}
	if inBytes(b, inHex) {
		return inHexadecimal(before, 0)
	}
	if next := listed(b, 16, maxBetween/4); next != nil {
		return inCode("hexadecimal", b, next)
	}
	if next := listed(b, 10, maxBetween); next != nil {
		return inCode("numbers", b, next)
	}
	return nil
}

func firstOf(b []byte, heads ...string) bool {
	return slices.ContainsFunc(heads, func(h string) bool { return len(b) >= len(h) && string(b[:len(h)]) == h })
}

// quoteOf returns the quote that ends before, 0 if none does.
func quoteOf(before []byte) byte {
	if n := len(before); n > 0 && (before[n-1] == '"' || before[n-1] == '\'') {
		return before[n-1]
	}
	return 0
}

// inCode returns the writing that next decodes if one of magics starts b in it; else nil.
func inCode(name string, b []byte, next decoder) *coding {
	if !inBytes(b, next) {
		return nil
	}
	return &coding{name: name, decode: func(s *stream) io.Reader { return &bytesOf{s: s, next: next} }}
}

// inHexadecimal returns the writing in digits, behind before and a prefix of so many bytes.
func inHexadecimal(before []byte, prefix int) *coding {
	return &coding{name: "hexadecimal", decode: func(s *stream) io.Reader {
		s.skip(prefix)
		return join(s, before, isHex, func(j *joined) io.Reader { return &bytesOf{s: s, next: inHex, joins: j.goesOn} })
	}}
}

// inBytes reports whether b starts with a file in a writing.
func inBytes(b []byte, next decoder) bool {
	var got [4]byte
	for i := range got {
		c, n := next(b, i == 0)
		if n <= 0 {
			return false
		}
		got[i], b = c, b[n:]
		if i == 1 && !slices.ContainsFunc(magics, func(m string) bool { return m[:2] == string(got[:2]) }) {
			return false
		}
	}
	return firstOf(got[:], magics...)
}

// magics start the files that are looked for in bytes that are written one by one.
var magics = []string{"\xff\xd8\xff", "\x89PNG", "RIFF", "GIF8", "%PDF", "PK\x03\x04", "\x1f\x8b\x08", "II*\x00", "MM\x00*"}

// Between quotes maxUnquoted bytes are read to see whether a file starts there. A writing that holds for enoughUnquoted is right.
const maxUnquoted, enoughUnquoted = 4 << 10, 256

// unquoted returns the first n bytes of b in a writing between quotes.
func unquoted(b []byte, n int, next decoder) (out []byte) {
	for len(out) < n {
		c, used := next(b, len(out) == 0)
		if used <= 0 {
			break
		}
		out, b = append(out, c), b[used:]
	}
	return out
}

// A decoder returns the byte that is written first in b, and its length; 0: the end. first is true for the first byte.
type decoder = func(b []byte, first bool) (byte, int)

// bytesOf reads bytes that are written one by one.
type bytesOf struct {
	s     *stream
	next  decoder
	begun bool
	joins func([]byte) bool // see run64; nil: it does not
}

// maxByte is more than one byte takes in any writing, bytes. Lines may begin with spaces.
const maxByte = 128

func (r *bytesOf) Read(out []byte) (int, error) {
	b := r.s.have(bufferSize / 4)
	end := len(b)
	if end == bufferSize/4 {
		end -= maxByte
	}
	n, i := 0, 0
	for n < len(out) && i < end {
		c, used := r.next(b[i:], !r.begun)
		if used <= 0 || r.joins != nil && (b[i] == '\n' || b[i] == '\r') && r.joins(b[i:]) {
			end = i
			break
		}
		r.begun = true
		out[n] = c
		n, i = n+1, i+used
	}
	r.s.skip(i)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// hexByte returns the byte of the two digits with which b starts, and whether there are two.
func hexByte(b []byte) (byte, bool) {
	if len(b) < 2 || hexDigit(b[0]) < 0 || hexDigit(b[1]) < 0 {
		return 0, false
	}
	return byte(hexDigit(b[0])<<4 | hexDigit(b[1])), true
}

// white returns the index, from i on, of what follows white space in b. It stops at maxByte.
func white(b []byte, i int) int {
	for i < len(b) && i < maxByte && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// inHex decodes two digits for each byte, with white space between them.
func inHex(b []byte, first bool) (byte, int) {
	i := 0
	if !first {
		i = white(b, 0)
	}
	if c, is := hexByte(b[i:]); is {
		return c, i + 2
	}
	return 0, 0
}

// escapes are letters behind a backslash, and their bytes. Z is of MySQL, $ and @ of Perl.
const escapes = "e\x1bn\nr\rt\tb\bf\f0\x00Z\x1aa\av\v\\\\//''\"\"$$@@"

// unescaped decodes a byte that is written as itself or behind a backslash. quote ends the writing, if it is not 0.
func unescaped(b []byte, quote byte) (byte, int) {
	switch c := b[0]; {
	case c == '\\' && len(b) > 1:
		if v, is := hexByte(b[min(4, len(b)):]); is && bytes.HasPrefix(b, []byte(`\u00`)) {
			return v, 6
		}
		if i := strings.IndexByte(escapes, b[1]); i >= 0 && i%2 == 0 {
			return escapes[i+1], 2
		}
	case c >= ' ' && c < 0x7f && c != quote:
		return c, 1
	}
	return 0, 0
}

// inDigits decodes digits to a base for each byte behind sign, two to base 16, else three or fewer, or the byte itself. quote ends
// escapes; 0: none does. The base is 10 in OCaml and Lua.
func inDigits(sign string, base int, quote byte) decoder {
	return func(b []byte, first bool) (byte, int) {
		i, n, v := 0, 0, 0
		for _, joins := range []string{"\\\n", "\\\r\n", "=\n", "=\r\n"} { // a line that goes on
			if !first && joins[0] == sign[0] && bytes.HasPrefix(b, []byte(joins)) {
				i = len(joins)
			}
		}
		b = b[i:]
		rest, is := bytes.CutPrefix(b, []byte(sign))
		at := i + len(sign)
		if first {
			rest, is, at = b, true, 0
		}
		for is && n < 3-base/16 && n < len(rest) && hexDigit(rest[n]) >= 0 && hexDigit(rest[n]) < base && v*base+hexDigit(rest[n]) < 256 {
			v, n = v*base+hexDigit(rest[n]), n+1
		}
		switch {
		case n == 3-base/16, n > 0 && !first && base < 16: // Perl writes fewer digits if no digit follows
			return byte(v), at + n
		case first, is && base == 16, len(b) == 0:
			return 0, 0
		case sign == `\\` && bytes.HasPrefix(b, []byte(`\\\\`)):
			return '\\', i + 4
		}
		c, used := unescaped(b, quote)
		if sign == "%" && c == '+' { // of a form
			c = ' '
		}
		return c, used + i*min(used, 1)
	}
}

// inLatin1 decodes a byte that is written in UTF-8 as the sign of the same number.
func inLatin1(quote byte) decoder {
	return func(b []byte, first bool) (byte, int) {
		if rest, has := bytes.CutPrefix(b, []byte(`\u00`)); has && !first {
			if c, is := hexByte(rest); is {
				return c, 6
			}
		}
		switch {
		case len(b) < 2 || first && b[0]&0xfe != 0xc2:
			return 0, 0
		case b[0]&0xfe == 0xc2 && b[1]&0xc0 == 0x80:
			return b[0]<<6 | b[1]&0x3f, 2
		case b[0] < ' ' || b[0] == 0x7f || quote == 0: // a text that escapes nothing
			return b[0], 1
		}
		return unescaped(b, quote)
	}
}

// maxBetween is how many bytes may lie between two numbers of a list. Chosen: XML of Java has 40.
const maxBetween = 64

// listed returns the decoder of the list of numbers that starts b, to a base of 10 or 16; nil: none, or of no file. What lies
// between the first two numbers lies between all, within so many bytes. A number in it, such as an index, stands for any number.
func listed(b []byte, base, within int) decoder {
	first, n := number(b, base)
	if n < 2 || strings.IndexByte("\xff\x89RG%P\x1fIM", first) < 0 {
		return nil
	}
	for p := n + 1; p < min(len(b)-1, within); p++ {
		second, is := number(b[p:], base)
		if is < 2 || !slices.ContainsFunc(magics, func(m string) bool { return m[0] == first && m[1] == second }) {
			continue
		}
		sep := b[n:p]
		if base == 16 {
			sep = bytes.TrimRight(sep, "0") // of 0D8h
		}
		if next := between(bytes.Clone(sep), base); inBytes(b, next) {
			return next
		}
	}
	return nil
}

// number returns the byte that a number of at most three decimal or two hexadecimal digits is, signed or not, and its length; 0: none.
func number(b []byte, base int) (byte, int) {
	i, v := 0, 0
	if len(b) > 0 && b[0] == '-' && base == 10 {
		i++
	}
	from := i
	for ; i < len(b) && i < from+4 && hexDigit(b[i]) >= 0 && hexDigit(b[i]) < base; i++ {
		v = base*v + hexDigit(b[i])
	}
	if from == 1 {
		v = -v
	}
	if i == from || v < -128 || v > 255 {
		return 0, 0
	}
	return byte(v), i
}

// between decodes numbers with sep between them. White space may lie anywhere.
func between(sep []byte, base int) decoder {
	return func(b []byte, first bool) (byte, int) {
		i := 0
		for k := 0; !first && k < len(sep); k++ {
			from := white(b, i)
			switch {
			case white(sep, k) > k:
			case sep[k] >= '0' && sep[k] <= '9' && k > 0 && sep[k-1] >= '0' && sep[k-1] <= '9': // of the number before
			case sep[k] >= '0' && sep[k] <= '9':
				for i = from; i < len(b) && b[i] >= '0' && b[i] <= '9'; {
					i++
				}
				if i == from {
					return 0, 0
				}
			case from < len(b) && b[from] == sep[k]:
				i = from + 1
			default:
				if i = keyword(b, i, from); i == 0 {
					return 0, 0
				}
				k = len(sep)
			}
		}
		at := white(b, i)
		v, n := number(b[at:], base)
		if n == 0 || at == 0 && !first {
			return 0, 0
		}
		return v, at + n
	}
}

// keyword returns the place of the first number in a line of an assembler, which starts between two places of b; 0: no such line.
func keyword(b []byte, from, to int) int {
	for bytes.IndexByte(b[from:to], '\n') >= 0 && to < min(len(b), maxBetween) {
		s, gap, end := word(b[to:])
		if to += end; len(s) > 0 && (end > gap+len(s) || s[0] <= '9') {
			return to - len(s)
		}
	}
	return 0
}

// inQuotes decodes bytes between quotes as SQL has them: as themselves, behind a backslash, or a quote twice.
func inQuotes(quote byte) decoder {
	return func(b []byte, _ bool) (byte, int) {
		switch {
		case len(b) == 0:
			return 0, 0
		case b[0] == quote:
			if len(b) > 1 && b[1] == quote {
				return quote, 2
			}
			return 0, 0
		case b[0] == '\\' && len(b) > 1:
			if i := strings.IndexByte(escapes, b[1]); i >= 0 && i%2 == 0 {
				return escapes[i+1], 2
			}
			return b[1], 2
		}
		return b[0], 1
	}
}
