// Package odds weighs the findings of a dump: how much more probable they are under
// one listed explanation than under the strongest other. It is pure arithmetic on a
// [Case], which a findings file can carry, so that a reader of the findings can do the
// sum again. It knows nothing of registries, stores and pictures.
//
// # The model
//
// A dump has up to three sources. A is the set of sources. p are the shares of the dump that
// came from each source. Each source took a part of its holdings. Then
//
//	P(data | A) = mean over p ~ Dirichlet(1/2) and parts of
//	              product over clusters i of sum over h in A of p_h q_h(i) g_h(i),
//
// where the mean is also over which sources of copies removed their marks.
//
// q_h is the probability that source h, which took its part at random, delivers the picture
// of cluster i. g_h says how probable the marks in that picture are. The log10 likelihood
// ratio of an explanation X is
//
//	max over A with X of P(data | A) / max over A without X of P(data | A)
//
// at the least favourable point of a grid of unknowns, and capped by what validation has shown. The
// unknowns say how probably thieves take a part, from which family of parts, and how probably they
// scrub marks. A [Verdict] holds numbers and codes; package verify has the words.
// docs/verdict.md derives each formula, and says what is assumed and not claimed.
//
// # Numbers
//
// A Case gives the same [Verdict] on every processor: sums have a fixed order, products are
// rounded before they are added, and logarithms are computed by the package itself.
// Integrals over shares use rules whose error is below 1e-8. Stated logarithms are whole
// multiples of 1e-6.
package odds
