package sqldb_test

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
	require.Equal(t, "b751ffe22fe6c7caa2d8154639639995a66a5f7f3d3c65e1f153c62848971f8c", fmt.Sprintf("%x", sha256.Sum256(text)))
}
