// Package watermark marks pictures invisibly, each copy with an ID of its own, and
// reads the marks back out of pictures that were shrunk, cropped, turned,
// compressed or photographed off a screen.
//
// # Marking
//
// A [Key] is the secret of one marker, a [CopyID] the 64 bits that name one copy.
// For most uses [Mark] is the function to call: it marks, reads the mark back as a
// messenger would deliver it, and says when a picture cannot carry a mark.
//
//	key := watermark.GenerateKey() // keep key.Secret() like a password
//	id := watermark.NewCopyID()    // log it before the copy is handed out
//	m, err := watermark.Mark(ctx, key, id, picture, nil)
//	if err != nil || m.Weak {
//		// do not hand it out
//	}
//
// [Embed] only marks. [Prepare] does once what all copies of one upload share.
// Give [Options.Submission] wherever a registry knows it: it places the mark on
// the picture and keys the copy's own part.
//
// # Reading
//
// [Detect] needs the key and the leaked picture, nothing else. "No mark" is an
// answer and not an error. A picture that carries no mark of the key reads as
// marked with probability 4 x 2^-32 = 9.3e-10 at most, whatever it shows: a
// 32-bit keyed check decides, and at most four messages a picture and key are put
// to it. [Detection.LogPFA] is that probability for the checks made.
//
// Reading says which ID is in the picture. It does not say that the ID was put
// there by its owner: somebody who holds a marked copy and the plain picture can
// move the mark (see docs in package verify for what a verdict makes of that).
//
// # What a mark is
//
// One additive pattern in luma and, negated, in the blue difference:
//
//   - pilots: 32 keyed sinusoids, found as peaks of the spectrum under any
//     rotation, scale and moderate perspective, mirrored or not;
//   - chips: 96 bits (the scrambled ID and its check) under a convolutional code of
//     rate 1/3, each coded bit spread with keyed signs over about 210 places of a
//     1024 x 1024 torus that is laid over the picture;
//   - tracer, luma only: signs of the copy's own with a 1/f spectrum, for tracing
//     against the original; a blind reader does not use it.
//
// A masking model decides how much each pixel takes (see strength.go), and a second
// pass evens out what the picture itself adds or takes. Patterns and masks are made
// at a long side of at most 1024 pixels and enlarged, so that the cost of a large
// picture is that of adding.
//
// # The promise
//
// The constants of format.go are version 1 of the mark. A mark made under a version
// stays readable by every later release: a change that would break it gets another
// [Version], which the key ID names, and both are read. Within a release the same
// picture, key, submission and ID give the same pixels on every machine;
// testdata/v1 pins format and pixels.
//
// # Sources
//
// Spread spectrum: Cox, Kilian, Leighton and Shamoon (1997). Informed embedding:
// Cox, Miller and McKellips (1999). Template synchronisation and the log-polar
// search: Pereira and Pun (2000), Ó Ruanaidh and Pun (1998). The list Viterbi
// algorithm: Seshadri and Sundberg (1994).
package watermark
