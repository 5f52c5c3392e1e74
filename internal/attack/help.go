package attack

import (
	"fmt"
	"strings"
)

// Help returns the list for people: a line a group, and under it a line an
// attack with its name and what it does.
func Help() string {
	var b strings.Builder
	group := ""
	for _, a := range list {
		if a.Group != group {
			group = a.Group
			fmt.Fprintln(&b, group)
		}
		fmt.Fprintf(&b, "  %-16s %s\n", a.Name, a.About)
	}
	return b.String()
}
