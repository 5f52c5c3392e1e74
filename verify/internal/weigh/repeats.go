package weigh

import (
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// Firsts returns, for each leak, the index of the first leak with the same bytes, label, submission and copy, or its
// own.
func Firsts(leaks []*findings.Finding) []int {
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

// repeated returns the indices of the leaks that later leaks repeat, by the result of firsts.
func repeated(firsts []int) map[int]bool {
	out := make(map[int]bool)
	for i, first := range firsts {
		if i != first {
			out[first] = true
		}
	}
	return out
}
