//go:build darwin || freebsd || netbsd || openbsd

package mapfile

// askForHugePages does nothing: these systems choose the size of pages themselves.
func askForHugePages([]byte) {}
