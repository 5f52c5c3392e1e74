package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the template and its style sheet
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

//go:embed report.html.tmpl
var reportHTML string

//go:embed report.css
var reportCSS string

//go:embed report.js
var reportJS string

// WriteReport writes the verdict as one HTML file that needs nothing else and prints on
// A4; its one script sorts and filters a table. It is redacted (no subject references, thumbnails
// reduced to coarse mosaics) unless reveal is set. The same data stand in it as
// JSON, in the element with the ID "findings".
func (v *Investigator) WriteReport(ctx context.Context, w io.Writer, d *DumpVerdict, reveal bool) error {
	f, err := v.findings(ctx, d, reveal)
	if err != nil {
		return err
	}
	text, err := f.encode()
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(reportJS))
	view := reportView{DumpVerdict: d, Reveal: reveal, CSS: template.CSS(reportCSS), JSON: string(text), Script: template.JS(reportJS),
		ScriptHash: template.HTMLAttr("sha256-" + base64.StdEncoding.EncodeToString(digest[:]))}
	view.Timeline, view.CustodyChart = d.charts()
	for i, l := range d.Verdicts {
		view.Rows = append(view.Rows, reportRow{Verdict: l, Number: i + 1, Thumbnail: l.thumbnail(reveal),
			Subject: f.Subjects[l.Submission.String()]})
	}
	t, err := template.New("report").Funcs(reportFuncs).Parse(reportHTML)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var buf bytes.Buffer // all or nothing
	if err := t.Execute(&buf, view); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(buf.Bytes())
	return err
}

// reportView is what the template sees.
type reportView struct {
	*DumpVerdict
	Reveal bool
	CSS    template.CSS
	JSON   string
	Rows   []reportRow

	Script                 template.JS
	ScriptHash             template.HTMLAttr // of the content security policy
	Timeline, CustodyChart template.HTML
}

type reportRow struct {
	*Verdict
	Number    int
	Thumbnail template.URL
	Subject   string
}

// thumbnail is a data URL, "" where there is no picture.
func (v *Verdict) thumbnail(reveal bool) template.URL {
	kind, data := "png", v.mosaic
	if reveal {
		kind, data = "jpeg", v.preview
	}
	if len(data) == 0 {
		return ""
	}
	return template.URL("data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
}

// A tally is how many leaks have a finding.
type tally struct {
	Label string
	Class string
	Count int
	Share float64 // percent of all leaks
	Says  string
}

// labels are the findings in the order of a report, with what each means.
var labels = []struct{ label, says string }{
	{"copy", "the mark of an issued copy was read, and the picture shows that copy’s submission"},
	{"copy (unconfirmed)", "the mark of an issued copy was read; that the picture shows its submission could not be confirmed"},
	{"unmarked", "shows a submission and carries no mark, though one would have been seen"},
	{"unreadable", "shows a submission; whether it was marked cannot be said"},
	{"transplanted", "carries the mark of a copy of another submission"},
	{"lookalike", "resembles a submission, but is another capture"},
	{"unknown", "matches no submission of the registry"},
	{"damaged", "could not be decoded"},
}

// Tallies counts the leaks by finding, findings without leaks left out.
func (r reportView) Tallies() []tally {
	var out []tally
	for _, l := range labels {
		if n := r.Counts[l.label]; n > 0 {
			out = append(out, tally{l.label, class(l.label), n, 100 * float64(n) / float64(max(r.Leaks, 1)), l.says})
		}
	}
	return out
}

// AllCustody lists the facts of custody that concern the leaks, each once.
func (r reportView) AllCustody() []registry.Custody {
	var out []registry.Custody
	seen := make(map[string]bool)
	for _, l := range r.Verdicts {
		for _, c := range l.Custody {
			key := fmt.Sprint(c.Recipient, c.From, c.To, c.Entered, c.Note, len(c.Submissions))
			if !seen[key] {
				seen[key] = true
				out = append(out, c)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b registry.Custody) int {
		if c := strings.Compare(a.Recipient, b.Recipient); c != 0 {
			return c
		}
		return a.From.Compare(b.From)
	})
	return out
}

func class(label string) string {
	name, _, _ := strings.Cut(label, " ")
	if strings.HasSuffix(label, "(unconfirmed)") {
		return name + "-unconfirmed"
	}
	return name
}

var reportFuncs = template.FuncMap{
	"class": class,
	"day":   day,
	"utc":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"number": func(x *float64) string {
		if x == nil {
			return "–"
		}
		return fmt.Sprintf("%.2f", *x)
	},
	"odds": signed,
	"minus": func(x *float64) string {
		if x == nil {
			return "–"
		}
		return strings.ReplaceAll(fmt.Sprintf("%.1f", *x), "-", "−")
	},
	"bits": func(x *int) string {
		if x == nil {
			return "–"
		}
		return fmt.Sprint(*x)
	},
	"keys": func(keys []registry.KeyState) string {
		var out []string
		for _, k := range keys {
			out = append(out, k.String())
		}
		return strings.Join(out, "; ")
	},
	"id": func(s watermark.Submission) string {
		if s == (watermark.Submission{}) {
			return ""
		}
		return s.String()
	},
	"short": func(s string) string {
		if len(s) > 8 {
			return s[:8] + "…"
		}
		return s
	},
	"copyid": func(c watermark.CopyID) string {
		if c == 0 {
			return ""
		}
		return c.String()
	},
	"shell": shellLine,
	"share": func(p *float64) string { return share(*p) },
	"power": func(p *float64) string {
		if p == nil {
			return "–"
		}
		return fmt.Sprintf("%.3f", math.Floor(*p*1000)/1000)
	},
	"px":   func(x float64) string { return fmt.Sprintf("%.0f", x) },
	"verb": verb,
}

// signed is a log10 likelihood ratio with its sign, 0 without one.
func signed(x float64) string {
	if x == 0 {
		return "0"
	}
	return strings.ReplaceAll(fmt.Sprintf("%+.1f", x), "-", "−")
}

// shellLine quotes a command line for a POSIX shell.
func shellLine(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool {
			return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%", r)
		}) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		out[i] = a
	}
	return strings.Join(out, " ")
}
