// Package dsp holds the signal maths under the mark and the hashes: planes of samples, transforms, filters and resampling.
//
// # The same bits everywhere
//
// A mark must come out the same on every machine. So each function sums in a fixed order and writes an explicit
// conversion around every product that is then added: the Go specification lets a compiler fuse x*y+z into one rounding
// on some processors, and forbids it across a conversion. Sine, cosine and exponential are computed from basic
// operations, which IEEE 754 rounds exactly. Package math has assembly that differs between processors.
//
// # Kernels
//
// On amd64 with AVX2 the inner loops are assembly: kernels_amd64.s, which the generator in internal/test/kernels
// writes. The function that has the plain loop calls the kernel. A kernel does the operations of the loop on several
// samples at once, in the same order for each sample, without fused multiply-add. FuzzKernels holds that kernel and
// loop have the same bits. With the tag purego, and on processors other than amd64, the plain loops run. They take 3.1
// times the CPU to mark, 4.5 times to read, 3.5 times to trace and 3.1 times to extract local features, measured on
// amd64. There are no kernels for arm64. The generator lists what each kernel gains.
package dsp
