// Package chart draws the pictures of a report as SVG: when the leaked uploads were
// submitted and who could hold them ([Timeline]), and how many of them each recipient
// could have held ([Custody]).
//
// A chart is one svg element for use inside an HTML page. The element has no script, no style
// sheet and no reference to anything outside it. Its background is a white card, so that the
// chart reads the same on a dark page. Its title and desc elements say in words what is
// drawn. Kinds of uploads differ by lightness before they differ by hue, so that a grey
// print keeps them apart. All arithmetic is in integers: the same data give the same bytes
// on every machine.
package chart

import (
	"strings"
	"time"
)

// Options of a chart. The zero value works.
type Options struct {
	// Width in CSS pixels, 320 to 1600; 0 means 680, the text width of an A4 page. Below
	// 520 names stand above their bars instead of beside them.
	Width int
	// ID begins every id in the chart, and must differ between the charts of a page. Other
	// characters than ASCII letters, digits and hyphens are left out. "" means "chart".
	ID string
}

// State is what was found of a leaked upload.
type State uint8

const (
	Marked     State = iota // carries the confirmed mark of an issued copy
	Unmarked                // carries no mark, though one would have been seen
	Unreadable              // whether it was marked cannot be said
	states
)

// A Leak is one upload that was found among the leaks, once or several times.
type Leak struct {
	Submitted time.Time // the zero time: not known; counted, not drawn
	State     State
}

// A Count is the number of uploads or copies of one UTC day.
type Count struct {
	Day time.Time // any time of that day; the zero time is not drawn
	N   int       // less than 1 counts as 0, more than 10 billion as 10 billion
}

// n returns N between 0 and 10 billion, so that sums of counts do not overflow.
func (c Count) n() int64 { return min(max(int64(c.N), 0), 1e10) }

// A Span is a time, both ends included.
type Span struct {
	From, To time.Time
	Listed   bool // only listed uploads of that time are meant, not all
}

// A Holder is a recipient: one row of a chart.
type Holder struct {
	Name string // from outside: any text
	Kind string // such as "vendor"; may be empty

	Custody []Span  // uploads submitted in this time could be held unmarked
	Issued  []Count // days on which marked copies were issued

	// Numbers of leaked uploads. Values below 0 count as 0, and values above the number of all
	// leaked uploads as that number.
	Held      int // that the holder could hold unmarked
	Copies    int // that the holder was issued marked copies of
	Confirmed int // that carry the confirmed mark of one of these copies
}

// called returns the holder's name, or "(no name)" if the name shows nothing.
func (h Holder) called() string {
	if strings.TrimSpace(clean(h.Name)) == "" {
		return "(no name)"
	}
	return h.Name
}

// inSentence returns the holder's name and kind for a sentence.
func (h Holder) inSentence() string {
	if h.Kind == "" {
		return quoted(h.called())
	}
	return quoted(h.called()) + " (" + clean(h.Kind) + ")"
}

const (
	defaultWidth = 680 // pixels, as the next three
	narrow       = 520
	minWidth     = 320
	maxWidth     = 1600
	maxRows      = 24 // holders that are drawn, the first ones
)

// ready returns o with defaults for zero fields. Width is limited to minWidth to maxWidth, and ID
// to letters, digits and hyphens, which are safe in markup.
func (o Options) ready() Options {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	o.Width = min(max(o.Width, minWidth), maxWidth)
	o.ID = strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, o.ID)
	if o.ID == "" {
		o.ID = "chart"
	}
	return o
}

// A look is how one kind of thing is filled; a stroke of "" draws no outline. The lightness (CIE
// L*) of the three states is 28, 58 and 90: three tenths of the range apart, so that they differ in
// grey.
type look struct{ fill, stroke string }

var (
	looks = [states]look{
		Marked:     {"#7f1d1d", "#7f1d1d"},
		Unmarked:   {"#5b8fc4", "#3c6e9f"},
		Unreadable: {"#e3e3e3", "#8a8f98"},
	}
	registryLook = look{"#b9c0c9", ""}
)

const (
	ink    = "#1c2430" // text
	soft   = "#56606e" // secondary text: 6.4:1 on white
	rule   = "#d5dae1" // lines that help the eye
	axis   = "#7b8492"
	shade  = "#fff3d1" // behind the time in which most leaks were submitted
	border = "#d5dae1"
)

var stateNames = [states]string{"marked copy", "unmarked", "undecided"}

// sizes of text, pixels
const (
	titleSize = 15
	textSize  = 12
	smallSize = 11
)
