package seal_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/seal"
)

// specKey is the key of DSSE's test vector: ECDSA over P-256, the signature r and s one
// after another.
type specKey struct{ *ecdsa.PublicKey }

func (k specKey) Verify(_ context.Context, data, sig []byte) error {
	sum := sha256.Sum256(data)
	if len(sig) != 64 || !ecdsa.Verify(k.PublicKey, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return errors.New("no")
	}
	return nil
}
func (specKey) KeyID() (string, error)     { return "", nil }
func (k specKey) Public() crypto.PublicKey { return k.PublicKey }

// The test vector of DSSE 1.0.2, protocol.md, "Test Vectors".
func TestDSSEVectors(t *testing.T) {
	require.Equal(t, "DSSEv1 29 http://example.com/HelloWorld 11 hello world", string(dsse.PAE("http://example.com/HelloWorld", []byte("hello world"))))
	point := []byte{4} // uncompressed: SEC 1 section 2.3.3
	for _, s := range []string{"46950820868899156662930047687818585632848591499744589407958293238635476079160",
		"5640078356564379163099075877009565129882514886557779369047442380624545832820"} {
		n, ok := new(big.Int).SetString(s, 10)
		require.True(t, ok)
		point = append(point, n.FillBytes(make([]byte, 32))...)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	require.NoError(t, err)
	var e dsse.Envelope
	require.NoError(t, json.Unmarshal([]byte(`{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}`), &e))
	v, err := dsse.NewEnvelopeVerifier(specKey{key})
	require.NoError(t, err)
	_, payload, err := v.VerifyAndDecode(t.Context(), &e)
	require.NoError(t, err)
	require.Equal(t, "hello world", string(payload))
}

// Ed25519 has one signature of a message, so an envelope has one form for ever. The
// signature is openssl's: "openssl pkeyutl -sign -rawin" of the pre-authentication encoding.
func TestEnvelopeVectors(t *testing.T) {
	text, err := seal.SignEnvelope([]byte(`{"a":1}`), fixedKey(1))
	require.NoError(t, err)
	require.Equal(t, `{"payloadType":"application/vnd.in-toto+json","payload":"eyJhIjoxfQ==","signatures":[{"keyid":"fd110d301d2f077de1414b8f99f441b1403fab207b2052fbd2c065e4ee8e7dc2","sig":"hnRWfVwgwUEyaqmeDERer317/PZ4tLcnJETrpxDg6FowIHVyXUXrQyvvL5GH98aq27DAcIy6Y7pk9ZPb3430DA=="}]}`+"\n", string(text))
}

func TestEnvelope(t *testing.T) {
	key := fixedKey(1)
	text, err := seal.SignEnvelope([]byte(`{"a":"<?>"}`), key)
	require.NoError(t, err)
	payload, err := seal.OpenEnvelope(text, public(key))
	require.NoError(t, err)
	require.Equal(t, `{"a":"<?>"}`, string(payload))
	_, err = seal.OpenEnvelope(text, public(fixedKey(2)))
	require.ErrorIs(t, err, seal.ErrBundle)
}

// What DSSE lets pass, since it says the same, is refused here all the same.
func TestEnvelopeHasOneForm(t *testing.T) {
	key := fixedKey(1)
	payload := []byte(`{"a":"` + strings.Repeat("?>", 21) + `"}`)
	text, err := seal.SignEnvelope(payload, key)
	require.NoError(t, err)
	var e dsse.Envelope
	require.NoError(t, json.Unmarshal(text, &e))
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	require.NoError(t, err)
	require.Contains(t, e.Signatures[0].Sig, "+", "for the test of another alphabet")
	encode := func(payload, id, sig string) string {
		return fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[{"keyid":%q,"sig":%q}]}`+"\n", seal.PayloadType, payload, id, sig)
	}
	body, id, mark := e.Payload, e.Signatures[0].KeyID, e.Signatures[0].Sig
	require.Equal(t, string(text), encode(body, id, mark))
	for name, changed := range map[string]string{
		"URL-safe base64":  encode(base64.URLEncoding.EncodeToString(payload), id, mark),
		"signature, too":   encode(body, id, base64.URLEncoding.EncodeToString(sig)),
		"line feed in it":  encode(body[:8]+"\n"+body[8:], id, mark),
		"loose last bits":  encode(body, id, strings.TrimSuffix(mark, "==")[:85]+string(mark[85]+1)+"=="),
		"no key ID":        encode(body, "", mark),
		"another key ID":   encode(body, strings.Repeat("0", 64), mark),
		"further field":    strings.Replace(string(text), `{"payloadType"`, `{"x":1,"payloadType"`, 1),
		"in capitals":      strings.Replace(string(text), `"payload"`, `"PAYLOAD"`, 1),
		"payload twice":    strings.Replace(string(text), `{"payloadType"`, `{"payload":"eA==","payloadType"`, 1),
		"white space":      strings.Replace(string(text), `,"payload"`, `, "payload"`, 1),
		"no line feed":     strings.TrimSuffix(string(text), "\n"),
		"signed twice":     strings.Replace(string(text), `"signatures":[{`, fmt.Sprintf(`"signatures":[{"keyid":%q,"sig":%q},{`, id, mark), 1),
		"no signature":     `{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}` + "\n",
		"another type":     strings.Replace(string(text), "in-toto", "out-toto", 1),
		"another payload":  encode(base64.StdEncoding.EncodeToString([]byte("{}")), id, mark),
		"empty":            "",
		"null":             "null\n",
		"empty signature":  encode(body, id, ""),
		"a longer one":     encode(body, id, base64.StdEncoding.EncodeToString(append(sig, 0))),
		"text in the back": string(text) + "{}",
	} {
		_, err := seal.OpenEnvelope([]byte(changed), public(key))
		assert.ErrorIs(t, err, seal.ErrBundle, name)
	}
}

func FuzzOpenEnvelope(f *testing.F) {
	key := fixedKey(1)
	text, err := seal.SignEnvelope([]byte(`{"a":1}`), key)
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		payload, err := seal.OpenEnvelope(data, public(key))
		if err == nil {
			require.Equal(t, string(text), string(data))
			require.Equal(t, `{"a":1}`, string(payload))
		}
	})
}

// A signer that is a service may be broken or of another kind.
func TestOddSigners(t *testing.T) {
	_, err := seal.SignEnvelope(nil, nil)
	require.ErrorIs(t, err, keyfile.ErrKey)
	_, err = seal.SignEnvelope(nil, newKey(t, false))
	require.ErrorIs(t, err, keyfile.ErrKey)
}
