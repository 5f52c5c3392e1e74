// Package codec is what the formats of pictures share: what the header of a file says, how a file was written, and errors.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/pixel"
)

// ErrTruncated is the error of files that end before the picture does.
var ErrTruncated = errors.New("truncated: unexpected EOF")

// A Header is what a file says of itself before any pixel is decoded.
type Header struct {
	Width, Height int64  // of the whole canvas
	Orientation   int    // 1 to 8; anything else counts as 1
	Pages         int    // pictures in the file; less than 1 counts as 1
	Truncated     bool   // the file ends before the picture does
	Animated      bool   // of WebP: frames on a canvas
	Progressive   bool   // of JPEG: all coefficients are in memory
	Scans         int64  // of JPEG: each is as much work as a picture
	NoEnd         bool   // of JPEG: there is no end marker
	Damaged       bool   // of JPEG: image/jpeg does not decode it
	Incomplete    string // what a damaged picture lacks, set as it is decoded
	Palette       int    // colours stored, where the decoder does not check indexes
	Decoder       string // import path, if not the format's

	// Of formats that Limits.Decode decodes. Width and Height then are the size of the coded picture.
	Crop    image.Rectangle // of the coded picture; empty: all of it
	Turned  bool            // the decoder applies crop and orientation
	Colours pixel.Coding    // of an *image.YCbCr or *image.Gray
}

// Config reads a header with the decoder f of another module.
func Config(f func(io.Reader) (image.Config, error), data []byte) (Header, error) {
	c, err := Guard(f, data)
	return Header{Width: int64(c.Width), Height: int64(c.Height)}, err
}

// Guard calls f, a decoder of another module, on data, and turns a panic into an error. out and err
// are otherwise what f returns. It surrounds no code of our own.
func Guard[T any](f func(io.Reader) (T, error), data []byte) (out T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decoder failed: %v", r)
		}
	}()
	return f(bytes.NewReader(data))
}

// CannotHold is the error for headers that promise more than the data behind
// them could hold, at a format's best compression.
func CannotHold(data int64, h Header) error {
	return fmt.Errorf("truncated: %d bytes cannot hold %d x %d pixels", data, h.Width, h.Height)
}

// ErrNoPlace means that an encoder wrote another beginning than it always does.
var ErrNoPlace = errors.New("found no place for the metadata")

// Splice returns file with extra inserted at an offset, or file itself if extra is empty.
func Splice(file []byte, at int, extra []byte) []byte {
	if len(extra) == 0 {
		return file
	}
	return bytes.Join([][]byte{file[:at], extra, file[at:]}, nil)
}

// Sentinels for errors.Is; errors.As gives the typed errors below.
var (
	ErrFormat = errors.New("picture: not a readable picture")
	ErrLimit  = errors.New("picture: over a limit")
)

// A Kind says what bytes are that cannot be read as a picture.
type Kind int

// Kinds of content that cannot be read as a picture.
const (
	Broken      Kind = iota // a picture that is damaged, or that no encoder can write
	Unsupported             // a picture, or a document of pictures, of a format that is not read
	NoPicture               // another known kind of file, such as a program
	Sound                   // a sound or a font, whose bytes look encrypted
	Text                    // a text, or a database
	Archive                 // an archive that holds files
	Unknown                 // nothing that is known, or no bytes at all
	Video                   // a video, whose pictures are not read
	Readable                // a picture that has a decoder
)

// A FormatError says why bytes are not a picture that can be read.
type FormatError struct {
	// Format names the decoder that refused ("jpeg"). It is empty when the bytes belong to none of the formats that are
	// decoded; Reason then says what they are.
	Format string
	Reason string
	Kind   Kind
}

func (e *FormatError) Error() string {
	if e.Format == "" {
		return e.Reason
	}
	return e.Format + ": " + e.Reason
}

func (e *FormatError) Is(target error) bool { return target == ErrFormat }

// MemoryBytes is what a picture has too many of if there is not memory enough for it.
const MemoryBytes = "bytes of memory"

// A LimitError says which of the Limits a file is over.
type LimitError struct {
	What     string // "bytes", "pixels", "pages" or MemoryBytes, for example
	Got, Max int64  // Got is Max+1 when a stream of unknown length went over
}

func (e *LimitError) Error() string {
	switch {
	case e.What == "bytes" && e.Got == e.Max+1:
		return fmt.Sprintf("file is larger than the limit of %d bytes", e.Max)
	case e.What == "bytes":
		return fmt.Sprintf("file has %d bytes, limit is %d", e.Got, e.Max)
	case e.What == MemoryBytes:
		return fmt.Sprintf("picture needs %d MB of memory, limit is %d MB (--max-memory)", (e.Got+999_999)/1_000_000, e.Max/1_000_000)
	case e.What == "pages" && e.Got > e.Max:
		return fmt.Sprintf("file has more than %d pages", e.Max)
	}
	return fmt.Sprintf("picture has %d %s, limit is %d", e.Got, e.What, e.Max)
}

func (e *LimitError) Is(target error) bool { return target == ErrLimit }

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
