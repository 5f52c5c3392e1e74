package verify

import (
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
)

// NotSearched returns the sentences on what the search of the dump could not read: records of the registry, and
// uploads, in whole or in part. It is nil if all was read.
func (d *Verdict) NotSearched() (out []string) {
	w := &weighing{Verdict: *d}
	for _, r := range dumpSentences {
		if slices.Contains([]string{"records-altered", "not-searched-damaged", "not-searched-flat", "not-searched-whole"}, r.code) {
			for _, x := range r.when(w) {
				out = append(out, write(r.text, x))
			}
		}
	}
	return out
}

// SearchDamaged reports whether uploads could not be searched for, since what they are found by was altered or removed.
func (d *Verdict) SearchDamaged() bool {
	worst := (&weighing{Verdict: *d}).missingUploads()
	return worst != nil && worst.Damaged > 0
}

// notSearched returns the condition of a sentence on a number of uploads that were not searched. If
// these uploads were different for different leaks, the leak with the most damaged uploads counts.
func notSearched(number func(*findings.Missing) int) func(*weighing) []figures {
	return func(w *weighing) []figures {
		worst := w.missingUploads()
		if worst == nil || number(worst) == 0 {
			return nil
		}
		return []figures{{"n": thousands(float64(number(worst))), "of": thousands(float64(worst.Uploads))}}
	}
}

// missingUploads returns the numbers of uploads that the search of a leak could not find: of the leak with the most
// damaged uploads.
func (w *weighing) missingUploads() (worst *findings.Missing) {
	for _, l := range w.Findings {
		if s := l.Searched; s != nil && s.Missing != nil && (worst == nil || s.Missing.Damaged > worst.Damaged) {
			worst = s.Missing
		}
	}
	return worst
}
