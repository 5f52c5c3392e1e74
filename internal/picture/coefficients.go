package picture

import (
	"crypto/sha256"
	"image"

	"github.com/kycmark/kycmark/internal/jpegcoef"
)

// Coefficients reads a JPEG whose copies can be marked in its coefficients: it has the quality that copies must have, and
// is not to become another format. The Picture has no Image. ok is false for all other files, also for broken ones:
// then [Decode] them. Limits of 0 are the defaults.
func Coefficients(data []byte, lim Limits) (pic *Picture, p *jpegcoef.Picture, ok bool) {
	lim = lim.orDefault()
	f, err := sniff(data)
	if err != nil || f.name != "jpeg" || int64(len(data)) > lim.MaxBytes {
		return nil, nil, false
	}
	h, err := f.admitted(data, lim)
	if err != nil {
		return nil, nil, false
	}
	if p, err = jpegcoef.Read(data, int(min(lim.MaxPixels, 1<<31-1))); err != nil {
		return nil, nil, false
	}
	source := f.readSource(data)
	if source.Quality < minQuality(image.Rect(0, 0, p.W, p.H)) {
		return nil, nil, false
	}
	return &Picture{
		Format: f.name, Orientation: h.orientation, Pages: h.pages, Decoder: DecoderVersion(f.decoder),
		SHA256: sha256.Sum256(data), Size: int64(len(data)), Source: source,
	}, p, true
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
