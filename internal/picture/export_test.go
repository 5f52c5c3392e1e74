package picture

import (
	"image"
	"io"
)

// ExifOrientation is for the fuzz target.
func ExifOrientation(data []byte) int { return exifOrientation(data) }

// Walk calls every parser of our own on data, also those whose magic bytes
// are missing.
func Walk(data []byte) {
	_, _ = sniff(data)
	if len(data) >= 12 {
		o := outlineJPEG(data)
		_ = o.unsupported()
		_, _ = pngHeader(data)
		_, _ = webpHeader(data)
	}
	if d, ok := firstIFD(data); ok {
		_ = d.unsupported(data)
		d.pages()
		_ = d.checkBlocks(header{width: 100, height: 100})
		_, _ = d.yccHeader()
		_, _ = d.yccPixels(header{width: 9, height: 7})
	}
	_ = isBMP(data)
	gifFrames(data)
}

// DecodeWith decodes data by a decoder that is not ours, as the table's rows
// do.
func DecodeWith(f func(io.Reader) (image.Image, error), data []byte) error {
	row := format{
		name:   "test",
		header: func([]byte) (header, error) { return header{width: 1, height: 1}, nil },
		pixels: func(data []byte, _ header) (*image.NRGBA, error) {
			img, err := pixels(f, data)
			if err != nil {
				return nil, err
			}
			return toNRGBA(img), nil
		},
	}
	_, _, err := row.decode(data, Limits{}.orDefault())
	return err
}
