package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/registry"
)

// An OIDC has the access tokens of an OpenID provider taken beside our own: JWTs that the provider signed for an audience.
type OIDC struct {
	Issuer   string            // its address: https, or http on this machine
	Audience string            // that tokens must be for
	Claim    string            // with the values that Roles has; default "roles". Dots lead into objects: "realm_access.roles"
	Roles    map[string][]Role // by value of the claim; other values give no role
}

// Check returns an error that wraps [registry.ErrInput] if the settings cannot be.
func (o *OIDC) Check() error {
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(net.JoinHostPort(u.Hostname(), "0"))) {
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
	providerRetry = 5 * time.Second // after a failure
	maxJWT        = 16 << 10        // bytes
)

// actorPrefix begins the actor of a request with a provider's token. Names of our own tokens do not begin so.
const actorPrefix = "oidc "

// A provider checks the tokens of an OpenID provider. It asks for the provider's keys when the first token comes, so that
// the service starts without it.
type provider struct {
	OIDC
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	failed   time.Time
}

func newProvider(o OIDC) *provider {
	return &provider{OIDC: o, client: &http.Client{Timeout: providerTime}, now: time.Now}
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
	jwt, err := v.Verify(oidc.ClientContext(ctx, p.client), text)
	if expired := (*oidc.TokenExpiredError)(nil); errors.As(err, &expired) {
		return nil, fmt.Errorf("%w: it has expired", ErrToken)
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
	if p.verifier != nil {
		return p.verifier, nil
	}
	if wait := providerRetry - p.now().Sub(p.failed); wait > 0 {
		return nil, fmt.Errorf("it did not answer, and is asked again in %s", wait.Round(time.Second))
	}
	// the context stays with the provider, which reads keys again later; the client limits the time
	found, err := oidc.NewProvider(oidc.ClientContext(context.Background(), p.client), p.Issuer)
	if err != nil {
		p.failed = p.now()
		return nil, errors.New("its configuration cannot be read")
	}
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
