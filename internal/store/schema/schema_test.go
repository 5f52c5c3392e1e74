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
	require.Equal(t, "e189125c5eabc5157e93954f21c753cc614c8a39e34a4bc25ab43017cb0d6261", fmt.Sprintf("%x", sha256.Sum256(text)))
}
