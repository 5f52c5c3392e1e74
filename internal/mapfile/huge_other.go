//go:build darwin || freebsd || netbsd || openbsd

package mapfile

func askForHugePages([]byte) {}
