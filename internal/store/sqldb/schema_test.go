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
	require.Equal(t, "61cf518384c78a8e03df6d1d2ae282485a409a70d55ba7fa23cbaeba385b03b5", fmt.Sprintf("%x", sha256.Sum256(text)))
}
