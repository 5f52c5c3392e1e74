//go:build !purego

package phash

import "golang.org/x/sys/cpu"

//go:generate go run -C ../internal/test/kernels . -out ../../../phash/kernels_amd64.s -stubs ../../../phash/kernels_amd64.go -pkg phash

// avx512 and avx2 say which kernels run. Results do not depend on it, only the time.
var (
	avx512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL &&
		cpu.X86.HasAVX512VPOPCNTDQ
	avx2 = cpu.X86.HasAVX2
)
