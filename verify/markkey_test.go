package verify_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// Who holds a lost key, the IDs and the uploads makes marks without one copy: after the loss a mark names nobody. Leaks
// that were found before it confirm their copies, with a warning.
func TestVerdictsNameTheStateOfTheKey(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Found = time.Now().Add(time.Hour)
	picture := file(t, leaked(t, c.marked, "telegram"), "jpeg")
	var leak *findings.Finding
	weigh := func() *findings.Verdict { // what was examined, as found at c.Found
		v := c.investigator(t, reads(c.copy.ID))
		verify.ConcludeFound(leak, c.Found)
		d, err := v.Weigh(t.Context(), []*findings.Finding{leak})
		require.NoError(t, err)
		requireCarefulWords(t, "note", leak.Note)
		for _, s := range d.Sentences() {
			requireCarefulWords(t, "sentence", s)
		}
		return d
	}
	examine := func() *findings.Verdict {
		var err error
		leak, err = c.investigator(t, reads(c.copy.ID)).File(t.Context(), "leak.jpg", picture)
		require.NoError(t, err)
		return weigh()
	}
	set := func(state string, since time.Time) {
		require.NoError(t, c.Registry.Ledger().SetKeyState(t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: state, Since: since}))
	}
	d := examine()
	require.Equal(t, "copy", leak.Label())
	require.Len(t, leak.Keys, 1)
	require.Equal(t, books.KeyActive, leak.Keys[0].State)
	require.NotContains(t, textOf(d.Sentences()), "compromised")

	set(books.KeyRetired, c.copy.Issued)
	d = examine()
	require.Equal(t, "copy", leak.Label())
	require.Equal(t, books.KeyRetired, leak.Keys[0].State)
	require.Equal(t, 1, d.Matched)

	lost := time.Now().UTC().Truncate(time.Microsecond)
	set(books.KeyCompromised, lost)
	c.Found = lost.Add(-time.Microsecond)
	d = examine()
	require.Equal(t, "copy", leak.Label(), "it was found before")
	require.Contains(t, textOf(d.Sentences()), "after the stated time of the find")
	require.Contains(t, textOf(d.Sentences()), "If they were found later")
	require.Positive(t, d.Odds.Recipients[0].Raw)
	require.Contains(t, d.Headline, "The leaked picture comes from a copy issued to vendor A")

	c.Found = c.copy.Issued.Add(-time.Hour) // contradicted by the copy itself
	d = weigh()
	require.Equal(t, 1, d.Matched)
	require.Contains(t, textOf(d.Sentences()), "which count for no recipient")
	require.Contains(t, d.Headline, "The leaked picture carries the mark of a copy issued to vendor A")
	for _, h := range d.Odds.Recipients {
		require.LessOrEqual(t, h.Raw, 0.0)
	}

	for _, c.Found = range []time.Time{{}, lost.Truncate(24 * time.Hour), lost, time.Now().Add(time.Hour)} { // a day lasts until its end
		d = weigh()
		require.True(t, leak.Forgeable)
		require.Empty(t, d.Named)
	}
	require.Equal(t, "copy (unconfirmed)", leak.Label())
	require.True(t, leak.Forgeable)
	require.Empty(t, leak.MayName())
	require.Nil(t, leak.Issued)
	require.Empty(t, confirmed(leak))
	require.Contains(t, leak.Note, "A holder of the key who knew the ID of the copy and had the upload could have made this mark")
	require.Equal(t, 1, d.Matched, "that it shows the submission does not depend on the key")
	require.Empty(t, d.Named)
	for _, h := range d.Odds.Recipients {
		require.LessOrEqual(t, h.LogE, 0.0)
	}
	require.Contains(t, textOf(d.Sentences()), "mark key is recorded as compromised, and it is not stated to have been found before that")
	require.NotContains(t, textOf(d.Sentences()), "could not be confirmed to show")
}

func textOf(lines []string) string {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}
