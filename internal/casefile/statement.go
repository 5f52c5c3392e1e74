package casefile

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
)

// How a sentence is marked.
const (
	Supported = "supported"
	Open      = "open"
	Refuted   = "refuted"
)

// decides is the log10 likelihood ratio from which on findings decide a sentence: 10 to 1, "moderate
// support" of the ENFSI scale. A convention.
const decides = 1

// minRecall is the recall from which on a picture that was not found counts as not ours: a miss
// has at most 5 %. A convention.
const minRecall = 0.95

// A Marked sentence is a sentence of a statement with what the findings say of it.
type Marked struct {
	Sentence
	Mark string `json:"mark"` // [Supported], [Open] or [Refuted]
	Why  string `json:"why"`  // with the figure
}

// parsedClaim is a claim with its number or its name; of other claims both are empty.
type parsedClaim struct {
	kind, name string
	n          int
}

// parseClaim reads the text of a claim, as [Claims] lists it. The error says what is wanted.
func parseClaim(text string) (parsedClaim, error) {
	kind, rest, _ := strings.Cut(text, " ")
	for _, c := range claims {
		known, about, _ := strings.Cut(c[0], " ")
		if kind != known {
			continue
		}
		n, err := strconv.Atoi(rest)
		if about == "N" && (err != nil || n < 0) || about == "NAME" && rest == "" || about == "" && rest != "" {
			return parsedClaim{}, fmt.Errorf("claim %.60q, want %q", text, c[0])
		}
		return parsedClaim{kind, rest, n}, nil
	}
	var names []string
	for _, c := range claims {
		names = append(names, c[0])
	}
	return parsedClaim{}, fmt.Errorf("claim %.60q, want one of %s", text, strings.Join(names, ", "))
}

// Judge marks each sentence of a statement by the findings. A sentence is open unless the findings
// decide it. Claims must have been read by [ParseText] or [ReadCase]; an unknown claim is open.
func Judge(statement []Sentence, f *verify.Findings) (out []Marked) {
	for _, s := range statement {
		m := Marked{Sentence: s, Mark: Open, Why: "No picture can decide this."}
		if c, err := parseClaim(s.Claim); err == nil {
			if mark, why := c.judge(f); why != "" {
				m.Mark, m.Why = mark, why
			}
		}
		out = append(out, m)
	}
	return out
}

// judge marks one claim. It returns "" if no picture can decide the claim.
func (c parsedClaim) judge(f *verify.Findings) (mark, why string) {
	d := f.Verdict
	switch c.kind {
	case "no-mark":
		return noMark(d)
	case "within":
		return within(f, c.name)
	case "from":
		return from(d, c.name)
	case "claimed":
		return claimedBy(d, c.n)
	case "ours-min", "ours-max":
		return bounds(d.Odds.Claim.Seen, f, c)
	case "all-ours":
		return allOurs(f)
	case "not-breached":
		return Open, notBreached(f)
	}
	return "", ""
}

// noMark: a mark refutes. Without a mark it takes the power to find one on each picture.
func noMark(d *verify.DumpVerdict) (string, string) {
	marked := d.Counts[string(verify.FoundCopy)] + d.Counts[string(verify.FoundCopy)+" (unconfirmed)"] + d.Counts[string(verify.FoundTransplanted)] + d.Counts[string(verify.FoundUnissued)]
	plain, unsure := d.Counts[string(verify.FoundUnmarked)], d.Counts[string(verify.FoundUnreadable)]
	switch {
	case marked > 0:
		return Refuted, fmt.Sprintf("Pictures with a mark of this registry's keys: %d.", marked)
	case plain > 0 && unsure == 0:
		return Supported, fmt.Sprintf("Pictures that show an upload: %d. On each, a mark would have been found with at least 99.9 %%. Deliberate removal is not excluded.", plain)
	}
	return Open, fmt.Sprintf("Pictures that show an upload: %d. On %d of them a mark may have been missed.", plain+unsure, unsure)
}

// within compares the pictures that show an upload with the custody of one party. Custody that was
// entered after the find, or if the time of the find is not stated, decides nothing.
func within(f *verify.Findings, name string) (string, string) {
	in, of, late := 0, 0, !f.Verdict.Case.FoundKnown
	for i, at := range f.Verdict.Of {
		if f.Verdict.Case.Leaks[i].Submission == "" {
			continue
		}
		of++
		held := false
		for _, c := range f.Leaks[at].Custody {
			held = held || c.Recipient == name
		}
		if held {
			in++
			late = late || !slices.Contains(f.Verdict.Case.Leaks[i].Unmarked, name)
		}
	}
	why := fmt.Sprintf("Of %d pictures that show an upload, %d show an upload that %s could hold unmarked.", of, in, name)
	switch {
	case of == 0 || in == of && late:
		return Open, why + " That custody was not in the ledger before a stated time of the find."
	case in < of:
		return Refuted, why
	}
	return Supported, why + " Others may have held the same."
}

// from rests on the ratios for the custody of a party and for its copies.
func from(d *verify.DumpVerdict, name string) (string, string) {
	best, alone := math.Inf(-1), true
	for _, h := range d.Hypotheses {
		if h.Kind == odds.Copies && h.Name == name || h.Kind == odds.Custody && slices.Contains(h.Holders, name) {
			if h.LogLR > best {
				best, alone = h.LogLR, h.Kind == odds.Copies || len(h.Holders) == 1
			}
		}
	}
	for _, r := range d.Odds.Rivals {
		alone = alone && r.Name != name
	}
	if math.IsInf(best, -1) {
		return Open, "No hypothesis concerns " + name + "."
	}
	why := fmt.Sprintf("The log10 generalised likelihood ratio is %.1f.", best)
	switch {
	case best <= -decides:
		return Refuted, why
	case best >= decides && alone:
		return Supported, why + " It does not show who released the pictures."
	case best >= decides:
		return Open, why + " Others explain the pictures equally well."
	}
	return Open, why
}

// claimedBy: how many pictures a publisher has is seen only if all of them are.
func claimedBy(d *verify.DumpVerdict, n int) (string, string) {
	seen := d.Odds.Claim.Examined
	why := fmt.Sprintf("Files examined: %d.", seen)
	if seen >= n {
		return Supported, why
	}
	return Open, why + " Ask for a draw from the claimed pictures: \"kycmark plan\"."
}

// bounds compares a number with what was seen, and with the bounds of a draw.
func bounds(seen int, f *verify.Findings, c parsedClaim) (string, string) {
	x := f.Verdict.Odds.Claim
	why := fmt.Sprintf("Files that show an upload: %d of %d.", seen, x.Examined)
	drawn := f.Verdict.Case.Drawn && x.Max > 0
	if drawn {
		why += fmt.Sprintf(" Of %d claimed at least %d and at most %d, each at 95 %%.", x.Claimed, x.Min, x.Max)
	} else {
		why += " We did not draw them, so nothing follows about the others."
	}
	lower := c.kind == "ours-min"
	switch {
	case lower && x.Min >= c.n && (drawn || seen >= c.n), !lower && drawn && x.Max <= c.n:
		return Supported, why
	case lower && drawn && x.Max < c.n, !lower && x.Min > c.n:
		return Refuted, why
	}
	return Open, why
}

// allOurs: pictures that the search would have found refute.
func allOurs(f *verify.Findings) (string, string) {
	foreign, open := 0, 0
	for _, l := range f.Leaks {
		switch {
		case l.Finding == verify.FoundUnknown && l.Recall != nil && l.Recall.Bound >= minRecall:
			foreign++
		case l.Finding == verify.FoundUnknown, l.Finding == verify.FoundLookalike, l.Finding == verify.FoundIncomplete, !l.Examined():
			open++
		}
	}
	why := fmt.Sprintf("Of %d files, %d show no upload although the search finds at least 95 %% of such pictures; %d are undecided.", len(f.Leaks), foreign, open)
	switch {
	case foreign > 0:
		return Refuted, why + " A miss has up to 5 %, and erased uploads cannot be found."
	case open > 0:
		return Open, why
	}
	return Supported, why
}

// notBreached says what the findings have on the exchange itself: never enough to decide.
func notBreached(f *verify.Findings) string {
	bare, alone := 0, 0
	for i, at := range f.Verdict.Of {
		if l := f.Verdict.Case.Leaks[i]; l.Submission != "" && !l.Marked {
			bare++
			if len(f.Leaks[at].Custody) == 0 {
				alone++
			}
		}
	}
	return fmt.Sprintf("Nothing in a picture tells the exchange from who held the same. It held all %d pictures without a mark that show an upload; of %d no other holder is recorded.", bare, alone)
}
