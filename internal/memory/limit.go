package memory

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// usable is the share of the memory of a machine that pictures may take: the rest is for the program itself,
// what waits for the garbage collector, and other programs. Chosen.
const usable = 0.65

// unknown stands for the memory of a machine that does not tell, bytes. Chosen.
const unknown = 2 << 30

// Limit returns how many bytes the pictures of this process may take together: [usable] times the min of
// what control groups, limits of the process and the machine allow.
func Limit() int64 {
	smallest := min(ofGroups(os.ReadFile), ofProcess(), ofMachine())
	if smallest > 1<<62 {
		smallest = unknown
	}
	return int64(usable * float64(smallest))
}

// groupsFolder is where Linux shows control groups.
const groupsFolder = "/sys/fs/cgroup"

// ofGroups returns the min limit of the control group of this process and of the groups above it, of version 2 or 1, bytes;
// math.MaxUint64 without a limit. It reads files with read.
func ofGroups(read func(file string) ([]byte, error)) uint64 {
	smallest := uint64(math.MaxUint64)
	groups, _ := read("/proc/self/cgroup") // without the file there are no groups
	for line := range strings.Lines(string(groups)) {
		kinds, group, _ := strings.Cut(strings.TrimSpace(line[strings.Index(line, ":")+1:]), ":")
		folder, name := groupsFolder, "memory.max"
		switch {
		case kinds == "": // version 2
		case strings.Contains(","+kinds+",", ",memory,"):
			folder, name = groupsFolder+"/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for ; ; group = path.Dir(group) { // in a container the group may lie above the folder: then its files are not there
			text, _ := read(path.Join(folder, group, name))
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
				smallest = min(smallest, n)
			}
			if group == path.Dir(group) {
				break
			}
		}
	}
	return smallest
}
