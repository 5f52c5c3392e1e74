package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"github.com/gen2brain/jpegli"
)

// mostProgressive bounds the pixels of a progressive JPEG: jpegli takes about 52
// bytes for each, where baseline takes 10.
const mostProgressive = 4_000_000

// encodeJpegli writes an opaque picture by jpegli, a C++ library of the JPEG XL
// project, which the module gen2brain/jpegli carries as WebAssembly: it runs in a
// sandbox, without cgo, and never loads a library of the system. WebAssembly's
// floating point is IEEE 754 to the last bit but for the payload of NaNs
// (WebAssembly core specification 2.0, section 4.3.3), and the binary asks for no
// relaxed SIMD, so that the bytes are the same on every machine.
//
// The plain tables and no adaptive quantisation: what jpegli does beyond, it does
// by leaving out detail of the kind that a mark is made of. Huffman codes are the
// standard ones in baseline files, as in image/jpeg: fitting them saves 3 % and
// triples the memory.
func encodeJpegli(b *bytes.Buffer, pix *image.NRGBA, s Subsampling, quality int, progressive bool) (err error) {
	o := jpegli.EncodingOptions{
		Quality:             quality,
		ChromaSubsampling:   image.YCbCrSubsampleRatio420,
		StandardQuantTables: true,
	}
	switch s {
	case Sub444:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio444
	case Sub422:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio422
	case Sub440:
		o.ChromaSubsampling = image.YCbCrSubsampleRatio440
	}
	if progressive {
		o.ProgressiveLevel, o.OptimizeCoding = 2, true
	}
	if pix.Rect.Empty() {
		return &FormatError{"jpeg", "cannot write a picture without pixels"}
	}
	// Where the runtime can get no executable memory it panics.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("write jpeg: jpegli failed: %v", r)
		}
	}()
	if err := jpegli.Encode(b, pix, &o); err != nil {
		return fmt.Errorf("write jpeg: %w", err)
	}
	if b.Len() == 0 {
		return errors.New("write jpeg: jpegli wrote nothing")
	}
	return nil
}
