package odds_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/verify/odds"
)

// shown returns a copy that a reviewer of a recipient was shown.
func shown(reviewer, of string, lnE float64) odds.Copy {
	c := copyOf(of, lnE)
	c.Reviewer = reviewer
	return c
}

// employers are two vendors with copies of the same month.
func employers() *odds.Case {
	return newCase(odds.Holder{Name: "vendor-a", Copies: over(february, february, 400)}, odds.Holder{Name: "vendor-b", Copies: over(february, february, 400)})
}

// Fifty reviewers of one vendor, and a leaked copy of four of them, one person each: the vendor is named, and no single
// reviewer. Each upload was also shown to a reviewer whose copy did not leak.
func TestFourReviewersNameTheirEmployer(t *testing.T) {
	c := employers()
	for _, r := range []string{"1", "2", "3", "4"} {
		shows(c, february).Copies = []odds.Copy{shown(r, "vendor-a", 25), shown("9", "vendor-a", -5)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"vendor-a"}, v.Named)
	assert.Empty(t, v.Rivals)
	assert.Empty(t, v.Reviewers)
	assert.Equal(t, 4, of(t, v, "vendor-a").Clusters)

	for i := range c.Leaks {
		for k := range c.Leaks[i].Copies { // as if the reviewers were recipients of their own
			c.Leaks[i].Copies[k].Recipient = "reviewer " + c.Leaks[i].Copies[k].Reviewer
		}
	}
	for _, r := range []string{"1", "2", "3", "4", "9"} {
		c.Holders = append(c.Holders, odds.Holder{Name: "reviewer " + r, Copies: over(february, february, 40)})
	}
	assert.Empty(t, weigh(t, c).Named, "otherwise nothing is tested")
}

// All leaks are copies of one reviewer, of two persons: the reviewer is named, and the employer.
func TestOneReviewerIsNamed(t *testing.T) {
	c := employers()
	for range 2 {
		shows(c, february).Copies = []odds.Copy{shown("17", "vendor-a", 25), shown("18", "vendor-a", -5)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"vendor-a"}, v.Named)
	assert.Equal(t, []odds.Reviewer{{Ref: "17", Of: "vendor-a"}}, v.Reviewers)

	one := employers()
	shows(one, february).Copies = []odds.Copy{shown("17", "vendor-a", 25)}
	one.Leaks = append(one.Leaks, one.Leaks[0]) // of one person
	v = weigh(t, one)
	assert.Empty(t, v.Named)
	assert.Empty(t, v.Reviewers)
}

// A colleague who explains leaks of the same dump, or whose copies are in the same pictures, leaves no single reviewer named.
func TestColleaguesLeaveNoReviewerNamed(t *testing.T) {
	beside := employers()
	for range 2 {
		shows(beside, february).Copies = []odds.Copy{shown("17", "vendor-a", 25)}
	}
	shows(beside, february).Copies = []odds.Copy{shown("18", "vendor-a", 25)}
	mixed := employers()
	for range 2 {
		shows(mixed, february).Copies = []odds.Copy{shown("17", "vendor-a", 25), shown("18", "vendor-a", 25)}
	}
	own := employers()
	for range 2 {
		shows(own, february).Copies = []odds.Copy{shown("17", "vendor-a", 25)}
	}
	shows(own, february).Copies = []odds.Copy{copyOf("vendor-a", 25)} // the employer's own
	same := employers()
	for range 2 {
		shows(same, february).Copies = []odds.Copy{shown("17", "vendor-a", 25)}
	}
	again := same.Leaks[0] // another picture of the same person
	again.Copies = []odds.Copy{copyOf("vendor-a", 25)}
	same.Leaks = append(same.Leaks, again)
	for name, c := range map[string]*odds.Case{"beside": beside, "mixed": mixed, "the employer's own": own, "the employer's own, of the same person": same} {
		v := weigh(t, c)
		assert.Equal(t, []string{"vendor-a"}, v.Named, name)
		assert.Empty(t, v.Rivals, name)
		assert.Empty(t, v.Reviewers, name)
	}
}

// Reviewers of two employers are told apart as two recipients are: each employer is named for its own leaks.
func TestReviewersOfTwoEmployers(t *testing.T) {
	c, plain := employers(), employers()
	for i, r := range []string{"1", "2", "3", "4"} {
		name := []string{"vendor-a", "vendor-b"}[i%2]
		shows(c, february).Copies = []odds.Copy{shown(r, name, 25)}
		shows(plain, february).Copies = []odds.Copy{copyOf(name, 25)}
	}
	v, want := weigh(t, c), weigh(t, plain)
	assert.Equal(t, []string{"vendor-a", "vendor-b"}, v.Named)
	assert.Equal(t, want, v)
}

// An employer's own copy and a copy of its reviewer, of one person each, count together.
func TestEmployersOwnCopiesCountWithItsReviewers(t *testing.T) {
	c := employers()
	shows(c, february).Copies = []odds.Copy{copyOf("vendor-a", 25)}
	shows(c, february).Copies = []odds.Copy{shown("1", "vendor-a", 25)}
	v := weigh(t, c)
	assert.Equal(t, []string{"vendor-a"}, v.Named)
	assert.Empty(t, v.Reviewers)
}

// A rival of the reviewer alone: vendor-b held unmarked what the reviewer's copies show, and not what the employer's do.
func TestRivalOfAReviewerAlone(t *testing.T) {
	c := employers()
	c.Holders[1].Unmarked = over(february, february, 10)
	for range 2 {
		shows(c, february, "vendor-b").Copies = []odds.Copy{shown("17", "vendor-a", 25)}
	}
	v := weigh(t, c)
	assert.Equal(t, []odds.Reviewer{{Ref: "17", Of: "vendor-a"}}, v.Reviewers, "the rival is the employer's too, and said")
	assert.NotEmpty(t, v.Rivals)
	for range 2 {
		shows(c, february).Copies = []odds.Copy{copyOf("vendor-a", 25)}
	}
	v = weigh(t, c)
	assert.Equal(t, []string{"vendor-a"}, v.Named)
	assert.Empty(t, v.Rivals)
	assert.Empty(t, v.Reviewers)
}

// More reviewers than are told apart: the employer is named all the same.
func TestTooManyReviewers(t *testing.T) {
	c := employers()
	for n := range odds.MaxHolders {
		shows(c, february).Copies = []odds.Copy{shown(fmt.Sprint(n/2), "vendor-a", 25), shown(fmt.Sprint("other ", n), "vendor-a", 0)}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"vendor-a"}, v.Named)
	assert.Empty(t, v.Reviewers)
}
