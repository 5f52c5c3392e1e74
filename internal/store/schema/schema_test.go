package schema_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// Another text of the schema needs another version once registries exist that users have.
func TestSchemaOfThisVersion(t *testing.T) {
	text, err := os.ReadFile("schema.sql")
	require.NoError(t, err)
	require.Equal(t, "4f81e73276b19dff9feb8d1b4fcf84f0a5139f0ef82aa57a7e91c4e8192dfeee", fmt.Sprintf("%x", sha256.Sum256(text)))
}
