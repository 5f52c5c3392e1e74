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
	require.Equal(t, "f6789af66a4b95ff76afa8720aa2609d08287ae9803f075f047fe48f1d032ee0", fmt.Sprintf("%x", sha256.Sum256(text)))
}
