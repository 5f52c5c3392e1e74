package experiments

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"image"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func recordedTable(t *testing.T) *OutcomeTable {
	t.Helper()
	table, err := ReadOutcomes(bytes.NewReader(RecordedOutcomes))
	require.NoError(t, err)
	return table
}

func TestRecordedOutcomesAreWhatTheyClaim(t *testing.T) {
	table := recordedTable(t)
	require.Less(t, len(RecordedOutcomes), 300<<10)
	require.NotEmpty(t, table.Command)
	for kind, attacks := range recordedAttacks {
		for _, a := range attacks {
			require.True(t, slices.ContainsFunc(table.Outcomes, func(o Outcome) bool { return o.Kind == kind && o.Attack == a }), "%s %s", kind, a)
		}
	}
	for _, o := range table.Outcomes {
		assert.Less(t, o.Upload, len(table.Uploads))
		assert.False(t, o.Own != nil && o.Kind != OutcomeCopy, "%+v", o)
		assert.False(t, o.Shows == ShowsNone && (o.Own != nil || len(o.Innocent) > 0), "%+v", o)
		for _, e := range o.Innocent {
			assert.Less(t, e.LnE, math.Log(1000), "%+v: a copy that was not leaked counts towards a name", o)
		}
	}
	again, err := table.JSON()
	require.NoError(t, err)
	require.Equal(t, string(RecordedOutcomes), string(again))
}

func TestUnusableTablesAreRefused(t *testing.T) {
	for _, text := range []string{"", "{", `{"outcomes":[{"kind":"copy"}]}`} {
		_, err := ReadOutcomes(strings.NewReader(text))
		require.ErrorIs(t, err, ErrOutcomes, text)
	}
	_, err := Verdicts(t.Context(), VerdictConfig{})
	require.ErrorIs(t, err, ErrOutcomes)
}

func TestWorldsHoldWhatTheyPromise(t *testing.T) {
	for seed := range uint64(6) {
		w := newWorld(seed, worldUploads, worldMonths)
		require.Len(t, w.month, worldUploads)
		narrow := heldOf(w.holders[4].unmarked)
		require.InDelta(t, windowShare, float64(len(narrow))/worldUploads, .01)
		for _, i := range heldOf(w.holders[2].copies) {
			require.True(t, w.holders[0].copies[i], "nested copies")
		}
		for _, i := range narrow {
			require.Equal(t, w.nested, w.holders[3].unmarked[i])
			require.Equal(t, w.rival, w.holders[2].unmarked[i])
		}
		require.Empty(t, heldOf(w.holders[5].unmarked), "custody that is not recorded")
		require.NotEmpty(t, heldOf(w.holders[5].missing))
		require.Equal(t, w, newWorld(seed, worldUploads, worldMonths))
	}
}

func TestVerdictsOnSimulatedDumps(t *testing.T) {
	cfg := VerdictConfig{Outcomes: recordedTable(t), Dumps: 40, Worlds: 4, Seed: 5}
	rep, err := Verdicts(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, 40, rep.Dumps)
	require.Zero(t, rep.Wrong, rep.Cases)
	require.Positive(t, rep.Named[2].Of)
	require.Equal(t, rep.Named[2].Of, rep.Named[2].Yes, rep.Cases)
	require.InDelta(t, upperBound(0, 40, .95), rep.Upper95, 1e-9)

	cfg.Workers = 1
	again, err := Verdicts(t.Context(), cfg)
	require.NoError(t, err)
	again.Milli, rep.Milli = Spread{}, Spread{} // times
	one, err := json.Marshal(rep)
	require.NoError(t, err)
	other, err := json.Marshal(again)
	require.NoError(t, err)
	require.Equal(t, string(one), string(other), "the order of work must not matter")

	picture := rep.SVG()
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else {
			require.NoError(t, err)
		}
	}
	require.Contains(t, rep.Markdown(), "of 40; 95 % bound")
}

func TestNobodyIsNamedByTransplantsOrRepetition(t *testing.T) {
	for _, story := range []string{storyTransplant, storyRepeated, storyPlanted, storyStrangers, storyMissing} {
		assert.Zero(t, told6(t, story).Named, story)
	}
}

// Copies that another than their recipient put into a dump name that recipient with the
// other one beside it, if at all.
func TestNobodyIsFramedAlone(t *testing.T) {
	for _, story := range []string{storyPlantedNot, storyDecoy} {
		s := told6(t, story)
		assert.Positive(t, s.Framed, story)
		assert.Zero(t, s.FramedAlone, story)
		assert.Equal(t, s.Framed, s.Beside+s.Open, story)
	}
}

// told6 are six dumps of one story.
func told6(t *testing.T, story string) Story {
	t.Helper()
	rep, err := Verdicts(t.Context(), VerdictConfig{Outcomes: recordedTable(t), Dumps: 6, Worlds: 3, Seed: 9, Story: story})
	require.NoError(t, err)
	at := slices.IndexFunc(rep.Stories, func(s Story) bool { return s.Name == story })
	require.Equal(t, 6, rep.Stories[at].Dumps)
	assert.Zero(t, rep.Stories[at].Wrong, "%s: %v", story, rep.Cases)
	return rep.Stories[at]
}

func TestMissedBarsAreListed(t *testing.T) {
	rep := newVerdictReport(0)
	rep.add(7, &score{story: storyWindow20, named: []string{"x"}, wrong: []string{"x"}, framed: true, alone: true, recipients: []told{{survived: 3, sent: 3}},
		statements: []statement{{"copies x", "copies", 5, false}}})
	rep.finish()
	require.Len(t, rep.Missed(), 5)
	require.Len(t, rep.Cases, 4)
	require.Contains(t, rep.Markdown(), "Missed: 1 false accusations in 1 dumps")
}

// How often a ratio is stated of what is true and of what is not is compared within one kind.
func TestRealisedRatios(t *testing.T) {
	bins := newCalibration()
	bins[3].Stated, bins[3].True = 100, 10
	bins[12].Stated, bins[12].True = 100, 90
	require.InDelta(t, math.Log10(10.5/100.5*100.5/90.5), realised(bins, 3), 1e-12)
	require.InDelta(t, -realised(bins, 3), realised(bins, 12), 1e-12)
}

func TestTransplantedMarkIsTheDifference(t *testing.T) {
	grey := func(w, h int, v uint8) *image.NRGBA {
		p := image.NewNRGBA(image.Rect(0, 0, w, h))
		for i := range p.Pix {
			p.Pix[i] = v
		}
		return p
	}
	upload, marked := grey(4, 4, 100), grey(4, 4, 100)
	marked.Pix[0] = 103
	out := transplanted(grey(6, 4, 255), upload, marked)
	require.Equal(t, uint8(255), out.Pix[0], "not beyond white")
	out = transplanted(grey(6, 4, 50), upload, marked)
	require.Equal(t, uint8(53), out.Pix[0])
	require.Equal(t, uint8(53), out.Pix[4*4], "repeated beyond the upload's width")
	require.Equal(t, uint8(50), out.Pix[1])
}
