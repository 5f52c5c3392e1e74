package carve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"

	"github.com/kycmark/kycmark/internal/each"
)

// A kind is a kind of file that is looked for.
type kind struct {
	ending string
	magic  string              // with which it starts
	is     func([]byte) bool   // whether bytes that start so are a file of the kind; it sees half of the buffer at most
	copy   func(*copied) error // copies the file up to its end
}

// kinds are looked for in this order.
var kinds = []kind{
	{".jpg", "\xff\xd8\xff", func(b []byte) bool { is, _ := jpegHead(b); return is }, (*copied).jpeg},
	{".png", "\x89PNG\r\n\x1a\n", func(b []byte) bool { return len(b) > 16 && string(b[12:16]) == "IHDR" }, (*copied).png},
	{".gif", "GIF8", func(b []byte) bool { return len(b) > 13 && (b[4] == '7' || b[4] == '9') && b[5] == 'a' }, (*copied).gif},
	{".webp", "RIFF", func(b []byte) bool { return len(b) > 16 && string(b[8:15]) == "WEBPVP8" }, (*copied).riff},
	{".pdf", "%PDF-", func(b []byte) bool { return len(b) > 64 && (b[5] == '1' || b[5] == '2') && b[6] == '.' }, (*copied).pdf},
	{".zip", "PK\x03\x04", func(b []byte) bool {
		return len(b) > 30 && b[5] == 0 && (b[8] == 0 || b[8] == 8) && b[9] == 0 && b[26] > 0
	}, (*copied).zip},
	{".7z", "7z\xbc\xaf\x27\x1c", func(b []byte) bool {
		return len(b) > 32 && crc32.ChecksumIEEE(b[12:32]) == binary.LittleEndian.Uint32(b[8:])
	}, (*copied).sevenZip},
	{".rar", "Rar!\x1a\x07", func(b []byte) bool { return len(b) > 20 }, (*copied).rar},
	{"", "SQLite format 3\x00", func(b []byte) bool { return len(b) > 100 && database(b) > 0 }, func(c *copied) error { return c.take(database(c.s.have(32))) }},
	{".bmp", "BM", isBMP, (*copied).bmp},
	{".tif", "II*\x00", isTIFF, (*copied).tiff},
	{".tif", "MM\x00*", isTIFF, (*copied).tiff},
	{".heic", "\x00\x00\x00", isPictureBox, (*copied).boxes},
}

func kindOf(b []byte) *kind {
	return each.Find(kinds, func(k *kind) bool { return bytes.HasPrefix(b, []byte(k.magic)) && k.is(b) })
}

// database returns the size of a database that starts b, bytes; 0: its pages have no size that pages may have.
func database(b []byte) int64 {
	if page := int64(b[16])<<8 | int64(b[17])<<16; page >= 512 && page <= 65536 && page&(page-1) == 0 {
		return page * int64(binary.BigEndian.Uint32(b[28:]))
	}
	return 0
}

// Markers of a JPEG (ITU-T T.81, table B.1).
const (
	startOfImage = 0xd8
	endOfImage   = 0xd9
	startOfScan  = 0xda
)

// jpegHead reports whether segments follow one another up to a frame, or as far as b goes, and whether b has the frame.
func jpegHead(b []byte) (is, frame bool) {
	for at := 2; ; {
		for at+1 < len(b) && b[at] == 0xff && b[at+1] == 0xff {
			at++
		}
		if at+9 > len(b) {
			return at > 2 && at <= len(b)+1<<16, false
		}
		m, n := b[at+1], int(binary.BigEndian.Uint16(b[at+2:]))
		switch {
		case b[at] != 0xff || m < 0xc0 || m >= 0xd0 && m <= endOfImage || n < 2:
			return false, false
		case m < 0xd0 && m != 0xc4 && m != 0xc8 && m != 0xcc: // a frame: precision, height, width
			return (b[at+4] == 8 || b[at+4] == 12) && b[at+7]|b[at+8] != 0, true
		case m == startOfScan:
			return false, false
		}
		at += 2 + n
	}
}

func isBMP(b []byte) bool {
	if len(b) < 30 || binary.LittleEndian.Uint32(b[6:]) != 0 || b[26] != 1 || b[27] != 0 || b[29] != 0 {
		return false
	}
	return slices.Contains([]uint32{40, 52, 56, 108, 124}, binary.LittleEndian.Uint32(b[14:])) && slices.Contains([]byte{1, 4, 8, 16, 24, 32}, b[28])
}

// isTIFF reports whether the first directory lies behind the head, and has tags in ascending order if b shows it.
func isTIFF(b []byte) bool {
	if len(b) < 64 {
		return false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at < 8 { // some programs write it at an odd place
		return false
	}
	return at+26 > int64(len(b)) || isDirectory(b[at:], order)
}

// Limits of the work on a TIFF, which may share its lists and overlap its directories. Chosen, far above real files.
const (
	maxTags   = 1000    // of a directory
	maxStrips = 1 << 24 // places and sizes, over all directories
)

// isDirectory reports whether b, of 26 bytes or more, starts with the directory of a picture in a TIFF. If b has all of it, it names
// strips, tiles, a JPEG or further directories: a block of EXIF has none of these.
func isDirectory(b []byte, order binary.ByteOrder) bool {
	n, first, second := int(order.Uint16(b)), order.Uint16(b[2:]), order.Uint16(b[14:])
	shows := len(b) < 2+12*n
	for e := 2; e < 2+12*n && !shows; e += 12 {
		shows = slices.Contains([]uint16{273, 324, 330, 513}, order.Uint16(b[e:]))
	}
	return n > 4 && n < 200 && first >= 254 && first <= 256 && second > first && second < 260 && shows
}

// isPictureBox reports whether b starts with a file type box of HEIF, AVIF, JPEG 2000 or JPEG XL.
func isPictureBox(b []byte) bool {
	if len(b) < 32 {
		return false
	}
	if s := string(b[3:8]); s == "\x0cjP  " || s == "\x0cJXL " {
		return true
	}
	return string(b[4:8]) == "ftyp" && b[3] >= 16 && slices.Contains([]string{"heic", "heix", "heim", "heis", "mif1", "avif", "avis", "msf1", "hevc"}, string(b[8:12]))
}

// copied copies one file from a stream.
type copied struct {
	s   *stream
	w   io.Writer
	ctx context.Context
	n   int64
}

// take copies n bytes. The error is io.EOF if there are fewer.
func (c *copied) take(n int64) error {
	for n > 0 {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		b := c.s.have(int(min(n, bufferSize/2)))
		if len(b) == 0 {
			return io.EOF
		}
		if _, err := c.w.Write(b); err != nil {
			return err
		}
		c.s.skip(len(b))
		c.n += int64(len(b))
		n -= int64(len(b))
	}
	return nil
}

func (c *copied) rest() error { return c.take(1 << 62) }

// upTo copies up to a place. find returns its index in bytes, or -1 to see more, with the last tail bytes again.
func (c *copied) upTo(tail int, find func([]byte) int) error {
	for {
		b := c.s.have(bufferSize / 2)
		if i := find(b); i >= 0 {
			return c.take(int64(i))
		}
		n := len(b) - tail
		if len(b) < bufferSize/2 {
			n = len(b)
		}
		if err := c.take(int64(n)); err != nil || n <= 0 {
			return cmp.Or(err, io.EOF)
		}
	}
}

// jpeg copies up to the end of the image, or to where another one starts or no marker follows.
func (c *copied) jpeg() error {
	err := c.take(2)
	for err == nil {
		b := c.s.have(4)
		if len(b) < 2 || b[0] != 0xff {
			return nil
		}
		switch m := b[1]; {
		case m == endOfImage:
			return c.take(2)
		case len(b) < 4:
			return c.rest()
		case m == startOfImage:
			return nil
		case m == 0xff:
			err = c.take(1)
			continue
		case m >= 0xc0 && (m < 0xd0 || m > 0xd7):
			if err = c.take(2 + int64(binary.BigEndian.Uint16(b[2:]))); err != nil || m != startOfScan {
				continue
			}
		}
		err = c.upTo(1, func(b []byte) int { // entropy coded: up to a marker other than a restart
			for i := 0; ; {
				j := bytes.IndexByte(b[i:], 0xff)
				if j < 0 || i+j+1 >= len(b) {
					return -1
				}
				if i += j; b[i+1] >= 0xc0 && (b[i+1] < 0xd0 || b[i+1] > 0xd7) && b[i+1] != 0xff {
					return i
				}
				i++
			}
		})
	}
	return err
}

// png copies chunks up to the last one (ISO/IEC 15948), or to where another picture starts within one.
func (c *copied) png() error {
	err := c.take(8)
	for err == nil {
		b := c.s.have(8)
		if len(b) < 8 {
			return c.rest()
		}
		last, n := string(b[4:]) == "IEND", int64(binary.BigEndian.Uint32(b))
		letters := !slices.ContainsFunc(b[4:8], func(c byte) bool { return c|' ' < 'a' || c|' ' > 'z' })
		if !letters || n > 1<<31 {
			return nil
		}
		behind := c.n + 12 + n
		if string(b[4:8]) == "IDAT" {
			err = c.upTo(bufferSize/4, func(b []byte) int {
				end := min(behind-c.n, int64(len(b)))
				for i := range b[:end] {
					if b[i] == 0xff && hasFrame(b[i:]) {
						return i
					}
				}
				if end < int64(len(b)) {
					return int(end)
				}
				return -1
			})
			if err != nil || c.n < behind {
				return err
			}
		}
		if err = c.take(behind - c.n); last {
			break
		}
	}
	return err
}

// gif copies blocks up to the trailer (GIF89a, appendix A).
func (c *copied) gif() error {
	table := func(flags byte) int64 {
		if flags&0x80 == 0 {
			return 0
		}
		return 3 << (flags&7 + 1)
	}
	err := c.take(13 + table(c.s.have(13)[10]))
	for err == nil {
		b := c.s.have(10)
		switch {
		case len(b) == 0:
			return nil
		case b[0] == 0x21:
			err = c.take(2)
		case b[0] == 0x2c && len(b) == 10:
			err = c.take(11 + table(b[9]))
		case b[0] == 0x3b:
			return c.take(1)
		default:
			return nil
		}
		for size := 1; err == nil && size > 0; {
			if b = c.s.have(1); len(b) == 0 {
				return io.EOF
			}
			size = int(b[0])
			err = c.take(1 + int64(size))
		}
	}
	return err
}

func (c *copied) riff() error {
	n := int64(binary.LittleEndian.Uint32(c.s.have(8)[4:]))
	return c.take(8 + n + n%2)
}

func (c *copied) bmp() error {
	return c.take(max(64, int64(binary.LittleEndian.Uint32(c.s.have(6)[2:]))))
}

// tiff copies up to the end of all directories, and of values and strips that they name (TIFF 6.0, section 2). A list
// of strips before its directory is not read: its strips lie before it too. Without a directory it returns io.EOF.
func (c *copied) tiff() error {
	const strips, tiles, stripBytes, tileBytes = 273, 324, 279, 325 // tags
	var order binary.ByteOrder = binary.LittleEndian
	b := c.s.have(8)
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	start, end, listed := c.s.at, int64(8), int64(0)
	for next := int64(order.Uint32(b[4:])); next > c.n; { // a directory may name itself, or an earlier one
		err := c.take(next - c.n)
		b := c.s.have(bufferSize / 2)
		if err != nil || len(b) < 6 {
			return cmp.Or(err, c.rest())
		}
		n := int(order.Uint16(b))
		switch first := end == 8; {
		case first && (len(b) < 26 || !isDirectory(b, order)):
			return io.EOF
		case n == 0 || n > maxTags || len(b) < 6+12*n || listed > maxStrips:
			return c.take(end - c.n)
		}
		var lists [2][]int64 // places and sizes of strips
		for e := b[2 : 2+12*n]; len(e) > 0; e = e[12:] {
			tag, size, count, value := order.Uint16(e), int64(1), int64(order.Uint32(e[4:])), e[8:12]
			switch kind := order.Uint16(e[2:]); kind {
			case 3, 8:
				size = 2
			case 4, 9, 11, 13:
				size = 4
			case 5, 10, 12:
				size = 8
			}
			if count*size > 4 {
				at := int64(order.Uint32(value))
				end = max(end, at+count*size)
				if value = nil; at >= c.n && at-c.n+count*size <= int64(len(b)) {
					value = b[at-c.n:][:count*size]
				}
			}
			which := slices.Index([]uint16{strips, stripBytes, tiles, tileBytes}, tag)
			if which < 0 || lists[which&1] != nil {
				continue
			}
			for i := int64(0); i < count && int64(len(value)) >= (i+1)*size; i++ {
				v := int64(order.Uint16(value[i*size:]))
				if size == 4 {
					v = int64(order.Uint32(value[i*size:]))
				}
				lists[which&1] = append(lists[which&1], v)
			}
		}
		listed += int64(len(lists[0]) + len(lists[1]))
		for i := range min(len(lists[0]), len(lists[1])) {
			end = max(end, lists[0][i]+lists[1][i])
		}
		end = max(end, c.s.at-start+int64(6+12*n))
		next = int64(order.Uint32(b[2+12*n:]))
	}
	return c.take(end - c.n)
}

// boxes copies boxes of an ISO base media file (ISO/IEC 14496-12, section 4.2) as long as they are of pictures.
func (c *copied) boxes() error {
	for {
		b := c.s.have(16)
		if len(b) < 16 || !slices.Contains([]string{"ftyp", "meta", "mdat", "free", "skip", "uuid", "idat", "moov", "mpvd", "styp", "jP  ", "JXL ", "jp2h", "jp2c", "jxlc", "jxlp", "jxli", "Exif", "xml ", "brob", "jbrd"}, string(b[4:8])) {
			return nil
		}
		n := int64(binary.BigEndian.Uint32(b))
		switch n {
		case 0:
			return c.rest()
		case 1:
			n = int64(min(binary.BigEndian.Uint64(b[8:]), 1<<62))
		}
		if err := c.take(max(n, 8)); err != nil {
			return err
		}
	}
}
