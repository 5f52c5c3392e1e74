package odds

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrCase is wrapped by all errors about a [Case] that contradicts itself.
var ErrCase = errors.New("odds: unusable case")

// Limits of a [Case], checked before anything is allocated.
const (
	MaxLeaks   = 100_000
	MaxHolders = 1_000
	MaxCells   = 36_600 // a hundred years of days
)

// A Case is all that a verdict of a dump is computed from. It is plain data.
type Case struct {
	// FoundKnown: it is known when the leaks were found, so that custody was judged
	// admissible or not. Without it custody is no evidence here.
	FoundKnown bool `json:"found_known"`

	// Cells are the pieces of the registry's time that have submissions, usually days (UTC).
	Cells []Cell `json:"cells"`
	// Unsearched is how many of their submissions the search of the leaks cannot find, or only as whole pictures.
	Unsearched int `json:"unsearched,omitempty"`
	// Unjudged counts further leaks that may show submissions without a mark. Neither their time nor their holders count.
	Unjudged int      `json:"unjudged,omitempty"`
	Holders  []Holder `json:"holders"`
	Leaks    []Leak   `json:"leaks"`

	// Claimed is the number of pictures that the publisher of the dump claims to have. 0: no number is claimed.
	Claimed int `json:"claimed,omitempty"`

	// MarkTrials is the number of independent validation trials of marks that ended without a
	// single false identification. The likelihood ratios of copies are capped at MarkTrials/3 (see [Cap]). With
	// 3 trials or fewer every ratio is capped at 1.
	MarkTrials int `json:"mark_trials"`
}

// A Cell is a piece of the registry's time, usually a day.
type Cell struct {
	From        time.Time `json:"from"`
	Submissions int       `json:"submissions"`   // up to the find, if it is known
	All         int       `json:"all,omitempty"` // whatever their time; 0: as many as Submissions
}

// A Holder is a party that was issued marked copies, or that could hold submissions unmarked.
// The issuer is not listed, since it held every submission.
type Holder struct {
	Name string `json:"name"`
	// Copies counts, by cell, the submissions that the holder was issued a marked copy of.
	Copies Counts `json:"copies,omitempty"`
	// Unmarked counts, by cell, the submissions that the holder could hold unmarked. Only
	// admissible custody counts: custody that was recorded before the leaks were found.
	Unmarked Counts `json:"unmarked,omitempty"`
	// Issued and Held are Copies and Unmarked whatever the dates: copies issued after the find, and custody entered
	// after it, count. What exculpates is computed from them. nil: the same as Copies, and as Unmarked.
	Issued Counts `json:"issued,omitempty"`
	Held   Counts `json:"held,omitempty"`
	// Unconfirmed counts the files with marks of its copies that are not confirmed, and so are no
	// leaks of the case. They count against no recipient. Another recipient is not named alone.
	Unconfirmed int `json:"unconfirmed,omitempty"`
	// Unsought counts the leaks that may carry marks of its copies which were not looked for: their keys were not at hand.
	Unsought int `json:"unsought,omitempty"`
}

// A Leak is what was found out about one picture of the dump, and one submission that it shows. A picture with copies of
// several submissions has a leak for each, one after the other.
type Leak struct {
	// Submission is the opaque ID of the submission that the picture shows; "" if none was matched. Submitted is its time.
	Submission string    `json:"submission,omitempty"`
	Submitted  time.Time `json:"submitted,omitzero"`
	// Cluster is the opaque unit of the submission, a person as far as is known: leaks of one cluster count together.
	// All matched leaks whose cluster is "" are one cluster. Unmatched leaks count each, unless they have a cluster.
	Cluster string `json:"cluster,omitempty"`
	// Later: the registry took the submission after the leaks were found. It may have been chosen for them.
	Later bool `json:"later,omitempty"`
	// Copies are all copies that were issued of the submission.
	Copies []Copy `json:"copies,omitempty"`
	// Unmarked names the holders whose admissible custody covers the submission.
	Unmarked []string `json:"unmarked,omitempty"`
	// Held names the holders whose custody covers the submission, admissible or not. Each of them
	// is a possible planter, and a possible source of the rest. nil: the same as Unmarked.
	Held []string `json:"held,omitempty"`
	// Marked reports whether a mark was found in the picture, also a mark that counts for no recipient. It is also true if a
	// mark was not looked for, or if the picture may show another submission: then its time and its holders are not known.
	Marked bool `json:"marked,omitempty"`
	// Transplanted names recipients whose marks the picture carries although it shows
	// another submission than the marked one. Such a mark counts for no recipient.
	Transplanted []string `json:"transplanted,omitempty"`
	// Void reports whether the picture carries the mark of a copy that by the record was never handed out.
	Void bool `json:"void,omitempty"`
	// Beside reports whether the picture is the picture of the leak before, which shows this submission too.
	Beside bool `json:"beside,omitempty"`
}

// A Copy is an issued copy of the submission that a leak shows, and the evidence for
// it in that leak. The zero evidence is neutral.
type Copy struct {
	ID        string `json:"id,omitempty"`
	Recipient string `json:"recipient"`
	// Reviewer is an opaque reference of the recipient's reviewer that was shown the copy; "": the recipient has it itself.
	Reviewer string `json:"reviewer,omitempty"`
	// LnE is the natural logarithm of the e-value of this copy's mark in the leak: a
	// likelihood ratio whose mean is at most 1 where the copy was not used. A leak carries
	// its own value or less: leaks of one submission enter by their mean.
	LnE float64 `json:"ln_e"`
	// Miss is the probability that a mark of the issued strength would not be seen in
	// this leak, deliberate removal apart (1 - power), 0..1.
	Miss float64 `json:"miss"`
	// Confirmed: the picture is shown to be this copy's submission, not merely to carry
	// its mark. A copy that is not confirmed counts for no recipient.
	Confirmed bool `json:"confirmed"`
	// Late: the copy was issued after the stated time of the find. It names no recipient. Unless its mark is surely
	// there, the leak does not derive from it: it only says that the recipient is a possible source of the rest.
	Late bool `json:"late,omitempty"`
	// Undated: the copy is Late by lack of proof alone. Its own time is before the find, but no trusted witness dated it.
	Undated bool `json:"undated,omitempty"`
	// Public is since when the copy was public: it was confirmed in other files before. It names no
	// recipient anew. The zero time: not known to be public.
	Public time.Time `json:"public,omitzero"`
	// Others are listed holders who could plant it: they also had this very copy, or an upload that came in with its mark.
	Others []string `json:"others,omitempty"`
	// Returned: an upload came in with the mark of this copy, and the leak may show that upload. The issuer had it.
	Returned bool `json:"returned,omitempty"`
}

// CellOf returns the index of the cell in which t lies: the first for times before all cells, the last for times after.
func CellOf(cells []Cell, t time.Time) int {
	i, found := slices.BinarySearchFunc(cells, t, func(c Cell, t time.Time) int { return c.From.Compare(t) })
	if !found {
		i--
	}
	return max(i, 0)
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCase, fmt.Sprintf(format, args...))
}

// check validates a case before the model allocates anything for it.
func (c *Case) check() error {
	switch {
	case len(c.Leaks) > MaxLeaks:
		return bad("%d leaks, more than %d", len(c.Leaks), MaxLeaks)
	case len(c.Holders) > MaxHolders:
		return bad("%d holders, more than %d", len(c.Holders), MaxHolders)
	case len(c.Cells) > MaxCells:
		return bad("%d cells, more than %d", len(c.Cells), MaxCells)
	case min(c.Claimed, c.MarkTrials, c.Unsearched, c.Unjudged) < 0:
		return bad("a count is negative")
	case c.Claimed > 0 && c.Claimed < c.pictures():
		return bad("%d pictures claimed and %d examined", c.Claimed, c.pictures())
	}
	for i, l := range c.Cells {
		if l.Submissions < 0 || l.Ever() > math.MaxInt32 || l.Ever() < l.Submissions {
			return bad("cell %d holds %d submissions", i, l.Submissions)
		}
		if i > 0 && !c.Cells[i-1].From.Before(l.From) {
			return bad("cell %d does not begin after the one before", i)
		}
	}
	known, err := c.checkHolders()
	if err != nil {
		return err
	}
	for i := range c.Leaks {
		if err := c.Leaks[i].check(known, c.Cells); err != nil {
			return fmt.Errorf("leak %d: %w", i, err)
		}
		if l := &c.Leaks[i]; l.Beside && (i == 0 || l.Submission == "" || c.Leaks[i-1].Submission == "") {
			return bad("leak %d: it is beside no submission, or shows none", i)
		}
	}
	return nil
}

func (c *Case) pictures() (n int) {
	for i := range c.Leaks {
		if !c.Leaks[i].Beside {
			n++
		}
	}
	return n
}

// checkHolders checks the holders, and returns them by name.
func (c *Case) checkHolders() (map[string]*Holder, error) {
	known := make(map[string]*Holder, len(c.Holders))
	for i := range c.Holders {
		h := &c.Holders[i]
		if h.Name == "" || known[h.Name] != nil {
			return nil, bad("holder %d has no name, or the name of another holder", i)
		}
		if min(h.Unconfirmed, h.Unsought) < 0 {
			return nil, bad("holder %q has %d files with unconfirmed marks and %d with marks not looked for", h.Name, h.Unconfirmed, h.Unsought)
		}
		known[h.Name] = h
		for i, counts := range [][]int{h.Copies, h.Unmarked, h.Issued, h.Held} {
			if len(counts) != 0 && len(counts) != len(c.Cells) {
				return nil, bad("holder %q has %d cells of %d", h.Name, len(counts), len(c.Cells))
			}
			for k, n := range counts {
				of := c.Cells[k].Submissions
				if i > 1 {
					of = c.Cells[k].Ever()
				}
				if n < 0 || n > of {
					return nil, bad("holder %q has %d submissions in cell %d of %d", h.Name, n, k, of)
				}
			}
		}
	}
	return known, nil
}

// check validates a leak. Its copies and custody must be of holders that are recorded with some in its cell.
func (l *Leak) check(known map[string]*Holder, cells []Cell) error {
	if l.Submission == "" {
		if len(l.Copies)+len(l.Unmarked)+len(l.Held) > 0 {
			return bad("copies or custody of no submission")
		}
		return nil
	}
	if len(cells) == 0 {
		return bad("shows a submission of a registry without cells")
	}
	k := CellOf(cells, l.Submitted)
	if cells[k].Submissions == 0 {
		return bad("shows a submission of cell %d, which has 0 submissions", k)
	}
	for _, c := range l.Copies {
		if h := known[c.Recipient]; h == nil || !inCell(h.Copies, k) && !(c.Late && inCell(h.Issued, k)) {
			return bad("a copy issued to %q, which is not recorded in cell %d", c.Recipient, k)
		}
		if !(c.Miss >= 0 && c.Miss <= 1) || math.IsNaN(c.LnE) || math.IsInf(c.LnE, 0) {
			return bad("the evidence for a copy is not a number in its range")
		}
	}
	for _, name := range l.Unmarked {
		if h := known[name]; h == nil || !inCell(h.Unmarked, k) {
			return bad("custody of %q, which is not recorded in cell %d", name, k)
		}
	}
	for _, name := range l.Held {
		if h := known[name]; h == nil || !inCell(h.EverHeld(), k) {
			return bad("custody of %q, which is not recorded in cell %d", name, k)
		}
	}
	return nil
}

func inCell(counts []int, k int) bool { return len(counts) > 0 && counts[k] > 0 }

// Ever returns the number of submissions of a cell, whatever their time.
func (c *Cell) Ever() int { return cmp.Or(c.All, c.Submissions) }

// EverIssued returns Issued, or Copies in its place.
func (h *Holder) EverIssued() []int { return or(h.Issued, h.Copies) }

// EverHeld returns Held, or Unmarked in its place.
func (h *Holder) EverHeld() []int { return or(h.Held, h.Unmarked) }

// HeldBy returns the holders whose custody covers the submission, whatever the dates.
func (l *Leak) HeldBy() []string { return or(l.Held, l.Unmarked) }

func or[S ~[]E, E any](ever, counted S) S {
	if ever == nil {
		return counted
	}
	return ever
}

// maxListed is the number of cells up to which JSON has [Counts] as a list. Chosen.
const maxListed = 1_200

// Counts are numbers by cell. More than [maxListed] are written in JSON as a string of runs:
// "0*300 12 30*5" is 300 times 0, then 12, then 5 times 30.
type Counts []int

// MarshalJSON returns a list, or runs if there are more than [maxListed] counts.
func (c Counts) MarshalJSON() ([]byte, error) {
	if len(c) <= maxListed {
		return json.Marshal([]int(c))
	}
	var runs []string
	for i := 0; i < len(c); {
		k := i
		for k < len(c) && c[k] == c[i] {
			k++
		}
		run := strconv.Itoa(c[i])
		if k-i > 1 {
			run += "*" + strconv.Itoa(k-i)
		}
		runs, i = append(runs, run), k
	}
	return json.Marshal(strings.Join(runs, " "))
}

// UnmarshalJSON reads what MarshalJSON writes. It returns an error for more than [MaxCells] counts in runs.
func (c *Counts) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '"' {
		return json.Unmarshal(data, (*[]int)(c))
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	*c = Counts{}
	for run := range strings.FieldsSeq(text) {
		number, times, several := strings.Cut(run, "*")
		n, err := strconv.Atoi(number)
		k := 1
		if err == nil && several {
			k, err = strconv.Atoi(times)
		}
		if err != nil || k < 1 || len(*c)+k > MaxCells {
			return fmt.Errorf("counts: run %.40q, want a number, or number*times, of at most %d cells", run, MaxCells)
		}
		for range k {
			*c = append(*c, n)
		}
	}
	return nil
}
