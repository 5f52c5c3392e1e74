package verify

import (
	"math"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// Match ratios ([findings.Ratio]) in the case of a dump. They make the case of an unmarked picture
// weaker, never stronger. A lookalike speaks for another collector of the same documents alone.

// falseMatchOf returns the probability, 0..1, that a leak which shows an upload without a mark fits
// that upload and does not show it. It is base, or the inverse of the smallest match ratio if that is
// more, rounded up to a step of [ratioStep]. base is the probability for every leak of the dump.
func (v *Verdict) falseMatchOf(base float64) float64 {
	m := find(v.Matches, func(m *Match) bool { return m.Submission == v.Submission })
	if v.Finding != FoundUnmarked && v.Finding != FoundUnreadable || m == nil || m.Ratio == nil {
		return base
	}
	r := m.Ratio
	lowest := math.Min(r.Capture, math.Min(r.Document, r.Stranger))
	return math.Min(1, math.Max(base, micro(math.Pow(10, math.Ceil(-lowest/ratioStep-1e-6)*ratioStep))))
}

// otherCapture returns the log10 likelihood ratio that a lookalike shows another capture of the
// document of its submission. The alternative is the better one of an altered upload and another
// document. It returns false for a leak that is no lookalike, and without figures.
func (v *Verdict) otherCapture() (float64, bool) {
	m := find(v.Matches, func(m *Match) bool { return m.Submission == v.Submission })
	if v.Finding != FoundLookalike || m == nil || m.Ratio == nil {
		return 0, false
	}
	return math.Min(-m.Ratio.Capture, m.Ratio.Another), true
}

// A collector is the evidence of another collector: of a party that has other captures of documents
// that the registry has.
type collector struct {
	pictures, submissions int     // that lookalikes show, and that they resemble
	raw, lr               float64 // log10 likelihood ratio, before and after the limit of the dump; lr is at least 0
}

// collector weighs the lookalikes of the dump. The leaks that resemble one submission count by the
// mean of their ratios, and the submissions multiply. What is wrong for one leak may be wrong for
// all: they may be of one template that recorded comparisons do not know. So the ratio of the dump
// is limited by the number of templates compared, however many lookalikes there are.
func (w *weighing) collector() (c collector) {
	ln := make(map[watermark.Submission][]float64)
	var order []watermark.Submission
	for i, l := range w.Verdicts {
		r, found := l.otherCapture()
		if !found || w.first[i] != i {
			continue
		}
		if c.pictures++; ln[l.Submission] == nil {
			order = append(order, l.Submission)
		}
		ln[l.Submission] = append(ln[l.Submission], r*math.Ln10)
	}
	c.submissions = len(order)
	for _, id := range order {
		c.raw += lnMean(ln[id]) / math.Ln10
	}
	c.raw = micro(c.raw)
	c.lr = math.Max(0, capture.Limited(c.raw, ratioTemplates))
	return c
}

// collectorLine returns the hypothesis about another collector, or nil without lookalikes that have
// ratios.
func (w *weighing) collectorLine() *odds.Hypothesis {
	c := w.collector()
	if c.pictures == 0 {
		return nil
	}
	return &odds.Hypothesis{Kind: odds.Collector, Code: odds.Collector, Raw: c.raw, LogLR: c.lr, Capped: c.raw > math.Log10(ratioTemplates), Pictures: c.pictures}
}

// collectorFigures are said if the lookalikes weakly support another collector at least.
func (w *weighing) collectorFigures() []figures {
	c := w.collector()
	return once(c.pictures > 0 && c.lr >= verbal[len(verbal)-1].from, figures{"n": c.pictures, "submissions": c.submissions, "times": times(c.lr), "words": inWords(c.lr), "templates": ratioTemplates})
}
