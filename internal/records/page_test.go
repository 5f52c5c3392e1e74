package records

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
)

// The row of a page, and the mark of that page, have one ID.
func TestPageID(t *testing.T) {
	of := watermark.Submission{1, 2, 255}
	require.Equal(t, of, PageID(of, 1))
	for k := 2; k <= 200; k++ {
		require.Equal(t, watermark.SubmissionOf(PageDigest(of, k)), PageID(of, k), k)
	}
}
