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
	require.Len(t, a.Clock, late+1)
	require.Contains(t, strings.Join(a.Clock, "\n"), "it counts from then on")
	require.Regexp(t, `^entries 404 to 427: made at .*, although entry 403 says .*: a clock was wrong$`, a.Clock[late])
}

// A clock that is behind from one time on, so that no entry says more than the next, is told by a witness. It signed
// what was there before.
func TestClockBehindWitness(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	now := time.Now().UTC().Truncate(time.Second)
	r.SetClock(func() time.Time { return now })
	enter := func(name string) {
		require.NoError(t, r.AddRecipient(ctx, registry.Recipient{Name: name, Kind: registry.KindVendor}))
	}
	enter("vendor A")
	private, public, err := r.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	c, err := r.Ledger().Sign(ctx, private)
	require.NoError(t, err)
	w := newWitness(t, "witness.example/a")
	witnessed := now.AddDate(0, 6, 0)
	_, err = r.Ledger().AddCosignatures(ctx, []byte(w.cosign(c.Text, witnessed.Unix())), public, w.key)
	require.NoError(t, err)
	now = now.Add(time.Minute)
	enter("vendor B")
	now = now.AddDate(0, 1, 0)
	enter("vendor C")
	now = witnessed.Add(time.Minute)
	enter("vendor D")

	o := registry.AuditOptions{Keys: []string{public}}
	a, err := r.Ledger().Audit(ctx, o)
	require.NoError(t, err)
	require.Empty(t, a.Clock, "nothing tells")
	o.Witnesses = []string{w.key}
	a, err = r.Ledger().Audit(ctx, o)
	require.NoError(t, err)
	require.True(t, a.Holds)
	require.Len(t, a.Clock, 1)
	require.Regexp(t, `^entries 3 to 4: made at .*, although a witness signed the 2 before at `+witnessed.Format(time.RFC3339)+`: a clock was wrong$`, a.Clock[0])
}
