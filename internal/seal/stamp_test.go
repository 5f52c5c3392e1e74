package seal_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/long"
)

var message = sha256.Sum256([]byte("what is stamped"))

func TestStampHolds(t *testing.T) {
	a := newAuthority(t, nil)
	for name, trusted := range map[string]*x509.Certificate{"by its issuer": a.root, "by itself": a.cert} {
		s, err := seal.VerifyStamp(a.stamp(t, message), message, []*x509.Certificate{trusted})
		if !assert.NoError(t, err, name) {
			continue
		}
		assert.Equal(t, stamped, s.Time, name)
		assert.Equal(t, time.Second, s.Accuracy, name)
		assert.Equal(t, "CN=Test Authority", s.Authority, name)
		assert.Len(t, s.Anchor, 64, name)
	}
}

func TestStampWithRSA(t *testing.T) {
	a := newAuthority(t, nil)
	a.renew(t, newKey(t, true), nil)
	_, err := seal.VerifyStamp(a.stamp(t, message), message, []*x509.Certificate{a.root})
	require.NoError(t, err)
}

// Every answer that an honest authority would not give is refused, and says why.
func TestStampRefused(t *testing.T) {
	usage := func(e ...pkix.Extension) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtraExtensions = e }
	}
	for _, c := range []struct {
		name   string
		cert   func(*x509.Certificate)
		change func(*timestamp.Timestamp)
		want   string
	}{
		{"another digest", nil, func(s *timestamp.Timestamp) { s.HashedMessage = bytes.Repeat([]byte{1}, 32) }, "for other bytes"},
		{"a digest of another kind", nil, func(s *timestamp.Timestamp) {
			s.HashAlgorithm, s.HashedMessage = crypto.SHA512, bytes.Repeat([]byte{1}, 64)
		}, "for other bytes"},
		{"a critical extension", nil, func(s *timestamp.Timestamp) {
			s.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}, "critical extension 1.2.3"},
		{"no certificate", nil, func(s *timestamp.Timestamp) { s.AddTSACertificate = false }, "not signed once"},
		{"ran out before", func(c *x509.Certificate) { c.NotAfter = stamped.Add(-time.Second) }, nil, "outside of certificate validity"},
		{"stated years late", nil, func(s *timestamp.Timestamp) { s.Time = stamped.AddDate(2, 0, 0) }, "expired"},
		{"began after", func(c *x509.Certificate) { c.NotBefore = stamped.AddDate(0, 1, 0) }, nil, "outside of certificate validity"},
		{"stated years early", nil, func(s *timestamp.Timestamp) { s.Time = stamped.AddDate(-2, 0, 0) }, "not yet valid"},
		{"no extended usage", usage(), nil, "not one for timestamps alone"},
		{"usage not critical", usage(stampUsage(false)), nil, "not one for timestamps alone"},
		{"usage among others", usage(stampUsage(true, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1})), nil, "not one for timestamps alone"},
		{"usage among unknown ones", usage(stampUsage(true, asn1.ObjectIdentifier{1, 2, 3, 4})), nil, "not one for timestamps alone"},
		{"a server's certificate", func(c *x509.Certificate) {
			c.ExtraExtensions, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}, nil, "not one for timestamps alone"},
		{"key for encryption, too", func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }, nil, "more than signing"},
	} {
		a := newAuthority(t, c.cert)
		a.change = c.change
		_, err := seal.VerifyStamp(a.stamp(t, message), message, []*x509.Certificate{a.root})
		assert.ErrorIs(t, err, seal.ErrStamp, c.name)
		assert.ErrorContains(t, err, c.want, c.name)
	}
}

func TestStampByOthers(t *testing.T) {
	a, b := newAuthority(t, nil), newAuthority(t, nil)
	_, err := seal.VerifyStamp(a.stamp(t, message), message, []*x509.Certificate{b.root})
	require.ErrorIs(t, err, seal.ErrStamp)
	require.ErrorContains(t, err, "unknown authority")
	_, err = seal.VerifyStamp(a.stamp(t, message), message, nil)
	require.ErrorIs(t, err, seal.ErrStamp)
}

var (
	vectorSum  = sha256.Sum256([]byte("kycmark test vector\n"))
	vectorTime = time.Date(2026, 11, 21, 1, 24, 48, 0, time.UTC)
)

// vector is openssl's timestamp of vectorSum: testdata/README.md.
func vector(t testing.TB) ([]byte, []*x509.Certificate) {
	t.Helper()
	answer, err := os.ReadFile("testdata/expired.tsr")
	require.NoError(t, err)
	text, err := os.ReadFile("testdata/expired-root.pem")
	require.NoError(t, err)
	trusted, err := seal.ParseCertificates(text)
	require.NoError(t, err)
	return answer, trusted
}

// A certificate that ran out after the stated time does no harm, whatever the clock here
// says: RFC 3161 appendix B. The answer is openssl's.
func TestStampOutlivesCertificate(t *testing.T) {
	answer, trusted := vector(t)
	s, err := seal.VerifyStamp(answer, vectorSum, trusted)
	require.NoError(t, err)
	require.Equal(t, &seal.Stamp{Time: vectorTime, Accuracy: 1500 * time.Millisecond,
		Authority: "CN=Short-lived Authority", Anchor: s.Anchor}, s)
}

// A second certificate with the same key, issuer and number is not the one that the
// signature names.
func TestStampNamesItsCertificate(t *testing.T) {
	a := newAuthority(t, nil)
	content := content(t, a.stamp(t, message))
	other := *a
	other.renew(t, a.key, func(c *x509.Certificate) { c.NotAfter = c.NotAfter.AddDate(3, 0, 0) })
	attribute := func(hash []byte) pkcs7.Attribute {
		return pkcs7.Attribute{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47},
			Value: struct{ Certs []struct{ Hash []byte } }{[]struct{ Hash []byte }{{hash}}}}
	}
	right, wrong := sha256.Sum256(other.cert.Raw), sha256.Sum256(a.cert.Raw)
	for _, c := range []struct {
		name string
		attr []pkcs7.Attribute
		want string
	}{
		{"named", []pkcs7.Attribute{attribute(right[:])}, ""},
		{"another named", []pkcs7.Attribute{attribute(wrong[:])}, "names another certificate"},
		{"none named", nil, "names no certificate"},
	} {
		token := resign(t, content, func(sd *pkcs7.SignedData) {
			require.NoError(t, sd.AddSigner(other.cert, other.key, pkcs7.SignerInfoConfig{ExtraSignedAttributes: c.attr}))
		})
		_, err := seal.VerifyStamp(granted(t, token), message, []*x509.Certificate{a.root})
		if c.want == "" {
			assert.NoError(t, err, c.name)
			continue
		}
		assert.ErrorIs(t, err, seal.ErrStamp, c.name)
		assert.ErrorContains(t, err, c.want, c.name)
	}
}

var tstInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

func resign(t testing.TB, content []byte, sign func(*pkcs7.SignedData)) []byte {
	t.Helper()
	sd, err := pkcs7.NewSignedData(content)
	require.NoError(t, err)
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	sd.SetContentType(tstInfo)
	sign(sd)
	out, err := sd.Finish()
	require.NoError(t, err)
	return out
}

func TestStampSignedOtherwise(t *testing.T) {
	a := newAuthority(t, nil)
	content := content(t, a.stamp(t, message))
	signer := func(sd *pkcs7.SignedData) {
		require.NoError(t, sd.AddSigner(a.cert, a.key, pkcs7.SignerInfoConfig{}))
	}
	for _, c := range []struct {
		name string
		sign func(*pkcs7.SignedData)
		want string
	}{
		{"twice", func(sd *pkcs7.SignedData) { signer(sd); signer(sd) }, "not signed once"},
		{"never", func(*pkcs7.SignedData) {}, "not signed once"},
		{"other content", func(sd *pkcs7.SignedData) { sd.SetContentType(pkcs7.OIDData); signer(sd) }, "no timestamp"},
		{"over SHA-1", func(sd *pkcs7.SignedData) { sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA1); signer(sd) }, "SHA-1"},
		{"without attributes", func(sd *pkcs7.SignedData) {
			require.NoError(t, sd.SignWithoutAttr(a.cert, a.key, pkcs7.SignerInfoConfig{}))
		}, "no timestamp"},
	} {
		_, err := seal.VerifyStamp(granted(t, resign(t, content, c.sign)), message, []*x509.Certificate{a.root})
		assert.ErrorIs(t, err, seal.ErrStamp, c.name)
		assert.ErrorContains(t, err, c.want, c.name)
	}
}

func TestStampDamaged(t *testing.T) {
	a := newAuthority(t, nil)
	good := a.stamp(t, message)
	trusted := []*x509.Certificate{a.root}
	for n := range good {
		_, err := seal.VerifyStamp(good[:n], message, trusted)
		require.ErrorIs(t, err, seal.ErrStamp, "cut at %d", n)
	}
	for name, answer := range map[string][]byte{
		"more behind it": append(bytes.Clone(good), 0),
		"huge":           append(bytes.Clone(good), make([]byte, seal.MaxStamp)...),
		"nested":         bytes.Repeat([]byte{0x30, 0x80}, 60_000),
	} {
		_, err := seal.VerifyStamp(answer, message, trusted)
		require.ErrorIs(t, err, seal.ErrStamp, name)
	}
	rejected, err := timestamp.CreateErrorResponse(timestamp.Rejection, timestamp.BadAlgorithm)
	require.NoError(t, err)
	_, err = seal.VerifyStamp(rejected, message, trusted)
	require.ErrorIs(t, err, seal.ErrStamp)
	require.ErrorContains(t, err, "rejected")
}

// Hostile answers must neither panic nor make a stamp of another time.
func FuzzVerifyStamp(f *testing.F) {
	good, trusted := vector(f)
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte{0x30, 0x03, 0x30, 0x01, 0x00})
	f.Add(granted(f, []byte{0x30, 0x80, 0x1f, 0xff}))
	f.Fuzz(func(t *testing.T, answer []byte) {
		s, err := seal.VerifyStamp(answer, vectorSum, trusted)
		require.Equal(t, err == nil, s != nil)
		if err == nil {
			require.Equal(t, vectorTime, s.Time)
			return
		}
		require.ErrorIs(t, err, seal.ErrStamp)
	})
}

func TestStampNonce(t *testing.T) {
	a := newAuthority(t, nil)
	nonce := big.NewInt(77)
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: message[:], Certificates: true, Nonce: nonce}).Marshal()
	require.NoError(t, err)
	answer, err := a.answer(query)
	require.NoError(t, err)
	trusted := []*x509.Certificate{a.root}
	_, err = seal.VerifyStampNonce(answer, message, nonce, trusted)
	require.NoError(t, err)
	_, err = seal.VerifyStampNonce(answer, message, big.NewInt(78), trusted)
	require.ErrorContains(t, err, "answers another request")
	_, err = seal.VerifyStampNonce(a.stamp(t, message), message, nonce, trusted)
	require.ErrorContains(t, err, "answers another request")
}

// openssl's answers hold here, whichever way they name their certificate.
func TestStampOfOpenssl(t *testing.T) {
	for _, withRSA := range []bool{false, true} {
		for _, alg := range []string{"sha1", "sha256", "sha512"} {
			a := newAuthority(t, nil)
			a.renew(t, newKey(t, withRSA), nil)
			_, s, err := a.tsaBy(t, a.byOpenssl(t, alg)).Stamp(t.Context(), message)
			if assert.NoError(t, err, alg) {
				assert.WithinRange(t, s.Time, stamped, time.Now(), alg)
			}
		}
	}
}

// A timestamp has bytes that nothing signs: why the list of files is signed, too.
func TestStampHasUnsignedBytes(t *testing.T) {
	answer, trusted := vector(t)
	unsigned := 0
	for at := range answer {
		for bit := range long.Number(2, 8) {
			edited := bytes.Clone(answer)
			edited[at] ^= 1 << bit
			if _, err := seal.VerifyStamp(edited, vectorSum, trusted); err == nil {
				unsigned++
				break
			}
		}
	}
	t.Logf("%d of %d bytes can be edited", unsigned, len(answer))
	require.Positive(t, unsigned)
}
