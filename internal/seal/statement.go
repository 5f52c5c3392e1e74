package seal

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
)

const (
	statementType = "https://in-toto.io/Statement/v1"
	// predicateType names the form of a [Predicate], which docs/report.md describes. A predicate
	// with another meaning gets another number.
	predicateType = "https://github.com/kycmark/kycmark/report/v1"
)

// inputPrefix begins the names of those subjects that were examined. The name of a file of a bundle never has a colon.
const inputPrefix = "input:"

// A Statement is an in-toto Statement v1: a claim (the predicate) about files (the subjects).
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"` // the bundle's files by name, then the inputs by path
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// A Subject is an in-toto ResourceDescriptor: a file by name and digest. Subjects of the same file are equal by ==.
type Subject struct {
	Name   string `json:"name"` // of an input: "input:" and its path
	Digest struct {
		SHA256 string `json:"sha256"` // lower-case hex
	} `json:"digest"`
	Annotations struct {
		Size int64 `json:"size"` // bytes
	} `json:"annotations"`
}

func subject(name string, size int64, sum [32]byte) (s Subject) {
	s.Name, s.Annotations.Size = name, size
	s.Digest.SHA256 = hex.EncodeToString(sum[:])
	return s
}

// input describes an examined file. The bytes of path that are not UTF-8 become U+FFFD.
func input(path string, size int64, sum [32]byte) Subject {
	return subject(inputPrefix+strings.ToValidUTF8(path, "\uFFFD"), size, sum)
}

// A Predicate is what a bundle says about itself.
type Predicate struct {
	Made   time.Time       `json:"made"`             // UTC, by the clock of the machine that signed
	Tool   string          `json:"tool"`             // name and version
	Record json.RawMessage `json:"record,omitempty"` // the record of the investigation, as in the findings
	Ledger *Ledger         `json:"ledger,omitempty"` // nil: the bundle has no proofs
}

// A Ledger names the state of a registry's ledger that the proofs rest on.
type Ledger struct {
	Key        string `json:"key"`        // public key name+hash+key that the checkpoint is checked with
	Checkpoint string `json:"checkpoint"` // C2SP tlog-checkpoint, a signed note
}

// newStatement returns the statement about files, which must be sorted by name, and about inputs
// in any order. The inputs are sorted by name and digest, and an input that is there twice is
// stated once. Made of p is cut to whole seconds, in UTC. Neither slice is changed.
func newStatement(files []File, inputs []Subject, p Predicate) Statement {
	p.Made = p.Made.UTC().Truncate(time.Second)
	s := Statement{Type: statementType, PredicateType: predicateType, Predicate: p, Subject: []Subject{}}
	for _, f := range files {
		s.Subject = append(s.Subject, f.subject())
	}
	inputs = slices.SortedFunc(slices.Values(inputs), func(a, b Subject) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Digest.SHA256, b.Digest.SHA256))
	})
	s.Subject = append(s.Subject, slices.Compact(inputs)...)
	return s
}

// parseStatement reads what newStatement made and JSON encoded, and refuses every other form. So two readers cannot see
// two statements in one payload (a field that is there twice, or in another case). Errors wrap [ErrBundle]. It checks
// no signature, and compares no subject with a file.
func parseStatement(payload []byte) (*Statement, error) {
	var s Statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: the statement: %w", ErrBundle, err)
	}
	s.Predicate.Made = s.Predicate.Made.UTC().Truncate(time.Second)
	switch again, err := json.Marshal(s); {
	case s.Type != statementType:
		return nil, fmt.Errorf("%w: the statement is of type %.100q, not %s", ErrBundle, s.Type, statementType)
	case s.PredicateType != predicateType:
		return nil, fmt.Errorf("%w: the predicate is of type %.100q, not %s", ErrBundle, s.PredicateType, predicateType)
	case len(s.Subject) == 0:
		return nil, fmt.Errorf("%w: the statement has no subject", ErrBundle)
	case err != nil || !bytes.Equal(intake.EscapedJSON(again), intake.EscapedJSON(payload)): // earlier versions wrote no such escapes
		return nil, fmt.Errorf("%w: the statement is not written as this program writes it", ErrBundle)
	}
	return &s, nil
}

// inputs returns the subjects that are examined files, in their order; their names keep
// inputPrefix. Without inputs the result is nil.
func (s *Statement) inputs() (out []Subject) {
	for _, x := range s.Subject {
		if strings.HasPrefix(x.Name, inputPrefix) {
			out = append(out, x)
		}
	}
	return out
}
