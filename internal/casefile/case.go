// Package casefile makes and checks the file of a case for a court: what both sides say, fixed in
// the ledger before the examination, beside a signed bundle of package seal.
//
// A case is a folder while it is worked on, and a signed bundle (a folder or .zip) when it is closed:
//
//	case.html            page one, and all that follows from the other files
//	case.json            propositions, conditioning information, examiner, role, party
//	acquisition.csv      who took which file from where, how, on what device
//	investigation.zip    the bundle of the investigation
//	commitments.jsonl    a salted digest of each leak's values, which the ledger has
//	validation.json      what was tried, for each kind of claim
//	proofs.jsonl, …      that case.json and the commitments are in the ledger, and when
//
// docs/case.md says which place answers which point of the standards.
package casefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrCase is wrapped by errors about files that are no case, or that contradict each other.
var ErrCase = errors.New("not a case file")

// Names of the files of a case.
const (
	CaseName        = "case.json"
	AcquisitionName = "acquisition.csv"
	pageName        = "case.html"
	bundleName      = "investigation.zip"
	commitmentsName = "commitments.jsonl"
	validationName  = "validation.json"
	proofsName      = "proofs.jsonl"
	stateName       = "ledger.checkpoint"
	ledgerName      = "ledger.pub"
)

// format names the meaning of the fields of a [Case].
const format = "kycmark case v1"

// Limits of a case.
const (
	maxText  = 2_000 // bytes of one text
	maxLines = 1_000 // propositions, facts and sentences
)

// A Case is what is fixed before the examination. Its JSON is entered in the ledger by its SHA-256.
type Case struct {
	Format       string        `json:"format"`
	ID           string        `json:"id"`       // the number of the case
	Registry     string        `json:"registry"` // whose ledger has the case
	Opened       time.Time     `json:"opened"`   // UTC, by the clock of the examiner's machine
	Examiner     string        `json:"examiner"`
	Role         string        `json:"role"`  // such as "employee of the exchange"
	Party        string        `json:"party"` // on whose behalf
	Propositions []Proposition `json:"propositions"`
	Given        []string      `json:"given"` // conditioning information: what the examiner knew beforehand
	Statement    []Sentence    `json:"statement,omitempty"`
}

// A Proposition is what one side says has happened.
type Proposition struct {
	Side string `json:"side"`
	Text string `json:"text"`
}

// A Sentence is one sentence of a party's statement, and what of it the findings can decide.
type Sentence struct {
	Claim string `json:"claim"` // the name of a claim and what it is about: see [Claims]
	Text  string `json:"text"`
}

// Encode returns the case as JSON in its one form.
func (c *Case) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(c, "", " ")
	return append(text, '\n'), err
}

// ReadCase reads what [Case.Encode] wrote, and refuses every other form. The error wraps [ErrCase].
func ReadCase(text []byte) (*Case, error) {
	var c Case
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCase, CaseName, err)
	}
	if again, err := c.Encode(); err != nil || !bytes.Equal(again, text) || c.Format != format {
		return nil, fmt.Errorf("%w: %s is not written as this program writes %s", ErrCase, CaseName, format)
	}
	return &c, c.check()
}

// check returns an error that wraps [ErrCase] unless the case says all that an opinion rests on:
// propositions of two sides, conditioning information, examiner, role and party.
func (c *Case) check() error {
	c.Format = format
	sides := make(map[string]bool)
	for _, p := range c.Propositions {
		sides[p.Side] = true
	}
	for _, need := range []struct {
		has  bool
		what string
	}{
		{c.ID != "", "number of the case"}, {c.Examiner != "", "examiner"}, {c.Role != "", "role of the examiner"}, {c.Party != "", "party on whose behalf the examiner acts"},
		{len(sides) > 1, "propositions of two sides (proposition of NAME: TEXT)"}, {len(c.Given) > 0, "conditioning information (given: TEXT)"},
	} {
		if !need.has {
			return fmt.Errorf("%w: it lacks the %s", ErrCase, need.what)
		}
	}
	return nil
}

// ParseText reads what a person wrote of a case: a line for each proposition, fact and sentence.
// Empty lines and lines that begin with # are passed over. The others are
//
//	proposition of SIDE: TEXT
//	given: TEXT
//	says [CLAIM]: TEXT
//
// The result has no examiner, role, party, number and registry: the caller adds them, and calls
// [Case.Encode]. The error wraps [ErrCase] and names the line.
func ParseText(text string) (*Case, error) {
	c := &Case{Format: format}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, said, _ := strings.Cut(line, ":")
		said = strings.TrimSpace(said)
		side, isSide := strings.CutPrefix(key, "proposition of ")
		claim, isClaim := strings.CutPrefix(key, "says [")
		claim, closed := strings.CutSuffix(claim, "]")
		switch {
		case said == "" || len(line) > maxText || i > maxLines || !isPlain(line):
			return nil, fmt.Errorf("%w: line %d: want KEY: TEXT, plain text of at most %d bytes and %d lines", ErrCase, i+1, maxText, maxLines)
		case isSide:
			c.Propositions = append(c.Propositions, Proposition{side, said})
		case key == "given":
			c.Given = append(c.Given, said)
		case isClaim && closed:
			if _, err := parseClaim(claim); err != nil {
				return nil, fmt.Errorf("%w: line %d: %w", ErrCase, i+1, err)
			}
			c.Statement = append(c.Statement, Sentence{claim, said})
		default:
			return nil, fmt.Errorf("%w: line %d: the key is %.40q, want “proposition of SIDE”, “given” or “says [CLAIM]”", ErrCase, i+1, key)
		}
	}
	return c, nil
}

// isPlain reports whether a text is UTF-8 without characters that a terminal obeys.
func isPlain(s string) bool {
	return strings.ToValidUTF8(s, "") == s && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Claims lists the claims that a sentence can name, each with what it says.
func Claims() [][2]string {
	return slices.Clone(claims)
}

var claims = [][2]string{
	{"no-mark", "the pictures that show our uploads carry no mark of ours"},
	{"within NAME", "the pictures show uploads that NAME could hold unmarked"},
	{"from NAME", "the pictures come from what NAME held, or from its copies"},
	{"claimed N", "the publisher has N pictures"},
	{"ours-min N", "of the pictures claimed at least N are ours"},
	{"ours-max N", "of the pictures claimed at most N are ours"},
	{"all-ours", "all pictures are ours"},
	{"not-breached", "the exchange itself lost nothing"},
	{"other", "what no picture can decide"},
}
