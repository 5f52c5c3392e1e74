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
	require.Equal(t, "349fc6d85e6974327b94093bf8a2b58b96834b77325fdbc5912b118aa34c0739", fmt.Sprintf("%x", sha256.Sum256(text)))
}
