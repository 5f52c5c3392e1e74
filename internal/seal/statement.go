package seal

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// StatementType says that a payload is an in-toto Statement.
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateType says that a statement's predicate is a [Predicate]. docs/report.md
	// describes it; another meaning gets another number.
	PredicateType = "https://github.com/kycmark/kycmark/report/v1"
	// PayloadType is the DSSE payload type of in-toto Statements in JSON.
	PayloadType = "application/vnd.in-toto+json"
)

// inputPrefix begins the names of those subjects that were examined. No file of a bundle
// has a colon in its name.
const inputPrefix = "input:"

// A Statement is an in-toto Statement v1: a claim (the predicate) about files (the subjects).
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"` // the bundle's files by name, then the inputs by path
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// A Subject is an in-toto ResourceDescriptor: a file by name and digest.
type Subject struct {
	Name        string      `json:"name"` // of an input: "input:" and its path
	Digest      Digest      `json:"digest"`
	Annotations Annotations `json:"annotations"`
}

// A Digest is an in-toto DigestSet of the one digest that is used here.
type Digest struct {
	SHA256 string `json:"sha256"` // lower-case hex
}

// Annotations are what a subject says beyond its digest.
type Annotations struct {
	Size int64 `json:"size"` // bytes
}

// A Predicate is what a bundle says of itself.
type Predicate struct {
	Made   time.Time       `json:"made"`             // UTC, by the clock of the machine that signed
	Tool   string          `json:"tool"`             // name and version
	Record json.RawMessage `json:"record,omitempty"` // who examined what with which tool: the investigation's own
	Ledger *Ledger         `json:"ledger,omitempty"`
}

// A Ledger says what state of a registry's ledger the report rests on.
type Ledger struct {
	Key        string `json:"key"`        // public key name+hash+key that the checkpoint is checked with
	Checkpoint string `json:"checkpoint"` // C2SP tlog-checkpoint, a signed note
}

// An Input is a file that was examined.
type Input struct {
	Path   string // as it was given; what is no UTF-8 in it is replaced by U+FFFD
	Size   int64  // bytes
	SHA256 [32]byte
}

// newStatement states the files and inputs; files must be sorted by name.
func newStatement(files []File, inputs []Input, p Predicate) Statement {
	s := Statement{Type: StatementType, PredicateType: PredicateType, Predicate: p, Subject: []Subject{}}
	s.Predicate.Made = p.Made.UTC().Truncate(time.Second)
	for _, f := range files {
		s.Subject = append(s.Subject, subject(f.Name, int64(len(f.Data)), digest(f.Data)))
	}
	var examined []Subject
	for _, in := range inputs {
		path := strings.ToValidUTF8(in.Path, "\uFFFD")
		examined = append(examined, subject(inputPrefix+path, in.Size, in.SHA256))
	}
	slices.SortFunc(examined, func(a, b Subject) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Digest.SHA256, b.Digest.SHA256)
	})
	s.Subject = append(s.Subject, slices.Compact(examined)...)
	return s
}

func subject(name string, size int64, sum [32]byte) Subject {
	return Subject{name, Digest{hex.EncodeToString(sum[:])}, Annotations{size}}
}

// parseStatement reads what newStatement made. There is one way to write a statement:
// two readers can then not see two statements in it, by a field that stands twice or in
// another case.
func parseStatement(payload []byte) (*Statement, error) {
	var s Statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: the statement: %w", ErrBundle, err)
	}
	s.Predicate.Made = s.Predicate.Made.UTC().Truncate(time.Second)
	switch again, err := json.Marshal(s); {
	case s.Type != StatementType:
		return nil, fmt.Errorf("%w: the statement is of type %.100q, not %s", ErrBundle, s.Type, StatementType)
	case s.PredicateType != PredicateType:
		return nil, fmt.Errorf("%w: the predicate is of type %.100q, not %s", ErrBundle, s.PredicateType, PredicateType)
	case len(s.Subject) == 0:
		return nil, fmt.Errorf("%w: the statement has no subject", ErrBundle)
	case err != nil || !bytes.Equal(again, payload):
		return nil, fmt.Errorf("%w: the statement is not written as this program writes it", ErrBundle)
	}
	return &s, nil
}

// Inputs are the subjects that were examined, by path.
func (s *Statement) Inputs() []Subject {
	var out []Subject
	for _, x := range s.Subject {
		if path, ok := strings.CutPrefix(x.Name, inputPrefix); ok {
			x.Name = path
			out = append(out, x)
		}
	}
	return out
}
