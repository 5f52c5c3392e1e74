package specimen

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The bill of an invented power company: an A4 page of text and tables.

const (
	billInk  = ink(0x23272b)
	billBlue = ink(0x1f5f7a)
	billGold = ink(0xe2a32b)
	billGrey = ink(0x6a737a)
)

// billBlank prints on c, in millimetres of A4, what all bills share. Amounts and names are left to
// billFill.
func billBlank(c *canvas) {
	c.ground(func(x, y, pixel float64) rgb { return grey(0.985) })
	c.rect(billBlue, 1, 0, 0, 210, 4)
	c.rect(billGold, 1, 0, 4, 210, 1)
	c.disc(billGold, 1, 26, 23, 9)
	c.fill(0xfbfbfb, 1, []point{{27.5, 15.5}, {20.5, 24.6}, {25.2, 24.6}, {23.4, 31}, {31.4, 21.4}, {26.4, 21.4}})
	c.text(39, 23, lettering{style: bold, size: 8, colour: billBlue}, "Lanternfield Power")
	c.text(39, 29, lettering{style: regular, size: 3.6, colour: billGrey}, "Electricity for Amaurot and the Anyder valley · a company that does not exist")
	c.line(billBlue, 0.4, 15, 37, 195, 37)
	c.rect(billBlue, 0.10, 120, 44, 75, 38)
	c.text(15, 118, lettering{style: bold, size: 6, colour: billBlue}, "Your electricity bill")
	c.text(15, 205, lettering{style: bold, size: 4.4, colour: billBlue}, "What you used")
	c.text(15, 262, lettering{style: bold, size: 4, colour: billBlue}, "How to pay")
	for i, s := range []string{
		"By transfer to account UT00 0000 0000 0000 0000 with your customer number as reference,",
		"or at any branch of the Bank of Macaria. Queries: +000 000 0000, hello@lanternfield.invalid.",
		"If you cannot pay in time, tell us before the due date: we will find a plan together.",
	} {
		c.text(15, 268+4.6*float64(i), lettering{style: regular, size: 3.3, colour: billInk}, s)
	}
	c.line(billGrey, 0.15, 15, 285, 195, 285)
	c.text(15, 289.5, lettering{style: regular, size: 2.6, colour: billGrey}, "Lanternfield Power, 1 Lantern Street, 1000 Amaurot, Utopia · Specimen, no value · Page 1 of 1")
}

// billFill prints on the blank c what is the person's: address, numbers, charges and use. Figures
// and dates follow from p.Seed.
func billFill(c *canvas, p Person) {
	r := draws(p.Seed, streamBill)
	issued := day(2017+r.IntN(2), r.IntN(365))
	c.text(15, 52, lettering{style: regular, size: 2.6, colour: billGrey}, "Lanternfield Power, 1 Lantern Street, 1000 Amaurot")
	for i, s := range []string{p.Name(), p.Street, p.City, "UTOPIA"} {
		c.text(15, 61+6*float64(i), lettering{style: medium, size: 4.4, colour: billInk, width: 90}, s)
	}
	due := issued.AddDate(0, 0, 21)
	for i, row := range [][2]string{
		{"Customer number", fmt.Sprintf("%d", 10000000+r.IntN(89999999))},
		{"Invoice", fmt.Sprintf("LP-%d-%06d", issued.Year(), r.IntN(1000000))},
		{"Date", issued.Format("2 January 2006")},
		{"Meter", fmt.Sprintf("UT %03d %05d", r.IntN(1000), r.IntN(100000))},
		{"Pay by", due.Format("2 January 2006")},
	} {
		y := 51 + 6.4*float64(i)
		c.text(124, y, lettering{style: regular, size: 3.4, colour: billGrey}, row[0])
		c.text(191, y, lettering{style: medium, size: 3.6, colour: billInk, align: 1}, row[1])
	}
	c.text(15, 98, lettering{style: regular, size: 3.9, colour: billInk, width: 175}, "Dear "+p.Name()+",")
	c.text(15, 104.5, lettering{style: regular, size: 3.9, colour: billInk}, "this is your bill for the supply at the address above. Thank you for paying the last one in time.")
	total := c.billTable(r, issued.AddDate(0, -2, 0).Format("Jan 2006"), issued.AddDate(0, -1, 0).Format("Jan 2006"))
	c.rect(billGold, 0.28, 15, 184, 180, 11)
	c.text(19, 191.4, lettering{style: bold, size: 5, colour: billInk}, "Amount due "+due.Format("2 January 2006"))
	c.text(191, 191.4, lettering{style: bold, size: 5.4, colour: billInk, align: 1}, money(total))
	c.billChart(r, int(issued.Month()))
	c.specimen(105, 165, 26, -0.75, 0xa8323e, 0.16)
}

// billTable prints a table of five charges, with figures drawn from r, and returns their sum in
// hundredths of a crown. from and to are the names of the first and last month, as printed.
func (c *canvas) billTable(r *rand.Rand, from, to string) int {
	const top, rowHeight = 125.0, 8.2
	c.rect(billBlue, 1, 15, top, 180, rowHeight)
	columns := []struct {
		x     float64
		align float64
		title string
	}{{19, 0, "Charge"}, {74, 0, "Period"}, {139, 1, "Quantity"}, {165, 1, "Price"}, {191, 1, "Amount"}}
	for _, col := range columns {
		c.text(col.x, top+5.5, lettering{style: bold, size: 3.6, colour: 0xffffff, align: col.align}, col.title)
	}
	used := 180 + r.IntN(420)
	rows := []struct {
		name            string
		quantity, price int
		unit            string
	}{
		{"Energy, day rate", used, 23 + r.IntN(9), "kWh"}, {"Energy, night rate", used / 3, 12 + r.IntN(6), "kWh"},
		{"Network charge", 2, 690 + r.IntN(300), "months"}, {"Meter rental", 2, 145, "months"}, {"Street lighting fund", 1, 210, ""},
	}
	total := 0
	for i, row := range rows {
		y := top + rowHeight*float64(i+1)
		if i%2 == 1 {
			c.rect(billBlue, 0.07, 15, y, 180, rowHeight)
		}
		amount := row.quantity * row.price
		total += amount
		for k, s := range []string{row.name, from + " – " + to, strings.TrimSpace(fmt.Sprintf("%d %s", row.quantity, row.unit)), money(row.price), money(amount)} {
			c.text(columns[k].x, y+5.4, lettering{style: regular, size: 3.6, colour: billInk, align: columns[k].align}, s)
		}
	}
	y := top + rowHeight*6
	c.line(billBlue, 0.3, 15, y, 195, y)
	c.text(19, y+5.4, lettering{style: medium, size: 3.6, colour: billInk}, "Sum, tax included")
	c.text(191, y+5.4, lettering{style: medium, size: 3.6, colour: billInk, align: 1}, money(total))
	return total
}

// billChart prints the use of twelve months, drawn from r, as pairs of bars: this year and the year
// before. The first pair is labelled with the month after month, 1 to 12.
func (c *canvas) billChart(r *rand.Rand, month int) {
	const left, bottom, tall = 24.0, 250.0, 38.0
	for i := range 5 {
		y := bottom - tall*float64(i)/4
		c.line(0xc3cacf, 0.15, left, y, 195, y)
		c.text(left-2, y+1, lettering{style: regular, size: 2.7, colour: billGrey, align: 1}, fmt.Sprint(i*150))
	}
	for i := range 12 {
		x := left + 4 + 14.1*float64(i)
		h := tall * between(r, 0.25, 0.95)
		last := tall * between(r, 0.25, 0.95)
		c.rect(billGold, 0.75, x, bottom-last, 4, last)
		c.rect(billBlue, 1, x+4.4, bottom-h, 4, h)
		name := day(2017, 0).AddDate(0, month+i, 0).Format("Jan")
		c.text(x+4.2, bottom+4.2, lettering{style: regular, size: 2.8, colour: billGrey, align: 0.5}, name)
	}
	c.text(195, 205, lettering{style: regular, size: 3, colour: billGrey, align: 1}, "kWh a month: blue this year, gold the year before")
}

// money returns an amount in hundredths of a crown as text, such as "12.05 Cr".
func money(hundredths int) string {
	return fmt.Sprintf("%d.%02d Cr", hundredths/100, hundredths%100)
}
