// Package odds says what the marks in a dump support, and whom a headline may name. It is pure
// arithmetic on a [Case], which a findings file can carry, so that a reader of the findings can do
// the sum again. It knows nothing of registries, stores and pictures.
//
// # Copies of a recipient
//
// The evidence for a copy in a leak is an e-value: a likelihood ratio whose mean is at most 1 if the
// copy was not used. Leaks of one person are a cluster, and count by the mean of their e-values. A
// recipient R was issued copies of some clusters. With its e-values E(i) in these clusters,
//
//	E = mean over w = 1, 1/2, 1/4, … of product over i of 1 - w + w E(i)
//
// is the likelihood ratio of "a share w of these clusters derives from R's copies" to "none does". It is an e-value
// itself, whatever else is in the dump. So P(E >= 1/a) is at most a if R's copies were not used.
//
// # Everything else
//
// Custody and dates are facts, not ratios: who could hold unmarked what leaked, and in which range of
// time it lies. The one probability beside the marks is that of a random draw ([Window.Chance]).
// Rivals are the parties that explain the marks as well as a named recipient. A [Verdict] holds numbers and
// codes; package verify has the words. docs/verdict.md says what is assumed and not claimed.
//
// # Numbers
//
// A Case gives the same [Verdict] on every processor: sums have a fixed order, products are rounded before they are
// added, and package dsp has the logarithms. Stated logarithms are whole multiples of 1e-6.
package odds
