//go:build !linux

package apart

// limit does nothing: this system has no limit that the runtime keeps.
func limit(bytes, seconds uint64) {}
