package verify_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/internal/recheck"
)

// What was submitted after the leaks were found could not leak. A vendor who held all that
// there was until then held no window, however much the registry grew since.
func TestGrowthAfterTheFindMakesNoWindow(t *testing.T) {
	t.Parallel()
	issuing, leaks := months(t, 40)
	cfg := investigating(issuing)
	_, d := weighIn(t, cfg, leaks)
	require.Greater(t, len(d.Case.Cells), 40, "without a time of the find everything counts")
	require.NotNil(t, d.Odds.Window)

	cfg.Found = feb.Add(4*time.Hour + time.Minute)
	_, d = weighIn(t, cfg, leaks[:5])
	for _, c := range d.Case.Cells[1:] {
		require.Zero(t, c.Submissions, "months end with the find")
	}
	assert.Equal(t, 5, d.Case.Cells[0].Submissions, "of that month too what came until then")
	assert.Nil(t, d.Odds.Window)
	assert.Len(t, d.History.Submitted, 1, "the history ends with it too")
	assert.NotContains(t, strings.Join(d.Sentences(), "\n"), "contradicted")

	v, d := weighIn(t, cfg, leaks)
	assert.NotEmpty(t, d.Case.Leaks[5].Submission, "it was submitted an hour later")
	assert.False(t, d.Case.FoundKnown)
	assert.NotContains(t, d.Headline, "were submitted in")
	assert.Contains(t, strings.Join(d.Sentences(), "\n"), "By what was stated or entered, files were found by 2018-02-14T16:01:00Z. 1 picture shows an upload recorded as submitted after that. One of these dates is wrong, or the file was elsewhere before.")
	var findings bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &findings, d, false))
	f, err := recheck.Read(&findings)
	require.NoError(t, err)
	assert.NoError(t, recheck.CheckVerdict(f))

	cfg.Found = feb.AddDate(-1, 0, 0)
	_, d = weighIn(t, cfg, leaks)
	assert.False(t, d.Case.FoundKnown, "nothing was there yet")
	assert.Contains(t, strings.Join(d.Sentences(), "\n"), "is not used, since it is contradicted")
}

// What was erased is found in no leak. Where old or other uploads were erased, what is left
// makes no window; and what was erased after leaks were found to show it counts with them.
func TestErasuresMakeNoWindow(t *testing.T) {
	t.Parallel()
	issuing, leaks := months(t, 40)
	cfg := investigating(issuing)
	cfg.Found = time.Now().Add(time.Hour)
	_, d := weighIn(t, cfg, leaks)
	require.NotNil(t, d.Odds.Window, "otherwise nothing is tested")

	_, err := issuing.Registry.Erase(t.Context(), "others", "", "")
	require.NoError(t, err)
	_, d = weighIn(t, cfg, leaks)
	assert.Nil(t, d.Odds.Window)
	assert.Equal(t, 6, d.Case.Cells[0].Submissions)
	assert.Zero(t, d.Case.Cells[1].Submissions)

	_, err = issuing.Registry.Erase(t.Context(), "customer 2", "", "")
	require.NoError(t, err)
	_, d = weighIn(t, cfg, leaks)
	assert.Equal(t, 6, d.Case.Cells[0].Submissions)
	assert.Equal(t, 6, d.Case.Holders[0].Unmarked[0])
	_, d = weighIn(t, cfg, leaks[:2])
	assert.Equal(t, 5, d.Case.Cells[0].Submissions)
}

// An upload that was erased is in the history, and no longer in the case: that is no contradiction.
func TestFindingsAfterErasureHold(t *testing.T) {
	issuing, leaks := months(t, 4)
	cfg := investigating(issuing)
	_, err := issuing.Registry.Erase(t.Context(), "others", "", "")
	require.NoError(t, err)
	v, d := weighIn(t, cfg, leaks)
	var b bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &b, d, true))
	f, err := recheck.Read(&b)
	require.NoError(t, err)
	require.NoError(t, recheck.CheckVerdict(f))
}
