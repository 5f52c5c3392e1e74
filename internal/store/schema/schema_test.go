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
	require.Equal(t, "9ad3c51a410c97c83940f59929fe2b8ba25de71d062aad6c79d543ee0590e927", fmt.Sprintf("%x", sha256.Sum256(text)))
}
