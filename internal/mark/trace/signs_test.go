package trace

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/internal/mark/code"
)

// Tables and single signs must give the same sums, over whole blocks of signs and beyond.
func TestScoresByTablesAndOneByOne(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{32, 8 * signRun, 8*signBlock - 32, 8*signBlock + 96, 24 * signBlock} {
		c := coefficients{q: make([]int32, n), square: 1}
		for i := range c.q {
			if i/(8*signRun)%3 != 1 { // whole runs of nothing, too
				c.q[i] = r.Int32N(2*quantum+1) - quantum
			}
		}
		streams := func() (s []*code.Stream) {
			for k := range fewCopies + 3 {
				s = append(s, code.NewStream(append(make([]byte, code.KeySize-1), byte(k))))
			}
			return s
		}
		each, tabulated := make([]int64, fewCopies+3), make([]int64, fewCopies+3)
		c.addEach(each, streams())
		c.addTabulated(tabulated, streams())
		assert.Equal(t, each, tabulated, n)
		x := make([]float32, n)
		streams()[1].Signs(x)
		want := int64(0)
		for i, s := range x {
			want += int64(s) * int64(c.q[i])
		}
		assert.Equal(t, want, each[1], n)
	}
}
