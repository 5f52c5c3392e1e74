// Package dsp holds the signal maths under the mark and the hashes: planes of samples,
// transforms, filters and resampling.
//
// A mark must come out the same on every machine. So each function here sums in
// a fixed order and writes an explicit conversion around every product that is
// then added: the Go specification lets a compiler fuse x*y+z into one rounding
// on some processors, and forbids it across a conversion. For the same reason
// sine, cosine and exponential are computed here from basic operations, which
// IEEE 754 rounds exactly, and not by package math, whose assembly differs.
//
// On amd64 processors with AVX2 the inner loops are assembly (kernels_amd64.s,
// written by the generator in _gen). Each does the operations of its plain Go twin
// on several samples at once, in the same order for each and without fused
// multiply-add, so that results have the same bits.
package dsp
