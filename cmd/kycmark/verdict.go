package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// verdict writes findings and verdict for people: silent with --json.
func (u *ui) verdict(d *verify.DumpVerdict) {
	var rows [][]string
	for _, v := range d.Verdicts {
		rows = append(rows, []string{v.File, v.Label(), shortSubmission(v), copyID(v), recipient(v), distance(v), logP(v)})
	}
	u.table("FILE\tFINDING\tSUBMISSION\tCOPY\tRECIPIENT\tBITS APART\tLOG10 P", rows)
	for _, k := range keyStates(d) {
		u.printf("mark key %s\n", k)
	}
	u.printf("\n%s\n", wrap(d.Headline, ""))
	u.sentences("What it shows:", d.Shows)
	u.sentences("What it does not show:", d.ShowsNot)
	if len(d.Hypotheses) == 0 {
		return
	}
	rows = nil
	for _, h := range d.Hypotheses {
		limit := ""
		if h.Capped {
			limit = " (cap)"
		}
		rows = append(rows, []string{h.Name, h.Kind, fmt.Sprintf("%+.2f%s", math.Round(h.LogLR*100)/100+0, limit), h.Words})
	}
	u.printf("\n")
	u.table("HYPOTHESIS\tKIND\tLOG10 LR\tIN WORDS", rows)
}

// keyStates are the states of the keys of all copies that were read, each once.
func keyStates(d *verify.DumpVerdict) []registry.KeyState {
	var out []registry.KeyState
	for _, v := range d.Verdicts {
		for _, k := range v.Keys {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

func (u *ui) sentences(title string, list []string) {
	if len(list) == 0 {
		return
	}
	u.printf("\n%s\n", title)
	for _, s := range list {
		u.printf("- %s\n", wrap(s, "  "))
	}
}

func shortSubmission(v *verify.Verdict) string {
	if v.Submission == (watermark.Submission{}) {
		return "-"
	}
	return v.Submission.String()[:8] + "…"
}

func copyID(v *verify.Verdict) string {
	if v.Copy == 0 {
		return "-"
	}
	return v.Copy.String()
}

func distance(v *verify.Verdict) string {
	if v.Distance == nil {
		return "-"
	}
	return fmt.Sprint(*v.Distance)
}

func logP(v *verify.Verdict) string {
	if v.LogP == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *v.LogP)
}

func recipient(v *verify.Verdict) string { return cmp.Or(v.MayName(), "-") }

// wrap breaks a sentence into lines of at most 78 characters, all but the first
// one indented.
func wrap(s, indent string) string {
	const width = 78
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		l := len([]rune(word))
		switch {
		case i == 0:
		case n+1+l > width-len(indent):
			b.WriteString("\n" + indent)
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += l
	}
	return b.String()
}
