// Package carve finds pictures, PDFs and archives that lie in other bytes: in dumps of databases, mails, web pages,
// caches and disk images. It knows no format of a container. It looks for the bytes with which such files start,
// as they are and in the writings that texts have for bytes: base64, hexadecimal, escapes and lists of numbers.
package carve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
)

// A Find is a file that lies in other bytes.
type Find struct {
	At     int64  // byte of what was scanned at which the file, or the writing of it, starts
	Place  string // the same in words, with the writing: "byte 18231002, base64"
	Label  string // name or key beside it in a text; "": none
	Ending string // of its kind: ".jpg"
	Plain  bool   // its bytes lie in what was scanned as they are
	Chance bool   // other bytes often start so: a TIFF, and a JPEG whose size was not seen
}

// Name returns place, label and ending as a name. It has none of the signs that divide names of files in a dump.
func (f Find) Name() string {
	name := f.Place
	if f.Label != "" {
		name += ", " + f.Label
	}
	if path.Ext(name) != f.Ending {
		name += f.Ending
	}
	return name
}

// A Report says what a scan passed over.
type Report struct {
	Opaque int64 // bytes that look compressed or encrypted, in which no file was found
	Finds  int
}

const (
	bufferSize = 1 << 18 // bytes that a scan holds. A header that is checked lies within half of them. Chosen
	margin     = 512     // bytes that the signs of a start take at most, in any writing
	maxDepth   = 3       // writings in each other: base64 in a base64 mail in a JSON text. Chosen
	minRun     = 60      // signs in one line of base64 that is decoded though nothing known starts it. PEM has 64, MIME 76

	// Of sampleEvery bytes that are passed over, the first sampleSize are a sample. All are taken as compressed or encrypted if the sample has minEntropy bits
	// a byte, and minDistinct of its runs of four bytes are different. Measured: random bytes 7.95 and 1.00, compress 7.0 and
	// 1.00, base85 6.4 and 1.00, base32 4.95 and 0.99. Programs have up to 6.4 and 0.97, checksums in base64 5.9 and 0.67.
	sampleSize, sampleEvery = 4 << 10, 16 << 10
	minEntropy              = 4.9
	minDistinct             = 0.98

	maxInflated = 8 << 30 // bytes that one scan decompresses. Chosen: they take half a minute

	// maxStarts is the max of false starts in a file: 20 s at most (TestHostileTexts). A GB of text has 100 by chance.
	maxStarts = 1 << 20
)

// ErrStarts says that a scan ended before the end.
var ErrStarts = fmt.Errorf("more than %d places look like the start of a picture: the rest was not looked into", maxStarts)

// Scan reads r once and calls each for the files in it, in the order of their places. each may call copy once, which
// writes the bytes of the file and returns their number; else the scan goes on within the file. The end of a file follows from its structure. A file that is cut
// off ends where another one starts, or the writing ends. Scan ends with an error of r or each, ErrStarts, or ctx's.
func Scan(ctx context.Context, r io.Reader, each func(f Find, copy func(io.Writer) (int64, error)) error) (Report, error) {
	s := &scan{ctx: ctx, each: each}
	err := s.layer(r, nil, 0)
	return s.Report, err
}

// End returns where the file with which r begins ends, and whether its structure says so; else it is cut off there. It
// returns 0 if r begins with no file.
func End(ctx context.Context, r io.Reader) (n int64, whole bool) {
	b := &stream{Reader: bufio.NewReaderSize(r, bufferSize)}
	c := &copied{s: b, w: io.Discard, ctx: ctx}
	k := kindOf(b.have(2 * margin))
	whole = k != nil && k.copy(c) == nil
	return c.n, whole
}

// A scan is one call of Scan.
type scan struct {
	ctx  context.Context
	each func(Find, func(io.Writer) (int64, error)) error
	Report
	starts   int                         // of nothing
	inflated int64                       // bytes that were decompressed
	bufs     [maxDepth + 1]*bufio.Reader // by depth
	passed   [maxDepth + 1]samples       // the same; short writings share them
}

// An outer says where a writing lies.
type outer struct {
	at     int64
	place  string
	before []byte
}

// A stream is read once, ahead of the place up to which it was scanned.
type stream struct {
	*bufio.Reader
	at    int64 // of the next byte
	clear int64 // before which no long run of base64 starts
}

func (s *stream) skip(n int) {
	n, _ = s.Discard(n)
	s.at += int64(n)
}

// Read and ReadByte read bytes that were scanned, for a decompressor: it takes none behind its end.
func (s *stream) Read(out []byte) (int, error) {
	n, err := s.Reader.Read(out)
	s.at += int64(n)
	return n, err
}

func (s *stream) ReadByte() (byte, error) {
	c, err := s.Reader.ReadByte()
	if err == nil {
		s.at++
	}
	return c, err
}

func (s *stream) have(n int) []byte {
	b, _ := s.Peek(n)
	return b
}

// run returns the index in the next bytes b, below end, at which a long run of base64 starts; without one, end.
func (s *stream) run(b []byte, end int) int {
	from := int(max(0, s.clear-s.at))
	if from >= end {
		return end
	}
	i := from + longRun(b[from:], end-from)
	s.clear = s.at + int64(i)
	return i
}

// layer scans the bytes of r, which the writing in decodes to; nil: they are what is scanned. The error is of r, of each or ctx's.
func (s *scan) layer(r io.Reader, in *outer, depth int) error {
	if s.bufs[depth] == nil {
		s.bufs[depth] = bufio.NewReaderSize(nil, bufferSize)
	}
	s.bufs[depth].Reset(r)
	b := &stream{Reader: s.bufs[depth]}
	var last []byte // what came before the next byte
	passed := &s.passed[depth]
	passed.of = &s.Report
	for {
		var err error
		buf := b.have(b.Buffered())
		if len(buf) < 2*margin {
			if buf, err = b.Peek(bufferSize / 2); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
		}
		if len(buf) == 0 {
			return nil
		}
		if err := s.ctx.Err(); err != nil {
			return err
		}
		end := len(buf)
		if err == nil {
			end -= margin
		}
		run := end
		if depth < maxDepth {
			run = b.run(buf, end)
		}
		i, found := next(buf, last, run, depth < maxDepth)
		passed.add(buf[:i])
		last = keep(last, buf[:i])
		b.skip(i)
		if !found && i == end {
			continue
		}
		finds := s.Finds
		taken, err := s.take(b, last, in, depth)
		if err != nil {
			return err
		}
		if last = nil; !taken {
			if s.starts++; s.starts > maxStarts {
				return ErrStarts
			}
			passed.add(b.have(1))
			last = keep(last, b.have(1))
			b.skip(1)
			continue
		}
		if s.Finds > finds {
			passed.sample, passed.opaque = passed.sample[:0], false
		}
	}
}

// samples looks at samples of the bytes of a layer that are passed over, and counts the opaque bytes.
type samples struct {
	of     *Report
	sample []byte
	left   int  // bytes up to the next sample
	opaque bool // these are
}

// add takes the next bytes that are passed over. A sample lies between two files.
func (m *samples) add(b []byte) {
	for len(b) > 0 {
		n := min(m.left, len(b))
		if m.left -= n; n == 0 {
			n = min(sampleSize-len(m.sample), len(b))
			if m.sample = append(m.sample, b[:n]...); len(m.sample) == sampleSize {
				m.opaque, m.sample, m.left = isOpaque(m.sample) || isListed(m.sample[:sampleSize/4]) && isListed(m.sample), m.sample[:0], sampleEvery-sampleSize
			}
		}
		if m.opaque {
			m.of.Opaque += int64(n)
		}
		b = b[n:]
	}
}

// take reads the file or the writing that starts at b, if one does, and reports whether it did. before are bytes before it.
func (s *scan) take(b *stream, before []byte, in *outer, depth int) (bool, error) {
	buf := b.have(max(b.Buffered(), 2*margin))
	if quoteOf(before) != 0 && kindMagic(buf) { // as it is, or with escapes: its frame tells
		buf = b.have(bufferSize / 2)
	}
	if c := coded(buf, before); c != nil && depth < maxDepth {
		at := outer{b.at, c.name, bytes.Clone(before)}
		if in != nil {
			at = outer{in.at, in.place + fmt.Sprintf(", byte %d, %s", b.at, c.name), at.before}
		}
		from := b.at
		r := c.decode(b)
		if c.inflates {
			r = &inflated{r, s}
		}
		err := s.layer(r, &at, depth+1)
		return b.at > from, err
	}
	k := kindOf(buf)
	if k == nil {
		return false, nil
	}
	f := Find{At: b.at, Place: fmt.Sprintf("byte %d", b.at), Label: label(before), Ending: k.ending, Plain: in == nil, Chance: k.ending == ".tif" || k.ending == ".jpg" && !hasFrame(b.have(bufferSize/2))}
	if in != nil {
		f.At, f.Label = in.at, label(in.before)
		if f.Place = fmt.Sprintf("byte %d, %s", in.at, in.place); b.at > 0 {
			f.Place += fmt.Sprintf(", byte %d", b.at)
		}
	}
	from := b.at
	err := s.each(f, func(w io.Writer) (int64, error) {
		c := &copied{s: b, w: w, ctx: s.ctx}
		err := k.copy(c)
		if errors.Is(err, io.EOF) { // cut off: decoding says so
			err = nil
		}
		return c.n, err
	})
	if b.at > from {
		s.Finds++
	}
	return b.at > from, err
}

func keep(old, more []byte) []byte {
	if len(more) >= margin {
		return append(old[:0], more[len(more)-margin:]...)
	}
	old = append(old, more...)
	return append(old[:0], old[max(0, len(old)-margin):]...)
}

// isOpaque reports whether a sample looks compressed, encrypted or in an unknown writing: see minEntropy.
func isOpaque(sample []byte) bool {
	var n [256]float64
	for _, b := range sample {
		n[b]++
	}
	bits, size := 0.0, float64(len(sample))
	for _, c := range n {
		if c > 0 {
			bits -= c / size * math.Log2(c/size)
		}
	}
	if bits < minEntropy {
		return false
	}
	var seen [4 * sampleSize]uint32 // a table of hashes; 0: an empty place
	distinct := 0.0
	for i := range len(sample) - 3 {
		run := binary.LittleEndian.Uint32(sample[i:]) | 1
		at := run * 2654435769 >> 18 // Knuth, The Art of Computer Programming 3, 6.4: 14 bits
		for seen[at] != 0 && seen[at] != run {
			at = (at + 1) % uint32(len(seen))
		}
		if seen[at] == 0 {
			seen[at] = run
			distinct++
		}
	}
	return distinct >= minDistinct*size
}

// inflated reads what was compressed. It ends at an error, and at maxInflated bytes of all such readers of a scan.
type inflated struct {
	io.Reader
	of *scan
}

func (r *inflated) Read(out []byte) (int, error) {
	if r.of.inflated > maxInflated {
		r.of.Opaque++ // more is said to be in it
		return 0, io.EOF
	}
	n, err := r.Reader.Read(out)
	r.of.inflated += int64(n)
	if err != nil {
		err = io.EOF
	}
	return n, err
}
