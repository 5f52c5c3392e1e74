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
	require.Equal(t, "2453e7fc3469dc0e7cb0b074282b4d82ee9c9be63f1aca01b503f452f2ef4ae0", fmt.Sprintf("%x", sha256.Sum256(text)))
}
