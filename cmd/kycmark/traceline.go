package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/watermark"
)

// traceLine is the result of trace as JSON. What does not apply to a leak that does
// not show the original is null.
type traceLine struct {
	File       string             `json:"file"`
	Registered bool               `json:"registered"`
	Copies     []tracedCopy       `json:"copies"` // as given
	Best       *watermark.CopyID  `json:"best"`
	Accused    []watermark.CopyID `json:"accused"` // strongest first
	Power      *float64           `json:"power"`
	Expected   *float64           `json:"expected"` // score of a copy, were it in the leak
	Decoded    *watermark.CopyID  `json:"decoded"`  // read without the list of copies
	Quad       *[4][2]float64     `json:"quad"`     // corners of the leak, in the original's pixels
	Residual   *float64           `json:"residual"` // grey levels
	Overlap    *float64           `json:"overlap"`  // share of the leak that shows the original
	Mirrored   bool               `json:"mirrored"`
	Inverted   bool               `json:"inverted"`
	Edits      []tracedEdit       `json:"edits"`
	Error      *string            `json:"error"`
}

type tracedCopy struct {
	Copy    watermark.CopyID `json:"copy"`
	KeyID   string           `json:"key_id"`
	Score   *float64         `json:"score"`
	Payload *float64         `json:"payload"`
	LogP    *float64         `json:"log10_p"`
	LogE    *float64         `json:"log10_e"`
}

type tracedEdit struct {
	Quad  [4][2]float64 `json:"quad"` // in the original's pixels
	Kind  string        `json:"kind"`
	Score *float64      `json:"score"`
}

func newTraceLine() traceLine {
	return traceLine{Copies: []tracedCopy{}, Accused: []watermark.CopyID{}, Edits: []tracedEdit{}}
}

func (l *traceLine) fill(t *watermark.TraceResult, issued []watermark.Candidate) {
	l.Registered, l.Mirrored, l.Inverted, l.Power = t.Registered, t.Mirrored, t.Inverted, finite(t.Power)
	for i, c := range t.Copies {
		l.Copies = append(l.Copies, tracedCopy{c.Copy, issued[i].Key.ID(), finite(c.Score), finite(c.Payload), finite(c.LogP), finite(c.LogE)})
	}
	if !t.Registered {
		return
	}
	if t.Best >= 0 && t.Best < len(t.Copies) {
		l.Best = &t.Copies[t.Best].Copy
	}
	for _, id := range t.Accused {
		if !slices.Contains(l.Accused, id) { // under two keys
			l.Accused = append(l.Accused, id)
		}
	}
	l.Expected, l.Decoded = finite(t.Expected), t.Decoded
	quad := corners(t.Quad)
	l.Quad, l.Residual, l.Overlap = &quad, finite(t.Residual), finite(t.Overlap)
	for _, e := range t.Edits {
		l.Edits = append(l.Edits, tracedEdit{corners(e.Quad), e.Kind, finite(e.Score)})
	}
}

func corners(quad [4]watermark.Point) (out [4][2]float64) {
	for i, p := range quad {
		out[i] = [2]float64{p.X, p.Y}
	}
	return out
}

// finite is v for JSON, which has no infinities.
func finite(v float64) *float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil
	}
	return &v
}

// words tells the result in one line.
func (l *traceLine) words() string {
	switch {
	case !l.Registered && len(l.Copies) == 0:
		return "does not show the original"
	case !l.Registered:
		return fmt.Sprintf("looks like the original, but may be another picture of the same; no copy of %d is in it", len(l.Copies))
	}
	var b strings.Builder
	for i, id := range l.Accused {
		if i > 0 {
			b.WriteString("; and ")
		}
		fmt.Fprintf(&b, "copy %s", id)
		if c := l.copyOf(id); c != nil {
			fmt.Fprintf(&b, " (score %s, log10 p %s)", digits(c.Score), digits(c.LogP))
		}
	}
	if len(l.Accused) == 0 {
		fmt.Fprintf(&b, "shows the original; no copy of %d is in it", len(l.Copies))
		if l.Power != nil && *l.Power < enoughPower {
			fmt.Fprintf(&b, " that could be seen (power %.3f)", *l.Power)
		} else if l.Power != nil {
			fmt.Fprintf(&b, " (power %.3f)", *l.Power)
		}
	}
	if l.Decoded != nil && !slices.Contains(l.Accused, *l.Decoded) {
		fmt.Fprintf(&b, ", but it reads as copy %s", *l.Decoded)
		if l.copyOf(*l.Decoded) == nil {
			b.WriteString(", which was not given")
		}
	}
	if l.Mirrored {
		b.WriteString(", mirrored")
	}
	if l.Inverted {
		b.WriteString(", a negative")
	}
	for _, e := range l.Edits {
		fmt.Fprintf(&b, ", %s at %.0f,%.0f", e.Kind, e.Quad[0][0], e.Quad[0][1])
	}
	return b.String()
}

// enoughPower is the power from which "no copy" is a finding.
const enoughPower = .999

// copyOf is the strongest entry of a copy, which may have been tried under several keys.
func (l *traceLine) copyOf(id watermark.CopyID) *tracedCopy {
	var best *tracedCopy
	for i := range l.Copies {
		c := &l.Copies[i]
		if c.Copy == id && c.LogP != nil && (best == nil || *c.LogP < *best.LogP) {
			best = c
		}
	}
	return best
}

func digits(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f", *v)
}
