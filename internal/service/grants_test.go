package service_test

import (
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/buckets"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/hooks"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// refusedStatements are statements that PostgreSQL refuses to the login of a role. "all" are all roles.
var refusedStatements = map[string][]string{
	"all": {"UPDATE ledger SET entry = ''", "DELETE FROM ledger", "TRUNCATE request", "DELETE FROM copy",
		"UPDATE copy SET recipient = ''", "DELETE FROM submission", "UPDATE release SET state = 'void'",
		"INSERT INTO token DEFAULT VALUES", "UPDATE token SET roles = 'admin'", "DELETE FROM token",
		"UPDATE registry SET originals = ''", "INSERT INTO mark_key DEFAULT VALUES", "DELETE FROM custody",
		"INSERT INTO schema_version VALUES (9)", "CREATE TABLE more (x int)", "DROP TABLE copy"},
	"intake": {"SELECT FROM copy", "INSERT INTO copy DEFAULT VALUES", "INSERT INTO release DEFAULT VALUES",
		"SELECT FROM mark_key", "SELECT FROM investigation", "SELECT FROM custody_event", "DELETE FROM sealed", "UPDATE submission SET subject = ''",
		"INSERT INTO recipient DEFAULT VALUES", "INSERT INTO erasure DEFAULT VALUES",
		"INSERT INTO checkpoint DEFAULT VALUES"},
	"issue": {"INSERT INTO submission DEFAULT VALUES", "INSERT INTO sealed DEFAULT VALUES", "DELETE FROM sealed",
		"SELECT FROM custody", "SELECT FROM investigation", "INSERT INTO custody DEFAULT VALUES",
		"INSERT INTO investigation DEFAULT VALUES", "INSERT INTO recipient DEFAULT VALUES"},
	"investigate": {"INSERT INTO copy DEFAULT VALUES", "INSERT INTO release DEFAULT VALUES",
		"INSERT INTO submission DEFAULT VALUES", "INSERT INTO sealed DEFAULT VALUES", "DELETE FROM sealed",
		"INSERT INTO custody DEFAULT VALUES", "INSERT INTO recipient DEFAULT VALUES",
		"INSERT INTO came_back DEFAULT VALUES"},
	"audit": {"INSERT INTO ledger DEFAULT VALUES", "INSERT INTO submission DEFAULT VALUES", "INSERT INTO copy DEFAULT VALUES",
		"INSERT INTO release DEFAULT VALUES", "INSERT INTO custody DEFAULT VALUES", "DELETE FROM sealed",
		"INSERT INTO recipient DEFAULT VALUES", "INSERT INTO investigation DEFAULT VALUES"},
	"admin": {"INSERT INTO submission DEFAULT VALUES", "INSERT INTO sealed DEFAULT VALUES",
		"INSERT INTO copy DEFAULT VALUES", "UPDATE custody_event SET sealed = ''",
		"INSERT INTO investigation DEFAULT VALUES", "INSERT INTO checkpoint DEFAULT VALUES"},
}

// With the login of docs/grants.sql for its role alone, each process does all of its routes, and PostgreSQL refuses
// what is of other roles. Every table of the registry is in the script.
func TestGrants(t *testing.T) {
	dsn := server.DSN(t)
	originals := t.TempDir()
	w := beginAt(t, dsn, &registry.CreateOptions{Originals: originals})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.logs)
		}
	})
	changing := w.changing()
	submission, err := parseSubmission(regexp.MustCompile("[0-9a-f]{32}").FindString(changing[2].path))
	require.NoError(t, err)
	marked := w.must(call{method: "POST", path: changing[2].path, body: map[string]string{"recipient": "vendor-a", "request": "b"}})
	back := w.must(call{method: "POST", path: "/v1/submissions", body: marked.body}).field(t, "submission")
	w.must(call{method: "POST", path: "/v1/recipients", body: map[string]string{"name": "sumsub", "kind": "vendor"}})
	owner, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { owner.Close() })
	var names []string
	for _, r := range service.Roles() {
		names = append(names, string(r))
	}
	if num := scalar(t, owner, "SHOW server_version_num"); num < "17" { // then who frees old rows owns the tables
		role := scalar(t, owner, "SELECT current_database() || '_' || current_schema() || '_admin'")
		exec(t, owner, "CREATE ROLE "+role)
		for _, table := range []string{"submission", "subject", "sealed", "recipient", "segment"} {
			exec(t, owner, "ALTER TABLE "+table+" OWNER TO "+role)
		}
	}
	logins := pgtest.Logins(t, dsn, "../../docs/grants.sql", names...)
	queue, err := jobs.OpenServer(t.Context(), logins["investigate"], w.reg.ID(), registry.GenerateSealKey())
	require.NoError(t, err, "init made the queue's tables")
	queue.Close()
	left := scalar(t, owner, `SELECT coalesce(string_agg(relname, ', '), '') FROM pg_class c
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT EXISTS (SELECT
		FROM aclexplode(c.relacl) JOIN pg_roles r ON r.oid = grantee WHERE rolname LIKE current_database() || '_' ||
		current_schema() || '\_%')`)
	require.Empty(t, left, "tables that docs/grants.sql does not name")

	h, err := home.Open(w.dir)
	require.NoError(t, err)
	v := newVendor(t, "sumsub", small(t, "anna_selfie"), small(t, "chidi_idcard"))
	kind, err := hooks.Of("sumsub")
	require.NoError(t, err)
	objects := s3test.Start(t)
	bucket, err := buckets.Open(objects.Address)
	require.NoError(t, err)
	require.NoError(t, bucket.Put(t.Context(), "c.jpg", "", small(t, "anna_selfie")))
	// One role after the other, so that admin erases last.
	for _, role := range service.Roles() {
		p := *w
		p.reg, err = registry.Open(t.Context(), home.Driver(logins[string(role)]))
		require.NoError(t, err, role)
		cfg := p.config(h, role)
		cfg.Hooks = map[string]service.Hook{"sumsub": {Vendor: kind, Recipient: "sumsub", Secret: v.secret,
			Account: hooks.Account{Base: v.at.URL, Token: "t", Secret: []byte("s")}}}
		cfg.Dumps, cfg.Deliveries = map[string]string{"leaks": objects.Address}, map[string]string{"vendor-a": objects.Address}
		told := receive(t, 0)
		cfg.Webhooks = map[string]service.Webhook{"all": told.hook()}
		s, err := service.New(cfg)
		require.NoError(t, err)
		p.at = httptest.NewServer(s)
		if role == service.Admin {
			changing[4].body = p.receipt(regexp.MustCompile("[0-9a-f]{16}").FindString(changing[4].path))
			exec(t, owner, "INSERT INTO segment VALUES (decode(repeat('ab', 16), 'hex'), 1, 1, 1, 100, '', 0, '')")
		}
		var open, done string // investigations
		if p.srv = s; role == service.Investigate {
			open = strings.TrimPrefix(p.created(map[string][]byte{"a.txt": []byte("x")}), "/v1/investigations/")
			done = p.investigated(map[string][]byte{"a.jpg": small(t, "anna_selfie")})
			w.must(call{method: "POST", path: "/v1/ledger/checkpoints"}) // for the bundle
		}
		p.everyRoute(role, changing, v, open, done)
		switch role { // what routes do not do each time
		case service.Intake:
			p.submitsTwice(submission, originals)
		case service.Issue:
			p.must(call{method: "POST", path: "/v1/submissions/" + back + "/copies", as: "issue", body: changing[2].body})
			require.Equal(t, "1", scalar(t, owner, "SELECT count(*) FROM came_back"))
			keepsFile(t, p.reg, p.reg)
			require.Eventually(t, func() bool { // a copy is entered as released after its last byte
				return scalar(t, owner, `SELECT count(*) FROM copy WHERE id <> '\x0000000000001234' AND
					id NOT IN (SELECT copy FROM release WHERE state = 'released')`) == "0"
			}, time.Minute, 10*time.Millisecond)
		case service.Investigate:
			keepsFile(t, p.reg, p.reg, submission)
		case service.Admin:
			keepsFile(t, w.reg, p.reg, submission)
		}
		if role == service.Investigate || role == service.Audit || role == service.Admin {
			require.NoError(t, s.InvestigationOver(t.Context(), &investigations.State{Stage: investigations.Done}))
			require.NoError(t, s.TellDue(t.Context()))
			assert.NotEmpty(t, told.notices)
		}
		p.at.Close()
		require.NotContains(t, w.logs.String(), "permission denied")
		require.NoError(t, p.reg.Close())

		login, err := sql.Open("pgx", logins[string(role)])
		require.NoError(t, err)
		for _, statement := range append(refusedStatements["all"], refusedStatements[string(role)]...) {
			_, err := login.ExecContext(t.Context(), statement)
			assert.Regexp(t, "permission denied|must be owner", err, "%s: %s", role, statement)
		}
		require.NoError(t, login.Close())
	}
	require.Equal(t, "0", scalar(t, owner, "SELECT count(*) FROM segment"), "admin's erasure removed it")
	_, _, err = w.reg.Ledger().Check(t.Context())
	require.NoError(t, err)
}

// The script does not pass over a queue that is missing: its login would be refused later.
func TestGrantsWithoutQueue(t *testing.T) {
	dsn := server.DSN(t)
	r, err := registry.Create(t.Context(), home.Driver(dsn), nil)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	owner, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	defer owner.Close()
	script, err := os.ReadFile("../../docs/grants.sql")
	require.NoError(t, err)
	_, err = owner.ExecContext(t.Context(), string(script))
	require.ErrorContains(t, err, "_queue is missing")
}

func scalar(t *testing.T, db *sql.DB, query string) (text string) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&text), query)
	return text
}

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err, statement)
}

// everyRoute calls every route of a role, as the role. changing has the calls that change something. One investigation has
// not begun, and one is done.
func (w *world) everyRoute(role service.Role, changing []call, v *vendor, open, done string) {
	w.t.Helper()
	ids := regexp.MustCompile(`[0-9a-f]{16,}`)
	submission, copyID := ids.FindString(changing[2].path), ids.FindString(changing[4].path)
	if role == service.Audit { // without a checkpoint no proof is made
		w.must(call{method: "POST", path: "/v1/ledger/checkpoints", as: string(role)})
	}
	for _, x := range table(allowed) {
		if !slices.Contains(x.roles, string(role)) {
			continue
		}
		id := submission
		if strings.Contains(x.path, "copies/{id}") {
			id = copyID
		}
		if strings.HasPrefix(x.path, "/v1/investigations/") {
			if id = open; x.method == "GET" {
				id = done
			}
		}
		c := call{method: x.method, path: strings.ReplaceAll(x.path, "{id}", id), as: string(role),
			head: map[string]string{"Kycmark-Subject": "subject-1", "Kycmark-File": "b.jpg", "Idempotency-Key": "grants of " + x.path}}
		if x.method == "POST" {
			c.body = "{}"
		}
		if strings.HasSuffix(x.path, "/custody-event") {
			facts, err := w.reg.Custody(w.t.Context(), registry.CustodyFilter{})
			require.NoError(w.t, err)
			at := slices.IndexFunc(facts, func(f books.Custody) bool { return f.Scheme != "" })
			c.path = fmt.Sprintf("/v1/submissions/%s/custody-event?entry=%d", facts[at].Submissions[0], facts[at].Seq)
		}
		switch x.path {
		case "/v1/investigations/{id}/bucket":
			c.body = map[string]string{"bucket": "leaks"}
		case "/v1/copies", "/v1/deliveries":
			c.body = map[string]any{"recipient": "vendor-a", "submissions": []string{submission}}
		}
		of := regexp.MustCompile("^" + strings.ReplaceAll(x.path, "{id}", "[0-9a-f]{16,}") + "$")
		if at := slices.IndexFunc(changing, func(c call) bool { return x.method == "POST" && of.MatchString(c.path) }); at >= 0 {
			c.path, c.body = changing[at].path, changing[at].body
			maps.Copy(c.head, changing[at].head)
		}
		w.must(c)
	}
	if role == service.Intake {
		w.must(v.event("s-1", "subject-3", time.Now().Add(-time.Minute).UTC().Truncate(time.Millisecond)))
	}
}

// submitsTwice has two processes enter the same upload at a time: the second removes the original that it has put.
func (w *world) submitsTwice(of watermark.Submission, originals string) {
	t := w.t
	t.Helper()
	count := func() (n int) {
		require.NoError(t, filepath.WalkDir(originals, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				n++
			}
			return err
		}))
		return n
	}
	before := count()
	row, err := storeOf(w.reg).Submission(t.Context(), of)
	require.NoError(t, err)
	added, err := storeOf(w.reg).AddSubmissions(t.Context(), []records.Upload{{Submission: *row,
		Sealed: &records.Sealed{Body: []byte("sealed anew")}}})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, added)
	require.Equal(t, before, count(), "the second original is removed")

	kept, err := storeOf(w.reg).Sealed(t.Context(), of, true)
	require.NoError(t, err)
	lost, err := filepath.Glob(filepath.Join(originals, "*", "*", objects.NameOf(kept.Body).String()))
	require.NoError(t, err)
	require.Len(t, lost, 1)
	require.NoError(t, os.Remove(lost[0]))
	w.must(call{method: "POST", path: "/v1/submissions", as: "intake", body: small(t, "anna_passport"), head: map[string]string{"Kycmark-Subject": "subject-1"}})
	require.Equal(t, before, count(), "the lost original is there again")
}

// keepsFile keeps a file beside the registry, in a place of originals, and removes it. It shows uploads if it is of an
// investigation.
func keepsFile(t *testing.T, keeper, remover *registry.Registry, shows ...watermark.Submission) {
	t.Helper()
	k, item := storeOf(keeper).Kept(), records.KeptItem{ID: [16]byte{1}, Kind: "spool", Made: time.Now(), Expires: time.Now()}
	p := records.KeptPart{Of: item.ID, Name: "file", Version: [16]byte{2}, Chunks: 1, Size: 1}
	require.NoError(t, k.Add(t.Context(), item))
	require.NoError(t, k.Show(t.Context(), item.ID, shows...))
	require.NoError(t, k.AddChunk(t.Context(), &p, 0, []byte{3}))
	require.NoError(t, k.Publish(t.Context(), p, ""))
	k = storeOf(remover).Kept()
	if len(shows) > 0 {
		found, err := k.Showing(t.Context(), shows...)
		require.NoError(t, err)
		require.Len(t, found, 1)
	}
	require.NoError(t, k.Remove(t.Context(), item.ID))
}
