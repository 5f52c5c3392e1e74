package sealing

import (
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// What one of our AES-GCM and Tink's encrypts, the other decrypts: others can open a registry with a library of their
// own. Neither decrypts what was altered, or with other associated data.
func TestTinkOpensWhatWeSeal(t *testing.T) {
	var key [sealSize]byte
	rand.Read(key[:])
	ours := newAESGCM(key)
	tinks, err := subtle.NewAESGCM(key[:])
	require.NoError(t, err)
	for _, way := range []struct{ from, to AEAD }{{ours, tinks}, {tinks, ours}} {
		for _, clear := range []string{"", "an original"} {
			sealed, err := way.from.Encrypt([]byte(clear), []byte("of one upload"))
			require.NoError(t, err)
			require.Len(t, sealed, 12+len(clear)+16)
			got, err := way.to.Decrypt(sealed, []byte("of one upload"))
			require.NoError(t, err)
			require.Equal(t, clear, string(got))
			_, err = way.to.Decrypt(sealed, []byte("of another"))
			require.Error(t, err)
			for i := range sealed {
				sealed[i] ^= 1
				_, err = way.to.Decrypt(sealed, []byte("of one upload"))
				require.Error(t, err)
				sealed[i] ^= 1
			}
			_, err = way.to.Decrypt(sealed[:len(sealed)-1], []byte("of one upload"))
			require.Error(t, err)
		}
	}
}
