package conclude

import (
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

// ShowsCapture reports whether the word says that the leak shows the very capture that the upload is.
func ShowsCapture(pixels string) bool {
	return pixels == findings.PixelsSame || pixels == findings.PixelsAltered
}

// ShowsDocument reports whether the word says no more than that the leak shows the document or page of the upload.
func ShowsDocument(pixels string) bool {
	return pixels == findings.PixelsAlike || pixels == findings.PixelsPage
}

// Aligned reports whether the leak was laid on the original and could be judged.
func Aligned(pixels string) bool {
	return slices.Contains([]string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsPartial, findings.PixelsEdges, findings.PixelsAlike, findings.PixelsPage, findings.PixelsSharper, findings.PixelsDifferent, findings.PixelsTemplate}, pixels)
}

// SameDocument reports whether two originals show the same document, perhaps in two captures. pixels
// is the word for them, and score the share of their comparable blocks that agree.
func SameDocument(pixels string, score float64) bool {
	switch pixels {
	case findings.PixelsSame, findings.PixelsAltered, findings.PixelsAlike:
		return true
	case findings.PixelsPartial, findings.PixelsRecaptured:
		return score >= tuning.MinDocumentScore
	}
	return false
}

// PageOf returns the ID under which the page of a match is opened: see [watermark.Submission.Page].
func PageOf(m *findings.Match) watermark.Submission { return m.Submission.Page(m.Page) }
