package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

func TestRegistry(t *testing.T) {
	x := registries()
	setFlags(t, x, "--sizes=3k", "--queries=32", "--live=500", "--temp="+t.TempDir())
	run := measure(t, x, withKey(t, ruler.Env{}))
	require.Len(t, run.Trials, 1)
	v := run.Trials[0].Values
	assert.InDelta(t, 4, v["exact"], 0, "hits are held against a scan's")
	assert.Greater(t, v["bytes"], 500.0, "of an upload")
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| sqlite | 3 k |")
	refused(t, registries(), ruler.Env{}, "--stores=mysql")
	refused(t, registries(), ruler.Env{}, "--stores=postgres")
	assert.Len(t, registryMissed([]ruler.Trial{{Values: map[string]float64{"uploads": 1e6, "open_s": 1.1, "build_s": 6, "live_per_s": 4999}}}), 2)
	assert.Empty(t, registryMissed([]ruler.Trial{{Values: map[string]float64{"uploads": 1e7, "open_s": 1, "build_s": 59, "live_per_s": 5000}}}))
}

// The bounds that investigations state are those of the counts beside them.
func TestBoundsOfTheRecordedRecall(t *testing.T) {
	table, err := recall.Recorded()
	require.NoError(t, err)
	for _, k := range table.Kinds {
		for _, n := range []recall.Trials{k.Whole, k.Parts} {
			assert.InDelta(t, recallBound(n.Found, n.Of), n.Bound, 1.01e-4, "%s: %+v", k.Name, n)
			assert.LessOrEqual(t, n.Bound, max(ruler.LowerBound(n.Found, n.Of, 0.95), 0)+1e-9, k.Name)
		}
	}
}

func specimenFile(t *testing.T, person uint64, side int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "specimen.jpg")
	file := asJPEG(picture.Flatten(specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(person), side), person, side, side*3/4)))
	require.NoError(t, os.WriteFile(path, file, 0o600))
	return path
}

// A large leak is found and counted among its kind; a stamp of 40 pixels is not.
func TestMatchRecall(t *testing.T) {
	x, path := matchRecall(), filepath.Join(t.TempDir(), "table.json")
	setFlags(t, x, "--sizes=0,40", "--table="+path)
	run := measure(t, x, withKey(t, ruler.Env{Pictures: []string{specimenFile(t, 61, 700)}, AttackNames: []string{"jpeg50", "crop05"}, MaxSide: 600}))
	require.NoError(t, x.Done(run.Trials))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	table, err := recall.Read(data)
	require.NoError(t, err)
	require.Len(t, table.Kinds, len(recall.Kinds()))
	first, tiny := table.Kinds[0].Parts, table.Kinds[len(table.Kinds)-2].Parts
	assert.Equal(t, recall.Trials{Found: 1, Of: 1, Bound: 0.05}, first)
	assert.Equal(t, recall.Trials{Of: 1}, tiny)
	assert.Contains(t, x.Tables[1].Markdown(run.Trials), "| specimen | crop05 |")
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| of 400 pixels and more, full of detail | 1 of 1 | 5.00 % | 1 of 1 | 5.00 % |")
}

// Marked and unmarked leaks show their uploads, at some cost.
func TestInvestigate(t *testing.T) {
	x := investigate()
	run := measure(t, x, withKey(t, ruler.Env{Pictures: []string{specimenFile(t, 62, 600)}, AttackNames: []string{"jpeg50"}, MaxSide: 500}))
	g := ruler.Group(run.Trials)
	assert.Equal(t, []float64{3, 3}, []float64{g.Count(), g.Sum("right")})
	assert.Len(t, g.Where(ruler.Is("kind", outcomeCopy)), 2)
	assert.Positive(t, g.Mean("cpu_s"))
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| **all** | 3 | 3 | ")
}
