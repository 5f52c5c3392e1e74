package service

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Role is what a token or a process may do.
type Role string

// The roles.
const (
	Intake      Role = "intake"      // takes uploads in; has the sealing key, and no mark key
	Issue       Role = "issue"       // hands out marked copies; has both keys
	Investigate Role = "investigate" // examines leaks, and reads what is entered; has both keys, and writes no copy
	Audit       Role = "audit"       // checks and signs the ledger; has the ledger's key, and no key of pictures
	Admin       Role = "admin"       // enters recipients and custody, makes copies void, erases; has no keys
)

func Roles() []Role { return []Role{Intake, Issue, Investigate, Audit, Admin} }

// ParseRoles reads names of roles. The error wraps [registry.ErrInput] without names, or if a name is unknown.
func ParseRoles(names ...string) (roles []Role, err error) {
	for _, name := range names {
		role := Role(strings.TrimSpace(name))
		if !slices.Contains(Roles(), role) {
			return nil, fmt.Errorf("%w: role: got %.40q, want %s", registry.ErrInput, name, JoinRoles(Roles()))
		}
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		return nil, fmt.Errorf("%w: role: got none, want one or more of %s", registry.ErrInput, JoinRoles(Roles()))
	}
	return roles, nil
}

// JoinRoles writes roles as "intake, issue".
func JoinRoles(roles []Role) string {
	return strings.Join(each.Of(roles, func(r Role) string { return string(r) }), ", ")
}

// A kind of body is what a request brings.
type bodyKind int

const (
	noBody bodyKind = iota
	jsonBody
	pictureBody
	dumpBody // a file of a dump, which is kept as it comes
)

// A route is one operation of the API: its place, who may call it, and what it brings. No other list says who may do what.
type route struct {
	id, method, path string
	roles            []Role // a token with one of them may call it; none: everybody may, without a token
	body             bodyKind
	summary          string
}

func (r *route) pattern() string { return r.method + " " + r.path }

func (r *route) changes() bool { return r.method == http.MethodPost }

var routes = []route{
	{"livez", "GET", "/livez", nil, noBody, "The process runs"},
	{"readyz", "GET", "/readyz", nil, noBody, "The process takes requests"},
	{"openapi", "GET", "/v1/openapi.json", nil, noBody, "This document"},
	{"metrics", "GET", "/metrics", Roles(), noBody, "Metrics, as Prometheus reads them"},

	{"submit", "POST", "/v1/submissions", []Role{Intake}, pictureBody, "Enter an upload"},
	{"get-submission", "GET", "/v1/submissions/{id}", []Role{Intake, Issue, Investigate, Audit, Admin}, noBody, "One upload"},
	{"list-submissions", "GET", "/v1/submissions", []Role{Issue, Investigate, Admin}, noBody, "Uploads of a subject"},
	{"list-pages", "GET", "/v1/submissions/{id}/pages", []Role{Intake, Issue, Investigate, Audit, Admin}, noBody, "Pages of an upload"},

	{"issue-copy", "POST", "/v1/submissions/{id}/copies", []Role{Issue}, jsonBody, "Issue a marked copy"},
	{"issue-copies", "POST", "/v1/copies", []Role{Issue}, jsonBody, "Issue a marked copy of each upload of a list, as a zip"},
	{"deliver-copies", "POST", "/v1/deliveries", []Role{Issue}, jsonBody, "Write a marked copy of each upload of a list to the recipient's bucket"},
	{"list-copies", "GET", "/v1/submissions/{id}/copies", []Role{Issue, Investigate, Audit, Admin}, noBody, "Copies of an upload"},
	{"get-copy", "GET", "/v1/copies/{id}", []Role{Issue, Investigate, Audit, Admin}, noBody, "One copy"},
	{"void-copy", "POST", "/v1/copies/{id}/void", []Role{Admin}, jsonBody, "Enter that no byte of a copy was handed out"},
	{"add-receipt", "POST", "/v1/copies/{id}/receipts", []Role{Issue, Admin}, jsonBody, "Enter a recipient's signature for a copy"},
	{"list-receipts", "GET", "/v1/copies/{id}/receipts", []Role{Issue, Investigate, Audit, Admin}, noBody, "Receipts of a copy"},
	{"prove-copy", "GET", "/v1/copies/{id}/proof", []Role{Audit}, noBody, "Prove that a copy is in the ledger"},

	{"add-recipient", "POST", "/v1/recipients", []Role{Admin}, jsonBody, "Enter a recipient"},
	{"list-recipients", "GET", "/v1/recipients", []Role{Intake, Issue, Investigate, Audit, Admin}, noBody, "Recipients by name"},
	{"add-custody", "POST", "/v1/custody", []Role{Admin}, jsonBody, "Enter who held uploads unmarked, or had copies of another"},
	{"list-custody", "GET", "/v1/custody", []Role{Investigate, Audit, Admin}, noBody, "Facts of custody"},
	{"get-custody-event", "GET", "/v1/submissions/{id}/custody-event", []Role{Investigate}, noBody, "The signed event that a fact of custody rests on"},
	{"erase", "POST", "/v1/erasures", []Role{Admin}, jsonBody, "Erase uploads"},

	{"vendor-event", "POST", "/v1/hooks/{name}", nil, jsonBody, "Take the signed event of a vendor that captured pictures"},

	{"create-investigation", "POST", "/v1/investigations", []Role{Investigate}, jsonBody, "Open an investigation, which files are added to"},
	{"list-investigations", "GET", "/v1/investigations", []Role{Investigate}, noBody, "The newest investigations"},
	{"get-investigation", "GET", "/v1/investigations/{id}", []Role{Investigate}, noBody, "How far an investigation is"},
	{"add-file", "POST", "/v1/investigations/{id}/files", []Role{Investigate}, dumpBody, "Add a leaked file or an archive of them"},
	{"add-bucket", "POST", "/v1/investigations/{id}/bucket", []Role{Investigate}, jsonBody,
		"Add the objects of a bucket whose names begin with a text"},
	{"list-files", "GET", "/v1/investigations/{id}/files", []Role{Investigate}, noBody, "Files of an investigation"},
	{"begin-investigation", "POST", "/v1/investigations/{id}/begin", []Role{Investigate}, noBody, "Have the files examined"},
	{"watch-investigation", "GET", "/v1/investigations/{id}/events", []Role{Investigate}, noBody,
		"Server-sent events: how far it is, until it is over"},
	{"get-findings", "GET", "/v1/investigations/{id}/findings", []Role{Investigate}, noBody, "All findings"},
	{"get-report", "GET", "/v1/investigations/{id}/report", []Role{Investigate}, noBody, "The report"},
	{"get-bundle", "GET", "/v1/investigations/{id}/bundle", []Role{Investigate}, noBody, "Report, findings and proofs, signed"},
	{"remove-investigation", "POST", "/v1/investigations/{id}/removal", []Role{Investigate}, noBody, "Destroy files and results of an investigation"},

	{"get-ledger", "GET", "/v1/ledger", []Role{Investigate, Audit, Admin}, noBody, "State of the ledger"},
	{"sign-checkpoint", "POST", "/v1/ledger/checkpoints", []Role{Audit}, noBody, "Sign the ledger's state"},
	{"list-events", "GET", "/v1/events", []Role{Investigate, Audit, Admin}, noBody, "Entries of the ledger after a number, without personal data"},
	{"list-checkpoints", "GET", "/v1/ledger/checkpoints", []Role{Investigate, Audit, Admin}, noBody, "Signed states of the ledger"},
	{"audit", "POST", "/v1/ledger/audit", []Role{Audit}, jsonBody, "Check the ledger against every row"},
}

func routeOf(id string) *route {
	at := slices.IndexFunc(routes, func(r route) bool { return r.id == id })
	return &routes[at]
}

func (r *route) may(roles []Role) bool {
	return len(r.roles) == 0 || slices.ContainsFunc(roles, func(have Role) bool {
		return slices.Contains(r.roles, have)
	})
}

// Keys are the keys that a process holds.
type Keys struct {
	Mark                    []*watermark.Key   // the first marks copies; read for [Issue] and [Investigate]
	Seal                    *registry.SealKey  // read for these and [Intake]
	Report                  ed25519.PrivateKey // read for [Investigate]; nil if the home has none
	LedgerKey, LedgerPublic string             // the private text is read for [Audit] alone
}

// KeysOf reads from a home the keys that the roles need, and no others: of those it opens not even the files.
func KeysOf(h *home.Home, roles []Role) (k Keys, err error) {
	has := func(r Role) bool { return slices.Contains(roles, r) }
	switch {
	case has(Issue), has(Investigate):
		k.Mark, k.Seal, err = h.Keys()
	case has(Intake):
		k.Seal, err = h.SealKey()
	}
	if err == nil && has(Investigate) {
		if k.Report, err = h.ReportKey(); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err == nil && has(Audit) {
		k.LedgerKey, err = h.LedgerKey()
	}
	if err == nil && (has(Audit) || has(Admin) || has(Investigate)) {
		k.LedgerPublic, err = h.LedgerPublic()
	}
	return k, err
}
