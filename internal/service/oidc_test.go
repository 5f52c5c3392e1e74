package service_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/registry"
)

// An issuer is a small OpenID provider.
type issuer struct {
	t       *testing.T
	at      *httptest.Server
	keys    []jose.JSONWebKey
	away    atomic.Bool
	keyless atomic.Bool  // its keys do not answer
	asked   atomic.Int64 // for its keys
}

func newIssuer(t *testing.T) *issuer {
	x := &issuer{t: t}
	x.at = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var out any
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			out = map[string]any{"issuer": x.at.URL, "jwks_uri": x.at.URL + "/keys", "authorization_endpoint": x.at.URL, "token_endpoint": x.at.URL,
				"id_token_signing_alg_values_supported": []string{"RS256", "ES256"}}
		case "/keys":
			x.asked.Add(1)
			set := jose.JSONWebKeySet{}
			for _, k := range x.keys {
				set.Keys = append(set.Keys, k.Public())
			}
			out = set
		}
		if x.away.Load() || out == nil || r.URL.Path == "/keys" && x.keyless.Load() {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(x.at.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	x.keys = append(x.keys, jose.JSONWebKey{Key: key, KeyID: "first", Algorithm: "RS256"})
	return x
}

// claims are those of a good token, with changes; a nil value removes a claim.
func (x *issuer) claims(change map[string]any) map[string]any {
	now := time.Now()
	out := map[string]any{"iss": x.at.URL, "aud": []string{"kycmark", "other"}, "sub": "service-account-7", "iat": now.Unix(),
		"exp": now.Add(time.Minute).Unix(), "realm_access": map[string]any{"roles": []string{"kyc-audit", "offline_access"}}}
	maps.Copy(out, change)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

// sign signs claims with a key.
func (x *issuer) sign(key jose.JSONWebKey, claims any) string {
	x.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, nil)
	require.NoError(x.t, err)
	text, err := json.Marshal(claims)
	require.NoError(x.t, err)
	signed, err := signer.Sign(text)
	require.NoError(x.t, err)
	out, err := signed.CompactSerialize()
	require.NoError(x.t, err)
	return out
}

func (x *issuer) settings() *service.OIDC {
	return &service.OIDC{Issuer: x.at.URL, Audience: "kycmark", Claim: "realm_access.roles",
		Roles: map[string][]service.Role{"kyc-audit": {service.Audit}, "kyc-ops": {service.Admin, service.Audit}}}
}

// A provider's token has the roles that the settings give its claim, and its subject is the actor in the ledger.
func TestOIDC(t *testing.T) {
	x := newIssuer(t)
	w := begin(t, func(c *service.Config) { c.OIDC, c.Times.Keys = x.settings(), time.Nanosecond })
	w.tokens["audit"] = x.sign(x.keys[0], x.claims(nil))
	w.must(call{method: "GET", path: "/v1/ledger", as: "audit"})
	refused := w.do(call{method: "POST", path: "/v1/recipients", as: "audit", body: map[string]string{"name": "v", "kind": "vendor"}})
	assert.Equal(t, http.StatusForbidden, refused.problem(t).Status)

	// a new key of the provider is found
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	x.keys = append(x.keys, jose.JSONWebKey{Key: key, KeyID: "second", Algorithm: "ES256"})
	w.tokens["ops"] = x.sign(x.keys[1], x.claims(map[string]any{"aud": "kycmark", "realm_access": map[string]any{"roles": "kyc-ops kyc-audit"}}))
	w.must(call{method: "POST", path: "/v1/recipients", as: "ops", body: map[string]string{"name": "v", "kind": "vendor"}})
	submission, _ := w.stocked()
	w.must(call{method: "POST", path: "/v1/erasures", as: "ops", body: map[string]any{"submissions": []string{submission}, "note": "asked for"}})
	assert.Contains(t, string(w.must(call{method: "GET", path: "/v1/events"}).body), "erasure")
	assert.Equal(t, []string{"oidc service-account-7"}, w.query("SELECT actor FROM erasure"))
	assert.NotContains(t, w.logs.String(), "service-account-7")
	w.must(call{method: "GET", path: "/v1/ledger"}) // our own tokens are taken beside them
}

// Tokens that the provider did not sign, or not for us, or that are over, open nothing.
func TestForgedOIDC(t *testing.T) {
	x := newIssuer(t)
	w := begin(t, func(c *service.Config) { c.OIDC = x.settings() })
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	good := x.sign(x.keys[0], x.claims(nil))
	parts := strings.Split(good, ".")
	encode := func(v any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	public, err := json.Marshal(x.keys[0].Public())
	require.NoError(t, err)
	past := time.Now().Add(-time.Hour).Unix()
	for what, text := range map[string]string{
		"another's key of that name": x.sign(jose.JSONWebKey{Key: stranger, KeyID: "first", Algorithm: "RS256"}, x.claims(nil)),
		"an unknown key":             x.sign(jose.JSONWebKey{Key: stranger, KeyID: "third", Algorithm: "RS256"}, x.claims(nil)),
		"no signature":               encode(map[string]string{"alg": "none"}) + "." + parts[1] + ".",
		"the public key as a secret": x.sign(jose.JSONWebKey{Key: public, KeyID: "first", Algorithm: "HS256"}, x.claims(nil)),
		"other claims":               parts[0] + "." + encode(x.claims(map[string]any{"sub": "root"})) + "." + parts[2],
		"another audience":           x.sign(x.keys[0], x.claims(map[string]any{"aud": "shop"})),
		"no audience":                x.sign(x.keys[0], x.claims(map[string]any{"aud": nil})),
		"another issuer":             x.sign(x.keys[0], x.claims(map[string]any{"iss": "https://evil.example"})),
		"expired":                    x.sign(x.keys[0], x.claims(map[string]any{"exp": past})),
		"no expiry":                  x.sign(x.keys[0], x.claims(map[string]any{"exp": nil})),
		"not yet":                    x.sign(x.keys[0], x.claims(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()})),
		"no subject":                 x.sign(x.keys[0], x.claims(map[string]any{"sub": nil})),
		"a subject of two lines":     x.sign(x.keys[0], x.claims(map[string]any{"sub": "a\nb"})),
		"claims that are a list":     x.sign(x.keys[0], []string{"x"}),
		"two dots":                   "..",
		"long":                       strings.Repeat("a", 17<<10) + "..",
		"cut off":                    good[:len(good)-4],
	} {
		w.tokens["forged"] = text
		got := w.do(call{method: "GET", path: "/v1/ledger", as: "forged"})
		assert.Equal(t, http.StatusUnauthorized, got.status, "%s: %s", what, got.body)
		assert.NotContains(t, string(got.body), "root")
	}
	for what, roles := range map[string]any{"none": nil, "a number": 7, "others": []string{"admin", "audit"}, "numbers": []int{1}} {
		w.tokens["forged"] = x.sign(x.keys[0], x.claims(map[string]any{"realm_access": map[string]any{"roles": roles}}))
		assert.Equal(t, http.StatusForbidden, w.do(call{method: "GET", path: "/v1/ledger", as: "forged"}).status, what)
	}
	w.tokens["forged"] = good
	w.must(call{method: "GET", path: "/v1/ledger", as: "forged"})
	_, err = service.TokensOf(w.reg).Add(t.Context(), "oidc service-account-7", service.Roles(), time.Time{})
	require.ErrorIs(t, err, registry.ErrInput, "none of our tokens passes for a provider's")
}

// A provider that is away is a 503, and our own tokens still count. Settings that cannot be are refused.
func TestOIDCAway(t *testing.T) {
	x := newIssuer(t)
	x.away.Store(true)
	w := begin(t, func(c *service.Config) { c.OIDC = x.settings() })
	y := newIssuer(t) // its configuration answers, its keys do not: a client that gets 401 throws a good token away
	y.keyless.Store(true)
	v := begin(t, func(c *service.Config) { c.OIDC, c.Times.Keys = y.settings(), 300*time.Millisecond })
	v.tokens["jwt"] = y.sign(y.keys[0], y.claims(nil))
	for range 3 {
		assert.Equal(t, http.StatusServiceUnavailable, v.do(call{method: "GET", path: "/v1/ledger", as: "jwt"}).problem(t).Status)
	}
	y.keyless.Store(false)
	require.Eventually(t, func() bool { return v.do(call{method: "GET", path: "/v1/ledger", as: "jwt"}).status == http.StatusOK }, time.Minute, 100*time.Millisecond)
	w.tokens["jwt"] = x.sign(x.keys[0], x.claims(nil))
	for range 2 {
		assert.Equal(t, http.StatusServiceUnavailable, w.do(call{method: "GET", path: "/v1/ledger", as: "jwt"}).problem(t).Status)
	}
	w.must(call{method: "GET", path: "/v1/ledger"})
	for _, bad := range []func(*service.OIDC){
		func(o *service.OIDC) { o.Issuer = "http://id.example" },
		func(o *service.OIDC) { o.Issuer = "id.example" },
		func(o *service.OIDC) { o.Audience = "" },
		func(o *service.OIDC) { o.Roles = nil },
	} {
		o := x.settings()
		bad(o)
		require.ErrorIs(t, o.Check(), registry.ErrInput)
	}
}
