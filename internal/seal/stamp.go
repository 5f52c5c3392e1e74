package seal

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"

	"github.com/kycmark/kycmark/verify/registry"
)

// ErrStamp is wrapped by errors about a timestamp that does not hold.
var ErrStamp = errors.New("the timestamp does not hold")

// maxStamp is the maximum size of an authority's answer, bytes. Real answers have 2 to 8 kB.
const maxStamp = 256 << 10

// A Stamp is a timestamp that holds: the authority says that the stamped bytes existed at Time.
type Stamp struct {
	Time      time.Time     // UTC, by the authority's clock
	Accuracy  time.Duration // as the authority states it; 0: it does not
	Authority string        // subject of the certificate that signed
	Anchor    string        // SHA-256 of the trusted certificate that it leads to, hex
}

var (
	oidTSTInfo       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}  // RFC 3161 section 2.4.2
	oidSigningCert   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12} // RFC 2634 section 5.4
	oidSigningCertV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47} // RFC 5035 section 3
	oidExtKeyUsage   = asn1.ObjectIdentifier{2, 5, 29, 37}                       // RFC 5280 section 4.2.1.12
)

// VerifyStamp checks answer, an authority's answer (TimeStampResp in DER, RFC 3161 section 2.4.2) to a request for the
// SHA-256 digest, without the network. trusted are certificates of the authority or of its issuers. It checks
//
//   - the status, the digest and the signature;
//   - that the signature was made with the certificate that the answer names (RFC 5816);
//   - that this certificate may only be used for timestamps (section 2.3);
//   - that this certificate led to one of the trusted certificates at the stated time.
//
// It ignores that a certificate has expired since, or was revoked. It compares no nonce:
// [TSA.Stamp] does. Errors wrap [ErrStamp].
func VerifyStamp(answer []byte, digest [32]byte, trusted []*x509.Certificate) (*Stamp, error) {
	return verifyStamp(answer, digest, nil, trusted)
}

// Bounds returns a function for [registry.Registry.TrustTimestamps]: it checks timestamps as [VerifyStamp] does.
func Bounds(trusted []*x509.Certificate) registry.StampCheck {
	return func(stamp []byte, digest [32]byte) (time.Time, error) {
		s, err := VerifyStamp(stamp, digest, trusted)
		if err != nil {
			return time.Time{}, err
		}
		return s.Time.Add(s.Accuracy), nil
	}
}

// verifyStamp does what [VerifyStamp] does, and compares nonce, of the request, with the nonce of the answer. A nil
// nonce is not compared. An answer of more than maxStamp bytes is an error. Errors wrap [ErrStamp].
func verifyStamp(answer []byte, digest [32]byte, nonce *big.Int, trusted []*x509.Certificate) (*Stamp, error) {
	if len(answer) > maxStamp {
		return nil, fmt.Errorf("%w: %d bytes are more than a timestamp has", ErrStamp, len(answer))
	}
	if err := checkDER(answer, 0); err != nil {
		return nil, fmt.Errorf("%w: no DER: %w", ErrStamp, err)
	}
	ts, err := timestamp.ParseResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	switch {
	case ts.HashAlgorithm != crypto.SHA256 || subtle.ConstantTimeCompare(ts.HashedMessage, digest[:]) != 1:
		return nil, fmt.Errorf("%w: it is for other bytes", ErrStamp)
	case nonce != nil && (ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0):
		return nil, fmt.Errorf("%w: it answers another request", ErrStamp)
	}
	for _, e := range ts.Extensions {
		if e.Critical {
			return nil, fmt.Errorf("%w: it has the critical extension %s, which is not known here", ErrStamp, e.Id)
		}
	}
	signer, anchor, err := verifySigner(ts.RawToken, ts.Time, trusted)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	return &Stamp{Time: ts.Time.UTC(), Accuracy: ts.Accuracy, Authority: signer.Subject.String(), Anchor: fingerprint(anchor)}, nil
}

// verifySigner checks the token's only signature and the signer's certificate at the time at.
// token is CMS SignedData in DER. It returns that certificate, and the trusted certificate that
// it leads to (anchor). Signatures over SHA-1 are refused. Errors wrap nothing of this package.
func verifySigner(token []byte, at time.Time, trusted []*x509.Certificate) (signer, anchor *x509.Certificate, err error) {
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return nil, nil, err
	}
	if signer = p7.GetOnlySigner(); signer == nil {
		return nil, nil, errors.New("it is not signed once, with a certificate in it")
	}
	if alg := p7.Signers[0].DigestAlgorithm.Algorithm; alg.Equal(pkcs7.OIDDigestAlgorithmSHA1) {
		return nil, nil, errors.New("it is signed over SHA-1, which can be forged")
	}
	if err := p7.Verify(); err != nil {
		return nil, nil, err
	}
	var content asn1.ObjectIdentifier
	if err := p7.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &content); err != nil || !content.Equal(oidTSTInfo) {
		return nil, nil, errors.New("what is signed is no timestamp")
	}
	if err := checkNamed(p7, signer); err != nil {
		return nil, nil, err
	}
	if err := checkUsage(signer); err != nil {
		return nil, nil, err
	}
	anchor, err = chain(signer, p7.Certificates, at, trusted)
	return signer, anchor, err
}

// chain returns the trusted certificate that issued signer, directly or through certificates of brought, which are not
// trusted by themselves. All of them must have been valid at the time at, and allow timestamps. It asks nothing about
// revocation. If several chains exist, the first counts.
func chain(signer *x509.Certificate, brought []*x509.Certificate, at time.Time, trusted []*x509.Certificate) (*x509.Certificate, error) {
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(),
		CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
	for _, c := range trusted {
		opts.Roots.AddCert(c)
	}
	for _, c := range brought {
		opts.Intermediates.AddCert(c)
	}
	chains, err := signer.Verify(opts)
	if err != nil {
		return nil, fmt.Errorf("the certificate of %s: %w", signer.Subject, err)
	}
	return chains[0][len(chains[0])-1], nil
}

// checkUsage checks that the certificate c may only be used for timestamps (RFC 3161 section 2.3): timestamping is its only
// extended usage, the extension is critical, and its key usage is signing alone. A certificate without key usage passes.
func checkUsage(c *x509.Certificate) error {
	only := len(c.ExtKeyUsage) == 1 && c.ExtKeyUsage[0] == x509.ExtKeyUsageTimeStamping && len(c.UnknownExtKeyUsage) == 0
	critical := func(e pkix.Extension) bool { return e.Id.Equal(oidExtKeyUsage) && e.Critical }
	if !only || !slices.ContainsFunc(c.Extensions, critical) {
		return fmt.Errorf("the certificate of %s is not one for timestamps alone", c.Subject)
	}
	const signs = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if c.KeyUsage != 0 && (c.KeyUsage&signs == 0 || c.KeyUsage&^signs != 0) {
		return fmt.Errorf("the certificate of %s is for more than signing", c.Subject)
	}
	return nil
}

// An essCert is an ESSCertID or an ESSCertIDv2: RFC 2634 section 5.4.1, RFC 5035 section 4.
type essCert struct {
	Algorithm pkix.AlgorithmIdentifier `asn1:"optional"` // of ESSCertIDv2; absent: SHA-256
	Hash      []byte
	Issuer    asn1.RawValue `asn1:"optional"`
}

type essCerts struct {
	Certs    []essCert
	Policies asn1.RawValue `asn1:"optional"`
}

// checkNamed checks that the first certificate that the signature names (RFC 5816 section 2.2.1)
// is signer, with which the signature was checked. Another certificate may have the same key. It
// compares digests: SHA-256, SHA-384 or SHA-512, and SHA-1 in the form of RFC 2634 alone.
func checkNamed(p7 *pkcs7.PKCS7, signer *x509.Certificate) error {
	var named essCerts
	old := false
	if err := p7.UnmarshalSignedAttribute(oidSigningCertV2, &named); err != nil {
		if err := p7.UnmarshalSignedAttribute(oidSigningCert, &named); err != nil {
			return errors.New("the signature names no certificate")
		}
		old = true
	}
	if len(named.Certs) == 0 {
		return errors.New("the signature names no certificate")
	}
	digest := sha256.New()
	switch alg := named.Certs[0].Algorithm.Algorithm; {
	case old:
		digest = sha1.New() // as RFC 3161 had it; a second preimage of SHA-1 is out of reach
	case alg.Equal(pkcs7.OIDDigestAlgorithmSHA384):
		digest = sha512.New384()
	case alg.Equal(pkcs7.OIDDigestAlgorithmSHA512):
		digest = sha512.New()
	case len(alg) > 0 && !alg.Equal(pkcs7.OIDDigestAlgorithmSHA256):
		return errors.New("the signature names its certificate by an unknown digest")
	}
	digest.Write(signer.Raw)
	if !bytes.Equal(digest.Sum(nil), named.Certs[0].Hash) {
		return errors.New("the signature names another certificate than the one brought")
	}
	return nil
}

// maxDepth is the maximum number of levels that [checkDER] descends. Certificates and timestamps nest less deeply.
const maxDepth = 32

// checkDER walks all values in der, and the values inside them. depth is the number of levels above der, 0 for the
// outermost. The error says that a value is cut off, or nested deeper than [maxDepth]. The parsers that read der
// afterwards accept looser forms and need this protection. Empty der is no error.
func checkDER(der []byte, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deeply")
	}
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return err
		}
		if v.IsCompound {
			if err := checkDER(v.Bytes, depth+1); err != nil {
				return err
			}
		}
		der = rest
	}
	return nil
}
