package weigh

import (
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/words"
)

// NotSearched returns the sentences on what the search of the dump could not read: records of the registry, and
// uploads, in whole or in part. It is nil if all was read.
func NotSearched(d *findings.Verdict) (out []string) {
	w := &Weighing{Verdict: *d}
	for _, r := range dumpSentences {
		if slices.Contains([]string{"records-altered", "not-searched-damaged", "not-searched-flat", "not-searched-whole"}, r.code) {
			for _, x := range r.when(w) {
				out = append(out, words.Write(r.text, x))
			}
		}
	}
	return out
}

// SearchDamaged reports whether uploads could not be searched for, since what they are found by was altered or removed.
func SearchDamaged(d *findings.Verdict) bool {
	worst := (&Weighing{Verdict: *d}).missingUploads()
	return worst != nil && worst.Damaged > 0
}

// notSearched returns the condition of a sentence on a number of uploads that were not searched. If
// these uploads were different for different leaks, the leak with the most damaged uploads counts.
func notSearched(number func(*findings.Missing) int) func(*Weighing) []words.Figures {
	return func(w *Weighing) []words.Figures {
		worst := w.missingUploads()
		if worst == nil || number(worst) == 0 {
			return nil
		}
		return []words.Figures{{"n": words.Thousands(float64(number(worst))), "of": words.Thousands(float64(worst.Uploads))}}
	}
}

// missingUploads returns the numbers of uploads that the search of a leak could not find: of the leak with the most
// damaged uploads.
func (w *Weighing) missingUploads() (worst *findings.Missing) {
	for _, l := range w.Findings {
		if s := l.Searched; s != nil && s.Missing != nil && (worst == nil || s.Missing.Damaged > worst.Damaged) {
			worst = s.Missing
		}
	}
	return worst
}
