// Package sentencecheck decides whether the sentences of a findings file are true. It reads the JSON
// of the file with structs of its own. It computes each figure again from the leaks, the case, the
// hypotheses and the record. It shares no code with package verify, which writes the sentences.
package sentencecheck

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"
)

// A report is what the sentences of a findings file rest on.
type report struct {
	Verdict struct {
		Headline      string         `json:"headline"`
		Named         []string       `json:"named"`
		Strength      []string       `json:"strength"`
		Weakens       []string       `json:"weakens"`
		Helps         []string       `json:"helps"`
		ShowsNot      []string       `json:"shows_not"`
		Details       []string       `json:"details"`
		Public        []string       `json:"public"`
		Said          []said         `json:"said"`
		Notes         []said         `json:"notes"`
		Unconfirmed   map[string]int `json:"unconfirmed"`
		Odds          oddsOf         `json:"odds"`
		Case          caseOf         `json:"case"`
		Of            []int          `json:"of"`
		SameDocuments []struct {
			Submissions [2]string `json:"submissions"`
		} `json:"same_documents"`
		NotCompared int       `json:"documents_not_compared"`
		Earlier     []earlier `json:"earlier"`
		Published   []earlier `json:"published"`
		Travel      []travel  `json:"travel"`
		History     struct {
			Recipients []struct {
				Name string `json:"name"`
				Kind string `json:"kind"`
			} `json:"recipients"`
			Reviewers map[string]string `json:"reviewers"`
		} `json:"history"`
		Record struct {
			Began      time.Time         `json:"began"`
			Command    []string          `json:"command"`
			Keys       []string          `json:"keys"`
			Absent     []string          `json:"keys_absent"`
			Altered    []string          `json:"altered"` // records
			Parameters map[string]string `json:"parameters"`
		} `json:"record"`
	} `json:"verdict"`
	Leaks []leak `json:"leaks"`

	stated   time.Time // when the leaks were found, as stated; zero: not stated
	found    time.Time // the same, unless it is contradicted
	earliest time.Time // the first that was ever stated; farOff: none
	named    int       // number of uploads that alone were searched; 0: all were
	each     int       // how many uploads without a subject one person has, as stated; 0: not stated
}

var farOff = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// A said is a sentence by its code and its figures.
type said struct {
	Code    string         `json:"code"`
	Figures map[string]any `json:"figures"`
}

// An earlier is an earlier investigation of the same files.
type earlier struct {
	Entry          int64     `json:"entry"`
	Actor          string    `json:"actor"`
	Evidence       string    `json:"evidence"`
	EvidenceSHA256 string    `json:"evidence_sha256"`
	Started        time.Time `json:"started"`
	Command        string    `json:"command"`
	Shared         int       `json:"shared"`
	Found          time.Time `json:"found"`
	Concluded      time.Time `json:"concluded"`
	Named          []string  `json:"named"`
}

// A hypothesis is that pictures derive from the copies issued to a recipient.
type hypothesis struct {
	Name     string  `json:"name"`
	LR       float64 `json:"log10_e"`
	Raw      float64 `json:"raw_log10_e"`
	Clusters int     `json:"clusters"`
	Note     string  `json:"note"`
}

type oddsOf struct {
	Recipients []hypothesis `json:"recipients"`
	Reviewers  []struct {
		Ref string `json:"reviewer"`
		Of  string `json:"of"`
	} `json:"reviewers"`
	Rivals []struct {
		Name     string `json:"name"`
		Other    string `json:"other"`
		Why      string `json:"why"`
		Clusters int    `json:"clusters"`
		Of       int    `json:"of"`
	} `json:"rivals"`
	Window *struct {
		From int `json:"from"`
		To   int `json:"to"`
	} `json:"window"`
}

type caseOf struct {
	FoundKnown bool `json:"found_known"`
	Unsearched int  `json:"unsearched"`
	Unjudged   int  `json:"unjudged"`
	Cells      []struct {
		From        time.Time `json:"from"`
		Submissions int       `json:"submissions"`
		All         int       `json:"all"`
	} `json:"cells"`
	Holders []struct {
		Name     string          `json:"name"`
		Copies   json.RawMessage `json:"copies"` // missing without copies
		Unmarked json.RawMessage `json:"unmarked"`
		Held     json.RawMessage `json:"held"`
	} `json:"holders"`
	Leaks      []caseLeak `json:"leaks"`
	Claimed    int        `json:"claimed"`
	MarkTrials int        `json:"mark_trials"`
}

type caseLeak struct {
	Submission   string    `json:"submission"`
	Submitted    time.Time `json:"submitted"`
	Cluster      string    `json:"cluster"`
	Marked       bool      `json:"marked"`
	Copies       []copyOf  `json:"copies"`
	Unmarked     []string  `json:"unmarked"`
	Held         []string  `json:"held"`
	Transplanted []string  `json:"transplanted"`
	Beside       bool      `json:"beside"`
	Later        bool      `json:"later"`

	near []*caseLeak // all leaks of the case that are of the same picture, this one too
}

type copyOf struct {
	ID        string    `json:"id"`
	Recipient string    `json:"recipient"`
	Reviewer  string    `json:"reviewer"`
	LnE       float64   `json:"ln_e"`
	Miss      float64   `json:"miss"`
	Confirmed bool      `json:"confirmed"`
	Late      bool      `json:"late"`
	Undated   bool      `json:"undated"`
	Public    time.Time `json:"public"`
	Others    []string  `json:"others"`
	Returned  bool      `json:"returned"`
}

type keyState struct {
	KeyID string    `json:"key_id"`
	State string    `json:"state"`
	Since time.Time `json:"since"`
}

type leak struct {
	stated time.Time // of the report
	since  time.Time // what is later is late; farOff: nothing
	Known  time.Time `json:"known"`

	Width   int    `json:"width"`
	Height  int    `json:"height"`
	File    string `json:"file"`
	Finding string `json:"finding"`
	Beside  []struct {
		Same       bool      `json:"same"`
		Submission string    `json:"submission"`
		Submitted  time.Time `json:"submitted"`
		Cluster    string    `json:"cluster"`
		Entered    time.Time `json:"subject_entered"`
		Custody    []holding `json:"custody"`
	} `json:"beside"`
	Forgeable    bool      `json:"forgeable"`
	ErasedCopies bool      `json:"erased_copies"`
	Unlooked     bool      `json:"erased_unsought"`
	Void         bool      `json:"void"`
	Submission   string    `json:"submission"`
	Submitted    time.Time `json:"submitted"`
	Cluster      string    `json:"cluster"`
	Entered      time.Time `json:"subject_entered"`
	Recipients   []string  `json:"recipients"`
	Error        string    `json:"error"`
	SHA256       string    `json:"sha256"`
	Pages        int       `json:"pages"`
	Lacks        string    `json:"lacks"`
	KeyID        string    `json:"key_id"`
	Note         string    `json:"note"`
	Said         []said    `json:"said"`
	TooFlat      bool      `json:"too_flat"`
	Sync         float64   `json:"sync_log10_p"`
	Closed       int       `json:"closed"`
	Copies       []string  `json:"copies"`
	Reads        []readOf  `json:"reads"`
	Traces       []traceOf `json:"traces"`
	Matches      []matchOf `json:"matches"`
	References   []struct {
		Pixels string `json:"pixels"`
	} `json:"references"`
	Searched *struct {
		Missing *missing `json:"missing"`
	} `json:"searched"`
	Recall *struct {
		Kind  string  `json:"kind"`
		Found int     `json:"found"`
		Of    int     `json:"of"`
		Bound float64 `json:"at_least"`
	} `json:"recall"`
	Keys   []keyState `json:"keys"`
	Issued []struct {
		Copy      string    `json:"copy"`
		Of        string    `json:"submission"`
		KeyID     string    `json:"key_id"`
		Recipient string    `json:"recipient"`
		Reviewer  string    `json:"reviewer"`
		Purpose   string    `json:"purpose"`
		Issued    time.Time `json:"issued"`
		After     time.Time `json:"after"`
		Proven    time.Time `json:"proven"`
		Unproven  bool      `json:"unproven"`
		State     string    `json:"state"`
	} `json:"issued"`
	Custody []holding `json:"custody"`
}

type holding struct {
	Recipient string    `json:"recipient"`
	Entered   time.Time `json:"entered"` // at the earliest, once read
	After     time.Time `json:"after"`
	Event     string    `json:"event"`
}

type missing struct {
	Uploads int `json:"uploads"`
	Whole   int `json:"whole"`
	Flat    int `json:"flat"`
	Damaged int `json:"damaged"`
}

// Check returns what is wrong with the sentences of a findings file: figures that are false,
// sentences that must be said and are not, contradictions, and breaches of the rules for texts. It
// returns nil if every sentence holds. The error says why the file cannot be read.
func Check(findings []byte) ([]string, error) {
	r, err := read(findings)
	if err != nil {
		return nil, err
	}
	return append(r.figures(), r.words()...), nil
}

// CheckFigures is [Check] without the rules for texts. It decides from the codes and the figures
// alone.
func CheckFigures(findings []byte) ([]string, error) {
	r, err := read(findings)
	if err != nil {
		return nil, err
	}
	return r.figures(), nil
}

// read reads a findings file.
func read(findings []byte) (*report, error) {
	r := new(report)
	if err := json.Unmarshal(findings, r); err != nil {
		return nil, err
	}
	for i := range r.Leaks {
		lists := [][]holding{r.Leaks[i].Custody}
		for _, b := range r.Leaks[i].Beside {
			lists = append(lists, b.Custody)
		}
		for _, list := range lists {
			for j := range list {
				if c := &list[j]; c.After.After(c.Entered) {
					c.Entered = c.After
				}
			}
		}
	}
	for i, of := range r.Verdict.Of {
		for k := range r.Verdict.Case.Leaks {
			if l := &r.Verdict.Case.Leaks[k]; k < len(r.Verdict.Of) && r.Verdict.Of[k] == of && i < len(r.Verdict.Case.Leaks) {
				r.Verdict.Case.Leaks[i].near = append(r.Verdict.Case.Leaks[i].near, l)
			}
		}
	}
	p := r.Verdict.Record.Parameters
	if at := p["leaks found on"]; at != "" && at != "not stated" {
		var err error
		if r.stated, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, err
		}
	}
	if r.earliest = r.stated; r.stated.IsZero() {
		r.earliest = farOff
	}
	for _, e := range r.Verdict.Earlier {
		if !e.Found.IsZero() && e.Found.Before(r.earliest) {
			r.earliest = e.Found
		}
	}
	for i := range r.Leaks {
		r.Leaks[i].stated, r.Leaks[i].since = r.stated, r.earliest
		if at := r.Leaks[i].Known; !at.IsZero() && at.Before(r.earliest) {
			r.Leaks[i].since = at
		}
	}
	if _, err := fmt.Sscan(p["uploads without a subject that one person has"], &r.each); err != nil {
		r.each = 0
	}
	if _, err := fmt.Sscan(p["compared with"], &r.named); err != nil {
		r.named = 0
	}
	if r.found = r.stated; len(r.contradicted()) > 0 {
		r.found = time.Time{}
	}
	if len(r.Verdict.Of) != len(r.Verdict.Case.Leaks) {
		return nil, fmt.Errorf("%d places of %d leaks of the case", len(r.Verdict.Of), len(r.Verdict.Case.Leaks))
	}
	return r, nil
}

// once returns the report with each file once.
func (r *report) once() *report {
	type file struct{ digest, finding, submission, copy string }
	d, first, place := *r, make(map[file]int), make([]int, len(r.Leaks))
	d.Leaks, d.Verdict.Of = nil, nil
	for i, l := range r.Leaks {
		k := file{l.SHA256, l.Finding, l.Submission, fmt.Sprint(l.Copies[:min(1, len(l.Copies))])}
		at, known := first[k]
		if !known || l.SHA256 == "" {
			at, first[k] = len(d.Leaks), len(d.Leaks)
			d.Leaks = append(d.Leaks, l)
		}
		place[i] = at
	}
	for _, k := range r.Verdict.Of {
		d.Verdict.Of = append(d.Verdict.Of, place[k])
	}
	return &d
}

// figures compares, for each code, what is said with what the evidence asks for. A value in a wanted
// row that is a function judges the figure itself.
func (r *report) figures() (wrong []string) {
	got := make(map[string][]map[string]any)
	for _, s := range r.Verdict.Said {
		got[s.Code] = append(got[s.Code], s.Figures)
		if rules[s.Code] == nil {
			wrong = append(wrong, fmt.Sprintf("%s: no rule decides whether this sentence is true", s.Code))
		}
	}
	once := r.once()
	for _, code := range slices.Sorted(maps.Keys(rules)) {
		of := once
		if code == "not-examined" || code == "repeated" {
			of = r
		}
		want := rules[code](of)
		if len(got[code]) != len(want) {
			wrong = append(wrong, fmt.Sprintf("%s: said %d times %v, want %d %v", code, len(got[code]), got[code], len(want), want))
			continue
		}
		for i, w := range want {
			wrong = append(wrong, differ(code, got[code][i], w)...)
		}
	}
	return append(append(wrong, r.contradictions()...), r.notes()...)
}

// differ lists the figures that differ from the wanted figures. A figure that is not wanted is wrong.
func differ(code string, got, want map[string]any) (wrong []string) {
	keys := maps.Clone(got)
	if keys == nil {
		keys = make(map[string]any)
	}
	maps.Copy(keys, want)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		w, wanted := want[k]
		g, is := got[k]
		same := wanted && is
		switch w := w.(type) {
		case func(any) bool:
			same = same && w(g)
		case int:
			same = same && g == float64(w)
		case float64:
			x, number := g.(float64)
			same = same && number && math.Abs(x-w) < 1e-9
		case []string:
			same = same && reflect.DeepEqual(texts(g), w)
		default:
			same = same && g == w
		}
		if !same {
			wrong = append(wrong, fmt.Sprintf("%s: %s is %v, want %v", code, k, g, w))
		}
	}
	return wrong
}

// texts returns a list of strings that JSON has as a list of values.
func texts(x any) (out []string) {
	list, _ := x.([]any)
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
