// Package requant reads a mark from a leak that went through a hard JPEG, after which
// little is left of the mark except roundings.
//
// A decoded JPEG file is rounded: each coefficient of its blocks is a whole number of
// steps of a quantisation table. The difference of leak and original has the noise of that
// rounding, from some grey levels to some tens. A mark of one grey level drowns in it.
//
// But the original is known, and so is the number of steps that each of its coefficients is rounded to. If a
// coefficient of the original lies far from a boundary of rounding, the leak tells nothing: it shows the same number of
// steps with and without a mark. If the coefficient lies near a boundary, the side that the leak fell to tells which
// way the mark pushed. The score is the derivative of the log-likelihood of these roundings. The score takes the place
// of the difference of the two pictures.
//
// A leak that was resized before it was rounded is read in the same way, against the
// original resized alike ([Leak.Predict]).
//
// Without the original, the smoothed leak takes its place ([Leak.ReadAlone]). Its score
// counts less the worse the smoothed leak predicts the coefficients.
//
// All sums run in a fixed order and no product is fused with a sum. So the same pictures
// give the same score on every machine.
package requant
