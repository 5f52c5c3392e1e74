package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"

	"github.com/disintegration/imaging"
	"github.com/gen2brain/jpegli"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
)

// Encode writes a JPEG of o.Quality. It writes grey files (gray not nil) and baseline 4:2:0 with the standard library.
// Progressive files, Huffman codes of their own and finer colour need jpegli. The picture is opaque.
func Encode(b *bytes.Buffer, pix *image.NRGBA, gray *image.Gray, s codec.Source, o codec.LikeOptions) error {
	// What would make jpegli hold more than maxHeld bytes is left out, for large pictures: progressive files, and for
	// still larger ones Huffman codes of their own.
	held := maxHeld / max(1, pix.Rect.Dx()) / max(1, pix.Rect.Dy())
	s.Progressive = s.Progressive && held >= bytesProgressive
	s.Fitted = s.Fitted && held >= bytesFitted
	switch {
	case gray != nil:
		return jpeg.Encode(b, gray, &jpeg.Options{Quality: o.Quality})
	case s.Progressive || s.Fitted || s.Subsampling == codec.Sub444 || s.Subsampling == codec.Sub422 || s.Subsampling == codec.Sub440: // what image/jpeg cannot write
		return encodeJpegli(s, b, pix, o.Quality)
	}
	return imaging.Encode(b, pix, imaging.JPEG, imaging.JPEGQuality(o.Quality))
}

// iccSegments cuts a profile of at most icc.MaxBytes into the bodies of APP2 segments, each with
// magic, number and count in front. An empty profile has no segments.
func iccSegments(icc []byte) (bodies [][]byte) {
	const maxBody = 0xffff - 2 - len(iccMagic) - 2
	count := (len(icc) + maxBody - 1) / maxBody
	for i := 1; len(icc) > 0; i++ {
		n := min(maxBody, len(icc))
		bodies = append(bodies, append([]byte(iccMagic+string([]byte{byte(i), byte(count)})), icc[:n]...))
		icc = icc[n:]
	}
	return bodies
}

// Insert returns file, an encoded JPEG, with EXIF and the profile of s behind SOI, or behind the JFIF segment,
// which must come first (JFIF 1.02). A nil exif adds none. codec.ErrNoPlace means that file does not begin like a JPEG.
func Insert(s codec.Source, file, exif []byte, _ image.Rectangle) ([]byte, error) {
	if len(file) < 6 || file[0] != 0xff || file[1] != 0xd8 {
		return nil, codec.ErrNoPlace
	}
	at := 2
	if file[2] == 0xff && file[3] == 0xe0 {
		at += 2 + int(binary.BigEndian.Uint16(file[4:]))
	}
	if at > len(file) {
		return nil, codec.ErrNoPlace
	}
	var extra []byte
	add := func(marker byte, body []byte) {
		extra = binary.BigEndian.AppendUint16(append(extra, 0xff, marker), uint16(2+len(body)))
		extra = append(extra, body...)
	}
	if exif != nil {
		add(0xe1, append([]byte("Exif\x00\x00"), exif...))
	}
	for _, body := range iccSegments(s.ICC) {
		add(0xe2, body)
	}
	return codec.Splice(file, at, extra), nil
}

// encodeJpegli writes an opaque picture to b at a quality of 1 to 100 with jpegli, a C++ library from the JPEG XL
// project. Subsampling, progression and fitted codes are as s says; unknown subsampling is 4:2:0. The module
// gen2brain/jpegli carries it as WebAssembly, and on arm64 as Go made from that. There is no cgo, and no library of the
// system is loaded. A panic of its runtime becomes an error.
//
// The bytes are the same on every machine: WebAssembly's floating point is IEEE 754 to the last bit
// (payloads of NaNs aside; core specification 2.0, section 4.3.3), the binary uses no relaxed SIMD,
// and the Go version rounds each product by itself. TestLikeVectors holds that.
//
// kycmark uses plain tables and no adaptive quantisation, because jpegli's own choices leave out
// detail of the kind that a mark is made of. Huffman codes are the example codes if the source has
// them, as cameras do. In smooth pictures fitted codes save up to a fifth.
func encodeJpegli(s codec.Source, b *bytes.Buffer, pix *image.NRGBA, quality int) (err error) {
	o := jpegli.EncodingOptions{
		Quality:             quality,
		ChromaSubsampling:   image.YCbCrSubsampleRatio420,
		StandardQuantTables: true,
	}
	switch s.Subsampling {
	case codec.Sub444:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio444
	case codec.Sub422:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio422
	case codec.Sub440:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio440
	}
	if o.OptimizeCoding = s.Fitted || s.Progressive; s.Progressive {
		o.ProgressiveLevel = 2
	}
	// Where the runtime can get no memory, or none to execute, it panics.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("jpegli failed: %v", r)
		}
	}()
	if err := jpegli.Encode(b, pix, &o); err != nil {
		return err
	}
	if b.Len() == 0 {
		return errors.New("jpegli wrote nothing")
	}
	return nil
}

// Plain returns a JPEG without its metadata, with this orientation, 1 to 8, and with this profile
// if it is of RGB or grey pixels. What describes the coded pixels stays. The error is a *codec.FormatError if the segments before the first scan are broken.
func Plain(file []byte, orientation int, profile []byte) ([]byte, error) {
	broken := &codec.FormatError{Format: "jpeg", Reason: "truncated: " + io.ErrUnexpectedEOF.Error()}
	if !bytes.HasPrefix(file, []byte("\xff\xd8\xff")) {
		return nil, &codec.FormatError{Reason: "not a JPEG"}
	}
	out := []byte{0xff, 0xd8}
	if orientation > 1 {
		const head = "\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"
		out = append(append(out, head...), byte(orientation), 0, 0, 0, 0, 0, 0, 0)
	}
	for _, body := range iccSegments(icc.Keep(profile)) {
		out = append(binary.BigEndian.AppendUint16(append(out, 0xff, 0xe2), uint16(2+len(body))), body...)
	}
	for i := 2; ; {
		for i+1 < len(file) && file[i] == 0xff && file[i+1] == 0xff { // fill bytes
			i++
		}
		if i+4 > len(file) || file[i] != 0xff {
			return nil, broken
		}
		marker, size := file[i+1], int(binary.BigEndian.Uint16(file[i+2:]))
		if size < 2 || i+2+size > len(file) {
			return nil, broken
		}
		if marker == 0xda {
			return append(out, file[i:]...), nil
		}
		segment := file[i : i+2+size]
		if marker < 0xe0 || marker == 0xee && bytes.HasPrefix(segment[4:], []byte("Adobe")) { // not APPn and COM
			out = append(out, segment...)
		}
		i += len(segment)
	}
}
