package specimen

import (
	"fmt"
	"image"
)

// Template is a kind of document. Numbers are never reused: seeds of numbers
// hang on them.
type Template uint8

// The templates. All are of the invented Republic of Utopia or its companies.
const (
	Passport  Template = iota + 1 // data page, ICAO TD3, 125 x 88 mm
	IDCard                        // identity card, front and zone, ICAO TD1, 85.6 x 53.98 mm
	Licence                       // driving licence, ID-1, 85.6 x 53.98 mm
	Bill                          // utility bill, A4 upright, 210 x 297 mm
	Residence                     // residence card, ICAO TD1, 85.6 x 53.98 mm
)

// form is what a template is made of: add a template by adding one here.
type form struct {
	name          string
	width, height float64 // millimetres
	rounded       bool    // corners of a card, transparent outside
}

func (t Template) form() (form, bool) {
	switch t {
	case Passport:
		return form{"passport", 125, 88, false}, true
	case IDCard:
		return form{"idcard", 85.6, 53.98, true}, true
	case Licence:
		return form{"licence", 85.6, 53.98, true}, true
	case Bill:
		return form{"bill", 210, 297, false}, true
	case Residence:
		return form{"residence", 85.6, 53.98, true}, true
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

// Bounds is the size in pixels of the document rendered at a width.
func (t Template) Bounds(width int) image.Rectangle {
	f, ok := t.form()
	if !ok || width <= 0 {
		return image.Rectangle{}
	}
	return image.Rect(0, 0, width, int(float64(width)*f.height/f.width+0.5))
}
