package registry_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// Somebody sets the clock back, and enters custody that is to speak against a holder as if it had been
// entered before the find. The entries before it tell.
func TestClockSetBack(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	start := time.Now().UTC().Truncate(time.Second).AddDate(0, 0, 1) // after the registry was made
	now := start
	r.SetClock(func() time.Time { return now })
	enter := func(at time.Time, name string) {
		now = at
		require.NoError(t, r.AddRecipient(ctx, registry.Recipient{Name: name, Kind: registry.KindVendor}))
	}
	enter(start, "vendor A")
	custody := func(at time.Time) {
		now = at
		require.NoError(t, r.AddCustody(ctx, registry.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 1, 0)}))
	}
	custody(start.Add(time.Hour)) // an honest fact
	for day := range 400 {
		enter(start.AddDate(0, 0, day+1), fmt.Sprint("vendor of day ", day))
	}
	last, found := now, start.AddDate(0, 0, 300)
	late := 0
	for back := last.Sub(found) + time.Second; back < 10*365*24*time.Hour; back += back / 6 {
		custody(last.Add(-back)) // one after the other with a clock that is behind
		late++
	}
	custody(last.AddDate(0, 0, 1))
	facts, err := r.Custody(ctx, registry.CustodyFilter{})
	require.NoError(t, err)
	require.Greater(t, late, 20)
	require.Len(t, facts, late+2)
	for i, c := range facts {
		require.Equal(t, i == 0, c.Before(found), "fact %d, entered at %s: %s", i, c.Entered, c.EnteredAt())
	}
	a, err := r.Ledger().Audit(ctx, registry.AuditOptions{})
	require.NoError(t, err)
	require.True(t, a.Holds)
	require.Len(t, a.Clock, late)
	require.Contains(t, strings.Join(a.Clock, "\n"), "it counts from then on")
}
