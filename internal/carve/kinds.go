package carve

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"io"
	"slices"
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
	{".jpg", "\xff\xd8\xff", isJPEG, (*copied).jpeg},
	{".png", "\x89PNG\r\n\x1a\n", func(b []byte) bool { return len(b) > 16 && string(b[12:16]) == "IHDR" }, (*copied).png},
	{".gif", "GIF8", func(b []byte) bool { return len(b) > 13 && (b[4] == '7' || b[4] == '9') && b[5] == 'a' }, (*copied).gif},
	{".webp", "RIFF", func(b []byte) bool { return len(b) > 16 && string(b[8:15]) == "WEBPVP8" }, (*copied).riff},
	{".pdf", "%PDF-", func(b []byte) bool { return len(b) > 64 && (b[5] == '1' || b[5] == '2') && b[6] == '.' }, (*copied).pdf},
	{".zip", "PK\x03\x04", func(b []byte) bool {
		return len(b) > 30 && b[5] == 0 && (b[8] == 0 || b[8] == 8) && b[9] == 0 && b[26] > 0
	}, (*copied).zip},
	{".7z", "7z\xbc\xaf\x27\x1c", func(b []byte) bool { return len(b) > 32 }, (*copied).sevenZip},
	{".rar", "Rar!\x1a\x07", func(b []byte) bool { return len(b) > 20 }, (*copied).rest},
	{".gz", "\x1f\x8b\x08", isGzip, (*copied).rest},
	{".bmp", "BM", isBMP, (*copied).bmp},
	{".tif", "II*\x00", isTIFF, (*copied).rest},
	{".tif", "MM\x00*", isTIFF, (*copied).rest},
	{".heic", "\x00\x00\x00", isPictureBox, (*copied).boxes},
}

// kindOf returns the kind of file that starts with b, nil for none.
func kindOf(b []byte) *kind {
	for i := range kinds {
		if k := &kinds[i]; bytes.HasPrefix(b, []byte(k.magic)) && k.is(b) {
			return k
		}
	}
	return nil
}

// Markers of a JPEG (ITU-T T.81, table B.1).
const (
	startOfImage = 0xd8
	endOfImage   = 0xd9
	startOfScan  = 0xda
)

// isJPEG reports whether segments follow one another up to a frame, or as far as b goes.
func isJPEG(b []byte) bool {
	is, _ := jpegHead(b)
	return is
}

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

func isGzip(b []byte) bool {
	if len(b) < 24 || b[3] > 0x1f || b[8] != 0 && b[8] != 2 && b[8] != 4 || b[9] > 13 && b[9] != 255 {
		return false
	}
	at := 10
	if b[3]&4 != 0 { // RFC 1952: extra field, name, comment, digest
		at += 2 + int(binary.LittleEndian.Uint16(b[at:]))
	}
	for _, flag := range []byte{8, 16} {
		if b[3]&flag != 0 && at < len(b) {
			at += bytes.IndexByte(b[at:], 0) + 1
		}
	}
	if at += int(b[3] & 2); at >= len(b) {
		return false
	}
	n, err := io.CopyN(io.Discard, flate.NewReader(bytes.NewReader(b[at:])), bufferSize)
	return n > 0 && (err == nil || err == io.EOF || err == io.ErrUnexpectedEOF && len(b) > n0)
}

// n0 is the size from which a compressed file may go on beyond what is seen of it, bytes.
const n0 = 64

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
	if at < 8 || at%2 == 1 {
		return false
	}
	if at+26 > int64(len(b)) {
		return true
	}
	n, first, second := order.Uint16(b[at:]), order.Uint16(b[at+2:]), order.Uint16(b[at+14:])
	return n > 4 && n < 200 && first >= 254 && first <= 256 && second > first && second < 260
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

// rest copies all that follows.
func (c *copied) rest() error { return c.take(1 << 62) }

// upTo copies bytes up to a place. find returns the index of that place in the bytes that it is shown, or -1 to see more. It is
// shown the last tail bytes again.
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
		if n <= 0 {
			return io.EOF
		}
		if err := c.take(int64(n)); err != nil {
			return err
		}
	}
}

// jpeg copies up to the end of the image, or to where another one starts or no marker follows.
func (c *copied) jpeg() error {
	if err := c.take(2); err != nil {
		return err
	}
	for {
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
			if err := c.take(1); err != nil {
				return err
			}
			continue
		case m >= 0xc0 && (m < 0xd0 || m > 0xd7):
			if err := c.take(2 + int64(binary.BigEndian.Uint16(b[2:]))); err != nil {
				return err
			}
			if m != startOfScan {
				continue
			}
		}
		err := c.upTo(1, func(b []byte) int { // entropy coded: up to a marker other than a restart
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
		if err != nil {
			return err
		}
	}
}

// png copies chunks up to the last one (ISO/IEC 15948).
func (c *copied) png() error {
	err := c.take(8)
	for err == nil {
		b := c.s.have(8)
		if len(b) < 8 {
			return c.rest()
		}
		last := string(b[4:]) == "IEND"
		n := int64(binary.BigEndian.Uint32(b))
		if err = c.take(12 + n); last || n > 1<<31 {
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
			if b := c.s.have(1); len(b) == 1 {
				size = int(b[0])
				err = c.take(1 + int64(size))
			} else {
				err = io.EOF
			}
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

func (c *copied) sevenZip() error {
	b := c.s.have(32)
	return c.take(32 + int64(min(binary.LittleEndian.Uint64(b[12:]), 1<<60)) + int64(min(binary.LittleEndian.Uint64(b[20:]), 1<<60)))
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

// pdf copies up to the last end of file behind which no object follows (ISO 32000-1, 7.5.6).
func (c *copied) pdf() error {
	for {
		end := []byte("%%EOF")
		if err := c.upTo(len(end), func(b []byte) int { return bytes.Index(b, end) }); err != nil {
			return err
		}
		if err := c.take(int64(len(end))); err != nil {
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
		if err := c.upTo(size, func(b []byte) int { return bytes.Index(b, mark) }); err != nil {
			return err
		}
		b := c.s.have(size)
		if len(b) < size {
			return c.rest()
		}
		directory, at := binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint32(b[16:])
		own := int64(at)+int64(directory) == c.n || at == 1<<32-1
		if err := c.take(size); err != nil {
			return err
		}
		if own {
			return c.take(int64(binary.LittleEndian.Uint16(b[20:])))
		}
	}
}
