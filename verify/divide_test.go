package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// dividedDump is a folder with pictures, a repetition, a damaged file and one that is no picture.
func dividedDump(t *testing.T, c *caseFile) string {
	t.Helper()
	dir := t.TempDir()
	for name, img := range map[string]image.Image{"1.jpg": c.marked, "2.jpg": c.second, "3.jpg": stranger(), "4.jpg": c.marked} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file(t, img, "jpeg"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "6.jpg"), []byte("\xff\xd8\xff damaged"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "7.txt"), []byte("a text"), 0o600))
	return dir
}

// dated is a configuration of leaks that were found on a day.
func dated(cfg setup) setup {
	cfg.Found = time.Date(2026, 6, 1, 0, 0, 0, 0, time.FixedZone("CEST", 7200))
	return cfg
}

// partRun examines a part of a dump and returns the verdicts with their investigator.
func partRun(t *testing.T, c *caseFile, part verify.Part, dir string) (*verify.Investigation, []*findings.Finding) {
	t.Helper()
	of := *c
	of.setup = dated(c.setup)
	of.Part = part
	v := of.investigator(t, noMark)
	var leaks []*findings.Finding
	for l, err := range v.Files(t.Context(), dir) {
		require.NoError(t, err)
		leaks = append(leaks, l)
	}
	return v, leaks
}

// partOf returns what is written of a part.
func partOf(t *testing.T, c *caseFile, part verify.Part, dir string) []byte {
	t.Helper()
	v, leaks := partRun(t, c, part, dir)
	var b bytes.Buffer
	require.NoError(t, v.WritePart(t.Context(), &b, leaks, true))
	return b.Bytes()
}

// joined joins parts with an investigator of their own.
func joined(t *testing.T, cfg setup, parts ...[]byte) (*verify.Investigation, []*findings.Finding, error) {
	t.Helper()
	v := newInvestigator(t, dated(cfg))
	leaks, err := v.Join(t.Context(), parts...)
	return v, leaks, err
}

// outputs are the findings and the report of a dump, with the record of another.
func outputs(t *testing.T, v *verify.Investigation, d *findings.Verdict, record *findings.Verdict) string {
	t.Helper()
	same := *d
	same.Record = record.Record
	var b bytes.Buffer
	require.NoError(t, v.WriteFindings(t.Context(), &b, &same, false))
	require.NoError(t, v.WriteReport(t.Context(), &b, &same, true))
	return b.String()
}

// However a dump is divided, findings, verdict and report are those of one run, byte for byte; and a later run does not take the parts for other files.
func TestPartsAreOneRun(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	dir := dividedDump(t, c)
	v, leaks := partRun(t, c, verify.Part{}, dir)
	whole, err := v.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	want := outputs(t, v, whole, whole)
	for _, of := range []int{5} { // one part has two files, and one no picture
		c := newCase(t)
		var parts [][]byte
		for k := range of {
			parts = append(parts, partOf(t, c, verify.Part{Number: k + 1, Of: of}, dir))
		}
		v, leaks, err := joined(t, c.setup, parts...)
		require.NoError(t, err)
		d, err := v.Weigh(t.Context(), leaks)
		require.NoError(t, err)
		require.Equal(t, want, outputs(t, v, d, whole), "%d parts", of)
		require.Len(t, d.Record.Logged, min(of, 4), "a part without a picture is not entered")

		var b bytes.Buffer
		require.NoError(t, v.WriteFindings(t.Context(), &b, d, false))
		f, err := recheck.Read(&b)
		require.NoError(t, err)
		require.NoError(t, recheck.CheckLeaks(f))
		require.NoError(t, recheck.CheckVerdict(f))

		copied := t.TempDir() // a copy, and nothing else
		require.NoError(t, os.Rename(filepath.Join(dir, "1.jpg"), filepath.Join(copied, "1.jpg")))
		v, leaks = partRun(t, c, verify.Part{}, copied)
		require.NoError(t, os.Rename(filepath.Join(copied, "1.jpg"), filepath.Join(dir, "1.jpg")))
		again, err := v.Weigh(t.Context(), leaks)
		require.NoError(t, err)
		require.NotEmpty(t, again.Earlier)
		require.Equal(t, again.Earlier[0].Found, again.Findings[0].Known)
		text, err := json.Marshal(again.Case)
		require.NoError(t, err)
		require.NotContains(t, string(text), `"public"`, "these copies were found in these files alone")
	}
}

// Investigators that share what they read of the registry find what others find, also beside each other and
// after an erasure.
func TestSharedSearch(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys = nil // what is traced, others test
	dir := dividedDump(t, c)
	base, err := verify.NewInvestigator(c.Config)
	require.NoError(t, err)
	for together := 1; together <= 2; together++ {
		_, want := partRun(t, c, verify.Part{Number: 1, Of: 2}, dir)
		var wg sync.WaitGroup
		for range together {
			wg.Go(func() {
				cfg := c.setup
				cfg.Part = verify.Part{Number: 1, Of: 2}
				cfg.Found = time.Date(2026, 6, 1, 0, 0, 0, 0, time.FixedZone("CEST", 7200))
				v, err := base.Begin(&cfg.Options)
				require.NoError(t, err)
				v.SetDetect(noMark)
				var leaks []*findings.Finding
				for l, err := range v.Files(t.Context(), dir) {
					require.NoError(t, err)
					leaks = append(leaks, l)
				}
				a, err := json.Marshal(want)
				require.NoError(t, err)
				b, err := json.Marshal(leaks)
				require.NoError(t, err)
				require.JSONEq(t, string(a), string(b))
			})
		}
		wg.Wait()
		for s, err := range c.Registry.Submissions(t.Context(), time.Time{}) {
			require.NoError(t, err)
			_, err = c.Registry.EraseSubmissions(t.Context(), []watermark.Submission{s.ID}, "", "")
			require.NoError(t, err)
			break
		}
	}
}

// A part that is missing, double, out of order, cut, altered or of another dump is named, and nothing is weighed.
func TestPartsThatDoNotFit(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	dir := dividedDump(t, c)
	for _, name := range []string{"2.jpg", "4.jpg"} { // part two has no picture that takes a second
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file(t, stranger(), "jpeg"), 0o600))
	}
	one, two := partOf(t, c, verify.Part{Number: 1, Of: 2}, dir), partOf(t, c, verify.Part{Number: 2, Of: 2}, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "8.txt"), []byte("more"), 0o600))
	more := partOf(t, c, verify.Part{Number: 2, Of: 2}, dir)
	lines := bytes.SplitAfter(one, []byte("\n"))
	text := string(one)
	for name, x := range map[string]struct {
		parts [][]byte
		says  string
	}{
		"missing":         {[][]byte{two}, "part 1/1: it is no such part"},
		"double":          {[][]byte{one, one}, "part 2/2: it is no such part"},
		"out of order":    {[][]byte{two, one}, "part 1/2: it is no such part"},
		"another dump":    {[][]byte{one, more}, "part 2/2: it is of another dump"},
		"cut short":       {[][]byte{bytes.Join(lines[:3], nil), two}, "part 1/2: it is cut short: file 5 of the dump is not in it"},
		"cut in a line":   {[][]byte{one[:len(one)-5], two}, "part 1/2: it is damaged: file 5 of the dump"},
		"a line too many": {[][]byte{append(slices.Clone(one), lines[1]...), two}, "part 1/2: it is damaged: file 7 of the dump"},
		"too many files":  {[][]byte{[]byte(strings.Replace(text, `"files":6`, `"files":3000000`, 1)), two}, "no such part of a dump"},
		"no part":         {[][]byte{[]byte("{}\n")}, "no such part of a dump"},
		"a state file":    {[][]byte{[]byte(`{"kycmark_state":1}` + "\n")}, "no such part of a dump"},
		"another finding": {[][]byte{[]byte(strings.Replace(text, `"finding":"copy"`, `"finding":"unmarked"`, 1)), two}, "1.jpg"},
		"another file":    {[][]byte{[]byte(strings.Replace(text, `"sha256":"`, `"sha256":"00`, 1)), two}, "1.jpg"},
		"another version": {[][]byte{[]byte(strings.Replace(text, `"version":"`, `"version":"x`, 1)), two}, "another registry, program, set of keys"},
		"another claim":   {[][]byte{[]byte(strings.Replace(text, `"Claimed":0`, `"Claimed":9`, 1)), two}, "it is of another dump, or was examined"},
		"another entry":   {[][]byte{[]byte(strings.Replace(text, `"logged":[`, `"logged":[1,`, 1)), two}, "entry 1 of the ledger is no investigation"},
		"no entry":        {[][]byte{[]byte(strings.Replace(text, `"logged":[`, `"logged":[],"x":[`, 1)), two}, "the ledger does not say that it was examined"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := joined(t, c.setup, x.parts...)
			require.ErrorIs(t, err, registry.ErrInput)
			require.ErrorContains(t, err, x.says)
		})
	}
	for _, x := range []struct {
		sum  books.Digest
		fits bool
	}{{sha256.Sum256(readFile(t, filepath.Join(dir, "1.jpg"))), true}, {sha256.Sum256([]byte("another")), false}} {
		cfg := c.setup
		cfg.Sums = map[string]books.Digest{filepath.Join(dir, "1.jpg"): x.sum}
		if _, _, err := joined(t, cfg, one, two); x.fits {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, registry.ErrInput)
			require.ErrorContains(t, err, "1.jpg\": SHA-256")
		}
	}
	_, err := c.base.Begin(&verify.Options{Part: verify.Part{Number: 3, Of: 2}})
	require.ErrorIs(t, err, registry.ErrInput)
}

func FuzzJoin(f *testing.F) {
	f.Add([]byte(`{"kycmark_state":1,"number":1,"of":1,"files":1}` + "\n" + `{"verdict":{"file":"a"}}` + "\n"))
	f.Add([]byte(`{"kycmark_state":1,"number":1,"of":1,"files":1000000000}` + "\n"))
	cfg := investigating(leaktest.Config(f))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := cfg.Begin()
		require.NoError(t, err)
		_, err = v.Join(t.Context(), text)
		require.ErrorIs(t, err, registry.ErrInput, fmt.Sprintf("%.100q", text))
	})
}
