package verify_test

import (
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
)

// Copies name nobody anew after other files with them were public, as somebody stated with time and place. A drill, an
// examination without that statement, and a publication that is examined again or grows, take nothing from a finding.
func TestPublications(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	first, second := file(t, leaked(t, c.marked, "telegram"), "jpeg"), file(t, leaked(t, c.marked, "jpeg75"), "png")
	state := filepath.Join(t.TempDir(), "state") // each file is examined once
	day := func(n int) time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, n) }
	examine := func(leak []byte, published bool, at time.Time, evidence string) *findings.Verdict {
		of := *c
		of.Published, of.Found, of.Evidence, of.State = published, at, evidence, verify.StateFile(state)
		v := of.investigator(t, reads(c.copy.ID))
		var leaks []*findings.Finding
		for l, err := range v.FS(t.Context(), fstest.MapFS{"leak": {Data: leak}}) {
			require.NoError(t, err)
			require.Equal(t, "copy", l.Label())
			leaks = append(leaks, l)
		}
		d, err := v.Weigh(t.Context(), leaks)
		require.NoError(t, err)
		return d
	}
	public := func(d *findings.Verdict) time.Time {
		require.Len(t, d.Case.Leaks, 1)
		return d.Case.Leaks[0].Copies[0].Public
	}
	examine(first, false, time.Time{}, "")
	examine(first, false, day(-3), "our own folder: a drill")
	d := examine(second, false, time.Time{}, "")
	assert.Zero(t, public(d), "a drill")
	assert.Empty(t, d.Published)
	examine(file(t, leaked(t, c.marked, "jpeg75"), "jpeg"), true, time.Now(), "https://example.org/post/6")
	assert.Zero(t, public(examine(second, false, time.Time{}, "")), "it was examined before that publication")

	d = examine(first, true, day(-2), "https://example.org/post/7")
	assert.Zero(t, public(d))
	assert.Zero(t, public(examine(first, true, day(-2), "https://example.org/post/7")), "examined again")
	assert.Zero(t, public(examine(second, true, day(-1), "https://example.org/post/7")), "the channel grows")

	for _, at := range []time.Time{{}, day(-1), day(-4)} { // that they were found before that is only said
		d = examine(second, false, at, "")
		assert.Equal(t, day(-2), public(d))
		require.NotEmpty(t, d.Published)
		assert.Equal(t, "https://example.org/post/7", d.Published[0].Evidence)
		assert.Contains(t, textOf(d.Sentences()), "These files were public on "+day(-2).Format(time.RFC3339))
		assert.Contains(t, textOf(d.Sentences()), "The place or evidence: https://example.org/post/7.")
		assert.Empty(t, d.Named)
	}
	_, err := c.base.Begin(&verify.Options{Circumstances: findings.Circumstances{Published: true, Found: day(-1)}})
	assert.ErrorContains(t, err, "published files need a time, and evidence of the place")
}
