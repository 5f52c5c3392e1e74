package picture

import (
	"bytes"

	"github.com/disintegration/imaging"
)

const (
	// minThumbnail is the long side of a thumbnail from which it is a picture of its own, pixels. Cameras write
	// 160 x 120, telephones up to 512 x 384. Chosen.
	minThumbnail = 320

	minThumbnailPixels = minThumbnail * minThumbnail / 3

	thumbnailCells = 16 // a side, at which a thumbnail and its picture are compared
	thumbnailOff   = 40 // grey levels by which a cell differs if something was covered or cut off. Chosen.
)

// HasThumbnail reports whether a file may have a thumbnail for [Thumbnail], by its first [Head] bytes.
func HasThumbnail(head []byte) bool {
	t := exifThumbnail(head)
	return len(t) > 2 && outlineJPEG(t).pixels >= minThumbnailPixels
}

// Thumbnail returns the file of the thumbnail in a JPEG's EXIF if it shows something else than the JPEG does:
// editors that cover or cut a picture may leave the old thumbnail. It is nil for smaller thumbnails than
// [minThumbnail], and for other files. A JPEG that cannot be decoded shows nothing.
func Thumbnail(data []byte) []byte {
	file := exifThumbnail(data)
	thumb, err := Decode(file, Limits{})
	if err != nil || max(thumb.Image.Rect.Dx(), thumb.Image.Rect.Dy()) < minThumbnail {
		return nil
	}
	whole, err := OnePage(data).Reduced(1, Limits{}, 1)
	if err != nil {
		return file
	}
	a := imaging.Grayscale(imaging.Resize(whole.Image, thumbnailCells, thumbnailCells, imaging.Box))
	b := imaging.Grayscale(imaging.Resize(Upright(thumb.Image, whole.Orientation), thumbnailCells, thumbnailCells, imaging.Box))
	for i := 0; i < len(a.Pix); i += 4 {
		if d := int(a.Pix[i]) - int(b.Pix[i]); d > thumbnailOff || d < -thumbnailOff {
			return file
		}
	}
	return nil
}

// exifThumbnail returns the JPEG that the second directory of a JPEG's EXIF points to, or what data has of it; nil: none.
func exifThumbnail(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte("\xff\xd8\xff")) {
		return nil
	}
	first, ok := firstIFD(bytes.TrimPrefix(outlineJPEG(data).exif, []byte("Exif\x00\x00")))
	if !ok || first.next == 0 {
		return nil
	}
	second, _ := first.at(first.next)
	at, _ := second.uint(tagThumbnail)
	n, _ := second.uint(tagThumbnail + 1) // JPEGInterchangeFormatLength
	if from, size := int64(at), int64(len(first.data)); from > 0 && from < size {
		return first.data[from:min(from+int64(n), size)]
	}
	return nil
}
