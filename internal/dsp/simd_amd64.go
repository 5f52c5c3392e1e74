//go:build !purego

package dsp

import "golang.org/x/sys/cpu"

//go:generate go run -C ../test/kernels . -out ../../dsp/kernels_amd64.s -stubs ../../dsp/kernels_amd64.go -pkg dsp

// avx2 says whether the kernels of kernels_amd64.s run. A kernel gives the same bits as
// the plain loop beside its call, so only the time depends on avx2.
var avx2 = cpu.X86.HasAVX2
