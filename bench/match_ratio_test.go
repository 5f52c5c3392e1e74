package main

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
)

// The table that the product has is what the committed comparisons give.
func TestRatioTableIsOfTheResults(t *testing.T) {
	results, err := ruler.ReadResults(filepath.Join("results", "match-ratio.jsonl"))
	require.NoError(t, err)
	table, err := os.ReadFile(filepath.Join("..", "internal", "capture", "ratio.json"))
	require.NoError(t, err)
	assert.Equal(t, string(table), string(ratioTable(results[0].Trials)))
}

// compareds makes comparisons of so many documents of each of five templates: the same captures have
// a good place, all others a bad one. many is how often the first document's comparison of another
// capture is repeated, with a good place.
func compareds(documents, many int) (out []ruler.Trial) {
	for i := range 5 * documents {
		add := func(of string, place float64) {
			out = append(out, ruler.Trial{
				Labels: map[string]string{"of": of, "template": strconv.Itoa(i % 5), "document": strconv.Itoa(i)},
				Values: map[string]float64{"detail": 1, "text": 0.001, "light": 0.3, "place": place, "noise": 0},
			})
		}
		add(pairOwn, 0.03)
		add(pairAgain, 3)
		for range many * int(yes(i == 0)) {
			add(pairAgain, 0.03)
		}
	}
	return out
}

// What is stated of a template that is held out is limited by the documents of the others, and a
// document counts once, however many comparisons it has.
func TestRatiosCountDocuments(t *testing.T) {
	clean := heldOut(compareds(4, 0), 0)
	assert.Equal(t, 20, clean.units)
	assert.Greater(t, clean.highest, 1.0)
	assert.LessOrEqual(t, clean.highest, math.Log10(16))
	assert.Less(t, clean.cllr, 0.2)
	assert.Less(t, clean.err, 0.2)
	one, often := heldOut(compareds(4, 1), 0), heldOut(compareds(4, 400), 0)
	assert.InDelta(t, one.cllr, often.cllr, 0.25, "401 comparisons of a document are a document")
	assert.Greater(t, often.cllr, clean.cllr)
	assert.Greater(t, heldOut(compareds(1, 400), 0).cllr, 0.3, "of five documents one")
}
