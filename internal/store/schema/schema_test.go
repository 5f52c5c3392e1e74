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
	require.Equal(t, "f30a6db7899663679349f51213aed4bfc51bba6a7c3bf89ed8f023ab02431c5b", fmt.Sprintf("%x", sha256.Sum256(text)))
}
