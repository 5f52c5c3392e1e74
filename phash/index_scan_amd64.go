//go:build !purego

package phash

import "golang.org/x/sys/cpu"

//go:generate go run -C ../internal/dsp/_gen . -out ../../../phash/kernels_amd64.s -stubs ../../../phash/kernels_amd64.go -pkg phash

// What the processor has. Results do not depend on it, only time does.
var (
	avx512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL &&
		cpu.X86.HasAVX512VPOPCNTDQ
	avx2 = cpu.X86.HasAVX2
)

func hasScanKernel() bool { return avx512 || avx2 }

// nearGroups writes to out which groups of scanGroup hashes have one within radius
// bits of q, and returns how many have. There is at least one group, and radius is
// 0 to 255.
func nearGroups(q *[4]uint64, hashes []byte, radius int, out []uint32) int {
	groups := len(hashes) / (32 * scanGroup)
	_ = out[groups-1]
	if avx512 {
		return nearAVX512(&q[0], &hashes[0], groups, radius, &out[0])
	}
	return nearAVX2(&q[0], &hashes[0], groups, radius, &out[0])
}

// hasLookupKernels says whether the functions below serve.
func hasLookupKernels() bool { return avx512 }

// probeFast is probe for as many of the masks as it can, and returns how many.
func (t *table) probeFast(value uint32, masks []uint32, runs []run, filled int) (done, fill, numbers int) {
	n := len(masks) &^ 7
	if !avx512 || n == 0 {
		return 0, filled, 0
	}
	_ = runs[filled+n+slack-1]
	return probeAVX512(&t.blocks[0], value, &masks[0], n, &runs[0], filled)
}

// gatherFast is gather of at least one run.
func gatherFast(idSize int, lists []byte, runs []run, ids []uint32) int {
	if idSize == 3 {
		return gather3AVX(&lists[0], &runs[0], len(runs), &ids[0])
	}
	return gather4AVX(&lists[0], &runs[0], len(runs), &ids[0])
}

// nearIDs is nearGroups for the hashes with the numbers ids, which are whole groups.
func nearIDs(q *[4]uint64, hashes []byte, ids []uint32, radius int, out []uint32) int {
	groups := len(ids) / scanGroup
	_ = out[groups-1]
	return nearIDsAVX512(&q[0], &hashes[0], &ids[0], groups, radius, &out[0])
}
