package main

import (
	"bytes"
	"image"
	"image/jpeg"

	"github.com/kycmark/kycmark/internal/test/specimen"
)

// quality is the JPEG quality of the pictures, about that of a messenger's
// "send as file" or a web form's upload.
const quality = 88

// shot is one picture of testdata/pictures.
type shot struct {
	file string
	take func() *image.NRGBA
}

// shots returns every picture of testdata/pictures, in the order of testdata.Manifest. Nothing is
// drawn until take is called.
func shots() []shot {
	anna, bruno := named(62, "Anna", "Lindqvist"), named(86, "Bruno", "Marchetti")
	chidi, daria := named(48, "Chidi", "Okafor"), named(54, "Daria", "Zielińska")
	elif, farid := named(110, "Elif", "Gökçe"), named(79, "Farid", "Rahmani")
	hana, kenji := named(34, "Hana", "Takahara"), named(117, "Kenji", "Imai")
	return []shot{
		{"anna_passport.jpg", photo(specimen.Passport, anna, 81, 1600, 1200)},
		{"anna_selfie.jpg", selfie(anna, 3, 1200, 1600)},
		{"bruno_passport.jpg", photo(specimen.Passport, bruno, 47, 1600, 1200)},
		{"bruno_selfie.jpg", selfie(bruno, 5, 1200, 1600)},
		{"chidi_idcard.jpg", photo(specimen.IDCard, chidi, 75, 1500, 1125)},
		{"daria_idcard.jpg", photo(specimen.IDCard, daria, 85, 1500, 1125)},
		{"daria_bill.jpg", scan(specimen.Bill, daria, 51, 1200, 1697)},
		{"elif_licence.jpg", scan(specimen.Licence, elif, 62, 1500, 1000)},
		{"farid_residence.jpg", photo(specimen.Residence, farid, 35, 1500, 1125)},
		{"farid_selfie.jpg", selfie(farid, 7, 1200, 1600)},
		{"hana_bill.jpg", photo(specimen.Bill, hana, 17, 1200, 1600)},
		{"kenji_licence.jpg", photo(specimen.Licence, kenji, 76, 1500, 1125)},

		{"stranger_coast.jpg", func() *image.NRGBA { return specimen.Landscape(7, 1500, 1000) }},
		{"stranger_passport.jpg", photo(specimen.Passport, named(31, "Naledi", "Banda"), 28, 1600, 1200)},
		{"anna_passport_again.jpg", photo(specimen.Passport, anna, 16, 1600, 1200)},
	}
}

// named returns the person of a seed, with a name that fits the name of the picture's file.
func named(seed uint64, given, surname string) specimen.Person {
	p := specimen.NewPerson(seed)
	p.Given, p.Surname = given, surname
	return p
}

// photo returns a function that draws the document t of person p and photographs it, w x h pixels.
// seed chooses the capture.
func photo(t specimen.Template, p specimen.Person, seed uint64, w, h int) func() *image.NRGBA {
	return func() *image.NRGBA { return specimen.Photograph(specimen.Render(t, p, 1400), seed, w, h) }
}

// scan returns a function that draws the document t of person p and scans it, w x h pixels. seed
// chooses the scan.
func scan(t specimen.Template, p specimen.Person, seed uint64, w, h int) func() *image.NRGBA {
	return func() *image.NRGBA { return specimen.Scan(specimen.Render(t, p, 1400), seed, w, h) }
}

// selfie returns a function that draws a selfie of person p, w x h pixels. seed chooses room,
// clothes and pose.
func selfie(p specimen.Person, seed uint64, w, h int) func() *image.NRGBA {
	return func() *image.NRGBA { return specimen.Selfie(p, seed, w, h) }
}

// encode draws the picture of the shot and returns its JPEG file. Each call draws it anew.
func (s shot) encode() ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, s.take(), &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}
