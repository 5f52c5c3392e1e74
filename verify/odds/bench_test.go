package odds_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

// large is a dump of n leaks: half of one custody, a third marked, the rest strangers; each with
// the traces of six recipients' copies.
func large(n, holders int) *odds.Case {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	var all []odds.Holder
	for h := range holders {
		from := 20 + h
		all = append(all, odds.Holder{Name: name(h), Copies: over(30, 119, 500), Unmarked: over(from, from+h%5, 1000)})
	}
	c := newCase(all...)
	for range n {
		switch rng.IntN(6) {
		case 0:
			c.Leaks = append(c.Leaks, odds.Leak{})
		case 1, 2:
			cell := 60 + rng.IntN(60)
			l := shows(c, cell)
			for h := range 6 {
				e := copyOf(name(h), -3-20*rng.Float64())
				e.Miss = 0.2 * rng.Float64()
				if h == 1 {
					e.LnE = 60*rng.Float64() - 5
				}
				l.Copies = append(l.Copies, e)
			}
		default:
			cell := 21
			var custody []string
			for _, h := range all {
				if h.Unmarked[cell] > 0 {
					custody = append(custody, h.Name)
				}
			}
			shows(c, cell, custody...)
		}
	}
	return c
}

func BenchmarkWeigh(b *testing.B) {
	for _, size := range [][2]int{{20, 6}, {400, 6}, {10_000, 6}, {400, 60}} {
		c := large(size[0], size[1])
		b.Run(fmt.Sprintf("leaks=%d/holders=%d", size[0], size[1]), func(b *testing.B) {
			for b.Loop() {
				v, err := odds.Weigh(c)
				require.NoError(b, err)
				require.Equal(b, []string{name(1)}, v.Named)
			}
		})
	}
}

func TestTenThousandLeaks(t *testing.T) {
	c := large(10_000, 6)
	v := weigh(t, c)
	require.Equal(t, []string{name(1)}, v.Named)
	require.Len(t, c.Leaks, 10_000)
}
