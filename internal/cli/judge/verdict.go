package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// SayVerdict prints the findings and the verdict d for people. Beside a leak it names only a recipient that may be
// named: see [findings.Finding.MayName].
func SayVerdict(u *ui.UI, d *findings.Verdict) {
	sayLeaks(u, d.Findings)
	for _, k := range keyStates(d) {
		u.Printf("mark key %s\n", k)
	}
	u.Printf("\n%s\n", Wrap(strings.Join(append([]string{d.Headline}, d.Strength...), " "), ""))
	saySentences(u, "What weakens it:", d.Weakens)
	saySentences(u, "What would help:", d.Helps)
	saySentences(u, "What it does not show:", d.ShowsNot)
	if n := len(d.Details) + len(d.Public); n > 0 {
		u.Printf("\n%d further findings and answers are in the report (--report) and in --json.\n", n)
	}
	if len(d.Odds.Recipients) == 0 {
		return
	}
	u.Printf("\n")
	named := u.Table("COPIES ISSUED TO\tFILES WITH STRONG MARKS\tPERSONS\tIN WORDS")
	for _, r := range d.Odds.Recipients {
		named.Row([]string{r.Name, fmt.Sprint(r.Pictures), fmt.Sprint(r.Clusters), r.Words})
	}
	named.Flush()
}

func sayLeaks(u *ui.UI, verdicts []*findings.Finding) {
	leaks := u.Table("FILE\tFINDING\tSUBMISSION\tCOPY\tRECIPIENT\tMARK")
	for _, v := range verdicts {
		submission, copyID := "-", "-"
		if v.Submission != (watermark.Submission{}) {
			submission = v.Submission.String()[:8] + "…"
			if v.Page > 0 {
				submission += fmt.Sprintf(" page %d", v.Page)
			}
		}
		if v.Copy() != 0 {
			copyID = v.Copy().String()
		}
		leaks.Row([]string{v.File, v.Label(), submission, copyID, cmp.Or(strings.Join(v.MayNames(), ", "), "-"), cmp.Or(v.Mark(), "-")})
	}
	leaks.Flush()
}

// keyStates returns the states of the keys of all copies that were read, each different state once.
func keyStates(d *findings.Verdict) []books.KeyState {
	var out []books.KeyState
	for _, v := range d.Findings {
		for _, k := range v.Keys {
			if !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

// saySentences prints a list of sentences, wrapped, under a title; nothing for an empty list.
func saySentences(u *ui.UI, title string, list []string) {
	if len(list) == 0 {
		return
	}
	u.Printf("\n%s\n", title)
	for _, s := range list {
		u.Printf("- %s\n", Wrap(s, "  "))
	}
}

// Wrap breaks a sentence into lines of up to 78 characters, all except the first one indented by indent.
func Wrap(s, indent string) string {
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
