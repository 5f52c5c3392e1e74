package odds

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// strangersCase has n leaks, and the first unmatched of them match nothing. The others are of every
// fifth day of three years, in a registry of ten years that counts days.
func strangersCase(n, unmatched int, recall float64) *Case {
	c := &Case{FoundKnown: true, MarkTrials: 912, MatchTrials: 1272}
	for i := range 3650 {
		c.Cells = append(c.Cells, Cell{From: time.Date(2010, 1, 1+i, 0, 0, 0, 0, time.UTC), Submissions: 6})
	}
	for i := range n {
		l := Leak{Recall: recall}
		if i >= unmatched {
			l.Submission, l.Cluster, l.Submitted = fmt.Sprint(i), fmt.Sprint(i), c.Cells[1300+i*5%1000].From.Add(time.Duration(i)*time.Minute)
		}
		c.Leaks = append(c.Leaks, l)
	}
	return c
}

// Only leaks that match nothing say that pictures are not of this registry, and only more of them than
// the search misses of ours. The dates of matched leaks say nothing of it.
func TestStrangersByCount(t *testing.T) {
	for _, x := range []struct {
		n, unmatched int
		recall       float64
		want         float64 // log10, the maximum that is stated
	}{
		{200, 0, 0.956, 0}, {6, 1, 0.956, 0}, {100, 4, 0.956, 0}, {200, 20, 0.9, 0},
		{6, 6, 0.956, -math.Log10(0.3 + 0.7*0.044)}, {100, 40, 0.9, -math.Log10(0.37)},
	} {
		v, err := Weigh(strangersCase(x.n, x.unmatched, x.recall))
		require.NoError(t, err)
		for _, h := range v.Hypotheses {
			if h.Kind == Foreign {
				assert.InDelta(t, x.want, h.LogLR, 1e-5, "%d of %d", x.unmatched, x.n)
			}
		}
	}

	// The mean over shares, against one of 100,000 even steps.
	for _, x := range [][2]int{{1, 1}, {3, 1}, {6, 3}, {20, 19}, {300, 30}, {1000, 150}} {
		c := strangersCase(x[0], x[1], 0.9)
		m := newModel(c, c.Options.WithDefaults())
		sum, steps := 0.0, 100_000
		for k := range steps {
			share := (float64(k) + 0.5) / float64(steps)
			matched, not := 1-share+share*1e-3/0.9, 1-share+share*(1-1e-3)/0.1
			sum += math.Exp(float64(x[0]-x[1])*math.Log(matched) + float64(x[1])*math.Log(not))
		}
		assert.InDelta(t, math.Log10(sum/float64(steps)), m.strangers(), 0.01, "%v", x)
	}
}
