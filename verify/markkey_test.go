package verify_test

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

func TestMarkKeys(t *testing.T) {
	r := leaktest.NewRegistry(t)
	ctx := t.Context()
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	r.SetClock(func() time.Time { return now })
	key := watermark.GenerateKey()
	for _, first := range []bool{true, false} {
		added, err := r.AddMarkKey(ctx, key)
		require.NoError(t, err)
		require.Equal(t, first, added)
	}
	k, err := r.MarkKey(ctx, key.ID())
	require.NoError(t, err)
	want := key.Commitment()
	require.Equal(t, &verify.MarkKey{
		KeyState:   verify.KeyState{KeyID: key.ID(), State: verify.KeyActive, Since: now, Entered: now},
		Commitment: hex.EncodeToString(want[:]), Added: now,
	}, k)

	set := func(state string, since time.Time) error {
		return r.SetKeyState(ctx, verify.KeyState{KeyID: key.ID(), State: state, Since: since, Note: "letter 4", Actor: "ops"})
	}
	for _, step := range []struct {
		state string
		since time.Time
		want  error
	}{
		{verify.KeyRetired, now.AddDate(0, 0, -1), nil},
		{verify.KeyActive, now, nil},
		{"lost", now, verify.ErrInput},
		{verify.KeyRetired, now.Add(time.Second), verify.ErrInput},
		{verify.KeyCompromised, now.AddDate(0, -1, 0), nil},
		{verify.KeyActive, now, verify.ErrConflict},
		{verify.KeyRetired, now, verify.ErrConflict},
		{verify.KeyCompromised, now, verify.ErrConflict},
		{verify.KeyCompromised, now.AddDate(0, -2, 0), nil},
	} {
		before, err := r.MarkKey(ctx, key.ID())
		require.NoError(t, err)
		err = set(step.state, step.since)
		after, err2 := r.MarkKey(ctx, key.ID())
		require.NoError(t, err2)
		if step.want != nil {
			assert.ErrorIs(t, err, step.want, step.state)
			assert.Equal(t, before, after, step.state)
			continue
		}
		require.NoError(t, err, step.state)
		assert.Equal(t, verify.KeyState{KeyID: key.ID(), State: step.state, Since: step.since, Note: "letter 4", Entered: now, Actor: "ops"}, after.KeyState)
	}
	require.ErrorIs(t, r.SetKeyState(ctx, verify.KeyState{KeyID: "v1-none", State: verify.KeyRetired}), verify.ErrNotFound)
	_, err = r.AddMarkKey(ctx, nil)
	require.ErrorIs(t, err, verify.ErrInput)
	checkLedger(t, r)
}

func TestKeysThatAreNotActiveMarkNothing(t *testing.T) {
	for _, state := range []string{verify.KeyRetired, verify.KeyCompromised} {
		s, cfg, sub := shop(t, "jpeg")
		var out bytes.Buffer
		_, err := s.Issue(t.Context(), &out, sub.ID, "vendor A", "")
		require.NoError(t, err)
		size := checkLedger(t, cfg.Registry)
		out.Reset()
		require.NoError(t, cfg.Registry.SetKeyState(t.Context(), verify.KeyState{KeyID: leaktest.Key().ID(), State: state, Since: feb}))
		_, err = s.Issue(t.Context(), &out, sub.ID, "vendor A", "")
		require.ErrorIs(t, err, verify.ErrMarkKey, state)
		require.ErrorContains(t, err, state+" since 2018-02-14")
		require.Zero(t, out.Len())
		require.Equal(t, size+1, checkLedger(t, cfg.Registry), "nothing but the state was entered")
	}
}

// Copies that were issued when somebody else may have held their key confirm nothing;
// those issued before do, with a warning.
func TestVerdictsNameTheStateOfTheKey(t *testing.T) {
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
		require.NoError(t, c.Registry.SetKeyState(t.Context(), verify.KeyState{KeyID: leaktest.Key().ID(), State: state, Since: since}))
	}
	leak, d := examine()
	require.Equal(t, "copy", leak.Label())
	require.Len(t, leak.Keys, 1)
	require.Equal(t, verify.KeyActive, leak.Keys[0].State)
	require.NotContains(t, textOf(d.ShowsNot), "compromised")

	set(verify.KeyRetired, c.copy.Issued)
	leak, d = examine()
	require.Equal(t, "copy", leak.Label())
	require.Equal(t, verify.KeyRetired, leak.Keys[0].State)
	require.Equal(t, 1, d.Matched)

	set(verify.KeyCompromised, c.copy.Issued.Add(time.Microsecond))
	leak, d = examine()
	require.Equal(t, "copy", leak.Label(), "it was issued before")
	require.Contains(t, textOf(d.ShowsNot), "is recorded as compromised since")
	c.Found = c.copy.Issued.Add(-time.Hour)
	d, err := c.investigator(t, noMark).Weigh(t.Context(), []*verify.Verdict{leak})
	require.NoError(t, err)
	require.NotContains(t, textOf(d.ShowsNot), "compromised", "the leak was found before")

	set(verify.KeyCompromised, c.copy.Issued)
	leak, d = examine()
	require.Equal(t, "copy (unconfirmed)", leak.Label())
	require.True(t, leak.Forgeable)
	require.Empty(t, leak.MayName())
	require.Nil(t, leak.Issued)
	require.Empty(t, leak.Accused)
	require.Contains(t, leak.Note, "whoever held the key could have made this mark")
	require.Equal(t, 1, d.Matched, "that it shows the submission does not depend on the key")
	require.Empty(t, d.Named)
	for _, h := range d.Hypotheses {
		require.LessOrEqual(t, h.LogLR, 0.0)
	}
	require.Contains(t, textOf(d.ShowsNot), "somebody else may have held its mark key")
	require.NotContains(t, textOf(d.ShowsNot), "could not be confirmed to show")
}

func textOf(lines []string) string {
	var b bytes.Buffer
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	return b.String()
}
