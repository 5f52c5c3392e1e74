// Package tiff reads and writes TIFF, of one page or several.
package tiff

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/icc"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// Describe sets Gray and the profile of a TIFF, as far as its first directory says. It returns the
// file itself, which is built like an EXIF block.
func Describe(s *codec.Source, data []byte) []byte {
	if d, ok := ifd.First(data); ok {
		model, ok := d.Uint(tagPhotometric)
		s.Gray = ok && model <= modelBlackIsZero
		if e, _ := d.Entry(ifd.TagICC); e.Whole {
			s.ICC = icc.Keep(e.Raw)
		}
	}
	return data
}

// Tags of TIFF 6.0 (section 8 and appendix A) and DNG 1.4 that are looked at.
const (
	tagSubfileType    = 254
	TagWidth          = 256
	TagLength         = 257
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
	compressions = map[uint32]string{
		2: "fax (modified Huffman)", 6: "old-style JPEG", 34712: "JPEG 2000", 34892: "lossy JPEG",
		34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
	}
	models = map[uint32]string{5: "CMYK", 8: "CIELab", 32803: "colour filter array"}
)

// Header reads size, orientation and number of pages of the first picture. It refuses what no
// decoder here reads, and strips or tiles that cost too much, see checkBlocks.
func Header(data []byte) (codec.Header, error) {
	d, ok := ifd.First(data)
	if !ok {
		return codec.Header{}, codec.ErrTruncated
	}
	if err := Unsupported(d, data); err != nil {
		return codec.Header{}, err
	}
	var h codec.Header
	var err error
	if has(d, tagCompression, compressJPEG) {
		var t *jpegBlocks
		t, err = readBlocks(d)
		h = codec.Header{Width: t.width, Height: t.height, Decoder: jpegInTIFF}
	} else {
		h, err = codec.Config(tiff.DecodeConfig, data)
	}
	if err != nil {
		return h, err
	}
	pages, _ := Pages(d)
	h.Orientation, h.Pages = d.Orientation(), len(pages)
	return h, checkBlocks(d, h)
}

// Raw reports whether a file with this first directory is camera raw: its first picture is a preview of the true one.
func Raw(d ifd.Directory, data []byte) bool {
	_, dng := d.Uint(tagDNGVersion)
	subfile, _ := d.Uint(tagSubfileType)
	return dng || subfile&1 != 0 || len(data) > 10 && string(data[8:10]) == "CR"
}

// Unsupported returns an error that names the kind of file, compression or colours, if no decoder
// here reads it. data is the whole file.
func Unsupported(d ifd.Directory, data []byte) error {
	if Raw(d, data) {
		return errors.New("camera raw (DNG, NEF, CR2, …) is not supported yet")
	}
	compression, _ := d.Uint(tagCompression)
	if name := compressions[compression]; name != "" {
		return fmt.Errorf("%s compression is not supported yet", name)
	}
	model, _ := d.Uint(tagPhotometric)
	if name := models[model]; name != "" {
		return fmt.Errorf("%s colours are not supported yet", name)
	}
	if model == modelYCC && compression != compressJPEG {
		return errors.New("YCbCr colours without JPEG are not supported yet")
	}
	samples, ok := d.Uint(tagSamples)
	if !ok {
		samples = 1
	}
	if samples > 1 && has(d, tagPlanarConfig, 2) {
		return errors.New("separate planes are not supported yet")
	}
	depths, _ := d.Entry(tagBitsPerSample)
	for i := range int(min(samples, 16)) {
		if v, ok := depths.Uint(i); ok && !has(d, tagBitsPerSample, v) {
			return errors.New("samples of different depths are not supported yet")
		}
	}
	alpha := compression != compressJPEG && (has(d, tagFurtherSamples, 1) || has(d, tagFurtherSamples, 2))
	if samples != 1 && (model != modelColours && model != modelYCC || samples != 3 && !(samples == 4 && alpha)) {
		return fmt.Errorf("%d samples a pixel in colour model %d are not supported yet", samples, model)
	}
	if options, _ := d.Uint(tagFaxOptions); compression == compressFax3 && options&1 != 0 {
		return errors.New("faxes in two dimensions (Group 3 2-D) are not supported yet")
	}
	return nil
}

func has(d ifd.Directory, tag uint16, v uint32) bool {
	n, ok := d.Uint(tag)
	return ok && n == v
}

// checkBlocks refuses strips and tiles that cost more than the pixels of h do: the decoder makes
// room for whole tiles, also where they hang over the edge. Too many blocks give a *codec.LimitError,
// tiles too large for the picture a plain error. It does not check the picture's own size.
func checkBlocks(d ifd.Directory, h codec.Header) error {
	if h.Width <= 0 || h.Height <= 0 {
		return nil // for header.check
	}
	tw, _ := d.Uint(tagTileWidth)
	th, _ := d.Uint(tagTileLength)
	if tw == 0 {
		rows, _ := d.Uint(tagRowsPerStrip)
		if rows == 0 {
			return nil
		}
		if n := (h.Height-1)/int64(rows) + 1; n > maxBlocks {
			return &codec.LimitError{What: "strips", Got: n, Max: maxBlocks}
		}
		return nil
	}
	w, ht := int64(tw), int64(th)
	if ht == 0 {
		return errors.New("tiles without height")
	}
	// Tiles of a picture that is within the limits are so too if they do not hang over by more than their rounding to 16.
	if (w > h.Width+15 || ht > h.Height+15 || w > 2*h.Width || ht > 2*h.Height) && w > freeTile/ht {
		return fmt.Errorf("tiles of %d x %d pixels in a picture of %d x %d", w, ht, h.Width, h.Height)
	}
	across, down := (h.Width-1)/w+1, (h.Height-1)/ht+1
	if across > maxBlocks/down {
		return &codec.LimitError{What: "tiles", Got: across * down, Max: maxBlocks}
	}
	// Tiles may share their bytes: a small file can have many that the picture does not show.
	if h.Width <= math.MaxInt32/h.Height { // else for header.check
		if all, limit := across*w*down*ht, max(freeTiles, 2*h.Width*h.Height); all > limit {
			return &codec.LimitError{What: "pixels in all tiles", Got: all, Max: limit}
		}
	}
	return nil
}

// Pixels decodes the first picture of a TIFF, of the size in h, not yet upright, with repaired colour maps.
func Pixels(data []byte, h *codec.Header) (*image.NRGBA, error) {
	d, _ := ifd.First(data)
	if h.Decoder == jpegInTIFF {
		t, err := readBlocks(d)
		if err != nil {
			return nil, err
		}
		return t.pixels(*h)
	}
	img, err := codec.Guard(tiff.Decode, data)
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
	return pixel.ToNRGBA(img), nil
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

// Pages returns the directories of the chain from d on that are pages: d, and all others for which
// isPage is true. The error is a *codec.LimitError for more than [codec.MaxPages] pages or [maxIFDs] directories. It is a *codec.FormatError if
// a directory lies beyond the data, or is linked twice. With an error, pages go up to there: the last may be the directory at fault.
func Pages(d ifd.Directory) (pages []ifd.Directory, err error) {
	seen := make(map[uint32]bool)
	for n := 1; ; n++ {
		switch {
		case seen[d.Offset]:
			return pages, &codec.FormatError{Format: "tiff", Reason: fmt.Sprintf("the list of pages leads back to byte %d", d.Offset)}
		case len(pages) == codec.MaxPages && isPage(d):
			return append(pages, d), &codec.LimitError{What: "pages", Got: codec.MaxPages + 1, Max: codec.MaxPages}
		case n > maxIFDs:
			return append(pages, d), &codec.LimitError{What: "directories", Got: int64(n), Max: maxIFDs}
		}
		seen[d.Offset] = true
		if n == 1 || isPage(d) {
			pages = append(pages, d)
		}
		if d.Next == 0 {
			return pages, nil
		}
		at, ok := d.Next, false
		if d, ok = d.At(at); !ok || d.Cut {
			return append(pages, d), &codec.FormatError{Format: "tiff", Reason: fmt.Sprintf("truncated: page %d lies at byte %d of %d", len(pages)+1, at, len(d.Data))}
		}
	}
}

// isPage reports whether a directory is a page: neither a preview (bit 0 of the subfile type), a mask (bit
// 2) nor a thumbnail as EXIF has it, which tag 513 points to.
func isPage(d ifd.Directory) bool {
	subfile, _ := d.Uint(tagSubfileType)
	_, thumbnail := d.Entry(tagThumbnail)
	return subfile&5 == 0 && !thumbnail
}
