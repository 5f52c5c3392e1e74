// Package serve has the verbs that put the registry behind HTTP.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/judge"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/hooks"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/kept"
	"github.com/kycmark/kycmark/verify/registry"
)

type serveFlags struct {
	listen, certificate, key string
	behindProxy              bool
	roles                    []string
}

// NewServe returns the verb "serve", which runs until it is interrupted.
func NewServe(u *ui.UI) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Put the registry behind HTTP",
		Long: `Take uploads in and hand marked copies out over HTTP, for programs in any language. The
API is described by GET /v1/openapi.json. At the first start a token with all roles is made
and printed once, on stdout. Make others with "kycmark token add".

The service listens on this machine alone. Another address needs a certificate
(--tls-cert, --tls-key), or --behind-proxy if a proxy in front of it does TLS.

--roles says what this process does, and which keys it reads: intake has the sealing key and
no mark key, issue and investigate have both, audit the ledger's key alone, admin has none.
A process with the role investigate also examines the leaks that it was sent, and goes on
with the investigations of processes that died.

Logs are JSON lines on stderr, and metrics are at /metrics. Neither has a subject, a file
name or a name of a person. SIGTERM or Ctrl-C ends the service after the requests that
have begun, within 30 seconds.`,
		Example: `  kycmark serve --home kyc
  kycmark serve --listen 10.0.0.5:8443 --tls-cert tls.crt --tls-key tls.key --roles intake`,
		Args: ui.Exactly(),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`address` to listen on, HOST:PORT")
	fs.StringVar(&f.certificate, "tls-cert", "", "`file` of the certificate chain, PEM")
	fs.StringVar(&f.key, "tls-key", "", "`file` of the certificate's key, PEM")
	fs.BoolVar(&f.behindProxy, "behind-proxy", false, "a proxy in front of this address does TLS")
	fs.StringSliceVar(&f.roles, "roles", roleNames(), "`roles` of this process")
	ui.Complete(cmd, "roles", roleNames()...)
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error { return f.serve(ctx, b) })
}

func roleNames() []string {
	return each.Of(service.Roles(), func(r service.Role) string { return string(r) })
}

// waitForMemory is how long a request waits for the memory of other pictures, before its client is asked to come again.
// Chosen: an upload of 12 megapixels takes less than a second.
const waitForMemory = 5 * time.Second

// ofBodies is the share of the memory for pictures that bodies may take while they come in. Chosen.
const ofBodies = 4 // one of so many

func (f *serveFlags) serve(ctx context.Context, b *ui.Desk) error {
	roles, err := service.ParseRoles(f.roles...)
	if err != nil {
		return err
	}
	has := func(r service.Role) bool { return slices.Contains(roles, r) }
	switch marked := b.Home.MarkedUploads; {
	case marked == registry.MarkedRefused && (has(service.Intake) || has(service.Issue)):
		return ui.WithHint(ui.Usagef("marked_uploads is %q: a refusal would tell callers which pictures are marked, and so help to remove marks", marked),
			"set marked_uploads = %q in kycmark.toml, or serve neither intake nor issue", registry.MarkedAtSubmit)
	case marked == registry.MarkedAtSubmit && has(service.Intake) && !has(service.Issue):
		return ui.WithHint(ui.Usagef("marked_uploads is %q: intake without issue has no mark key to read uploads with", marked),
			"set marked_uploads = %q in kycmark.toml, or serve issue too", registry.MarkedAtIssue)
	}
	keys, err := service.KeysOf(b.Home, roles)
	if err != nil {
		return err
	}
	b.WarnExposed(b.Home.KeyFiles()...)
	memory := b.MaxMemory()
	cfg := service.Config{Registry: b.Registry, Roles: roles, LedgerKey: keys.LedgerKey, LedgerPublic: keys.LedgerPublic,
		Dumps: b.Home.Buckets.Dumps, Deliveries: b.Home.Buckets.Copies,
		MaxBodies: memory / ofBodies, Log: slog.New(slog.NewJSONHandler(b.Err, nil))}
	if cfg.OIDC, err = oidcOf(b.Home); err != nil {
		return err
	}
	if cfg.Traces, err = service.TracesFrom(os.Getenv); err != nil {
		return err
	}
	uploads := has(service.Intake) || has(service.Issue)
	if memory -= memory / ofBodies; has(service.Investigate) {
		if uploads {
			memory /= 2 // for leaks, and as much for uploads and copies
		}
		if cfg.Office, err = officeOf(ctx, b, keys, memory, cfg.Log); err != nil {
			return err
		}
		defer cfg.Office.Queue.Close()
	}
	if has(service.Issue) {
		for name := range b.Home.Buckets.Copies {
			if _, err := b.Registry.Recipient(ctx, name); err != nil {
				return ui.WithHint(fmt.Errorf("bucket of %q: %w", name, err), "see [buckets.copies] in kycmark.toml, and \"kycmark recipient add\"")
			}
		}
	}
	if uploads {
		of := registry.Config{SealKey: keys.Seal, MaxMemory: memory, MaxWait: waitForMemory}
		if has(service.Issue) {
			of.Keys = keys.Mark
		}
		if cfg.Issuer, err = b.NewIssuer(of); err != nil {
			return err
		}
	}
	if has(service.Intake) {
		if cfg.Hooks, err = hooksOf(ctx, b); err != nil {
			return err
		}
	}
	if has(service.Investigate) || has(service.Audit) || has(service.Admin) {
		if cfg.Webhooks, err = home.WebhooksOf(b.Home); err != nil {
			return err
		}
	}
	s, err := service.New(cfg)
	if err != nil {
		return err
	}
	if cfg.Office != nil {
		cfg.Office.Over = s.InvestigationOver
		working, stop := context.WithCancel(ctx)
		var worker sync.WaitGroup
		worker.Go(func() { cfg.Office.Run(working) })
		defer worker.Wait()
		defer stop()
	}
	l, err := service.Listen(ctx, f.listen, f.certificate, f.key, f.behindProxy)
	if err != nil {
		return err
	}
	first, err := firstToken(ctx, b)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	url := "http://" + l.Addr().String()
	if f.certificate != "" {
		url = "https://" + l.Addr().String()
	}
	b.Printf("listening at %s\n", url)
	if err := b.Line(started{url, roles, first}); err != nil {
		return errors.Join(err, l.Close())
	}
	return s.Serve(ctx, l)
}

// officeOf returns the office for investigations. Its queue is to be closed.
func officeOf(ctx context.Context, b *ui.Desk, keys service.Keys, memory int64, log *slog.Logger) (*investigations.Office, error) {
	if err := b.Registry.Engine().CheckSealKey(ctx, keys.Seal); err != nil {
		return nil, err
	}
	if err := judge.KnownKeys(ctx, b, keys.Mark); err != nil {
		return nil, err
	}
	found, err := b.NewInvestigator(keys.Mark, keys.Seal, memory)
	if err != nil {
		return nil, err
	}
	queue, err := home.OpenQueue(ctx, b.Home, b.Registry.ID(), keys.Seal)
	if err != nil {
		return nil, ui.WithHint(err, "investigations need the queue; other roles do not: --roles intake,issue,audit,admin")
	}
	return investigations.New(investigations.Config{Registry: b.Registry, SealKey: keys.Seal, Found: found, Queue: queue,
		References: b.Home.References, UploadsPerSubject: b.Home.UploadsPerSubject,
		Sealing: investigations.Sealing{ReportKey: keys.Report, LedgerPublic: keys.LedgerPublic, LedgerKey: keys.LedgerKey},
		Warn: func(id kept.ID, why error) {
			if id == (kept.ID{}) {
				log.Error("investigations do not go on", "error", service.Cause(why))
				return
			}
			log.Error("investigation does not go on", "investigation", id.String(), "error", service.Cause(why))
		}}), nil
}

// oidcOf returns the OpenID provider that the home names, or nil.
func oidcOf(h *home.Home) (*service.OIDC, error) {
	c := h.OIDC
	if c.Issuer == "" && c.Audience == "" && len(c.Roles) == 0 {
		return nil, nil
	}
	o := &service.OIDC{Issuer: c.Issuer, Audience: c.Audience, Claim: c.Claim, Roles: make(map[string][]service.Role)}
	for value, names := range c.Roles {
		roles, err := service.ParseRoles(names...)
		if err != nil {
			return nil, fmt.Errorf("oidc roles of %q: %w", value, err)
		}
		o.Roles[value] = roles
	}
	return o, o.Check()
}

// hooksOf returns the accounts at capture vendors that the home names.
func hooksOf(ctx context.Context, b *ui.Desk) (map[string]service.Hook, error) {
	accounts, err := home.HooksOf(b.Home)
	if err != nil {
		return nil, err
	}
	all := make(map[string]service.Hook)
	for name, a := range accounts {
		vendor, err := hooks.Of(a.Vendor)
		if !service.Guarded(a.API) {
			err = cmp.Or(err, fmt.Errorf("%w: api: got %.100q, want an address that begins with https://", registry.ErrInput, a.API))
		}
		if vendor.Signs && len(a.APISecret) == 0 || strings.Contains(name, "/") {
			err = cmp.Or(err, fmt.Errorf("%w: want api_secret for %s, and a name without /", registry.ErrInput, a.Vendor))
		}
		if err == nil {
			_, err = b.Registry.Recipient(ctx, a.Recipient)
		}
		if err != nil {
			return nil, ui.WithHint(fmt.Errorf("hook %q: %w", name, err), "see [hooks.NAME] in kycmark.toml, and \"kycmark recipient add\"")
		}
		all[name] = service.Hook{Vendor: vendor, Recipient: a.Recipient, Secret: []byte(a.Secret), Account: hooks.Account{Base: a.API, Token: a.Token, Secret: []byte(a.APISecret)}}
	}
	return all, nil
}

type started struct {
	URL   string         `json:"url"`
	Roles []service.Role `json:"roles"`
	Token string         `json:"token,omitempty"` // made at the first start
}

const firstName = "first"

// firstToken makes a token with all roles if the registry has none, prints it, and returns its text.
func firstToken(ctx context.Context, b *ui.Desk) (string, error) {
	tokens := service.TokensOf(b.Registry)
	all, err := tokens.List(ctx)
	if err != nil || len(all) > 0 {
		return "", err
	}
	text, err := tokens.Add(ctx, firstName, service.Roles(), time.Time{})
	if errors.Is(err, registry.ErrConflict) { // another process was first
		return "", nil
	}
	if err == nil {
		b.Printf("token %s, with all roles, shown once: %s\n", firstName, text)
	}
	return text, err
}

// NewToken returns the verb "token", which does nothing itself: "add", "list" and "revoke" are below it.
func NewToken(u *ui.UI) *cobra.Command {
	return ui.Only(&cobra.Command{
		Use:   "token",
		Short: "Say who may call the service",
		Example: `  kycmark token add intake-api --role intake
  kycmark token list
  kycmark token revoke intake-api`,
	}, newTokenAdd(u), newTokenList(u), newTokenRevoke(u))
}

func newTokenAdd(u *ui.UI) *cobra.Command {
	var roles []string
	var expires string
	cmd := &cobra.Command{
		Use:   "add NAME --role ROLE",
		Short: "Make a token, and print it once",
		Long: `Make a token, and print it once: the registry keeps its SHA-256. The name is the actor in
the ledger of all that the token's holder does. It is never used again, also not after the
token was revoked.

Roles: intake (uploads in), issue (marked copies out), investigate (examine leaks), audit (check
and sign the ledger), admin (recipients, custody, void copies, erasures). A token may have several.`,
		Example: `  kycmark token add intake-api --role intake
  kycmark token add back-office --role issue,admin --expires 2027-06-30`,
		Args: ui.Exactly("NAME"),
	}
	cmd.Flags().StringSliceVar(&roles, "role", nil, "`role` of the token; may be repeated (required)")
	cmd.Flags().StringVar(&expires, "expires", "", "`time` from which on it is refused; a day counts whole (default: never)")
	cmd.MarkFlagRequired("role")
	ui.Complete(cmd, "role", roleNames()...)
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, args []string) error {
		has, err := service.ParseRoles(roles...)
		if err != nil {
			return err
		}
		var until time.Time
		if expires != "" {
			if until, err = ui.ParseTime(expires, true); err != nil {
				return err
			}
		}
		text, err := service.TokensOf(b.Registry).Add(ctx, args[0], has, until)
		if err != nil {
			return err
		}
		b.Printf("%s\n", text)
		return b.Line(map[string]string{"name": args[0], "token": text})
	})
}

func newTokenList(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:     "list",
		Short:   "List tokens, also expired and revoked ones",
		Example: "  kycmark token list",
		Args:    ui.Exactly(),
	}, func(ctx context.Context, b *ui.Desk, _ []string) error {
		all, err := service.TokensOf(b.Registry).List(ctx)
		return ui.PrintList(u, "NAME\tID\tROLES\tADDED\tEXPIRES\tREVOKED", ui.Listed(all, err), func(t *service.Token) (any, []string) {
			return t, []string{t.Name, t.ID, service.JoinRoles(t.Roles), ui.Moment(t.Added), moment(t.Expires), moment(t.Revoked)}
		})
	})
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return ui.Moment(t)
}

func newTokenRevoke(u *ui.UI) *cobra.Command {
	return u.BookVerb(&cobra.Command{
		Use:     "revoke NAME",
		Short:   "End a token at once",
		Example: "  kycmark token revoke intake-api",
		Args:    ui.Exactly("NAME"),
	}, func(ctx context.Context, b *ui.Desk, args []string) error {
		if err := service.TokensOf(b.Registry).Revoke(ctx, args[0]); err != nil {
			return ui.WithHint(err, "\"kycmark token list\" names the tokens")
		}
		b.Printf("%s: revoked\n", ui.Name(args[0]))
		return b.Line(map[string]string{"name": args[0]})
	})
}
