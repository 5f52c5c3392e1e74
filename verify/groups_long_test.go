//go:build long

package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/watermark"
)

// grouped is the configuration of a case whose segments n holders have. Those for which away returns an error do not answer.
func (c *caseFile) grouped(n int, away func(group int) error) verify.Config {
	holders := make([]*verify.Holder, n)
	for k := range holders {
		holders[k] = verify.NewHolder(c.Registry, c.Config.SealKey)
	}
	cfg := c.Config
	cfg.Groups = verify.Groups{N: n, Ask: func(ctx context.Context, group int, question []byte) ([]byte, error) {
		if err := away(group); err != nil {
			return nil, err
		}
		return holders[group-1].Answer(ctx, question)
	}}
	return cfg
}

// Whichever machines hold the segments of local features, the findings are those of one process, byte for byte. What a
// machine that does not answer could have found is neither unknown nor unmarked, and the findings name its group.
func TestLongGroups(t *testing.T) {
	defer func(n int64) { sqldb.FeatureSpan = n }(sqldb.FeatureSpan)
	sqldb.FeatureSpan = 3 // numbers of ledger entries
	c := newCase(t)
	enter := newIssuer(t, c.issuing)
	drawn := func(kind int, person uint64) *image.NRGBA {
		return specimen.Render(specimen.Templates()[kind], specimen.NewPerson(person), 360)
	}
	self, late, early := specimen.Selfie(specimen.NewPerson(8), 8, 400, 480), drawn(1, 5), drawn(2, 6)
	submit(t, enter, file(t, self, "jpeg"), "", feb)
	submit(t, enter, file(t, image.NewNRGBA(image.Rect(0, 0, 300, 200)), "png"), "", feb) // without features
	gone := submit(t, enter, file(t, early, "jpeg"), "", feb)
	require.NoError(t, c.Registry.Engine().BuildSegments(t.Context(), c.Config.SealKey, true, nil))
	_, all, err := c.Registry.Engine().FeatureSegments(t.Context(), c.Config.SealKey, nil)
	require.NoError(t, err)
	require.Greater(t, len(all), 2)
	submit(t, enter, file(t, late, "jpeg"), "", feb) // in no segment

	part := func(img *image.NRGBA) image.Image {
		b := img.Rect
		return imaging.Crop(img, image.Rect(b.Dx()/8, b.Dy()/8, b.Dx()*3/4, b.Dy()*7/8))
	}
	leaks := []image.Image{c.marked, part(c.second), part(self), part(late), part(early), part(specimen.Landscape(9, 500, 400))}
	look := func(cfg verify.Config) (*verify.Investigator, []*verify.Verdict, *verify.DumpVerdict) {
		t.Helper()
		v := newInvestigator(t, cfg)
		v.SetDetect(noMark)
		var out []*verify.Verdict
		for _, l := range leaks {
			out = append(out, examine(t, v, l))
		}
		d, err := v.Weigh(t.Context(), out)
		require.NoError(t, err)
		return v, out, d
	}
	same := func(want, got []*verify.Verdict, d, e *verify.DumpVerdict, what string) {
		t.Helper()
		text := func(x any) string {
			b, err := json.Marshal(x)
			require.NoError(t, err)
			return string(b)
		}
		for i := range want {
			assert.Equal(t, text(want[i]), text(got[i]), "%s: leak %d", what, i)
		}
		assert.Equal(t, text([]any{d.Hypotheses, d.Tally, d.Odds, d.Case}), text([]any{e.Hypotheses, e.Tally, e.Odds, e.Case}), what)
	}
	none := func(int) error { return nil }

	// While a group answers for the first leak, one worker goes on with others, and asks about them together.
	dir := t.TempDir()
	for i, l := range leaks[1:] {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".png")), file(t, l, "png"), 0o600))
	}
	dump := func(v *verify.Investigator) (out []*verify.Verdict) {
		t.Helper()
		v.SetDetect(noMark)
		for l, err := range v.InvestigateFiles(t.Context(), dir) {
			require.NoError(t, err)
			out = append(out, l)
		}
		return out
	}
	alone := c.Config
	alone.Workers = 1
	together := c.grouped(2, none)
	together.Workers = 1
	var v *verify.Investigator
	var sizes []int // of the questions to group 1
	ask := together.Groups.Ask
	together.Groups.Ask = func(ctx context.Context, group int, question []byte) ([]byte, error) {
		var q struct{ Leaks [][]byte }
		if err := json.Unmarshal(question, &q); err != nil {
			return nil, err
		}
		if group == 1 && len(q.Leaks) > 0 {
			for len(sizes) == 0 && v.Waiting(0) < 2 && ctx.Err() == nil {
				time.Sleep(time.Millisecond)
			}
			sizes = append(sizes, len(q.Leaks))
		}
		return ask(ctx, group, question)
	}
	v = newInvestigator(t, together)
	v.AskSingly()
	got := dump(v)
	same(dump(newInvestigator(t, alone)), got, new(verify.DumpVerdict), new(verify.DumpVerdict), "a dump")
	require.Less(t, len(sizes), len(got))
	require.GreaterOrEqual(t, slices.Max(sizes), 2)
	for _, erase := range []bool{false, true} {
		var erased []watermark.Submission
		if erase { // the segment of the upload is removed
			erased = append(erased, gone.ID)
			_, err := c.Registry.EraseSubmissions(t.Context(), erased, "", "")
			require.NoError(t, err)
		}
		_, one, d := look(c.Config)
		var labels []string
		for _, v := range one {
			labels = append(labels, v.Label())
		}
		require.Equal(t, "unknown", labels[5])
		for i := 1; i < 4 || i == 4 && !erase; i++ {
			require.NotEmpty(t, one[i].Matches, "leak %d: %v", i, labels)
		}
		for _, n := range []int{3 - len(erased)} {
			v, got, e := look(c.grouped(n, none))
			same(one, got, d, e, fmt.Sprintf("%d groups", n))
			requireFindings(t, v, e)
			for _, s := range e.Record.Segments {
				assert.Equal(t, strings.HasSuffix(s.File, ".features"), s.Group != "", s.File)
				assert.Empty(t, s.Problem)
			}
		}
		if erase {
			break
		}
		calls := 0
		for name, away := range map[string]func(int) error{
			"never": func(k int) error { return map[bool]error{true: errors.New("no worker")}[k == 2] },
			"later": func(k int) error { calls++; return map[bool]error{true: errors.New("no worker")}[k == 2 && calls > 4] },
		} {
			v, got, d := look(c.grouped(2, away))
			incomplete := 0
			for i, v := range got {
				if len(v.Searched.Unanswered) == 0 {
					continue
				}
				assert.NotContains(t, []string{"unknown", "unmarked"}, v.Label(), "%s: leak %d", name, i)
				if v.Label() == "incomplete" {
					incomplete++
					assert.Contains(t, v.Note, "2/2 of search segments", name)
				}
			}
			assert.Equal(t, "incomplete", got[len(got)-1].Label(), name)
			assert.Equal(t, labels[0], got[0].Label(), "%s: found whole, no group was asked", name)
			assert.Positive(t, incomplete, name)
			requireFindings(t, v, d)
			assert.True(t, slices.ContainsFunc(d.Record.Segments, func(s findings.Segment) bool { return s.Group == "2/2" && s.Problem != "" }), name)
		}
	}
}

// requireFindings requires that the findings follow from themselves, redacted and not, and returns the report.
func requireFindings(t *testing.T, v *verify.Investigator, d *verify.DumpVerdict) string {
	t.Helper()
	for _, reveal := range []bool{true, false} {
		var text bytes.Buffer
		require.NoError(t, v.WriteFindings(t.Context(), &text, d, reveal))
		require.NoError(t, valid(schema(t), text.String()))
		wrong, err := sentencecheck.Check(text.Bytes())
		require.NoError(t, err)
		require.Empty(t, wrong)
		f, err := verify.ReadFindings(&text)
		require.NoError(t, err)
		require.NoError(t, f.CheckLeaks())
		require.NoError(t, f.CheckVerdict())
	}
	var out bytes.Buffer
	require.NoError(t, v.WriteReport(t.Context(), &out, d, false))
	return out.String()
}
