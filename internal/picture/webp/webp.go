// Package webp reads WebP, and writes it by the encoder of a caller.
package webp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"iter"
	"slices"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
	"golang.org/x/image/webp"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

func Encode(b *bytes.Buffer, pix *image.NRGBA, _ *image.Gray, s codec.Source, o codec.LikeOptions) error {
	if o.WebP == nil {
		return &codec.FormatError{Reason: "there is no encoder for WebP"}
	}
	return o.WebP(b, pix, quality(o.Quality), s.ICC, ifd.Block(s.EXIF, pix.Rect, 1))
}

// quality returns the quality of lossy WebP, 0 to 100, that leaves as much of a picture as a JPEG of the given
// quality, 1 to 100. By PSNR on shipped pictures and on photographs halved to remove the grid of their JPEG, 70 became
// 80 in the mean, 80 became 84, and 90 to 95 stayed. Smooth pictures needed up to 4 more, hence the 2.
func quality(jpeg int) int {
	if jpeg >= 90 {
		return min(jpeg+2, 100)
	}
	return 47 + jpeg/2
}

// Describe sets the colour profile of a WebP, and returns its EXIF block, or nil. The first EXIF
// chunk counts, and the first profile that is kept.
func Describe(s *codec.Source, data []byte) (exif []byte) {
	for kind, body := range chunks(data) {
		switch {
		case kind == "ICCP" && s.ICC == nil:
			s.ICC = icc.Keep(body)
		case kind == "EXIF" && exif == nil:
			exif = body
		}
	}
	return exif
}

// Header reads size and orientation, from the chunks of the RIFF container (RFC 9649 section 2)
// and by the decoder, and counts frames. It refuses files shorter than the container says.
func Header(data []byte) (codec.Header, error) {
	// Some writers leave out the last padding byte but count it.
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size > int64(len(data))+1 {
		return codec.Header{}, codec.ErrTruncated
	}
	var exif, canvas []byte
	frames, end := 0, int64(12)
	for kind, body := range chunks(data) {
		end += int64(8 + len(body) + len(body)%2)
		switch {
		case kind == "VP8X" && len(body) >= 10 && body[0]&2 != 0:
			canvas = body
		case kind == "ANMF":
			frames++
		case kind == "EXIF" && exif == nil:
			exif = body
		}
	}
	var h codec.Header
	var err error
	switch {
	case canvas == nil:
		h, err = codec.Config(webp.DecodeConfig, data)
	case end < size: // a frame is cut off
		return codec.Header{}, codec.ErrTruncated
	default:
		h = codec.Header{Width: int64(binary.LittleEndian.Uint32(canvas[4:])&0xffffff) + 1, Height: int64(binary.LittleEndian.Uint32(canvas[6:])>>8) + 1, Pages: frames, Animated: true}
	}
	h.Orientation = ifd.Orientation(exif)
	return h, err
}

// chunks gives the kind and body of each chunk that lies wholly within data and within the size
// that the container states. Bodies share the memory of data, which has 12 bytes or more.
func chunks(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		end := int(min(int64(binary.LittleEndian.Uint32(data[4:]))+8, int64(len(data))))
		for at := 12; end-at >= 8; {
			kind, n := string(data[at:at+4]), int64(binary.LittleEndian.Uint32(data[at+4:]))
			at += 8
			if n > int64(end-at) || !yield(kind, data[at:at+int(n)]) {
				return
			}
			at += int(n + n&1)
		}
	}
}

// Pixels decodes a WebP, lossy or lossless, not yet upright. Lossy colours are converted here,
// see fromVideoRange, and alpha is kept. Of an animation it shows the first frame.
func Pixels(data []byte, h *codec.Header) (*image.NRGBA, error) {
	if h.Animated {
		return firstFrame(data, h)
	}
	if unread(data) {
		h.Incomplete = "data are missing or wrong from some place on"
	}
	img, err := codec.Guard(webp.Decode, data)
	if err != nil {
		return nil, err
	}
	switch src := img.(type) {
	case *image.YCbCr:
		return fromVideoRange(src), nil
	case *image.NYCbCrA:
		dst := fromVideoRange(&src.YCbCr)
		copyAlpha(dst, src)
		return dst, nil
	}
	return pixel.ToNRGBA(img), nil
}

// unread reports whether the picture is decoded without the end of its data. Whole data are read up to few bytes of padding.
// Decoders notice no wrong byte, but behind it they read more or less than there is.
func unread(data []byte) bool {
	const padding = 16 // bytes; encoders write up to 4
	for kind, body := range chunks(data) {
		n := max(0, len(body)-padding)
		switch r := bytes.NewReader(body[:n]); kind {
		case "VP8 ":
			d := vp8.NewDecoder()
			d.Init(r, n)
			if _, err := d.DecodeFrameHeader(); err != nil {
				return false
			}
			_, err := d.DecodeFrame()
			return err == nil
		case "VP8L":
			_, err := vp8l.Decode(r)
			return err == nil
		}
	}
	return false
}

// firstFrame decodes an animation's first frame (RFC 9649 section 2.7.1.1) onto the canvas, whose size is in h.
func firstFrame(data []byte, h *codec.Header) (*image.NRGBA, error) {
	for kind, body := range chunks(data) {
		if kind != "ANMF" {
			continue
		}
		if len(body) < 16 {
			break
		}
		number := func(at int) int { return int(binary.LittleEndian.Uint32(body[at:]) & 0xffffff) }
		at := image.Rect(0, 0, number(6)+1, number(9)+1).Add(image.Pt(2*number(0), 2*number(3)))
		frame := body[16:]
		if bytes.HasPrefix(frame, []byte("ALPH")) { // needs the header of extended files
			frame = slices.Concat([]byte("VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"), body[6:12], frame)
		}
		file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(frame)))
		file = append(append(file, "WEBP"...), frame...)
		own, err := Header(file)
		if err != nil {
			return nil, err
		}
		canvas := image.NewNRGBA(image.Rect(0, 0, int(h.Width), int(h.Height)))
		if own.Animated || !at.In(canvas.Rect) || own.Width != int64(at.Dx()) || own.Height != int64(at.Dy()) {
			return nil, errors.New("the size or the place of its first frame makes no sense")
		}
		img, err := Pixels(file, &own)
		if err != nil {
			return nil, err
		}
		if img.Rect.Size() != at.Size() {
			return nil, errors.New("its first frame has another size than its header says")
		}
		for y := range at.Dy() {
			copy(canvas.Pix[canvas.PixOffset(at.Min.X, at.Min.Y+y):], img.Pix[y*img.Stride:(y+1)*img.Stride])
		}
		return canvas, nil
	}
	return nil, codec.ErrTruncated
}

// fromVideoRange converts the YCbCr of lossy WebP. VP8 stores ITU-R BT.601 with luma from 16 to 235 and chroma from 16
// to 240 (RFC 6386 section 9.2). Package image takes YCbCr for JPEG's full range, so x/image's own conversion is paler
// than every other decoder's (golang/go issue 40173).
//
// With k = 255/219 for luma and 255/112 for chroma,
//
//	R = k(Y-16) + 1.402/2 * 255/112 (Cr-128)
//	G = k(Y-16) - 0.344136/2 * 255/112 (Cb-128) - 0.714136/2 * 255/112 (Cr-128)
//	B = k(Y-16) + 1.772/2 * 255/112 (Cb-128)
//
// in units of 2^-16, rounded.
func fromVideoRange(src *image.YCbCr) *image.NRGBA {
	const (
		luma = 76309  // 255/219 * 65536
		crR  = 104597 // 0.701 * 255/112 * 65536
		cbG  = 25675  // 0.172068 * 255/112 * 65536
		crG  = 53279  // 0.357068 * 255/112 * 65536
		cbB  = 132201 // 0.886 * 255/112 * 65536
		half = 1 << 15
	)
	b := src.Rect
	dst := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		row := dst.Pix[y*dst.Stride : y*dst.Stride+4*b.Dx()]
		luminances := src.Y[src.YOffset(b.Min.X, b.Min.Y+y):]
		for x := range b.Dx() {
			c := src.COffset(b.Min.X+x, b.Min.Y+y)
			l := luma*(int32(luminances[x])-16) + half
			cb, cr := int32(src.Cb[c])-128, int32(src.Cr[c])-128
			pix := row[4*x : 4*x+4]
			pix[0] = pixel.Clamp8((l + crR*cr) >> 16)
			pix[1] = pixel.Clamp8((l - cbG*cb - crG*cr) >> 16)
			pix[2] = pixel.Clamp8((l + cbB*cb) >> 16)
			pix[3] = 255
		}
	}
	return dst
}

// copyAlpha writes the transparency of src to dst, which has its size.
func copyAlpha(dst *image.NRGBA, src *image.NYCbCrA) {
	b := src.Rect
	for y := range b.Dy() {
		alpha := src.A[src.AOffset(b.Min.X, b.Min.Y+y):]
		for x := range b.Dx() {
			dst.Pix[y*dst.Stride+4*x+3] = alpha[x]
		}
	}
}
