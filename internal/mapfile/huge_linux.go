package mapfile

import "golang.org/x/sys/unix"

// askForHugePages is in vain on kernels without them.
func askForHugePages(b []byte) { _ = unix.Madvise(b, unix.MADV_HUGEPAGE) }
