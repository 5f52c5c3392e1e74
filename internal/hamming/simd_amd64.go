//go:build !purego

package hamming

import "golang.org/x/sys/cpu"

//go:generate go run -C ../test/kernels . -out ../../hamming/kernels_amd64.s -stubs ../../hamming/kernels_amd64.go -pkg hamming

// AVX512 and AVX2 say which kernels run, here and in phash/index. Results do not depend on them. Only tests change them.
var (
	AVX512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VPOPCNTDQ
	AVX2   = cpu.X86.HasAVX2
)
