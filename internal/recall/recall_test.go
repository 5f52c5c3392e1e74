package recall_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/internal/test/leakkinds"
)

// The table that is shipped is of the kinds that are told apart.
func TestRecorded(t *testing.T) {
	got, err := recall.Recorded()
	require.NoError(t, err)
	require.Positive(t, got.Version)
	require.Regexp(t, `^kycmark.bench match.recall `, got.Command)
	require.Len(t, got.Kinds, len(leakkinds.All()))
	all := 0
	for i, k := range leakkinds.All() {
		g := got.Kinds[i]
		all += g.Parts.Of
		assert.Equal(t, g.Whole.Of, g.Parts.Of, k.Name)
		assert.LessOrEqual(t, g.Whole.Found, g.Parts.Found, "%s: what a hash finds is found", k.Name)
		g.Whole, g.Parts = k.Whole, k.Parts
		assert.Equal(t, k, g)
	}
	assert.InDelta(t, got.Uploads*got.Attacks/got.Every, all, float64(got.Uploads), "every leak is of one kind")
}

func TestKindsOfLeaks(t *testing.T) {
	table := &recall.Table{Kinds: leakkinds.All()}
	for name, l := range map[string]recall.Look{
		"of 400 pixels and more, full of detail":   {Side: 1600, Quality: 100, Features: 800},
		"of 400 pixels and more, with some detail": {Side: 400, Quality: 20, Features: 400},
		"of 200 to 400 pixels":                     {Side: 320, Quality: 90, Features: 200},
		"of 100 to 200 pixels":                     {Side: 160, Quality: 90, Features: 90},
	} {
		assert.Equal(t, name, table.Of(l).Name)
	}
	for _, l := range []recall.Look{{Side: 60, Quality: 100, Features: 500}, {Side: 300, Quality: 100, Features: 10}} {
		assert.Equal(t, "tiny, or with little detail", table.Of(l).Name, "%+v", l)
	}
	for _, l := range []recall.Look{{}, {Side: 4000, Quality: 3}, {Side: 300, Quality: 49, Features: 500}} {
		assert.Equal(t, "flat", table.Of(l).Name, "%+v", l)
	}
	k := recall.Kind{Whole: recall.Trials{Found: 1, Of: 2}, Parts: recall.Trials{Found: 2, Of: 2}}
	assert.Equal(t, 1, k.Trials(recall.Look{}).Found)
	assert.Equal(t, 2, k.Trials(recall.Look{Parts: true}).Found)
}

func TestTablesThatCannotBeUsed(t *testing.T) {
	good := recall.Table{Version: 1, Kinds: []recall.Kind{{Name: "any", Whole: recall.Trials{Found: 1, Of: 2, Bound: 0.02}}}}
	for name, edit := range map[string]func(*recall.Table){
		"no kinds":               func(t *recall.Table) { t.Kinds = nil },
		"some leaks of no kind":  func(t *recall.Table) { t.Kinds[0].MinSide = 1 },
		"more found than sought": func(t *recall.Table) { t.Kinds[0].Parts.Found = 1 },
		"more than was found":    func(t *recall.Table) { t.Kinds[0].Whole.Bound = 0.6 },
		"nothing was found":      func(t *recall.Table) { t.Kinds[0].Parts = recall.Trials{Of: 3, Bound: 0.1} },
	} {
		bad := good
		bad.Kinds = []recall.Kind{good.Kinds[0]}
		edit(&bad)
		text, err := json.Marshal(bad)
		require.NoError(t, err)
		_, err = recall.Read(text)
		assert.ErrorIs(t, err, recall.ErrTable, name)
	}
	text, err := json.Marshal(good)
	require.NoError(t, err)
	got, err := recall.Read(text)
	require.NoError(t, err)
	assert.Equal(t, &good, got)
	_, err = recall.Read([]byte(`{"version":1,"more":2}`))
	assert.ErrorIs(t, err, recall.ErrTable)
}
