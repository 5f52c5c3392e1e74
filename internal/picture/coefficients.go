package picture

import (
	"crypto/sha256"
	"image"

	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/ifd"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
)

// JPEG reads the header of a JPEG whose copies can be marked in its coefficients: its quality is minCoded at least, or
// codec.MinQualityLarge in a large one. The Picture has no Image, and size is that of the stored pixels. ok is false for all
// other files, also for broken ones: then [Decode] them. Limits of 0 are the defaults.
func JPEG(data []byte, lim Limits) (pic *Picture, size image.Point, ok bool) {
	pic, size, ok = jpegHead(data, lim)
	return pic, size, ok && pic.Source.Quality >= min(codec.MinQuality(image.Rectangle{Max: size}), minCoded)
}

// Steps says how copies of page k are written if it is a JPEG. coded is its file if they are marked in its coefficients:
// it is the only page. quality is that of copies marked in pixels. All are zero for other pages.
func (d *Document) Steps(k int, lim Limits) (coded []byte, orientation, quality int) {
	data := d.Page(k)
	pic, size, ok := JPEG(data, lim)
	if pic == nil {
		return nil, 0, 0
	}
	if ok && d.Pages() == 1 && d.PDF(k) == nil {
		coded = data
	}
	return coded, pic.Orientation, pic.Source.LikeQuality(image.Rectangle{Max: size})
}

// jpegHead is JPEG for any quality.
func jpegHead(data []byte, lim Limits) (pic *Picture, size image.Point, ok bool) {
	lim = lim.orDefault()
	f, err := sniff(data)
	if err != nil || f.name != "jpeg" || int64(len(data)) > lim.MaxBytes {
		return nil, size, false
	}
	h, err := f.admitted(data, lim)
	if err != nil || h.NoEnd || h.Damaged {
		return nil, size, false
	}
	return &Picture{
		Format: f.name, Orientation: h.Orientation, Pages: h.Pages, Decoder: DecoderVersion(f.decoder),
		SHA256: sha256.Sum256(data), Size: int64(len(data)), Source: f.readSource(data),
	}, image.Pt(int(h.Width), int(h.Height)), true
}

// reducedSide is the long side that a reduced picture has at least, pixels.
const reducedSide = 512

// Reduced is [Document.Picture] for hashes. A JPEG comes at 1/2, 1/4 or 1/8 of its size, read from its coefficients, if
// its long side then has reducedSide pixels at least. It also has Whole, and Nearest of step pixels a side, less than its long side.
// Other files are decoded as by Picture, also those whose coefficients are not read.
func (d *Document) Reduced(k int, lim Limits, step int) (*Picture, error) {
	if len(d.pdf) == 0 {
		if pic := reduced(d.Page(k), lim, step); pic != nil {
			return pic, nil
		}
	}
	return d.Picture(k, lim)
}

// reduced returns a JPEG as [Document.Reduced] does, and nil if all its pixels must be decoded.
func reduced(data []byte, lim Limits, step int) *Picture {
	pic, size, ok := jpegHead(data, lim)
	n, long := 1, max(size.X, size.Y)
	for n < 8 && long*n < 8*reducedSide {
		n *= 2
	}
	if !ok || n == 8 || long <= step {
		return nil
	}
	p, err := jpegcoef.Read(data, size.X*size.Y)
	if err != nil {
		return nil
	}
	w, h := p.Size(n)
	small, nearest := image.NewNRGBA(image.Rect(0, 0, w, h)), image.NewNRGBA(image.Rect(0, 0, step, step))
	rows := small.Pix
	o := pic.Orientation
	xs, ys := nearestOf(size.X, step, o == 2 || o == 3 || o > 6), nearestOf(size.Y, step, o == 3 || o == 4 || o == 6 || o == 7)
	if p.Each(p.Samples(nearest, xs, ys), p.Rows(n, func(row []uint8) { rows = rows[copy(rows, row):] })) != nil {
		return nil
	}
	pic.Image, pic.Nearest, pic.Whole, pic.Decoder = Upright(small, o), Upright(nearest, o), size, DecoderVersion(jpeg.CoefficientReader)
	if o > 4 {
		pic.Whole = image.Pt(size.Y, size.X)
	}
	return pic
}

// nearestOf returns m of n positions in rising order, equally spaced and rounded down; counted from the last if mirrored.
func nearestOf(n, m int, mirrored bool) []int {
	at := make([]int, m)
	for i := range at {
		if at[i] = i * n / m; mirrored {
			at[i] = n - 1 - (m-1-i)*n/m
		}
	}
	return at
}

// Dress returns file, a JPEG stored as pic is and without metadata, like [EncodeLike] writes: with the colour profile, the
// orientation and, with keepEXIF, the EXIF of LikeOptions. size is that of the stored pixels. The file is not turned
// upright, since turning it would lose what no block holds whole.
func Dress(pic *Picture, file []byte, size image.Point, keepEXIF bool) ([]byte, error) {
	src := pic.Source
	if !keepEXIF {
		src.EXIF = nil
	}
	stored := image.Rectangle{Max: size}
	return jpeg.Insert(src, file, ifd.Block(src.EXIF, stored, pic.Orientation), stored)
}
