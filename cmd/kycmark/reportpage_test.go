package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tetratelabs/wazero"

	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/internal/wasm"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

// What a report must be in a browser, on a desk and on a telephone, and on paper. With
// KYCMARK_SHOTS=DIR the tests leave there what they see.

func TestGoldenReportInBrowser(t *testing.T) {
	t.Parallel()
	reportInBrowser(t, browserOrSkip(t), "../../verify/testdata/report.html")
}

// A dump of many pages, with names that do not break and names that want to be markup.
func TestLongReportInBrowser(t *testing.T) {
	t.Parallel()
	browser := browserOrSkip(t)
	cfg := leaktest.Config(t)
	investigator, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Keys: []*watermark.Key{cfg.Key}, SealKey: cfg.SealKey})
	require.NoError(t, err)
	inv, err := investigator.Begin(nil)
	require.NoError(t, err)
	var leaks []*findings.Finding
	var dot bytes.Buffer
	require.NoError(t, png.Encode(&dot, image.NewGray(image.Rect(0, 0, 9, 9))))
	for i := range 70 {
		data := fmt.Appendf(nil, "no picture %d", i)
		if i == 0 {
			data = dot.Bytes()
		}
		v, err := inv.File(t.Context(), fmt.Sprintf("dump/%s%d.jpg", strings.Repeat("long_name<b>", i%7), i), data)
		require.NoError(t, err)
		leaks = append(leaks, v)
	}
	d, err := inv.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "long.html")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, inv.WriteReport(t.Context(), f, d, false))
	require.NoError(t, f.Close())
	reportInBrowser(t, browser, path)
}

// browse opens the report of a script.
func browse(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1)
	browser, err := pages.Program()
	ts.Check(err)
	t := &scriptT{TestScript: ts}
	reportInBrowser(t, browser, ts.MkAbs(args[0]))
	if t.failed {
		ts.Fatalf("%s is not what it must be in a browser", args[0])
	}
}

// A scriptT lets assertions speak within a script.
type scriptT struct {
	*testscript.TestScript
	failed bool
}

func (t *scriptT) Errorf(format string, args ...any) {
	t.Logf(format, args...)
	t.failed = true
}

func (t *scriptT) FailNow() { t.Fatalf("it cannot go on") }

func reportInBrowser(t require.TestingT, browser, file string) {
	p, stop, err := open(context.Background(), browser, file, 1100)
	require.NoError(t, err)
	defer stop()
	for _, width := range []int64{1100, 420} {
		require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(width, 900)))
		p.fits(t, width)
		p.shoot(t, fmt.Sprintf("%s-%d.png", strings.TrimSuffix(filepath.Base(file), ".html"), width))
	}
	require.NoError(t, chromedp.Do(p.ctx, chromedp.EmulateViewport(1100, 900)))
	p.prints(t, file) // before rows are sorted and hidden
	p.worksByKeyboard(t)
	p.blursFaces(t)
	requests, said := p.heard()
	assert.Empty(t, said, "on the console")
	for _, r := range requests {
		assert.True(t, r == fileURL(file) || strings.HasPrefix(r, "data:image/"), "asked for %.100s", r)
	}
	p.keepsItsPolicy(t)
}

// fits looks whether anything runs out of its place.
func (p *opened) fits(t require.TestingT, width int64) {
	out, err := eval[[]string](p, `[...document.querySelectorAll("body *")].filter(e => {
		const r = e.getBoundingClientRect();
		if (r.width === 0 || e.closest("select")) return false;
		return r.right > document.documentElement.clientWidth + .5 || e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
	}).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60))`)
	require.NoError(t, err)
	assert.Empty(t, out, "at %d pixels", width)
	whole, err := eval[int64](p, `document.documentElement.scrollWidth`)
	require.NoError(t, err)
	assert.LessOrEqual(t, whole, width)
}

// worksByKeyboard sorts and filters with keys alone.
func (p *opened) worksByKeyboard(t require.TestingT) {
	all := p.rows(t)
	require.Greater(t, len(all), 1)
	p.tabTo(t, `document.activeElement.id === "filter"`)
	word := all[len(all)-1].File
	p.press(t, word)
	want := slices.DeleteFunc(slices.Clone(all), func(r tableRow) bool { return !strings.Contains(r.Text, strings.ToLower(word)) })
	require.Less(t, len(want), len(all))
	assert.Equal(t, want, p.rows(t), "what was typed filters")
	assert.Equal(t, fmt.Sprintf("%d of %d shown", len(want), len(all)), p.says(t))
	p.press(t, strings.Repeat(kb.Backspace, len(word)))
	assert.Equal(t, all, p.rows(t))

	p.press(t, kb.Tab+kb.ArrowDown)
	kind, err := eval[string](p, `document.activeElement.value`)
	require.NoError(t, err)
	require.NotEmpty(t, kind, "the first finding is chosen")
	for _, r := range p.rows(t) {
		assert.Equal(t, kind, r.Finding)
	}
	p.press(t, kb.ArrowUp)
	assert.Equal(t, all, p.rows(t))

	p.tabTo(t, `document.activeElement.tagName === "BUTTON" && document.activeElement.textContent === "file"`)
	p.press(t, kb.Enter)
	assert.Equal(t, []string{"file ascending"}, p.sorted(t))
	assert.Equal(t, fmt.Sprintf("%d of %d shown, sorted by file, ascending", len(all), len(all)), p.says(t))
	up := p.rows(t)
	p.press(t, " ")
	assert.Equal(t, []string{"file descending"}, p.sorted(t))
	down := p.rows(t)
	require.Len(t, down, len(all))
	assert.NotEqual(t, up, down)
	slices.Reverse(down)
	assert.Equal(t, files(up), files(down))
	p.press(t, kb.Tab+kb.Enter)
	assert.Equal(t, []string{"finding ascending"}, p.sorted(t), "the next column")
	findings := p.rows(t)
	assert.True(t, slices.IsSortedFunc(findings, func(a, b tableRow) int { return strings.Compare(a.Finding, b.Finding) }))
	assert.ElementsMatch(t, all, findings, "no row is lost")
}

type tableRow struct{ File, Finding, Text string }

func files(rows []tableRow) (out []string) {
	for _, r := range rows {
		out = append(out, r.File)
	}
	return out
}

// rows are those of the table of findings that can be seen.
func (p *opened) rows(t require.TestingT) []tableRow {
	out, err := eval[[]tableRow](p, `[...document.getElementById("leaks").tBodies[0].rows].filter(r => r.getBoundingClientRect().height > 0)
		.map(r => ({File: r.querySelector(".file a").textContent, Finding: r.dataset.finding, Text: r.textContent.toLowerCase()}))`)
	require.NoError(t, err)
	return out
}

// sorted are the columns that say that the table is sorted by them.
func (p *opened) sorted(t require.TestingT) []string {
	out, err := eval[[]string](p, `[...document.querySelectorAll("th[aria-sort]")].map(h => h.textContent + " " + h.getAttribute("aria-sort"))`)
	require.NoError(t, err)
	return out
}

// says is what is announced.
func (p *opened) says(t require.TestingT) string {
	out, err := eval[string](p, `document.querySelector("[role=status]").textContent`)
	require.NoError(t, err)
	return out
}

func (p *opened) press(t require.TestingT, keys string) {
	require.NoError(t, chromedp.Do(p.ctx, chromedp.KeyEvent(keys)))
}

// tabTo goes on to the element for which a script holds.
func (p *opened) tabTo(t require.TestingT, script string) {
	for range 30 {
		p.press(t, kb.Tab)
		there, err := eval[bool](p, script)
		require.NoError(t, err)
		if there {
			seen, err := eval[string](p, `getComputedStyle(document.activeElement).outlineStyle`)
			require.NoError(t, err)
			require.NotEqual(t, "none", seen, "that it has the focus can be seen")
			return
		}
	}
	require.Fail(t, "not reached by Tab", script)
}

// blursFaces looks at the pictures of the leaks: a few fields of colour, unless the report
// was asked to reveal them.
func (p *opened) blursFaces(t require.TestingT) {
	sides, err := eval[[]int](p, `[...document.querySelectorAll("img")].filter(i => i.complete).map(i => Math.max(i.naturalWidth, i.naturalHeight))`)
	require.NoError(t, err)
	revealed, err := eval[bool](p, `document.body.classList.contains("revealed")`)
	require.NoError(t, err)
	for _, side := range sides {
		if revealed {
			assert.Greater(t, side, 100)
		} else {
			assert.True(t, side > 0 && side <= 12, "%d pixels", side)
		}
	}
	seal, err := eval[string](p, `document.querySelector(".seal").textContent`)
	require.NoError(t, err)
	assert.Equal(t, map[bool]string{true: "contains personal data", false: "redacted"}[revealed], seal)
}

// keepsItsPolicy tries what the page forbids.
func (p *opened) keepsItsPolicy(t require.TestingT) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	refused, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](`new Promise(done => {
		let refused = 0;
		document.addEventListener("securitypolicyviolation", () => { if (++refused === 3) done(refused); });
		fetch("`+server.URL+`").catch(() => {});
		new Image().src = "`+server.URL+`/x.png";
		const s = document.createElement("script");
		s.textContent = "document.title = 'run'";
		document.body.append(s);
	})`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	assert.Equal(t, 3, refused, "a request, a picture and a script")
	assert.Zero(t, asked.Load())
}

// prints looks at the pages of paper.
func (p *opened) prints(t require.TestingT, file string) {
	// Each list is what must stand on one page: the cells of a row.
	together, err := eval[[][]string](p, `[...document.querySelectorAll("tr")].map(r => [...r.cells].map(c => c.textContent))`)
	require.NoError(t, err)
	heads, err := eval[[]string](p, `[...document.querySelectorAll("section:not(.screen) h2, section:not(.screen) h3")].map(h => h.textContent)`)
	require.NoError(t, err)
	data, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize(), chromedp.PDFPrintBackground()))
	require.NoError(t, err)
	if dir := os.Getenv("KYCMARK_SHOTS"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)+".pdf"), data, 0o600))
	}
	pages := printed(t, data)
	require.GreaterOrEqual(t, len(pages), 3)
	exhibits, err := eval[int](p, `document.querySelectorAll(".leak").length`)
	require.NoError(t, err)
	require.LessOrEqual(t, len(pages), 4+exhibits/12, "the report of the demo is four pages")
	for i, page := range pages {
		assert.Contains(t, page, fmt.Sprintf("%d/%d", i+1, len(pages)), "the foot of page %d", i+1)
		assert.Regexp(t, `Reportof\d{4}-\d\d-\d\d.*findings[0-9a-f]{16}`, page)
		assert.Greater(t, len(page), 200, "page %d has hardly a word", i+1)
	}
	for _, parts := range together {
		missing := parts // on the page that has most of them
		for _, page := range pages {
			if m := without(parts, page); len(m) < len(missing) {
				missing = m
			}
		}
		assert.Empty(t, missing, "cut by the end of a page: %.300q", parts)
	}
	for _, head := range heads {
		i := slices.IndexFunc(pages, func(page string) bool { return strings.Contains(page, squeezed(head)) })
		if assert.GreaterOrEqual(t, i, 0, "%s is not printed", head) {
			_, after, _ := strings.Cut(pages[i], squeezed(head))
			after = foot.ReplaceAllString(after, "")
			assert.Greater(t, len(after), 30, "%s stands alone at the end of a page", head)
		}
	}
}

// without are the parts that a page does not have. A hyphen at the end of a line is no hyphen in the
// text of a page, so that hyphens do not count.
func without(parts []string, page string) []string {
	plain := func(s string) string { return strings.ReplaceAll(squeezed(s), "-", "") }
	return slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return strings.Contains(plain(page), plain(s)) })
}

var foot = regexp.MustCompile(`Reportof\d{4}-.{60,120}$`)

// readers is started by the first report that is printed: compiling PDFium takes seconds.
var readers = sync.OnceValues(func() (pdfium.Pool, error) {
	return webassembly.Init(webassembly.Config{MaxTotal: 4, RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(wasm.Cache)})
})

// printed returns the text of each page without its white space. All pages must be A4.
func printed(t require.TestingT, data []byte) (pages []string) {
	pool, err := readers()
	require.NoError(t, err)
	engine, err := pool.GetInstance(time.Minute)
	require.NoError(t, err)
	defer engine.Close()
	d, err := engine.OpenDocument(&requests.OpenDocument{File: &data})
	require.NoError(t, err)
	count, err := engine.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: d.Document})
	require.NoError(t, err)
	for n := range count.PageCount {
		page := requests.Page{ByIndex: &requests.PageByIndex{Document: d.Document, Index: n}}
		size, err := engine.GetPageSize(&requests.GetPageSize{Page: page})
		require.NoError(t, err)
		assert.InDelta(t, 595, size.Width, 1.5, "A4 is 210 mm wide")
		assert.InDelta(t, 842, size.Height, 1.5, "and 297 mm high")
		text, err := engine.GetPageText(&requests.GetPageText{Page: page})
		require.NoError(t, err)
		pages = append(pages, squeezed(text.Text))
	}
	return pages
}

// squeezed is text without what printing changes: white space and hyphens at line ends.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '\ufffe' || r == '\u00ad' || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

func (p *opened) shoot(t require.TestingT, name string) {
	dir := os.Getenv("KYCMARK_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), png, 0o600))
}
