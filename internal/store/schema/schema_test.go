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
	require.Equal(t, "82cfe78c46fcf2565465897e7fb4a296f8d1a01ea48a804ba0e5a37286f1e9d8", fmt.Sprintf("%x", sha256.Sum256(text)))
}
