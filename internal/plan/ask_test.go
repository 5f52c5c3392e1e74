package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

// months24 is a registry of two years in which X held the first year unmarked, Y a month of it, and R was issued
// copies of the second.
func months24() *odds.Case {
	c := &odds.Case{FoundKnown: true}
	x, y, r := make([]int, 24), make([]int, 24), make([]int, 24)
	for i := range 24 {
		c.Cells = append(c.Cells, odds.Cell{From: time.Date(2024, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC), Submissions: 100})
		if i < 12 {
			x[i] = 100
		} else {
			r[i] = 100
		}
	}
	y[4] = 100
	c.Holders = []odds.Holder{{Name: "X", Unmarked: x}, {Name: "Y", Unmarked: y}, {Name: "R", Copies: r}}
	return c
}

func index(t *testing.T, m *Model, name string) int {
	t.Helper()
	for i, s := range m.Sources {
		if s.Name == name {
			return i
		}
	}
	t.Fatalf("no source %s", name)
	return 0
}

func TestModel(t *testing.T) {
	m, err := New(months24())
	require.NoError(t, err)
	require.Len(t, m.Months, 24)
	require.Len(t, m.kinds, 3)
	require.Equal(t, []string{"custody of X", "custody of Y", "copies of R", "a thief at the exchange", "another service with the same customers", "pictures that are not ours"},
		func() (names []string) {
			for _, s := range m.Sources {
				names = append(names, s.Name)
				total := 0.0
				for _, x := range s.settings {
					total += x.prior
					for kind := range m.kinds {
						sum := 0.0
						for a := range gotMark + 3 {
							sum += x.chance(kind, a)
						}
						assert.InDelta(t, 1, sum, 2e-3, "%s: answers add up", s.Name)
					}
				}
				assert.InDelta(t, 1, total, 1e-12, s.Name)
			}
			return names
		}())
	_, err = New(&odds.Case{})
	require.ErrorIs(t, err, ErrPlan)
}

// A picture from a month that a holder did not have speaks against it; silence says little.
func TestRatioOfAnswers(t *testing.T) {
	m, err := New(months24())
	require.NoError(t, err)
	x, y, r, thief := index(t, m, "custody of X"), index(t, m, "custody of Y"), index(t, m, "copies of R"), index(t, m, "a thief at the exchange")
	out, _ := m.Ratio(y, []int{4, 7, 8}, []int{gotBare, gotBare, gotBare})
	assert.Less(t, out, -4.0, "Y did not have July and August")
	both, against := m.Ratio(x, []int{4, 7, 8}, []int{gotBare, gotBare, gotBare})
	assert.True(t, both < 1 && against == thief, "a thief at the exchange had what X had: %v", both)
	silent, _ := m.Ratio(y, []int{4, 4, 7, 8, 9, 15}, []int{gotBare, gotBare, gotNothing, gotNothing, gotNothing, gotNothing})
	assert.Less(t, silent, 1.5, "a publisher may withhold")
	marked, _ := m.Ratio(r, []int{15, 16}, []int{gotMark + 2, gotMark + 2})
	assert.Greater(t, marked, 8.0)
	none, _ := m.Ratio(index(t, m, "pictures that are not ours"), []int{1, 4, 15, 16, 17}, []int{gotForeign, gotForeign, gotForeign, gotForeign, gotForeign})
	assert.Less(t, none, 1.0, "another service with few files of ours explains that as well")
}

// A plan asks where the explanations differ, not where all have the month. Leaks that are there change it.
func TestChoose(t *testing.T) {
	c := months24()
	m, err := New(c)
	require.NoError(t, err)
	got, err := m.Choose(9)
	require.NoError(t, err)
	require.Len(t, got, 9)
	again, err := m.Choose(9)
	require.NoError(t, err)
	require.Equal(t, got, again, "the same plan each time")
	kinds := make(map[int]int)
	for _, at := range got {
		kinds[m.kindOf[at]]++
	}
	require.GreaterOrEqual(t, len(kinds), 2, "%v", got)

	for i := range 8 { // May, unmarked: R's copies and strangers' pictures fall away
		c.Leaks = append(c.Leaks, odds.Leak{Submission: "s", Cluster: string(rune('a' + i)), Submitted: c.Cells[4].From.AddDate(0, 0, 3)})
	}
	m, err = New(c)
	require.NoError(t, err)
	assert.Less(t, m.Sources[index(t, m, "copies of R")].given, -10.0)
	got, err = m.Choose(6)
	require.NoError(t, err)
	outside := 0
	for _, at := range got {
		if at != 4 {
			outside++
		}
	}
	assert.GreaterOrEqual(t, outside, 3, "most that is left has May: %v", got)
	_, err = m.Choose(0)
	require.ErrorIs(t, err, ErrPlan)
}
