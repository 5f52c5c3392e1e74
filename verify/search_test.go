package verify_test

import (
	"math"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// The database finds the whole pictures that the memory finds, and the report says
// where was searched.
func TestSearchInTheStore(t *testing.T) {
	c := newCase(t)
	turned, stranger := imaging.Rotate90(c.marked), picture.Flatten(specimen.Render(specimen.Residence, specimen.NewPerson(9), 400))
	for _, where := range []string{"", verify.SearchMemory, verify.SearchStore} {
		c.Config.Search = where
		inv := c.investigator(t, reads(c.copy.ID))
		v := examine(t, inv, turned)
		assert.Equal(t, verify.FoundCopy, v.Finding, where)
		assert.Equal(t, c.firstID, v.Submission, where)
		inv.SetDetect(noMark)
		v = examine(t, inv, stranger)
		assert.Equal(t, verify.FoundUnknown, v.Finding, where)

		d, err := inv.Weigh(t.Context(), []*verify.Verdict{v})
		require.NoError(t, err)
		assert.Equal(t, 3, d.Record.Indexed)
		text := report(t, d, false)
		if where == verify.SearchStore {
			assert.Equal(t, verify.SearchStore, d.Record.Search)
			assert.Contains(t, text, "parts of submissions were not looked for")
			assert.Equal(t, "none: the registry's database is searched", d.Record.Parameters["radius of near ones"])
		} else {
			assert.Equal(t, verify.SearchMemory, d.Record.Search)
			assert.NotContains(t, text, "parts of submissions were not looked for")
		}
	}
}

// Deferred search tables change nothing but the time of a search.
func TestSearchTablesMayBeDeferred(t *testing.T) {
	c := newCase(t)
	c.Config.Search, c.Config.Keys = verify.SearchStore, nil
	s := newIssuer(t, c.issuing)
	require.NoError(t, c.Registry.Engine().DeferSearchTables(t.Context()))
	third := passport(3)
	want := submit(t, s, file(t, third, "jpeg"), "customer 3", feb).ID
	finds := func() watermark.Submission { return c.examine(t, third, noMark).Submission }
	require.Equal(t, want, finds())
	require.NoError(t, c.Registry.Engine().BuildSearchTables(t.Context(), false, nil))
	require.Equal(t, want, finds())
	require.NoError(t, c.Registry.Engine().BuildSearchTables(t.Context(), true, nil))
	require.Equal(t, want, finds())
	_, _, err := c.Registry.Ledger().Check(t.Context())
	require.NoError(t, err)
}

func TestNewInvestigatorRefuses(t *testing.T) {
	cfg := investigating(leaktest.Config(t))
	cfg.Search = "cloud"
	_, err := verify.NewInvestigator(cfg)
	require.ErrorIs(t, err, registry.ErrInput)
	cfg.Search, cfg.MaxPixels = "", phash.MaxPixels+1
	_, err = verify.NewInvestigator(cfg)
	require.ErrorIs(t, err, registry.ErrInput)
	cfg.MaxPixels, cfg.Claimed, cfg.Drawn = 0, math.MaxInt, true
	_, err = verify.NewInvestigator(cfg)
	require.ErrorIs(t, err, registry.ErrInput)
	r, err := registry.Create(t.Context(), sqlite.At(":memory:"), &registry.CreateOptions{SealHashes: true})
	require.NoError(t, err)
	defer r.Close()
	_, err = verify.NewInvestigator(verify.Config{Registry: r, Search: verify.SearchStore})
	require.ErrorIs(t, err, registry.ErrInput)
	require.ErrorContains(t, err, "sealed")
}
