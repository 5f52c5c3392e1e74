package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
)

// errOutcomes is wrapped by all errors about an [outcomeTable] that cannot be used.
var errOutcomes = errors.New("outcomes: unusable table")

// recordedOutcomes is the table that simulations draw from by default. Its first line has the
// command that made it.
//
//go:embed testdata/outcomes.json
var recordedOutcomes []byte

// What a recorded leak was made of.
const (
	outcomeCopy         = "copy"         // an issued copy
	outcomeUnmarked     = "unmarked"     // the upload as it came
	outcomeStranger     = "stranger"     // another person's document of the same template, never submitted
	outcomeTransplanted = "transplanted" // another upload, with the difference of a copy and its upload laid on
)

// What a recorded leak was found to show.
const (
	showsOwn   = "own"   // the upload that the leak was made of
	showsOther = "other" // another upload
	showsNone  = ""      // no submission
)

// An outcomeTable is what investigations of pictures found, leak by leak. Simulated
// investigations draw from the table instead of from the model that judges.
type outcomeTable struct {
	Command  string    `json:"command"` // that recorded the table
	Go       string    `json:"go"`
	MaxSide  int       `json:"max_side"` // of the uploads, pixels
	Seed     uint64    `json:"seed"`
	Uploads  []string  `json:"uploads"`
	Copies   int       `json:"copies"` // issued of each upload
	Outcomes []outcome `json:"outcomes"`
}

// An outcome is one leak of the table.
type outcome struct {
	Attack  string `json:"attack"` // names of attacks, one after the other, joined by "+"
	Kind    string `json:"kind"`
	Upload  int    `json:"upload"` // index into Uploads
	Finding string `json:"finding"`
	Shows   string `json:"shows,omitempty"`
	LeftOut bool   `json:"left_out,omitempty"` // from the case: the mark is not confirmed
	Read    bool   `json:"read,omitempty"`     // a mark was read and not traced: validation allows less
	Marked  bool   `json:"marked,omitempty"`   // the recipient of the copy is listed as transplanted

	Own      *evidence  `json:"own,omitempty"`      // for the copy that leaked
	Innocent []evidence `json:"innocent,omitempty"` // for the other copies of the submission shown
}

// evidence is what a case says of one copy: see [odds.Copy].
type evidence struct {
	LnE       float64 `json:"ln_e"`
	Miss      float64 `json:"miss"`
	Confirmed bool    `json:"confirmed,omitempty"`
}

// readOutcomes reads the table of a file; "" is the shipped table. The error wraps [errOutcomes] if
// the file is not a table that has outcomes of every kind.
func readOutcomes(path string) (*outcomeTable, error) {
	data := recordedOutcomes
	if path != "" {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	t := new(outcomeTable)
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("%w: %w", errOutcomes, err)
	}
	for _, kind := range []string{outcomeCopy, outcomeUnmarked, outcomeStranger, outcomeTransplanted} {
		if !slices.ContainsFunc(t.Outcomes, func(o outcome) bool { return o.Kind == kind }) {
			return nil, fmt.Errorf("%w: no outcome of kind %q", errOutcomes, kind)
		}
	}
	return t, nil
}

// encode writes the table with one outcome a line.
func (t *outcomeTable) encode() ([]byte, error) {
	head := *t
	head.Outcomes = nil
	out, err := json.Marshal(head)
	out = bytes.TrimSuffix(out, []byte("null}"))
	before := "[\n"
	for i := range t.Outcomes {
		line, err2 := json.Marshal(t.Outcomes[i])
		out, before = append(append(out, before...), line...), ",\n"
		err = cmp.Or(err, err2)
	}
	return append(out, "\n]}\n"...), err
}

// A drawer draws recorded outcomes by kind and attack.
type drawer struct {
	by       map[[2]string][]*outcome // kind and attack
	attacks  map[string][]string      // by kind, sorted
	innocent []evidence               // of all copies that were not in the leak
}

// newDrawer sorts the outcomes of a table by kind and attack.
func newDrawer(t *outcomeTable) *drawer {
	d := &drawer{by: make(map[[2]string][]*outcome), attacks: make(map[string][]string)}
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

// draw returns an outcome of a kind and an attack. If the attack was not recorded for the kind,
// the outcome is of any attack.
func (d *drawer) draw(rng *rand.Rand, kind, attack string) *outcome {
	all := d.by[[2]string{kind, attack}]
	if len(all) == 0 {
		names := d.attacks[kind]
		all = d.by[[2]string{kind, names[rng.IntN(len(names))]}]
	}
	return all[rng.IntN(len(all))]
}

// innocence returns evidence for a copy that is not in a leak: of the same outcome if that has
// some, else of any outcome.
func (d *drawer) innocence(rng *rand.Rand, o *outcome) evidence {
	all := o.Innocent
	if len(all) == 0 {
		all = d.innocent
	}
	if len(all) == 0 {
		return evidence{Miss: 1}
	}
	return all[rng.IntN(len(all))]
}
