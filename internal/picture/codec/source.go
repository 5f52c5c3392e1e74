package codec

import (
	"image"
	"io"

	"github.com/kycmark/kycmark/internal/picture/ifd"
)

// A WebPEncoder writes an opaque upright picture as lossy WebP, quality 0 to 100. Profile and
// EXIF block are written if they are not empty.
type WebPEncoder func(w io.Writer, img *image.NRGBA, quality int, icc, exif []byte) error

// LikeOptions change what picture.EncodeLike takes over. The zero value changes nothing.
type LikeOptions struct {
	Format   string // "jpeg", "png", "webp", "tiff" or "bmp"; "" is the source's, if it is one of these
	Quality  int    // of JPEG, 1 to 100, or of WebP of like quality; 0 is LikeQuality
	KeepEXIF bool   // in all but BMP: the fields that package ifd allows

	WebP WebPEncoder // nil: there is no WebP
}

// LikeQuality returns the JPEG quality, 1 to 100, of a copy of the given size: that of its source,
// raised to MinQualityLike, or to MinQualityLarge for a large copy. It is DefaultQuality if the
// source is no JPEG or has an unknown quality.
func (s Source) LikeQuality(size image.Rectangle) int {
	if s.Quality == 0 {
		return DefaultQuality
	}
	return max(s.Quality, MinQuality(size))
}

// MinQuality returns the lowest JPEG quality for a copy of the given size.
func MinQuality(size image.Rectangle) int {
	if max(size.Dx(), size.Dy()) >= Large {
		return MinQualityLarge
	}
	return MinQualityLike
}

// A Source says how a file was written, as far as a copy needs to look like it. The zero value says nothing.
type Source struct {
	Format      string      // as Picture.Format
	Quality     int         // of a JPEG, 1 to 100 on the scale of the Independent JPEG Group; 0: not known
	Subsampling Subsampling // of a JPEG
	Progressive bool        // of a JPEG
	Gray        bool        // no colours are stored, in JPEG, PNG or TIFF

	// ICC is the colour profile, byte for byte as it was stored, where it describes RGB or grey pixels and has at most
	// 4 MiB. Profiles of inks are left out: the pixels are not inks any more. If a HEIC, an AVIF or EXIF names the
	// colours, it is a profile of ours that says the same.
	ICC []byte

	Fitted bool        // the JPEG has Huffman codes of its own
	Coded  int         // bytes of the JPEG's coded pixels
	Pixels int         // coded
	Colour []byte      // chunks of a PNG that say its colours in other words than a profile
	EXIF   []ifd.Field // fields that a copy may carry, see package ifd
}

// Subsampling is how much of a JPEG's colour is stored, in the customary
// notation. What has no such name counts as the next finer one.
type Subsampling uint8

// The zero Subsampling is that of a file that is no JPEG.
const (
	Sub444  Subsampling = iota + 1 // colour for each pixel
	Sub422                         // half of it across
	Sub440                         // half of it down
	Sub420                         // half of it both ways
	SubGray                        // none
)
