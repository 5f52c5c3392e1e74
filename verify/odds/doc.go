// Package odds weighs the findings of a dump: how much more probable they are under
// one listed explanation than under the strongest other. It is pure arithmetic on a
// [Case], which a findings file can carry, so that a reader of the findings can do the
// sum again. It knows nothing of registries, stores and pictures.
//
// # The model
//
// A dump has up to three sources. With the set A of sources, shares p of the dump
// that came from each, and for each source the part of its holdings that was taken,
//
//	P(data | A) = mean over p ~ Dirichlet(1/2) and parts of
//	              product over clusters i of sum over h in A of p_h q_h(i) g_h(i),
//
// the mean also over which sources of copies removed their marks.
//
// q_h says how probable it is that a source that took its part at random delivers the
// picture of cluster i, and g_h how probable the marks in it are. The log10 likelihood
// ratio of an explanation X is
//
//	max over A with X of P(data | A) / max over A without X of P(data | A)
//
// at the least favourable point of a grid of two unknowns (how probable it is that thieves
// take ranges, and that they scrub marks), and capped by what validation has shown. A
// [Verdict] holds numbers and codes; package verify has the words.
// docs/verdict.md derives each formula, and says what is assumed and not claimed.
//
// # Numbers
//
// Integrals over shares use rules whose error is below 1e-8, sums have a fixed
// order, products that are added are rounded first, and logarithms are the package's own: a
// Case gives the same [Verdict] on every processor. Stated logarithms are whole
// multiples of 1e-6.
package odds
