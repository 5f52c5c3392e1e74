package verify

import (
	"github.com/kycmark/kycmark/watermark"
)

// firsts are for each leak the place of the first that is the same file, byte for byte, and
// of which the same was found; its own where it is none's repetition.
func firsts(leaks []*Verdict) []int {
	type file struct {
		digest     string
		label      string
		submission watermark.Submission
		copied     watermark.CopyID
	}
	first := make(map[file]int)
	out := make([]int, len(leaks))
	for i, l := range leaks {
		out[i] = i
		k := file{l.SHA256, l.Label(), l.Submission, l.Copy}
		if was, known := first[k]; known && l.SHA256 != "" {
			out[i] = was
			continue
		}
		first[k] = i
	}
	return out
}

// repeated says of which leaks there are repetitions, themselves not among them.
func repeated(firsts []int) map[int]bool {
	out := make(map[int]bool)
	for i, first := range firsts {
		if i != first {
			out[first] = true
		}
	}
	return out
}
