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
	require.Equal(t, "25fa1c547a28a12de8da4168800f563109f9369701a8deef0711df7ef8f23979", fmt.Sprintf("%x", sha256.Sum256(text)))
}
