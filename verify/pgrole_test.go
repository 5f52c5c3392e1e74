package verify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
)

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
	queue, err := jobs.OpenServer(ctx, dsn, cfg.Registry.ID(), cfg.SealKey)
	require.NoError(t, err)
	queue.Close()
	login := pgtest.Logins(t, dsn, "../docs/grants.sql", "investigate")["investigate"]

	desk := investigating(cfg)
	desk.Registry, err = registry.OpenForInvestigation(ctx, postgres.At(login))
	require.NoError(t, err)
	defer desk.Registry.Close()
	v := newInvestigator(t, desk)
	v.SetDetect(noMark)
	got, err := v.File(ctx, "leak.jpg", file(t, passport(1), "jpeg"))
	require.NoError(t, err)
	require.Equal(t, findings.FoundUnmarked, got.Kind)
	checkLedger(t, desk.Registry)

	bold, err := registry.Open(ctx, postgres.At(login))
	require.NoError(t, err)
	defer bold.Close()
	require.ErrorContains(t, bold.AddRecipient(ctx, books.Recipient{Name: "x", Kind: books.KindVendor}), "permission denied")
	_, err = bold.Erase(ctx, "customer 1", "", "")
	require.ErrorContains(t, err, "permission denied")
	require.EqualValues(t, 4, checkLedger(t, cfg.Registry))
}
