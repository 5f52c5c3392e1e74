package verify_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"image"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/odds"
)

var rich struct {
	sync.Once
	plain, revealed, report string
}

// richDump is a dump of pictures with every finding: its findings, the same with subjects, and its report.
func richDump(t *testing.T) (plain, revealed, report string) {
	t.Helper()
	rich.Do(func() { makeRichDump(t) })
	require.NotEmpty(t, rich.report, "the dump could not be made")
	return rich.plain, rich.revealed, rich.report
}

func makeRichDump(t *testing.T) {
	c := newLargeCase(t)
	c.Found = feb.AddDate(20, 0, 0)
	v := c.investigator(t, noMark)
	_, verdicts := examined(t)
	var leaks []*findings.Finding
	for _, l := range [][2]string{
		{"copy.jpg", "messenger"}, {"traced.jpg", "only traced"}, {"stranger with a mark.jpg", "on a stranger"}, {"unmarked.jpg", "unmarked"},
		{"no UTF-8 \xff.jpg", "none issued"}, {"thumbnail.jpg", "unread"}, {"thumbnail of a bill.jpg", "unread bill"}, {"transplanted.jpg", "transplanted"}, {"never issued.jpg", "unissued, upload"},
		{"again.jpg", "messenger"},
	} {
		again := *verdicts[l[1]]
		again.File = l[0]
		leaks = append(leaks, &again)
	}
	for _, l := range []struct {
		name string
		img  image.Image
	}{{"<other> & 'another'.jpg", specimen.Photograph(c.second, 3, 560, 420)}, {"white \xff.jpg", imaging.New(300, 200, image.White)}} {
		got, err := v.File(t.Context(), l.name, file(t, l.img, "jpeg"))
		require.NoError(t, err)
		leaks = append(leaks, got)
	}
	paged, err := v.File(t.Context(), "two frames.gif", twoFrames(t))
	require.NoError(t, err)
	broken, err := v.File(t.Context(), "broken.jpg", []byte("\xff\xd8\xff broken"))
	require.NoError(t, err)
	d, err := v.Weigh(t.Context(), append(leaks, paged, broken))
	require.NoError(t, err)
	write := func(reveal bool) string {
		var b bytes.Buffer
		require.NoError(t, v.WriteFindings(t.Context(), &b, d, reveal))
		return b.String()
	}
	var b bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &b, d, false))
	rich.plain, rich.revealed, rich.report = write(false), write(true), b.String()
}

func readFindings(t *testing.T, text string) *findings.File {
	t.Helper()
	f, err := recheck.Read(strings.NewReader(text))
	require.NoError(t, err)
	return f
}

func TestFindingsFollowFromThemselves(t *testing.T) {
	t.Parallel()
	plain, revealed, report := richDump(t)
	for _, text := range []string{plain, revealed} {
		f := readFindings(t, text)
		assert.NoError(t, recheck.CheckLeaks(f))
		assert.NoError(t, recheck.CheckVerdict(f))
		counts := f.Verdict.Counts
		for _, label := range []string{"copy", "copy-unconfirmed", "unmarked", "unreadable", "transplanted", "unissued", "lookalike", "unknown", "damaged"} {
			assert.NotZero(t, counts[label], "%s is not tested: %v", label, counts)
		}
	}
	assert.NotContains(t, plain, "customer 1")
	assert.Contains(t, revealed, "customer 1")
	inReport, err := recheck.InReport([]byte(report))
	require.NoError(t, err)
	assert.Equal(t, plain, string(inReport))
}

// unredacted are the findings that a verdict without a registry has.
func unredacted(d *findings.Verdict) *findings.File {
	f := &findings.File{Format: findings.Format, Verdict: d, Leaks: append([]*findings.Finding{}, d.Findings...),
		Revealed: true, Subjects: map[string]string{}, Thumbnails: make([]string, len(d.Findings)), Uploads: make([]string, len(d.Findings))}
	for _, l := range d.Findings {
		f.Subjects[l.Submission.String()] = "somebody"
		for _, b := range l.Beside {
			f.Subjects[b.Submission.String()] = "somebody"
		}
	}
	return f
}

func TestVerdictsOfAllDumpsAreRechecked(t *testing.T) {
	t.Parallel()
	for name, d := range dumps() {
		got := weighed(d)
		got.Record.Parameters = verify.Method()
		got.Record.Parameters["leaks found on"] = "2026-05-01T00:00:00Z"
		text, err := verify.Encode(unredacted(got))
		require.NoError(t, err, name)
		f := readFindings(t, string(text))
		assert.NoError(t, recheck.CheckVerdict(f), name)
		if name != "two copies" && !long.On {
			continue
		}
		f.Verdict.Matched++
		assert.ErrorIs(t, recheck.CheckVerdict(f), findings.ErrUnsound, name)
	}
}

func TestFindingsHaveOneForm(t *testing.T) {
	t.Parallel()
	plain, _, _ := richDump(t)
	for name, edit := range map[string]func(string) string{
		"empty":            func(string) string { return "" },
		"null":             func(string) string { return "null\n" },
		"no verdict":       func(string) string { return `{"format":"kycmark findings v1"}` },
		"another format":   func(s string) string { return strings.Replace(s, "findings v1", "findings v2", 1) },
		"unknown field":    func(s string) string { return strings.Replace(s, "{", `{"x": 1,`, 1) },
		"twice":            func(s string) string { return strings.Replace(s, "{", `{"format": "kycmark findings v1",`, 1) },
		"in capitals":      func(s string) string { return strings.Replace(s, `"format"`, `"FORMAT"`, 1) },
		"white space":      func(s string) string { return strings.Replace(s, "\n", "\n\n", 1) },
		"more behind it":   func(s string) string { return s + "{}" },
		"cut off":          func(s string) string { return s[:len(s)/2] },
		"another number":   func(s string) string { return strings.Replace(s, `"matched": `, `"matched": 0e1 `, 1) },
		"a leak is null":   func(s string) string { return strings.Replace(s, `"leaks": [`, `"leaks": [ null,`, 1) },
		"escaped a letter": func(s string) string { return strings.Replace(s, "kycmark findings", `\u006bycmark findings`, 1) },
	} {
		edited := edit(plain)
		require.NotEqual(t, plain, edited, name)
		_, err := recheck.Read(strings.NewReader(edited))
		assert.ErrorIs(t, err, findings.ErrUnsound, name)
	}
}

// unnoticed are the paths of which an edit may go unnoticed in findings: pictures and
// registry said it, nothing else in the file says it again, and no conclusion hangs on it
// in this dump. The list may only shrink. A bundle's signature covers them all.
var unnoticed = []string{
	".leaks[].custody[].entered",
	".leaks[].custody[].from",
	".leaks[].custody[].note",
	".leaks[].custody[].recipient",
	".leaks[].decoder",
	".leaks[].error",
	".leaks[].file",
	".leaks[].format",
	".leaks[].height",
	".leaks[].issued[].format",
	".leaks[].issued[].height",
	".leaks[].issued[].margin",
	".leaks[].issued[].psnr",
	".leaks[].issued[].purpose",
	".leaks[].issued[].sha256",
	".leaks[].issued[].size",
	".leaks[].issued[].ssim",
	".leaks[].issued[].strength",
	".leaks[].issued[].weak",
	".leaks[].issued[].width",
	".leaks[].keys[].entered",
	".leaks[].keys[].since",
	".leaks[].keys[].state",
	".leaks[].matches[].height",
	".leaks[].matches[].received",
	".leaks[].matches[].region[][]",
	".leaks[].matches[].score",
	".leaks[].matches[].submitted",
	".leaks[].matches[].width",
	".leaks[].reads[].issued",
	".leaks[].reads[].submission",
	".leaks[].references[].distance",
	".leaks[].references[].score",
	".leaks[].searched.features",
	".leaks[].searched.quality",
	".leaks[].sha256",
	".leaks[].size",
	".leaks[].traces[].any_log10_p",
	".leaks[].traces[].copies[].log10_e",
	".leaks[].traces[].copies[].log10_p",
	".leaks[].traces[].copies[].score",
	".leaks[].traces[].decoys.most",
	".leaks[].traces[].decoys.number",
	".leaks[].traces[].expected",
	".leaks[].traces[].issued",
	".leaks[].traces[].overlap",
	".leaks[].traces[].registered",
	".leaks[].traces[].residual",
	".leaks[].traces[].survival",
	".leaks[].traces[].unsought",
	".leaks[].traces[].withheld",
	".leaks[].width",
	".thumbnails[]",
	".uploads[]",
	".verdict.case.holders[].copies[]",
	".verdict.history.recipients[].custody[].from",
	".verdict.history.recipients[].custody[].to",
	".verdict.history.recipients[].issued[].day",
	".verdict.history.recipients[].issued[].n",
	".verdict.history.submitted[].day",
	".verdict.record.actor",
	".verdict.record.began",
	".verdict.record.build",
	".verdict.record.clock",
	".verdict.record.executable",
	".verdict.record.go",
	".verdict.record.index_digest",
	".verdict.record.indexed",
	".verdict.record.ledger_head",
	".verdict.record.ledger_size",
	".verdict.record.logged[]",
	".verdict.record.parameters.most bytes of a file",
	".verdict.record.parameters.other uploads a leak is held against",
	".verdict.record.platform",
	".verdict.record.registry",
	".verdict.record.seal_key",
	".verdict.record.time",
	".verdict.record.version",
}

// Who holds the key can sign anything anew, but cannot edit one value that follows from
// others. Every value of the file is edited here.
func TestEveryEditIsNoticed(t *testing.T) {
	t.Parallel()
	plain, _, _ := richDump(t)
	var tree any
	dec := json.NewDecoder(strings.NewReader(plain))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&tree))
	var places []place
	walk(tree, "", func(p place) {
		if strings.HasPrefix(p.path, ".verdict.record.build.") { // they depend on how the test was built
			p.path = ".verdict.record.build"
		}
		places = append(places, p)
	})
	require.Greater(t, len(places), 800)
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(a.path, b.path) })
	for from := 0; from < len(places); { // each path by itself: another path changes nothing
		to := from
		for to < len(places) && places[to].path == places[from].path {
			to++
		}
		some := places[from:to]
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		from = to
	}
	tried, missed := make(map[string]int), make(map[string]bool)
	for _, p := range places {
		if tried[p.path] == 6 || missed[p.path] {
			continue
		}
		tried[p.path]++
		undo := p.edit()
		missed[p.path] = !noticed(t, tree)
		undo()
	}
	maps.DeleteFunc(missed, func(_ string, missed bool) bool { return !missed })
	assert.Greater(t, len(tried), 200)
	assert.Equal(t, unnoticed, slices.Sorted(maps.Keys(missed)))
}

// A place is a number, text or truth value in a tree of JSON.
type place struct {
	path string // numbers of elements left out
	get  func() any
	set  func(any)
}

func walk(x any, path string, f func(place)) {
	visit := func(x any, path string, set func(any)) {
		switch x.(type) {
		case map[string]any, []any:
			walk(x, path, f)
		case json.Number, string, bool:
			f(place{path, func() any { return x }, set})
		}
	}
	switch x := x.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			visit(x[k], path+"."+k, func(y any) { x[k] = y })
		}
	case []any:
		for i := range x {
			visit(x[i], path+"[]", func(y any) { x[i] = y })
		}
	}
}

// edit puts something else of the same kind into the place.
func (p place) edit() (undo func()) {
	old := p.get()
	switch x := old.(type) {
	case json.Number:
		if strings.ContainsAny(string(x), ".e") {
			f, _ := x.Float64()
			p.set(f + 0.125)
		} else {
			n, _ := x.Int64()
			p.set(n + 1)
		}
	case bool:
		p.set(!x)
	case string:
		b := []byte(x)
		for i := range b {
			if b[i] >= '0' && b[i] <= '9' {
				b[i] = '0' + (b[i]-'0'+1)%3 // times, too
				break
			}
		}
		if string(b) == x {
			b = append(b, 'x')
		}
		p.set(string(b))
	}
	return func() { p.set(old) }
}

// noticed says whether findings are refused, or found not to follow.
func noticed(t *testing.T, tree any) bool {
	t.Helper()
	text, err := json.Marshal(tree)
	require.NoError(t, err)
	var f findings.File
	if json.Unmarshal(text, &f) != nil { // an ID that is none
		return true
	}
	if text, err = verify.Encode(&f); err != nil {
		return true
	}
	again, err := recheck.Read(bytes.NewReader(text))
	return err != nil || recheck.CheckLeaks(again) != nil || recheck.CheckVerdict(again) != nil
}

func FuzzFindings(f *testing.F) {
	f.Add([]byte(`{"format":"kycmark findings v1","verdict":{"case":{},"odds":{},"record":{"parameters":{"leaks found on":"not stated","originals could be opened":"true"}}},"leaks":[{"finding":"copy"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var x findings.File
		if len(data) > 1<<16 || json.Unmarshal(data, &x) != nil {
			return
		}
		text, err := verify.Encode(&x)
		if err != nil {
			return
		}
		if got, err := recheck.Read(bytes.NewReader(text)); err == nil {
			_ = recheck.CheckLeaks(got)
			_ = recheck.CheckVerdict(got)
		}
	})
}

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(findings.Schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource("findings.schema.json", doc))
	s, err := c.Compile("findings.schema.json")
	require.NoError(t, err)
	return s
}

func valid(s *jsonschema.Schema, text string) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(doc)
}

func TestFindingsFollowTheSchema(t *testing.T) {
	t.Parallel()
	s := schema(t)
	plain, revealed, _ := richDump(t)
	assert.NoError(t, valid(s, plain))
	assert.NoError(t, valid(s, revealed))
	for name, d := range dumps() {
		got := weighed(d)
		got.Record = goldenDump().Record
		got.Record.Logged = []int64{1}
		text, err := verify.Encode(unredacted(got))
		require.NoError(t, err)
		assert.NoError(t, valid(s, string(text)), name)
	}
	for name, edit := range map[string][2]string{
		"format":       {`"format": "kycmark findings v1"`, `"format": "kycmark findings v2"`},
		"finding":      {`"finding": "unmarked"`, `"finding": "marked"`},
		"power":        {`"power": 0.`, `"power": 1.`},
		"digest":       {`"sha256": "`, `"sha256": "x`},
		"a text":       {`"repeated": `, `"repeated": "7", "x": `},
		"another":      {`"headline": `, `"x": 1, "headline": `},
		"missing":      {`"headline": `, `"x": `},
		"pixels":       {`"pixels": "same"`, `"pixels": "identical"`},
		"time":         {`"submitted": "2018`, `"submitted": "18`},
		"copy":         {`"copy": "`, `"copy": "0x`},
		"null verdict": {`"verdict": {`, `"verdict": null, "x": {`},
		"evidence":     {`"log10_e": `, `"log10_e": -1, "x": `},
	} {
		edited := strings.Replace(plain, edit[0], edit[1], 1)
		require.NotEqual(t, plain, edited, name)
		assert.Error(t, valid(s, edited), name)
	}
}

// The schema has every field that is written, and no other.
func TestSchemaHasAllFields(t *testing.T) {
	var doc struct {
		Properties map[string]any
		Defs       map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal([]byte(findings.Schema), &doc))
	for name, x := range map[string]any{
		"verdict": findings.Verdict{}, "leak": findings.Finding{}, "record": findings.Record{}, "container": findings.Container{}, "match": findings.Match{}, "reference": findings.Control{}, "reading": findings.Reading{},
		"trace": findings.Tracing{}, "tracedCopy": findings.TracedCopy{}, "edit": findings.Edit{}, "issuedCopy": books.Copy{}, "custody": books.Custody{}, "beside": findings.Beside{},
		"history": findings.History{}, "keyState": books.KeyState{}, "case": odds.Case{}, "cell": odds.Cell{}, "holder": odds.Holder{}, "caseLeak": odds.Leak{}, "caseCopy": odds.Copy{},
		"odds": odds.Verdict{}, "recipientEvidence": odds.Recipient{}, "window": odds.Window{}, "holding": odds.Holding{},
		"withheld": odds.Withheld{}, "rival": odds.Rival{}, "alsoHeld": odds.Verdict{}.AlsoHeld,
	} {
		assert.Equal(t, fields(x), slices.Sorted(maps.Keys(doc.Defs[name].Properties)), name)
	}
	assert.Equal(t, fields(findings.File{}), slices.Sorted(maps.Keys(doc.Properties)))
}

func fields(x any) (names []string) {
	of := reflect.TypeOf(x)
	if of.Kind() != reflect.Struct { // a list of, or a pointer to
		of = of.Elem()
	}
	for _, f := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
