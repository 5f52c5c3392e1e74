package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// A format is one row of the table of what can be decoded.
type format struct {
	name    string
	decoder string                                           // import path of the pixel decoder
	magic   func(data []byte) bool                           // by content, never by name
	header  func(data []byte) (header, error)                // reads sizes; allocates nothing for pixels
	pixels  func(data []byte, h header) (image.Image, error) // may panic: readPixels recovers
}

// A header is what a file says of itself before any pixel is decoded.
type header struct {
	width, height int
	orientation   int // 1 to 8; 1 also when none or a wrong one is stored
	pages         int
}

// formats is the table: add a format by adding a row.
var formats = []format{
	{"jpeg", "image/jpeg", isJPEG, jpegHeader, jpegPixels},
	{"png", "image/png", isPNG, pngHeader, pngPixels},
	{"webp", "golang.org/x/image/webp", isWebP, webpHeader, webpPixels},
	{"tiff", "golang.org/x/image/tiff", isTIFF, tiffHeader, tiffPixels},
	{"bmp", "golang.org/x/image/bmp", isBMP, bmpHeader, bmpPixels},
	{"gif", "image/gif", isGIF, gifHeader, gifPixels},
}

func sniff(data []byte) (*format, error) {
	if len(data) == 0 {
		return nil, &FormatError{Reason: "empty file"}
	}
	for i := range formats {
		if formats[i].magic(data) {
			return &formats[i], nil
		}
	}
	return nil, &FormatError{Reason: "not a picture"}
}

func hasPrefix(magic string) func([]byte) bool {
	return func(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }
}

// check holds a header against the limits.
func (h header) check(name string, lim Limits) error {
	if h.width <= 0 || h.height <= 0 {
		return &FormatError{name, fmt.Sprintf("picture of %dx%d pixels", h.width, h.height)}
	}
	// Both sides are at most 2^32-1 in every format, but their product may
	// not fit, so divide.
	w, ht := int64(h.width), int64(h.height)
	if w > lim.MaxPixels/ht {
		return &LimitError{What: "pixels", Got: saturatingProduct(w, ht), Most: lim.MaxPixels}
	}
	return nil
}

func saturatingProduct(a, b int64) int64 {
	const most = 1<<63 - 1
	if a > most/b {
		return most
	}
	return a * b
}

func (f *format) readHeader(data []byte) (h header, err error) {
	defer f.recovered(&err)
	h, err = f.header(data)
	if err != nil {
		return header{}, f.reason(err)
	}
	if h.orientation < 1 || h.orientation > 8 {
		h.orientation = 1
	}
	h.pages = max(h.pages, 1)
	return h, nil
}

func (f *format) readPixels(data []byte, h header) (out *image.NRGBA, err error) {
	defer f.recovered(&err)
	img, err := f.pixels(data, h)
	if err != nil {
		return nil, f.reason(err)
	}
	return toNRGBA(img), nil
}

// recovered turns a panic of a decoder that is not ours, fed with bytes that
// are not ours, into an error. Decoders run on the caller's goroutine, so no
// panic escapes this way.
func (f *format) recovered(err *error) {
	if r := recover(); r != nil {
		*err = &FormatError{f.name, fmt.Sprintf("decoder failed: %v", r)}
	}
}

// reason says in one line, without a decoder's own prefix, what is wrong.
func (f *format) reason(err error) error {
	var fe *FormatError
	if errors.As(err, &fe) {
		return fe
	}
	text := err.Error()
	for _, prefix := range []string{f.name + ": ", "invalid format: ", "unsupported feature: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		text = "truncated: unexpected EOF"
	}
	return &FormatError{f.name, text}
}

// decoderVersion names a decoder package with the version built in: for the
// standard library that is the Go release.
func decoderVersion(path string) string {
	if !strings.Contains(path, ".") {
		return path + " " + runtime.Version()
	}
	name := strings.TrimPrefix(path, "golang.org/")
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if path == m.Path || strings.HasPrefix(path, m.Path+"/") {
				if m.Replace != nil {
					m = m.Replace
				}
				return name + " " + m.Version
			}
		}
	}
	return name + " (unknown version)"
}
