package picture

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"sync"
)

// A frame is one part of an animation.
type frame struct {
	parts [][]byte        // of a file that shows it alone
	at    image.Rectangle // on the canvas
	over  bool            // it is laid over what is there, not put in its place
	then  disposal
}

// A disposal says what becomes of a frame's place when the next one comes.
type disposal uint8

// The numbers are the ones that APNG uses.
const (
	stays disposal = iota
	cleared
	restored // to what was there before
)

// A player shows the frames of an animation as browsers do, on a canvas that is transparent at first. It
// is safe for concurrent use.
type player struct {
	format *format
	data   []byte
	head   header
	frames []frame
	lim    Limits

	mu     sync.Mutex
	kept   []int          // the frame of each page
	next   int            // the page after the last that was made, from 0
	passed map[int][]byte // pages that were made on the way to it
	canvas *image.NRGBA   // nil: nothing is shown
	saved  *image.NRGBA   // what was at the place of the last frame, if that is restored
	drawn  int            // frames
}

// played returns how to make the pages of an animation, whose frames are listed by list.
func played(list func(data []byte) ([]frame, error)) func(*format, []byte, Limits) (int, func(int) []byte, error) {
	return func(f *format, data []byte, lim Limits) (int, func(int) []byte, error) {
		h, err := f.header(data)
		if err != nil || h.pages < 2 || h.check(f.name, lim) != nil { // decoding says why
			return 0, nil, nil
		}
		frames, err := list(data)
		if err != nil {
			return 0, nil, err
		}
		p := &player{format: f, data: data, head: h, frames: frames, lim: lim}
		if p.kept, err = p.pages(); err != nil || len(p.kept) < 2 {
			return 0, nil, err
		}
		return len(p.kept), func(k int) []byte { return p.page(k - 1) }, nil
	}
}

// pages plays an animation, and returns the numbers of the frames that differ from all before, from 0.
// The error is a *FormatError that names the frame, or a *LimitError.
func (p *player) pages() (kept []int, err error) {
	if n := len(p.frames); n > maxFrames {
		return nil, &LimitError{What: "frames", Got: int64(n), Max: maxFrames}
	}
	budget, each := p.lim.MaxPixels, p.head.width*p.head.height
	if budget < math.MaxInt64/maxPlayed {
		budget *= maxPlayed
	}
	if each > p.lim.MaxPixels/maxPlayed {
		return nil, &LimitError{What: "pixels in each frame", Got: each, Max: p.lim.MaxPixels / maxPlayed}
	}
	if n := int64(len(p.frames)); n > 0 && each > budget/n {
		return nil, &LimitError{What: "pixels in all frames", Got: each * min(n, math.MaxInt64/each), Max: budget}
	}
	seen := make(map[[32]byte]bool)
	for i := range p.frames {
		img, err := p.show(i)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(img.Pix); !seen[sum] {
			seen[sum] = true
			kept = append(kept, i)
		}
		if len(kept) > MaxPages {
			return nil, &LimitError{What: "pages", Got: MaxPages + 1, Max: MaxPages}
		}
	}
	p.canvas, p.saved = nil, nil
	return kept, nil
}

// page returns page k, from 0, as a file. Pages that it passes over are kept: several readers ask for pages
// almost in their order, and an animation that is played again from its beginning costs as many frames.
func (p *player) page(k int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if file, ok := p.passed[k]; ok {
		delete(p.passed, k)
		return file
	}
	if p.passed == nil || len(p.passed) > maxPassed {
		p.passed = make(map[int][]byte)
	}
	for j := max(p.next, k-maxPassed); j < k; j++ {
		p.passed[j] = p.file(p.kept[j])
	}
	p.next = k + 1
	return p.file(p.kept[k])
}

// file returns what frame i shows as a PNG, upright, with the profile of the animation. It is nil if the
// frame cannot be decoded, which pages has ruled out.
func (p *player) file(i int) []byte {
	img, err := p.show(i)
	if err != nil {
		return nil
	}
	var b bytes.Buffer
	img = Upright(img, p.head.orientation)
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img); err != nil {
		return nil
	}
	s := p.format.readSource(p.data)
	file, err := insertPNG(s, b.Bytes(), s.exifBlock(img.Rect, 1), img.Rect)
	if err != nil {
		return nil
	}
	return file
}

// show returns the canvas with frame i, from 0. It is overwritten by the next call.
func (p *player) show(i int) (*image.NRGBA, error) {
	if p.canvas == nil || i < p.drawn-1 {
		p.canvas, p.drawn = image.NewNRGBA(image.Rect(0, 0, int(p.head.width), int(p.head.height))), 0
	}
	for ; p.drawn <= i; p.drawn++ {
		if p.drawn > 0 {
			p.dispose(p.frames[p.drawn-1])
		}
		f := p.frames[p.drawn]
		img, err := p.decode(f)
		if err != nil {
			p.canvas = nil
			if of := (&FormatError{}); errors.As(p.format.because(err), &of) {
				return nil, &FormatError{Format: of.Format, Reason: fmt.Sprintf("frame %d of %d: %s", p.drawn+1, len(p.frames), of.Reason), Kind: of.Kind}
			}
			return nil, err
		}
		if p.saved = nil; f.then == restored {
			p.saved = image.NewNRGBA(image.Rectangle{Max: f.at.Size()})
			lay(p.saved, p.canvas.SubImage(f.at).(*image.NRGBA), false)
		}
		lay(p.canvas.SubImage(f.at).(*image.NRGBA), img, f.over)
	}
	return p.canvas, nil
}

// decode returns the pixels of a frame.
func (p *player) decode(f frame) (*image.NRGBA, error) {
	if f.at.Empty() || !f.at.In(p.canvas.Rect) {
		return nil, errors.New("it lies outside of the picture")
	}
	data := bytes.Join(f.parts, nil)
	h, err := p.format.header(data)
	if err != nil {
		return nil, err
	}
	if err := h.check(p.format.name, p.lim); err != nil {
		return nil, err
	}
	img, err := p.format.pixels(data, &h)
	if err != nil {
		return nil, err
	}
	if img.Rect.Size() != f.at.Size() {
		if p.format.name == "gif" { // its picture is the whole canvas
			return ToNRGBA(img.SubImage(f.at)), nil
		}
		return nil, fmt.Errorf("its place has %v pixels, its picture %v", f.at.Size(), img.Rect.Size())
	}
	return img, nil
}

// dispose removes a frame from the canvas.
func (p *player) dispose(f frame) {
	part := p.canvas.SubImage(f.at).(*image.NRGBA)
	switch {
	case f.then == cleared:
		lay(part, image.NewNRGBA(image.Rectangle{Max: f.at.Size()}), false)
	case f.then == restored && p.saved != nil:
		lay(part, p.saved, false)
	}
}

// lay writes src to dst, which has its size: over it, or in its place.
func lay(dst, src *image.NRGBA, over bool) {
	for y := range dst.Rect.Dy() {
		to, from := dst.Pix[y*dst.Stride:][:4*dst.Rect.Dx()], src.Pix[y*src.Stride:]
		if !over {
			copy(to, from)
			continue
		}
		for i := 0; i < len(to); i += 4 {
			layPixel(to[i:i+4:i+4], from[i:i+4:i+4])
		}
	}
}

// layPixel lays a pixel over another, in units of 1/255^2.
func layPixel(to, from []byte) {
	a, under := uint32(from[3])*255, (255-uint32(from[3]))*uint32(to[3])
	if under == 0 || a == 255*255 {
		copy(to, from)
		return
	}
	whole := a + under
	if a == 0 {
		return
	}
	for c := range 3 {
		to[c] = uint8((uint32(from[c])*a + uint32(to[c])*under + whole/2) / whole)
	}
	to[3] = uint8((whole + 127) / 255)
}

// gifAnimation returns the frames of a GIF (GIF89a sections 20 and 23), each with the colours that all
// share. Frames that are cut off are an error.
func gifAnimation(data []byte) (frames []frame, err error) {
	const trailer = "\x3b"
	at := 13
	if len(data) < at {
		return nil, errTruncated
	}
	at += colorTable(data[10])
	if at > len(data) {
		return nil, errTruncated
	}
	head, control, then := data[:at], []byte(nil), stays
	for at < len(data) {
		start := at
		switch data[at] {
		case 0x21:
			at = skipSubBlocks(data, at+2)
			if at <= len(data) && at-start >= 8 && data[start+1] == gifControl {
				control, then = data[start:at], [8]disposal{2: cleared, 3: restored}[data[start+3]>>2&7]
			}
		case 0x2c:
			if at+10 > len(data) {
				return nil, errTruncated
			}
			at = skipSubBlocks(data, at+10+colorTable(data[at+9])+1)
			if at > len(data) {
				return nil, errTruncated
			}
			place := data[start+1:]
			x, y := int(le16(place)), int(le16(place[2:]))
			where := image.Rect(x, y, x+int(le16(place[4:])), y+int(le16(place[6:])))
			frames = append(frames, frame{parts: [][]byte{head, control, data[start:at], []byte(trailer)}, at: where, over: true, then: then})
			control, then = nil, stays
		case 0x3b:
			return frames, nil
		default:
			return nil, errors.New("unknown block between frames")
		}
	}
	return nil, errTruncated
}

// pngAnimation returns the frames of an APNG (PNG, third edition, section 11.3.4). A default image that is
// no frame comes first.
func pngAnimation(data []byte) (frames []frame, err error) {
	var head, tables []byte
	var f *frame
	end := pngChunk{kind: "IEND"}.append(nil)
	animated := false
	for kind, body := range pngChunks(data) {
		switch kind {
		case "IHDR":
			if head = bytes.Clone(body); len(head) != pngIHDR {
				return nil, errors.New("no IHDR chunk at the beginning")
			}
			f = &frame{parts: [][]byte{data[:pngSignature], pngChunk{"IHDR", head}.append(nil), nil}, at: image.Rect(0, 0, int(be32(head)), int(be32(head[4:]))), then: cleared}
		case "acTL":
			animated = true
		case "PLTE", "tRNS":
			tables = pngChunk{kind, body}.append(tables)
		case "fcTL":
			if len(body) < 26 || head == nil {
				return nil, errors.New("a frame without a place")
			}
			if len(f.parts) > 3 { // pixels were there
				frames = append(frames, *f)
			}
			own := bytes.Clone(head)
			copy(own, body[4:12])
			x, y := int64(be32(body[12:])), int64(be32(body[16:]))
			where := image.Rect(int(x), int(y), int(x+int64(be32(body[4:]))), int(y+int64(be32(body[8:]))))
			f = &frame{parts: [][]byte{data[:pngSignature], pngChunk{"IHDR", own}.append(nil), nil}, at: where, over: body[25] == 1, then: disposal(min(body[24], 2))}
		case "IDAT", "fdAT":
			if kind == "fdAT" {
				body = body[min(4, len(body)):] // its number
			}
			if f == nil {
				return nil, errors.New("no IHDR chunk at the beginning")
			}
			f.parts = append(f.parts, pngChunk{"IDAT", body}.append(nil))
		case "IEND":
			if f != nil && len(f.parts) > 3 {
				frames = append(frames, *f)
			}
			if !animated {
				return nil, nil
			}
			for i := range frames {
				frames[i].parts[2] = tables
				frames[i].parts = append(frames[i].parts, end)
			}
			if len(frames) > 0 && frames[0].then == restored {
				frames[0].then = cleared
			}
			return frames, nil
		}
	}
	return nil, errTruncated
}

// webpAnimation returns the frames of an animated WebP (RFC 9649 section 2.7.1.1).
func webpAnimation(data []byte) (frames []frame, err error) {
	for kind, body := range webpChunks(data) {
		if kind != "ANMF" {
			continue
		}
		if len(body) < 16 {
			return nil, errTruncated
		}
		number := func(at int) int { return int(le32(body[at:]) & 0xffffff) }
		x, y, w, h := 2*number(0), 2*number(3), number(6)+1, number(9)+1
		inner := append([]byte("RIFF\x00\x00\x00\x00WEBP"), body[16:]...)
		parts := [][]byte{[]byte("WEBP"), body[16:]}
		binary.LittleEndian.PutUint32(inner[4:], uint32(len(inner)-8))
		for kind := range webpChunks(inner) {
			if kind == "ALPH" { // needs the header of extended files
				extended := []byte("VP8X\x0a\x00\x00\x00\x10\x00\x00\x00")
				extended = append(extended, body[6:12]...)
				parts = [][]byte{parts[0], extended, parts[1]}
			}
			break
		}
		size := 0
		for _, p := range parts {
			size += len(p)
		}
		riff := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(size))
		f := frame{parts: append([][]byte{riff}, parts...), at: image.Rect(x, y, x+w, y+h), over: body[15]&2 == 0}
		if body[15]&1 != 0 {
			f.then = cleared
		}
		frames = append(frames, f)
	}
	return frames, nil
}
