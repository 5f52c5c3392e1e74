package registry_test

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/books"
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
		require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor}))
	}
	enter(start, "vendor A")
	custody := func(at time.Time) {
		now = at
		require.NoError(t, r.AddCustody(ctx, books.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 1, 0)}))
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
	require.Regexp(t, `^the custody of vendor A of entry 404: made at .*, although entry 403 says .*: it counts from .* on$`, a.Clock[0])
}

// A clock that is behind from one time on, so that no entry says more than the next, is told by a witness. It signed
// what was there before.
func TestClockBehindWitness(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	now := time.Now().UTC().Truncate(time.Second)
	r.SetClock(func() time.Time { return now })
	enter := func(name string) {
		require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor}))
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
	require.Regexp(t, `^entries 3 to 5: made at .*, although a witness signed the 2 before at `+witnessed.Format(time.RFC3339)+`: a clock was wrong$`, a.Clock[0])
}

// 1,000 facts are entered after a find, by clocks of up to ten years before and a day after the time that it is: clocks
// that stand still, that are set back for a while, and that repeat the time of an earlier fact. A witness signs every
// hour or so. No fact counts as entered before the find, and each whose clock was wrong by more than [records.ClocksApart]
// is named. A witness that nobody trusts changes nothing.
func TestBackdatedFacts(t *testing.T) {
	r, ctx := leaktest.NewRegistry(t), t.Context()
	rng := rand.New(rand.NewPCG(21, 3))
	now, skew := time.Now().UTC().Truncate(time.Second).Add(time.Hour), time.Duration(0)
	r.SetClock(func() time.Time { return now.Add(skew) })
	require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	private, public, err := r.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	w, other := newWitness(t, "witness.example/a"), newWitness(t, "witness.example/fake")
	require.NoError(t, r.TrustWitnesses(w.key))
	cosign := func() {
		c, err := r.Ledger().Sign(ctx, private)
		require.NoError(t, err)
		_, err = r.Ledger().AddCosignatures(ctx, []byte(w.cosign(c.Text, now.Unix())), public, w.key)
		require.NoError(t, err)
		_, err = r.Ledger().AddCosignatures(ctx, []byte(other.cosign(c.Text, now.AddDate(-9, 0, 0).Unix())), public, other.key)
		require.NoError(t, err)
	}
	honest, note := 0, 0
	enter := func(again bool) {
		if !again {
			note++
		}
		require.NoError(t, r.AddCustody(ctx, books.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 1, 0), Note: fmt.Sprint("fact ", note)}))
	}
	for ; honest < 20; honest++ {
		now = now.Add(time.Minute)
		enter(false)
	}
	cosign()
	now = now.Add(time.Hour)
	found := now

	many := long.Number(300, 1000)
	skews, stood := make([]time.Duration, 0, many), time.Time{}
	const year = 365 * 24 * time.Hour
	for i := range many {
		now = now.Add(time.Duration(1 + rng.Int64N(int64(10*time.Minute))))
		switch kind := rng.IntN(4); {
		case kind == 0 && i > 0: // replay
			skew = now.Add(skew).Add(-time.Hour).Sub(now)
		case kind == 1 && !stood.IsZero(): // it stands still
			skew = stood.Sub(now)
		case kind == 2:
			skew = time.Duration(rng.Int64N(int64(24 * time.Hour)))
		default: // from a second to ten years back, evenly by magnitude
			skew = -time.Duration(float64(time.Second) * math.Pow(float64(10*year/time.Second), rng.Float64()))
		}
		skew = max(skew, -10*year)
		stood = now.Add(skew)
		skews = append(skews, skew)
		enter(rng.IntN(8) == 0)
		if i%10 == 5 {
			cosign()
		}
	}
	facts, err := r.Custody(ctx, registry.CustodyFilter{})
	require.NoError(t, err)
	last := facts[len(facts)-1]
	require.True(t, last.Unproven)
	require.False(t, last.Before(now.AddDate(20, 0, 0)), "no witness signed it")
	now = now.Add(time.Minute)
	skew = 0
	cosign()

	facts, err = r.Custody(ctx, registry.CustodyFilter{})
	require.NoError(t, err)
	require.Len(t, facts, honest+len(skews))
	a, err := r.Ledger().Audit(ctx, registry.AuditOptions{Keys: []string{public}, Witnesses: []string{w.key}})
	require.NoError(t, err)
	require.True(t, a.Holds, a.Problems)
	named := strings.Join(a.Clock, "\n")
	admissible, unnamed, wrong := 0, 0, 0
	for i, f := range facts {
		require.False(t, f.Unproven)
		if i < honest {
			require.True(t, f.Before(found))
			require.NotContains(t, named, fmt.Sprintf("of entry %d:", f.Seq))
			continue
		}
		if f.Before(found) {
			admissible++
		}
		if s := skews[i-honest]; s < -2*time.Hour-records.ClocksApart || s > 2*time.Hour+records.ClocksApart { // so far apart are signatures at most
			if wrong++; !strings.Contains(named, fmt.Sprintf("of entry %d:", f.Seq)) {
				unnamed++
			}
		}
	}
	t.Logf("%d facts, %d of them with a clock that is wrong by hours or more: %d admissible, %d of these not named", len(skews), wrong, admissible, unnamed)
	require.Zero(t, admissible)
	require.Zero(t, unnamed)
	require.Greater(t, wrong, many*4/10)

	require.NoError(t, r.TrustWitnesses()) // then what the witnesses signed still bounds what was entered later
	facts, err = r.Custody(ctx, registry.CustodyFilter{})
	require.NoError(t, err)
	before := slices.IndexFunc(facts, func(f books.Custody) bool { return f.After.After(found) })
	for _, f := range facts[before:] {
		require.False(t, f.Before(found))
	}
}

// Copies are entered after a find, by clocks of up to ten years before. None counts as issued before the find if a trusted
// witness signs the ledger. Without trust, none counts so that was entered after a signature of a time after the find.
func TestBackdatedCopies(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	r, ctx := cfg.Registry, t.Context()
	w := newWitness(t, "witness.example/a")
	private, public, err := r.Ledger().GenerateKey(ctx)
	require.NoError(t, err)
	now := time.Now().UTC().Truncate(time.Second).AddDate(0, 0, 1)
	real := now
	r.SetClock(func() time.Time { return now })
	cosign := func() {
		c, err := r.Ledger().Sign(ctx, private)
		require.NoError(t, err)
		_, err = r.Ledger().AddCosignatures(ctx, []byte(w.cosign(c.Text, real.Unix())), public, w.key)
		require.NoError(t, err)
	}
	issue := func(at time.Time) {
		now = at
		_, err := s.Issue(ctx, sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: fmt.Sprint(at)})
		require.NoError(t, err)
	}
	for range 5 {
		real = real.Add(time.Minute)
		issue(real)
	}
	cosign()
	real = real.AddDate(0, 1, 0)
	found := real
	const honest = 5
	for i := range 60 {
		real = real.Add(time.Hour)
		back := time.Duration(float64(2*time.Hour) * math.Pow(40_000, float64(i)/60))
		issue(found.Add(-back))
		if i%20 == 10 {
			cosign()
		}
	}
	// The copies from number from on must be late, and the honest ones not.
	check := func(when string, from int) {
		copies, err := r.Copies(ctx, sub.ID)
		require.NoError(t, err)
		require.Len(t, copies, honest+60)
		for i := range copies {
			c, err := r.Copy(ctx, copies[i].ID)
			require.NoError(t, err)
			require.Equal(t, copies[i], *c)
			if i < honest || i >= from {
				require.Equal(t, i >= honest, c.LaterThan(found), "%s: copy %d of %s: %+v", when, i, c.Issued, c.Bound)
			}
		}
	}
	check("no trust", honest+11) // what a witness signed after the find bounds what was entered after that
	require.NoError(t, r.TrustWitnesses(w.key))
	check("trust", honest)
	copies, err := r.Copies(ctx, sub.ID)
	require.NoError(t, err)
	require.True(t, copies[len(copies)-1].Unproven)
	cosign()
	check("all signed", honest)
	_, _, err = r.Ledger().Check(ctx)
	require.NoError(t, err)
	line, err := r.Ledger().Prove(ctx, copies[0].ID, public)
	require.NoError(t, err)
	require.NotContains(t, string(line), `"proven"`, "it is not of the row")
}
