// Package specimen draws identity pictures of persons who do not exist: the
// pages of a passport, cards, a licence, a bill, portraits, selfies, and
// photographs of all these lying on a desk. Tests, the demo and the benches
// need thousands of same-template pictures whose truth is known and which may
// be published; real ones are neither.
//
//	person := specimen.NewPerson(7)
//	page := specimen.Render(specimen.Passport, person, 1400)
//	photo := specimen.Photograph(page, 1, 1600, 1200)
//
// Everything is a pure function of its arguments: the same seed gives the same
// person, picture and photograph. Nothing here is keyed or secret, so seeds go
// through PCG of math/rand/v2. The maths is written without fused
// multiply-adds in the places that matter, but it uses the sines and square
// roots of package math; between two kinds of CPU a sample may differ by one
// level, and package testdata's test allows for that.
//
// # What these pictures are not
//
// They are drawings. They are no photographs, no copies or imitations of any
// document ever issued, and no test of face recognition: no state, emblem,
// number range or person in them exists. The issuer is the Republic of Utopia,
// country code UTO, which ICAO Doc 9303 reserves for examples; every document
// says SPECIMEN across its face; the machine readable zone is set in Go Mono
// and not in OCR-B. A hash, a mark or a verdict that works on them is not
// thereby shown to work on real uploads: real cameras, real paper and real
// faces are more varied than any generator.
package specimen
