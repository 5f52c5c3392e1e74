package service_test

import (
	"encoding/base64"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/service"
)

// allowed says who may call what. It is written beside the program's own list, so that a change of one shows.
const allowed = `
GET  /metrics                        intake issue investigate audit admin
POST /v1/submissions                 intake
GET  /v1/submissions/{id}            intake issue investigate audit admin
GET  /v1/submissions                 issue investigate admin
GET  /v1/submissions/{id}/pages      intake issue investigate audit admin
POST /v1/submissions/{id}/copies     issue
POST /v1/copies                      issue
POST /v1/deliveries                  issue
GET  /v1/submissions/{id}/copies     issue investigate audit admin
GET  /v1/copies/{id}                 issue investigate audit admin
POST /v1/copies/{id}/void            admin
POST /v1/copies/{id}/receipts        issue admin
GET  /v1/copies/{id}/receipts        issue investigate audit admin
GET  /v1/copies/{id}/proof           audit
POST /v1/recipients                  admin
GET  /v1/recipients                  intake issue investigate audit admin
POST /v1/custody                     admin
GET  /v1/custody                     investigate audit admin
GET  /v1/submissions/{id}/custody-event investigate
POST /v1/erasures                    admin
POST /v1/investigations              investigate
GET  /v1/investigations              investigate
GET  /v1/investigations/{id}         investigate
POST /v1/investigations/{id}/files   investigate
GET  /v1/investigations/{id}/files   investigate
POST /v1/investigations/{id}/bucket  investigate
POST /v1/investigations/{id}/begin   investigate
GET  /v1/investigations/{id}/events  investigate
GET  /v1/investigations/{id}/findings investigate
GET  /v1/investigations/{id}/report  investigate
GET  /v1/investigations/{id}/bundle  investigate
POST /v1/investigations/{id}/removal investigate
GET  /v1/ledger                      investigate audit admin
GET  /v1/events                      investigate audit admin
POST /v1/ledger/checkpoints          audit
GET  /v1/ledger/checkpoints          investigate audit admin
POST /v1/ledger/audit                audit
`

// public routes need no token.
const public = `
GET  /livez
GET  /readyz
GET  /v1/openapi.json
`

// signed routes need no token either, but a vendor's signature.
const signed = `
POST /v1/hooks/{name}
`

// A line of [allowed].
type permitted struct {
	method, path string
	roles        []string
}

func table(text string) (out []permitted) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		f := strings.Fields(line)
		out = append(out, permitted{f[0], f[1], f[2:]})
	}
	return out
}

// filled puts IDs that no row has into a path.
func (p permitted) filled() string {
	id := strings.Repeat("ab", 16)
	if strings.Contains(p.path, "copies/{id}") {
		id = id[:16]
	}
	return strings.ReplaceAll(p.path, "{id}", id)
}

// Each role may call exactly what the table says, in a process of all roles and in a process of each role alone.
// Without a token no route but the public ones answers.
func TestRolesAndRoutes(t *testing.T) {
	w := begin(t)
	h, err := home.Open(w.dir)
	require.NoError(t, err)
	all := w.at
	documented := w.documented()
	require.ElementsMatch(t, documented, slices.Concat(names(table(allowed)), names(table(public)), names(table(signed))),
		"every route is in the tables")
	processes := map[string]*httptest.Server{"all": all}
	for _, role := range service.Roles() {
		s, err := service.New(w.config(h, role))
		require.NoError(t, err)
		processes[string(role)] = httptest.NewServer(s)
		t.Cleanup(processes[string(role)].Close)
	}
	for process, at := range processes {
		w.at = at
		for _, p := range table(allowed) {
			body := any(nil)
			if p.method == "POST" {
				body = "{}"
			}
			here := process == "all" || slices.Contains(p.roles, process)
			for _, role := range append(service.Roles(), "-") {
				got := w.do(call{method: p.method, path: p.filled(), as: string(role), body: body}).status
				what := []any{"process %s, role %s, %s %s: %d", process, role, p.method, p.path, got}
				switch may := slices.Contains(p.roles, string(role)) && (process == "all" || process == string(role)); {
				case !here:
					assert.Contains(t, []int{404, 405}, got, what...)
				case role == "-":
					assert.Equal(t, 401, got, what...)
				case may:
					assert.NotContains(t, []int{401, 403, 405, 500, 503}, got, what...)
				default:
					assert.Equal(t, 403, got, what...)
				}
			}
		}
		for _, p := range table(public) {
			assert.Equal(t, 200, w.do(call{method: p.method, path: p.path, as: "-"}).status, p.path)
		}
	}
	w.at = all
	require.EqualValues(t, 2, w.size(), "nothing was entered: the registry and its key alone")
}

func names(all []permitted) (out []string) {
	for _, p := range all {
		out = append(out, p.method+" "+p.path)
	}
	return out
}

// A process reads the keys of its roles and no others: with all other key files gone it begins, and does its work.
func TestKeysOfRoles(t *testing.T) {
	w := begin(t)
	all := service.Roles()
	for set := 1; set < 1<<len(all); set++ {
		var roles []service.Role
		for i, role := range all {
			if set>>i&1 == 1 {
				roles = append(roles, role)
			}
		}
		has := func(r service.Role) bool { return slices.Contains(roles, r) }
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(w.dir)))
		gone := func(file string, needed bool) {
			if !needed {
				require.NoError(t, os.Remove(filepath.Join(dir, "keys", file)))
			}
		}
		marks := has(service.Issue) || has(service.Investigate)
		gone("mark.key", marks)
		gone("seal.key", marks || has(service.Intake))
		gone("ledger.key", has(service.Audit))
		gone("report.key", has(service.Investigate))
		h, err := home.Open(dir)
		require.NoError(t, err)
		keys, err := service.KeysOf(h, roles)
		require.NoError(t, err, roles)
		assert.Equal(t, marks, len(keys.Mark) > 0, "mark key, %s", roles)
		assert.Equal(t, marks || has(service.Intake), keys.Seal != nil, "sealing key, %s", roles)
		assert.Equal(t, has(service.Investigate), keys.Report != nil, "key of reports, %s", roles)
		assert.Equal(t, has(service.Audit), keys.LedgerKey != "", "ledger's key, %s", roles)
		_, err = service.New(w.config(h, roles...))
		require.NoError(t, err, roles)
	}
}

// The issuer of a process that only takes uploads in cannot mark: it has no mark key, whatever asks it.
func TestIntakeCannotMark(t *testing.T) {
	w := begin(t)
	submission, _ := w.stocked()
	h, err := home.Open(w.dir)
	require.NoError(t, err)
	cfg := w.config(h, service.Intake)
	id, err := parseSubmission(submission)
	require.NoError(t, err)
	_, err = cfg.Issuer.Issue(t.Context(), id, "vendor-a", nil, nil)
	require.ErrorContains(t, err, "no mark key")
}

// A token that is malformed, unknown, expired or revoked opens nothing, and a revoked name is never used again.
func TestTokens(t *testing.T) {
	w := begin(t)
	tokens := service.TokensOf(w.reg)
	secret := sha([]byte("the secret of a test"))
	row := records.Token{Name: "over", ID: "0000000e", Digest: sha(secret[:]), Roles: "admin", Added: time.Now()}
	row.Expires = time.Now().Add(-time.Microsecond)
	require.NoError(t, storeOf(w.reg).AddToken(t.Context(), row))
	w.tokens["over"] = "kycmark_0000000e_" + base64.RawURLEncoding.EncodeToString(secret[:])
	assert.Equal(t, "it has expired", w.do(call{method: "GET", path: "/v1/recipients", as: "over"}).problem(t).Problem)
	row.Name, row.ID, row.Expires = "not over", "0000000f", time.Now().Add(time.Hour)
	require.NoError(t, storeOf(w.reg).AddToken(t.Context(), row))
	w.tokens["not over"] = strings.Replace(w.tokens["over"], "0000000e", "0000000f", 1)
	w.must(call{method: "GET", path: "/v1/recipients", as: "not over"})

	w.tokens["left"] = w.token("left", service.Admin)
	w.must(call{method: "GET", path: "/v1/recipients", as: "left"})
	require.NoError(t, tokens.Revoke(t.Context(), "left"))
	assert.Equal(t, "it was revoked", w.do(call{method: "GET", path: "/v1/recipients", as: "left"}).problem(t).Problem)
	_, err := tokens.Add(t.Context(), "left", []service.Role{service.Admin}, time.Time{})
	assert.ErrorContains(t, err, "already in the registry")
	assert.Error(t, tokens.Revoke(t.Context(), "never was"))

	good := w.tokens["admin"]
	other := w.tokens["audit"]
	for what, text := range map[string]string{
		"nothing": "", "a word": "secret", "cut off": good[:len(good)-1], "longer": good + "A",
		"another's secret":    good[:len("kycmark_00000000_")] + other[len("kycmark_00000000_"):],
		"an ID of none":       "kycmark_00000000_" + good[len("kycmark_00000000_"):],
		"another last letter": good[:len(good)-1] + "_",
	} {
		w.tokens["bad"] = text
		got := w.do(call{method: "GET", path: "/v1/recipients", as: "bad"})
		assert.Equal(t, 401, got.status, what)
		assert.Contains(t, got.head.Get("WWW-Authenticate"), "Bearer", what)
		got.problem(t)
	}
	_, err = tokens.Add(t.Context(), "", []service.Role{service.Admin}, time.Time{})
	assert.Error(t, err)
	_, err = tokens.Add(t.Context(), "past", []service.Role{service.Admin}, time.Now().Add(-time.Second))
	assert.Error(t, err)
	for _, text := range w.query("SELECT hex(digest) || id || name FROM token") {
		for name, token := range w.tokens {
			if name != "bad" {
				assert.NotContains(t, text, token[len("kycmark_00000000_"):], "the registry has no secret")
			}
		}
	}
}

func TestParseRoles(t *testing.T) {
	got, err := service.ParseRoles("issue", " intake", "issue")
	require.NoError(t, err)
	require.Equal(t, []service.Role{service.Issue, service.Intake}, got)
	for _, bad := range [][]string{nil, {""}, {"issue", "root"}} {
		_, err := service.ParseRoles(bad...)
		require.Error(t, err, bad)
	}
}
