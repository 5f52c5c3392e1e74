package main

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/oddstest"
)

func TestRecordedOutcomesAreWhatTheyClaim(t *testing.T) {
	table, err := readOutcomes("")
	require.NoError(t, err)
	require.Less(t, len(recordedOutcomes), 300<<10)
	require.NotEmpty(t, table.Command)
	for kind, attacks := range recordedAttacks {
		for _, a := range attacks {
			require.True(t, slices.ContainsFunc(table.Outcomes, func(o outcome) bool { return o.Kind == kind && o.Attack == a }), "%s %s", kind, a)
		}
	}
	for _, o := range table.Outcomes {
		assert.Less(t, o.Upload, len(table.Uploads))
		assert.False(t, o.Own != nil && o.Kind != outcomeCopy, "%+v", o)
		assert.False(t, o.Shows == showsNone && (o.Own != nil || len(o.Innocent) > 0), "%+v", o)
		for _, e := range o.Innocent {
			assert.Less(t, e.LnE, math.Log(1000), "%+v: a copy that was not leaked counts towards a name", o)
		}
	}
	again, err := table.encode()
	require.NoError(t, err)
	require.Equal(t, string(recordedOutcomes), string(again))
}

func TestUnusableTablesAreRefused(t *testing.T) {
	for _, text := range []string{"", "{", `{"outcomes":[{"kind":"copy"}]}`} {
		path := filepath.Join(t.TempDir(), "bad.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readOutcomes(path)
		require.ErrorIs(t, err, errOutcomes, text)
	}
	refused(t, verdict(), ruler.Env{}, "--outcomes=nowhere.json")
	refused(t, verdict(), ruler.Env{}, "--dumps=0")
}

func TestWorldsHoldWhatTheyPromise(t *testing.T) {
	for seed := range uint64(6) {
		w := newSimWorld(seed, worldUploads, worldMonths)
		require.Len(t, w.month, worldUploads)
		narrow := indices(w.holders[4].unmarked)
		require.InDelta(t, windowShare, float64(len(narrow))/worldUploads, .01)
		for _, i := range indices(w.holders[2].copies) {
			require.True(t, w.holders[0].copies[i], "nested copies")
		}
		for _, i := range narrow {
			require.Equal(t, w.nested, w.holders[3].unmarked[i])
			require.Equal(t, w.rival, w.holders[2].unmarked[i])
		}
		require.Empty(t, indices(w.holders[5].unmarked), "custody that is not recorded")
		require.NotEmpty(t, indices(w.holders[5].missing))
		require.Equal(t, w, newSimWorld(seed, worldUploads, worldMonths))
	}
}

func TestVerdictsOnSimulatedDumps(t *testing.T) {
	simulate := func(workers int) ruler.Group {
		x := verdict()
		setFlags(t, x, "--dumps=40", "--worlds=4")
		return measure(t, x, withKey(t, ruler.Env{Seed: 5, Workers: workers})).Trials
	}
	g := simulate(2)
	dumps, three := g.Where(isTrial("dump")), g.Where(ruler.Is("survived", "3 and more"))
	require.InDelta(t, 40, dumps.Count(), 0)
	require.Zero(t, dumps.Sum("wrong"))
	require.NotEmpty(t, three)
	require.InDelta(t, three.Count(), three.Sum("named"), 0)

	again := simulate(1)
	for _, g := range []ruler.Group{g, again} {
		for i := range g {
			delete(g[i].Values, "ms") // a time
			delete(g[i].Values, "max_ms")
		}
	}
	one, err := json.Marshal(g)
	require.NoError(t, err)
	other, err := json.Marshal(again)
	require.NoError(t, err)
	require.Equal(t, string(one), string(other), "the order of work must not matter")

	for _, table := range verdictTables() {
		if table.Name != "cases" {
			require.NotEmpty(t, table.Markdown(g), table.Name)
		}
	}
}

func TestNamesNothingByTransplantsOrRepetition(t *testing.T) {
	for _, story := range []string{storyTransplant, storyRepeated, storyStrangers, storyMissing} {
		assert.Zero(t, dumps6(t, story).Sum("named"), story)
	}
	planted := dumps6(t, storyPlanted) // the record says that another had these very copies: both are named as a set
	assert.Zero(t, planted.Sum("alone"))
	assert.Zero(t, planted.Sum("wrong"))
}

// Copies that another than their recipient put into a dump name that recipient with the
// other one beside it, if at all.
func TestNamesNoFramedRecipientAlone(t *testing.T) {
	for _, story := range []string{storyPlantedNot, storyDecoy} {
		d := dumps6(t, story)
		assert.Positive(t, d.Sum("framed"), story)
		assert.Zero(t, d.Sum("framed_alone"), story)
		assert.InDelta(t, d.Sum("framed"), d.Sum("beside")+d.Sum("open"), 0, story)
	}
}

// A vendor that had uploads first is listed with all who held the same, and no holder is listed for leaks of the exchange.
func TestVendorsThatHadUploadsFirst(t *testing.T) {
	x := verdict()
	setFlags(t, x, "--dumps=150", "--worlds=3", "--story="+storyVendor)
	g := ruler.Group(measure(t, x, withKey(t, ruler.Env{Seed: 9, Workers: 2})).Trials)
	dumps, large := g.Where(isTrial("dump")), g.Where(ruler.Is("persons", vendorSizes[3]))
	assert.Zero(t, dumps.Sum("wrong")+dumps.Sum("misled"))
	require.NotEmpty(t, large)
	assert.InDelta(t, large.Count(), large.Sum("right"), 0)
	assert.InDelta(t, 150, g.Where(ruler.Is("vendor", oddstest.Vendors...)).Count(), 0)
	assert.Empty(t, x.Missed(g))
	missed := verdictMissed([]ruler.Trial{{Labels: map[string]string{"trial": "dump", "vendor": oddstest.TwoVendors, "persons": vendorSizes[3]}, Values: map[string]float64{"misled": 1}}})
	assert.Len(t, missed, 2)
}

// dumps6 returns the trials of six dumps of one story.
func dumps6(t *testing.T, story string) ruler.Group {
	t.Helper()
	x := verdict()
	setFlags(t, x, "--dumps=6", "--worlds=3", "--story="+story)
	dumps := ruler.Group(measure(t, x, withKey(t, ruler.Env{Seed: 9, Workers: 2})).Trials).Where(isTrial("dump"))
	require.InDelta(t, 6, dumps.Where(ruler.Is("story", story)).Count(), 0)
	assert.Zero(t, dumps.Sum("wrong"), story)
	return dumps
}

func TestMissedBarsAreListed(t *testing.T) {
	trial := func(kind string, values map[string]float64, labels ...string) ruler.Trial {
		out := ruler.Trial{Labels: map[string]string{"trial": kind}, Values: values}
		for i := 0; i < len(labels); i += 2 {
			out.Labels[labels[i]] = labels[i+1]
		}
		return out
	}
	missed := verdictMissed([]ruler.Trial{
		trial("dump", map[string]float64{"wrong": 1, "framed": 1, "framed_alone": 1}, "story", storyWindow20),
		trial("recipient", map[string]float64{"named": 0}, "survived", "3 and more"),
		trial("statement", map[string]float64{"true": 0}),
	})
	require.Len(t, missed, 5)
	require.Contains(t, missed[0], "1 of 1 dumps name a recipient although no leak was made of its copies")
}

func TestTransplantedMarkIsTheDifference(t *testing.T) {
	grey := func(w, h int, v uint8) *image.NRGBA {
		p := image.NewNRGBA(image.Rect(0, 0, w, h))
		for i := range p.Pix {
			p.Pix[i] = v
		}
		return p
	}
	upload, marked := grey(4, 4, 100), grey(4, 4, 100)
	marked.Pix[0] = 103
	out := laid(grey(6, 4, 255), upload, marked, 255)
	require.Equal(t, uint8(255), out.Pix[0], "not beyond white")
	out = laid(grey(6, 4, 50), upload, marked, 255)
	require.Equal(t, uint8(53), out.Pix[0])
	require.Equal(t, uint8(53), out.Pix[4*4], "repeated beyond the upload's width")
	require.Equal(t, uint8(50), out.Pix[1])
}
