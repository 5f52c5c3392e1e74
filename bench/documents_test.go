package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A table in a document is what the results give: else run kycmark-bench tables.
func TestDocumentsAreCurrent(t *testing.T) {
	stale, err := fillTables("..", false)
	require.NoError(t, err)
	assert.Empty(t, stale)
}
