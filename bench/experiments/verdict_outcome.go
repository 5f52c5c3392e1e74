package experiments

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/kycmark/kycmark/verify/odds"
)

// ErrOutcomes is wrapped by all errors about an [OutcomeTable] that cannot be used.
var ErrOutcomes = errors.New("bench: unusable table of outcomes")

// RecordedSide is the long side of the uploads of a recording, pixels, where none is asked for.
const RecordedSide = 640

// RecordedOutcomes is the table that simulations draw from where no other is given, as
// [ReadOutcomes] takes it. Its first line has the command that made it.
//
//go:embed testdata/outcomes.json
var RecordedOutcomes []byte

// What a recorded leak was made of.
const (
	OutcomeCopy         = "copy"         // an issued copy
	OutcomeUnmarked     = "unmarked"     // the upload as it came
	OutcomeStranger     = "stranger"     // another person's document of the same template, never submitted
	OutcomeTransplanted = "transplanted" // another upload, with the difference of a copy and its upload laid on
)

// What a recorded leak was found to show.
const (
	ShowsOwn   = "own"   // the upload that it was made of
	ShowsOther = "other" // another one
	ShowsNone  = ""      // no submission
)

// An OutcomeTable is what investigations of pictures found, leak by leak: what
// simulated investigations draw from in place of a model.
type OutcomeTable struct {
	Command  string    `json:"command"` // that recorded it
	Go       string    `json:"go"`
	MaxSide  int       `json:"max_side"`
	Seed     uint64    `json:"seed"`
	Uploads  []string  `json:"uploads"`
	Copies   int       `json:"copies"` // issued of each upload
	Outcomes []Outcome `json:"outcomes"`
}

// An Outcome is one leak of the table.
type Outcome struct {
	Attack  string `json:"attack"` // names of attacks, one after the other, joined by "+"
	Kind    string `json:"kind"`
	Upload  int    `json:"upload"` // by its place among Uploads
	Finding string `json:"finding"`
	Shows   string `json:"shows,omitempty"`
	// LeftOut: the leak is no part of the case (a mark that is not confirmed).
	LeftOut bool `json:"left_out,omitempty"`
	// Read: a mark was read and not found by tracing, so that validation allows less.
	Read bool `json:"read,omitempty"`
	// Marked: the recipient of the copy is listed as transplanted.
	Marked     bool    `json:"marked,omitempty"`
	Recall     float64 `json:"recall,omitempty"`
	FalseMatch float64 `json:"false_match,omitempty"`
	// Own is the evidence for the copy that leaked, Innocent that for the other copies of
	// the submission that the leak was found to show.
	Own      *Evidence  `json:"own,omitempty"`
	Innocent []Evidence `json:"innocent,omitempty"`
}

// Evidence is what a case says of one copy: see [odds.Copy].
type Evidence struct {
	LnE       float64 `json:"ln_e"`
	Miss      float64 `json:"miss"`
	Confirmed bool    `json:"confirmed,omitempty"`
}

func (e Evidence) copy(id, recipient string) odds.Copy {
	return odds.Copy{ID: id, Recipient: recipient, LnE: e.LnE, Miss: e.Miss, Confirmed: e.Confirmed}
}

// maxOutcomes bounds a table of outcomes, bytes.
const maxOutcomes = 16 << 20

// ReadOutcomes reads a table. The error wraps [ErrOutcomes] or is the reader's.
func ReadOutcomes(r io.Reader) (*OutcomeTable, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxOutcomes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxOutcomes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrOutcomes, maxOutcomes)
	}
	t := new(OutcomeTable)
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOutcomes, err)
	}
	return t, t.check()
}

// check reports what simulations could not draw from.
func (t *OutcomeTable) check() error {
	for _, kind := range []string{OutcomeCopy, OutcomeUnmarked, OutcomeStranger, OutcomeTransplanted} {
		if !slices.ContainsFunc(t.Outcomes, func(o Outcome) bool { return o.Kind == kind }) {
			return fmt.Errorf("%w: no outcome of kind %q", ErrOutcomes, kind)
		}
	}
	return nil
}

// JSON writes a table, an outcome a line.
func (t *OutcomeTable) JSON() ([]byte, error) {
	head := *t
	head.Outcomes = nil
	out, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	out = append(out[:len(out)-len("null}")], '[')
	for i := range t.Outcomes {
		line, err := json.Marshal(t.Outcomes[i])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), line...)
	}
	return append(out, "\n]}\n"...), nil
}

// A drawer draws recorded outcomes by kind and attack.
type drawer struct {
	by       map[[2]string][]*Outcome
	attacks  map[string][]string // by kind, sorted
	innocent []Evidence          // of copies that were not in the leak
}

func newDrawer(t *OutcomeTable) *drawer {
	d := &drawer{by: make(map[[2]string][]*Outcome), attacks: make(map[string][]string)}
	for i := range t.Outcomes {
		o := &t.Outcomes[i]
		key := [2]string{o.Kind, o.Attack}
		if len(d.by[key]) == 0 {
			d.attacks[o.Kind] = append(d.attacks[o.Kind], o.Attack)
		}
		d.by[key] = append(d.by[key], o)
		d.innocent = append(d.innocent, o.Innocent...)
	}
	for _, names := range d.attacks {
		slices.Sort(names)
	}
	return d
}

// draw takes an outcome of a kind and an attack; of the kind alone where the attack was
// not recorded for it.
func (d *drawer) draw(rng *rand.Rand, kind, attack string) *Outcome {
	all := d.by[[2]string{kind, attack}]
	if len(all) == 0 {
		names := d.attacks[kind]
		all = d.by[[2]string{kind, names[rng.IntN(len(names))]}]
	}
	return all[rng.IntN(len(all))]
}

// innocence is the evidence for a copy that is not in a leak: of the same outcome where it
// has some, else of any.
func (d *drawer) innocence(rng *rand.Rand, o *Outcome) Evidence {
	all := o.Innocent
	if len(all) == 0 {
		all = d.innocent
	}
	if len(all) == 0 {
		return Evidence{Miss: 1}
	}
	return all[rng.IntN(len(all))]
}

// sorted puts outcomes in the order of kinds, attacks and uploads.
func (t *OutcomeTable) sorted() {
	slices.SortStableFunc(t.Outcomes, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Attack, b.Attack), cmp.Compare(a.Upload, b.Upload))
	})
}
