package experiments

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/internal/specimen"
)

// The bounds that investigations state are those of the counts beside them.
func TestBoundsOfTheRecordedRecall(t *testing.T) {
	table, err := recall.Recorded()
	require.NoError(t, err)
	for _, k := range table.Kinds {
		for _, n := range []recall.Trials{k.Whole, k.Parts} {
			assert.InDelta(t, leastOf(&n), n.AtLeast, 1.01e-4, "%s: %+v", k.Name, n)
			assert.LessOrEqual(t, n.AtLeast, max(lowerBound(n.Found, n.Of, 0.95), 0)+1e-9, k.Name)
		}
	}
}

func specimenFile(t *testing.T, person uint64, side int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "specimen.jpg")
	file, err := asJPEG(picture.Flatten(specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(person), side), person, side, side*3/4)))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, file, 0o600))
	return path
}

// A large leak is found and counted among its kind; a stamp of 40 pixels is not.
func TestMatchRecall(t *testing.T) {
	r, err := MatchRecall(t.Context(), RecallConfig{
		Config: Config{Pictures: []string{specimenFile(t, 61, 700)}, Attacks: []string{"jpeg50", "crop05"}, MaxSide: 600}, Sizes: []int{0, 40},
	})
	require.NoError(t, err)
	require.Len(t, r.Table.Kinds, len(recall.Kinds()))
	first, tiny := r.Table.Kinds[0].Parts, r.Table.Kinds[len(r.Table.Kinds)-2].Parts
	assert.Equal(t, recall.Trials{Found: 1, Of: 1, AtLeast: 0.05}, first)
	assert.Equal(t, recall.Trials{Of: 1}, tiny)
	assert.Len(t, r.Missed, 1)
	assert.Contains(t, r.Missed[0], "crop05")
	assert.Contains(t, r.Markdown(), "| of 400 pixels and more, full of detail | 1 of 1 | 5.00 % | 1 of 1 | 5.00 % |")
}

// Marked and unmarked leaks show their uploads, at some cost.
func TestInvestigations(t *testing.T) {
	r, err := Investigations(t.Context(), InvestigateConfig{
		Config: Config{Pictures: []string{specimenFile(t, 62, 600)}, Attacks: []string{"jpeg50"}, MaxSide: 500}, Each: 3,
	})
	require.NoError(t, err)
	assert.Equal(t, 1, r.Uploads)
	assert.Equal(t, 3, r.All.Leaks)
	assert.Equal(t, 3, r.All.Right)
	assert.Equal(t, []int{2, 1, 0}, []int{r.Kinds[0].Leaks, r.Kinds[1].Leaks, r.Kinds[2].Leaks})
	assert.Positive(t, float64(r.All.Mean))
	assert.Contains(t, r.Markdown(), "| all | 3 | 3 | ")
}
