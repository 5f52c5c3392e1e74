//go:build !linux

package apart

// limitMemory does nothing: this system has no limit that the runtime keeps.
func limitMemory(uint64) {}
