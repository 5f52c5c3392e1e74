package picture

import (
	"fmt"
	"image"
	"io"
	"math"
)

// YCbCr in TIFF (TIFF 6.0 section 21), which x/image/tiff does not decode: 8
// bits a sample, chunky, in strips.

const (
	photometricYCC = 6
	yccDecoder     = "github.com/kycmark/kycmark/internal/picture"
)

// yccTIFF is the layout of the strips. They are rows of data units: the luma
// samples of a rectangle row by row, then its Cb and its Cr.
type yccTIFF struct {
	width, height   int64
	across, down    int64 // luma samples of a data unit
	rows            int64 // of a strip, but the last
	compression     uint32
	offsets, counts entry
}

// isYCC reports whether the pixels are YCbCr.
func (d ifd) isYCC() bool {
	model, _ := d.uint(tagPhotometric)
	return model == photometricYCC
}

// yccHeader reads the size of YCbCr pixels. It refuses layouts other than 8 bits a sample, chunky,
// in strips, and a directory that is cut off. It checks neither the limits nor where strips lie,
// which yccPixels does.
func (d ifd) yccHeader() (header, error) {
	w, _ := d.uint(tagWidth)
	ht, _ := d.uint(tagLength)
	h := header{width: int64(w), height: int64(ht), decoder: yccDecoder}
	if d.cut {
		return h, io.ErrUnexpectedEOF
	}
	for _, c := range []struct {
		tag         uint16
		index       int
		what        string
		want, unset uint32
	}{
		{tagSamples, 0, "samples a pixel", 3, 1},
		{tagBitsPerSample, 0, "bits a sample", 8, 1},
		{tagBitsPerSample, 1, "bits a sample", 8, 1},
		{tagBitsPerSample, 2, "bits a sample", 8, 1},
		{tagSampleFormat, 0, "as sample format", 1, 1},
		{tagFillOrder, 0, "as fill order", 1, 1},
		{tagPredictor, 0, "as predictor", 1, 1},
		{tagTileWidth, 0, "columns a tile", 0, 0},
	} {
		all, _ := d.entry(c.tag)
		v, ok := all.uint(c.index)
		if !ok {
			v = c.unset
		}
		if v != c.want {
			return h, fmt.Errorf("YCbCr colours with %d %s are not supported yet", v, c.what)
		}
	}
	_, err := d.yccLayout(h)
	return h, err
}

// yccLayout reads how the pixels of a picture of the size in h are stored, with the defaults of
// TIFF 6.0: subsampling 2 x 2, one strip, not compressed. It refuses subsampling other than 1, 2 or
// 4 and compressions that unpack does not know.
func (d ifd) yccLayout(h header) (yccTIFF, error) {
	t := yccTIFF{width: h.width, height: h.height, across: 2, down: 2, rows: h.height, compression: compressNone}
	if v, ok := d.entry(tagSubsampling); ok {
		x, _ := v.uint(0)
		y, _ := v.uint(1)
		t.across, t.down = int64(x), int64(y)
	}
	for _, n := range []int64{t.across, t.down} {
		if n != 1 && n != 2 && n != 4 {
			return t, fmt.Errorf("chroma subsampling %d x %d", t.across, t.down)
		}
	}
	if c, ok := d.uint(tagCompression); ok {
		t.compression = c
	}
	if unpackRatios[t.compression] == 0 {
		return t, fmt.Errorf("YCbCr colours with compression %d are not supported yet", t.compression)
	}
	if rows, _ := d.uint(tagRowsPerStrip); rows != 0 {
		t.rows = min(int64(rows), t.height)
	}
	t.offsets, _ = d.entry(tagStripOffsets)
	t.counts, _ = d.entry(tagStripCounts)
	return t, nil
}

// size returns the bytes of the given number of rows, 1 or more, when decompressed. Data units hang
// over the right edge and below the last row of a strip.
func (t yccTIFF) size(rows int64) int64 {
	return ceilDiv(t.width, t.across) * ceilDiv(rows, t.down) * (t.across*t.down + 2)
}

// ceilDiv returns a/b rounded up, for a of 1 or more.
func ceilDiv(a, b int64) int64 { return (a-1)/b + 1 }

// yccPixels decodes the picture, whose size in h was held against the limits. It allocates pixels
// only if the data could hold them and every strip lies within it. A damaged strip is an error.
func (d ifd) yccPixels(h header) (*image.NRGBA, error) {
	if maxPixels := int64(math.MaxInt / 4); h.width > maxPixels/h.height {
		return nil, &LimitError{What: "pixels", Got: h.width * h.height, Max: maxPixels}
	}
	t, err := d.yccLayout(h)
	if err != nil {
		return nil, err
	}
	colours, err := d.yccColours()
	if err != nil {
		return nil, err
	}
	if t.size(t.height)/unpackRatios[t.compression] > int64(len(d.data)) {
		return nil, cannotHold(int64(len(d.data)), h)
	}
	strips := int(ceilDiv(t.height, t.rows))
	for i := range strips { // all of them before room is made for pixels
		if _, err := t.strip(d.data, i); err != nil {
			return nil, err
		}
	}
	img := image.NewNRGBA(image.Rect(0, 0, int(t.width), int(t.height)))
	buf := make([]byte, t.size(t.rows))
	for i := range strips {
		y := int64(i) * t.rows
		rows := min(t.rows, t.height-y)
		packed, _ := t.strip(d.data, i)
		units := buf[:t.size(rows)]
		if err := unpack(units, packed, t.compression); err != nil {
			return nil, err
		}
		t.paint(img.Pix[4*t.width*y:4*t.width*(y+rows)], units, colours)
	}
	return img, nil
}

// strip returns the compressed bytes of strip i, from 0, within data. A strip without offset or
// size is an error, and a strip beyond the data is io.ErrUnexpectedEOF.
func (t yccTIFF) strip(data []byte, i int) ([]byte, error) {
	offset, ok := t.offsets.uint(i)
	count, counted := t.counts.uint(i)
	if !ok || !counted {
		return nil, fmt.Errorf("nothing says where strip %d lies", i)
	}
	end := int64(offset) + int64(count)
	if end > int64(len(data)) {
		return nil, io.ErrUnexpectedEOF
	}
	return data[offset:end], nil
}

// paint converts the data units of some whole rows to opaque pixels; pix is these rows, four bytes
// a pixel. Samples that hang over an edge are dropped. One chroma sample serves its whole unit, as
// in libtiff, no matter where tag 531 places it.
func (t yccTIFF) paint(pix, units []byte, c *yccColours) {
	lumas, stride := t.across*t.down, 4*t.width
	for ; len(pix) > 0; pix = pix[min(t.down*stride, int64(len(pix))):] {
		for x0 := int64(0); x0 < t.width; x0 += t.across {
			unit := units[:lumas+2]
			units = units[lumas+2:]
			cb, cr := unit[lumas], unit[lumas+1]
			red, green, blue := c.crRed[cr], c.cbGreen[cb]+c.crGreen[cr], c.cbBlue[cb]
			for i, luma := range unit[:lumas] {
				x, at := x0+int64(i)%t.across, int64(i)/t.across*stride
				if x >= t.width || at >= int64(len(pix)) {
					continue
				}
				l, to := c.luma[luma], pix[at+4*x:at+4*x+4]
				to[0], to[1], to[2], to[3] = clamp8((l+red)>>16), clamp8((l-green)>>16), clamp8((l+blue)>>16), 255
			}
		}
	}
}
