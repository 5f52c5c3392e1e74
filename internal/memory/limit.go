package memory

import "github.com/KimMachineGun/automemlimit/memlimit"

// usable is the share of the memory of a machine that pictures may take: the rest is for the program itself,
// what waits for the garbage collector, and other programs. Chosen.
const usable = 0.65

// unknown stands for the memory of a machine that does not tell, bytes. Chosen.
const unknown = 2 << 30

// Limit returns how many bytes the pictures of this process may take together: [usable] times the min of
// what control groups, limits of the process and the machine allow.
func Limit() int64 {
	smallest := uint64(1 << 62)
	for _, ask := range []memlimit.Provider{memlimit.FromCgroup, memlimit.FromSystem, ofProcess} {
		if n, err := ask(); err == nil && n > 0 {
			smallest = min(smallest, n)
		}
	}
	if smallest == 1<<62 {
		smallest = unknown
	}
	return int64(usable * float64(smallest))
}
