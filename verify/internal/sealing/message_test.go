package sealing_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/internal/sealing"
)

// A message opens with the same key and subject alone, and shows nothing of its text.
func TestMessage(t *testing.T) {
	key := sealing.Generate()
	sealed, err := key.SealMessage("submit", []byte("customer-4711"))
	require.NoError(t, err)
	require.NotContains(t, string(sealed), "4711")
	clear, err := key.OpenMessage("submit", sealed)
	require.NoError(t, err)
	require.Equal(t, "customer-4711", string(clear))
	for name, open := range map[string]func() ([]byte, error){
		"another subject": func() ([]byte, error) { return key.OpenMessage("erase", sealed) },
		"another key":     func() ([]byte, error) { return sealing.Generate().OpenMessage("submit", sealed) },
		"no message":      func() ([]byte, error) { return key.OpenMessage("submit", []byte("{")) },
		"altered": func() ([]byte, error) {
			return key.OpenMessage("submit", bytes.Replace(sealed, []byte(`"body":"`), []byte(`"body":"AAAA`), 1))
		},
	} {
		_, err := open()
		require.ErrorIs(t, err, records.ErrSealed, name)
	}
	empty, err := key.SealMessage("x", nil)
	require.NoError(t, err)
	clear, err = key.OpenMessage("x", empty)
	require.NoError(t, err)
	require.Empty(t, clear)
}
