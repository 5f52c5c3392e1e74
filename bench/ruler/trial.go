// Package ruler is what all experiments share: trials, runs, results files, tables,
// plots, and the regions of documents that show them.
//
// A [Trial] is one measurement: labels say what was measured, values what came out. An
// [Experiment] lists cases; a [Case] makes trials; [Experiment.Run] runs the cases on
// several processors and keeps their order. A [Results] file holds one JSON line a trial.
// A [Table] groups trials and counts them. Tables of documents are made from results
// files alone, by [Documents].
package ruler

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/kycmark/kycmark/internal/durable"
)

// A Trial is one measurement. A counted trial stands for Values["n"] measurements; its
// other values are sums over them, except that values named max_… and min_… are extremes.
type Trial struct {
	Experiment string             `json:"experiment"`
	Labels     map[string]string  `json:"labels,omitempty"` // of what; "run" names the run and is set by Results
	Values     map[string]float64 `json:"values,omitempty"` // finite; what is unknown is left out
	Error      string             `json:"error,omitempty"`  // why nothing, or not everything, was measured
}

// N returns how many measurements the trial stands for: 1, or Values["n"].
func (t *Trial) N() float64 {
	if n, ok := t.Values["n"]; ok {
		return n
	}
	return 1
}

// A Run is the first line of the trials of one run: what is needed to repeat the run.
type Run struct {
	Name       string   `json:"run"` // unique in a results file, such as "shipped"
	Experiment string   `json:"of"`
	Command    string   `json:"command"`
	Commit     string   `json:"commit,omitempty"`
	Seed       uint64   `json:"seed"`
	Key        string   `json:"key,omitempty"` // ID of the mark key
	Go         string   `json:"go,omitempty"`
	Pictures   []string `json:"pictures,omitempty"` // SHA-256 of each file, hexadecimal
	Note       string   `json:"note,omitempty"`     // for people: where published figures come from
	Trials     []Trial  `json:"-"`                  // the lines that follow
}

// Results are the runs of one results file, in the order of the file.
type Results []Run

// ReadResults reads a results file. Every trial gets the label "run", the name of its run.
func ReadResults(path string) (Results, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := parseResults(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// parseResults reads the lines of a results file.
func parseResults(from io.Reader) (Results, error) {
	var r Results
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		var line struct {
			Run
			Trial
		}
		if err := unmarshalStrict(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		switch {
		case line.Run.Name != "":
			r = append(r, line.Run)
		case len(r) == 0:
			return nil, fmt.Errorf("line %d: a trial before the line of its run", n)
		default:
			last := &r[len(r)-1]
			t := line.Trial
			if t.Labels == nil {
				t.Labels = map[string]string{}
			}
			t.Labels["run"] = last.Name
			last.Trials = append(last.Trials, t)
		}
	}
	return r, lines.Err()
}

// maxLine is the max length of a line of a results file, bytes. A run of 10,000 pictures
// has a first line of 700 kB.
const maxLine = 16 << 20

// unmarshalStrict decodes JSON and refuses fields that into does not have.
func unmarshalStrict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// Trials returns the trials of all runs.
func (r Results) Trials() []Trial {
	var out []Trial
	for i := range r {
		out = append(out, r[i].Trials...)
	}
	return out
}

// With returns the results with one run replaced, or added at the end if no run of its
// name is there.
func (r Results) With(run Run) Results {
	out := slices.Clone(r)
	if i := slices.IndexFunc(out, func(o Run) bool { return o.Name == run.Name }); i >= 0 {
		out[i] = run
		return out
	}
	return append(out, run)
}

// Write writes a results file: every run's line, then the lines of its trials.
func (r Results) Write(path string) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for i := range r {
		if err := enc.Encode(&r[i]); err != nil {
			return err
		}
		for _, t := range r[i].Trials {
			t.Labels = maps.Clone(t.Labels)
			delete(t.Labels, "run")
			if err := enc.Encode(&t); err != nil {
				return err
			}
		}
	}
	return durable.WriteFile(path, buf.Bytes(), 0o644, true)
}

// Fold counts trials: trials with equal values of the labels by become one counted trial.
// The order is that of the first of each. Errors are counted in the value "errors".
func Fold(trials []Trial, by ...string) []Trial {
	var out []Trial
	for _, g := range group(trials, by) {
		t := Trial{Experiment: g[0].Experiment, Labels: map[string]string{}, Values: map[string]float64{"n": g.Count()}}
		for _, l := range by {
			if v := g[0].Labels[l]; v != "" {
				t.Labels[l] = v
			}
		}
		for i := range g {
			for name, v := range g[i].Values {
				old, seen := t.Values[name]
				t.Values[name] = foldValue(name, old, v, seen)
			}
			if g[i].Error != "" {
				t.Values["errors"]++
			}
		}
		t.Values["n"] = g.Count()
		out = append(out, t)
	}
	return out
}

// foldValue returns the value of a counted trial after v is added to old. seen says that old is a value.
func foldValue(name string, old, v float64, seen bool) float64 {
	switch {
	case !seen:
		return v
	case len(name) > 4 && name[:4] == "max_":
		return max(old, v)
	case len(name) > 4 && name[:4] == "min_":
		return min(old, v)
	}
	return old + v
}
