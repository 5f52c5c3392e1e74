package plan

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

func TestDraw(t *testing.T) {
	d, err := NewDraw(10_000, 400, nil, "drand quicknet round 20000000", now)
	require.NoError(t, err)
	again, err := ReadDraw(d.Encode())
	require.NoError(t, err)
	require.Equal(t, d, again)
	got := d.Indices("9f8b")
	require.Len(t, got, 400)
	for i, x := range got {
		require.True(t, x >= 1 && x <= 10_000 && (i == 0 || got[i-1] < x))
	}
	assert.Equal(t, got, d.Indices("9f8b"))
	assert.NotEqual(t, got, d.Indices("9f8c"), "another value")
	d.Made = d.Made.Add(time.Second)
	assert.NotEqual(t, got, d.Indices("9f8b"), "another plan")
	assert.Equal(t, []int{2, 4, 5}, (&Draw{Format: drawFormat, Claimed: 5, N: 3, Beacon: "b"}).Indices("v"), "the rule never changes")
	all, err := NewDraw(7, 7, nil, "b", now)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2, 3, 4, 5, 6, 7}, all.Indices("v"))
}

// Every picture is drawn equally often, also at both ends.
func TestDrawIsEven(t *testing.T) {
	const all, n, draws = 13, 5, 20_000
	count := make([]int, all+1)
	d := &Draw{Format: drawFormat, Claimed: all, N: n, Beacon: "b"}
	for i := range draws {
		for _, x := range d.Indices(strconv.Itoa(i)) {
			count[x]++
		}
	}
	p := float64(n) / all
	for _, k := range count[1:] {
		assert.InDelta(t, p*draws, k, 4*math.Sqrt(draws*p*(1-p)))
	}
}

func TestDrawRefuses(t *testing.T) {
	for name, x := range map[string]struct {
		claimed, n   int
		list, beacon string
	}{
		"more than claimed": {10, 11, "", "b"}, "nothing": {10, 0, "", "b"}, "no beacon": {10, 5, "", ""},
		"another number": {3, 1, "a\nb\n", "b"}, "a picture twice": {0, 1, "a\nb\na\n", "b"}, "an empty line": {0, 1, "a\n\nb\n", "b"},
	} {
		_, err := NewDraw(x.claimed, x.n, []byte(x.list), x.beacon, now)
		require.ErrorIs(t, err, ErrPlan, name)
	}
	d, err := NewDraw(0, 2, []byte("a\nb\nc\n"), "b", now)
	require.NoError(t, err)
	require.Equal(t, 3, d.Claimed)
	_, err = ReadDraw([]byte(strings.Replace(string(d.Encode()), `"n":2`, `"n": 2`, 1)))
	require.ErrorIs(t, err, ErrPlan, "another form")
}
