//go:build nodynamic || (linux && (amd64 || arm64))

package decoders

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/heic"
	"github.com/gen2brain/jpegxl"
)

// decode decodes in this process.
func decode(format string, file []byte) (img image.Image, err error) {
	if heic.Dynamic() == nil || avif.Dynamic() == nil || jpegxl.Dynamic() == nil {
		return nil, errors.New("decoding by libheif, libavif or libjxl of this system is not supported: build with -tags nodynamic")
	}
	r := bytes.NewReader(file)
	switch format {
	case "heic":
		img, err = heic.Decode(r)
	case "avif":
		img, err = avif.Decode(r)
	case "jxl":
		img, err = jpegxl.Decode(r)
	default:
		err = fmt.Errorf("format %q is not supported", format)
	}
	if errors.Is(err, heic.ErrDecode) || errors.Is(err, avif.ErrDecode) || errors.Is(err, jpegxl.ErrDecode) {
		err = errors.New("damaged, or coded in a way that its decoder does not know")
	}
	if err == nil {
		mend(img)
	}
	return img, err
}

// mend repairs what the modules of gen2brain break. They free the picture's memory in WebAssembly before
// they hand it over. The heap then writes up to 24 bytes at its beginning and 4 at its end. These bytes
// are replaced by the bytes of the next row.
func mend(img image.Image) {
	row := func(pix []byte, stride int) {
		if len(pix) >= 2*stride && stride >= 24 {
			copy(pix[:24], pix[stride:])
			copy(pix[len(pix)-4:], pix[len(pix)-4-stride:len(pix)-stride])
		}
	}
	switch p := img.(type) {
	case *image.YCbCr:
		row(p.Y, p.YStride)
	case *image.Gray:
		row(p.Pix, p.Stride)
	case *image.RGBA:
		row(p.Pix, p.Stride)
	case *image.NRGBA:
		row(p.Pix, p.Stride)
	case *image.NRGBA64:
		row(p.Pix, p.Stride)
	}
}
