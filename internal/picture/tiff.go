package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/tiff"
)

// Tags of TIFF 6.0 (section 8 and appendix A) and DNG 1.4 that are looked at.
const (
	tagSubfileType    = 254
	tagWidth          = 256
	tagLength         = 257
	tagBitsPerSample  = 258
	tagCompression    = 259
	tagPhotometric    = 262
	tagStripOffsets   = 273
	tagSamples        = 277
	tagRowsPerStrip   = 278
	tagStripCounts    = 279
	tagPlanarConfig   = 284
	tagFaxOptions     = 292 // T4Options
	tagTileWidth      = 322
	tagTileLength     = 323
	tagTileOffsets    = 324
	tagTileCounts     = 325
	tagFurtherSamples = 338 // ExtraSamples
	tagJPEGTables     = 347
	tagThumbnail      = 513 // JPEGInterchangeFormat
	tagDNGVersion     = 50706
)

// Colour models and compressions (TIFF 6.0, tags 262 and 259).
const (
	modelWhiteIsZero = 0
	modelBlackIsZero = 1
	modelColours     = 2
	modelYCC         = 6

	compressFax3 = 3
	compressFax4 = 4
	compressJPEG = 7
)

// Names for the compressions and colour models of TIFF that are met in the wild and not decoded.
var (
	tiffCompressions = map[uint32]string{
		2: "fax (modified Huffman)", 6: "old-style JPEG", 34712: "JPEG 2000", 34892: "lossy JPEG",
		34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
	}
	tiffModels = map[uint32]string{5: "CMYK", 8: "CIELab", 32803: "colour filter array"}
)

// tiffHeader reads size, orientation and number of pages of the first picture. It refuses what no
// decoder here reads, and strips or tiles that cost too much, see checkBlocks.
func tiffHeader(data []byte) (header, error) {
	d, ok := firstIFD(data)
	if !ok {
		return header{}, errTruncated
	}
	if err := unsupportedTIFF(d, data); err != nil {
		return header{}, err
	}
	var h header
	var err error
	if has(d, tagCompression, compressJPEG) {
		var t *jpegBlocks
		t, err = readBlocks(d)
		h = header{width: t.width, height: t.height, decoder: jpegInTIFF}
	} else {
		h, err = config(tiff.DecodeConfig, data)
	}
	if err != nil {
		return h, err
	}
	pages, _ := tiffPages(d)
	h.orientation, h.pages = d.orientation(), len(pages)
	return h, checkBlocks(d, h)
}

// unsupportedTIFF returns an error that names the kind of file, compression or colours, if no decoder
// here reads it. data is the whole file.
func unsupportedTIFF(d ifd, data []byte) error {
	_, dng := d.uint(tagDNGVersion)
	subfile, _ := d.uint(tagSubfileType)
	if dng || subfile&1 != 0 || len(data) > 10 && string(data[8:10]) == "CR" {
		// The first picture of such a file is a preview of the true one.
		return errors.New("camera raw (DNG, NEF, CR2, …) is not supported yet")
	}
	compression, _ := d.uint(tagCompression)
	if name := tiffCompressions[compression]; name != "" {
		return fmt.Errorf("%s compression is not supported yet", name)
	}
	model, _ := d.uint(tagPhotometric)
	if name := tiffModels[model]; name != "" {
		return fmt.Errorf("%s colours are not supported yet", name)
	}
	if model == modelYCC && compression != compressJPEG {
		return errors.New("YCbCr colours without JPEG are not supported yet")
	}
	samples, ok := d.uint(tagSamples)
	if !ok {
		samples = 1
	}
	if samples > 1 && has(d, tagPlanarConfig, 2) {
		return errors.New("separate planes are not supported yet")
	}
	depths, _ := d.entry(tagBitsPerSample)
	for i := range int(min(samples, 16)) {
		if v, ok := depths.uint(i); ok && !has(d, tagBitsPerSample, v) {
			return errors.New("samples of different depths are not supported yet")
		}
	}
	alpha := compression != compressJPEG && (has(d, tagFurtherSamples, 1) || has(d, tagFurtherSamples, 2))
	if samples != 1 && (model != modelColours && model != modelYCC || samples != 3 && !(samples == 4 && alpha)) {
		return fmt.Errorf("%d samples a pixel in colour model %d are not supported yet", samples, model)
	}
	if options, _ := d.uint(tagFaxOptions); compression == compressFax3 && options&1 != 0 {
		return errors.New("faxes in two dimensions (Group 3 2-D) are not supported yet")
	}
	return nil
}

// has reports whether the first value of a tag is v.
func has(d ifd, tag uint16, v uint32) bool {
	n, ok := d.uint(tag)
	return ok && n == v
}

// isPage reports whether a directory is a page: neither a preview (bit 0 of the subfile type), a mask (bit
// 2) nor a thumbnail as EXIF has it, which tag 513 points to.
func isPage(d ifd) bool {
	subfile, _ := d.uint(tagSubfileType)
	_, thumbnail := d.entry(tagThumbnail)
	return subfile&5 == 0 && !thumbnail
}

// checkBlocks refuses strips and tiles that cost more than the pixels of h do: the decoder makes
// room for whole tiles, also where they hang over the edge. Too many blocks give a *LimitError,
// tiles too large for the picture a plain error. It does not check the picture's own size.
func checkBlocks(d ifd, h header) error {
	if h.width <= 0 || h.height <= 0 {
		return nil // for header.check
	}
	tw, _ := d.uint(tagTileWidth)
	th, _ := d.uint(tagTileLength)
	if tw == 0 {
		rows, _ := d.uint(tagRowsPerStrip)
		if rows == 0 {
			return nil
		}
		if n := (h.height-1)/int64(rows) + 1; n > maxBlocks {
			return &LimitError{What: "strips", Got: n, Max: maxBlocks}
		}
		return nil
	}
	w, ht := int64(tw), int64(th)
	if ht == 0 {
		return errors.New("tiles without height")
	}
	// Tiles of a picture that is within the limits are so too if they do
	// not hang over by more than their rounding to 16.
	if (w > h.width+15 || ht > h.height+15 || w > 2*h.width || ht > 2*h.height) && w > freeTile/ht {
		return fmt.Errorf("tiles of %d x %d pixels in a picture of %d x %d", w, ht, h.width, h.height)
	}
	across, down := (h.width-1)/w+1, (h.height-1)/ht+1
	if across > maxBlocks/down {
		return &LimitError{What: "tiles", Got: across * down, Max: maxBlocks}
	}
	// Tiles may share their bytes: a small file can have many that the picture does not show.
	if h.width <= math.MaxInt32/h.height { // else for header.check
		if all, limit := across*w*down*ht, max(freeTiles, 2*h.width*h.height); all > limit {
			return &LimitError{What: "pixels in all tiles", Got: all, Max: limit}
		}
	}
	return nil
}

// tiffPixels decodes the first picture of a TIFF, of the size in h, not yet upright. It repairs colour
// maps, see widenPalette.
func tiffPixels(data []byte, h *header) (*image.NRGBA, error) {
	d, _ := firstIFD(data)
	if h.decoder == jpegInTIFF {
		t, err := readBlocks(d)
		if err != nil {
			return nil, err
		}
		return t.pixels(*h)
	}
	img, err := pixels(tiff.Decode, data)
	if err != nil {
		return nil, err
	}
	switch p := img.(type) {
	case *image.Paletted:
		widenPalette(p.Palette)
	case *image.Gray: // x/image/tiff takes the codes of a fax for colours: black is 0 in both models
		if has(d, tagPhotometric, modelBlackIsZero) && (has(d, tagCompression, compressFax3) || has(d, tagCompression, compressFax4)) {
			for i := range p.Pix {
				p.Pix[i] = 255 - p.Pix[i]
			}
		}
	}
	return ToNRGBA(img), nil
}

// widenPalette repairs colour maps of old writers that stored 8 bits a channel instead of 16. A
// map that is almost black is taken for such a map.
func widenPalette(p color.Palette) {
	for _, c := range p {
		if c, ok := c.(color.RGBA64); !ok || c.R > 255 || c.G > 255 || c.B > 255 {
			return
		}
	}
	for i, c := range p {
		c := c.(color.RGBA64)
		p[i] = color.RGBA64{c.R * 257, c.G * 257, c.B * 257, c.A}
	}
}
