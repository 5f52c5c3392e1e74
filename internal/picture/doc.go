// Package picture turns files into pixels and back: a file's bytes into an
// upright 8-bit *image.NRGBA with what evidence needs to know of its making,
// and pixels into a file.
//
// Every byte that it reads is taken for hostile:
//
//   - The content says what a file is, never its name. Magic bytes must stand
//     at the very beginning: junk before them is refused, since a viewer that
//     refuses it too never showed the picture, and a search for a JPEG inside
//     the bytes would open archives, PDFs and HEIC files by their thumbnails.
//     Bytes behind the picture's end (gain maps, a camera's second picture) are
//     ignored.
//   - Limits are checked against the headers before pixels are allocated, and
//     for JPEG, PNG, BMP and YCbCr in TIFF also whether the data could hold
//     that many pixels. Decoding a file allocates no more than 56 bytes a
//     pixel in all (16-bit TIFF in one strip; a JPEG takes 7, a progressive
//     one 19), and for a colour profile, of which at most 4 MiB are kept.
//   - A picture is whole or an error; truncated ones are never shown in part.
//   - A panic inside a decoder that is not ours becomes a *FormatError. All
//     decoders used run on the caller's goroutine, so none escapes.
//
// Orientation (EXIF in JPEG, PNG and WebP, tag 274 in TIFF) is applied once.
// Colour profiles are not: the stored numbers count, for hash and mark alike;
// EncodeLike passes the profile on with them. How the file was written, and the
// little of its metadata that may go with a copy, is in Picture.Source.
// All conversions are in integers, so pixels are the same on every machine;
// they may differ between releases of a decoder, which is why Picture.Decoder
// records it.
package picture
