package experiments

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/phash/parts"
)

// MatchLocalReport says how parts of uploads are found by their features.
type MatchLocalReport struct {
	Seed    uint64 `json:"seed"`
	MaxSide int    `json:"max_side,omitempty"`
	Sizes   []int  `json:"sizes"` // of the indexes, beside the uploads that leak

	Extracted int            `json:"extracted"` // of the others, from pictures
	Kinds     map[string]int `json:"kinds"`     // of these

	DecodeMS    Spread `json:"decode_ms"` // of the pictures
	ExtractMS   Spread `json:"extract_ms"`
	BytesAtRest int    `json:"bytes_at_rest"` // of an upload, at most
	BytesInRAM  int    `json:"bytes_in_ram"`  // of an upload in the largest index, with its features
	AddUS       Number `json:"add_us"`        // mean, into the largest index

	Attacks   []LocalAttack  `json:"attacks"`
	Uploads   []LocalUpload  `json:"uploads"`
	Strangers LocalStrangers `json:"strangers"`
}

// LocalAttack is one attack on all uploads.
type LocalAttack struct {
	Name      string       `json:"name"`
	Group     string       `json:"group"`
	ExamineMS Spread       `json:"examine_ms"`
	Sizes     []LocalCount `json:"sizes"`

	examine []float64
}

// LocalCount is one attack in one index.
type LocalCount struct {
	Tried     int    `json:"tried"` // uploads shown by leaks
	Found     int    `json:"found"` // listed
	First     int    `json:"first"` // before all that are not shown
	Others    int    `json:"others"`
	LogNFA    Spread `json:"log10_nfa"`        // of those found
	OthersNFA Spread `json:"others_log10_nfa"` // of what is not shown: documents of the same template are among them
	SearchMS  Spread `json:"search_ms"`

	search, logNFA, othersNFA []float64
}

// Share is Found/Tried.
func (c *LocalCount) Share() float64 { return Rate{c.Found, c.Tried}.Share() }

// LocalUpload is one upload that leaks.
type LocalUpload struct {
	Name     string   `json:"name"`
	Width    int      `json:"width"`
	Height   int      `json:"height"`
	Features int      `json:"features"`
	Missed   []string `json:"missed"` // attacks after which it was not found in the largest index
}

// LocalStrangers counts what is listed for pictures in no index, the largest index.
type LocalStrangers struct {
	Tried   int            `json:"tried"`
	Matched int            `json:"matched"` // with anything listed
	ByNFA   map[string]int `json:"by_log10_nfa"`
	Worst   Number         `json:"worst_log10_nfa"`
}

// strangerLevels are the log10 NFA by which strangers are counted.
var strangerLevels = []float64{-2, -4, -6, -8, -10, -15, -20, -30}

func (s *LocalStrangers) add(found []parts.Match) {
	s.Tried++
	if s.ByNFA == nil {
		s.ByNFA = map[string]int{}
	}
	worst := 0.0
	for _, m := range found {
		worst = min(worst, m.LogNFA)
	}
	s.Matched += one(len(found) > 0)
	for _, l := range strangerLevels {
		s.ByNFA[fmt.Sprint(l)] += one(worst <= l)
	}
	s.Worst = min(s.Worst, Number(worst))
}

func (rep *MatchLocalReport) finish() {
	for i := range rep.Attacks {
		a := &rep.Attacks[i]
		a.ExamineMS = spreadOf(a.examine)
		for k := range a.Sizes {
			c := &a.Sizes[k]
			c.LogNFA, c.OthersNFA, c.SearchMS = spreadOf(c.logNFA), spreadOf(c.othersNFA), spreadOf(c.search)
		}
	}
	for i := range rep.Uploads {
		u := &rep.Uploads[i]
		slices.Sort(u.Missed)
		u.Missed = slices.Compact(u.Missed)
	}
}

// Markdown returns the report as tables.
func (rep *MatchLocalReport) Markdown() string {
	var b strings.Builder
	most := rep.Sizes[len(rep.Sizes)-1]
	fmt.Fprintf(&b, "%s leak among %d others, seed %d", count(len(rep.Uploads), "upload"), most, rep.Seed)
	if rep.MaxSide > 0 {
		fmt.Fprintf(&b, ", pictures shrunk to %d px", rep.MaxSide)
	}
	fmt.Fprintf(&b, ". Of the others %d are pictures (", rep.Extracted)
	for i, k := range slices.Sorted(maps.Keys(rep.Kinds)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d %s", rep.Kinds[k], k)
	}
	b.WriteString("); the rest are recombined from the features of those. Found means listed; first, before all that the leak does not show.\n\n")
	rep.recallTable(&b)
	rep.costTable(&b)
	rep.missedTable(&b)
	return b.String()
}

func (rep *MatchLocalReport) recallTable(b *strings.Builder) {
	b.WriteString("| leak |")
	for _, n := range rep.Sizes {
		fmt.Fprintf(b, " found (first) in %d |", n)
	}
	b.WriteString(" log10 NFA largest / median | others listed, least log10 NFA | search ms median / longest | examine ms |\n|---|")
	b.WriteString(strings.Repeat("---|", len(rep.Sizes)+4) + "\n")
	for i := range rep.Attacks {
		a := &rep.Attacks[i]
		fmt.Fprintf(b, "| %s |", a.Name)
		for k := range a.Sizes {
			c := &a.Sizes[k]
			fmt.Fprintf(b, " %d/%d %.1f %% (%d) |", c.Found, c.Tried, 100*c.Share(), c.First)
		}
		c := &a.Sizes[len(a.Sizes)-1]
		fmt.Fprintf(b, " %s / %s | %d, %s | %s / %s | %s |\n", c.LogNFA.Max.digits(1), c.LogNFA.Median.digits(0), c.Others,
			c.OthersNFA.Min.digits(1), c.SearchMS.Median.digits(0), c.SearchMS.Max.digits(0), a.ExamineMS.Median.digits(0))
	}
}

func (rep *MatchLocalReport) costTable(b *strings.Builder) {
	fmt.Fprintf(b, "\nAt rest at most %d bytes an upload, in RAM %d with these; added in %s µs. Extraction: median %s ms, longest %s ms; decoding: %s, %s ms.\n",
		rep.BytesAtRest, rep.BytesInRAM, rep.AddUS.digits(0), rep.ExtractMS.Median.digits(0), rep.ExtractMS.Max.digits(0),
		rep.DecodeMS.Median.digits(0), rep.DecodeMS.Max.digits(0))
	fmt.Fprintf(b, "\nStrangers: of %d pictures in no index %d have a match listed; least log10 NFA %s. With at most:", rep.Strangers.Tried, rep.Strangers.Matched, rep.Strangers.Worst.digits(1))
	for _, l := range strangerLevels {
		fmt.Fprintf(b, " %g: %d;", l, rep.Strangers.ByNFA[fmt.Sprint(l)])
	}
	b.WriteString("\n")
}

func (rep *MatchLocalReport) missedTable(b *strings.Builder) {
	b.WriteString("\n| upload | pixels | features | not found after |\n|---|---|---|---|\n")
	for i := range rep.Uploads {
		u := &rep.Uploads[i]
		fmt.Fprintf(b, "| %s | %d x %d | %d | %s |\n", u.Name, u.Width, u.Height, u.Features, strings.Join(u.Missed, " "))
	}
}
