package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	std "image/jpeg"
	"io"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// JPEG in TIFF (Adobe's TIFF technical note 2), which x/image/tiff does not decode: strips or tiles are JPEGs that share tables.

const jpegInTIFF = "image/jpeg"

// A jpegBlocks is the layout of the strips or tiles of one picture.
type jpegBlocks struct {
	data            []byte
	width, height   int64 // of the picture
	across, down    int64 // pixels of a block; the last strip may be less high
	tiled           bool  // blocks hang over the edges of the picture
	model           uint32
	offsets, counts ifd.Entry
	tables          []byte // segments that all blocks share
}

// readBlocks reads the layout. It checks neither the limits nor where blocks lie, which pixels does.
func readBlocks(d ifd.Directory) (*jpegBlocks, error) {
	number := func(tag uint16) int64 {
		v, _ := d.Uint(tag)
		return int64(v)
	}
	t := &jpegBlocks{data: d.Data, width: number(TagWidth), height: number(TagLength), model: uint32(number(tagPhotometric))}
	t.across, t.down = t.width, t.height
	at, sizes := uint16(tagStripOffsets), uint16(tagStripCounts)
	if t.tiled = number(tagTileWidth) > 0; t.tiled {
		t.across, t.down = number(tagTileWidth), number(tagTileLength)
		if _, ok := d.Entry(tagTileOffsets); ok { // old writers use the tags of strips
			at, sizes = tagTileOffsets, tagTileCounts
		}
	} else if rows := number(tagRowsPerStrip); rows > 0 {
		t.down = min(rows, t.height)
	}
	t.offsets, _ = d.Entry(at)
	t.counts, _ = d.Entry(sizes)
	tables, _ := d.Entry(tagJPEGTables)
	if d.Cut || !t.offsets.Whole || !t.counts.Whole || len(tables.Raw) > 0 && !tables.Whole {
		return t, io.ErrUnexpectedEOF
	}
	t.tables = jpegSegments(tables.Raw, false)
	if depth := number(tagBitsPerSample); depth != 8 {
		return t, fmt.Errorf("%d bits a sample are not supported yet in JPEG", depth)
	}
	return t, nil
}

// pixels decodes the picture, whose size was held against the limits. It allocates pixels only if the data
// could hold them and every block lies within it. A damaged block is an error, and so are blocks that share too many bytes.
func (t *jpegBlocks) pixels(h codec.Header) (*image.NRGBA, error) {
	if t.width*t.height/2048 > int64(len(t.data)) { // a bit for each block of 64 pixels of up to 4 components
		return nil, codec.CannotHold(int64(len(t.data)), h)
	}
	columns, rows := (t.width-1)/t.across+1, (t.height-1)/t.down+1
	all, limit := int64(0), int64(len(t.data))+t.width*t.height+columns*rows*freeBytes
	for i := range columns * rows { // all of them before room is made for pixels
		packed, err := t.block(i)
		if all += int64(len(t.tables) + len(packed)); err == nil && all > limit {
			err = &codec.LimitError{What: "bytes in all strips or tiles", Got: all, Max: limit}
		}
		if err != nil {
			return nil, err
		}
	}
	whole := image.NewNRGBA(image.Rect(0, 0, int(t.width), int(t.height)))
	for i := range columns * rows {
		x, y := i%columns*t.across, i/columns*t.down
		packed, _ := t.block(i)
		img, err := t.decode(packed, min(t.across, t.width-x), min(t.down, t.height-y))
		if err != nil {
			return nil, err
		}
		for row := range min(t.down, t.height-y) {
			copy(whole.Pix[whole.PixOffset(int(x), int(y+row)):][:4*min(t.across, t.width-x)], img.Pix[int(row)*img.Stride:])
		}
	}
	return whole, nil
}

// block returns the bytes of block i, from 0. The error is io.ErrUnexpectedEOF if the block is beyond the data.
func (t *jpegBlocks) block(i int64) ([]byte, error) {
	offset, ok := t.offsets.Uint(int(i))
	count, counted := t.counts.Uint(int(i))
	if !ok || !counted {
		return nil, fmt.Errorf("nothing says where strip or tile %d lies", i)
	}
	end := int64(offset) + int64(count)
	if end > int64(len(t.data)) {
		return nil, io.ErrUnexpectedEOF
	}
	return t.data[offset:end], nil
}

// decode decodes a block. The picture shows w x h pixels of the block. Its own application segments do not count:
// the directory says what its colours are.
func (t *jpegBlocks) decode(packed []byte, w, h int64) (*image.NRGBA, error) {
	adobe := []byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	if t.model == modelYCC {
		adobe[len(adobe)-1] = 1
	}
	stream := bytes.Join([][]byte{adobe, t.tables, jpegSegments(packed, true)}, nil)
	own, err := jpeg.Header(stream)
	if err != nil {
		return nil, err
	}
	if o := jpeg.Read(stream); o.Scans > len(o.Components) {
		return nil, errors.New("a progressive JPEG in a TIFF is not supported yet")
	}
	if own.NoEnd || own.Damaged || own.Width < w || own.Height < h {
		return nil, io.ErrUnexpectedEOF
	}
	if own.Width > t.across || own.Height > t.down {
		return nil, fmt.Errorf("a JPEG of %d x %d pixels in a block of %d x %d", own.Width, own.Height, t.across, t.down)
	}
	if own.Width*own.Height/512 > int64(len(stream)) { // see jpeg.Pixels
		return nil, codec.CannotHold(int64(len(stream)), own)
	}
	img, err := codec.Guard(std.Decode, stream)
	if err != nil {
		return nil, err
	}
	gray, isGray := img.(*image.Gray)
	if _, inks := img.(*image.CMYK); inks || isGray != (t.model <= modelBlackIsZero) {
		return nil, errors.New("a JPEG of other colours than the directory says")
	}
	if isGray && t.model == modelWhiteIsZero {
		for i := range gray.Pix {
			gray.Pix[i] = 255 - gray.Pix[i]
		}
	}
	return pixel.ToNRGBA(img), nil
}

// jpegSegments returns the segments of a JPEG without SOI, comments and application segments; without a picture
// also without EOI. From the first scan on all is kept.
func jpegSegments(stream []byte, picture bool) (out []byte) {
	for i := 2; i+4 <= len(stream) && stream[i] == 0xff; {
		marker, size := stream[i+1], int(binary.BigEndian.Uint16(stream[i+2:]))
		if marker == 0xda && picture {
			return append(out, stream[i:]...)
		}
		if size < 2 || i+2+size > len(stream) || marker == 0xda {
			return out
		}
		if marker < 0xe0 || marker > 0xef && marker != 0xfe {
			out = append(out, stream[i:i+2+size]...)
		}
		i += 2 + size
	}
	return out
}
