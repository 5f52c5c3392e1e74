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
// A leak that was last opened from a hard JPEG file is read by what each of its
// coefficients can have kept of a mark (package internal/requant), all others as a
// picture plus noise.
//
// Reading says which ID is in the picture. It does not say that the ID was put
// there by its owner: somebody who holds a marked copy and the plain picture can
// move the mark. Tracing tells (below).
//
// # Tracing
//
// [Trace] needs the original, too, and the list of the copies issued of it. It names the
// copy where nothing can be read blind any more: thumbnails, hard JPEG, photographs of a
// screen, small crops; and it names each of several copies that were mixed. [NewTracer]
// does once what all leaks of one original share, [CombineLeaks] adds up several leaks.
//
// The leak is registered onto the original (features, homography, a smooth field of
// shifts), predicted from it (pixels of the leak's size, blur, tone curve, a local fit),
// and what is left over is whitened and correlated with the mark of each copy. Parts that
// show something else than the original are left out and reported as edits. Where the leak
// is an upright part of the original, or all of it, last rounded by coarse steps of a JPEG
// file, as thumbnails are, not what is left over counts but to which side of a boundary of
// rounding each coefficient fell.
//
// A copy's own part, the tracer, has signs that nobody can know without the key. Whatever
// the leak shows, a copy that was not used scores z or more with probability exp(-z^2/2)
// at most (Hoeffding, 1963): this p is a theorem, not a calibration. The payload's code
// adds evidence, which counts up to a z of 6 in a p, and in full in an e-value, whose mean
// over copies that were not used is 1 at most: its mean over all messages is computed
// exactly, through the code's trellis. [CopyEvidence.LogP] is twice the lesser of both, since
// two were tried, and times the number of copies.
//
// [TraceResult.Power] says what the absence of a mark is worth. A probe, marked like a copy but
// never issued, is sent through the channel that the registered pair shows: how much of the
// original's faint detail the leak still carries, by frequency, and how noisy the rest is.
//
// The tracer is keyed by submission and copy, the place of the blind part by submission. A
// mark that was lifted from one picture and laid onto another still reads blind but is not
// accused by a trace of the other: it lies in the wrong place and lacks the tracer.
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
// algorithm: Seshadri and Sundberg (1994). Tracing with the original and keyed signs:
// Cox et al. (1997); e-values: Vovk and Wang (2021).
package watermark
