//go:build !linux

package memory

// LargePages does nothing: other systems take large pages by themselves.
func LargePages() {}
