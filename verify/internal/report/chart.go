package report

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// A couldHold is a recipient, as the report tells what it could have held. Held, Copies
// and Confirmed are numbers of leaked uploads.
type couldHold struct {
	Name, Kind string
	Held       int                    // that admissible custody covers
	Copies     int                    // that it was issued marked copies of
	Confirmed  int                    // that carry the confirmed mark of such a copy
	Issued     int                    // copies that it was issued, of all uploads
	Custody    []findings.CustodySpan // the first maxSpans
	More       int                    // further facts of custody
	Share      float64                // Held in percent of all leaked uploads
}

// A period is a day, a month or a year in which leaked uploads were submitted.
type period struct {
	Name                        string  // "2018-02-14", "2018-02" or "2018"; "not known" without a time
	Leaked                      int     // leaked uploads
	Marked, Unmarked, Undecided int     // of these, by what was found
	All                         int     // uploads of the registry that were submitted then
	Share                       float64 // Leaked in percent of all leaked uploads
}

const unknownPeriod = "not known"

// charted sets the rows of the report that tell when the leaked uploads were submitted and which recipients could
// have held them. Each upload counts once; of several leaks of an upload, a marked copy counts, else an unmarked
// picture. Recipients with no number above 0 are only counted.
func (r *ReportView) charted() {
	rows := make(map[string]*couldHold)
	for _, x := range r.History.Recipients {
		h := &couldHold{Name: x.Name, Kind: x.Kind, Custody: x.Custody[:min(len(x.Custody), maxSpans)]}
		h.More = len(x.Custody) - len(h.Custody)
		for _, c := range x.Issued {
			h.Issued += c.N
		}
		rows[x.Name] = h
	}
	var leaks []*findings.Finding
	at, confirmed := make(map[watermark.Submission]int), make(map[[2]string]bool)
	for i := range r.Of {
		v, l := r.ViewOf(i), &r.Case.Leaks[i]
		if !v.Matched() {
			continue
		}
		for _, name := range v.MayNames() {
			if k := [2]string{name, l.Submission}; rows[name] != nil && !confirmed[k] {
				confirmed[k] = true
				rows[name].Confirmed++
			}
		}
		if k, known := at[v.Submission]; known {
			if isCopy(v) || v.Kind == findings.FoundUnmarked && !isCopy(leaks[k]) {
				leaks[k] = v
			}
			continue
		}
		at[v.Submission] = len(leaks)
		leaks = append(leaks, v)
		for _, name := range l.Unmarked {
			if h := rows[name]; h != nil {
				h.Held++
			}
		}
		once := make(map[string]bool)
		for _, c := range l.Copies {
			if h := rows[c.Recipient]; h != nil && !once[c.Recipient] {
				once[c.Recipient] = true
				h.Copies++
			}
		}
	}
	for _, x := range r.History.Recipients {
		h := rows[x.Name]
		h.Share = 100 * float64(h.Held) / float64(max(len(leaks), 1))
		if h.Held+h.Copies+h.Confirmed > 0 {
			r.CouldHold = append(r.CouldHold, *h)
		}
	}
	r.CouldNot = len(r.History.Recipients) - len(r.CouldHold)
	slices.SortStableFunc(r.CouldHold, func(a, b couldHold) int {
		return cmp.Or(cmp.Compare(b.Confirmed, a.Confirmed), cmp.Compare(b.Held, a.Held), cmp.Compare(b.Copies, a.Copies))
	})
	for _, unit := range []string{time.DateOnly, "2006-01", "2006"} {
		if r.Periods = periods(&r.History, leaks, unit); len(r.Periods) <= maxPeriods {
			break
		}
	}
}

func isCopy(l *findings.Finding) bool {
	return l.Kind == findings.FoundCopy || l.Kind == findings.FoundUnconfirmed
}

const (
	maxPeriods = 24 // days, or months, that the report lists
	maxSpans   = 5  // facts of custody that it lists for a recipient
)

// periods returns the periods in which leaks were submitted; those without a time come last. unit is a layout of times.
func periods(h *findings.History, leaks []*findings.Finding, unit string) []period {
	name := func(t time.Time) string {
		if t.IsZero() {
			return unknownPeriod
		}
		return t.UTC().Format(unit)
	}
	of := make(map[string]*period)
	for _, v := range leaks {
		p := of[name(v.Submitted)]
		if p == nil {
			p = &period{Name: name(v.Submitted)}
			of[p.Name] = p
		}
		p.Leaked++
		switch v.Kind {
		case findings.FoundCopy, findings.FoundUnconfirmed:
			p.Marked++
		case findings.FoundUnmarked:
			p.Unmarked++
		default:
			p.Undecided++
		}
		p.Share = 100 * float64(p.Leaked) / float64(len(leaks))
	}
	for _, x := range h.Submitted {
		if p := of[name(x.Day)]; p != nil {
			p.All += x.N
		}
	}
	var out []period
	for _, key := range slices.Sorted(maps.Keys(of)) { // letters follow digits
		out = append(out, *of[key])
	}
	return out
}
