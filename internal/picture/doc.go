// Package picture turns files into pixels and back. Decode gives an upright 8-bit *image.NRGBA
// and what evidence needs to know of the file; EncodeLike writes pixels like a given source.
//
// Every byte from outside is hostile:
//
//   - The content says what a file is, not its name. Magic bytes must be at the very beginning.
//     A viewer that refuses junk before them never showed the picture. A search for a JPEG
//     inside the bytes would also open archives, PDFs and HEIC files by their thumbnails. Bytes
//     behind the picture's end (gain maps, a camera's second picture) are ignored here, and found by package dump.
//   - Headers are held against the limits before pixels are allocated. For JPEG, PNG, BMP and
//     JPEG in TIFF Decode also checks whether the data could hold that many pixels. Decoding
//     allocates at most 56 bytes a pixel (16-bit TIFF in one strip; a JPEG 7, a progressive
//     one 19), and at most 4 MiB for a colour profile.
//   - A picture is complete or an error.
//   - A panic in a decoder of others becomes a *FormatError. They run on the caller's goroutine.
//
// Decode applies the orientation (EXIF in JPEG, PNG and WebP, tag 274 in TIFF, boxes in HEIC and AVIF) and ignores
// colour profiles: hash and mark use the stored numbers. The experiment "colour" of the bench measures what that costs.
// A screenshot of a picture in Display P3 or Adobe RGB has a hash 14 bits of 256 away or less, where 31 match. Its mark
// is read and traced. EncodeLike passes the profile on. Picture.Source says how the file was written, and holds the
// little metadata that a copy may carry. Conversions are in integers, so pixels are the same on every machine. They may
// differ between releases of a decoder; Picture.Decoder records the release.
package picture
