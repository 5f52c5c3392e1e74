package casefile

import (
	"bytes"
	_ "embed" // the template of case.html
	"html/template"
	"strings"
	"time"

	"github.com/kycmark/kycmark/verify/odds"
)

//go:embed case.html.tmpl
var pageTemplate string

// page writes case.html. The same facts always give the same bytes.
func (f *facts) page() ([]byte, error) {
	t, err := template.New(pageName).Funcs(template.FuncMap{
		"utc":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"join":   func(s []string) string { return strings.Join(s, ", ") },
		"claims": Claims,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, f)
	return b.Bytes(), err
}

// A ratio is a line of the table of ratios: what is stated of one explanation, and how sure it is.
type ratio struct {
	Name    string
	LR, Raw float64 // log10: as stated, and before the cap
	Capped  bool
	Words   string
	Against string

	Sensitive        bool // the next two are there
	Without, IfWrong float64
}

// Ratios returns the ratios that a court may hear: of all copies, custody and other explanations
// whose ratio is not 1.
func (f *facts) Ratios() (out []ratio) {
	for _, h := range f.Findings.Verdict.Hypotheses {
		if h.LogLR == 0 && h.Kind != odds.Copies && h.Kind != odds.Custody {
			continue
		}
		x := ratio{Name: h.Name, LR: h.LogLR, Raw: h.Raw, Capped: h.Capped, Words: h.Words, Against: h.Against}
		if s := h.Sensitivity; s != nil {
			x.Sensitive, x.Without, x.IfWrong = true, s.Without, s.IfWrong
		}
		out = append(out, x)
	}
	return out
}
