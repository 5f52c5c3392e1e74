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
	require.Equal(t, "68c025fc53551e2696e15114613bd9e493584a8227dfc0b2d42dbbf497890915", fmt.Sprintf("%x", sha256.Sum256(text)))
}
