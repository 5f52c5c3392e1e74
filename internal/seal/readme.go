package seal

import (
	"bytes"
	"crypto/x509"
	_ "embed" // the template
	"fmt"
	"slices"
	"strings"
	"text/template"
)

//go:embed readme.txt.tmpl
var readmeText string

// A readme is what README.txt is made from.
type readme struct {
	Files   []File // but README.txt and the list
	KeyID   string
	Payload int // bytes of the statement in the envelope
	Inputs  int
	Stamp   *Stamp // nil without
	Trusted []*x509.Certificate
}

func (r readme) text() ([]byte, error) {
	slices.SortFunc(r.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	t, err := template.New("README").Funcs(template.FuncMap{
		"pad":         func(s string) string { return fmt.Sprintf("%-22s", s) },
		"utc":         func(s *Stamp) string { return s.Time.Format("2006-01-02 15:04:05 UTC") },
		"fingerprint": fingerprint,
	}).Parse(readmeText)
	if err != nil {
		return nil, fmt.Errorf("README: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, r); err != nil {
		return nil, fmt.Errorf("README: %w", err)
	}
	return out.Bytes(), nil
}
