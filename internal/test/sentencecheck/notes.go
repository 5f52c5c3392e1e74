package sentencecheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The notes on single leaks, and on the hypotheses.

type readOf = struct {
	Copy       string    `json:"copy"`
	KeyID      string    `json:"key_id"`
	LogP       *float64  `json:"log10_p"`
	Submission string    `json:"submission"`
	Issued     time.Time `json:"issued"`
	Shows      string    `json:"shows"`
	Altered    []place   `json:"altered"`
	Erased     bool      `json:"erased"`
	Recipient  string    `json:"recipient"`
	State      string    `json:"state"`
	Returned   []string  `json:"returned"`
	Alone      any       `json:"alone"`
	Exact      bool      `json:"exact"`
}

type place struct {
	Quad  [4][2]float64 `json:"quad"`
	Kind  string        `json:"kind"`
	Share float64       `json:"share"`
}

type tracedCopy struct {
	Copy  string  `json:"copy"`
	Found bool    `json:"found"`
	Score float64 `json:"score"`
}

type traceOf struct {
	Submission string       `json:"submission"`
	Registered bool         `json:"registered"`
	Issued     int          `json:"issued"`
	Unsought   int          `json:"unsought"`
	Power      float64      `json:"power"`
	Expected   float64      `json:"expected"`
	Withheld   float64      `json:"withheld"`
	LogAny     float64      `json:"any_log10_p"`
	Survival   float64      `json:"survival"`
	Unmarked   float64      `json:"unmarked"`
	Copies     []tracedCopy `json:"copies"`
}

type matchOf struct {
	Submission string    `json:"submission"`
	Page       int       `json:"page"`
	Sibling    bool      `json:"sibling"`
	Distance   int       `json:"distance"`
	Pixels     string    `json:"pixels"`
	Submitted  time.Time `json:"submitted"`
	Received   time.Time `json:"received"`
	HashOnly   bool      `json:"hash_only"`

	PerhapsSharper bool         `json:"perhaps_sharper"`
	Score          *float64     `json:"score"`
	Altered        []place      `json:"altered"`
	Region         [][2]float64 `json:"region"`
	Plain          bool         `json:"plain"`
	Inset          bool         `json:"inset"`
	Ratio          *struct {
		Capture float64 `json:"capture"`
		Another float64 `json:"another"`
	} `json:"ratio"`
}

// ours returns the reads of issued copies, each copy once.
func (l *leak) ours() (out []readOf) {
	for _, x := range l.Reads {
		if x.Submission != "" && !slices.ContainsFunc(out, func(o readOf) bool { return o.Copy == x.Copy }) {
			out = append(out, x)
		}
	}
	return out
}

// main returns the reads of ours on which the finding rests. Of several, in a confirmed copy, these are the reads
// that tracing found. Marks that a copy brings along are left out.
func (l *leak) main() []readOf {
	all := slices.DeleteFunc(l.ours(), l.brought)
	if !l.confirmed() || len(all) == 1 {
		return all
	}
	return slices.DeleteFunc(all, func(x readOf) bool { return !l.sure(x) })
}

// sure reports whether tracing found a copy that may name its recipient.
func (l *leak) sure(x readOf) bool {
	seen := capture(x.Shows) || slices.Contains([]string{"same in part", "same edges", "same document", "same page", "sharper", "undecided"}, x.Shows)
	return seen && l.traced(x) && (capture(x.Shows) || !l.laid(x)) && x.State != "void" && !l.forgeable(x.KeyID)
}

// brought reports whether the upload of another sure copy came in with the mark that was read, which nowhere is alone.
func (l *leak) brought(x readOf) bool {
	return x.Alone == nil && slices.ContainsFunc(l.ours(), func(o readOf) bool { return l.sure(o) && slices.Contains(x.Returned, o.Submission) })
}

// only returns the read on which the finding rests, if it is one, or an empty read.
func (l *leak) only() readOf {
	if all := l.main(); len(all) == 1 {
		return all[0]
	}
	return readOf{}
}

// trace returns the tracing against an upload, or an empty one.
func (l *leak) trace(of string) *traceOf {
	for i := range l.Traces {
		if l.Traces[i].Submission == of {
			return &l.Traces[i]
		}
	}
	return &traceOf{}
}

// traced reports whether tracing found a copy by its own part of the mark.
func (l *leak) traced(x readOf) bool {
	for _, c := range l.trace(x.Submission).Copies {
		if c.Copy == x.Copy {
			return c.Found
		}
	}
	return false
}

// laid reports whether tracing found a copy in a leak that does not show the copy's upload.
func (l *leak) laid(x readOf) bool { return l.traced(x) && !l.trace(x.Submission).Registered }

func (l *leak) pixels(words ...string) *matchOf {
	for _, w := range words {
		for i := range l.Matches {
			if l.Matches[i].Pixels == w {
				return &l.Matches[i]
			}
		}
	}
	return nil
}

// capture reports whether a word for pixels says that the same capture is shown.
func capture(word string) bool { return word == "same" || word == "same, altered" }

// when says a note with figures if is holds for the leak.
func when(is bool, x row) row {
	if is && x == nil {
		x = row{}
	}
	if !is {
		return nil
	}
	return x
}

// by is the rule of a note on a confirmed copy, by how its mark was found and whether pixels show it.
func by(blind, traced, shows bool) func(*report, *leak) row {
	return func(_ *report, l *leak) row {
		x := l.only()
		found := !x.Exact && x.LogP != nil == blind && (!blind || l.traced(x) == traced)
		return when((l.confirmed() || l.Void) && x.Copy != "" && found && capture(x.Shows) == shows && (blind || l.traced(x)), row{"copy": x.Copy})
	}
}

// names accepts the copies of some reads, in any order.
func names(of []readOf) func(any) bool {
	var want []string
	for _, x := range of {
		want = append(want, x.Copy)
	}
	return func(v any) bool {
		got := texts(v)
		slices.Sort(got)
		slices.Sort(want)
		return slices.Equal(got, want)
	}
}

// uploads returns how many uploads the copies are of on which the finding rests.
func (l *leak) uploads() int {
	of := make(map[string]bool)
	for _, x := range l.main() {
		of[x.Submission] = true
	}
	return len(of)
}

// elsewhere reports whether the leak shows another upload than the uploads of all copies that were read. Uploads that
// came in with their marks do not count as others.
func (l *leak) elsewhere() bool {
	return !slices.ContainsFunc(l.ours(), func(x readOf) bool { return x.Submission == l.Submission || slices.Contains(x.Returned, l.Submission) })
}

// sibling reports whether an upload is the same picture as another upload, which the leak shows.
func (l *leak) sibling(of string) bool {
	return slices.ContainsFunc(l.Matches, func(m matchOf) bool { return m.Submission == of && m.Sibling })
}

// unsure is the rule of a note on a mark that is not confirmed, by what the pixels say.
func unsure(words ...string) func(*report, *leak) row {
	return func(_ *report, l *leak) row {
		x := l.only()
		return when(l.unconfirmed() && !l.Forgeable && !l.Void && x.Copy != "" && !x.Erased && !l.laid(x) && !l.sibling(x.Submission) && slices.Contains(words, x.Shows), row{"copy": x.Copy})
	}
}

// state is the rule of a note on copies that are not known to be released.
func state(is string) func(*report, *leak) row {
	return func(_ *report, l *leak) row {
		of := *l
		of.Reads = slices.DeleteFunc(slices.Clone(l.Reads), func(x readOf) bool { return x.State != is })
		n := len(of.ours())
		return when(n > 0, row{"n": n, "copies": names(of.ours())})
	}
}

// stray returns the first read of a mark that the registry does not list.
func (l *leak) stray() readOf {
	for _, x := range l.Reads {
		if x.Submission == "" {
			return x
		}
	}
	return readOf{}
}

// lost returns since when a key is recorded as compromised; zero: it is not.
func (l *leak) lost(key string) (since time.Time) {
	for _, k := range l.Keys {
		if k.KeyID == key && k.State == "compromised" {
			since = k.Since
		}
	}
	return since
}

// forgeable reports whether a key was lost when the leak was found, as far as is stated.
func (l *leak) forgeable(key string) bool {
	since := l.lost(key)
	return !since.IsZero() && (l.stated.IsZero() || !wholeDay(l.stated).Before(since))
}

// wholeDay returns the end of a day that is given by its beginning, UTC, and other times as they are.
func wholeDay(t time.Time) time.Time {
	if h, m, s := t.UTC().Clock(); h+m+s+t.Nanosecond() == 0 {
		return t.AddDate(0, 0, 1)
	}
	return t
}

// seen reports whether the leak shows an upload by its pixels, without a mark that was found.
func (l *leak) seen() bool {
	m := l.pixels("same", "same, altered")
	return l.bare() && m != nil && m.Submission == l.Submission
}

// shared returns how many uploads the leak shows alike, if one of them has several pages, else 0.
func (l *leak) shared() (n int) {
	paged := false
	for _, m := range l.Matches {
		if m.Pixels == "same" || m.Pixels == "same, altered" {
			n, paged = n+1, paged || m.Page > 0
		}
	}
	if !paged {
		return 0
	}
	return n
}

// minReadScore is the score of tracing from which on reading alone finds a mark too.
const minReadScore = 40

// weak is the rule of a note on why it cannot be said whether a picture was marked.
func weak(is func(*leak, *traceOf) bool, x func(*traceOf) row) func(*report, *leak) row {
	return func(r *report, l *leak) row {
		t := l.trace(l.Submission)
		if t.Submission == "" || !l.seen() || len(l.Reads) > 0 || l.Finding != "unreadable" || l.shared() > 1 || l.alikeBeside() != "" || l.pilotsAlone(t) || !is(l, t) {
			return nil
		}
		return when(true, x(t))
	}
}

// pilotsAlone: tracing would have found a mark of the copies, and what all marks of some key have in common was seen.
func (l *leak) pilotsAlone(t *traceOf) bool {
	return l.Sync < 0 && t.Registered && t.Unsought == 0 && t.Power >= 0.999 && t.LogAny > -6
}

func bare(is func(*traceOf) bool, x func(*traceOf) row) func(*report, *leak) row {
	return func(r *report, l *leak) row {
		t := l.trace(l.Submission)
		if l.alikeBeside() != "" || l.smallAndFar() != nil || l.perhapsSharper() || l.Closed > 0 || l.Finding != "unmarked" || l.erasedSibling(t) || t.Power < 0.999 || t.Unsought > 0 || !t.Registered || len(l.Reads) > 0 || !is(t) {
			return nil
		}
		return x(t)
	}
}

// perhapsSharper reports whether the leak may have more detail than the upload that it shows.
func (l *leak) perhapsSharper() bool {
	return slices.ContainsFunc(l.Matches, func(m matchOf) bool { return m.Submission == l.Submission && m.PerhapsSharper })
}

// clauses are rules of the clauses of a note, by their codes.
type clauses map[string]func(*report, *leak) row

// oneOf is the rule of a note with a clause. If the rules of two clauses hold, its clause is a word that no note says.
func oneOf(of clauses) func(*report, *leak) row {
	return func(r *report, l *leak) (out row) {
		for code, rule := range of {
			switch x := rule(r, l); {
			case x == nil:
			case out != nil:
				return row{"clause": "two at once"}
			default:
				out = x
				out["clause"] = code
			}
		}
		return out
	}
}

func alike(word string, stronger ...string) func(*report, *leak) row {
	return func(_ *report, l *leak) row {
		m := l.pixels(word)
		return when(l.Finding == "lookalike" && m != nil && m.Submission == l.Submission && l.pixels(stronger...) == nil, nil)
	}
}

// altered returns what the pixels say, and the places at which the leak shows an upload altered.
func (l *leak) altered() (string, []place) {
	for _, m := range l.Matches {
		if m.Submission == l.Submission {
			return m.Pixels, m.Altered
		}
	}
	for _, x := range l.ours() {
		if x.Submission == l.Submission {
			return x.Shows, x.Altered
		}
	}
	return "", nil
}

func (l *leak) missing() *missing {
	if l.Searched == nil {
		return nil
	}
	return l.Searched.Missing
}

// noteRules say, for each code, with which figures the evidence on a leak asks for the sentence; nil:
// it must not be said.
var noteRules = map[string]func(*report, *leak) row{
	"copy": oneOf(clauses{"read": by(true, false, true), "both": by(true, true, true), "compared": by(false, true, true)}),
	"copy-exact": oneOf(clauses{
		"plain": func(_ *report, l *leak) row {
			return when((l.confirmed() || l.Void) && l.only().Exact, row{"copy": l.only().Copy})
		},
		"gone": func(_ *report, l *leak) row {
			return when(l.unconfirmed() && l.only().Exact && l.only().Erased, row{"copy": l.only().Copy, "name": l.only().Recipient, "issued": moment(l.only().Issued)})
		},
	}),
	"copy-little": oneOf(clauses{"both": by(true, true, false), "compared": by(false, true, false)}),
	"copies-merged": func(_ *report, l *leak) row {
		return when(l.confirmed() && len(l.main()) > 1 && l.uploads() == 1, row{"copies": names(l.main())})
	},
	"copies-collage": func(_ *report, l *leak) row {
		return when(l.confirmed() && l.uploads() > 1, row{"copies": names(l.main()), "n": len(l.main()), "uploads": l.uploads()})
	},
	"copies-brought": func(_ *report, l *leak) row {
		along := slices.DeleteFunc(l.ours(), func(x readOf) bool { return !l.brought(x) })
		return when(len(along) > 0, row{"n": len(along), "copies": names(along)})
	},
	"copies-beside": func(_ *report, l *leak) row {
		others := slices.DeleteFunc(l.ours(), func(x readOf) bool {
			return l.brought(x) || slices.ContainsFunc(l.main(), func(o readOf) bool { return o.Copy == x.Copy })
		})
		return when(len(others) > 0, row{"n": len(others), "copies": names(others)})
	},
	"copy-returned": copyReturned,
	"copy-forgeable": func(r *report, l *leak) row {
		x := l.only()
		return when(l.Forgeable && l.forgeable(x.KeyID), row{"copy": x.Copy, "since": moment(l.lost(x.KeyID)), "found": claim(r.stated)})
	},
	"copy-is-void":     state("void"),
	"copy-is-reserved": state("reserved"),
	"transplanted": func(_ *report, l *leak) row {
		return when(l.Finding == "transplanted" && l.elsewhere(), row{"n": len(l.ours()), "copies": names(l.ours())})
	},
	"transplanted-id": func(_ *report, l *leak) row {
		x := l.only()
		return when(l.Finding == "transplanted" && x.Copy != "" && !l.elsewhere() && !l.traced(x), row{"copy": x.Copy, "power": powered(l.trace(x.Submission).Power)})
	},
	"unconfirmed": oneOf(clauses{
		"altered":  unsure("same, altered"),
		"part":     unsure("same in part"),
		"document": unsure("same document"),
		"page":     unsure("same page"),
		"sharper":  unsure("sharper"),
		"template": unsure("same template"),
		"differs":  unsure("different"),
		"closed":   unsure("not compared"),
		"other":    unsure("same edges", "undecided", "unrelated"),
		"laid": func(_ *report, l *leak) row {
			x := l.only()
			return when(l.unconfirmed() && !x.Erased && l.laid(x), row{"copy": x.Copy})
		},
		"sibling": func(_ *report, l *leak) row {
			x := l.only()
			return when(l.unconfirmed() && x.Copy != "" && !x.Erased && l.sibling(x.Submission), row{"copy": x.Copy})
		},
		"erased": func(_ *report, l *leak) row {
			return when(l.unconfirmed() && l.only().Erased && !l.only().Exact, row{"copy": l.only().Copy, "name": l.only().Recipient, "issued": moment(l.only().Issued)})
		},
	}),
	"unconfirmed-several": func(_ *report, l *leak) row {
		return when(l.unconfirmed() && len(l.ours()) > 1, row{"copies": names(l.ours())})
	},
	"unlisted": func(_ *report, l *leak) row {
		return when(l.stray().Copy != "", row{"copy": l.stray().Copy, "key": l.stray().KeyID})
	},
	"unlisted-key-lost": func(_ *report, l *leak) row {
		since := l.lost(l.stray().KeyID)
		return when(l.stray().Copy != "" && !since.IsZero(), row{"day": since.UTC().Format(time.DateOnly)})
	},
	"unlisted-upload": func(_ *report, l *leak) row {
		how := "shows"
		if l.Submission == "" {
			how = "resembles, without showing it,"
		}
		resembles := l.pixels("same document", "same page", "same in part", "sharper", "different") != nil
		return when(l.Finding == "unissued" && (l.Submission != "" || resembles), row{"how": how})
	},
	"unmarked": oneOf(clauses{
		"issued": bare(func(t *traceOf) bool { return t.Issued > 0 }, func(t *traceOf) row { return row{"n": t.Issued, "power": powered(t.Power)} }),
		"any":    bare(func(t *traceOf) bool { return t.Issued == 0 }, func(t *traceOf) row { return row{"power": powered(t.Power)} }),
	}),
	"not-marked": oneOf(clauses{
		"erased-sibling": weak(func(l *leak, t *traceOf) bool {
			return l.erasedSibling(t) && t.Registered && t.Unsought == 0 && t.Power >= 0.999
		}, func(*traceOf) row { return row{} }),
		"closed": weak(func(l *leak, t *traceOf) bool {
			return l.Closed > 0 && t.Registered && t.Unsought == 0 && t.Power >= 0.999 && !l.erasedSibling(t)
		}, func(*traceOf) row { return row{} }),
		"perhaps-sharper": weak(func(l *leak, t *traceOf) bool {
			return l.Closed == 0 && l.perhapsSharper() && t.Registered && t.Unsought == 0 && t.Power >= 0.999 && !l.erasedSibling(t)
		}, func(*traceOf) row { return row{} }),
		"weak": weak(func(_ *leak, t *traceOf) bool { return t.Registered && t.Unsought == 0 && t.Power < 0.999 }, func(t *traceOf) row {
			return row{"power": percent(t.Power), "needed": percent(0.999)}
		}),
		"keys":  weak(func(_ *leak, t *traceOf) bool { return t.Unsought > 0 }, func(t *traceOf) row { return row{"n": t.Unsought} }),
		"aside": weak(func(_ *leak, t *traceOf) bool { return t.Unsought == 0 && !t.Registered }, func(*traceOf) row { return row{} }),
		"untraced": func(_ *report, l *leak) row {
			t := l.trace(l.Submission)
			return when(l.seen() && l.Finding == "unreadable" && (t.Submission == "" || len(l.Reads) > 0 || l.bareOfOne() && l.alikeBeside() == "" && l.pilotsAlone(t)), nil)
		},
		"shared": func(_ *report, l *leak) row {
			return when(l.ofSeveral(), row{"n": l.shared()})
		},
		"alike": func(_ *report, l *leak) row {
			return when(l.bareOfOne() && l.alikeBeside() != "", row{"upload": l.alikeBeside()})
		},
	}),
	"not-marked-damaged": func(_ *report, l *leak) row { return when(l.damaged(), nil) },
	"not-marked-removed": func(_ *report, l *leak) row {
		s := l.trace(l.Submission).Survival
		return when(l.damaged() && s > 0 && s < 0.35, row{"share": shared([]place{{Share: s}})})
	},
	"by-edges": func(_ *report, l *leak) row {
		m := l.pixels("same edges")
		return when(l.Finding == "unreadable" && l.pixels("same", "same, altered") == nil && len(l.ours()) == 0 && m != nil && m.Submission == l.Submission, nil)
	},
	"by-hash": func(r *report, l *leak) row {
		if m := l.smallAndFar(); m != nil && l.pixels("same", "same, altered") != nil {
			return weak(func(l *leak, t *traceOf) bool {
				return l.Closed == 0 && !l.perhapsSharper() && t.Registered && t.Unsought == 0 && t.Power >= 0.999 && !l.erasedSibling(t)
			}, func(*traceOf) row { return row{"bits": m.Distance, "pixels": m.Pixels + ", in a small picture"} })(r, l)
		}
		if l.Finding != "unreadable" || l.pixels("same", "same, altered", "same edges") != nil {
			return nil
		}
		i := slices.IndexFunc(l.Matches, func(m matchOf) bool { return m.Submission == l.Submission })
		return when(i >= 0 && len(l.ours()) == 0, row{"bits": l.Matches[max(i, 0)].Distance, "pixels": l.Matches[max(i, 0)].Pixels})
	},
	"lookalike-sharper": alike("sharper"),
	"lookalike": oneOf(clauses{
		"document": alike("same document", "sharper"),
		"page":     alike("same page", "same document", "sharper"),
		"part":     alike("same in part", "same page", "same document", "sharper"),
		"differs":  alike("different", "same document", "same page", "same in part", "sharper"),
		"closed": func(_ *report, l *leak) row {
			near := slices.ContainsFunc(l.Matches, func(m matchOf) bool {
				return m.Submission == l.Submission && m.HashOnly && m.Pixels == "not compared" && m.Distance <= 31
			})
			return when(l.Finding == "lookalike" && near && l.pixels("different", "same document", "same page", "same in part", "sharper") == nil, nil)
		},
	}),
	"incomplete": func(_ *report, l *leak) row {
		return when(l.Finding == "incomplete" && l.Closed > 0, row{"n": l.Closed})
	},
	"unknown": oneOf(clauses{
		"plain": func(_ *report, l *leak) row {
			return when(l.Finding == "unknown" && !l.TooFlat && (l.pixels("same template") != nil || !l.near()), nil)
		},
		"flat": func(_ *report, l *leak) row { return when(l.Finding == "unknown" && l.TooFlat, nil) },
		"near": func(_ *report, l *leak) row {
			return when(l.Finding == "unknown" && !l.TooFlat && l.pixels("same template") == nil && l.near(), nil)
		},
	}),
	"unknown-template": func(_ *report, l *leak) row {
		m := l.pixels("same template")
		if m == nil || l.Finding != "unknown" || l.TooFlat {
			return nil
		}
		score := 0.0
		if m.Score != nil {
			score = *m.Score
		}
		return row{"upload": m.Submission, "share": percent(score)}
	},
	"mark-here": func(_ *report, l *leak) row {
		return when((l.Finding == "unknown" || l.Finding == "lookalike" || l.Finding == "unreadable") && l.Sync < 0, nil)
	},
	"unknown-recall": func(_ *report, l *leak) row {
		if l.Finding != "unknown" || l.Recall == nil {
			return nil
		}
		x := row{"kind": l.Recall.Kind, "found": l.Recall.Found, "of": l.Recall.Of, "bound": percent(l.Recall.Bound), "clause": "plain"}
		if m := l.missing(); m != nil {
			x["clause"], x["missing"], x["uploads"] = "some", whole(m.Damaged+m.Flat+m.Whole), whole(m.Uploads)
		}
		return x
	},
	"altered": oneOf(clauses{"plain": changed("same, altered"), "filtered": changed("same")}),
	"page-fields": func(_ *report, l *leak) row {
		shows, places := l.altered()
		return when(l.Submission != "" && shows == "same page" && len(places) > 0, row{"n": len(places), "share": shared(places)})
	},
	"page-hidden": func(_ *report, l *leak) row {
		shows, places := l.altered()
		return when(l.Submission != "" && shows == "same page" && len(places) == 0, nil)
	},
	"shows-beside": func(_ *report, l *leak) row {
		x := row{"uploads": l.further()}
		if slices.ContainsFunc(l.further(), func(s string) bool { return strings.Contains(s, "looks like") }) {
			x["looks"] = true
		}
		return when(len(l.further()) > 0, x)
	},
	"pages": func(_ *report, l *leak) row { return when(l.Pages > 1 && l.examined(), row{"n": l.Pages}) },
	"lacks": func(_ *report, l *leak) row { return when(l.Lacks != "" && l.examined(), row{"lacks": l.Lacks}) },

	"damaged":     is("damaged"),
	"unsupported": is("unsupported"),
	"unopened":    is("unopened"),
	"missing":     is("missing"),
	"no picture":  is("no picture"),
}

// erasedSibling: a copy of an erased upload of the same picture would not have been read.
func (l *leak) erasedSibling(t *traceOf) bool {
	return l.Unlooked || l.ErasedCopies && t.Expected < minReadScore
}

// unsought are the recipients of copies of the upload shown whose keys were not at hand. j is the place of a leak of the case.
func (r *report) unsought(j int) (names []string) {
	id := r.Verdict.Case.Leaks[j].Submission
	t := r.Leaks[r.Verdict.Of[j]].trace(id)
	for _, c := range r.Verdict.Case.Leaks[j].Copies {
		seen := slices.Contains(r.Leaks[r.Verdict.Of[j]].Copies, c.ID)
		for _, x := range t.Copies {
			seen = seen || x.Copy == c.ID
		}
		if id != "" && t.Unsought > 0 && !seen {
			names = append(names, c.Recipient)
		}
	}
	return names
}

// further are the uploads that the leak shows, or looks like, besides the uploads of its finding, and where.
func (l *leak) further() (out []string) {
	nearTo := l.Finding == "unmarked" || l.Finding == "unreadable"
	own := strings.HasPrefix(l.SHA256, l.Submission) && l.Submission != ""
	for _, m := range l.Matches {
		same := capture(m.Pixels) || m.Sibling && slices.Contains([]string{"same in part", "same edges", "same document", "same page", "sharper"}, m.Pixels) || m.HashOnly && m.Pixels == "not compared" && m.Distance <= 10
		switch {
		case l.nextTo(m) && (capture(m.Pixels) || nearTo && same && l.shared() < 2):
			out = append(out, "upload "+m.Submission+" beside")
		case nearTo && same && m.Submission != l.Submission && l.shared() < 2 && !own:
			out = append(out, "upload "+m.Submission+" in the same place")
		case m.Plain && l.confirmed():
			out = append(out, "upload "+m.Submission+" once more")
		case l.nextTo(m) && looksLike(m.Pixels):
			out = append(out, "what looks like upload "+m.Submission+" beside")
		}
	}
	return out
}

func document(pixels string) bool { return pixels == "same document" || pixels == "same page" }

// looksLike reports whether what lies beside an upload looks like another one.
func looksLike(pixels string) bool {
	return document(pixels) || slices.Contains([]string{"same in part", "same edges", "sharper", "undecided"}, pixels)
}

// nextTo reports whether a match lies beside all uploads of the leak's finding.
func (l *leak) nextTo(m matchOf) bool {
	of := map[string]bool{l.Submission: true}
	if l.confirmed() || l.unconfirmed() {
		for _, x := range l.ours() {
			of[x.Submission] = of[x.Submission] || slices.Contains(l.Copies, x.Copy)
		}
	}
	for id, is := range of {
		at := slices.IndexFunc(l.Matches, func(o matchOf) bool { return o.Submission == id })
		if is && (id == m.Submission || at < 0 || overlap(l.Matches[at], m)) {
			return false
		}
	}
	return true
}

// overlap reports whether the places of two matches share more than a twentieth of the smaller one, or one is not known.
func overlap(m, o matchOf) bool {
	if m.Inset != o.Inset {
		return false
	}
	if m.Region == nil || o.Region == nil {
		return true
	}
	both, a, b := 1.0, 1.0, 1.0
	for axis := range 2 {
		from, to := side(m.Region, axis)
		low, high := side(o.Region, axis)
		both, a, b = both*max(0, min(to, high)-max(from, low)), a*(to-from), b*(high-low)
	}
	return both > 0.05*min(a, b)
}

// side returns from where to where a place reaches.
func side(q [][2]float64, axis int) (from, to float64) {
	from, to = q[0][axis], q[0][axis]
	for _, p := range q {
		from, to = min(from, p[axis]), max(to, p[axis])
	}
	return from, to
}

// changed is the rule of a note on places at which the leak differs from an upload, by what the pixels say.
func changed(word string) func(*report, *leak) row {
	return func(_ *report, l *leak) row {
		called := map[string]string{"bar": "a bar or blur", "caption": "a caption", "field": "another text or picture", "patch": "a sticker or another picture"}
		var kinds []string
		shows, places := l.altered()
		for _, p := range places {
			if !slices.Contains(kinds, called[p.Kind]) {
				kinds = append(kinds, called[p.Kind])
			}
		}
		return when(len(places) > 0 && l.Submission != "" && shows == word, row{"n": len(places), "kinds": kinds, "share": shared(places)})
	}
}

// shared returns the share of an upload in some of its places, in words.
func shared(places []place) string {
	sum := 0.0
	for _, p := range places {
		sum += p.Share
	}
	if sum > 0 && sum < 0.001 {
		return "less than 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*sum)
}

func is(finding string) func(*report, *leak) row {
	return func(_ *report, l *leak) row { return when(l.Finding == finding, nil) }
}

// near reports whether a match is so near that its pixels are compared.
func (l *leak) near() bool {
	return slices.ContainsFunc(l.Matches, func(m matchOf) bool { return m.Distance <= 64 })
}

// lineRules say the same for a recipient.
var lineRules = map[string]func(*report, *hypothesis) row{
	"beside-custody": beside(func(r *report, name string) int {
		return r.count(func(l *leak) bool {
			in, _ := r.admissible(l)
			return l.bare() && !l.vague() && slices.Contains(in, name)
		})
	}),
	"beside-late":     beside(func(r *report, name string) int { return r.outside(name) * yes(!r.found.IsZero()) }),
	"beside-unjudged": beside(func(r *report, name string) int { return r.outside(name) * yes(r.found.IsZero()) }),
	"beside-unconfirmed": beside(func(r *report, name string) int {
		return min(r.Verdict.Unconfirmed[name], r.count(func(l *leak) bool { return l.unconfirmed() || l.carriesOthers() }))
	}),
	"beside-transplanted": beside(func(r *report, name string) int {
		n, _ := r.transplanted(name)
		return n
	}),
	"no-confirmed": func(r *report, h *hypothesis) row {
		return when(h.LR == 0 && !r.strong(h.Name) && r.issuedTo(h.Name) > 0, nil)
	},
	"too-many": func(r *report, h *hypothesis) row {
		return when(h.LR == 0 && r.strong(h.Name) && r.group(h.Name) > 8, nil)
	},
	"no-leak": func(r *report, h *hypothesis) row {
		return when(h.LR == 0 && !r.strong(h.Name) && r.issuedTo(h.Name) == 0, nil)
	},
}

// beside is the rule of a note on pictures that concern a recipient beside its copies.
func beside(n func(*report, string) int) func(*report, *hypothesis) row {
	return func(r *report, h *hypothesis) row {
		x := n(r, h.Name)
		return when(x > 0, row{"n": x})
	}
}

// outside counts the pictures without a mark within custody of a holder that is not admissible.
func (r *report) outside(name string) int {
	return r.count(func(l *leak) bool {
		_, out := r.admissible(l)
		return l.bare() && !l.vague() && slices.Contains(out, name)
	})
}

// notes compares the notes with what the evidence asks for.
func (r *report) notes() (wrong []string) {
	for i := range r.Leaks {
		l := &r.Leaks[i]
		if len(l.Said) == 0 {
			if l.Note != "" {
				wrong = append(wrong, fmt.Sprintf("leak %d: a note without codes: %s", i+1, l.Note))
			}
			continue
		}
		wrong = append(wrong, compare(fmt.Sprintf("leak %d (%s)", i+1, l.Finding), l.Said, wanted(noteRules, r, l))...)
	}
	at := make(map[int][]said)
	for _, s := range r.Verdict.Notes {
		line, _ := s.Figures["line"].(float64)
		s.Figures = maps.Clone(s.Figures)
		delete(s.Figures, "line")
		at[int(line)] = append(at[int(line)], s)
	}
	for i := range r.Verdict.Odds.Recipients {
		h := &r.Verdict.Odds.Recipients[i]
		wrong = append(wrong, compare(fmt.Sprintf("recipient %d", i+1), at[i+1], wanted(lineRules, r.once(), h))...)
		delete(at, i+1)
	}
	if len(at) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d notes on no recipient", len(at)))
	}
	return wrong
}

// wanted returns the figures of each sentence that the rules ask for.
func wanted[T any](rules map[string]func(*report, T) row, r *report, of T) map[string]row {
	out := make(map[string]row)
	for code, rule := range rules {
		if x := rule(r, of); x != nil {
			out[code] = x
		}
	}
	return out
}

// compare lists the sentences of a note that are not wanted, or differ, or are missing.
func compare(where string, says []said, want map[string]row) (wrong []string) {
	for _, s := range says {
		x, is := want[s.Code]
		if delete(want, s.Code); !is {
			wrong = append(wrong, fmt.Sprintf("%s: says %s %v, which no rule asks for", where, s.Code, s.Figures))
			continue
		}
		wrong = append(wrong, differ(where+": "+s.Code, s.Figures, x)...)
	}
	for _, code := range slices.Sorted(maps.Keys(want)) {
		wrong = append(wrong, fmt.Sprintf("%s: does not say %s %v", where, code, want[code]))
	}
	return wrong
}
