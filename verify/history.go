package verify

import (
	"cmp"
	"html/template"
	"slices"

	"github.com/kycmark/kycmark/internal/chart"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// historyOf returns the history that a findings file holds. Uploads by day and each recipient's
// copies by day and admissible custody come from h; names, kinds and their order come from
// recipients. Lists of submissions in custody are reduced to their length.
func historyOf(h *engine.Holdings, recipients []registry.Recipient) findings.History {
	out := findings.History{Submitted: h.Submitted}
	if len(h.Days) > 0 { // without erased uploads, as in the case
		out.Submitted = nil
		for i, n := range h.Submissions[:len(h.Days)] {
			if n > 0 {
				out.Submitted = append(out.Submitted, engine.DayCount{Day: h.Days[i], N: n})
			}
		}
	}
	for _, r := range recipients {
		x := findings.RecipientHistory{Name: r.Name, Kind: r.Kind, Issued: h.Issued[r.Name]}
		for _, c := range h.Facts {
			if c.Recipient == r.Name {
				x.Custody = append(x.Custody, findings.CustodySpan{From: c.From, To: c.To, Listed: len(c.Submissions)})
			}
		}
		out.Recipients = append(out.Recipients, x)
	}
	return out
}

// narrowChart is the width of charts for phones, CSS pixels.
const narrowChart = 360

// charts draws the timeline and the chart of custody into r as HTML. Each is drawn in the width of
// a page and in the width of a phone ([narrowChart]).
func (r *reportView) charts() {
	leaks, holders := r.charted()
	var all []chart.Count
	for _, x := range r.History.Submitted {
		all = append(all, chart.Count{Day: x.Day, N: x.N})
	}
	draw := func(o chart.Options, id string) (timeline, custody template.HTML) {
		o.ID = "timeline" + id
		timeline = template.HTML(chart.Timeline(chart.TimelineData{Leaks: leaks, Registry: all, Holders: holders}, o))
		o.ID = "custody" + id
		return timeline, template.HTML(chart.Custody(len(leaks), holders, o))
	}
	r.Timeline, r.Custody = draw(chart.Options{}, "")
	r.TimelineNarrow, r.CustodyNarrow = draw(chart.Options{Width: narrowChart}, "-narrow")
}

// charted returns what the charts of the report show: the submissions that leaks show, each once,
// and the recipients. Of several leaks of a submission the smallest [chart.State] counts.
// Recipients are sorted by their submissions, largest number first: confirmed, then held unmarked,
// then issued.
func (d *DumpVerdict) charted() ([]chart.Leak, []chart.Holder) {
	rows := make(map[string]*chart.Holder)
	holders := make([]chart.Holder, len(d.History.Recipients))
	for i, r := range d.History.Recipients {
		h := &holders[i]
		h.Name, h.Kind, rows[r.Name] = r.Name, r.Kind, h
		for _, x := range r.Issued {
			h.Issued = append(h.Issued, chart.Count{Day: x.Day, N: x.N})
		}
		for _, c := range r.Custody {
			h.Custody = append(h.Custody, chart.Span{From: c.From, To: c.To, Listed: c.Listed > 0})
		}
	}
	var leaks []chart.Leak
	at := make(map[watermark.Submission]int)
	confirmed := make(map[[2]string]bool)
	for i, of := range d.Of {
		v, l := d.Verdicts[of], &d.Case.Leaks[i]
		if !v.matched() {
			continue
		}
		for _, name := range v.MayNames() {
			if k := [2]string{name, l.Submission}; rows[name] != nil && !confirmed[k] {
				confirmed[k] = true
				rows[name].Confirmed++
			}
		}
		k, known := at[v.Submission]
		if known {
			leaks[k].State = min(leaks[k].State, state(v))
			continue
		}
		at[v.Submission] = len(leaks)
		leaks = append(leaks, chart.Leak{Submitted: v.Submitted, State: state(v)})
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
	slices.SortStableFunc(holders, func(a, b chart.Holder) int {
		return cmp.Or(cmp.Compare(b.Confirmed, a.Confirmed), cmp.Compare(b.Held, a.Held), cmp.Compare(b.Copies, a.Copies))
	})
	return leaks, holders
}

// state returns the state of the upload that a matched leak shows, for the charts. Unreadable and
// transplanted findings are [chart.Unreadable].
func state(v *Verdict) chart.State {
	switch v.Finding {
	case FoundCopy:
		return chart.Marked
	case FoundUnmarked:
		return chart.Unmarked
	}
	return chart.Unreadable
}
