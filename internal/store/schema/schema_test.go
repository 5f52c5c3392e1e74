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
	require.Equal(t, "6546ffab1b1a63c473a70295d3240f39018b455a786fb09e4dd4e5cf211f1b61", fmt.Sprintf("%x", sha256.Sum256(text)))
}
