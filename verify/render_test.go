package verify_test

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/report"
)

// Not one byte of a report can be edited, by whoever has whatever key.
func TestEveryByteOfTheReportIsHeld(t *testing.T) {
	t.Parallel()
	plain, _, page := richDump(t)
	f := readFindings(t, plain)
	require.NoError(t, report.Check(f, []byte(page)))
	from := strings.Index(page, `<pre id="findings"`)
	begin := strings.LastIndex(page[:from], "<footer>")
	for i := range long.Number(60, 300) {
		edited := []byte(page)
		at := rand.New(rand.NewPCG(1, uint64(i))).IntN(begin)
		switch i % 3 {
		case 0:
			edited[at] ^= 1
		case 1:
			edited = append(edited[:at], edited[at+1:]...)
		default:
			edited = append(edited[:at+1], edited[at:]...)
		}
		require.ErrorIs(t, report.Check(f, edited), findings.ErrUnsound, "byte %d, %q", at, page[max(0, at-20):at+20])
	}
	for name, edited := range map[string]string{
		"cut":           page[:len(page)-1],
		"longer":        page + "\n",
		"the script":    strings.Replace(page, "filter();", "filter() ;", 1),
		"no thumbnails": strings.ReplaceAll(page, "base64,", "base64,A"),
		"other data":    strings.Replace(page, "&#34;matched&#34;: ", "&#34;matched&#34;: 1", 1),
		"nothing":       "",
	} {
		require.NotEqual(t, page, edited, name)
		assert.ErrorIs(t, report.Check(f, []byte(edited)), findings.ErrUnsound, name)
	}
	f.Verdict.Headline += " Indeed."
	assert.ErrorIs(t, report.Check(f, []byte(page)), findings.ErrUnsound, "of other findings")
}

// Checks go on where one failed: what a forger wrote is refused by each, and ends none.
func TestReportOfForgedPlaces(t *testing.T) {
	plain, _, page := richDump(t)
	for name, edit := range map[string]func(d *findings.Verdict){
		"beyond the leaks": func(d *findings.Verdict) { d.Of[0] = len(d.Findings) },
		"negative":         func(d *findings.Verdict) { d.Of[0] = -1 },
		"too many":         func(d *findings.Verdict) { d.Of = append(d.Of, 0) },
	} {
		f := readFindings(t, plain)
		edit(f.Verdict)
		forged := strings.Replace(page, htmlText(t, readFindings(t, plain)), htmlText(t, f), 1)
		require.NotEqual(t, page, forged)
		assert.ErrorIs(t, recheck.CheckVerdict(f), findings.ErrUnsound, name)
		assert.ErrorIs(t, report.Check(f, []byte(forged)), findings.ErrUnsound, name)
	}
}

// What another version wrote differs in words, which are for that version to check; a number
// that differs does not hold.
func TestWordsOfAnotherVersionAreNotCompared(t *testing.T) {
	plain, _, page := richDump(t)
	change := func(edit func(*findings.File)) *findings.File {
		f := readFindings(t, plain)
		f.Verdict.Record.Version, f.Verdict.Record.Executable = "v0.0.1", strings.Repeat("0", 64)
		edit(f)
		text, err := verify.Encode(f)
		require.NoError(t, err)
		return readFindings(t, string(text))
	}
	same := change(func(*findings.File) {})
	assert.NoError(t, recheck.CheckLeaks(same), "its words are ours")
	assert.NoError(t, recheck.CheckVerdict(same))
	carrying := strings.Replace(page, htmlText(t, readFindings(t, plain)), htmlText(t, same), 1)
	err := report.Check(same, []byte(carrying))
	assert.ErrorIs(t, err, findings.ErrVersion)
	assert.ErrorContains(t, err, "written by kycmark v0.0.1, this is ")

	words := change(func(f *findings.File) {
		f.Leaks[0].Note = "Shows more of it."
		f.Verdict.Headline = "Something was found."
		for _, list := range []*[]string{&f.Verdict.Strength, &f.Verdict.Weakens, &f.Verdict.Helps, &f.Verdict.ShowsNot, &f.Verdict.Details, &f.Verdict.Public} {
			*list = append(*list, "One more sentence.")
		}
	})
	assert.ErrorIs(t, recheck.CheckLeaks(words), findings.ErrVersion)
	err = recheck.CheckVerdict(words)
	assert.ErrorIs(t, err, findings.ErrVersion)
	assert.ErrorContains(t, err, "words not compared, numbers are")
	numbers := change(func(f *findings.File) {
		f.Leaks[0].Note, f.Verdict.Headline = "Shows more of it.", "Something was found."
		*f.Leaks[0].LogP--
		f.Verdict.Odds.Recipients[0].LogE++
	})
	for _, err := range []error{recheck.CheckLeaks(numbers), recheck.CheckVerdict(numbers)} {
		assert.ErrorIs(t, err, findings.ErrUnsound)
		assert.NotErrorIs(t, err, findings.ErrVersion)
		assert.ErrorContains(t, err, "written by kycmark v0.0.1")
	}
	text, err := verify.Encode(same)
	require.NoError(t, err)
	_, err = recheck.Read(bytes.NewReader(bytes.Replace(text, []byte("{"), []byte(`{"field of v0.0.1": 1,`), 1)))
	assert.ErrorContains(t, err, "written by kycmark v0.0.1", "in a form that this version does not have")

	names := change(func(f *findings.File) { f.Verdict.Odds.Recipients[0].Name = "somebody else" })
	assert.ErrorIs(t, recheck.CheckVerdict(names), findings.ErrUnsound, "a recipient is not a word")
}

// htmlText is findings as a page has them.
func htmlText(t *testing.T, f *findings.File) string {
	t.Helper()
	text, err := verify.Encode(f)
	require.NoError(t, err)
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;").Replace(string(text))
}

// The page lists days; if they are many it lists months, and then years. Each upload counts once, and uploads
// without a time come last.
func TestReportListsTimes(t *testing.T) {
	for unit, want := range map[int][]string{1: {"2018-02-14", "2018-02-15"}, 20: {"2018-02", "2018-03"}, 800: {"2018", "2019"}} {
		var leaks []*findings.Finding
		for i := range 30 {
			v := leakOf(i+1, findings.FoundCopy, "vendor A")
			if v.Submitted = v.Submitted.AddDate(0, 0, i*unit/2); i == 29 {
				v.Submitted = time.Time{}
			}
			leaks = append(leaks, v)
		}
		d := weighed(dump{leaks: append(leaks, leaks[0])})
		d.Record = goldenDump().Record
		page := reportOf(t, d, false)
		rows := regexp.MustCompile(`<td class="day">(.*?)</td>.*?<td class="n">(\d+)</td>`).FindAllStringSubmatch(page, -1)
		require.GreaterOrEqual(t, len(rows), 3)
		require.Equal(t, want, []string{rows[0][1], rows[1][1]})
		require.Equal(t, []string{"not known", "1"}, rows[len(rows)-1][1:])
		n := 0
		for _, r := range rows {
			k, err := strconv.Atoi(r[2])
			require.NoError(t, err)
			n += k
		}
		require.Equal(t, 30, n)
	}
}

// The first page names only recipients of confirmed copies, holders of uploads that leaks show, and parties that had these.
func TestFirstPageNamesWhomFindingsConcern(t *testing.T) {
	t.Parallel()
	named := 0
	for name, x := range dumps() {
		d := weighed(x)
		if strings.HasPrefix(d.Headline, "Inconclusive: no picture was examined") {
			continue // a page of nothing is refused
		}
		d.Record = goldenDump().Record
		page, _, found := strings.Cut(reportOf(t, d, false), "<h2>The exhibits")
		require.True(t, found)
		for _, r := range recipients {
			if regexp.MustCompile(`\b` + r.Name + `\b`).MatchString(page) {
				assert.True(t, slices.ContainsFunc(findings.Views(d.Findings), func(l *findings.Finding) bool {
					held := func(c books.Custody) bool { return c.Recipient == r.Name }
					return slices.Contains(l.MayNames(), r.Name) || slices.ContainsFunc(l.EveryCustody(), held)
				}), "%s: %s", name, r.Name)
				named++
			}
		}
		for _, n := range d.Named {
			assert.Contains(t, page, n, name)
		}
	}
	assert.Greater(t, named, 5)
}
