package picture

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
)

// webpHeader reads size and orientation, from the chunks of the RIFF container (RFC 9649 section 2)
// and by the decoder, and counts frames. It refuses files shorter than the container says.
func webpHeader(data []byte) (header, error) {
	// Some writers leave out the last padding byte but count it.
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size > int64(len(data))+1 {
		return header{}, errTruncated
	}
	var exif, canvas []byte
	frames, end := 0, int64(12)
	for kind, body := range webpChunks(data) {
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
	var h header
	var err error
	switch {
	case canvas == nil:
		h, err = config(webp.DecodeConfig, data)
	case end < size: // a frame is cut off
		return header{}, errTruncated
	default:
		h = header{width: int64(binary.LittleEndian.Uint32(canvas[4:])&0xffffff) + 1, height: int64(binary.LittleEndian.Uint32(canvas[6:])>>8) + 1, pages: frames, animated: true}
	}
	h.orientation = exifOrientation(exif)
	return h, err
}

// webpChunks gives the kind and body of each chunk that lies wholly within data and within the size
// that the container states. Bodies share the memory of data, which has 12 bytes or more.
func webpChunks(data []byte) iter.Seq2[string, []byte] {
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

// webpPixels decodes a WebP, lossy or lossless, not yet upright. Lossy colours are converted here,
// see fromVideoRange, and alpha is kept. Of an animation it shows the first frame.
func webpPixels(data []byte, h *header) (*image.NRGBA, error) {
	if h.animated {
		return webpFrame(data, h)
	}
	if webpUnread(data) {
		h.incomplete = "data are missing or wrong from some place on"
	}
	img, err := pixels(webp.Decode, data)
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
	return ToNRGBA(img), nil
}

// webpUnread reports whether the picture is decoded without the end of its data. Whole data are read up to few bytes of padding.
// Decoders notice no wrong byte, but behind it they read more or less than there is.
func webpUnread(data []byte) bool {
	const padding = 16 // bytes; encoders write up to 4
	for kind, body := range webpChunks(data) {
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

// webpFrame decodes the first frame of an animation (RFC 9649 section 2.7.1.1), and shows it on the canvas,
// whose size is in h.
func webpFrame(data []byte, h *header) (*image.NRGBA, error) {
	for kind, body := range webpChunks(data) {
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
		own, err := webpHeader(file)
		if err != nil {
			return nil, err
		}
		canvas := image.NewNRGBA(image.Rect(0, 0, int(h.width), int(h.height)))
		if own.animated || !at.In(canvas.Rect) || own.width != int64(at.Dx()) || own.height != int64(at.Dy()) {
			return nil, errors.New("the size or the place of its first frame makes no sense")
		}
		img, err := webpPixels(file, &own)
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
	return nil, errTruncated
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
			pix[0] = clamp8((l + crR*cr) >> 16)
			pix[1] = clamp8((l - cbG*cb - crG*cr) >> 16)
			pix[2] = clamp8((l + cbB*cb) >> 16)
			pix[3] = 255
		}
	}
	return dst
}

// clamp8 cuts v to 0..255.
func clamp8(v int32) uint8 { return uint8(max(0, min(v, 255))) }

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
