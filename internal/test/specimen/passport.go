package specimen

import (
	"math"
	"strings"
	"time"
)

// The passport's data page, laid out in the zones of ICAO Doc 9303-4: a
// header, the portrait on the left, data on the right, the machine readable
// zone in the lower 23.2 mm. Captions are in English and Esperanto.

const (
	zoneHeight = 23.2 // of the machine readable zone, Doc 9303-4
	zonePitch  = 2.54 // ten characters an inch
)

// passportBlank prints on c, in millimetres, what all passports share: ground, emblem, headings.
func passportBlank(c *canvas) {
	const w, h = 125.0, 88.0
	warm, cool, rose := srgb(0xf6ecd9), srgb(0xd9e8ec), srgb(0xf0dcdc)
	blue, green, red := srgb(0x7f9fb8), srgb(0x8fb39c), srgb(0xc79a9a)
	c.ground(func(x, y, pixel float64) rgb {
		t := x / w
		paper := warm.over(cool, step(0.1, 0.6, t)).over(rose, step(0.6, 1.05, t))
		if y > h-zoneHeight { // the zone stays pale, for the reader
			return paper.over(grey(0.93), 0.6).over(blue, 0.16*waves(x, y, 1.1, 0.7, 17, 0.1, pixel))
		}
		tint := blue.over(green, step(0.2, 0.7, t)).over(red, step(0.6, 1, t))
		paper = paper.over(tint, 0.40*waves(x, y, 0.95, 2.6, 41, 0.10, pixel))
		paper = paper.over(tint, 0.26*waves(x, y, 1.3, 3.4, 29, -0.55, pixel))
		near := step(36, 8, hypot(x-88, y-38))
		return paper.over(tint.scale(0.8), 0.50*near*rings(x, y, 88, 38, 1.2, 2.0, 16, pixel))
	})
	c.rosette(0x5c86a0, 0.55, 88, 38, 15, 0.32, 12, 9)
	c.rosette(0xa8737a, 0.45, 88, 38, 8.5, 0.4, 8, 7)
	c.emblem(0x3f6a88, 0.20, 88, 38, 16)
	c.braid(0x4f7f96, 0.5, 0, 17.6, w, 3.2, 7)
	c.rect(0x21405c, 1, 0, 0, w, 1.1)
	c.emblem(0x21405c, 1, 10.5, 8.9, 6)
	c.text(19.5, 9.2, lettering{style: bold, size: 5.2, colour: 0x21405c, spacing: 0.5}, "REPUBLIC OF UTOPIA")
	c.text(19.5, 14, lettering{style: italic, size: 3.5, colour: 0x21405c}, "Respubliko Utopio")
	c.text(119, 9.2, lettering{style: bold, size: 4.4, colour: 0x8c2f39, align: 1, spacing: 0.3}, "PASSPORT")
	c.text(119, 13.6, lettering{style: italic, size: 3.2, colour: 0x8c2f39, align: 1}, "Pasporto")
	c.micro(0x6f8799, 5, h-zoneHeight-0.5, w-10, "UTOPIA SPECIMEN NO VALUE ")
}

// micro prints a line of tiny letters from (x, y): word, repeated as often as it fits into width
// millimetres, and into 190 characters.
func (c *canvas) micro(colour ink, x, y, width float64, word string) {
	l := lettering{style: regular, size: 0.85, colour: colour}
	if one := c.measure(l, word); one > 0 {
		c.text(x, y, l, clip(strings.Repeat(word, min(int(width/one), 190/len(word)))))
	}
}

// passportFill prints on the blank c what is the person's: portrait, fields, signature and machine
// readable zone, and SPECIMEN across the page.
func passportFill(c *canvas, p Person) {
	const caption, value = ink(0x35566f), ink(0x15191d)
	photo := Portrait(p, c.pixels(35), c.pixels(45))
	c.picture(photo, 5, 19.4, 0.5, 0.96)
	c.rosette(0x3f6a88, 0.38, 38, 60.5, 6, 0.35, 9, 6) // over the portrait's corner
	c.picture(monochrome(Portrait(p, c.pixels(14), c.pixels(18)), 0x4f6f88), 107.5, 41, 2, 0.42)

	c.field(44, 21.4, 14, "Type / Tipo", "P", caption, value, 3.6)
	c.field(60, 21.4, 20, "Code / Kodo", country, caption, value, 3.6)
	c.field(88, 21.4, 34, "Passport No. / Pasporta n-ro", p.Number(Passport), caption, 0x8c2f39, 3.6)
	c.field(44, 28.4, 76, "Surname / Familia nomo", strings.ToUpper(p.Surname), caption, value, 3.6)
	c.field(44, 35.2, 76, "Given names / Antaŭnomoj", strings.ToUpper(p.Given), caption, value, 3.6)
	c.field(44, 42, 40, "Nationality / Civitaneco", "UTOPIAN", caption, value, 3.6)
	c.field(44, 48.6, 30, "Date of birth / Naskiĝdato", longDate(p.Born), caption, value, 3.6)
	c.field(78, 48.6, 28, "Personal No. / Persona n-ro", p.personal(), caption, value, 3.6)
	c.field(44, 55, 12, "Sex / Sekso", p.sex(), caption, value, 3.6)
	c.field(60, 55, 44, "Place of birth / Naskiĝloko", strings.ToUpper(p.Birthplace), caption, value, 3.6)
	c.field(44, 61.2, 24, "Issued / Eldonita", longDate(p.Issued), caption, value, 2.9)
	c.field(68, 61.2, 24, "Expires / Valida ĝis", longDate(p.Expires), caption, value, 2.9)
	c.field(92, 61.2, 30, "Authority / Aŭtoritato", "PASSPORT OFFICE AMAUROT", caption, value, 2.9)
	c.signature(p, 0x1b2440, 74, 43.6, 27, 6)

	zone := p.MRZ(Passport)
	for i, row := range zone {
		c.zoneLine(6.6, 73.9+6.35*float64(i), row)
	}
	c.specimen(62, 45, 15.5, -0.40, 0xa8323e, 0.34)
}

// zoneLine prints row, a line of the machine readable zone, with its base line beginning at (x, y),
// ten characters an inch.
func (c *canvas) zoneLine(x, y float64, row string) {
	c.text(x, y, lettering{style: mono, size: zonePitch / 0.6, colour: 0x101214, pitch: zonePitch}, row)
}

// longDate is a date as documents write it: 12 AUG 1974.
func longDate(t time.Time) string { return strings.ToUpper(t.Format("02 Jan 2006")) }

// sex returns the letter of the sex outside the machine readable zone: F, M, or X for any other.
func (p Person) sex() string {
	if s := p.mrzSex(); s != "<" {
		return s
	}
	return "X"
}

// stars prints a ring of n small discs around (x, y), as an ornament. radius, of the ring, is in
// millimetres; opacity is 0 to 1.
func (c *canvas) stars(colour ink, opacity, x, y, radius float64, n int) {
	for i := range n {
		a := 2 * math.Pi * float64(i) / float64(n)
		c.disc(colour, opacity, x+radius*math.Cos(a), y+radius*math.Sin(a), radius*0.07)
	}
}
