package sentencecheck

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxWords is the maximum number of words of a sentence. A name or a list that is filled in counts
// as one word.
const maxWords = 30

var (
	never    = regexp.MustCompile(`(?i)\bproves?\b|\bproven\b|\bproof\b|\bguilty?\b|\bguilt\b|leaked by|\bcertain(ly|ty)?\b|\bimpossible\b|\binnocent\b|none (is|are|was|were) ours|\bdefinitely\b|\bculprit\b|\bperpetrator\b`)
	raw      = regexp.MustCompile(`[a-z]+_[a-z]|%!|NaN|Inf\b|<nil>|map\[|[{}]|  `)
	sentence = regexp.MustCompile(`^[A-Z0-9“].*\.$`)
	ends     = regexp.MustCompile(`\. ([A-Z0-9“])`)
	numbers  = regexp.MustCompile(`\d[\d,]*(\.\d+)?(e-\d+)?`)
	counted  = regexp.MustCompile(`(^|[^\d.,-])(\d[\d,]*) (other |independent |marked |marked other )?(pictures?|files?|submissions?|archives?|uploads?|comparisons?|IDs?|keys?|requests?|persons?)\b( (?:is|are|was|were|has|have|shows?|carry|carries|contains?|match|matches|repeats?|adds?)\b)?`)
	plurals  = []string{"are", "were", "have", "show", "carry", "contain", "match", "repeat", "add"}
)

// constants are numbers that texts contain beside their figures.
var constants = []string{"0", "1", "3", "5", "10", "17", "25", "95", "99.5", "256", "9.3e-10"}

// words returns the breaches of the rules for texts, and the numbers in texts that no figure has.
func (r *report) words() (wrong []string) {
	v := &r.Verdict
	texts := slices.Concat(v.Strength, v.Weakens, v.Helps, v.ShowsNot, v.Details, v.Public)
	n := len(v.Said) - len(texts)
	if n < 0 {
		return []string{"there are more sentences than codes"}
	}
	for i, text := range texts {
		wrong = append(wrong, judge(text, v.Said[n+i:n+i+1])...)
	}
	for i := range r.Leaks {
		if l := &r.Leaks[i]; l.Note != "" || len(l.Said) > 0 {
			wrong = append(wrong, judge(l.Note, l.Said)...)
		}
	}
	for i, h := range v.Odds.Recipients {
		of := slices.DeleteFunc(slices.Clone(v.Notes), func(s said) bool { return s.Figures["line"] != float64(i+1) })
		if h.Note != "" || len(of) > 0 {
			wrong = append(wrong, judge(h.Note, of)...)
		}
	}
	return append(wrong, judge(v.Headline, v.Said[:n])...)
}

// judge returns what is wrong with a text that says some sentences.
func judge(text string, says []said) (wrong []string) {
	bare := text
	var filled, names []string
	for _, s := range says {
		wrong = append(wrong, codes(text, s.Code)...)
		for _, f := range s.Figures {
			for _, x := range written(f) {
				filled = append(filled, numbers.FindAllString(x, -1)...)
				if strings.ContainsAny(x, " .-") && len(x) > 3 && !strings.HasSuffix(x, ".") { // a figure may be a sentence
					names = append(names, x)
				}
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) }) // a name may be part of another
	for _, x := range names {
		bare = strings.ReplaceAll(bare, x, "X")
	}
	for _, s := range strings.Split(ends.ReplaceAllString(bare, ".\n$1"), "\n") {
		if n := len(strings.Fields(s)); n > maxWords {
			wrong = append(wrong, fmt.Sprintf("%d words: %s", n, s))
		}
		if !sentence.MatchString(s) {
			wrong = append(wrong, "no sentence: "+s)
		}
	}
	for _, bad := range []*regexp.Regexp{never, raw} {
		if x := bad.FindString(bare); x != "" {
			wrong = append(wrong, fmt.Sprintf("forbidden %q: %s", x, text))
		}
	}
	for _, m := range counted.FindAllStringSubmatch(bare, -1) {
		one, verb := m[2] == "1", strings.TrimSpace(m[5])
		if one == strings.HasSuffix(m[4], "s") || verb != "" && one == slices.Contains(plurals, verb) && !strings.Contains(text, "of the "+m[2]) && !strings.Contains(text, "1 of "+m[2]+" marked") {
			wrong = append(wrong, fmt.Sprintf("number of %q: %s", m[0], text))
		}
	}
	for _, x := range numbers.FindAllString(strings.ReplaceAll(bare, "log10", ""), -1) {
		x = strings.TrimRight(x, ",")
		if !slices.Contains(filled, x) && !slices.Contains(constants, x) {
			wrong = append(wrong, fmt.Sprintf("no figure is %s: %s", x, text))
		}
	}
	return wrong
}

// codes returns a problem if a text contains the code of its row.
func codes(text, code string) []string {
	if strings.Contains(code, "-") && strings.Contains(text, code) {
		return []string{fmt.Sprintf("raw code %s: %s", code, text)}
	}
	return nil
}

// written returns a figure as a text has it: of a list each element.
func written(f any) []string {
	switch f := f.(type) {
	case string:
		return []string{f}
	case float64:
		return []string{fmt.Sprint(f), strings.TrimPrefix(fmt.Sprintf("%.1f", f), "-")}
	}
	return texts(f)
}

// contradictions returns the sentences that cannot be true together.
func (r *report) contradictions() (wrong []string) {
	v := &r.Verdict
	says := func(code string) bool {
		return slices.ContainsFunc(v.Said, func(s said) bool { return s.Code == code })
	}
	heads := []string{"no-picture", "named", "confirmed", "unproved", "no-match"}
	heads = slices.DeleteFunc(heads, func(code string) bool { return !says(code) })
	if len(heads) != 1 {
		wrong = append(wrong, fmt.Sprintf("the headline says %v, want one of them", heads))
	}
	if inconclusive := strings.Contains(v.Headline, "Inconclusive"); inconclusive && len(v.Named) > 0 {
		wrong = append(wrong, fmt.Sprintf("inconclusive, and %v named", v.Named))
	}
	noMatch := says("no-match")
	if noMatch && r.count((*leak).shows) > 0 {
		wrong = append(wrong, "no match, and a leak shows an upload")
	}
	if noMatch && r.count((*leak).marked) > 0 && !says("unissued") {
		wrong = append(wrong, "no match, and a mark under our key was read")
	}
	n := make(map[string]any) // pictures with copies of a recipient
	for _, s := range v.Said {
		name, _ := s.Figures["name"].(string)
		x := s.Figures["n"]
		switch s.Code {
		case "nameless":
			x = s.Figures["of"]
		case "named", "copies":
		default:
			continue
		}
		if was, is := n[name]; is && was != x {
			wrong = append(wrong, fmt.Sprintf("%s: %v pictures with copies of %s, and elsewhere %v", s.Code, x, name, was))
		}
		n[name] = x
	}
	return wrong
}
