package specimen

import (
	"fmt"
	"image"
)

// Template is a kind of document. Numbers are never reused: the numbers on a
// person's documents hang on them.
type Template uint8

// The templates. All are of the invented Republic of Utopia or its companies.
const (
	Passport  Template = iota + 1 // data page, ICAO TD3, 125 x 88 mm
	IDCard                        // identity card, front, ICAO TD1, 85.6 x 53.98 mm
	Licence                       // driving licence, front, ID-1, 85.6 x 53.98 mm
	Bill                          // electricity bill, A4 upright, 210 x 297 mm
	Residence                     // residence card with its zone, ICAO TD1, 85.6 x 53.98 mm
)

// form is what a template is made of: a template is added by adding one here.
type form struct {
	name          string
	width, height float64               // millimetres
	corner        float64               // radius of the corners, millimetres, transparent outside
	blank         func(*canvas)         // what all persons' documents share
	fill          func(*canvas, Person) // what is this person's
}

const id1Width, id1Height, id1Corner = 85.6, 53.98, 3.18 // ISO/IEC 7810

// form returns what the template is made of; the zero form and false for an unknown template.
func (t Template) form() (form, bool) {
	switch t {
	case Passport:
		return form{"passport", 125, 88, 0, passportBlank, passportFill}, true
	case IDCard:
		return form{"idcard", id1Width, id1Height, id1Corner, idCardBlank, idCardFill}, true
	case Licence:
		return form{"licence", id1Width, id1Height, id1Corner, licenceBlank, licenceFill}, true
	case Bill:
		return form{"bill", 210, 297, 0, billBlank, billFill}, true
	case Residence:
		return form{"residence", id1Width, id1Height, id1Corner, residenceBlank, residenceFill}, true
	}
	return form{}, false
}

// Templates lists every template.
func Templates() []Template { return []Template{Passport, IDCard, Licence, Bill, Residence} }

// String is the template's name: "passport", "idcard", …
func (t Template) String() string {
	if f, ok := t.form(); ok {
		return f.name
	}
	return fmt.Sprintf("template(%d)", uint8(t))
}

// Size is the document's size in millimetres, 0 x 0 for an unknown template.
func (t Template) Size() (width, height float64) {
	f, _ := t.form()
	return f.width, f.height
}

// Bounds returns the size in pixels of the document rendered at a width in pixels. It is empty for
// an unknown template or a width below 1.
func (t Template) Bounds(width int) image.Rectangle {
	f, ok := t.form()
	if !ok || width <= 0 {
		return image.Rectangle{}
	}
	return image.Rect(0, 0, width, int(float64(width)*f.height/f.width+0.5))
}

// Blank is a document before a person's data is printed on it. Where many
// documents of one template are needed it saves printing the background each
// time. It is safe for concurrent use.
type Blank struct {
	form form
	page canvas
}

// NewBlank prints the background of a template, width pixels wide; the height follows. An unknown
// template or a width below 1 gives a blank of size 0, and Fill then gives an empty picture.
func NewBlank(t Template, width int) *Blank {
	f, ok := t.form()
	img := image.NewNRGBA(t.Bounds(width))
	if !ok || img.Rect.Empty() {
		return &Blank{page: canvas{img: img}}
	}
	b := &Blank{f, canvas{img, float64(width) / f.width, newTypecase()}}
	f.blank(&b.page)
	return b
}

// Fill returns a new picture: a copy of the blank with a person's data printed on it. Cards get
// transparent corners. The blank is not changed.
func (b *Blank) Fill(p Person) *image.NRGBA {
	page := b.page
	page.img = image.NewNRGBA(b.page.img.Rect)
	copy(page.img.Pix, b.page.img.Pix)
	if page.img.Rect.Empty() {
		return page.img
	}
	b.form.fill(&page, p)
	if b.form.corner > 0 {
		page.cutCorners(b.form.corner)
	}
	return page.img
}

// Render draws a person's document, width pixels wide; the height follows from
// the template. Cards have transparent corners. An unknown template or a width
// below 1 gives an empty picture.
func Render(t Template, p Person, width int) *image.NRGBA { return NewBlank(t, width).Fill(p) }
