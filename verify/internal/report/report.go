// Package report writes findings as one HTML page, and checks such a page. It opens no registry.
package report

import (
	"cmp"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/watermark"
)

// ReportView is what the template sees.
type ReportView struct {
	*findings.Verdict
	Written *findings.File
	Digest  string // of findings.json, SHA-256 in hex
	Folder  string // that all files lie in, with its last slash; "": none
	CSS     template.CSS
	JSON    string
	Rows    []reportRow

	Script     template.JS
	ScriptHash template.HTMLAttr // of the content security policy
	Periods    []period
	CouldHold  []couldHold
	CouldNot   int // recipients that could hold none of the leaked uploads
}

// NamedAlone returns the number of submissions, in decimal, if only named ones were searched; else "".
func (r ReportView) NamedAlone() string {
	if n := r.Record.Parameters[recheck.ComparedWith]; n != recheck.AllUploads {
		return n
	}
	return ""
}

type reportRow struct {
	*findings.Finding
	Number    int
	Name      string // without the folder
	Thumbnail template.URL
	Upload    template.URL // of the original of the leak's submission; "": it was not opened
	Subject   string
}

// Files returns the number of files that were given. A document of several pages is one file.
func (r ReportView) Files() int {
	files := make(map[string]bool)
	for _, l := range r.Findings {
		if file, page := picture.FileOf(l.File); page {
			files[file] = true
		}
	}
	return r.Leaks - r.Pages() + len(files)
}

// Pages returns how many of the pictures are pages of documents of several pages. Each page was examined by itself.
func (r ReportView) Pages() (n int) {
	for _, l := range r.Findings {
		if _, page := picture.FileOf(l.File); page {
			n++
		}
	}
	return n
}

// KeyOf returns the mark key of a leak with its state, in words; "" if only one key was tried and is active.
func (r ReportView) KeyOf(row reportRow) string {
	if len(row.Keys) == 0 {
		return row.KeyID
	}
	var out []string
	for _, k := range row.Keys {
		if len(r.Record.Keys) != 1 || k.State != books.KeyActive {
			out = append(out, k.String())
		}
	}
	return strings.Join(out, "; ")
}

// maxPairs is how many exhibits the first page shows beside their uploads, three in a row. Chosen, for one printed page.
const maxPairs = 9

// Pairs returns the first exhibits with a picture: marked ones before others, and these before exhibits without upload.
func (r ReportView) Pairs() []reportRow {
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(x reportRow) bool { return x.Thumbnail == "" })
	rank := func(x reportRow) int {
		switch {
		case x.Kind == findings.FoundCopy:
			return 0
		case x.KeyID != "":
			return 1
		case x.Upload != "":
			return 2
		}
		return 3
	}
	slices.SortStableFunc(rows, func(a, b reportRow) int { return rank(a) - rank(b) })
	return rows[:min(len(rows), maxPairs)]
}

// NoPairs returns the number of exhibits that Pairs leaves out.
func (r ReportView) NoPairs() int { return len(r.Rows) - len(r.Pairs()) }

// A spot is a place of an upload at which a leak shows something else, as a report lists it.
type spot struct {
	Quad findings.Quad // pixels of the upload
	Kind string
	Says string // how much
}

// Spots returns the places at which a leak differs from its upload.
func (r reportRow) Spots() []spot {
	if len(r.Altered) > 0 {
		return each.Of(r.Altered, func(a findings.Region) spot { return spot{a.Quad, a.Kind, words.Percent(a.Share) + " of the upload"} })
	}
	return each.Of(r.Edits, func(e findings.Edit) spot {
		return spot{e.Quad, e.Kind, fmt.Sprintf("%.0f times the usual difference", e.Score)}
	})
}

// Boxes returns the spots of a leak as SVG to lay over the picture of its upload; "" without spots.
func (r ReportView) Boxes(row reportRow) template.HTML {
	m := each.Find(row.Matches, func(m *findings.Match) bool { return m.Submission == row.Submission })
	spots := row.Spots()
	if m == nil || m.Width == 0 || len(spots) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`, m.Width, m.Height)
	for _, s := range spots {
		points := each.Of(s.Quad[:], func(p [2]float64) string { return fmt.Sprintf("%.0f,%.0f", p[0], p[1]) })
		fmt.Fprintf(&b, `<polygon points="%s"/>`, strings.Join(points, " "))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// Footer returns the CSS of the footer of printed pages: the time of the record, the digest of the
// findings, and whether the report is redacted.
func (r ReportView) Footer() template.CSS {
	says := "redacted"
	if r.Written.Revealed {
		says = "contains personal data"
	}
	return template.CSS(fmt.Sprintf(`@page { @bottom-left { content: "Report of %s · findings %s… · %s"; } }`,
		r.Record.Time.UTC().Format("2006-01-02 15:04 UTC"), r.Digest[:16], says))
}

// commonFolder returns the beginning that the names of all leaks share, with the last slash, backslash or "!".
func commonFolder(leaks []*findings.Finding) string {
	if len(leaks) < 2 {
		return ""
	}
	common := leaks[0].File
	for _, l := range leaks[1:] {
		n := 0
		for n < min(len(common), len(l.File)) && common[n] == l.File[n] {
			n++
		}
		common = common[:n]
	}
	return common[:1+strings.LastIndexAny(common, `/\!`)]
}

// A tally is how many leaks have a finding.
type tally struct {
	Label string
	Class string
	Count int
	Says  string
}

// Tallies returns the number of leaks by finding, in the order of [findings.Meanings].
func (r ReportView) Tallies() []tally {
	var out []tally
	for _, l := range findings.Meanings() {
		if n := r.Counts[string(l.Kind)]; n > 0 {
			out = append(out, tally{l.Kind.Label(), class(l.Kind.Label()), n, l.Says})
		}
	}
	return out
}

// AllCustody returns the facts of custody of all leaks, each once, admissible or not, by recipient and time.
func (r ReportView) AllCustody() []books.Custody {
	var out []books.Custody
	seen := make(map[string]bool)
	for _, l := range r.Findings {
		for _, c := range l.EveryCustody() {
			key := fmt.Sprint(c.Recipient, c.From, c.To, c.Entered, c.Note, len(c.Submissions))
			if !seen[key] {
				seen[key] = true
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b books.Custody) int {
		return cmp.Or(cmp.Compare(a.Recipient, b.Recipient), a.From.Compare(b.From))
	})
	return out
}

func class(label string) string {
	return strings.NewReplacer(" (", "-", " ", "-", ")", "").Replace(label)
}

var reportFuncs = template.FuncMap{
	"class": class,
	"day":   words.Day,
	"utc":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"times": words.Times,
	"id":    unlessZero[watermark.Submission],
	"short": func(s string) string {
		if len(s) > 8 {
			return s[:8] + "…"
		}
		return s
	},
	"copyid":    unlessZero[watermark.CopyID],
	"others":    func(entries []int64) int { return len(entries) - 1 },
	"whole":     func(n int) string { return words.Thousands(float64(n)) },
	"shell":     func(args []string) string { return intake.ShellLine(args...) },
	"name":      func(s string) template.HTML { return bdi(intake.Shown(s)) },
	"quoted":    intake.Quoted,
	"power":     func(p *float64) string { return words.Power(*p) },
	"agreement": func(x *float64) string { return fmt.Sprintf("%.0f %%", math.Floor(*x*100)) },
	"px":        func(x float64) string { return fmt.Sprintf("%.0f", x) },
	"verb":      words.Verb,
	"trials": func() string {
		return fmt.Sprintf("%d photographs of things, %d by many cameras, %d of persons, and %d receipts", tuning.TrialsOfThings, tuning.TrialsOfCameras, tuning.TrialsOfPeople, tuning.TrialsOfReceipts)
	},
	"concluded":    weigh.Concluded,
	"earlierFound": earlierFound,
}

func unlessZero[ID interface {
	comparable
	fmt.Stringer
}](id ID) string {
	if id == *new(ID) {
		return ""
	}
	return id.String()
}

// bdi returns a text as HTML that changes the order of no words around it.
func bdi(text string) template.HTML {
	return template.HTML("<bdi>" + template.HTMLEscapeString(text) + "</bdi>")
}

// isolate returns a function that puts the names of parties and purposes in a sentence into elements bdi.
func isolate(f *findings.File) func(string) template.HTML {
	names := map[string]bool{}
	for _, h := range f.Verdict.Case.Holders {
		names[intake.InSentence(h.Name)] = true
	}
	for _, l := range f.Leaks {
		for _, c := range l.Issued {
			names[intake.Quoted(c.Purpose)] = true
		}
	}
	longest := slices.SortedFunc(maps.Keys(names), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	longest = each.Of(longest, regexp.QuoteMeta)
	find, inWord := regexp.MustCompile(strings.Join(longest, "|")), func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return func(text string) template.HTML {
		var b strings.Builder
		at := 0
		for _, m := range find.FindAllStringIndex(text, -1) {
			before, _ := utf8.DecodeLastRuneInString(text[:m[0]])
			after, _ := utf8.DecodeRuneInString(text[m[1]:])
			if m[0] < m[1] && !inWord(before) && !inWord(after) {
				b.WriteString(template.HTMLEscapeString(text[at:m[0]]) + string(bdi(text[m[0]:m[1]])))
				at = m[1]
			}
		}
		return template.HTML(b.String() + template.HTMLEscapeString(text[at:]))
	}
}

// An escaper passes on texts as [intake.Escaped]. No text that it gets ends within a character.
type escaper struct{ io.Writer }

func (w escaper) Write(p []byte) (int, error) {
	_, err := io.WriteString(w.Writer, intake.Escaped(string(p)))
	return len(p), err
}

// earlierFound returns when the files were found, as the investigation stated.
func earlierFound(e findings.Earlier) string {
	parts := []string{words.StatedFind(e.Found)}
	if e.Evidence != "" {
		parts = append(parts, e.Evidence)
	}
	if e.EvidenceSHA256 != "" {
		parts = append(parts, "SHA-256 "+e.EvidenceSHA256)
	}
	return strings.Join(parts, "; ")
}

// CopyOf returns the recipient of a copy that is confirmed in this dump.
func (r ReportView) CopyOf(id watermark.CopyID) string {
	for _, l := range r.Findings {
		for _, c := range l.Issued {
			if c.ID == id {
				return c.Recipient
			}
		}
	}
	return ""
}

// Travelled returns how copies travelled that have a receipt, or that another party had by the record.
func (r ReportView) Travelled() []findings.Travel {
	return slices.DeleteFunc(slices.Clone(r.Travel), func(t findings.Travel) bool { return t.Receipt.IsZero() && len(t.Others)+len(t.Returned) == 0 })
}

// Others says who had a copy besides its recipient, and how this is known.
func (r ReportView) Others(t findings.Travel) string {
	out := each.Of(t.Others, func(h findings.HandOn) string {
		return fmt.Sprintf("%s, as entered on %s (%s)", intake.InSentence(h.Party), words.Day(h.Entered), h.Note)
	})
	for _, x := range t.Returned {
		how := map[bool]string{false: "came in", true: "may have come in, since only its hash is kept,"}[findings.HashOnly(r.Findings, x.Submission)]
		out = append(out, fmt.Sprintf("the exchange, as upload %s, which %s with this mark", x.Submission, how))
		for _, h := range x.Holders {
			out = append(out, fmt.Sprintf("%s, which had that upload, as entered on %s (%s)", intake.InSentence(h.Party), words.Day(h.Entered), h.Note))
		}
	}
	return strings.Join(out, "; ")
}

// Chance returns, in words, the scores of the copies that tracing found and the highest score of copies that were
// never issued. It is "" if no tracing against a submission of the conclusion found a mark.
func Chance(v *findings.Finding) string {
	var all []string
	for _, x := range v.Views() {
		t := findings.TraceOf(x.Traces, x.Submission)
		if t == nil || t.Decoys == nil {
			continue
		}
		var found []string
		for _, c := range t.Copies {
			if c.Found {
				found = append(found, fmt.Sprintf("%.1f", c.Score))
			}
		}
		all = append(all, fmt.Sprintf("score %s; no score of %s copies that were never issued is above %.1f", words.List(found), words.Thousands(float64(t.Decoys.Number)), math.Ceil(float64(10*t.Decoys.Max))/10))
	}
	return strings.Join(all, "; ")
}

func (r reportRow) Chance() string { return Chance(r.Finding) }
