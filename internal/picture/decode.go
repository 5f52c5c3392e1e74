package picture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/disintegration/imaging"
)

// A header is what a file says of itself before any pixel is decoded.
type header struct {
	width, height int64  // of the whole canvas
	orientation   int    // 1 to 8; anything else counts as 1
	pages         int    // pictures in the file; less than 1 counts as 1
	truncated     bool   // the file ends before the picture does
	animated      bool   // of WebP: frames on a canvas
	progressive   bool   // of JPEG: all coefficients are in memory
	scans         int64  // of JPEG: each is as much work as a picture
	noEnd         bool   // of JPEG: there is no end marker
	damaged       bool   // of JPEG: image/jpeg does not decode it
	incomplete    string // what a damaged picture lacks, set as it is decoded
	palette       int    // colours stored, where the decoder does not check indexes
	decoder       string // import path, if not the format's

	// Of formats that Limits.Decode decodes. width and height then are the size of the coded picture.
	crop    image.Rectangle // of the coded picture; empty: all of it
	turned  bool            // the decoder applies crop and orientation
	colours colours         // of an *image.YCbCr or *image.Gray
}

// check holds a header against the limits, which have no zeros. name is the format's, for errors. An empty size or a
// truncated file gives a *FormatError, too many pixels a *LimitError; nil otherwise.
func check(h *header, name string, lim Limits) error {
	if h.width <= 0 || h.height <= 0 {
		return &FormatError{Format: name, Reason: fmt.Sprintf("picture of %d x %d pixels", h.width, h.height)}
	}
	if h.width > lim.MaxPixels/h.height { // their product may not fit into 64 bits
		got := int64(math.MaxInt64)
		if h.width <= math.MaxInt64/h.height {
			got = h.width * h.height
		}
		return &LimitError{What: "pixels", Got: got, Max: lim.MaxPixels}
	}
	if n := h.width * h.height; h.scans > 0 && n/maxScanned > lim.MaxPixels/h.scans {
		return &LimitError{What: "pixels in all scans", Got: n * h.scans, Max: maxScanned * lim.MaxPixels}
	}
	if h.truncated {
		return &FormatError{Format: name, Reason: "truncated: " + io.ErrUnexpectedEOF.Error()}
	}
	return nil
}

// decode reads the header, checks it against lim and only then decodes the first picture. It returns the picture
// upright, and the header with 1 for an orientation or number of pages that makes no sense. A picture of another size
// than the header says is refused. The error is a *FormatError or a *LimitError.
func (f *format) decode(data []byte, lim Limits) (*image.NRGBA, header, error) {
	h, err := f.admitted(data, lim)
	if err != nil {
		return nil, h, err
	}
	img, err := f.picture(data, &h, lim)
	if err != nil {
		return nil, h, f.because(err)
	}
	if w, ht := int64(img.Rect.Dx()), int64(img.Rect.Dy()); f.pixels != nil && (w != h.width || ht != h.height) {
		return nil, h, &FormatError{Format: f.name, Reason: fmt.Sprintf("header says %d x %d pixels, picture has %d x %d", h.width, h.height, w, ht)}
	}
	if h.turned {
		return img, h, nil
	}
	return Upright(img, h.orientation), h, nil
}

// admitted reads the header and checks it against lim. The error is a *FormatError or a *LimitError.
func (f *format) admitted(data []byte, lim Limits) (header, error) {
	if f.pixels == nil && lim.Decode == nil {
		return header{}, &FormatError{Reason: f.title + " is not supported yet", Kind: Unsupported}
	}
	h, err := f.header(data)
	if err != nil {
		return h, f.because(err)
	}
	if h.orientation < 1 || h.orientation > 8 {
		h.orientation = 1
	}
	h.pages = max(h.pages, 1)
	if err := check(&h, f.name, lim); err != nil {
		return h, err
	}
	if lim.Admit != nil {
		if err := lim.Admit(f.bytes(&h), h.width*h.height); err != nil {
			return h, f.because(err)
		}
	}
	return h, nil
}

// bytes returns how many bytes of memory decoding takes at most, with its result, also in other processes.
func (f *format) bytes(h *header) int64 {
	if f.pixels == nil {
		return (bytesApart+f.memory)*h.width*h.height + bytesProcess
	}
	if h.progressive || h.noEnd || h.damaged {
		return bytesScans * h.width * h.height
	}
	return f.memory * h.width * h.height
}

// picture decodes the first picture of a file whose header is h, not yet upright unless h.turned.
func (f *format) picture(data []byte, h *header, lim Limits) (*image.NRGBA, error) {
	if f.pixels != nil {
		return f.pixels(data, h)
	}
	img, err := lim.Decode(f.name, data, h.width*h.height)
	if err != nil {
		return nil, err
	}
	if !h.crop.Empty() {
		part, ok := img.(interface {
			SubImage(image.Rectangle) image.Image
		})
		if !ok || !h.crop.In(img.Bounds()) {
			return nil, errors.New("its clip lies outside of the picture")
		}
		img = part.SubImage(h.crop)
	}
	switch stored := img.(type) {
	case *image.YCbCr:
		return h.colours.toRGB(stored), nil
	case *image.Gray:
		img = h.colours.fullGray(stored)
	}
	return ToNRGBA(img), nil
}

// Upright returns img as it is to be seen, given its stored orientation, 1 to 8: EXIF 2.32 section 4.6.4, tag 274. It
// returns img itself for 1 and for every other number. 5 to 8 swap width and height.
func Upright(img *image.NRGBA, orientation int) *image.NRGBA {
	switch orientation {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img) // counter-clockwise, as is Rotate90
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
}

// config reads a header with the decoder f of another module.
func config(f func(io.Reader) (image.Config, error), data []byte) (header, error) {
	c, err := guard(f, data)
	return header{width: int64(c.Width), height: int64(c.Height)}, err
}

// pixels decodes with the decoder f of another module.
func pixels(f func(io.Reader) (image.Image, error), data []byte) (image.Image, error) {
	return guard(f, data)
}

// guard calls f, a decoder of another module, on data, and turns a panic into an error. out and err
// are otherwise what f returns. It surrounds no code of our own.
func guard[T any](f func(io.Reader) (T, error), data []byte) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decoder failed: %v", r)
		}
	}()
	return f(bytes.NewReader(data))
}

// because gives err as a *FormatError of one line, without the decoder's own
// prefixes; a *LimitError and the end of a context stay what they are.
func (f *format) because(err error) error {
	var le *LimitError
	if errors.As(err, &le) {
		return le
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	text := err.Error()
	for found := true; found; { // image/png wraps its own errors again
		found = false
		for _, p := range []string{f.name + ": ", "invalid format: ", "invalid JPEG format: "} {
			if rest, ok := strings.CutPrefix(text, p); ok && rest != "" {
				text, found = rest, true
			}
		}
	}
	// Not every decoder wraps: image/gif prints them into its text.
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.HasSuffix(text, "EOF") {
		text = "truncated: " + io.ErrUnexpectedEOF.Error()
	}
	out := &FormatError{Format: f.name, Reason: strings.ReplaceAll(text, "\n", " ")}
	if strings.Contains(text, "supported") { // "unsupported feature", "not supported yet": also of other modules
		out.Kind = Unsupported
	}
	return out
}

// cannotHold is the error for headers that promise more than the data behind
// them could hold, at a format's best compression.
func cannotHold(data int64, h header) error {
	return fmt.Errorf("truncated: %d bytes cannot hold %d x %d pixels", data, h.width, h.height)
}

// DecoderVersion returns a decoder package with its version, such as "image/jpeg go1.26.8". path is its import path.
// The version is the Go release for the standard library, else the module's in this build. It is "(unknown version)" in
// test binaries, which do not know the versions of modules. A path with a version is returned as it is.
func DecoderVersion(path string) string {
	if strings.Contains(path, " ") {
		return path
	}
	if !strings.Contains(path, ".") {
		return path + " " + runtime.Version()
	}
	version := "(unknown version)"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if strings.HasPrefix(path+"/", m.Path+"/") {
				version = m.Version
				if m.Replace != nil {
					version = m.Replace.Version
				}
			}
		}
	}
	return strings.TrimPrefix(path, "golang.org/") + " " + version
}
