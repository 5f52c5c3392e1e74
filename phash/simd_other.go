//go:build !amd64 || purego

package phash

// On other processors hashes are compared one by one.

func hasScanKernel() bool { return false }

func nearGroups(*[4]uint64, []byte, int, []uint32) int { return 0 }

func hasLookupKernels() bool { return false }

func (t *table) probeFast(_ uint32, _ []uint32, _ []run, filled int) (done, fill, numbers int) {
	return 0, filled, 0
}

func gatherFast(int, []byte, []run, []uint32) int { return 0 }

func nearIDs(*[4]uint64, []byte, []uint32, int, []uint32) int { return 0 }
