package verify

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// The table of findings, row by row. S is the submission of copy C, T another.
func TestConclude(t *testing.T) {
	s, other, third := watermark.Submission{1}, watermark.Submission{2}, watermark.Submission{3}
	match := func(id watermark.Submission, distance int, pixels string) findings.Match {
		return findings.Match{Submission: id, Distance: distance, Pixels: pixels}
	}
	c := func(shows string) read {
		return read{copy: 7, keyID: "v1-k", blind: -9, shows: shows, issued: &registry.Copy{ID: 7, Submission: s, Recipient: "vendor A"}}
	}
	forged := c(findings.PixelsSame)
	forged.issued.Issued = time.Unix(1000, 0)
	forged.key = &registry.KeyState{KeyID: "v1-k", State: registry.KeyCompromised, Since: forged.issued.Issued}
	gone := c(findings.PixelsUnknown)
	gone.erased = true
	found, missing := c(findings.PixelsPartial), c(findings.PixelsSame)
	found.traced = &findings.TracedCopy{Copy: 7, LogP: -20, Found: true}
	missing.traced, missing.lacks = &findings.TracedCopy{Copy: 7, LogP: -0.5}, true
	edited, small := found, found
	edited.shows, small.shows, small.blind = findings.PixelsDifferent, findings.PixelsUndecided, 0
	ghost := found
	ghost.shows, ghost.laid = findings.PixelsAlike, true
	second := read{copy: 8, keyID: "v1-k", shows: findings.PixelsPartial, issued: &registry.Copy{ID: 8, Submission: s, Recipient: "vendor B"}, traced: &findings.TracedCopy{Copy: 8, LogP: -12, Found: true}}
	lost := second
	lost.key = forged.key
	same := []findings.Match{match(s, 4, findings.PixelsSame)}
	traced := func(power float64, issued, unsought int) []findings.Tracing {
		return []findings.Tracing{{Submission: s, Registered: true, Power: power, Issued: issued, Unsought: unsought}}
	}
	damaged := func(logAny float64, issued, unsought int) []findings.Tracing {
		all := traced(1, issued, unsought)
		all[0].LogAny = logAny
		return all
	}
	aside := traced(1, 5, 0)
	aside[0].Registered = false
	stray := read{copy: 8, keyID: "v1-k", blind: -9, shows: findings.PixelsUnknown}
	d := read{copy: 9, keyID: "v1-l", blind: -12, shows: findings.PixelsUnknown, issued: &registry.Copy{ID: 9, Submission: other, Recipient: "vendor B"}}
	elsewhere := read{copy: 9, keyID: "v1-k", shows: findings.PixelsPartial, issued: &registry.Copy{ID: 9, Submission: other, Recipient: "vendor B"}, traced: &findings.TracedCopy{Copy: 9, LogP: -12, Found: true}}
	stolen, laid := elsewhere, elsewhere
	beside := elsewhere
	beside.shows, laid.shows = findings.PixelsSame, findings.PixelsDifferent
	inner, outer := found, beside // of one photograph that was entered twice
	inner.shows, inner.traced = findings.PixelsSame, &findings.TracedCopy{Copy: 7, LogP: -90, Found: true}
	outer.issued = &registry.Copy{ID: 9, Submission: other, Recipient: "vendor B", Issued: time.Unix(2000, 0)}
	nested := []findings.Match{match(s, 2, findings.PixelsSame), match(other, 4, findings.PixelsSame)}
	stolen.key = &registry.KeyState{KeyID: "v1-k", State: registry.KeyCompromised}
	altered := []findings.Match{{Submission: s, Distance: 40, Pixels: findings.PixelsAltered, Altered: []findings.Region{{Kind: "field", Share: .03}}}}
	changed, changedTraced, changedMissing := found, found, missing
	filtered := []findings.Match{{Submission: s, Distance: 4, Pixels: findings.PixelsSame, Altered: []findings.Region{{Kind: "caption", Share: .001}}}}
	changed.shows, changedTraced.shows, changedTraced.blind, changedMissing.shows = findings.PixelsAltered, findings.PixelsAltered, 0, findings.PixelsAltered
	both := []findings.Match{match(other, 4, findings.PixelsSame), match(s, 40, findings.PixelsAlike)}
	twin := func(rival string, found bool) []read {
		r := c(findings.PixelsAlike)
		r.rival, r.traced = rival, &findings.TracedCopy{Copy: 7, LogP: -20, Found: found}
		return []read{r}
	}
	silent := func(id watermark.Submission) findings.Tracing {
		return findings.Tracing{Submission: id, Registered: true, Power: 1, Issued: 1}
	}
	for name, row := range map[string]struct {
		e           evidence
		want        findings.Kind
		unconfirmed bool
		submission  watermark.Submission
		copy        watermark.CopyID
	}{
		"nothing":                   {evidence{}, findings.FoundUnknown, false, watermark.Submission{}, 0},
		"flat":                      {evidence{tooFlat: true}, findings.FoundUnknown, false, watermark.Submission{}, 0},
		"copy":                      {evidence{matches: []findings.Match{match(s, 4, findings.PixelsSame)}, reads: []read{c(findings.PixelsSame)}}, findings.FoundCopy, false, s, 7},
		"copy, forgeable":           {evidence{matches: []findings.Match{match(s, 4, findings.PixelsSame)}, reads: []read{forged}}, findings.FoundCopy, true, s, 7},
		"copy, erased":              {evidence{reads: []read{gone}}, findings.FoundCopy, true, s, 7},
		"copy, cropped":             {evidence{reads: []read{c(findings.PixelsSame)}}, findings.FoundCopy, false, s, 7},
		"copy, template":            {evidence{matches: []findings.Match{match(other, 2, findings.PixelsDifferent), match(s, 4, findings.PixelsSame)}, reads: []read{c(findings.PixelsSame)}}, findings.FoundCopy, false, s, 7},
		"copy among keys":           {evidence{reads: []read{stray, c(findings.PixelsSame)}}, findings.FoundCopy, false, s, 7},
		"no original":               {evidence{matches: []findings.Match{match(s, 4, findings.PixelsUnknown)}, reads: []read{c(findings.PixelsUnknown)}}, findings.FoundCopy, true, s, 7},
		"edited":                    {evidence{matches: []findings.Match{match(s, 4, findings.PixelsDifferent)}, reads: []read{c(findings.PixelsDifferent)}}, findings.FoundCopy, true, s, 7},
		"altered":                   {evidence{matches: altered, reads: []read{changed}}, findings.FoundCopy, false, s, 7},
		"sharpened":                 {evidence{matches: filtered, reads: []read{c(findings.PixelsSame)}}, findings.FoundCopy, false, s, 7},
		"altered, only traced":      {evidence{matches: altered, reads: []read{changedTraced}}, findings.FoundCopy, false, s, 7},
		"altered, only read":        {evidence{matches: altered, reads: []read{c(findings.PixelsAltered)}}, findings.FoundCopy, true, s, 7},
		"altered, without its part": {evidence{matches: altered, traces: traced(1, 5, 0), reads: []read{changedMissing}}, findings.FoundTransplanted, false, s, 7},
		"altered, unmarked":         {evidence{matches: altered, traces: traced(.999, 5, 0)}, findings.FoundUnmarked, false, s, 0},
		"altered, unread":           {evidence{matches: altered}, findings.FoundUnreadable, false, s, 0},
		"altered, mark of another":  {evidence{matches: altered, reads: []read{d}}, findings.FoundTransplanted, false, s, 9},
		"cannot be shown":           {evidence{reads: []read{c(findings.PixelsUndecided)}}, findings.FoundCopy, true, s, 7},
		"near hash only":            {evidence{matches: []findings.Match{match(s, 4, findings.PixelsUndecided)}, reads: []read{c(findings.PixelsUndecided)}}, findings.FoundCopy, true, s, 7},
		"transplanted":              {evidence{matches: []findings.Match{match(other, 4, findings.PixelsSame)}, reads: []read{c(findings.PixelsUnknown)}}, findings.FoundTransplanted, false, other, 7},
		"transplanted, template": {evidence{matches: []findings.Match{match(s, 2, findings.PixelsDifferent), match(other, 4, findings.PixelsSame)}, reads: []read{c(findings.PixelsDifferent)}},
			findings.FoundTransplanted, false, other, 7},
		"transplanted, without originals":     {evidence{matches: []findings.Match{match(other, 4, findings.PixelsUnknown)}, reads: []read{c(findings.PixelsUnknown)}}, findings.FoundTransplanted, false, other, 7},
		"further away, without originals":     {evidence{matches: []findings.Match{match(other, 14, findings.PixelsUnknown)}, reads: []read{c(findings.PixelsUnknown)}}, findings.FoundCopy, true, s, 7},
		"own is nearer, without originals":    {evidence{matches: []findings.Match{match(s, 2, findings.PixelsUnknown), match(other, 4, findings.PixelsUnknown)}, reads: []read{c(findings.PixelsUnknown)}}, findings.FoundCopy, true, s, 7},
		"lookalike is no proof of transplant": {evidence{matches: []findings.Match{match(other, 4, findings.PixelsDifferent)}, reads: []read{c(findings.PixelsUndecided)}}, findings.FoundCopy, true, s, 7},
		"too little of it":                    {evidence{reads: []read{c(findings.PixelsPartial)}}, findings.FoundCopy, true, s, 7},
		"two copies":                          {evidence{matches: []findings.Match{match(s, 4, findings.PixelsSame)}, reads: []read{d, c(findings.PixelsSame)}}, findings.FoundCopy, true, s, 7},
		"two copies, a key is lost":           {evidence{matches: same, reads: []read{lost, found}}, findings.FoundCopy, false, s, 7},
		"two copies, on neither":              {evidence{reads: []read{c(findings.PixelsUndecided), d}}, findings.FoundCopy, true, other, 9},
		"two copies, on a third":              {evidence{matches: []findings.Match{match(third, 4, findings.PixelsSame)}, reads: []read{c(findings.PixelsUnknown), d}}, findings.FoundTransplanted, false, third, 9},
		"collage":                             {evidence{reads: []read{found, elsewhere}}, findings.FoundCopy, false, s, 7},
		"collage, one shows its capture":      {evidence{reads: []read{found, beside}}, findings.FoundCopy, false, other, 9},
		"collage, one not found":              {evidence{reads: []read{c(findings.PixelsSame), elsewhere}}, findings.FoundCopy, false, other, 9},
		"collage, one forgeable":              {evidence{reads: []read{found, stolen}}, findings.FoundCopy, false, s, 7},
		"two uploads of one picture":          {evidence{matches: nested, reads: []read{inner, outer}}, findings.FoundCopy, false, s, 7},
		"collage, a mark laid onto it":        {evidence{matches: same, reads: []read{d, found}}, findings.FoundCopy, false, s, 7},
		"collage, two copies, one not found":  {evidence{reads: []read{missing, second, elsewhere}}, findings.FoundCopy, true, s, 8},
		"laid onto a copy, both found":        {evidence{matches: same, reads: []read{laid, found}}, findings.FoundCopy, false, s, 7},
		"one copy twice":                      {evidence{reads: []read{c(findings.PixelsSame), c(findings.PixelsSame)}}, findings.FoundCopy, false, s, 7},
		"sealed, transplanted, not opened":    {evidence{given: given{opens: true}, matches: []findings.Match{match(other, 4, findings.PixelsUnknown)}, reads: []read{c(findings.PixelsUnknown)}}, findings.FoundCopy, true, s, 7},
		"sealed, not opened":                  {evidence{given: given{opens: true}, matches: []findings.Match{match(s, 4, findings.PixelsUnknown)}}, findings.FoundUnknown, false, watermark.Submission{}, 0},
		"does not align":                      {evidence{matches: []findings.Match{match(s, 4, findings.PixelsUnrelated)}}, findings.FoundUnknown, false, watermark.Submission{}, 0},
		"does not align, second not opened":   {evidence{matches: []findings.Match{match(s, 4, findings.PixelsUnrelated), match(other, 5, findings.PixelsUnknown)}}, findings.FoundUnreadable, false, other, 0},
		"far, too little of it":               {evidence{matches: []findings.Match{match(s, 40, findings.PixelsPartial)}}, findings.FoundLookalike, false, s, 0},
		"unread":                              {evidence{matches: []findings.Match{match(s, 4, findings.PixelsSame)}}, findings.FoundUnreadable, false, s, 0},
		"unread, by pixels":                   {evidence{matches: []findings.Match{match(s, 40, findings.PixelsSame)}}, findings.FoundUnreadable, false, s, 0},
		"unread, better second":               {evidence{matches: []findings.Match{match(other, 2, findings.PixelsDifferent), match(s, 4, findings.PixelsSame)}}, findings.FoundUnreadable, false, s, 0},
		"black and white, far hash":           {evidence{matches: []findings.Match{match(s, 90, findings.PixelsEdges)}}, findings.FoundUnreadable, false, s, 0},
		"black and white, copy read":          {evidence{matches: []findings.Match{match(s, 90, findings.PixelsEdges)}, reads: []read{c(findings.PixelsEdges)}}, findings.FoundCopy, true, s, 7},
		"unread, by hash":                     {evidence{matches: []findings.Match{match(s, 30, findings.PixelsUndecided)}}, findings.FoundUnreadable, false, s, 0},
		"unread, no original":                 {evidence{matches: []findings.Match{match(s, 30, findings.PixelsUnknown)}}, findings.FoundUnreadable, false, s, 0},
		"never by a far hash":                 {evidence{matches: []findings.Match{match(s, 32, findings.PixelsUnknown)}}, findings.FoundUnknown, false, watermark.Submission{}, 0},
		"lookalike":                           {evidence{matches: []findings.Match{match(s, 20, findings.PixelsDifferent)}}, findings.FoundLookalike, false, s, 0},
		"same template":                       {evidence{matches: []findings.Match{match(s, 20, findings.PixelsTemplate)}}, findings.FoundUnknown, false, watermark.Submission{}, 0},
		"lookalike, far":                      {evidence{matches: []findings.Match{match(s, 50, findings.PixelsDifferent)}}, findings.FoundLookalike, false, s, 0},
		"sharper":                             {evidence{matches: []findings.Match{match(s, 0, findings.PixelsSharper), match(other, 20, findings.PixelsAlike)}}, findings.FoundLookalike, false, s, 0},
		"stray mark":                          {evidence{reads: []read{stray}}, findings.FoundUnissued, false, watermark.Submission{}, 0},
		"same document":                       {evidence{matches: []findings.Match{match(s, 4, findings.PixelsAlike)}}, findings.FoundLookalike, false, s, 0},
		"same document, marked":               {evidence{matches: []findings.Match{match(s, 4, findings.PixelsAlike)}, reads: []read{c(findings.PixelsAlike)}}, findings.FoundCopy, true, s, 7},
		"smaller version beside it":           {evidence{matches: both, reads: twin(findings.PixelsSame, true)}, findings.FoundCopy, false, s, 7},
		"smaller version, only read":          {evidence{matches: both, reads: twin(findings.PixelsSame, false)}, findings.FoundCopy, true, s, 7},
		"detail laid onto another":            {evidence{matches: []findings.Match{match(s, 4, findings.PixelsAlike)}, reads: []read{ghost}}, findings.FoundCopy, true, s, 7},
		"same document beside it":             {evidence{matches: both, reads: twin(findings.PixelsAlike, true)}, findings.FoundCopy, true, s, 7},
		"laid onto another capture":           {evidence{matches: both, reads: twin(PixelsRecaptured, true)}, findings.FoundTransplanted, false, other, 7},
		"smaller version, unmarked":           {evidence{matches: both, traces: []findings.Tracing{silent(other), silent(s)}}, findings.FoundUnmarked, false, other, 0},
		"smaller version, sure":               {evidence{matches: both, traces: []findings.Tracing{silent(other), {Submission: s, Withheld: 0.9991, Issued: 1}}}, findings.FoundUnmarked, false, other, 0},
		"smaller version, unsure":             {evidence{matches: both, traces: []findings.Tracing{silent(other), {Submission: s, Withheld: 0.965, Expected: 48, Issued: 1}}}, findings.FoundUnreadable, false, other, 0},
		"smaller version, part of a mark":     {evidence{matches: both, traces: []findings.Tracing{silent(other), {Submission: s, Withheld: 0.9999, LogAny: -9, Issued: 1}}}, findings.FoundUnreadable, false, other, 0},
		"smaller version, not traced":         {evidence{matches: both, traces: []findings.Tracing{silent(other)}}, findings.FoundUnreadable, false, other, 0},
		"copy, traced":                        {evidence{reads: []read{found}}, findings.FoundCopy, false, s, 7},
		"copy, only traced":                   {evidence{matches: []findings.Match{match(s, 20, findings.PixelsUndecided)}, reads: []read{small}}, findings.FoundCopy, false, s, 7},
		"copy, traced, edited":                {evidence{matches: []findings.Match{match(s, 20, findings.PixelsDifferent)}, reads: []read{edited}}, findings.FoundCopy, true, s, 7},
		"copies merged":                       {evidence{reads: []read{second, found}}, findings.FoundCopy, false, s, 7},
		"ID without its part":                 {evidence{matches: same, traces: traced(1, 5, 0), reads: []read{missing}}, findings.FoundTransplanted, false, s, 7},
		"unmarked":                            {evidence{matches: same, traces: traced(.999, 5, 0)}, findings.FoundUnmarked, false, s, 0},
		"unmarked, none issued":               {evidence{matches: same, traces: traced(.9999, 0, 0)}, findings.FoundUnmarked, false, s, 0},
		"power too low":                       {evidence{matches: same, traces: traced(.9989, 5, 0)}, findings.FoundUnreadable, false, s, 0},
		"key missing":                         {evidence{matches: same, traces: traced(1, 5, 1)}, findings.FoundUnreadable, false, s, 0},
		"not on its original":                 {evidence{matches: same, traces: aside}, findings.FoundUnreadable, false, s, 0},
		"damaged":                             {evidence{matches: same, traces: damaged(-6, 5, 0)}, findings.FoundUnreadable, false, s, 0},
		"damaged, none issued":                {evidence{matches: same, traces: damaged(-20, 0, 0)}, findings.FoundUnreadable, false, s, 0},
		"damaged, key missing":                {evidence{matches: same, traces: damaged(-20, 5, 1)}, findings.FoundUnreadable, false, s, 0},
		"unmarked by chance":                  {evidence{matches: same, traces: damaged(-5.9, 5, 0)}, findings.FoundUnmarked, false, s, 0},
		"ID without its part, damaged":        {evidence{matches: same, traces: damaged(-20, 5, 0), reads: []read{missing}}, findings.FoundTransplanted, false, s, 7},
		"unmarked, but stray":                 {evidence{matches: same, traces: traced(1, 5, 0), reads: []read{stray}}, findings.FoundUnissued, false, s, 0},
		"lookalike, traced":                   {evidence{matches: []findings.Match{match(s, 20, findings.PixelsDifferent)}, traces: traced(1, 5, 0)}, findings.FoundLookalike, false, s, 0},
		"stray mark on upload":                {evidence{matches: []findings.Match{match(s, 4, findings.PixelsSame)}, reads: []read{stray}}, findings.FoundUnissued, false, s, 0},
		"stray mark, lookalike":               {evidence{matches: []findings.Match{match(s, 4, findings.PixelsDifferent)}, reads: []read{stray}}, findings.FoundUnissued, false, watermark.Submission{}, 0},
	} {
		got := conclude(row.e)
		assert.Equal(t, row.want, got.finding, name)
		assert.Equal(t, row.unconfirmed, got.unconfirmed, name)
		assert.Equal(t, row.submission, got.submission, name)
		if row.copy == 0 {
			assert.Nil(t, got.read, name)
		} else if assert.NotNil(t, got.read, name) {
			assert.Equal(t, row.copy, got.read.copy, name)
		}
		note := written(got.said)
		assert.Regexp(t, `^[A-Z].*\.$`, note, name)
		assert.Equal(t, strings.HasPrefix(name, "altered"), strings.HasSuffix(note, "The picture was altered in 1 place (another text or picture, 3.0 % of the upload). Everywhere else it shows the same capture."), name)
		assert.Equal(t, name == "sharpened", strings.HasSuffix(note, "differs from the upload in 1 place (0.1 % of the upload), as after a caption. Strong filters and conversions leave such places too. Everywhere else it shows the same capture."), name)
		assert.NotContains(t, note, "marked again", name)
		if len(row.e.reads) > 0 && row.e.reads[0].issued == nil {
			assert.Contains(t, note, "does not list under that key", name)
			assert.NotContains(t, note, "vendor", name)
		}
	}
}

// Marks of several issued copies in one leak: all are listed, none is confirmed,
// and which key was tried first does not matter.
func TestConcludeSeveralCopies(t *testing.T) {
	s := watermark.Submission{1}
	a := read{copy: 7, keyID: "v1-k", blind: -9, shows: findings.PixelsSame, issued: &registry.Copy{ID: 7, Submission: s}}
	b := read{copy: 9, keyID: "v1-l", blind: -12, shows: findings.PixelsSame, issued: &registry.Copy{ID: 9, Submission: s}}
	for _, reads := range [][]read{{a, b}, {b, a}} {
		got := conclude(evidence{matches: []findings.Match{{Submission: s, Pixels: findings.PixelsSame}}, reads: reads})
		assert.Equal(t, findings.FoundCopy, got.finding)
		assert.True(t, got.unconfirmed)
		assert.Equal(t, []watermark.CopyID{9, 7}, got.accused, "the strongest first")
		assert.Contains(t, written(got.said), a.copy.String())
		assert.Contains(t, written(got.said), b.copy.String())
		assert.Contains(t, written(got.said), "several issued copies")
	}
}

// The recipients of all marks that were found are listed, each once.
func TestMarkedOfSeveralCopies(t *testing.T) {
	s := watermark.Submission{1}
	of := func(id watermark.CopyID, recipient string, found bool) read {
		r := read{copy: id, keyID: "v1-k", blind: -9, shows: findings.PixelsSame, issued: &registry.Copy{ID: id, Submission: s, KeyID: "v1-k", Recipient: recipient}}
		if found {
			r.traced = &findings.TracedCopy{Copy: id, LogP: -20, Found: true}
		}
		return r
	}
	for name, found := range map[string]bool{"merged": true, "several": false} {
		e := evidence{matches: []findings.Match{{Submission: s, Pixels: findings.PixelsSame}}, reads: []read{of(7, "vendor A", found), of(8, "vendor B", found), of(9, "vendor A", found)}}
		traced := findings.Tracing{Submission: s, Registered: true, Issued: 3}
		for _, r := range e.reads {
			traced.Copies = append(traced.Copies, findings.TracedCopy{Copy: r.copy, LogP: -20, Found: found})
		}
		e.traces = []findings.Tracing{traced}
		v := new(Finding)
		v.conclude(e)
		assert.Equal(t, !found, v.Unconfirmed, name)
		assert.Equal(t, []string{"vendor A", "vendor B"}, v.Private.marked, name)
		assert.Len(t, v.Accused, 3, name)
		assert.Equal(t, found, len(v.Issued) == 3, name)
	}
}

// Of one copy in several leaks each counts what it shows itself, the leaks in which it was
// found no more than the mean over all, so that the best of many is not what counts.
func TestLeaksOfOneCopyCountEachForItself(t *testing.T) {
	s := watermark.Submission{1}
	issued := registry.Copy{ID: 7, Submission: s, Recipient: "vendor A", KeyID: "v1-k"}
	leak := func(finding findings.Kind, logE float64) *Finding {
		v := &Finding{Conclusion: findings.Conclusion{Kind: finding, Submission: s}, Evidence: findings.Evidence{Traces: []findings.Tracing{{
			Submission: s, Registered: true, Issued: 1, Power: .9999, Copies: []findings.TracedCopy{{Copy: 7, LogE: logE, Found: finding == findings.FoundCopy}},
		}}}}
		if finding == findings.FoundCopy {
			v.Copy, v.Issued = 7, []registry.Copy{issued}
		}
		return v
	}
	w := &weighing{Verdict: Verdict{Findings: []*Finding{
		leak(findings.FoundCopy, 40), leak(findings.FoundUnmarked, -1), leak(findings.FoundUnreadable, 2), leak(findings.FoundUnreadable, 5), leak(findings.FoundCopy, 12),
	}}}
	w.first = firsts(w.Findings)
	pooled := w.pooled()
	want := []float64{40 - math.Log10(5), -1, 2, maxUnconfirmed / math.Ln10, 12}
	var mean, own float64
	for i, l := range w.Findings {
		got := l.evidenceFor(issued, pooled)
		require.True(t, got.Confirmed)
		assert.InDelta(t, want[i], got.LnE/math.Ln10, 1e-6, "leak %d", i)
		assert.InDelta(t, 1-maxPower, got.Miss, 1e-6, "no less than trials allow")
		mean += math.Exp(got.LnE)
		own += math.Pow(10, l.Traces[0].Copies[0].LogE)
	}
	assert.LessOrEqual(t, mean, own*(1+1e-9), "a mean over leaks of one copy stays an e-value")
}

// However the evidence is made up: a copy is confirmed only by equal pixels or by its
// own part of the mark where no other detail is seen, absence counts only where a
// mark would have been found, and an unissued copy ID never becomes a finding about
// somebody.
func TestConcludeNeverConfirmsWithoutPixels(t *testing.T) {
	s := []watermark.Submission{{1}, {2}}
	answers := []string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsDifferent, findings.PixelsUndecided, findings.PixelsUnrelated, findings.PixelsUnknown, findings.PixelsPartial, findings.PixelsAlike}
	for n := range 4 * 2 * len(answers) * len(answers) * len(answers) {
		pick := func(of int) int { i := n % of; n /= of; return i }
		a, b, shows := answers[pick(len(answers))], answers[pick(len(answers))], answers[pick(len(answers))]
		d, found := []int{0, 9, 31, 40}[pick(4)], pick(2) == 1
		e := evidence{
			matches: []findings.Match{{Submission: s[0], Distance: d, Pixels: a}, {Submission: s[1], Distance: d + 1, Pixels: b}},
			reads:   []read{{copy: 7, blind: -9, shows: shows, issued: &registry.Copy{ID: 7, Submission: s[0]}, traced: &findings.TracedCopy{Copy: 7, LogP: -30, Found: found}}},
			traces:  []findings.Tracing{{Submission: s[0], Registered: true, Issued: 1, Power: 1}, {Submission: s[1], Registered: true, Issued: 1, Power: .5}},
		}
		got := conclude(e)
		if got.finding == findings.FoundCopy && !got.unconfirmed {
			assert.True(t, shows == findings.PixelsSame || found)
			assert.NotContains(t, []string{findings.PixelsDifferent, findings.PixelsUnrelated, findings.PixelsUnknown}, shows)
		}
		if got.finding == findings.FoundTransplanted {
			assert.Equal(t, s[1], got.submission)
			assert.NotEqual(t, findings.PixelsSame, shows)
			assert.Contains(t, []string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsUnknown}, b)
		}
		assert.NotEqual(t, findings.FoundUnmarked, got.finding, "a mark was found")
		e.reads[0].issued = nil
		got = conclude(e)
		assert.Nil(t, got.read)
		assert.NotContains(t, []findings.Kind{findings.FoundCopy, findings.FoundTransplanted, findings.FoundUnmarked}, got.finding)
		e.reads = nil
		if got = conclude(e); got.finding == findings.FoundUnmarked {
			assert.Equal(t, s[0], got.submission, "power is too low for the other")
			assert.Contains(t, []string{findings.PixelsSame, findings.PixelsAltered}, a)
		}
	}
}

// What a hash alone may show is nearer than any two persons' documents of a template.
func TestHashesOfOnePersonsDocument(t *testing.T) {
	t.Parallel()
	for _, k := range []specimen.Template{specimen.Passport, specimen.Licence, specimen.IDCard, specimen.Residence, specimen.Bill} {
		var seen []phash.Hash
		blank := specimen.NewBlank(k, 400)
		for p := range long.Number(8, 20) {
			h, _, err := phash.Sum(searched, blank.Fill(specimen.NewPerson(uint64(p+1))))
			require.NoError(t, err)
			for _, o := range seen {
				require.Greater(t, h.Distance(o), sureWithoutPixels, "%v", k)
			}
			seen = append(seen, h)
		}
	}
}

// A sheet of pictures is traced against each that it shows in a place of its own. Opponent: a mark that was laid
// onto a picture of the same card, in the place of that picture.
func TestTargetsOfASheet(t *testing.T) {
	at := func(id byte, pixels string, x float64) findings.Match {
		q := &findings.Quad{{x, 0}, {x + 100, 0}, {x + 100, 80}, {x, 80}}
		return findings.Match{Submission: watermark.Submission{id}, Pixels: pixels, Region: q}
	}
	whole := at(1, findings.PixelsSame, 0)
	whole.Region = nil
	marked := func(id byte, shows string) read {
		return read{copy: watermark.CopyID(id), shows: shows, issued: &registry.Copy{Submission: watermark.Submission{id}}}
	}
	alike, template := []read{marked(2, findings.PixelsAlike)}, []read{marked(2, findings.PixelsTemplate)}
	var sheet []findings.Match
	for id := range byte(12) {
		sheet = append(sheet, at(id, findings.PixelsSame, 100*float64(id)))
	}
	for name, row := range map[string]struct {
		e    evidence
		want []byte
	}{
		"beside it":             {evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsAlike, 99)}, reads: alike}, []byte{1, 2}},
		"beside it, not read":   {evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsAlike, 99)}}, []byte{1, 2}},
		"in its place":          {evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsAlike, 90)}, reads: alike}, []byte{1, 2}},
		"anywhere":              {evidence{matches: []findings.Match{whole, at(2, findings.PixelsAlike, 500)}, reads: alike}, []byte{1, 2}},
		"no place":              {evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0)}, reads: alike}, []byte{1, 2}},
		"of its template":       {evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsTemplate, 500)}, reads: template}, []byte{1}},
		"the same upload twice": {evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsSame, 2), at(3, findings.PixelsSame, 4), at(4, findings.PixelsSame, 6)}}, []byte{1, 2, 3}},
		"twelve":                {evidence{matches: sheet}, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		var got []byte
		for _, m := range row.e.targets() {
			got = append(got, m.Submission[0])
		}
		assert.Equal(t, row.want, got, name)
	}
	two := evidence{matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsSame, 100)}, traces: []findings.Tracing{{Submission: watermark.Submission{1}, Registered: true, Power: 1}}}
	assert.Contains(t, written(conclude(two).said), "Beside that, the picture shows 1 further upload, with no copy confirmed there: "+watermark.Submission{2}.String())
	two.matches[1].Region = two.matches[0].Region // one capture, submitted twice
	assert.NotContains(t, written(conclude(two).said), "Beside that")
}
