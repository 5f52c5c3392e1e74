package ruler

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Documents fills the marked places of Markdown documents from results files. A table lies
// between two lines, a single figure between two marks of one line:
//
//	<!-- table FILE NAME LABEL=VALUE... -->
//	<!-- end -->
//	<!-- cell FILE NAME COLUMN LABEL=VALUE... -->19 of 20<!-- end -->
//
// FILE is a results file in the folder Results, and NAME a table of the experiment that wrote
// FILE. The conditions choose trials; several values of a label are separated by |. COLUMN is the
// head of a column, whose cell over all chosen trials is shown. A space in a label, a value or a
// head is written as _.
type Documents struct {
	Results     string
	Experiments []*Experiment
}

const (
	regionBegin = "<!-- table "
	regionEnd   = "<!-- end -->"
)

var cellMark = regexp.MustCompile(`(<!-- cell (.+?) -->).*?<!-- end -->`)

// Fill returns the text of a document with its tables and cells filled.
func (d *Documents) Fill(text string) (string, error) {
	var b strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, err := d.fillCells(lines[i])
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		b.WriteString(line)
		words, begins := strings.CutPrefix(strings.TrimSpace(line), regionBegin)
		if !begins {
			continue
		}
		words, ends := strings.CutSuffix(words, "-->")
		t, trials, err := d.choose(strings.Fields(words))
		if err != nil || !ends {
			return "", fmt.Errorf("line %d: %s: want a results file, a table and conditions: %w", i+1, line, err)
		}
		b.WriteString(t.Markdown(trials))
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != regionEnd; i++ {
			continue // the old table
		}
		if i == len(lines) {
			return "", fmt.Errorf("%s: no %s", strings.TrimSpace(line), regionEnd)
		}
		b.WriteString(lines[i])
	}
	return b.String(), nil
}

// fillCells returns a line with its cells filled.
func (d *Documents) fillCells(line string) (out string, err error) {
	out = cellMark.ReplaceAllStringFunc(line, func(mark string) string {
		m := cellMark.FindStringSubmatch(mark)
		words := strings.Fields(m[2])
		if err != nil || len(words) < 3 {
			err = fmt.Errorf("%s: want a results file, a table, a column and conditions: %w", mark, err)
			return mark
		}
		var t *Table
		var trials Group
		if t, trials, err = d.choose(append(words[:2:2], words[3:]...)); err != nil {
			return mark
		}
		for _, c := range t.Columns {
			if c.Head == strings.ReplaceAll(words[2], "_", " ") {
				return m[1] + c.Cell(trials.Where(t.Where).Where(c.Where)) + regionEnd
			}
		}
		err = fmt.Errorf("%s: table %s has no column %s", mark, t.Name, words[2])
		return mark
	})
	return out, err
}

// choose returns the table and the trials that words ask for: a results file, the name of a
// table, and conditions. In a condition _ is a space, or itself.
func (d *Documents) choose(words []string) (*Table, Group, error) {
	if len(words) < 2 {
		return nil, nil, fmt.Errorf("got %q", words)
	}
	results, err := ReadResults(filepath.Join(d.Results, words[0]))
	if err != nil {
		return nil, nil, err
	}
	trials := Group(results.Trials())
	for _, condition := range words[2:] {
		label, values, ok := strings.Cut(condition, "=")
		if !ok {
			return nil, nil, fmt.Errorf("%s: want LABEL=VALUE", condition)
		}
		trials = trials.Where(Is(strings.ReplaceAll(label, "_", " "), strings.Split(strings.ReplaceAll(values, "_", " ")+"|"+values, "|")...))
	}
	if len(trials) == 0 {
		return nil, nil, fmt.Errorf("%s: no such trials", words)
	}
	for _, x := range d.Experiments {
		for i := range x.Tables {
			if x.Name == trials[0].Experiment && x.Tables[i].Name == words[1] {
				return &x.Tables[i], trials, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("%s: experiment %q has no table %q", words[0], trials[0].Experiment, words[1])
}

// FillFile fills a document on disk and reports whether its text changed. If write is false, the
// file stays as it is.
func (d *Documents) FillFile(path string, write bool) (changed bool, err error) {
	old, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	text, err := d.Fill(string(old))
	if err != nil {
		return false, fmt.Errorf("%s: %w", path, err)
	}
	if text == string(old) || !write {
		return text != string(old), nil
	}
	return true, os.WriteFile(path, []byte(text), 0o644)
}
