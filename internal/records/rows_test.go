package records_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
)

// There is one way to write a digest.
func TestHexDigitsAreStrict(t *testing.T) {
	good := strings.Repeat("ab", 32)
	var d books.Digest
	require.NoError(t, json.Unmarshal([]byte(`"`+good+`"`), &d))
	again, err := json.Marshal(d)
	require.NoError(t, err)
	require.Equal(t, `"`+good+`"`, string(again))
	for name, bad := range map[string]string{
		"empty": "", "short": good[2:], "long": good + "ab", "odd": good[1:], "capital": strings.ToUpper(good), "no digits": "zz" + good[2:],
	} {
		before := d
		assert.Error(t, d.UnmarshalText([]byte(bad)), name)
		assert.Equal(t, before, d, name)
		var s books.Signature
		assert.Error(t, s.UnmarshalText([]byte(bad)), name)
	}
}
