package picture

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"math"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// Compressions of TIFF that unpack knows (TIFF 6.0 section 8, and Adobe's
// Photoshop technical notes for deflate, which has two numbers).
const (
	compressNone       = 1
	compressFax3       = 3
	compressFax4       = 4
	compressLZW        = 5
	compressJPEG       = 7 // which unpack does not know
	compressDeflate    = 8
	compressDeflateOld = 32946
	compressPackBits   = 32773
)

// unpackRatios are the most bytes that one byte can become. PackBits makes 128 of 2, LZW less than 4096 of
// each code of 12 bits, and faxes of Group 3 make 2560 bits of such a code. In Group 4 one bit can be a
// row. In JPEG each block of 64 pixels has one bit at least, and up to 4 components may share it.
var unpackRatios = map[uint32]int64{
	compressNone: 1, compressFax3: 214, compressFax4: math.MaxInt64, compressLZW: 2731, compressJPEG: 2048, compressDeflate: maxDeflate,
	compressDeflateOld: maxDeflate, compressPackBits: 64,
}

// unpack fills dst with the decompressed bytes of src, a strip or tile of rows with width pixels each,
// which faxes need to know. compression is a key of unpackRatios. What follows in a longer strip stays
// unread. A strip that is too short or damaged, and a panic of a decoder, is an error; dst then holds
// anything.
func unpack(dst, src []byte, compression uint32, width, rows int) error {
	if compression == compressPackBits {
		return unpackBits(dst, src)
	}
	_, err := guard(func(r io.Reader) (int, error) {
		switch compression {
		case compressFax3:
			return 0, unpackFax(dst, src, width)
		case compressFax4:
			return io.ReadFull(ccitt.NewReader(r, ccitt.MSB, ccitt.Group4, width, rows, &ccitt.Options{Invert: true}), dst)
		case compressLZW:
			l := lzw.NewReader(r, lzw.MSB, 8)
			defer l.Close()
			return io.ReadFull(l, dst)
		case compressDeflate, compressDeflateOld:
			return inflate(dst, r)
		}
		return io.ReadFull(r, dst)
	}, src)
	return err
}

// unpackFax fills dst with rows of width pixels from a one-dimensional fax of Group 3 (ITU-T T.4). It finds
// each row behind an end-of-line code. In front of that code may be any number of zeros, which x/image does
// not expect.
func unpackFax(dst, src []byte, width int) error {
	const endOfLine, line = "\x00\x10", 12 // zeros in front of the one; bits of the code
	row := (width + 7) / 8
	start, zeros := 0, 0 // bits
	for i := 0; i < 8*len(src) && len(dst) > 0; i++ {
		one, last := src[i/8]&(0x80>>(i%8)) != 0, i == 8*len(src)-1
		if !one {
			zeros++
		}
		ends := one && zeros >= line-1
		empty := ends && zeros == i-start
		if one {
			zeros = 0
		}
		if empty { // in front of the first row, or behind the last
			start = i + 1
		}
		if empty || !ends && !last {
			continue
		}
		codes := append(make([]byte, 0, (i-start)/8+4), endOfLine...)
		codes = append(codes, make([]byte, (i-start)/8+2)...)
		for at := start; at <= i; at++ {
			to := line + at - start
			codes[to/8] |= src[at/8] << (at % 8) & 0x80 >> (to % 8)
		}
		if _, err := io.ReadFull(ccitt.NewReader(bytes.NewReader(codes), ccitt.MSB, ccitt.Group3, width, 1, &ccitt.Options{Invert: true}), dst[:row]); err != nil {
			return err
		}
		dst, start = dst[row:], i+1
	}
	if len(dst) > 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// inflate fills dst from a zlib stream, and returns the number of bytes read, len(dst) without an
// error. A stream that ends too early is an error, as is a wrong checksum directly behind dst.
func inflate(dst []byte, r io.Reader) (int, error) {
	z, err := zlib.NewReader(r)
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(z, dst)
	if err != nil {
		return n, err
	}
	// The checksum is compared at the end of the stream only.
	if more, err := z.Read(make([]byte, 1)); more == 0 && err != nil && !errors.Is(err, io.EOF) {
		return n, err
	}
	return n, nil
}

// unpackBits fills dst from PackBits (TIFF 6.0 section 9). Runs beyond dst are cut, and src may be
// longer. If src is too short, the error is io.ErrUnexpectedEOF.
func unpackBits(dst, src []byte) error {
	for len(dst) > 0 {
		if len(src) < 2 {
			return io.ErrUnexpectedEOF
		}
		code, rest := int(int8(src[0])), src[1:]
		switch {
		case code >= 0:
			n := min(code+1, len(dst))
			if n > len(rest) {
				return io.ErrUnexpectedEOF
			}
			copy(dst, rest[:n])
			dst, src = dst[n:], rest[n:]
		case code == -128: // no operation
			src = rest
		default:
			n := min(1-code, len(dst))
			for i := range n {
				dst[i] = rest[0]
			}
			dst, src = dst[n:], rest[1:]
		}
	}
	return nil
}
