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
	require.Equal(t, "493c42e9806a64bad87de06ec4d53d8b2615a244ecee29aaf6226eeebe16a75b", fmt.Sprintf("%x", sha256.Sum256(text)))
}
