package examine

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Opponent's story: a part of a screenshot shows pilots by chance, "less than once in a million", but forty parts were looked at.
func TestPilotsAmongParts(t *testing.T) {
	assert.Equal(t, -6.5, among(1, -6.5))
	assert.Zero(t, among(9, -6.5))
	assert.InDelta(t, -6.1, among(8, -7), 0.01)
	assert.Zero(t, among(0, 0))
}
