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
	require.Equal(t, "fb13c3c25c053e42c46205e8e352536d902db55b51ff92e3b4720c5c26eb83fa", fmt.Sprintf("%x", sha256.Sum256(text)))
}
