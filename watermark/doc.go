// Package watermark marks pictures invisibly, each copy with an ID of its own. It reads the
// marks back out of pictures that were shrunk, cropped, turned, compressed or photographed.
//
// # Marking
//
// A [Key] is the secret of one marker, a [CopyID] the 64 bits that name one copy. To mark a file, call Mark of package
// watermark/markfile: bytes in, bytes out. [Mark] marks pixels: it marks, reads the mark back as a messenger would deliver it, and says when a picture cannot carry a mark.
//
//	key := watermark.GenerateKey() // keep key.Secret() like a password
//	id := watermark.NewCopyID()    // log it before the copy is handed out
//	m, err := watermark.Mark(ctx, key, id, picture, nil)
//	if err != nil || m.Weak {
//		// do not hand it out
//	}
//
// [Prepare] does once what all copies of one upload share. Give [Options.Submission] if a
// registry knows it: it places the mark on the picture and keys the copy's own part.
//
// # Reading
//
// [Detect] needs the key and the leaked picture, nothing else. "No mark" is an answer and not an error. A picture that
// carries no mark of the key reads as marked with probability 4 x 2^-32 = 9.3e-10 at most, whatever it shows: a 32-bit
// keyed check decides, and it is asked about four messages a picture and key at most.
//
// Reading says which ID is in the picture. It does not say that the ID's owner put it
// there: a person who holds a marked copy and the plain picture can move the mark.
//
// # Tracing
//
// [Trace] also needs the original and the list of the copies issued of it. It names the copy if nothing can be read
// blind any more: thumbnails, hard JPEG, photographs of a screen, small crops. It names each of several copies that
// were mixed. [NewTracer] does once what all leaks of one original share.
//
// The leak is registered onto the original and predicted from it. What is left over is whitened and correlated with the
// mark of each copy. Of leaks of hard JPEG files it counts to which side of a boundary of rounding each coefficient fell.
//
// A copy's own part, the tracer, has signs that cannot be known without the key. A copy that was not used scores z or
// more with probability exp(-z^2/2) at most (Hoeffding, 1963), whatever the leak shows: this p is a theorem, not a
// calibration. The payload's code adds evidence: up to a z of 6 in a p, and in full in an e-value. [CopyEvidence.LogP]
// is twice the lesser of both, since two were tried, and times the number of copies.
//
// [TraceResult.Power] says how much the absence of a mark means. A probe, marked like a copy
// but never issued, is sent through the channel that leak and original show.
//
// A mark that was lifted from one picture and laid onto another still reads blind. A trace
// of the other picture does not accuse it: it lies in the wrong place and lacks the tracer.
//
// # What a mark is
//
// One additive pattern in luma and, negated, in the blue difference:
//
//   - pilots: 32 keyed sinusoids, found as peaks of the spectrum;
//   - chips: 96 bits (the scrambled ID and its check) under a convolutional code, spread
//     with keyed signs over a torus of 1024 x 1024 that is laid over the picture;
//   - tracer, luma only: signs of the copy's own, for tracing; blind reading does not use it.
//
// A masking model decides how much each pixel takes. A second pass evens out what the
// picture itself adds or takes. docs/format.md has the format.
//
// # The promise
//
// This is version 1 of the mark. A mark made under a version stays readable by every later release: a change that would
// break it gets another [Version]. Within a release the same picture, key, submission and ID give the same pixels on
// every machine; testdata/v1 pins format and pixels.
//
// # Sources
//
// Spread spectrum: Cox, Kilian, Leighton and Shamoon (1997). Informed embedding: Cox, Miller and McKellips (1999).
// Template synchronisation and the log-polar search: Pereira and Pun (2000), Ó Ruanaidh and Pun (1998). The list
// Viterbi algorithm: Seshadri and Sundberg (1994). E-values: Vovk and Wang (2021).
package watermark
