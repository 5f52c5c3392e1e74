package verify

import (
	"github.com/kycmark/kycmark/watermark"
)

// firsts returns, for each leak, the place of the first leak that is the same file byte for
// byte and has the same finding. For a leak that repeats no other that is its own place.
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

// repeated says which leaks are repeated by later ones, by the result of firsts.
func repeated(firsts []int) map[int]bool {
	out := make(map[int]bool)
	for i, first := range firsts {
		if i != first {
			out[first] = true
		}
	}
	return out
}
