package picture

import (
	"compress/zlib"
	"errors"
	"io"

	"golang.org/x/image/tiff/lzw"
)

// Compressions of TIFF that unpack knows (TIFF 6.0 section 8, and Adobe's
// Photoshop technical notes for deflate, which has two numbers).
const (
	compressNone       = 1
	compressLZW        = 5
	compressDeflate    = 8
	compressDeflateOld = 32946
	compressPackBits   = 32773
)

// unpackRatios are the most bytes that one byte can become: 128 of 2 in
// PackBits, and less than 4096 of each code of 12 bits in LZW.
var unpackRatios = map[uint32]int64{
	compressNone: 1, compressLZW: 2731, compressDeflate: maxDeflate, compressDeflateOld: maxDeflate, compressPackBits: 64,
}

// unpack fills dst with the decompressed bytes of the strip src. compression is a key of
// unpackRatios. What follows in a longer strip stays unread. A strip that is too short or damaged,
// and a panic of a decoder, is an error; dst then holds anything.
func unpack(dst, src []byte, compression uint32) error {
	if compression == compressPackBits {
		return unpackBits(dst, src)
	}
	_, err := guard(func(r io.Reader) (int, error) {
		switch compression {
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
