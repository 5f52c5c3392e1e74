package picture

import (
	"crypto/sha256"
	"image"
)

// JPEG reads the header of a JPEG whose copies can be marked in its coefficients: it has the quality that copies must
// have. The Picture has no Image, and size is that of the stored pixels. ok is false for all other files, also for broken
// ones: then [Decode] them. Limits of 0 are the defaults.
func JPEG(data []byte, lim Limits) (pic *Picture, size image.Point, ok bool) {
	lim = lim.orDefault()
	f, err := sniff(data)
	if err != nil || f.name != "jpeg" || int64(len(data)) > lim.MaxBytes {
		return nil, size, false
	}
	h, err := f.admitted(data, lim)
	if err != nil {
		return nil, size, false
	}
	size = image.Pt(int(h.width), int(h.height))
	source := f.readSource(data)
	if source.Quality < minQuality(image.Rectangle{Max: size}) {
		return nil, size, false
	}
	return &Picture{
		Format: f.name, Orientation: h.orientation, Pages: h.pages, Decoder: DecoderVersion(f.decoder),
		SHA256: sha256.Sum256(data), Size: int64(len(data)), Source: source,
	}, size, true
}

// Dress returns file, a JPEG stored as pic is and without metadata, like [EncodeLike] writes: with the colour profile, the
// orientation and, with keepEXIF, the EXIF of LikeOptions. size is that of the stored pixels. The file is not turned
// upright, since turning it would lose what no block holds whole.
func Dress(pic *Picture, file []byte, size image.Point, keepEXIF bool) ([]byte, error) {
	src := pic.Source
	if !keepEXIF {
		src.exif = nil
	}
	stored := image.Rectangle{Max: size}
	return insertJPEG(src, file, src.exifBlock(stored, pic.Orientation), stored)
}
