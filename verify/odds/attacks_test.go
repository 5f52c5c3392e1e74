package odds_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/verify/odds"
)

// Stories in which a reading of the findings that seems plain would state too much.

// X had copies of everything. Two of them are real, and 20 degraded leaks show no mark: each might
// have been missed, all would not.
func TestAbsenceOfManyIsNotExplained(t *testing.T) {
	build := func(marked, silent int, miss float64) *odds.Case {
		c := newCase(odds.Holder{Name: "X", Copies: over(0, 119, 1000)})
		for i := range marked + silent {
			l := shows(c, 2*i)
			e := odds.Copy{ID: "1", Recipient: "X", LnE: math.Log(miss), Miss: miss, Confirmed: true}
			if i < marked {
				e = copyOf("X", 20)
			}
			l.Copies = []odds.Copy{e}
		}
		return c
	}
	v := weigh(t, build(2, 20, 0.15))
	assert.Equal(t, []string{"X"}, v.Named)
	assert.Empty(t, v.Alone())
	assert.Equal(t, []odds.Rival{{Name: "X", Why: odds.RivalRest, Of: 20}}, v.Rivals)
	for what, c := range map[string]*odds.Case{
		"one of ten is as expected":      build(18, 3, 0.15),
		"a half, and a half are missed":  build(20, 20, 0.5),
		"two may have been missed":       build(2, 2, 0.3),
		"nothing would have been seen":   build(2, 20, 1),
		"three of many may be chance":    build(30, 3, 0.2),
		"nearly nothing would have been": build(2, 20, 0.97),
	} {
		v := weigh(t, c)
		assert.Equal(t, []string{"X"}, v.Alone(), what)
	}
	c := build(2, 20, 0.15)
	c.Holders[0].Unmarked = over(0, 119, 1000)
	for i := range c.Leaks {
		c.Leaks[i].Unmarked = []string{"X"}
	}
	assert.Empty(t, weigh(t, c).Alone(), "that X held them unmarked, too, speaks against X alone")
}

// Y leaked its copies, which a stamp left unconfirmed, and laid four leaked copies of X among them. X is
// named, but not alone. No ratio changes.
func TestUnconfirmedMarksOfOthers(t *testing.T) {
	build := func(unconfirmed int) *odds.Verdict {
		c := newCase(odds.Holder{Name: "X", Copies: over(0, 119, 500)}, odds.Holder{Name: "Y", Copies: over(0, 119, 20), Unconfirmed: unconfirmed})
		for i := range 4 {
			l := shows(c, 20*i)
			l.Copies = []odds.Copy{copyOf("X", 20)}
		}
		return weigh(t, c)
	}
	without, with := build(0), build(5)
	assert.Equal(t, []string{"X"}, without.Alone())
	assert.Equal(t, []string{"X"}, with.Named)
	assert.Empty(t, with.Alone())
	assert.Equal(t, []odds.Rival{{Name: "X", Other: "Y", Why: odds.RivalUnconfirmed, Of: 5}}, with.Rivals)
	assert.Equal(t, without.Recipients, with.Recipients)
	c := newCase(odds.Holder{Name: "Y", Unconfirmed: -1})
	_, err := odds.Weigh(c)
	assert.ErrorIs(t, err, odds.ErrCase)
}
