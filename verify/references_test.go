package verify_test

import (
	"bytes"
	"cmp"
	"image"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// A leak is held against uploads of others that look like its own, and marks that were found
// against those of copies that were never issued.
func TestReferences(t *testing.T) {
	t.Parallel()
	rows, verdicts := examined(t)
	for name, v := range verdicts {
		if !withControls(name) {
			assert.Empty(t, v.References, "%s: not asked for", name)
			continue
		}
		if rows[name].want != findings.FoundCopy {
			continue
		}
		require.NotEmpty(t, v.References, name)
		for _, m := range v.References {
			assert.Contains(t, []string{findings.PixelsTemplate, findings.PixelsUnrelated}, m.Pixels, name)
		}
		if !v.Traces[0].Copies[0].Found {
			continue
		}
		require.NotNil(t, v.Traces[0].Decoys, name)
		assert.Equal(t, 1000, v.Traces[0].Decoys.Number)
		assert.InDelta(t, 4, v.Traces[0].Decoys.Max, 2, "the greatest of a thousand normal scores, outside once in a million leaks")
		assert.Greater(t, v.Traces[0].Copies[0].Score, v.Traces[0].Decoys.Max+2, name)
		assert.Contains(t, verify.Chance(v), "no score of 1,000 copies that were never issued is above")
	}
	assert.Empty(t, verdicts["stranger"].References, "nothing is shown")
	assert.Nil(t, verdicts["unmarked"].Traces[0].Decoys, "no copy was found")
}

// The same picture, submitted by two persons: which of the two leaked is not known, and the
// report says that the picture may have been submitted twice.
func TestReferencesThatFitToo(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	submit(t, s, file(t, passport(1), "jpeg"), "customer 1", feb)
	again := submit(t, s, file(t, passport(1), "png"), "customer 2", feb)
	submit(t, s, file(t, passport(3), "png"), "customer 1", feb)
	submit(t, s, file(t, passport(2), "jpeg"), "customer 3", feb)
	with := investigating(cfg)
	with.References = 0
	inv := newInvestigator(t, with)
	inv.SetDetect(noMark)
	v := examine(t, inv, leaked(t, passport(1), "jpeg50"))
	require.Equal(t, findings.FoundUnmarked, v.Kind, v.Note)
	var pixels []string
	for _, m := range v.References {
		pixels = append(pixels, m.Pixels)
	}
	want := []string{findings.PixelsSame, findings.PixelsTemplate}
	if v.Submission == again.ID {
		want = append(want, findings.PixelsTemplate) // the other passport of the first
	}
	assert.ElementsMatch(t, want, pixels)
	d, err := inv.Weigh(t.Context(), []*findings.Finding{v})
	require.NoError(t, err)
	require.Len(t, d.Case.Leaks, 2, "it may be of either upload")
	assert.True(t, d.Case.Leaks[1].Beside)
	assert.Contains(t, strings.Join(d.Sentences(), " "), "These are the uploads that look most like the upload shown; by the records none is of the same person")
	assert.Contains(t, strings.Join(d.Sentences(), " "), "In 1 of these comparisons the other upload was also found to be the same capture. The same picture may have been submitted twice.")
}

// An issuer gives the second upload of a customer another reference, after the leak: one customer is then two persons, and two
// persons name a recipient.
func TestReferencesThatWereChanged(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	vendors(t, cfg.Registry, "vendor A")
	var copies [][]byte
	var of []watermark.Submission
	for i, subject := range []string{"customer 1", "customer 1", ""} {
		sub := submit(t, s, file(t, []image.Image{passport(70), licence(71), residence()}[i], "jpeg"), subject, feb)
		data, _, _ := issued(t, s, sub.ID, "vendor A")
		of, copies = append(of, sub.ID), append(copies, data)
	}
	with := investigating(cfg)
	persons := func(copies ...[]byte) (int, *findings.Verdict) {
		v := newInvestigator(t, with)
		v.SetDetect(noMark) // they are the files that were issued
		var leaks []*findings.Finding
		for _, data := range copies {
			leaks = append(leaks, examineFile(t, v, data))
		}
		d := standsUp(t, v, leaks...)
		require.Equal(t, len(copies), d.Counts["copy"])
		units := make(map[string]bool)
		for _, l := range d.Case.Leaks {
			units[l.Cluster] = true
		}
		return len(units), d
	}
	with.Found = time.Now().Add(time.Hour)
	set := func(id watermark.Submission, subject string) {
		_, err := cfg.Registry.SetSubjects(t.Context(), map[watermark.Submission]string{id: subject}, "")
		require.NoError(t, err)
	}
	set(of[1], "customer 2")
	n, _ := persons(copies[:2]...)
	assert.Equal(t, 2, n, "it was changed before the find")
	for _, with.Found = range long.Cases(1, time.Now().Add(-time.Minute), time.Time{}) {
		n, d := persons(copies...)
		assert.Equal(t, 1, n)
		assert.Empty(t, d.Named)
		assert.Contains(t, strings.Join(d.Sentences(), " "), "2 uploads shown have no customer reference, or it was changed")
	}
	set(of[2], "customer 3")
	n, _ = persons(copies...)
	assert.Equal(t, 2, n, "it had no reference before")
	set(of[1], "customer 4")
	with.Found = time.Now().Add(time.Hour)
	n, _ = persons(copies[:2]...)
	assert.Equal(t, 1, n, "the files were examined before it was changed, whatever is stated of the find")
	n, _ = persons(copies[0], copies[1], append(bytes.Clone(copies[1]), 0))
	assert.Equal(t, 1, n, "one of them was")
}

// Opponent's story: the references of one customer's uploads were corrected before the find, and are changed back after it. The customer was two persons,
// and named a recipient.
func TestReferencesThatWereChangedBack(t *testing.T) {
	t.Parallel()
	for i, entered := range [][]string{{"passports", "selfies"}, {"", ""}} {
		cfg := leaktest.Config(t)
		s := newIssuer(t, cfg)
		vendors(t, cfg.Registry, "vendor A")
		set := func(id watermark.Submission, subject string) {
			_, err := cfg.Registry.SetSubjects(t.Context(), map[watermark.Submission]string{id: subject}, "")
			require.NoError(t, err)
		}
		var copies [][]byte
		var of []watermark.Submission
		for i, subject := range entered {
			sub := submit(t, s, file(t, []image.Image{passport(70), licence(71)}[i], "jpeg"), subject, feb)
			set(sub.ID, "customer 1")
			data, _, _ := issued(t, s, sub.ID, "vendor A")
			of, copies = append(of, sub.ID), append(copies, data)
		}
		with := investigating(cfg)
		founds := []time.Time{time.Now(), {}}
		if !long.On {
			founds = founds[i : i+1]
		}
		for _, with.Found = range founds {
			set(of[0], cmp.Or(entered[0], "customer 2"))
			v := newInvestigator(t, with)
			v.SetDetect(noMark) // they are the files that were issued
			d := standsUp(t, v, examineFile(t, v, copies[0]), examineFile(t, v, copies[1]))
			require.Equal(t, 2, d.Counts["copy"])
			assert.Empty(t, d.Named)
		}
	}
}
