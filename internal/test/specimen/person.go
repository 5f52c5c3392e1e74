package specimen

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Person is an invented person. The zero value can be drawn. Persons of different Seed look
// different, even with equal names.
type Person struct {
	Seed       uint64 // of the looks, the numbers and the signature
	Sex        string // "F", "M" or "X" (unspecified), as in ICAO Doc 9303
	Surname    string
	Given      string
	Born       time.Time
	Birthplace string
	Street     string
	City       string // with the postcode before it
	Height     int    // centimetres
	Issued     time.Time
	Expires    time.Time
}

// streams keep the draws of one seed apart: what the person is called must not
// change when the hair learns to curl.
const (
	streamPerson uint64 = iota + 1
	streamLook
	streamNumber
	streamSignature
	streamBill
	streamClothes
	streamCapture
	streamScenery
)

// draws returns a new sequence of random numbers for one use, stream, of a seed. The same arguments
// give the same sequence.
func draws(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream*0x9e3779b97f4a7c15))
}

// NewPerson invents the person of a seed, always the same. Persons are adults, born from 1944 to
// 1999, with documents issued from 2013 to 2017 for ten years. Sex is F or M.
func NewPerson(seed uint64) Person {
	r := draws(seed, streamPerson)
	p := Person{Seed: seed, Sex: "F"}
	given := givenWomen
	if r.IntN(2) == 0 {
		p.Sex, given = "M", givenMen
	}
	p.Given = pick(r, given)
	if r.IntN(3) == 0 {
		if second := pick(r, given); second != p.Given {
			p.Given += " " + second
		}
	}
	p.Surname = pick(r, surnames)
	if r.IntN(12) == 0 {
		if second := pick(r, surnames); second != p.Surname {
			p.Surname += "-" + second
		}
	}
	p.Born = day(1944+r.IntN(56), r.IntN(365))
	p.Birthplace = pick(r, towns)
	p.Street = fmt.Sprintf("%d %s", 1+r.IntN(180), pick(r, streets))
	p.City = fmt.Sprintf("%04d %s", 1000+r.IntN(9000), pick(r, towns))
	p.Height = 152 + r.IntN(30)
	if p.Sex == "M" {
		p.Height += 10
	}
	p.Issued = day(2013+r.IntN(5), r.IntN(365))
	p.Expires = p.Issued.AddDate(10, 0, -1)
	return p
}

// Name is the person's name as people write it.
func (p Person) Name() string { return p.Given + " " + p.Surname }

// Number returns the number of the person's document of one template: two letters and seven digits.
// Letters that read as digits are not used. It follows from p.Seed and t alone.
func (p Person) Number(t Template) string {
	r := draws(p.Seed, streamNumber+uint64(t)<<8)
	const letters = "ACDEFHJKLMNPRTUVWXYZ"
	number := []byte{letters[r.IntN(len(letters))], letters[r.IntN(len(letters))]}
	for len(number) < 9 {
		number = append(number, byte('0'+r.IntN(10)))
	}
	return string(number)
}

// day returns the nth day (from 0) of a year.
func day(year, n int) time.Time {
	return time.Date(year, time.January, 1+n, 0, 0, 0, 0, time.UTC)
}

// pick draws one of the texts, all equally likely.
func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }
