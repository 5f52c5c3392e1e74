package picture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// check holds a header against the limits, which have no zeros. name is the format's, for errors. An empty size or a
// truncated file gives a *FormatError, too many pixels a *LimitError; nil otherwise.
func check(h *codec.Header, name string, lim Limits) error {
	if h.Width <= 0 || h.Height <= 0 {
		return &FormatError{Format: name, Reason: fmt.Sprintf("picture of %d x %d pixels", h.Width, h.Height)}
	}
	if h.Width > lim.MaxPixels/h.Height { // their product may not fit into 64 bits
		got := int64(math.MaxInt64)
		if h.Width <= math.MaxInt64/h.Height {
			got = h.Width * h.Height
		}
		return &LimitError{What: "pixels", Got: got, Max: lim.MaxPixels}
	}
	if n := h.Width * h.Height; h.Scans > 0 && n/maxScanned > lim.MaxPixels/h.Scans {
		return &LimitError{What: "pixels in all scans", Got: n * h.Scans, Max: maxScanned * lim.MaxPixels}
	}
	if h.Truncated {
		return &FormatError{Format: name, Reason: "truncated: " + io.ErrUnexpectedEOF.Error()}
	}
	return nil
}

// decode reads the header, checks it against lim and only then decodes the first picture. It returns the picture
// upright, and the header with 1 for an orientation or number of pages that makes no sense. A picture of another size
// than the header says is refused. The error is a *FormatError or a *LimitError.
func (f *format) decode(data []byte, lim Limits) (*image.NRGBA, codec.Header, error) {
	h, err := f.admitted(data, lim)
	if err != nil {
		return nil, h, err
	}
	img, err := f.picture(data, &h, lim)
	if err != nil {
		return nil, h, f.because(err)
	}
	if w, ht := int64(img.Rect.Dx()), int64(img.Rect.Dy()); f.pixels != nil && (w != h.Width || ht != h.Height) {
		return nil, h, &FormatError{Format: f.name, Reason: fmt.Sprintf("header says %d x %d pixels, picture has %d x %d", h.Width, h.Height, w, ht)}
	}
	if h.Turned {
		return img, h, nil
	}
	return Upright(img, h.Orientation), h, nil
}

// admitted reads the header and checks it against lim. The error is a *FormatError or a *LimitError.
func (f *format) admitted(data []byte, lim Limits) (codec.Header, error) {
	if f.pixels == nil && lim.Decode == nil {
		return codec.Header{}, &FormatError{Reason: f.title + " is not supported yet", Kind: codec.Unsupported}
	}
	h, err := f.header(data)
	if err != nil {
		return h, f.because(err)
	}
	if h.Orientation < 1 || h.Orientation > 8 {
		h.Orientation = 1
	}
	h.Pages = max(h.Pages, 1)
	if err := check(&h, f.name, lim); err != nil {
		return h, err
	}
	if lim.Admit != nil {
		if err := lim.Admit(f.bytes(&h), h.Width*h.Height); err != nil {
			return h, err
		}
	}
	return h, nil
}

// bytes returns how many bytes of memory decoding takes at most, with its result, also in other processes.
func (f *format) bytes(h *codec.Header) int64 {
	if f.pixels == nil {
		return (bytesApart+f.memory)*h.Width*h.Height + bytesProcess
	}
	if h.Progressive || h.NoEnd || h.Damaged {
		return bytesScans * h.Width * h.Height
	}
	return f.memory * h.Width * h.Height
}

// picture decodes the first picture of a file whose header is h, not yet upright unless h.turned.
func (f *format) picture(data []byte, h *codec.Header, lim Limits) (*image.NRGBA, error) {
	if f.pixels != nil {
		return f.pixels(data, h)
	}
	img, err := lim.Decode(f.name, data, h.Width*h.Height)
	if err != nil {
		return nil, err
	}
	if !h.Crop.Empty() {
		part, ok := img.(interface {
			SubImage(image.Rectangle) image.Image
		})
		if !ok || !h.Crop.In(img.Bounds()) {
			return nil, errors.New("its clip lies outside of the picture")
		}
		img = part.SubImage(h.Crop)
	}
	switch stored := img.(type) {
	case *image.YCbCr:
		return h.Colours.RGB(stored), nil
	case *image.Gray:
		img = h.Colours.FullGray(stored)
	}
	return pixel.ToNRGBA(img), nil
}

// because gives err as a *FormatError of one line, without the decoder's own
// prefixes; a *LimitError and the end of a context stay what they are.
func (f *format) because(err error) error {
	if le, ok := errors.AsType[*LimitError](err); ok {
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
		out.Kind = codec.Unsupported
	}
	return out
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

// Lacks returns Incomplete of a JPEG or WebP that decoder read before, as Picture.Decoder says or "". It decodes a JPEG only if
// its end is missing, its head is damaged or decoder reads damaged JPEGs. It returns "" for other files and beyond the limits.
func Lacks(data []byte, decoder string, lim Limits) string {
	h, err := jpeg.Header(data)
	damaged := err == nil && (h.NoEnd || h.Damaged || strings.HasPrefix(decoder, jpeg.CoefficientReader))
	if !damaged && !riff("WEBP")(data) {
		return ""
	}
	if pic, err := Decode(data, lim); err == nil {
		return pic.Incomplete
	}
	return ""
}

// readSource returns how a file of format f was written; only Format is set if nothing is known. The file has been
// decoded, but readSource trusts no byte of it. A grey ICC profile of a picture in colours is left out.
func (f *format) readSource(data []byte) Source {
	s := Source{Format: f.name}
	if f.source != nil {
		block := f.source(&s, data)
		if s.EXIF = ifd.Clean(block); s.ICC == nil && !s.Gray && ifd.Adobe(block) {
			s.ICC = icc.AdobeRGB()
		}
	}
	if icc.Model(s.ICC) == icc.Gray && !s.Gray {
		s.ICC = nil
	}
	return s
}
