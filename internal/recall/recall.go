// Package recall holds how often the search for leaks found the upload that a picture shows, in trials. A picture's
// kind depends on the picture alone: its size, how much detail it has, and whether its hash can be searched. What was
// done to a leak is not known; the trials are over a mixture of attacks.
package recall

import (
	"bytes"
	_ "embed" // the table
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// ErrTable is wrapped by all errors about a [Table] that cannot be used.
var ErrTable = errors.New("unusable table of recall")

// A Look is what a leak has for the search to go by.
type Look struct {
	Side     int  // the long side, pixels
	Quality  int  // of its hash, 0 to 100
	Features int  // local features
	Parts    bool // features were searched, not the hash of the whole alone
}

// A Kind is a sort of leaks, and what trials of such leaks gave. A leak is of the first
// kind of a table whose limits it meets.
type Kind struct {
	Name        string `json:"name"` // "large, full of detail"
	MinSide     int    `json:"least_side"`
	MinFeatures int    `json:"least_features"`
	MinQuality  int    `json:"least_quality"`
	Whole       Trials `json:"whole"` // hashes of whole pictures within the radius alone
	Parts       Trials `json:"parts"` // with nearer ones by their pixels, and parts by local features
}

// Trials are leaks whose upload was in the registry.
type Trials struct {
	Found int     `json:"found"`
	Of    int     `json:"of"`
	Bound float64 `json:"at_least"` // lower 95 % bound of the share (Clopper and Pearson, Biometrika 26, 1934)
}

// A Table is the record of one run.
type Table struct {
	Version int    `json:"version"`
	Command string `json:"command"` // that recorded it
	Go      string `json:"go"`
	Seed    uint64 `json:"seed"`
	Uploads int    `json:"uploads"`
	MaxSide int    `json:"max_side"` // of the uploads, pixels
	Attacks int    `json:"attacks"`
	Every   int    `json:"every"` // each upload went through one of so many attacks
	Sizes   []int  `json:"sizes"` // long sides to which leaks were shrunk after the attack, in turn; 0: not
	Kinds   []Kind `json:"kinds"`
}

//go:embed table.json
var recorded []byte

var parsed = sync.OnceValues(func() (*Table, error) { return Read(recorded) })

// Recorded returns the table that investigations use, which is compiled in. All calls return the
// same table; it must not be changed. The error wraps [ErrTable].
func Recorded() (*Table, error) { return parsed() }

// Read reads a table from JSON and checks it. A table needs kinds, the last without limits, and
// bounds that fit the counts. Unknown fields are refused. The error wraps [ErrTable].
func Read(data []byte) (*Table, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	t := new(Table)
	if err := dec.Decode(t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTable, err)
	}
	if len(t.Kinds) == 0 {
		return nil, fmt.Errorf("%w: it has no kinds", ErrTable)
	}
	if last := t.Kinds[len(t.Kinds)-1]; last.MinSide > 0 || last.MinFeatures > 0 || last.MinQuality > 0 {
		return nil, fmt.Errorf("%w: its last kind has limits", ErrTable)
	}
	for _, k := range t.Kinds {
		for _, n := range []Trials{k.Whole, k.Parts} {
			if n.Found < 0 || n.Found > n.Of || !(n.Bound >= 0 && n.Bound < 1) || n.Found == 0 && n.Bound > 0 || n.Found > 0 && n.Bound > float64(n.Found)/float64(n.Of) {
				return nil, fmt.Errorf("%w: %q", ErrTable, k.Name)
			}
		}
	}
	return t, nil
}

// Of returns the first kind of the table with limits that the leak l meets, never nil: the last
// kind has no limits. The kind is part of the table and must not be changed.
func (t *Table) Of(l Look) *Kind {
	for i := range t.Kinds {
		if k := &t.Kinds[i]; l.Side >= k.MinSide && l.Features >= k.MinFeatures && l.Quality >= k.MinQuality {
			return k
		}
	}
	return &t.Kinds[len(t.Kinds)-1]
}

// Trials returns the trials of leaks of a kind: with parts searched if l.Parts is set, else with
// the hash of the whole alone. The other fields of l do not matter.
func (k *Kind) Trials(l Look) Trials {
	if l.Parts {
		return k.Parts
	}
	return k.Whole
}
