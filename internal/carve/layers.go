package carve

import (
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// zlibLevels are the second bytes of a zlib stream without a dictionary, behind an x (RFC 1950).
var zlibLevels = []string{"\x01", "\x5e", "\x9c", "\xda"}

// minInflated is how many bytes, or all, a compressed stream must give without an error to be taken for one. Chosen.
const minInflated = 256

// compressed returns the gzip or zlib stream that starts b; nil: none does.
func compressed(b []byte) *coding {
	switch {
	case len(b) > 18 && string(b[:3]) == "\x1f\x8b\x08" && b[3] <= 0x1f:
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil && inflates(z, len(b)) {
			return &coding{"gzip", func(s *stream) io.Reader {
				z, err := gzip.NewReader(s)
				if err != nil {
					return bytes.NewReader(nil)
				}
				z.Multistream(false)
				return z
			}, true}
		}
	case len(b) > 8 && b[0] == 'x' && slices.Contains(zlibLevels, string(b[1:2])) && zlibBlock(b[2:7]):
		if inflates(flate.NewReader(bytes.NewReader(b[2:])), len(b)) {
			return &coding{"zlib", func(s *stream) io.Reader {
				s.skip(2)
				return flate.NewReader(s)
			}, true}
		}
	}
	return nil
}

// zlibBlock reports whether a block of deflate may start b (RFC 1951, 3.2.3): one as it is has its size twice.
func zlibBlock(b []byte) bool {
	kind := b[0] >> 1 & 3
	return kind == 1 || kind == 2 || kind == 0 && b[1] == ^b[3] && b[2] == ^b[4]
}

// inflates reports whether r gives minInflated bytes, or ends well, or ends for want of more than the n bytes that it has.
func inflates(r io.Reader, n int) bool {
	got, err := io.CopyN(io.Discard, r, minInflated)
	return err == nil || errors.Is(err, io.EOF) && got > 0 || errors.Is(err, io.ErrUnexpectedEOF) && n >= margin
}

// maxHead is how many signs of a text show whether a writing starts there.
const maxHead = 64

// width returns how many bytes a sign takes at the start of b: 2 or 4 if it is of ASCII in UTF-16 or UTF-32, else 1.
func width(b []byte) int {
	for _, w := range []int{4, 2} {
		if n := len(narrowed(b[:min(len(b), 16*w)], w)); n >= 8 {
			return w
		}
	}
	return 1
}

// narrowed returns the ASCII with which b starts as signs of so many bytes. With a width of 1 it leaves out all zeros.
func narrowed(b []byte, width int) (out []byte) {
	if width == 1 {
		return bytes.ReplaceAll(b, []byte{0}, nil)
	}
	for len(b) > 0 && b[0] != 0 && b[0] < 0x80 {
		n := 1
		for n < min(width, len(b)) && b[n] == 0 {
			n++
		}
		if n < min(width, len(b)) {
			break
		}
		out, b = append(out, b[0]), b[n:]
	}
	return out
}

// wide reads ASCII in UTF-16 or UTF-32, of both orders of bytes, up to any other sign.
type wide struct {
	s     *stream
	width int
}

func (r *wide) Read(out []byte) (int, error) {
	b := r.s.have(min(r.width*len(out), bufferSize/4/r.width*r.width))
	n := copy(out, narrowed(b, r.width))
	r.s.skip(min(n*r.width, len(b)))
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A joined writing goes on in the same column of the next line, or between the next quotes: lines of a debugger or of a quoted
// mail, strings that a program adds up.
type joined struct {
	io.Reader
	s      *stream
	begin  func(*joined) io.Reader
	before byte // the sign before the writing; 0: a line begins
	column int
	gap    int             // bytes between the last two parts
	is     func(byte) bool // whether a sign is of the writing
}

const (
	maxGap  = 192 // bytes between two parts of a joined writing; chosen
	minPart = 16  // signs of a part; behind a gap as long as the last one, 2. Chosen
)

// join returns the reader of a writing that may go on. begin begins a part at s. before are bytes before the first one.
func join(s *stream, before []byte, is func(byte) bool, begin func(*joined) io.Reader) io.Reader {
	j := &joined{s: s, begin: begin, is: is, column: len(before) - 1 - bytes.LastIndexByte(before, '\n')}
	if j.column > 0 {
		j.before = before[len(before)-1]
	}
	j.Reader = begin(j)
	return j
}

func (j *joined) Read(out []byte) (int, error) {
	for {
		if n, err := j.Reader.Read(out); n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		at := j.next(j.s.have(2 * maxGap))
		if at == 0 {
			return 0, io.EOF
		}
		j.s.skip(at)
		j.gap = at
		j.Reader = j.begin(j)
	}
}

// next returns where behind the part before b the writing goes on; 0: it does not.
func (j *joined) next(b []byte) int {
	gap := b[:min(len(b), maxGap)]
	if quote := quoteOf(b[:min(len(b), 1)]); quote != 0 {
		for at := 1; at < len(gap) && !isWriting(b[at:], b[:at]); at++ {
			if gap[at] == quote && j.part(b, at+1, quote) {
				return at + 1
			}
		}
	}
	if line := bytes.IndexByte(gap, '\n'); line >= 0 && j.part(b, line+1+j.column, j.before) {
		return line + 1 + j.column
	}
	return 0
}

func isWriting(b, before []byte) bool { return coded64(b) || codedBytes(b, before) != nil }

// goesOn reports whether the writing goes on in its column behind the line end with which b starts, or another one starts there.
func (j *joined) goesOn(b []byte) bool {
	at := 1 + bytes.IndexByte(b[:min(len(b), maxGap)], '\n') + j.column
	return j.column > 0 && at < len(b) && (j.part(b, at, j.before) || isWriting(b[at:], b[:at]))
}

// part reports whether a part of the writing that is no start of a file begins at a place of b, behind the sign before.
func (j *joined) part(b []byte, at int, before byte) bool {
	n := minPart
	if at == j.gap {
		n = 2
	}
	if at+n > len(b) || before != 0 && b[at-1] != before || isWriting(b[at:], b[:at]) {
		return false
	}
	return !slices.ContainsFunc(b[at:at+n], func(c byte) bool { return !j.is(c) })
}

func is64(c byte) bool  { return sign64[c] >= 0 }
func isHex(c byte) bool { return hexDigit(c) >= 0 || c == ' ' }

func (c *copied) sevenZip() error {
	b := c.s.have(32)
	return c.take(32 + int64(min(binary.LittleEndian.Uint64(b[12:]), 1<<60)) + int64(min(binary.LittleEndian.Uint64(b[20:]), 1<<60)))
}

// rar copies up to the last block, of version 5 or 4, as it is in an archive that has no further parts.
func (c *copied) rar() error {
	return c.upTo(8, func(b []byte) int {
		for _, end := range []string{"\x1d\x77\x56\x51\x03\x05\x04\x00", "\xc4\x3d\x7b\x00\x40\x07\x00"} {
			if i := bytes.Index(b, []byte(end)); i >= 0 {
				return i + len(end)
			}
		}
		return -1
	})
}

// pdf copies up to the last end of file behind which no object follows (ISO 32000-1, 7.5.6).
func (c *copied) pdf() error {
	for {
		end := []byte("%%EOF")
		if err := cmp.Or(c.upTo(len(end), func(b []byte) int { return bytes.Index(b, end) }), c.take(int64(len(end)))); err != nil {
			return err
		}
		b := c.s.have(64)
		more := bytes.TrimLeft(b, "\r\n \t\x00")
		if len(more) == 0 || (more[0] < '0' || more[0] > '9') && !bytes.HasPrefix(more, []byte("xref")) {
			if bytes.HasPrefix(b, []byte("\r\n")) {
				return c.take(2)
			}
			return c.take(int64(min(len(b)-len(more), 1)))
		}
	}
}

// zip copies up to the end of the directory that says where it lies (APPNOTE 4.3.16).
func (c *copied) zip() error {
	const size = 22
	mark := []byte("PK\x05\x06")
	for {
		err := c.upTo(size, func(b []byte) int { return bytes.Index(b, mark) })
		b := c.s.have(size)
		if len(b) < size || err != nil {
			return cmp.Or(err, c.rest())
		}
		directory, at := binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint32(b[16:])
		own := int64(at)+int64(directory) == c.n || at == 1<<32-1
		comment := int64(binary.LittleEndian.Uint16(b[20:]))
		if err := c.take(size); err != nil || own {
			return cmp.Or(err, c.take(comment))
		}
	}
}
