package registry_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Counts agree with what the registry says of each submission, whatever the facts.
func TestHoldings(t *testing.T) {
	ctx, rng := t.Context(), rand.New(rand.NewPCG(1, 2))
	cfg := leaktest.Config(t)
	r, s := cfg.Registry, newIssuer(t, cfg)
	day := func(n int) time.Time { return feb.AddDate(0, 0, n) }
	var subs []*books.Submission
	for n := range 14 {
		img := passport(1)
		img.Pix[4*n] ^= 1 // another file
		subs = append(subs, submit(t, s, file(t, img, "png"), "customer", day(rng.IntN(90)), &registry.SubmitOptions{HashOnly: true}))
	}
	holders := []string{"vendor A", "vendor B", "idle"}
	for _, name := range holders {
		require.NoError(t, r.AddRecipient(ctx, books.Recipient{Name: name, Kind: books.KindVendor}))
	}
	for range 7 {
		from := rng.IntN(80)
		c := books.Custody{Recipient: holders[rng.IntN(2)], From: day(from), To: day(from + rng.IntN(40))}
		if rng.IntN(2) == 0 {
			for range 4 {
				c.Submissions = append(c.Submissions, subs[rng.IntN(len(subs))].ID)
			}
		}
		require.NoError(t, r.AddCustody(ctx, c))
	}
	late := books.Custody{Recipient: "vendor A", From: day(-100), To: day(300), Note: "late"}
	require.NoError(t, r.AddCustody(ctx, late))
	early := func(c books.Custody) bool { return c.Note == "" }

	until := subs[0].Submitted // some are later
	newHoldings := func(limit time.Time) *holdings.Holdings {
		h := &holdings.Holdings{Copies: map[string][]int{}, Unmarked: map[string][]int{}}
		for _, sub := range subs {
			if d := sub.Submitted.UTC().Truncate(24 * time.Hour); !sub.Submitted.After(limit) && !slices.Contains(h.Days, d) {
				h.Days = append(h.Days, d)
			}
		}
		slices.SortFunc(h.Days, time.Time.Compare)
		h.Submissions = make([]int, len(h.Days))
		for _, sub := range subs {
			if !sub.Submitted.After(limit) {
				countHeld(t, h, r, sub, holders, early)
			}
		}
		return h
	}
	want, limited := newHoldings(day(1000)), newHoldings(until)
	got, err := r.Engine().Holdings(ctx, true, time.Time{}, early)
	require.NoError(t, err)
	want.Submitted, want.Facts = got.Submitted, got.Facts
	want.Issued = map[string][]books.Issued{}
	require.Equal(t, want, got)
	require.Len(t, got.Unmarked, 2)
	require.Len(t, got.Facts, 7)
	total := 0
	for _, d := range got.Submitted {
		total += d.Count
	}
	require.Equal(t, len(subs), total)

	got, err = r.Engine().Holdings(ctx, true, until, early)
	require.NoError(t, err)
	require.Less(t, sum(got.Submissions), len(subs), "otherwise nothing is tested")
	require.Equal(t, limited.Submissions, got.Submissions)
	require.Equal(t, limited.Days, got.Days)
	for _, name := range holders[:2] {
		require.Equal(t, sum(limited.Unmarked[name]), sum(got.Unmarked[name]), name)
	}
	require.Equal(t, until.Truncate(24*time.Hour), got.Submitted[len(got.Submitted)-1].Day)

	got, err = r.Engine().Holdings(ctx, false, time.Time{}, early)
	require.NoError(t, err)
	require.Empty(t, got.Submissions)
	require.Len(t, got.Facts, 7)
}

// countHeld counts one submission, by what the registry says of it.
func countHeld(t *testing.T, to *holdings.Holdings, r *registry.Registry, sub *books.Submission, holders []string, counts func(books.Custody) bool) {
	t.Helper()
	cell := slices.Index(to.Days, sub.Submitted.UTC().Truncate(24*time.Hour))
	to.Submissions[cell]++
	facts, err := r.Custody(t.Context(), registry.CustodyFilter{Submission: sub.ID})
	require.NoError(t, err)
	for _, name := range holders {
		if slices.ContainsFunc(facts, func(c books.Custody) bool { return c.Recipient == name && counts(c) }) {
			if to.Unmarked[name] == nil {
				to.Unmarked[name] = make([]int, len(to.Days))
			}
			to.Unmarked[name][cell]++
		}
	}
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// Two copies of one submission for one recipient are one submission.
func TestHoldingsOfCopies(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	first, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
	require.NoError(t, err)
	_, err = s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Request: "2"})
	require.NoError(t, err)
	other := submit(t, s, passportFile(t, 2, "jpeg"), "customer 2", feb.AddDate(0, 1, 0))
	_, err = s.Issue(t.Context(), other.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), nil)
	require.NoError(t, err)
	require.NoError(t, cfg.Registry.AddCustody(t.Context(), books.Custody{Recipient: "vendor A", From: feb, To: feb.AddDate(0, 2, 0), Submissions: []watermark.Submission{sub.ID, other.ID}}))
	_, err = cfg.Registry.Erase(t.Context(), "customer 2", "", "")
	require.NoError(t, err)
	got, err := cfg.Registry.Engine().Holdings(t.Context(), true, time.Time{}, func(books.Custody) bool { return true })
	require.NoError(t, err)
	require.Equal(t, map[string][]int{"vendor A": {1, 0}}, got.Copies, "not of erased ones")
	require.Equal(t, []int{1, 0}, got.Submissions)
	require.Equal(t, map[string][]int{"vendor A": {1, 0}}, got.Unmarked)
	days := 0
	for _, d := range got.Issued["vendor A"] {
		days += d.Count
	}
	require.Equal(t, 3, days, "all copies")
	got, err = cfg.Registry.Engine().Holdings(t.Context(), true, first.Issued, func(books.Custody) bool { return true })
	require.NoError(t, err)
	require.Equal(t, map[string][]int{"vendor A": {1, 0}}, got.Copies, "issued until then")
	require.Len(t, got.Issued["vendor A"], 1)
	require.Equal(t, 1, got.Issued["vendor A"][0].Count)
}
