package odds

import (
	"fmt"
	"strings"
)

// A level of the verbal scale: from this log10 likelihood ratio on.
type level struct {
	from  float64
	words string
}

// verbal is the scale of the ENFSI Guideline for Evaluative Reporting in Forensic
// Science (2015), section 2.4 and table on page 17.
var verbal = []level{
	{6, "extremely strong support"},
	{4, "very strong support"},
	{3, "strong support"},
	{2, "moderately strong support"},
	{1, "moderate support"},
	{0.30102999566398120, "weak support"}, // log10 2
}

// Words is the verbal equivalent of a log10 likelihood ratio.
func Words(logLR float64) string {
	for _, l := range verbal {
		if logLR >= l.from {
			return l.words
		}
		if -logLR >= l.from {
			return l.words + " for the alternative"
		}
	}
	return "no support either way"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
