package service

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/registry"
)

// ErrToken is wrapped when a text is no token, or a token that is unknown, expired or revoked.
var ErrToken = errors.New("token: unknown, expired or revoked")

// A Token says who may call the service. Its name is the actor in the ledger.
type Token struct {
	Name    string    `json:"name"`
	ID      string    `json:"id"` // 8 hex digits; logs have it
	Roles   []Role    `json:"roles"`
	Added   time.Time `json:"added"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
	Revoked time.Time `json:"revoked,omitzero"` // zero: not revoked
}

// Tokens keeps a registry's tokens. A text is shown once, when made; the registry has the SHA-256 of its secret part.
type Tokens struct{ store records.Access }

func TokensOf(r *registry.Registry) Tokens { return Tokens{registry.AccessOf(r)} }

// tokenText is the form of a token: its ID, and 32 random bytes.
var tokenText = regexp.MustCompile(`^kycmark_([0-9a-f]{8})_([A-Za-z0-9_-]{43})$`)

// Add enters a token and returns its text. It expires at a time, never if that is zero. The error wraps
// [registry.ErrConflict] if the name was ever used, and [registry.ErrInput] if it is unusable or expires is past.
func (t Tokens) Add(ctx context.Context, name string, roles []Role, expires time.Time) (text string, err error) {
	var id [4]byte
	var secret [32]byte
	rand.Read(id[:])
	rand.Read(secret[:])
	now := records.Timestamp(time.Now())
	if name == "" || strings.HasPrefix(name, actorPrefix) {
		return "", fmt.Errorf("%w: a token needs a name that does not begin with %q", registry.ErrInput, actorPrefix)
	}
	if err := records.CheckName("token", name, intake.MaxName); err != nil {
		return "", err
	}
	if !expires.IsZero() && !expires.After(now) {
		return "", fmt.Errorf("%w: token %q: it expires at %s, want a time to come", registry.ErrInput, name, expires.UTC().Format(time.RFC3339))
	}
	row := records.Token{Name: name, ID: hex.EncodeToString(id[:]), Roles: strings.ReplaceAll(JoinRoles(roles), ",", ""), Added: now}
	row.Digest = sha256.Sum256(secret[:])
	if !expires.IsZero() {
		row.Expires = records.Timestamp(expires)
	}
	if err := t.store.AddToken(ctx, row); err != nil {
		return "", err
	}
	return "kycmark_" + row.ID + "_" + base64.RawURLEncoding.EncodeToString(secret[:]), nil
}

// List returns all tokens by name, also expired and revoked ones.
func (t Tokens) List(ctx context.Context) ([]Token, error) {
	rows, err := t.store.Tokens(ctx)
	return each.Of(rows, shown), err
}

func shown(row records.Token) Token {
	x := Token{Name: row.Name, ID: row.ID, Added: row.Added, Expires: row.Expires, Revoked: row.Revoked}
	for _, role := range strings.Fields(row.Roles) {
		x.Roles = append(x.Roles, Role(role))
	}
	return x
}

// Revoke ends a token at once. The error wraps [registry.ErrNotFound] if no token has the name.
func (t Tokens) Revoke(ctx context.Context, name string) error {
	return t.store.RevokeToken(ctx, name, records.Timestamp(time.Now()))
}

// check returns the token with this text. The error wraps [ErrToken], or is the registry's.
func (t Tokens) check(ctx context.Context, text string) (*Token, error) {
	part := tokenText.FindStringSubmatch(text)
	if part == nil {
		return nil, fmt.Errorf("%w: it is missing, or not of the form kycmark_ID_SECRET", ErrToken)
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(part[2])
	if err != nil {
		return nil, fmt.Errorf("%w: it is not of the form kycmark_ID_SECRET", ErrToken)
	}
	row, err := t.store.Token(ctx, part[1])
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return nil, err
	}
	if err != nil { // compared all the same, so that the time says nothing of IDs
		row = new(records.Token)
	}
	digest := sha256.Sum256(secret)
	same := subtle.ConstantTimeCompare(digest[:], row.Digest[:]) == 1
	switch now := time.Now(); {
	case err != nil || !same:
		return nil, fmt.Errorf("%w: there is no such token", ErrToken)
	case !row.Revoked.IsZero():
		return nil, fmt.Errorf("%w: it was revoked", ErrToken)
	case !row.Expires.IsZero() && !now.Before(row.Expires):
		return nil, fmt.Errorf("%w: it has expired", ErrToken)
	}
	out := shown(*row)
	return &out, nil
}

// An OIDC has the access tokens of an OpenID provider taken beside our own: JWTs that the provider signed for an audience.
type OIDC struct {
	Issuer   string            // its address: https, or http on this machine
	Audience string            // that tokens must be for
	Claim    string            // with the values that Roles has; default "roles". Dots lead into objects: "realm_access.roles"
	Roles    map[string][]Role // by value of the claim; other values give no role
}

// Guarded reports whether an address is one of https, or of http on this machine: others on the way read nothing.
func Guarded(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && Loopback(net.JoinHostPort(u.Hostname(), "0")))
}

// Check returns an error that wraps [registry.ErrInput] if the settings cannot be.
func (o *OIDC) Check() error {
	if !Guarded(o.Issuer) {
		return fmt.Errorf("%w: oidc issuer: got %q, want an address that begins with https://", registry.ErrInput, o.Issuer)
	}
	if o.Audience == "" || len(o.Roles) == 0 {
		return fmt.Errorf("%w: oidc: want an audience and roles", registry.ErrInput)
	}
	return nil
}

// Limits of the exchange with a provider. Chosen.
const (
	providerTime  = 5 * time.Second
	providerRetry = 5 * time.Second  // after a failure
	providerAge   = 15 * time.Minute // until keys are read again: a provider withdraws stolen ones
	maxKeys       = 1 << 20          // bytes
	maxJWT        = 16 << 10         // bytes
)

// actorPrefix begins the actor of a request with a provider's token. Names of our own tokens do not begin so.
const actorPrefix = "oidc "

// A provider checks an OpenID provider's tokens. It asks for keys at the first token: the service starts without them.
type provider struct {
	OIDC
	client *http.Client
	calm   *calm // of client
	now    func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	made     time.Time // of verifier
	failed   time.Time
}

// A calm transport asks for an address at most once in a pause: package oidc reads the keys again for each forged token. It
// reads whole answers, of maxKeys at most.
type calm struct {
	pause  time.Duration
	asked  sync.Map     // time.Time of the last request, by address
	whole  sync.Map     // whether the last answer was whole, by address
	failed atomic.Int64 // counts requests without a whole answer
}

func (c *calm) RoundTrip(r *http.Request) (*http.Response, error) {
	address := r.URL.String()
	if last, is := c.asked.Load(address); is && time.Since(last.(time.Time)) < c.pause {
		if whole, _ := c.whole.Load(address); whole != true {
			c.failed.Add(1)
		}
		return nil, errors.New("it was asked a moment ago")
	}
	c.asked.Store(address, time.Now())
	var body []byte
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(answer.Body, maxKeys+1))
		answer.Body.Close()
	}
	whole := err == nil && answer.StatusCode == http.StatusOK && len(body) <= maxKeys
	if c.whole.Store(address, whole); !whole {
		c.failed.Add(1)
	}
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// check returns the token that a JWT is. Its name is the subject of the JWT. The error wraps [ErrToken], or
// [registry.ErrUnavailable] if the provider does not answer.
func (p *provider) check(ctx context.Context, text string) (*Token, error) {
	if len(text) > maxJWT {
		return nil, fmt.Errorf("%w: it is too long", ErrToken)
	}
	v, err := p.ready()
	if err != nil {
		return nil, fmt.Errorf("%w: the OpenID provider: %w", registry.ErrUnavailable, err)
	}
	failed := p.calm.failed.Load()
	jwt, err := v.Verify(oidc.ClientContext(ctx, p.client), text)
	if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
		return nil, fmt.Errorf("%w: it has expired", ErrToken)
	}
	if err != nil && p.calm.failed.Load() != failed {
		return nil, fmt.Errorf("%w: the keys of the OpenID provider cannot be read", registry.ErrUnavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the OpenID provider did not sign it for this service", ErrToken)
	}
	var claims map[string]any
	if err := jwt.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: its claims are malformed", ErrToken)
	}
	out := &Token{Name: actorPrefix + jwt.Subject, ID: "oidc", Expires: jwt.Expiry}
	if jwt.Subject == "" || intake.CheckText("actor", out.Name, intake.MaxName) != nil {
		return nil, fmt.Errorf("%w: its subject cannot be an actor", ErrToken)
	}
	for _, value := range p.values(claims) {
		for _, role := range p.Roles[value] {
			if !slices.Contains(out.Roles, role) {
				out.Roles = append(out.Roles, role)
			}
		}
	}
	return out, nil
}

// ready returns what checks tokens.
func (p *provider) ready() (*oidc.IDTokenVerifier, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.verifier != nil && p.now().Sub(p.made) < providerAge {
		return p.verifier, nil
	}
	if wait := providerRetry - p.now().Sub(p.failed); wait > 0 {
		return nil, fmt.Errorf("it did not answer, and is asked again in %s", wait.Round(time.Second))
	}
	// the context stays with the provider, which reads keys again later; the client limits the time
	found, err := oidc.NewProvider(oidc.ClientContext(context.Background(), p.client), p.Issuer)
	switch {
	case err != nil && p.verifier != nil: // the known keys serve a minute more
		p.made = p.now().Add(time.Minute - providerAge)
		return p.verifier, nil
	case err != nil:
		p.failed = p.now()
		return nil, errors.New("its configuration cannot be read")
	}
	p.made = p.now()
	p.verifier = found.Verifier(&oidc.Config{ClientID: p.Audience, Now: p.now})
	return p.verifier, nil
}

// values returns the values of the claim: a list of texts, or a text with blanks between them.
func (p *provider) values(claims map[string]any) (out []string) {
	var at any = claims
	for part := range strings.SplitSeq(cmp.Or(p.Claim, "roles"), ".") {
		object, _ := at.(map[string]any)
		at = object[part]
	}
	switch x := at.(type) {
	case string:
		return strings.Fields(x)
	case []any:
		for _, v := range x {
			if text, is := v.(string); is {
				out = append(out, text)
			}
		}
	}
	return out
}
