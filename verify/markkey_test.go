package verify_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// Copies that were issued when somebody else may have held their key confirm nothing;
// those issued before do, with a warning.
func TestVerdictsNameTheStateOfTheKey(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Found = time.Now().Add(time.Hour)
	v := c.investigator(t, reads(c.copy.ID))
	picture := file(t, leaked(t, c.marked, "telegram"), "jpeg")
	examine := func() (*verify.Verdict, *verify.DumpVerdict) {
		leak, err := v.Investigate(t.Context(), "leak.jpg", picture)
		require.NoError(t, err)
		d, err := v.Weigh(t.Context(), []*verify.Verdict{leak})
		require.NoError(t, err)
		requireCarefulWords(t, "note", leak.Note)
		for _, s := range append(d.Shows, d.ShowsNot...) {
			requireCarefulWords(t, "sentence", s)
		}
		return leak, d
	}
	set := func(state string, since time.Time) {
		require.NoError(t, c.Registry.Ledger().SetKeyState(t.Context(), registry.KeyState{KeyID: leaktest.Key().ID(), State: state, Since: since}))
	}
	leak, d := examine()
	require.Equal(t, "copy", leak.Label())
	require.Len(t, leak.Keys, 1)
	require.Equal(t, registry.KeyActive, leak.Keys[0].State)
	require.NotContains(t, textOf(d.ShowsNot), "compromised")

	set(registry.KeyRetired, c.copy.Issued)
	leak, d = examine()
	require.Equal(t, "copy", leak.Label())
	require.Equal(t, registry.KeyRetired, leak.Keys[0].State)
	require.Equal(t, 1, d.Matched)

	set(registry.KeyCompromised, c.copy.Issued.Add(time.Microsecond))
	leak, d = examine()
	require.Equal(t, "copy", leak.Label(), "it was issued before")
	require.Contains(t, textOf(d.ShowsNot), "is recorded as compromised since")
	c.Found = c.copy.Issued
	d, err := c.investigator(t, noMark).Weigh(t.Context(), []*verify.Verdict{leak})
	require.NoError(t, err)
	require.Contains(t, textOf(d.ShowsNot), "compromised", "what exculpates counts whatever the stated time of the find")

	set(registry.KeyCompromised, c.copy.Issued)
	leak, d = examine()
	require.Equal(t, "copy (unconfirmed)", leak.Label())
	require.True(t, leak.Forgeable)
	require.Empty(t, leak.MayName())
	require.Nil(t, leak.Issued)
	require.Empty(t, leak.Accused)
	require.Contains(t, leak.Note, "Any holder of the key could have made this mark")
	require.Equal(t, 1, d.Matched, "that it shows the submission does not depend on the key")
	require.Empty(t, d.Named)
	for _, h := range d.Odds.Recipients {
		require.LessOrEqual(t, h.LogE, 0.0)
	}
	require.Contains(t, textOf(d.ShowsNot), "mark key is recorded as compromised since before the copy was issued")
	require.NotContains(t, textOf(d.ShowsNot), "could not be confirmed to show")
}

func textOf(lines []string) string {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}
