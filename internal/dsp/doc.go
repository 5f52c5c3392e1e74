// Package dsp holds the signal maths under the mark: planes of samples,
// transforms, filters and resampling.
//
// A mark must come out the same on every machine. So each function here sums in
// a fixed order and writes an explicit conversion around every product that is
// then added: the Go specification lets a compiler fuse x*y+z into one rounding
// on some processors, and forbids it across a conversion. For the same reason
// sine, cosine and exponential are computed here from basic operations, which
// IEEE 754 rounds exactly, and not by package math, whose assembly differs.
package dsp
