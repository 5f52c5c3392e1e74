package capture

import (
	_ "embed" // the table
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/photometry"
)

// Figures are what the pixels of a leak say of an original, in the numbers that ratios are computed
// from. Each number lies within its range of [figureRanges], from nothing of the same capture to
// all of it. A number that was not measured is at the end that says nothing of the same capture.
type Figures struct {
	Detail float64 `json:"detail"` // share of the comparable blocks that agree
	Text   float64 `json:"text"`   // share of the comparable blocks that show another text
	Light  float64 `json:"light"`  // grey levels by which half of the shades are off
	Place  float64 `json:"place"`  // pixels by which half of the edges lie off the original's frame, or off a piece cut out and scaled
	Noise  float64 `json:"noise"`  // how much of the original's noise was found
}

// fields returns pointers to the numbers, in the order of [figureRanges].
func (f *Figures) fields() [len(figureRanges)]*float64 {
	return [...]*float64{&f.Detail, &f.Text, &f.Light, &f.Place, &f.Noise}
}

// NoFigures returns the figures of a leak that does not align with the original.
func NoFigures() (f Figures) {
	for i, x := range f.fields() {
		*x = figureRanges[i].far
	}
	return f
}

// Figures returns the figures of the leak, rounded to 1e-6. Light, place and noise are measured only
// if the blocks leave open whether the leak shows the original: see [Sight.Verdict]. The light of an
// altered leak is that outside of the altered places. Errors come from [Sight.Fit].
func (s *Sight) Figures() (Figures, error) {
	f, n := NoFigures(), s.Likeness()
	if s.verdict == nil { // it finds the altered places
		if _, err := s.Verdict(); err != nil {
			return f, err
		}
	}
	shown := float64(max(n.Textured-n.Covered, 1))
	f.Detail, f.Text = float64(n.Agree)/shown, float64(n.Exchanged)/shown
	if n.Verdict != Unsure && (n.Verdict != Other || n.Foreign || n.mostly()) {
		fit, _, err := s.Fit()
		if err != nil {
			return NoFigures(), err
		}
		if fit != nil {
			f.Light, f.Place = s.light[0], s.offPlace(fit)
			if p := s.noise(fit); p.blocks >= minBlocks {
				f.Noise = math.Min(1, math.Max(0, p.gain/minGain)) * p.z / (minZ + noiseMore)
			}
		}
	}
	for i, x := range f.fields() {
		r := &figureRanges[i]
		lo, hi := math.Min(r.near, r.far), math.Max(r.near, r.far)
		*x = math.Round(math.Min(hi, math.Max(lo, *x))*1e6) / 1e6
	}
	return f, nil
}

// offPlace returns by how many pixels half of the edges lie off the original's frame. If the leak
// may be a piece that was cut out and scaled, it is the distance from such a piece if that is less.
// It is at most framedPlace if the leak shows the frame itself.
func (s *Sight) offPlace(f *photometry.Fit) float64 {
	all := s.places(f)
	off, _ := s.onFrame(all)
	if s.isPiece() {
		half, _ := s.onLine(all)
		off = math.Min(off, half)
	}
	if s.framed() {
		off = math.Min(off, framedPlace)
	}
	return off
}

// Scaled returns the figures on scales from 0, nothing of the same capture, to 1, in the order of the
// fields. The error names a figure that is not within its range.
func (f Figures) Scaled() (out [len(figureRanges)]float64, err error) {
	for i, x := range f.fields() {
		r := &figureRanges[i]
		v, far, near := *x, r.far, r.near
		if !(v >= math.Min(far, near) && v <= math.Max(far, near)) {
			return out, fmt.Errorf("%s is %v, want %v to %v", r.name, v, math.Min(far, near), math.Max(far, near))
		}
		if r.log {
			v, far, near = math.Log(v), math.Log(far), math.Log(near)
		}
		out[i] = float64((v - far) / (near - far))
	}
	return out, nil
}

// Ratios are log10 likelihood ratios of two explanations of what a leak shows. They are multiples of
// 1e-6. The first three are for this very capture.
type Ratios struct {
	Capture  float64 `json:"capture"`  // against another capture of the same document
	Document float64 `json:"document"` // against another document of the template
	Stranger float64 `json:"stranger"` // against a document of another template
	Another  float64 `json:"another"`  // for another capture of the same document, against another document of the template
}

// A RatioTable says how figures become ratios. It is fitted to recorded comparisons (bench, match_ratio.go).
type RatioTable struct {
	Templates int        `json:"templates"` // of the documents compared
	Ratios    [4]Weights `json:"ratios"`    // in the order of [Ratios]
}

// Weights are the weights of one ratio.
type Weights struct {
	For      string                     `json:"for"`
	Against  string                     `json:"against"`
	Units    int                        `json:"units"` // independent ones that were compared: documents; of Another templates
	Constant float64                    `json:"constant"`
	Figures  [len(figureRanges)]float64 `json:"figures"` // of the scaled figures
}

//go:embed ratio.json
var ratioTable []byte

// Recorded returns the table that is compiled in. It must not be changed.
var Recorded = sync.OnceValues(func() (*RatioTable, error) {
	t := new(RatioTable)
	if err := json.Unmarshal(ratioTable, t); err != nil {
		return nil, fmt.Errorf("table of match ratios: %w", err)
	}
	return t, nil
})

// Of returns the ratios of figures. The error says that a figure is not within its range.
func (t *RatioTable) Of(f Figures) (r Ratios, err error) {
	x, err := f.Scaled()
	if err != nil {
		return r, err
	}
	for i, to := range [...]*float64{&r.Capture, &r.Document, &r.Stranger, &r.Another} {
		*to = t.Ratios[i].Ratio(x)
	}
	return r, nil
}

// Ratio returns the log10 likelihood ratio of scaled figures, limited to what the units support.
func (w *Weights) Ratio(x [len(figureRanges)]float64) float64 {
	ln := w.Constant
	for i, v := range x {
		ln += float64(w.Figures[i] * v)
	}
	return Limited(ln/math.Ln10, w.Units)
}

// Limited limits a log10 likelihood ratio to what n independent units without an error support. One
// unit more might have shown the opposite: with a probability of 1/(n+1) each explanation gives what
// the other gives. So a ratio L becomes (n L + 1)/(n + L), which lies within 1/n to n. The result is
// a multiple of 1e-6.
func Limited(lr float64, n int) float64 {
	l, units := math.Pow(10, math.Min(math.Max(lr, -100), 100)), float64(n)
	return math.Round(math.Log10((float64(units*l)+1)/(units+l))*1e6) / 1e6
}
