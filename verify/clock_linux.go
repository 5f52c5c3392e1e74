package verify

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// clock returns, in words for the record, where times come from: the machine's clock, and whether
// the kernel says that it is synchronised, with the maximum error (adjtimex(2)).
func clock() string {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return "clock of the machine"
	}
	if t.Status&unix.STA_UNSYNC != 0 {
		return "clock of the machine, which its kernel says is not synchronised"
	}
	return fmt.Sprintf("clock of the machine, which its kernel says is synchronised, with an error of %.3f s at most", float64(t.Maxerror)/1e6)
}
