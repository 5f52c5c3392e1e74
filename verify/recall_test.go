package verify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
)

// What the search would have found of a leak of which it found nothing follows from the
// leak: little of a blank one, much of a large one full of detail, less by its hash alone.
func TestRecallOfUnknownLeaks(t *testing.T) {
	table, err := recall.Recorded()
	require.NoError(t, err)
	some, none := 900, 0
	at := func(s *findings.Searched, side int) float64 { return conclude.RecallOf(s, side).Bound }
	large := &findings.Searched{Quality: 100, Features: &some}
	assert.Equal(t, table.Kinds[0].Parts.Bound, at(large, 1200))
	assert.Greater(t, at(large, 1200), 0.9, "a bound worth stating")
	assert.Less(t, at(&findings.Searched{Features: &none}, 2000), 0.1, "blank")
	assert.Less(t, at(large, 60), 0.6, "tiny")
	assert.Less(t, at(&findings.Searched{Quality: 100}, 1200), 0.95, "features were not searched")
	assert.Nil(t, conclude.RecallOf(nil, 1200), "compared with what was named, not searched")
	assert.Nil(t, conclude.RecallOf(&findings.Searched{Quality: 100, Features: &some, Bilevel: true}, 1200), "no trial had black and white pictures")

	v := &findings.Finding{Picture: findings.Picture{Width: 900, Height: 1200}, Evidence: findings.Evidence{Searched: large}}
	conclude.Into(v, conclude.EvidenceOf(v, conclude.Given{Opens: true}))
	require.Equal(t, findings.FoundUnknown, v.Kind)
	require.Equal(t, conclude.RecallOf(large, 1200), v.Recall)
	trials := table.Kinds[0].Parts
	assert.Contains(t, v.Note, fmt.Sprintf("In trials with leaks of its kind (of 400 pixels and more, full of detail), of one upload alone, the search found the first page of the upload for %d of %d. Over all uploads of this registry it finds at least %s",
		trials.Found, trials.Of, words.Share(trials.Bound)))
	require.NoError(t, recheck.Recheck(v, conclude.Given{Opens: true}, true))
	v.Recall.Bound = 0.9999
	assert.ErrorContains(t, recheck.Recheck(v, conclude.Given{Opens: true}, true), "at_least")
	v.Recall.Bound = conclude.RecallOf(large, 1200).Bound

	blank := &findings.Finding{Conclusion: findings.Conclusion{Kind: findings.FoundUnknown}, Picture: findings.Picture{Width: 300, Height: 200}, Evidence: findings.Evidence{Searched: &findings.Searched{Features: &none}, Recall: conclude.RecallOf(&findings.Searched{Features: &none}, 300)}}
	w, err := weigh.Weigh([]*findings.Finding{v, blank, {Conclusion: findings.Conclusion{Kind: findings.FoundUnknown}}}, &weigh.Facts{}, weigh.Basis{}, 1)
	require.NoError(t, err)
	w.Speak()
	said := strings.Join(w.Sentences(), " ")
	assert.Contains(t, said, "with at least this probability: "+words.Share(v.Recall.Bound)+" for 1 picture (of 400 pixels and more, full of detail); 0 % for 1 picture (flat).")
	assert.Contains(t, said, "How many is not measured")
}
