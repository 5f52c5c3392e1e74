package specimen

import (
	"fmt"
	"strings"
)

// The identity card: portrait left, data right, warm colours.

// idCardBlank prints on c, in millimetres of an ID-1 card, what all identity cards share: ground,
// emblem, headings.
func idCardBlank(c *canvas) {
	const w, h = id1Width, id1Height
	sand, sea, leaf := srgb(0xf5e3c3), srgb(0xcfe3df), srgb(0xdfe9c8)
	brown, teal := srgb(0xb98d58), srgb(0x5f9c97)
	c.ground(func(x, y, pixel float64) rgb {
		t := (x + y*0.4) / (w + h*0.4)
		paper := sand.over(leaf, step(0.15, 0.55, t)).over(sea, step(0.5, 1, t))
		tint := brown.over(teal, step(0.3, 0.8, t))
		paper = paper.over(tint, 0.36*rings(x, y, 66, 58, 0.8, 1.5, 22, pixel))
		paper = paper.over(tint, 0.28*waves(x, y, 0.8, 1.7, 23, 0.4, pixel))
		if y < 10.5 {
			band := srgb(0x2b6a68).over(srgb(0x3f8f6f), x/w)
			return band.over(grey(1), 0.16*waves(x, y, 0.9, 1.1, 15, 0.2, pixel))
		}
		return paper
	})
	c.rosette(0x3f8782, 0.55, 66, 31, 11.5, 0.34, 10, 9)
	c.emblem(0x2f7a70, 0.16, 66, 31, 12)
	c.emblem(0xf4ead2, 1, 7.2, 5.3, 4)
	c.text(13.5, 5.2, lettering{style: bold, size: 3.5, colour: 0xffffff, spacing: 0.15}, "REPUBLIC OF UTOPIA")
	c.text(13.5, 8.8, lettering{style: italic, size: 2.3, colour: 0xeef6ee}, "Respubliko Utopio")
	c.text(w-4, 5.2, lettering{style: bold, size: 2.9, colour: 0xffe9b0, align: 1}, "IDENTITY CARD")
	c.text(w-4, 8.8, lettering{style: italic, size: 2.3, colour: 0xeef6ee, align: 1}, "Identeca karto")
	c.micro(0x6d8a70, 3.5, h-1.4, w-7, "IDENTITY CARD OF UTOPIA SPECIMEN ")
}

// idCardFill prints on the blank c what is the person's: two portraits, fields and signature, and
// SPECIMEN across the card.
func idCardFill(c *canvas, p Person) {
	const caption, value = ink(0x2c6460), ink(0x16181a)
	c.picture(Portrait(p, c.pixels(25), c.pixels(32)), 4, 13.2, 0.4, 0.97)
	c.rosette(0x2f7a70, 0.42, 28.5, 44.5, 4, 0.35, 9, 6)
	c.field(32, 15.4, 34, "Surname / Familia nomo", strings.ToUpper(p.Surname), caption, value, 2.9)
	c.field(32, 20.8, 34, "Given names / Antaŭnomoj", strings.ToUpper(p.Given), caption, value, 2.9)
	c.field(32, 26.2, 10, "Sex / Sekso", p.sex(), caption, value, 2.9)
	c.field(43, 26.2, 18, "Nationality / Civitaneco", country, caption, value, 2.9)
	c.field(63, 26.2, 20, "Date of birth", shortDate(p), caption, value, 2.9)
	c.field(32, 31.6, 30, "Place of birth / Naskiĝloko", strings.ToUpper(p.Birthplace), caption, value, 2.9)
	c.field(63, 31.6, 20, "Expires", p.Expires.Format("02.01.2006"), caption, value, 2.9)
	c.field(32, 37, 30, "Card No. / Karta n-ro", p.Number(IDCard), caption, 0x9a2b34, 2.9)
	c.picture(monochrome(Portrait(p, c.pixels(9), c.pixels(11.6)), 0x3f7a76), 73, 36.2, 1.4, 0.5)
	c.signature(p, 0x1a2038, 34, 46.6, 24, 5.5)
	c.text(4, 49.6, lettering{style: regular, size: 1.7, colour: caption}, fmt.Sprintf("Height %d cm", p.Height))
	c.specimen(46, 36, 10.5, -0.36, 0xa8323e, 0.32)
}

// shortDate returns the date of birth as cards print it: 12.08.1974.
func shortDate(p Person) string { return p.Born.Format("02.01.2006") }

// The driving licence: portrait right, categories below.

// licenceBlank prints on c, in millimetres of an ID-1 card, what all driving licences share:
// ground, emblem, headings, the table of categories.
func licenceBlank(c *canvas) {
	const w, h = id1Width, id1Height
	lilac, sky, peach := srgb(0xe3ddf0), srgb(0xd6e6f3), srgb(0xf6e2d3)
	violet, orange := srgb(0x8c82b8), srgb(0xd19a70)
	c.ground(func(x, y, pixel float64) rgb {
		t := y / h
		paper := sky.over(lilac, step(0, 0.5, t)).over(peach, step(0.45, 1, t))
		tint := violet.over(orange, step(0.4, 0.95, t))
		paper = paper.over(tint, 0.34*waves(x, y, 0.75, 2.0, 31, -0.3, pixel))
		paper = paper.over(tint, 0.30*rings(x, y, 20, 30, 0.8, 1.2, 12, pixel))
		if x < 3.2 {
			return srgb(0x4a3f78).over(grey(1), 0.25*waves(y, x, 0.8, 0.5, 9, 0.3, pixel))
		}
		return paper
	})
	c.braid(0x6a5fa0, 0.6, 3.2, 12.2, w-3.2, 2.4, 6)
	c.emblem(0x4a3f78, 0.15, 32, 31, 12)
	c.emblem(0x4a3f78, 1, 9, 5.9, 4.2)
	c.text(15.5, 5.4, lettering{style: bold, size: 3.9, colour: 0x3a3164, spacing: 0.2}, "DRIVING LICENCE")
	c.text(15.5, 9.2, lettering{style: italic, size: 2.3, colour: 0x3a3164}, "Stirpermesilo · Republic of Utopia")
	c.text(w-4.5, 7.6, lettering{style: bold, size: 5.4, colour: 0xb5622c, align: 1}, country)
	for i, category := range []string{"AM", "A", "B", "C", "D", "T"} {
		x := 6.2 + 8.2*float64(i)
		c.frame(0x5a5088, 0.18, x, 44.3, 8.2, 6.4)
		c.text(x+4.1, 46.9, lettering{style: bold, size: 2.2, colour: 0x3a3164, align: 0.5}, category)
	}
}

// licenceFill prints on the blank c what is the person's: portrait, fields, dates of categories and
// signature, and SPECIMEN across the card.
func licenceFill(c *canvas, p Person) {
	const caption, value = ink(0x564c86), ink(0x17161c)
	c.picture(Portrait(p, c.pixels(23), c.pixels(29.5)), 58.5, 14.6, 0.3, 0.96)
	c.braid(0xb5622c, 0.5, 57, 41.2, 26, 2.6, 6)
	fields := []struct{ caption, value string }{
		{"Surname", strings.ToUpper(p.Surname)}, {"Given names", strings.ToUpper(p.Given)},
		{"Born", shortDate(p) + " " + p.Birthplace}, {"Issued / Expires", p.Issued.Format("02.01.2006") + " / " + p.Expires.Format("02.01.2006")},
		{"Licence No.", p.Number(Licence)}, {"Address", p.Street + ", " + p.City},
	}
	for i, f := range fields {
		c.field(6.2, 15.9+4.75*float64(i), 50, f.caption, f.value, caption, value, 2.55)
	}
	r := draws(p.Seed, streamNumber+97)
	for i := range 6 {
		date := "—"
		if i == 2 || r.IntN(3) == 0 {
			date = p.Issued.AddDate(-r.IntN(9), -r.IntN(12), 0).Format("01.06")
		}
		c.text(10.3+8.2*float64(i), 49.8, lettering{style: regular, size: 1.9, colour: value, align: 0.5}, date)
	}
	c.signature(p, 0x1d1d33, 58.5, 47.4, 22, 5)
	c.specimen(38, 34, 10.5, -0.34, 0xa8323e, 0.32)
}

// The residence card: a small portrait above a machine readable zone, all on
// one face.

// residenceBlank prints on c, in millimetres of an ID-1 card, what all residence cards share:
// ground, emblem, headings.
func residenceBlank(c *canvas) {
	const w, h = id1Width, id1Height
	mist, mint, blue := srgb(0xe6ecee), srgb(0xd3e6e4), srgb(0xd3ddf0)
	steel, pine := srgb(0x7f94b4), srgb(0x6fa394)
	c.ground(func(x, y, pixel float64) rgb {
		t := x / w
		paper := blue.over(mist, step(0, 0.45, t)).over(mint, step(0.4, 1, t))
		if y > h-zoneHeight+1.5 {
			return paper.over(grey(0.95), 0.65)
		}
		tint := steel.over(pine, step(0.2, 0.9, t))
		paper = paper.over(tint, 0.36*rings(x, y, 43, -14, 0.8, 0.9, 40, pixel))
		return paper.over(tint, 0.30*waves(x, y, 0.85, 1.4, 19, 0.25, pixel))
	})
	c.rosette(0x5f82a8, 0.5, 66, 18, 9, 0.4, 14, 8)
	c.stars(0x2f5480, 0.5, 66, 18, 6.5, 12)
	c.emblem(0x2f5480, 0.9, 79.5, 5.3, 3.7)
	c.text(4, 5.2, lettering{style: bold, size: 3.4, colour: 0x2a466e, spacing: 0.3}, "RESIDENCE CARD")
	c.text(41.5, 5.2, lettering{style: italic, size: 2.3, colour: 0x2a466e}, "Loĝpermeso · Utopia")
	c.line(0x2a466e, 0.25, 4, 6.6, 74, 6.6)
}

// residenceFill prints on the blank c what is the person's: portrait, fields, signature and machine
// readable zone, and SPECIMEN across the card.
func residenceFill(c *canvas, p Person) {
	const caption, value = ink(0x3a5a86), ink(0x15181c)
	c.picture(Portrait(p, c.pixels(18.2), c.pixels(23.4)), 4, 7.6, 0.3, 0.97)
	c.field(24.5, 9.3, 54, "Name / Nomo", strings.ToUpper(p.Surname)+", "+p.Given, caption, value, 2.6)
	c.field(24.5, 14, 22, "Card No.", p.Number(Residence), caption, 0x9a2b34, 2.6)
	c.field(48, 14, 22, "Date of birth", shortDate(p), caption, value, 2.6)
	c.field(72, 14, 10, "Sex", p.sex(), caption, value, 2.6)
	c.field(24.5, 18.7, 22, "Valid until", p.Expires.Format("02.01.2006"), caption, value, 2.6)
	c.field(48, 18.7, 34, "Place of birth", p.Birthplace, caption, value, 2.6)
	c.field(24.5, 23.4, 30, "Type of permit", "LONG-TERM RESIDENT", caption, value, 2.6)
	c.signature(p, 0x1a2038, 58, 28, 22, 4.6)
	for i, row := range p.MRZ(Residence) {
		c.zoneLine(4.6, 38+5.4*float64(i), row)
	}
	c.specimen(45, 24, 9.5, -0.27, 0xa8323e, 0.32)
}
