// Package requant reads what was added to a known picture out of a leak of it that went
// through a hard JPEG, where little is left of it but roundings.
//
// A decoded JPEG file is rounded: each coefficient of its blocks is a whole number of
// steps. Seen as the original plus noise, the noise is that of rounding, some grey levels
// to some tens, and a mark of one grey level drowns. But the original is known, and with
// it what it would have been rounded to. Where a coefficient of it lies far from a
// boundary of rounding, the leak must show the same number of steps, marked or not, and
// says nothing; where it lies near one, the side to which it fell tells which way it was
// pushed. The score, the derivative of the log-likelihood, is this and no more: it takes
// the place of the difference of the two pictures.
//
// A leak that was resized before it was rounded is read alike, against the original resized
// as it was ([Leak.Predict]): of a thumbnail, too, little is left but roundings.
//
// Without the original a smoothed leak takes its place ([Leak.ReadAlone]), at a score
// that counts the less the worse that predicts.
//
// All sums run in a fixed order and no product is fused with a sum, so that the same
// pictures give the same score on every machine.
package requant
