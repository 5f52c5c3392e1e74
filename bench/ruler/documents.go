package ruler

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Documents fills the marked regions of Markdown documents from results files. A region
// begins with a line
//
//	<!-- table FILE NAME LABEL=VALUE... -->
//
// and ends with <!-- end -->. FILE is a results file in the folder Results, NAME a table of
// the experiment that wrote it, and the conditions choose trials; several values of a label
// are separated by |, a space in a value is written as _.
type Documents struct {
	Results     string
	Experiments []*Experiment
}

const (
	regionBegin = "<!-- table "
	regionEnd   = "<!-- end -->"
)

// Fill returns the text of a document with its regions filled.
func (d *Documents) Fill(text string) (string, error) {
	var b strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		b.WriteString(lines[i])
		if !strings.HasPrefix(lines[i], regionBegin) {
			continue
		}
		end := i + 1
		for end < len(lines) && strings.TrimSpace(lines[end]) != regionEnd {
			end++
		}
		if end == len(lines) {
			return "", fmt.Errorf("line %d: no %s", i+1, regionEnd)
		}
		table, err := d.region(lines[i])
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		b.WriteString(table)
		b.WriteString(lines[end])
		i = end
	}
	return b.String(), nil
}

// region returns the table that a region's first line asks for.
func (d *Documents) region(line string) (string, error) {
	line = strings.TrimSpace(line)
	words := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(line, regionBegin), "-->"))
	if len(words) < 2 || !strings.HasSuffix(line, "-->") {
		return "", fmt.Errorf("%s: want a results file, a table and conditions", line)
	}
	results, err := ReadResults(filepath.Join(d.Results, words[0]))
	if err != nil {
		return "", err
	}
	trials := Group(results.Trials())
	for _, condition := range words[2:] {
		label, values, ok := strings.Cut(condition, "=")
		if !ok {
			return "", fmt.Errorf("%s: want LABEL=VALUE", condition)
		}
		trials = trials.Where(Is(label, strings.Split(strings.ReplaceAll(values, "_", " "), "|")...))
	}
	if len(trials) == 0 {
		return "", fmt.Errorf("%s: no trials", line)
	}
	for _, x := range d.Experiments {
		if x.Name != results[0].Experiment {
			continue
		}
		for i := range x.Tables {
			if x.Tables[i].Name == words[1] {
				return x.Tables[i].Markdown(trials), nil
			}
		}
	}
	return "", fmt.Errorf("%s: experiment %q has no table %q", words[0], results[0].Experiment, words[1])
}

// FillFile fills the regions of a document on disk and reports whether it changed. If
// write is false it only reports.
func (d *Documents) FillFile(path string, write bool) (changed bool, err error) {
	old, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	text, err := d.Fill(string(old))
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if text == string(old) {
		return false, nil
	}
	if write {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	return true, err
}
