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
// Where many documents of one template are needed, [NewBlank] prints the
// background once. [NewCapture] gives a photograph's geometry, the truth that
// tests of matching want, before it is taken.
//
// Everything is a pure function of its arguments: the same seed gives the same
// person, picture and photograph, however many goroutines draw it. Nothing here
// is keyed or secret, so seeds go through PCG of math/rand/v2. Between kinds of
// processor a sample may differ by a level, because products are fused or sines
// rounded differently (over 73 dB apart on every picture of testdata, see the test
// of the generate command). No mark, hash or verdict depends on it.
//
// # What these pictures are not
//
// They are drawings. They are no photographs, no copies or imitations of any
// document ever issued, and no test of face recognition: no state, emblem,
// number range or person in them exists. The issuer is the Republic of Utopia,
// country code UTO, the fictional state of the examples in ICAO Doc 9303; every
// document says SPECIMEN across its face; the machine readable zone is set in Go Mono
// and not in OCR-B. A hash, a mark or a verdict that works on them is not
// proved to work on real uploads: real cameras, real paper and real
// faces are more varied than any generator.
package specimen
