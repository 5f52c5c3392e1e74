package verify_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
)

// deskGrants are the permissions of an investigator's role, as docs/registry.md has them; $SCHEMA is the registry's.
const deskGrants = `CREATE ROLE desk LOGIN;
GRANT USAGE ON SCHEMA $SCHEMA TO desk;
GRANT SELECT ON ALL TABLES IN SCHEMA $SCHEMA TO desk;
GRANT INSERT ON investigation, conclusion, ledger, list_node TO desk;
GRANT UPDATE ON ledger_head, list_node TO desk;`

// PostgreSQL itself refuses to an investigator what is not an investigation.
func TestInvestigatorsRoleInPostgreSQL(t *testing.T) {
	dsn := server.DSN(t)
	ctx := t.Context()
	cfg := leaktest.Config(t)
	var err error
	cfg.Registry, err = registry.Create(ctx, postgres.At(dsn), nil)
	require.NoError(t, err)
	defer cfg.Registry.Close()
	submit(t, newIssuer(t, cfg), file(t, passport(1), "jpeg"), "customer 1", feb)
	db, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer db.Close(ctx)
	_, schema, _ := strings.Cut(dsn, "search_path=")
	_, err = db.Exec(ctx, strings.ReplaceAll(deskGrants, "$SCHEMA", schema))
	require.NoError(t, err)

	desk := investigating(cfg)
	desk.Registry, err = registry.OpenForInvestigation(ctx, postgres.At(dsn+"&user=desk"))
	require.NoError(t, err)
	defer desk.Registry.Close()
	v := newInvestigator(t, desk)
	v.SetDetect(noMark)
	got, err := v.File(ctx, "leak.jpg", file(t, passport(1), "jpeg"))
	require.NoError(t, err)
	require.Equal(t, findings.FoundUnmarked, got.Kind)
	checkLedger(t, desk.Registry)

	bold, err := registry.Open(ctx, postgres.At(dsn+"&user=desk"))
	require.NoError(t, err)
	defer bold.Close()
	require.ErrorContains(t, bold.AddRecipient(ctx, books.Recipient{Name: "x", Kind: books.KindVendor}), "permission denied")
	_, err = bold.Erase(ctx, "customer 1", "", "")
	require.ErrorContains(t, err, "permission denied")
	require.EqualValues(t, 4, checkLedger(t, cfg.Registry))
}
