package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"html"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/odds"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenDump is a verdict with one of everything and a fixed record.
func goldenDump() *findings.Verdict {
	before := found.AddDate(-1, 0, 0)
	leaks := []*findings.Finding{
		leakOf(1, findings.FoundCopy, "vendor A"),
		leakOf(2, findings.FoundCopy, "vendor A", holds("vendor B", before)),
		unconfirmed(leakOf(3, findings.FoundCopy, "authority C")),
		leakOf(4, findings.FoundUnreadable, "", holds("vendor A", before), holds("vendor B", found.AddDate(0, 0, 1))),
		leakOf(5, findings.FoundTransplanted, "vendor B"),
		leakOf(6, findings.FoundLookalike, ""),
		leakOf(7, findings.FoundUnknown, ""),
		leakOf(8, findings.FoundDamaged, ""),
	}
	leaks[6].File = `<script>alert("x")</script> & 'quotes'.jpg`
	d := weighed(dump{leaks: leaks})
	d.Record = findings.Record{
		Run: findings.Run{Time: found, Actor: "A. Examiner", Command: []string{"kycmark", "investigate", "the dump/", "--report", "out.html"},
			Clock: "clock of the machine", Began: found.Add(-time.Minute)},
		Program: findings.Program{Version: "v0.1.0", Go: "go1.26.0", Platform: "linux/amd64", Build: map[string]string{"vcs.revision": "abc"}, Executable: strings.Repeat("0c", 32)},
		Searchable: findings.Searchable{Index: strings.Repeat("0d", 32), Registry: strings.Repeat("0a", 16), Indexed: 12,
			LedgerSize: 40, LedgerHead: strings.Repeat("0b", 32)},
		Containers: []findings.Container{}, Keys: []string{"v1-88be6330e05755a7"}, SealKey: "seal1-f86cb05d14976836",
		Parameters: map[string]string{"hash": "pdq/1", "validation trials": "3000", "leaks found on": "2026-05-01T00:00:00Z", "compared with": "all uploads that are searched"},
	}
	return d
}

func reportOf(t *testing.T, d *findings.Verdict, reveal bool) string {
	t.Helper()
	v, err := investigating(leaktest.Config(t)).Begin()
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &b, d, reveal))
	return b.String()
}

func TestGoldenReport(t *testing.T) {
	got := reportOf(t, goldenDump(), false)
	path := filepath.Join("testdata", "report.html")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, lines := strings.Split(string(readFile(t, path)), "\n"), strings.Split(got, "\n")
	for i := range min(len(want), len(lines)) {
		require.Equal(t, want[i], lines[i], "line %d; go test ./verify -run GoldenReport -update rewrites it", i+1)
	}
	require.Len(t, lines, len(want))
}

func TestReportStandsAlone(t *testing.T) {
	got := reportOf(t, goldenDump(), false)
	require.Equal(t, 1, strings.Count(got, "<script"), "its own, whose digest the policy names")
	digest := sha256.Sum256([]byte(regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindStringSubmatch(got)[1]))
	require.Contains(t, got, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'")
	for _, no := range []string{"http://", "https://", "<link", "<iframe", "@import", "url(", "onload", "javascript:"} {
		assert.NotContains(t, strings.ToLower(got), no)
	}
	require.Contains(t, got, "default-src 'none'")
	require.Contains(t, got, "&lt;script&gt;", "hostile file names are escaped")
	requireCarefulWords(t, "report", html.UnescapeString(got))
}

// What machines read out of a report is what went into it.
func TestReportCarriesItsData(t *testing.T) {
	d := goldenDump()
	maps.Copy(d.Record.Parameters, verify.Method())
	got := reportOf(t, d, false)
	text, err := recheck.InReport([]byte(got))
	require.NoError(t, err)
	back, err := recheck.Read(bytes.NewReader(text))
	require.NoError(t, err)
	for _, v := range d.Findings {
		verify.SetMarked(v, "") // for counting only, like the next
		verify.SetSubject(v, "")
	}
	require.Equal(t, d.Findings, back.Leaks)
	require.Equal(t, d.Record, back.Verdict.Record)
	require.Equal(t, d.Headline, back.Verdict.Headline)
	require.NoError(t, recheck.CheckVerdict(back))
}

// Recipients that no finding concerns have no name in a redacted report, nor in its data:
// that an authority asked for pictures is nobody's business.
func TestReportNamesWhomFindingsConcern(t *testing.T) {
	d := goldenDump()
	got := reportOf(t, d, false)
	for _, name := range []string{"authority C", ">store", `&#34;store`, "authority"} {
		assert.NotContains(t, got, name)
	}
	for _, name := range []string{"vendor A", "vendor B", "recipient 1", "recipient 2", "2 recipients are called by numbers"} {
		assert.Contains(t, got, name)
	}
	text, err := recheck.InReport([]byte(got))
	require.NoError(t, err)
	f, err := recheck.Read(bytes.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, 2, f.Hidden)
	require.Equal(t, d.Named, f.Verdict.Named)
	require.Equal(t, ratios(d), ratios(f.Verdict), "the names do not matter")
	require.Contains(t, d.Case.Holders, odds.Holder{Name: "store", Copies: d.Case.Holders[0].Copies}, "the verdict itself is as it was")
	f.Hidden = 1
	require.ErrorIs(t, recheck.CheckVerdict(f), findings.ErrUnsound)
}

func ratios(d *findings.Verdict) (out []float64) {
	for _, h := range d.Odds.Recipients {
		out = append(out, h.LogE, h.Raw)
	}
	return out
}

// Even a verdict that somebody filled in by hand names nobody beside a read that confirms nothing.
func TestReportNamesNobodyBesideUnconfirmedReads(t *testing.T) {
	leaks := []*findings.Finding{leakOf(1, findings.FoundTransplanted, "vendor B"), unconfirmed(leakOf(2, findings.FoundCopy, "vendor B"))}
	for _, v := range leaks {
		v.Recipients, v.Issued = []string{"vendor B"}, []books.Copy{{ID: 1, Recipient: "vendor B"}}
	}
	d := weighed(dump{leaks: leaks})
	d.Record = goldenDump().Record
	page, _, _ := strings.Cut(reportOf(t, d, false), "<pre id=")
	require.NotContains(t, page, "vendor B", "nor in the tables")
	require.Contains(t, page, "recipient 3")
	require.Contains(t, page, "mark of copy")
}

func TestReportOfNothing(t *testing.T) {
	v := newInvestigator(t, investigating(leaktest.Config(t)))
	var b bytes.Buffer
	for _, d := range []dump{{}, {leaks: []*findings.Finding{closed(1, findings.FoundDamaged), closed(2, findings.FoundNoPicture)}}} {
		var nothing *verify.NothingError
		require.ErrorAs(t, v.WriteReport(t.Context(), &b, weighed(d), false), &nothing)
		require.Len(t, nothing.Files, len(d.leaks))
		require.Zero(t, b.Len())
	}
}

// Redacted reports hold no subject references and no picture in which anybody could be recognised.
func TestRedaction(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	v := c.investigator(t, noMark)
	leak, err := v.File(t.Context(), "x.jpg", file(t, c.first, "jpeg"))
	require.NoError(t, err)
	d, err := v.Weigh(t.Context(), []*findings.Finding{leak})
	require.NoError(t, err)
	var redacted, revealed bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &redacted, d, false))
	require.NoError(t, v.WriteReport(t.Context(), &revealed, d, true))
	require.NotContains(t, redacted.String(), "customer 1")
	require.NotContains(t, redacted.String(), "image/jpeg;base64")
	require.Less(t, longest(redacted.String(), `base64,[A-Za-z0-9+/&#;=]+`), 900, "mosaics only")
	require.Contains(t, revealed.String(), "customer 1")
	require.Contains(t, revealed.String(), "contains personal data")
	require.LessOrEqual(t, verify.MosaicSide, 12)
}

func longest(text, pattern string) (n int) {
	for _, m := range regexp.MustCompile(pattern).FindAllString(text, -1) {
		n = max(n, len(m))
	}
	return n
}

func TestWeighRecordsHowItWasDone(t *testing.T) {
	c := newCase(t)
	now := time.Date(2026, 5, 2, 10, 0, 0, 0, time.UTC)
	c.Command, c.Actor, c.Found = []string{"kycmark", "investigate", "x"}, "examiner", found
	v := c.investigator(t, noMark)
	v.SetClock(func() time.Time { return now })
	d, err := v.Weigh(t.Context(), nil)
	require.NoError(t, err)
	size, head, err := c.Registry.Ledger().Check(t.Context())
	require.NoError(t, err)
	r := d.Record
	assert.Equal(t, now, r.Time)
	assert.Equal(t, "examiner", r.Actor)
	assert.Equal(t, c.Command, r.Command)
	assert.Equal(t, size, r.LedgerSize)
	assert.Equal(t, head, r.LedgerHead)
	assert.Equal(t, 3, r.Indexed)
	assert.Equal(t, []string{leaktest.Key().ID()}, r.Keys)
	assert.Equal(t, "2026-05-01T00:00:00Z", r.Parameters["leaks found on"])
	assert.Regexp(t, `^go1\.`, r.Go)
	assert.NotEmpty(t, r.Version)
	assert.NotEmpty(t, r.Platform)
}
