package casefile

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
)

func TestParseText(t *testing.T) {
	c, err := ParseText("# of 17/26\nproposition of A: x: y\nproposition of B: z\n\ngiven: 400 files\nsays [claimed 10000]: they have 10,000\n")
	require.NoError(t, err)
	require.ErrorIs(t, c.check(), ErrCase, "no examiner")
	c.ID, c.Examiner, c.Role, c.Party = "17/26", "e", "r", "p"
	require.NoError(t, c.check())
	assert.Equal(t, []Proposition{{"A", "x: y"}, {"B", "z"}}, c.Propositions)
	text, err := c.Encode()
	require.NoError(t, err)
	again, err := ReadCase(text)
	require.NoError(t, err)
	assert.Equal(t, c, again)
	_, err = ReadCase(append(text, ' '))
	require.ErrorIs(t, err, ErrCase)
	for _, bad := range []string{"given", "given:", "else: x", "says no-mark: x", "says [no-mark]:", "says [claimed x]: y", "says [within]: y", "says [all-ours NAME]: y", "given: \x1b[2J"} {
		_, err := ParseText(bad)
		require.ErrorIs(t, err, ErrCase, bad)
	}
}

// judged marks one claim by findings that set fills in.
func judged(t *testing.T, claim string, set func(f *verify.Findings)) Marked {
	t.Helper()
	f := &verify.Findings{Verdict: &verify.DumpVerdict{Odds: &odds.Verdict{}, Case: &odds.Case{}}}
	f.Verdict.Counts = map[string]int{}
	set(f)
	return Judge([]Sentence{{claim, "a sentence"}}, f)[0]
}

// A sentence is open unless the findings decide it, and an all-clear needs more than silence.
func TestJudge(t *testing.T) {
	counts := func(of map[string]int) func(*verify.Findings) {
		return func(f *verify.Findings) { f.Verdict.Counts = of }
	}
	draw := func(seen, n, lower, upper int) func(*verify.Findings) {
		return func(f *verify.Findings) {
			x := &f.Verdict.Odds.Claim
			x.Seen, x.Examined, x.Claimed, x.Min, x.Max = seen, n, 10_000, lower, upper
			f.Verdict.Case.Drawn = upper > 0
		}
	}
	ratio := func(lr float64, holders ...string) func(*verify.Findings) {
		return func(f *verify.Findings) {
			f.Verdict.Hypotheses = []odds.Hypothesis{{Kind: odds.Custody, Holders: holders, LogLR: lr}}
		}
	}
	for _, x := range []struct {
		claim, want string
		set         func(*verify.Findings)
	}{
		{"no-mark", Open, counts(nil)},
		{"no-mark", Supported, counts(map[string]int{"unmarked": 3})},
		{"no-mark", Open, counts(map[string]int{"unmarked": 3, "unreadable": 1})},
		{"no-mark", Refuted, counts(map[string]int{"unmarked": 300, "transplanted": 1})},
		{"no-mark", Refuted, counts(map[string]int{"copy (unconfirmed)": 1})},
		{"claimed 10000", Open, draw(387, 400, 387, 0)},
		{"claimed 400", Supported, draw(387, 400, 387, 0)},
		{"ours-min 9000", Open, draw(387, 400, 387, 0)},
		{"ours-min 9000", Supported, draw(387, 400, 9_492, 9_900)},
		{"ours-min 9990", Refuted, draw(387, 400, 9_492, 9_900)},
		{"ours-max 100", Open, draw(0, 400, 0, 0)},
		{"ours-max 100", Supported, draw(0, 400, 0, 81)},
		{"ours-max 10", Open, draw(0, 400, 0, 81)},
		{"ours-max 10", Refuted, draw(20, 400, 20, 0)},
		{"from X", Open, ratio(3)},
		{"from X", Supported, ratio(3, "X")},
		{"from X", Open, ratio(3, "X", "Y")},
		{"from X", Open, ratio(0.9, "X")},
		{"from X", Refuted, ratio(-1, "X")},
		{"not-breached", Open, ratio(3, "X")},
		{"other", Open, ratio(3, "X")},
	} {
		assert.Equal(t, x.want, judged(t, x.claim, x.set).Mark, x.claim)
	}
}

// Custody decides only if it was in the ledger before a stated time of the find.
func TestJudgeCustody(t *testing.T) {
	set := func(known, entered bool, others int) func(*verify.Findings) {
		return func(f *verify.Findings) {
			f.Verdict.Case.FoundKnown = known
			for i := range 3 + others {
				l, x := &verify.Verdict{}, odds.Leak{Submission: "s"}
				if i < 3 {
					l.Custody = append(l.Custody, custodyOf("X"))
					if entered {
						x.Unmarked = []string{"X"}
					}
				}
				f.Leaks, f.Verdict.Of, f.Verdict.Case.Leaks = append(f.Leaks, l), append(f.Verdict.Of, i), append(f.Verdict.Case.Leaks, x)
			}
		}
	}
	assert.Equal(t, Supported, judged(t, "within X", set(true, true, 0)).Mark)
	assert.Equal(t, Open, judged(t, "within X", set(true, false, 0)).Mark, "entered late")
	assert.Equal(t, Open, judged(t, "within X", set(false, true, 0)).Mark, "the find has no time")
	assert.Equal(t, Refuted, judged(t, "within X", set(true, true, 1)).Mark)
	assert.Equal(t, Open, judged(t, "within X", func(*verify.Findings) {}).Mark, "nothing is matched")
}

// The figures of the validation sheets are of the result files in the repository. After a new
// measurement look at the figures, and enter the new digest.
func TestSheets(t *testing.T) {
	for _, s := range sheets {
		text, err := os.ReadFile(filepath.Join("../..", s.File))
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		assert.Equal(t, hex.EncodeToString(sum[:]), s.Digest, s.File)
		assert.LessOrEqual(t, s.Units, s.Trials)
	}
}
