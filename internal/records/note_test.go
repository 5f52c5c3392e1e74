package records_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/records"
)

// Opponent's story: short references, and no erasure with the number of a request is taken.
func TestCheckErasure(t *testing.T) {
	for note, refused := range map[string]bool{"request 2026/441": false, "a44": false, "request 44": true, "44's letter": true, "no. 44, 45": true, "": false} {
		assert.Equal(t, refused, records.CheckErasure("subject", "44", note) != nil, note)
	}
	assert.NoError(t, records.CheckErasure("subject", "", "request 44"))
}
