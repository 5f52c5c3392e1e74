package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
	"math/bits"
)

// TIFFs that x/image/tiff does not decode: YCbCr (TIFF 6.0 section 21), inks (section 16), JPEG (Adobe's
// TIFF technical note 2), separate planes, samples of 2 or 4 bits, further samples, and faxes whose lines
// are filled up to bytes.

// Colour models (TIFF 6.0, tag 262).
const (
	modelWhiteIsZero = 0
	modelBlackIsZero = 1
	modelColours     = 2
	modelPalette     = 3
	modelInks        = 5
	modelYCC         = 6
)

const blocksDecoder = "github.com/kycmark/kycmark/internal/picture"

// A tiffBlocks is the layout of the strips or tiles of one picture.
type tiffBlocks struct {
	data             []byte
	order            binary.ByteOrder
	width, height    int64 // of the picture
	across, down     int64 // pixels of a block; the last strip may be less high
	tiled            bool  // blocks hang over the edges of the picture
	samples, depth   int64 // samples a pixel; bits a sample
	planes           int64 // samples in blocks of their own; 1 if they are together
	model            uint32
	compression      uint32
	differences      bool  // samples are stored as differences to the pixel on the left
	reversed         bool  // the first pixel is in the lowest bit of a byte
	unitX, unitY     int64 // pixels that share a chroma sample, 1 unless YCbCr is stored so
	alpha            uint32
	offsets, counts  entry
	tables           []byte // of JPEG, that all blocks share
	palette          [][3]uint8
	colours          *yccColours
	picture          *image.NRGBA
	part             image.NRGBA // of picture, that a block covers
	unpacked, pixels []byte      // of a block: as stored, and in 8 bits a sample
}

// The meaning of a further sample (tag 338).
const (
	alphaMultiplied = 1
	alphaStraight   = 2
)

// isOurs reports whether x/image/tiff does not decode such pictures, or decodes them wrongly.
func (d ifd) isOurs() bool {
	model, _ := d.uint(tagPhotometric)
	compression, _ := d.uint(tagCompression)
	samples, _ := d.uint(tagSamples)
	planar, _ := d.uint(tagPlanarConfig)
	return model == modelYCC || model == modelInks || planar == 2 && samples > 1 || compression == compressJPEG ||
		compression == compressFax3 || compression == compressFax4 && model != modelWhiteIsZero
}

// blocksHeader reads the size, and refuses layouts that are not read. It checks neither the limits nor
// where blocks lie, which blockPixels does.
func (d ifd) blocksHeader() (header, error) {
	w, _ := d.uint(tagWidth)
	ht, _ := d.uint(tagLength)
	h := header{width: int64(w), height: int64(ht), decoder: blocksDecoder}
	const lastTag = 600 // of the tags that say how pixels are stored
	for e := d.entries; len(e) >= ifdEntry; e = e[ifdEntry:] {
		tag := d.order.Uint16(e)
		if v, _ := d.entry(tag); tag < lastTag && !v.whole && v.kind != kindASCII && v.kind != kindRational {
			return h, io.ErrUnexpectedEOF
		}
	}
	if d.cut {
		return h, io.ErrUnexpectedEOF
	}
	_, err := d.blocks(h)
	return h, err
}

// blocks reads how the pixels of a picture of the size in h are stored, with the defaults of TIFF 6.0.
func (d ifd) blocks(h header) (*tiffBlocks, error) {
	number := func(tag uint16, unset uint32) int64 {
		if v, ok := d.uint(tag); ok {
			return int64(v)
		}
		return int64(unset)
	}
	t := &tiffBlocks{data: d.data, order: d.order, width: h.width, height: h.height, across: h.width, down: h.height, unitX: 1, unitY: 1,
		samples: number(tagSamples, 1), depth: number(tagBitsPerSample, 1), planes: 1, model: uint32(number(tagPhotometric, modelBlackIsZero)),
		compression: uint32(number(tagCompression, compressNone)), reversed: number(tagFillOrder, 1) == 2}
	if t.compression == 0 {
		t.compression = compressNone
	}
	if unpackRatios[t.compression] == 0 {
		return t, fmt.Errorf("compression %d is not supported yet", t.compression)
	}
	wanted, known := tiffSamples[t.model]
	switch {
	case !known:
		return t, fmt.Errorf("colour model %d is not supported yet", t.model)
	case t.samples < wanted || t.samples > wanted+maxFurther || t.model == modelYCC && t.samples != wanted:
		return t, fmt.Errorf("%d samples a pixel in colour model %d are not supported yet", t.samples, t.model)
	}
	depths, _ := d.entry(tagBitsPerSample)
	formats, _ := d.entry(tagSampleFormat)
	for i := range int(t.samples) {
		if v, ok := depths.uint(i); ok && int64(v) != t.depth {
			return t, errors.New("samples of different depths are not supported yet")
		}
		if v, ok := formats.uint(i); ok && v != 1 && v != 4 { // whole numbers; undefined
			return t, fmt.Errorf("sample format %d is not supported yet", v)
		}
	}
	packed := t.depth == 1 || t.depth == 2 || t.depth == 4
	switch {
	case t.depth != 8 && t.depth != 16 && !(packed && t.samples == 1),
		t.depth != 8 && (t.model == modelYCC || t.compression == compressJPEG),
		t.depth == 16 && t.model == modelPalette, t.depth != 1 && (t.compression == compressFax3 || t.compression == compressFax4):
		return t, fmt.Errorf("%d bits a sample are not supported yet in such files", t.depth)
	}
	switch p := number(tagPredictor, 1); {
	case p == 2 && t.depth >= 8 && t.model != modelYCC:
		t.differences = t.compression == compressLZW || t.compression == compressDeflate || t.compression == compressDeflateOld
	case p != 1:
		return t, fmt.Errorf("predictor %d is not supported yet in such files", p)
	}
	if options := number(tagFaxOptions, 0); t.compression == compressFax3 && options&3 != 0 {
		return t, errors.New("faxes in two dimensions (Group 3 2-D) are not supported yet")
	}
	if number(tagPlanarConfig, 1) == 2 && t.samples > 1 {
		t.planes = t.samples
	}
	if further, ok := d.entry(tagFurtherSamples); ok && t.samples > wanted {
		t.alpha, _ = further.uint(0)
	}
	if tables, ok := d.entry(tagJPEGTables); ok && tables.whole {
		t.tables = tables.raw
	}
	if err := t.place(d, number); err != nil {
		return t, err
	}
	return t, t.readColours(d)
}

// tiffSamples are the samples that a pixel has at least.
var tiffSamples = map[uint32]int64{modelWhiteIsZero: 1, modelBlackIsZero: 1, modelColours: 3, modelPalette: 1, modelInks: 4, modelYCC: 3}

// place reads sizes and places of strips or tiles, and how many pixels share a chroma sample.
func (t *tiffBlocks) place(d ifd, number func(uint16, uint32) int64) error {
	at, sizes := uint16(tagStripOffsets), uint16(tagStripCounts)
	if t.tiled = number(tagTileWidth, 0) > 0; t.tiled {
		t.across, t.down = number(tagTileWidth, 0), number(tagTileLength, 0)
		if _, ok := d.entry(tagTileOffsets); ok { // old writers use the tags of strips
			at, sizes = tagTileOffsets, tagTileCounts
		}
		if t.down == 0 || t.across > math.MaxInt32/t.down {
			return fmt.Errorf("tiles of %d x %d pixels", t.across, t.down)
		}
	} else if rows := number(tagRowsPerStrip, 0); rows > 0 {
		t.down = min(rows, t.height)
	}
	t.offsets, _ = d.entry(at)
	t.counts, _ = d.entry(sizes)
	if t.model == modelYCC && t.compression != compressJPEG {
		t.unitX, t.unitY = 2, 2
		if v, ok := d.entry(tagSubsampling); ok {
			x, _ := v.uint(0)
			y, _ := v.uint(1)
			t.unitX, t.unitY = int64(x), int64(y)
		}
		for _, n := range []int64{t.unitX, t.unitY} {
			if n != 1 && n != 2 && n != 4 {
				return fmt.Errorf("chroma subsampling %d x %d", t.unitX, t.unitY)
			}
		}
		if t.planes > 1 && t.unitX*t.unitY > 1 {
			return errors.New("separate planes of subsampled YCbCr are not supported yet")
		}
	}
	return nil
}

// readColours reads the tables that turn samples into colours.
func (t *tiffBlocks) readColours(d ifd) (err error) {
	switch t.model {
	case modelYCC:
		t.colours, err = d.yccColours()
	case modelPalette:
		t.palette, err = d.palette(1 << t.depth)
	}
	return err
}

// palette returns the colour map (tag 320), at most n colours, in 8 bits. See widenPalette.
func (d ifd) palette(n int) ([][3]uint8, error) {
	table, _ := d.entry(tagColourMap)
	n = min(n, len(table.raw)/6)
	p, wide := make([][3]uint8, n), false
	for i := range 3 * n {
		v, ok := table.uint(i)
		if !ok {
			return nil, errors.New("its colour map is damaged")
		}
		wide = wide || v > 255
	}
	for i := range 3 * n {
		v, _ := table.uint(i)
		if wide {
			v = uint32(to8(uint16(v)))
		}
		p[i%n][i/n] = uint8(v)
	}
	return p, nil
}

// size returns the bytes of the given number of rows of a block, 1 or more, when decompressed. Units of
// YCbCr hang over the right edge and below the last row.
func (t *tiffBlocks) size(rows int64) int64 {
	if t.model == modelYCC && t.planes == 1 {
		return ceilDiv(t.across, t.unitX) * ceilDiv(rows, t.unitY) * (t.unitX*t.unitY + 2)
	}
	return ceilDiv(t.across*t.samples/t.planes*t.depth, 8) * rows
}

// ceilDiv returns a/b rounded up, for a of 1 or more.
func ceilDiv(a, b int64) int64 { return (a-1)/b + 1 }

// blockPixels decodes the picture, whose size in h was held against the limits. It allocates pixels
// only if the data could hold them and every block lies within it. A damaged block is an error.
func (d ifd) blockPixels(h header) (*image.NRGBA, error) {
	if maxPixels := int64(math.MaxInt / 32); h.width > maxPixels/h.height {
		return nil, &LimitError{What: "pixels", Got: h.width * h.height, Max: maxPixels}
	}
	t, err := d.blocks(h)
	if err != nil {
		return nil, err
	}
	columns, rows := ceilDiv(t.width, t.across), ceilDiv(t.height, t.down)
	whole := t.size(t.height)
	if t.tiled {
		whole = t.size(t.down) * rows
	}
	if whole*columns*t.planes/unpackRatios[t.compression] > int64(len(d.data)) {
		return nil, cannotHold(int64(len(d.data)), h)
	}
	for i := range columns * rows * t.planes { // all of them before room is made for pixels
		if _, err := t.block(i); err != nil {
			return nil, err
		}
	}
	t.picture = image.NewNRGBA(image.Rect(0, 0, int(t.width), int(t.height)))
	if t.compression != compressJPEG {
		t.unpacked = make([]byte, t.size(t.down))
	}
	if t.unitX*t.unitY == 1 && t.compression != compressJPEG || t.planes > 1 || t.samples == 4 {
		t.pixels = make([]byte, t.across*t.down*t.samples)
	}
	for i := range columns * rows {
		high := t.down
		if !t.tiled {
			high = min(high, t.height-i*t.down)
		}
		if err := t.decode(i, columns*rows, i%columns*t.across, i/columns*t.down, high); err != nil {
			return nil, err
		}
	}
	return t.picture, nil
}

// block returns the compressed bytes of block i, from 0. A block without offset or size is an error, and
// a block beyond the data is io.ErrUnexpectedEOF.
func (t *tiffBlocks) block(i int64) ([]byte, error) {
	offset, ok := t.offsets.uint(int(i))
	count, counted := t.counts.uint(int(i))
	if !ok || !counted {
		what := "strip"
		if t.tiled {
			what = "tile"
		}
		return nil, fmt.Errorf("nothing says where %s %d lies", what, i)
	}
	end := int64(offset) + int64(count)
	if end > int64(len(t.data)) {
		return nil, io.ErrUnexpectedEOF
	}
	return t.data[offset:end], nil
}

// decode writes block i, of so many rows, to the picture from x and y on. A plane has each blocks.
func (t *tiffBlocks) decode(i, each, x, y, rows int64) error {
	part := &t.part
	*part = image.NRGBA{Pix: t.picture.Pix[t.picture.PixOffset(int(x), int(y)):], Stride: t.picture.Stride,
		Rect: image.Rect(0, 0, int(min(t.across, t.width-x)), int(min(rows, t.height-y)))}
	for plane := range t.planes {
		packed, _ := t.block(i + plane*each)
		if t.compression == compressJPEG {
			if err := t.decodeJPEG(part, packed, plane); err != nil {
				return err
			}
			continue
		}
		units := t.unpacked[:t.size(rows)]
		if t.reversed {
			packed = reverseBits(packed)
		}
		if err := unpack(units, packed, t.compression, int(t.across), int(rows)); err != nil {
			return err
		}
		if t.pixels == nil {
			t.paint(part, units)
			continue
		}
		t.widen(units, plane, rows)
	}
	if t.pixels == nil {
		return nil
	}
	return t.colour(part)
}

// reverseBits returns a copy with the bits of each byte in reverse order.
func reverseBits(b []byte) []byte {
	out := make([]byte, len(b))
	for i, v := range b {
		out[i] = bits.Reverse8(v)
	}
	return out
}

// widen writes the samples of the rows of a block, or of one plane of them, to t.pixels in 8 bits each.
func (t *tiffBlocks) widen(units []byte, plane, rows int64) {
	n := t.samples / t.planes // in a pixel here
	line := ceilDiv(t.across*n*t.depth, 8)
	for y := range rows {
		row := units[y*line : (y+1)*line]
		if t.differences {
			t.sum(row, int(n))
		}
		for x := range t.across * n {
			var v uint8
			switch t.depth {
			case 8:
				v = row[x]
			case 16:
				v = to8(t.order.Uint16(row[2*x:]))
			default:
				v = row[x*t.depth/8] >> (8 - t.depth - x*t.depth%8) & (1<<t.depth - 1)
				if t.model != modelPalette {
					v *= 255 / (1<<t.depth - 1)
				}
			}
			t.pixels[(y*t.across+x/n)*t.samples+plane+x%n] = v
		}
	}
}

// sum undoes differences between pixels of n samples, in place (TIFF 6.0 section 14).
func (t *tiffBlocks) sum(row []byte, n int) {
	if t.depth == 8 {
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
		return
	}
	for i := 2 * n; i+1 < len(row); i += 2 {
		t.order.PutUint16(row[i:], t.order.Uint16(row[i:])+t.order.Uint16(row[i-2*n:]))
	}
}

// colour paints part from the samples in t.pixels. Inks become colours as in package image/color: no
// profile of inks is applied, and their transparency does not count, as in libtiff.
func (t *tiffBlocks) colour(part *image.NRGBA) error {
	for y := range part.Rect.Dy() {
		row, from := part.Pix[y*part.Stride:], t.pixels[int64(y)*t.across*t.samples:]
		for x := range part.Rect.Dx() {
			s, to := from[int64(x)*t.samples:int64(x+1)*t.samples], row[4*x:4*x+4:4*x+4]
			to[3] = 255
			colours := 3
			switch t.model {
			case modelPalette:
				if int(s[0]) >= len(t.palette) {
					return errors.New("invalid color index")
				}
				c := t.palette[s[0]]
				to[0], to[1], to[2], colours = c[0], c[1], c[2], 1
			case modelWhiteIsZero:
				to[0], to[1], to[2], colours = 255-s[0], 255-s[0], 255-s[0], 1
			case modelBlackIsZero:
				to[0], to[1], to[2], colours = s[0], s[0], s[0], 1
			case modelColours:
				to[0], to[1], to[2] = s[0], s[1], s[2]
			case modelInks:
				to[0], to[1], to[2] = inked(s[0], s[3]), inked(s[1], s[3]), inked(s[2], s[3])
				continue
			case modelYCC:
				t.colours.paint(to, s[0], s[1], s[2])
			}
			if t.alpha != alphaMultiplied && t.alpha != alphaStraight {
				continue
			}
			if to[3] = s[colours]; t.alpha == alphaMultiplied {
				for c := range 3 {
					to[c] = straight8(uint32(to[c]), uint32(to[3]))
				}
			}
		}
	}
	return nil
}

// inked returns what an ink and black leave of white, as color.CMYKToRGB does.
func inked(ink, black uint8) uint8 {
	return uint8((0xffff - uint32(ink)*0x101) * (0xffff - uint32(black)*0x101) / 0xffff >> 8)
}

// paint converts the units of YCbCr to opaque pixels. Samples that hang over an edge are dropped. One
// chroma sample serves its whole unit, as in libtiff, no matter where tag 531 places it.
func (t *tiffBlocks) paint(part *image.NRGBA, units []byte) {
	lumas := t.unitX * t.unitY
	for y0 := 0; y0 < part.Rect.Dy(); y0 += int(t.unitY) {
		for x0 := int64(0); x0 < t.across; x0 += t.unitX {
			unit := units[:lumas+2]
			units = units[lumas+2:]
			for i, luma := range unit[:lumas] {
				x, y := int(x0)+i%int(t.unitX), y0+i/int(t.unitX)
				if x >= part.Rect.Dx() || y >= part.Rect.Dy() {
					continue
				}
				t.colours.paint(part.Pix[y*part.Stride+4*x:][:4:4], luma, unit[lumas], unit[lumas+1])
			}
		}
	}
}

// paint writes one opaque pixel.
func (c *yccColours) paint(to []byte, luma, cb, cr uint8) {
	l := c.luma[luma]
	to[0], to[1], to[2], to[3] = clamp8((l+c.crRed[cr])>>16), clamp8((l-c.cbGreen[cb]-c.crGreen[cr])>>16), clamp8((l+c.cbBlue[cb])>>16), 255
}

// decodeJPEG decodes a JPEG without the tables that all blocks share, and writes it to part, or to a plane
// of t.pixels. Its own application segments do not count: the directory says what its colours are.
func (t *tiffBlocks) decodeJPEG(part *image.NRGBA, packed []byte, plane int64) error {
	const adobe = "\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
	transform := byte(0)
	if t.model == modelYCC {
		transform = 1
	}
	stream := bytes.Join([][]byte{append([]byte(adobe), transform), jpegSegments(t.tables, false), jpegSegments(packed, true)}, nil)
	h, err := jpegHeader(stream)
	if err != nil {
		return err
	}
	if o := outlineJPEG(stream); o.scans > len(o.components) {
		return errors.New("a progressive JPEG in a TIFF is not supported yet")
	}
	need := part.Rect.Size()
	if h.truncated || h.width < int64(need.X) || h.height < int64(need.Y) {
		return io.ErrUnexpectedEOF
	}
	if h.width > t.across || h.height > t.down {
		return fmt.Errorf("a JPEG of %d x %d pixels in a block of %d x %d", h.width, h.height, t.across, t.down)
	}
	if h.width*h.height/512 > int64(len(stream)) { // see jpegPixels
		return cannotHold(int64(len(stream)), h)
	}
	img, err := pixels(jpeg.Decode, stream)
	if err != nil {
		return err
	}
	inks, isInks := img.(*image.CMYK)
	gray, isGray := img.(*image.Gray)
	switch {
	case isInks && t.samples == 4 && t.planes == 1: // image/jpeg has turned them round
		for y := range need.Y {
			for i, v := range inks.Pix[y*inks.Stride:][:4*need.X] {
				t.pixels[4*int64(y)*t.across+int64(i)] = 255 - v
			}
		}
		return nil
	case isGray && t.planes > 1:
		for y := range need.Y {
			for x := range need.X {
				t.pixels[(int64(y)*t.across+int64(x))*t.samples+plane] = gray.Pix[y*gray.Stride+x]
			}
		}
		return nil
	case isGray && t.samples == 1:
		if t.model == modelWhiteIsZero {
			for i := range gray.Pix {
				gray.Pix[i] = 255 - gray.Pix[i]
			}
		}
	case isInks || isGray || t.planes > 1 || t.samples != 3:
		return errors.New("a JPEG of other colours than the directory says")
	}
	from := ToNRGBA(img)
	for y := range need.Y {
		copy(part.Pix[y*part.Stride:][:4*need.X], from.Pix[y*from.Stride:])
	}
	return nil
}

// jpegSegments returns the segments of a JPEG without SOI and application segments; without a picture
// also without EOI. From the first scan on all is kept.
func jpegSegments(stream []byte, picture bool) (out []byte) {
	for i := 2; i+4 <= len(stream) && stream[i] == 0xff; {
		marker, size := stream[i+1], int(be16(stream[i+2:]))
		if marker == 0xda && picture {
			return append(out, stream[i:]...)
		}
		if size < 2 || i+2+size > len(stream) || marker == 0xda {
			return out
		}
		if marker < 0xe0 || marker > 0xef {
			out = append(out, stream[i:i+2+size]...)
		}
		i += 2 + size
	}
	return out
}
