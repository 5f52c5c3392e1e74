// Package dsp holds the signal maths under the mark and the hashes: planes of samples,
// transforms, filters and resampling.
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
// amd64. There are no kernels for arm64.
//
// A kernel is kept if CPU rises by 1 % or more without the kernel, in one of the benchmarks. The rise in percent, from
// profiles of the benchmarks with kernels and with the tag purego (Embed12MP, Read and Trace of watermark, Sum of
// phash, Extract and Examine of phash/parts):
//
//	               mark  read trace  hash parts
//	radix2                2.0
//	radix3          2.4   4.6
//	radix4         15.7  24.1  12.5
//	radix5                1.2
//	last4                 6.7   1.7
//	sparse4              16.1
//	copyBlock      11.4  10.3
//	interleave      2.7   1.0
//	split           3.4   1.3
//	intoColumns           1.4   1.0   3.4
//	intoRows        1.3   1.1         3.0
//	maxAbs               63.7
//	positions       4.0   6.0
//	cubic           9.4   6.2
//	linear                1.8   1.7
//	widen           2.0
//	weighted        2.7         1.1
//	addRow         11.4
//	shrinkRow       6.0         2.7         2.8
//	opaque                      1.5               (Trace/original alone)
//	addScaled       2.0         9.9        27.3
//	max, min        4.0   7.4   2.9
//	toneRows        7.4  30.3
//	bilateral       9.4   3.1
//	symmetric      32.2  11.2 177.4       115.3
//	box             8.1   4.7   1.5
//	means                             4.2
//	slide                             1.6
//	luma                              3.1
//	sumLevels            21.0
//	ranks                11.8
//	above                 2.6
//
// Thirteen of 46 kernels bought less, or have no caller any more, and are gone.
package dsp
