package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"github.com/gen2brain/jpegli"
)

// within returns s without what would make jpegli hold more than maxHeld bytes for a picture of
// that size: no progressive file and, for still larger pictures, no Huffman codes of its own.
func within(s Source, size image.Rectangle) Source {
	held := maxHeld / max(1, size.Dx()) / max(1, size.Dy())
	s.Progressive = s.Progressive && held >= bytesProgressive
	s.fitted = s.fitted && held >= bytesFitted
	return s
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
func encodeJpegli(s Source, b *bytes.Buffer, pix *image.NRGBA, quality int) (err error) {
	o := jpegli.EncodingOptions{
		Quality:             quality,
		ChromaSubsampling:   image.YCbCrSubsampleRatio420,
		StandardQuantTables: true,
	}
	switch s.Subsampling {
	case Sub444:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio444
	case Sub422:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio422
	case Sub440:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio440
	}
	if o.OptimizeCoding = s.fitted || s.Progressive; s.Progressive {
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
