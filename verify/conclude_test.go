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
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/watermark"
)

// The table of findings, row by row. S is the submission of copy C, T another.
func TestConclude(t *testing.T) {
	s, other, third := watermark.Submission{1}, watermark.Submission{2}, watermark.Submission{3}
	match := func(id watermark.Submission, distance int, pixels string) findings.Match {
		return findings.Match{Submission: id, Distance: distance, Pixels: pixels}
	}
	c := func(shows string) conclude.Read {
		return conclude.Read{Copy: 7, KeyID: "v1-k", Blind: -9, Shows: shows, Issued: &books.Copy{ID: 7, Submission: s, Recipient: "vendor A"}}
	}
	forged := c(findings.PixelsSame)
	forged.Issued.Issued = time.Unix(1000, 0)
	forged.Key = &books.KeyState{KeyID: "v1-k", State: books.KeyCompromised, Since: forged.Issued.Issued}
	gone := c(findings.PixelsUnknown)
	gone.Erased = true
	found, missing := c(findings.PixelsPartial), c(findings.PixelsSame)
	found.Traced = &findings.TracedCopy{Copy: 7, LogP: -20, Found: true}
	missing.Traced, missing.Lacks = &findings.TracedCopy{Copy: 7, LogP: -0.5}, true
	edited, small := found, found
	edited.Shows, small.Shows, small.Blind = findings.PixelsDifferent, findings.PixelsUndecided, 0
	ghost := found
	ghost.Shows, ghost.Laid = findings.PixelsAlike, true
	second := conclude.Read{Copy: 8, KeyID: "v1-k", Shows: findings.PixelsPartial, Issued: &books.Copy{ID: 8, Submission: s, Recipient: "vendor B"}, Traced: &findings.TracedCopy{Copy: 8, LogP: -12, Found: true}}
	lost := second
	lost.Key = forged.Key
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
	stray := conclude.Read{Copy: 8, KeyID: "v1-k", Blind: -9, Shows: findings.PixelsUnknown}
	d := conclude.Read{Copy: 9, KeyID: "v1-l", Blind: -12, Shows: findings.PixelsUnknown, Issued: &books.Copy{ID: 9, Submission: other, Recipient: "vendor B"}}
	elsewhere := conclude.Read{Copy: 9, KeyID: "v1-k", Shows: findings.PixelsPartial, Issued: &books.Copy{ID: 9, Submission: other, Recipient: "vendor B"}, Traced: &findings.TracedCopy{Copy: 9, LogP: -12, Found: true}}
	stolen, laid := elsewhere, elsewhere
	beside := elsewhere
	beside.Shows, laid.Shows = findings.PixelsSame, findings.PixelsDifferent
	inner, outer := found, beside // of one photograph that was entered twice
	inner.Shows, inner.Traced = findings.PixelsSame, &findings.TracedCopy{Copy: 7, LogP: -90, Found: true}
	outer.Issued = &books.Copy{ID: 9, Submission: other, Recipient: "vendor B", Issued: time.Unix(2000, 0)}
	nested := []findings.Match{match(s, 2, findings.PixelsSame), match(other, 4, findings.PixelsSame)}
	stolen.Key = &books.KeyState{KeyID: "v1-k", State: books.KeyCompromised}
	altered := []findings.Match{{Submission: s, Distance: 40, Pixels: findings.PixelsAltered, Altered: []findings.Region{{Kind: "field", Share: .03}}}}
	changed, changedTraced, changedMissing := found, found, missing
	filtered := []findings.Match{{Submission: s, Distance: 4, Pixels: findings.PixelsSame, Altered: []findings.Region{{Kind: "caption", Share: .001}}}}
	changed.Shows, changedTraced.Shows, changedTraced.Blind, changedMissing.Shows = findings.PixelsAltered, findings.PixelsAltered, 0, findings.PixelsAltered
	both := []findings.Match{match(other, 4, findings.PixelsSame), match(s, 40, findings.PixelsAlike)}
	twin := func(rival string, found bool) []conclude.Read {
		r := c(findings.PixelsAlike)
		r.Rival, r.Traced = rival, &findings.TracedCopy{Copy: 7, LogP: -20, Found: found}
		return []conclude.Read{r}
	}
	silent := func(id watermark.Submission) findings.Tracing {
		return findings.Tracing{Submission: id, Registered: true, Power: 1, Issued: 1}
	}
	for name, row := range map[string]struct {
		e          conclude.Evidence
		want       findings.Kind
		submission watermark.Submission
		copy       watermark.CopyID
	}{
		"nothing":                   {conclude.Evidence{}, findings.FoundUnknown, watermark.Submission{}, 0},
		"flat":                      {conclude.Evidence{TooFlat: true}, findings.FoundUnknown, watermark.Submission{}, 0},
		"copy":                      {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsSame)}, Reads: []conclude.Read{c(findings.PixelsSame)}}, findings.FoundCopy, s, 7},
		"copy, forgeable":           {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsSame)}, Reads: []conclude.Read{forged}}, findings.FoundUnconfirmed, s, 7},
		"copy, erased":              {conclude.Evidence{Reads: []conclude.Read{gone}}, findings.FoundUnconfirmed, s, 7},
		"copy, cropped":             {conclude.Evidence{Reads: []conclude.Read{c(findings.PixelsSame)}}, findings.FoundCopy, s, 7},
		"copy, template":            {conclude.Evidence{Matches: []findings.Match{match(other, 2, findings.PixelsDifferent), match(s, 4, findings.PixelsSame)}, Reads: []conclude.Read{c(findings.PixelsSame)}}, findings.FoundCopy, s, 7},
		"copy among keys":           {conclude.Evidence{Reads: []conclude.Read{stray, c(findings.PixelsSame)}}, findings.FoundCopy, s, 7},
		"no original":               {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsUnknown)}, Reads: []conclude.Read{c(findings.PixelsUnknown)}}, findings.FoundUnconfirmed, s, 7},
		"edited":                    {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsDifferent)}, Reads: []conclude.Read{c(findings.PixelsDifferent)}}, findings.FoundUnconfirmed, s, 7},
		"altered":                   {conclude.Evidence{Matches: altered, Reads: []conclude.Read{changed}}, findings.FoundCopy, s, 7},
		"sharpened":                 {conclude.Evidence{Matches: filtered, Reads: []conclude.Read{c(findings.PixelsSame)}}, findings.FoundCopy, s, 7},
		"altered, only traced":      {conclude.Evidence{Matches: altered, Reads: []conclude.Read{changedTraced}}, findings.FoundCopy, s, 7},
		"altered, only read":        {conclude.Evidence{Matches: altered, Reads: []conclude.Read{c(findings.PixelsAltered)}}, findings.FoundUnconfirmed, s, 7},
		"altered, without its part": {conclude.Evidence{Matches: altered, Traces: traced(1, 5, 0), Reads: []conclude.Read{changedMissing}}, findings.FoundTransplanted, s, 7},
		"altered, unmarked":         {conclude.Evidence{Matches: altered, Side: 640, Traces: traced(.999, 5, 0)}, findings.FoundUnmarked, s, 0},
		"altered, unmarked, small":  {conclude.Evidence{Matches: altered, Side: 220, Traces: traced(.999, 5, 0)}, findings.FoundUnreadable, s, 0},
		"altered, unread":           {conclude.Evidence{Matches: altered}, findings.FoundUnreadable, s, 0},
		"altered, mark of another":  {conclude.Evidence{Matches: altered, Reads: []conclude.Read{d}}, findings.FoundTransplanted, s, 9},
		"cannot be shown":           {conclude.Evidence{Reads: []conclude.Read{c(findings.PixelsUndecided)}}, findings.FoundUnconfirmed, s, 7},
		"near hash only":            {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsUndecided)}, Reads: []conclude.Read{c(findings.PixelsUndecided)}}, findings.FoundUnconfirmed, s, 7},
		"of another, its own open":  {conclude.Evidence{Matches: []findings.Match{match(other, 4, findings.PixelsSame)}, Reads: []conclude.Read{c(findings.PixelsUndecided)}}, findings.FoundUnconfirmed, s, 7},
		"transplanted":              {conclude.Evidence{Matches: []findings.Match{match(other, 4, findings.PixelsSame)}, Reads: []conclude.Read{c(findings.PixelsUnknown)}}, findings.FoundTransplanted, other, 7},
		"transplanted, template": {conclude.Evidence{Matches: []findings.Match{match(s, 2, findings.PixelsDifferent), match(other, 4, findings.PixelsSame)}, Reads: []conclude.Read{c(findings.PixelsDifferent)}},
			findings.FoundTransplanted, other, 7},
		"transplanted, without originals":     {conclude.Evidence{Matches: []findings.Match{match(other, 4, findings.PixelsUnknown)}, Reads: []conclude.Read{c(findings.PixelsUnknown)}}, findings.FoundTransplanted, other, 7},
		"further away, without originals":     {conclude.Evidence{Matches: []findings.Match{match(other, 14, findings.PixelsUnknown)}, Reads: []conclude.Read{c(findings.PixelsUnknown)}}, findings.FoundUnconfirmed, s, 7},
		"own is nearer, without originals":    {conclude.Evidence{Matches: []findings.Match{match(s, 2, findings.PixelsUnknown), match(other, 4, findings.PixelsUnknown)}, Reads: []conclude.Read{c(findings.PixelsUnknown)}}, findings.FoundUnconfirmed, s, 7},
		"lookalike is no proof of transplant": {conclude.Evidence{Matches: []findings.Match{match(other, 4, findings.PixelsDifferent)}, Reads: []conclude.Read{c(findings.PixelsUndecided)}}, findings.FoundUnconfirmed, s, 7},
		"too little of it":                    {conclude.Evidence{Reads: []conclude.Read{c(findings.PixelsPartial)}}, findings.FoundUnconfirmed, s, 7},
		"two copies":                          {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsSame)}, Reads: []conclude.Read{d, c(findings.PixelsSame)}}, findings.FoundUnconfirmed, s, 7},
		"two copies, a key is lost":           {conclude.Evidence{Matches: same, Reads: []conclude.Read{lost, found}}, findings.FoundCopy, s, 7},
		"two copies, on neither":              {conclude.Evidence{Reads: []conclude.Read{c(findings.PixelsUndecided), d}}, findings.FoundUnconfirmed, other, 9},
		"two copies, on a third":              {conclude.Evidence{Matches: []findings.Match{match(third, 4, findings.PixelsSame)}, Reads: []conclude.Read{c(findings.PixelsUnknown), d}}, findings.FoundTransplanted, third, 9},
		"collage":                             {conclude.Evidence{Reads: []conclude.Read{found, elsewhere}}, findings.FoundCopy, s, 7},
		"collage, one shows its capture":      {conclude.Evidence{Reads: []conclude.Read{found, beside}}, findings.FoundCopy, other, 9},
		"collage, one not found":              {conclude.Evidence{Reads: []conclude.Read{c(findings.PixelsSame), elsewhere}}, findings.FoundCopy, other, 9},
		"collage, one forgeable":              {conclude.Evidence{Reads: []conclude.Read{found, stolen}}, findings.FoundCopy, s, 7},
		"two uploads of one picture":          {conclude.Evidence{Matches: nested, Reads: []conclude.Read{inner, outer}}, findings.FoundCopy, s, 7},
		"collage, a mark laid onto it":        {conclude.Evidence{Matches: same, Reads: []conclude.Read{d, found}}, findings.FoundCopy, s, 7},
		"collage, two copies, one not found":  {conclude.Evidence{Reads: []conclude.Read{missing, second, elsewhere}}, findings.FoundUnconfirmed, s, 8},
		"laid onto a copy, both found":        {conclude.Evidence{Matches: same, Reads: []conclude.Read{laid, found}}, findings.FoundCopy, s, 7},
		"one copy twice":                      {conclude.Evidence{Reads: []conclude.Read{c(findings.PixelsSame), c(findings.PixelsSame)}}, findings.FoundCopy, s, 7},
		"sealed, transplanted, not opened":    {conclude.Evidence{Given: conclude.Given{Opens: true}, Matches: []findings.Match{match(other, 4, findings.PixelsUnknown)}, Reads: []conclude.Read{c(findings.PixelsUnknown)}}, findings.FoundUnconfirmed, s, 7},
		"sealed, not opened":                  {conclude.Evidence{Given: conclude.Given{Opens: true}, Matches: []findings.Match{match(s, 4, findings.PixelsUnknown)}}, findings.FoundUnknown, watermark.Submission{}, 0},
		"does not align":                      {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsUnrelated)}}, findings.FoundUnknown, watermark.Submission{}, 0},
		"does not align, second not opened":   {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsUnrelated), match(other, 5, findings.PixelsUnknown)}}, findings.FoundUnreadable, other, 0},
		"far, too little of it":               {conclude.Evidence{Matches: []findings.Match{match(s, 40, findings.PixelsPartial)}}, findings.FoundLookalike, s, 0},
		"unread":                              {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsSame)}}, findings.FoundUnreadable, s, 0},
		"unread, by pixels":                   {conclude.Evidence{Matches: []findings.Match{match(s, 40, findings.PixelsSame)}}, findings.FoundUnreadable, s, 0},
		"unread, better second":               {conclude.Evidence{Matches: []findings.Match{match(other, 2, findings.PixelsDifferent), match(s, 4, findings.PixelsSame)}}, findings.FoundUnreadable, s, 0},
		"black and white, far hash":           {conclude.Evidence{Matches: []findings.Match{match(s, 90, findings.PixelsEdges)}}, findings.FoundUnreadable, s, 0},
		"black and white, copy read":          {conclude.Evidence{Matches: []findings.Match{match(s, 90, findings.PixelsEdges)}, Reads: []conclude.Read{c(findings.PixelsEdges)}}, findings.FoundUnconfirmed, s, 7},
		"unread, by hash":                     {conclude.Evidence{Matches: []findings.Match{match(s, 30, findings.PixelsUndecided)}}, findings.FoundUnreadable, s, 0},
		"unread, no original":                 {conclude.Evidence{Matches: []findings.Match{match(s, 30, findings.PixelsUnknown)}}, findings.FoundUnreadable, s, 0},
		"never by a far hash":                 {conclude.Evidence{Matches: []findings.Match{match(s, 32, findings.PixelsUnknown)}}, findings.FoundUnknown, watermark.Submission{}, 0},
		"lookalike":                           {conclude.Evidence{Matches: []findings.Match{match(s, 20, findings.PixelsDifferent)}}, findings.FoundLookalike, s, 0},
		"same template":                       {conclude.Evidence{Matches: []findings.Match{match(s, 20, findings.PixelsTemplate)}}, findings.FoundUnknown, watermark.Submission{}, 0},
		"lookalike, far":                      {conclude.Evidence{Matches: []findings.Match{match(s, 50, findings.PixelsDifferent)}}, findings.FoundLookalike, s, 0},
		"sharper":                             {conclude.Evidence{Matches: []findings.Match{match(s, 0, findings.PixelsSharper), match(other, 20, findings.PixelsAlike)}}, findings.FoundLookalike, s, 0},
		"stray mark":                          {conclude.Evidence{Reads: []conclude.Read{stray}}, findings.FoundUnissued, watermark.Submission{}, 0},
		"same document":                       {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsAlike)}}, findings.FoundLookalike, s, 0},
		"same document, marked":               {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsAlike)}, Reads: []conclude.Read{c(findings.PixelsAlike)}}, findings.FoundUnconfirmed, s, 7},
		"smaller version beside it":           {conclude.Evidence{Matches: both, Reads: twin(findings.PixelsSame, true)}, findings.FoundCopy, s, 7},
		"smaller version, only read":          {conclude.Evidence{Matches: both, Reads: twin(findings.PixelsSame, false)}, findings.FoundUnconfirmed, s, 7},
		"detail laid onto another":            {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsAlike)}, Reads: []conclude.Read{ghost}}, findings.FoundUnconfirmed, s, 7},
		"same document beside it":             {conclude.Evidence{Matches: both, Reads: twin(findings.PixelsAlike, true)}, findings.FoundUnconfirmed, s, 7},
		"laid onto another capture":           {conclude.Evidence{Matches: both, Reads: twin(findings.PixelsRecaptured, true)}, findings.FoundTransplanted, other, 7},
		"smaller version, unmarked":           {conclude.Evidence{Matches: both, Traces: []findings.Tracing{silent(other), silent(s)}}, findings.FoundUnmarked, other, 0},
		"smaller version, sure":               {conclude.Evidence{Matches: both, Traces: []findings.Tracing{silent(other), {Submission: s, Withheld: 0.9991, Issued: 1}}}, findings.FoundUnmarked, other, 0},
		"smaller version, unsure":             {conclude.Evidence{Matches: both, Traces: []findings.Tracing{silent(other), {Submission: s, Withheld: 0.965, Expected: 48, Issued: 1}}}, findings.FoundUnreadable, other, 0},
		"smaller version, part of a mark":     {conclude.Evidence{Matches: both, Traces: []findings.Tracing{silent(other), {Submission: s, Withheld: 0.9999, LogAny: -9, Issued: 1}}}, findings.FoundUnreadable, other, 0},
		"smaller version, not traced":         {conclude.Evidence{Matches: both, Traces: []findings.Tracing{silent(other)}}, findings.FoundUnreadable, other, 0},
		"copy, traced":                        {conclude.Evidence{Reads: []conclude.Read{found}}, findings.FoundCopy, s, 7},
		"copy, only traced":                   {conclude.Evidence{Matches: []findings.Match{match(s, 20, findings.PixelsUndecided)}, Reads: []conclude.Read{small}}, findings.FoundCopy, s, 7},
		"copy, traced, edited":                {conclude.Evidence{Matches: []findings.Match{match(s, 20, findings.PixelsDifferent)}, Reads: []conclude.Read{edited}}, findings.FoundUnconfirmed, s, 7},
		"copies merged":                       {conclude.Evidence{Reads: []conclude.Read{second, found}}, findings.FoundCopy, s, 7},
		"ID without its part":                 {conclude.Evidence{Matches: same, Traces: traced(1, 5, 0), Reads: []conclude.Read{missing}}, findings.FoundTransplanted, s, 7},
		"unmarked":                            {conclude.Evidence{Matches: same, Traces: traced(.999, 5, 0)}, findings.FoundUnmarked, s, 0},
		"unmarked, none issued":               {conclude.Evidence{Matches: same, Traces: traced(.9999, 0, 0)}, findings.FoundUnmarked, s, 0},
		"power too low":                       {conclude.Evidence{Matches: same, Traces: traced(.9989, 5, 0)}, findings.FoundUnreadable, s, 0},
		"key missing":                         {conclude.Evidence{Matches: same, Traces: traced(1, 5, 1)}, findings.FoundUnreadable, s, 0},
		"not on its original":                 {conclude.Evidence{Matches: same, Traces: aside}, findings.FoundUnreadable, s, 0},
		"damaged":                             {conclude.Evidence{Matches: same, Traces: damaged(-6, 5, 0)}, findings.FoundUnreadable, s, 0},
		"damaged, none issued":                {conclude.Evidence{Matches: same, Traces: damaged(-20, 0, 0)}, findings.FoundUnreadable, s, 0},
		"damaged, key missing":                {conclude.Evidence{Matches: same, Traces: damaged(-20, 5, 1)}, findings.FoundUnreadable, s, 0},
		"unmarked, pilots seen":               {conclude.Evidence{Matches: same, Traces: traced(.999, 5, 0), Sync: -10}, findings.FoundUnreadable, s, 0},
		"unmarked by chance":                  {conclude.Evidence{Matches: same, Traces: damaged(-5.9, 5, 0)}, findings.FoundUnmarked, s, 0},
		"ID without its part, damaged":        {conclude.Evidence{Matches: same, Traces: damaged(-20, 5, 0), Reads: []conclude.Read{missing}}, findings.FoundTransplanted, s, 7},
		"unmarked, but stray":                 {conclude.Evidence{Matches: same, Traces: traced(1, 5, 0), Reads: []conclude.Read{stray}}, findings.FoundUnissued, s, 0},
		"lookalike, traced":                   {conclude.Evidence{Matches: []findings.Match{match(s, 20, findings.PixelsDifferent)}, Traces: traced(1, 5, 0)}, findings.FoundLookalike, s, 0},
		"stray mark on upload":                {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsSame)}, Reads: []conclude.Read{stray}}, findings.FoundUnissued, s, 0},
		"stray mark, lookalike":               {conclude.Evidence{Matches: []findings.Match{match(s, 4, findings.PixelsDifferent)}, Reads: []conclude.Read{stray}}, findings.FoundUnissued, watermark.Submission{}, 0},
	} {
		got := conclude.Conclude(row.e)
		assert.Equal(t, row.want, got.Finding, name)
		assert.Equal(t, row.submission, got.Submission, name)
		if row.copy == 0 {
			assert.Nil(t, got.Read, name)
		} else if assert.NotNil(t, got.Read, name) {
			assert.Equal(t, row.copy, got.Read.Copy, name)
		}
		note := words.Written(got.Said)
		assert.Regexp(t, `^[A-Z].*\.$`, note, name)
		assert.Equal(t, strings.HasPrefix(name, "altered"), strings.HasSuffix(note, "The picture differs from the upload in 1 place (another text or picture, 3.0 % of the upload). Everywhere else it shows the same capture."), name)
		assert.Equal(t, name == "sharpened", strings.HasSuffix(note, "differs from the upload in 1 place (a caption, 0.1 % of the upload). Strong filters and conversions leave such places too. Everywhere else it shows the same capture."), name)
		assert.NotContains(t, note, "marked again", name)
		if len(row.e.Reads) > 0 && row.e.Reads[0].Issued == nil {
			assert.Contains(t, note, "does not list under that key", name)
			assert.NotContains(t, note, "vendor", name)
		}
	}
}

// Marks of several issued copies in one leak: all are listed, none is confirmed,
// and which key was tried first does not matter.
func TestConcludeSeveralCopies(t *testing.T) {
	s := watermark.Submission{1}
	a := conclude.Read{Copy: 7, KeyID: "v1-k", Blind: -9, Shows: findings.PixelsSame, Issued: &books.Copy{ID: 7, Submission: s}}
	b := conclude.Read{Copy: 9, KeyID: "v1-l", Blind: -12, Shows: findings.PixelsSame, Issued: &books.Copy{ID: 9, Submission: s}}
	for _, reads := range [][]conclude.Read{{a, b}, {b, a}} {
		got := conclude.Conclude(conclude.Evidence{Matches: []findings.Match{{Submission: s, Pixels: findings.PixelsSame}}, Reads: reads})
		assert.Equal(t, findings.FoundUnconfirmed, got.Finding)
		assert.Equal(t, []watermark.CopyID{9, 7}, got.Accused, "the strongest first")
		assert.Contains(t, words.Written(got.Said), a.Copy.String())
		assert.Contains(t, words.Written(got.Said), b.Copy.String())
		assert.Contains(t, words.Written(got.Said), "several issued copies")
	}
}

// The recipients of all marks that were found are listed, each once.
func TestMarkedOfSeveralCopies(t *testing.T) {
	s := watermark.Submission{1}
	of := func(id watermark.CopyID, recipient string, found bool) conclude.Read {
		r := conclude.Read{Copy: id, KeyID: "v1-k", Blind: -9, Shows: findings.PixelsSame, Issued: &books.Copy{ID: id, Submission: s, KeyID: "v1-k", Recipient: recipient}}
		if found {
			r.Traced = &findings.TracedCopy{Copy: id, LogP: -20, Found: true}
		}
		return r
	}
	for name, found := range map[string]bool{"merged": true, "several": false} {
		e := conclude.Evidence{Matches: []findings.Match{{Submission: s, Pixels: findings.PixelsSame}}, Reads: []conclude.Read{of(7, "vendor A", found), of(8, "vendor B", found), of(9, "vendor A", found)}}
		traced := findings.Tracing{Submission: s, Registered: true, Issued: 3}
		for _, r := range e.Reads {
			traced.Copies = append(traced.Copies, findings.TracedCopy{Copy: r.Copy, LogP: -20, Found: found})
		}
		e.Traces = []findings.Tracing{traced}
		v := new(findings.Finding)
		conclude.Into(v, e)
		assert.Equal(t, found, v.Kind == findings.FoundCopy, name)
		assert.Equal(t, []string{"vendor A", "vendor B"}, v.Private.Marked, name)
		assert.Len(t, v.Copies, 3, name)
		assert.Equal(t, found, len(v.Issued) == 3, name)
	}
}

// Of one copy in several leaks each counts what it shows itself, the leaks in which it was
// found no more than the mean over all, so that the best of many is not what counts.
func TestLeaksOfOneCopyCountEachForItself(t *testing.T) {
	s := watermark.Submission{1}
	issued := books.Copy{ID: 7, Submission: s, Recipient: "vendor A", KeyID: "v1-k"}
	leak := func(finding findings.Kind, logE float64) *findings.Finding {
		v := &findings.Finding{Conclusion: findings.Conclusion{Kind: finding, Submission: s}, Evidence: findings.Evidence{Traces: []findings.Tracing{{
			Submission: s, Registered: true, Issued: 1, Power: .9999, Copies: []findings.TracedCopy{{Copy: 7, LogE: logE, Found: finding == findings.FoundCopy}},
		}}}}
		if finding == findings.FoundCopy {
			v.Copies, v.Issued = []watermark.CopyID{7}, []books.Copy{issued}
		}
		return v
	}
	w := &weigh.Weighing{Verdict: findings.Verdict{Findings: []*findings.Finding{
		leak(findings.FoundCopy, 40), leak(findings.FoundUnmarked, -1), leak(findings.FoundUnreadable, 2), leak(findings.FoundUnreadable, 5), leak(findings.FoundCopy, 12),
	}}}
	w.First = weigh.Firsts(w.Findings)
	pooled := w.Pooled()
	want := []float64{40 - math.Log10(5), -1, 2, tuning.MaxUnconfirmed / math.Ln10, 12}
	var mean, own float64
	for i, l := range w.Findings {
		got := weigh.EvidenceFor(l, issued, pooled)
		require.True(t, got.Confirmed)
		assert.InDelta(t, want[i], got.LnE/math.Ln10, 1e-6, "leak %d", i)
		assert.InDelta(t, 1-tuning.MaxPower, got.Miss, 1e-6, "no less than trials allow")
		mean += math.Exp(got.LnE)
		own += math.Pow(10, l.Traces[0].Copies[0].LogE)
	}
	assert.LessOrEqual(t, mean, own*(1+1e-9), "a mean over leaks of one copy stays an e-value")
}

// However the evidence is made up: a copy is confirmed only by equal pixels or by its own part of the mark where no
// other detail is seen, absence counts only where a mark would have been found, and an unissued copy ID never becomes a
// finding about somebody.
func TestConcludeNeverConfirmsWithoutPixels(t *testing.T) {
	s := []watermark.Submission{{1}, {2}}
	answers := []string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsDifferent, findings.PixelsUndecided, findings.PixelsUnrelated, findings.PixelsUnknown, findings.PixelsPartial, findings.PixelsAlike}
	for n := range 4 * 2 * len(answers) * len(answers) * len(answers) {
		pick := func(of int) int { i := n % of; n /= of; return i }
		a, b, shows := answers[pick(len(answers))], answers[pick(len(answers))], answers[pick(len(answers))]
		d, found := []int{0, 9, 31, 40}[pick(4)], pick(2) == 1
		e := conclude.Evidence{
			Matches: []findings.Match{{Submission: s[0], Distance: d, Pixels: a}, {Submission: s[1], Distance: d + 1, Pixels: b}},
			Reads:   []conclude.Read{{Copy: 7, Blind: -9, Shows: shows, Issued: &books.Copy{ID: 7, Submission: s[0]}, Traced: &findings.TracedCopy{Copy: 7, LogP: -30, Found: found}}},
			Traces:  []findings.Tracing{{Submission: s[0], Registered: true, Issued: 1, Power: 1}, {Submission: s[1], Registered: true, Issued: 1, Power: .5}},
		}
		got := conclude.Conclude(e)
		if got.Finding == findings.FoundCopy {
			assert.True(t, shows == findings.PixelsSame || found)
			assert.NotContains(t, []string{findings.PixelsDifferent, findings.PixelsUnrelated, findings.PixelsUnknown}, shows)
		}
		if got.Finding == findings.FoundTransplanted {
			assert.Equal(t, s[1], got.Submission)
			assert.NotEqual(t, findings.PixelsSame, shows)
			assert.Contains(t, []string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsUnknown}, b)
		}
		assert.NotEqual(t, findings.FoundUnmarked, got.Finding, "a mark was found")
		e.Reads[0].Issued = nil
		got = conclude.Conclude(e)
		assert.Nil(t, got.Read)
		assert.NotContains(t, []findings.Kind{findings.FoundCopy, findings.FoundTransplanted, findings.FoundUnmarked}, got.Finding)
		e.Reads = nil
		if got = conclude.Conclude(e); got.Finding == findings.FoundUnmarked {
			assert.Equal(t, s[0], got.Submission, "power is too low for the other")
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
			h, _, err := phash.Sum(tuning.Searched, blank.Fill(specimen.NewPerson(uint64(p+1))))
			require.NoError(t, err)
			for _, o := range seen {
				require.Greater(t, h.Distance(o), tuning.SureWithoutPixels, "%v", k)
			}
			seen = append(seen, h)
		}
	}
}

// A sheet of pictures is traced against each that it shows in a place of its own. Opponent: a mark that was laid
// onto a picture of the same card, in the place of that picture. Or a picture that was sent in five times, so that others took the place of the upload
// whose copy was read: a twentieth of that copy was then as good as all of it.
func TestTargetsOfASheet(t *testing.T) {
	at := func(id byte, pixels string, x float64) findings.Match {
		q := &findings.Quad{{x, 0}, {x + 100, 0}, {x + 100, 80}, {x, 80}}
		return findings.Match{Submission: watermark.Submission{id}, Pixels: pixels, Region: q}
	}
	whole := at(1, findings.PixelsSame, 0)
	whole.Region = nil
	marked := func(id byte, shows string) conclude.Read {
		return conclude.Read{Copy: watermark.CopyID(id), Shows: shows, Issued: &books.Copy{Submission: watermark.Submission{id}}}
	}
	alike, template := []conclude.Read{marked(2, findings.PixelsAlike)}, []conclude.Read{marked(2, findings.PixelsTemplate)}
	var sheet []findings.Match
	for id := range byte(12) {
		sheet = append(sheet, at(id, findings.PixelsSame, 100*float64(id)))
	}
	for name, row := range map[string]struct {
		e    conclude.Evidence
		want []byte
	}{
		"beside it":             {conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsAlike, 99)}, Reads: alike}, []byte{1, 2}},
		"beside it, not read":   {conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsAlike, 99)}}, []byte{1, 2}},
		"in its place":          {conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsAlike, 90)}, Reads: alike}, []byte{1, 2}},
		"anywhere":              {conclude.Evidence{Matches: []findings.Match{whole, at(2, findings.PixelsAlike, 500)}, Reads: alike}, []byte{1, 2}},
		"no place":              {conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0)}, Reads: alike}, []byte{1, 2}},
		"of its template":       {conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsTemplate, 500)}, Reads: template}, []byte{1}},
		"the same upload twice": {conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsSame, 2), at(3, findings.PixelsSame, 4), at(4, findings.PixelsSame, 6)}}, []byte{1, 2, 3}},
		"a copy of a fifth":     {conclude.Evidence{Matches: []findings.Match{whole, at(2, findings.PixelsSame, 2), at(3, findings.PixelsSame, 4), at(4, findings.PixelsSame, 6)}, Reads: []conclude.Read{marked(5, findings.PixelsSame)}}, []byte{5, 1, 2}},
		"twelve":                {conclude.Evidence{Matches: sheet}, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		var got []byte
		for _, m := range examine.Targets(&row.e) {
			got = append(got, m.Submission[0])
		}
		assert.Equal(t, row.want, got, name)
	}
	trace := func(id byte) findings.Tracing {
		return findings.Tracing{Submission: watermark.Submission{id}, Registered: true, Power: 1}
	}
	two := conclude.Evidence{Matches: []findings.Match{at(1, findings.PixelsSame, 0), at(2, findings.PixelsSame, 100)}, Traces: []findings.Tracing{trace(1)}}
	second := watermark.Submission{2}.String()
	assert.Equal(t, findings.FoundUnreadable, conclude.Conclude(two).Finding, "the other picture may be a copy")
	two.Traces = append(two.Traces, trace(2))
	assert.Equal(t, findings.FoundUnmarked, conclude.Conclude(two).Finding)
	assert.Contains(t, words.Written(conclude.Conclude(two).Said), "The picture also shows upload "+second+" beside, with no copy confirmed there.")
	two.Matches[1].Region = two.Matches[0].Region // one capture, submitted twice
	assert.Contains(t, words.Written(conclude.Conclude(two).Said), "The picture also shows upload "+second+" in the same place")
	two.Matches[1] = at(2, findings.PixelsAlike, 100)
	assert.Contains(t, words.Written(conclude.Conclude(two).Said), "The picture also shows what looks like upload "+second+" beside")
}
