package chart_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/chart"
)

// allowed are the elements and attributes of charts: none runs a script or loads
// anything.
var allowed = map[string]string{
	"svg": "xmlns viewBox width height style role aria-label aria-describedby font-family", "title": "", "desc": "id", "g": "", "defs": "",
	"pattern": "id width height patternUnits patternTransform", "rect": "x y width height rx fill stroke stroke-width",
	"path": "d stroke stroke-width stroke-dasharray",
	"text": "x y font-size fill font-weight text-anchor stroke stroke-width stroke-linejoin paint-order",
}

// parse checks a chart as a whole and returns the text of its elements, in order.
func parse(t *testing.T, svg, id string) (texts []string) {
	t.Helper()
	require.True(t, utf8.ValidString(svg))
	var size [2]float64
	ids := map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		require.NoError(t, err)
		switch e := tok.(type) {
		case xml.StartElement:
			attributes, ok := allowed[e.Name.Local]
			require.True(t, ok, "element %s", e.Name.Local)
			at := map[string]string{}
			for _, a := range e.Attr {
				require.Contains(t, strings.Fields(attributes), a.Name.Local, e.Name.Local)
				at[a.Name.Local] = a.Value
			}
			if i, ok := at["id"]; ok {
				require.True(t, strings.HasPrefix(i, id+"-") && !ids[i], i)
				ids[i] = true
			}
			if at["fill"] != "" && !strings.HasPrefix(at["fill"], "#") {
				require.Equal(t, "url(#"+id+"-listed)", at["fill"])
			}
			switch e.Name.Local {
			case "svg":
				size = [2]float64{number(t, at["width"]), number(t, at["height"])}
				require.Equal(t, "img", at["role"])
				require.NotEmpty(t, at["aria-label"])
			case "rect", "text":
				x, y := number(t, at["x"]), number(t, at["y"])
				require.GreaterOrEqual(t, x, 0.0)
				require.GreaterOrEqual(t, y, 0.0)
				require.LessOrEqual(t, x+number(t, at["width"]), size[0])
				require.LessOrEqual(t, y+number(t, at["height"]), size[1])
			}
		case xml.CharData:
			texts = append(texts, string(e))
		case xml.Comment, xml.ProcInst, xml.Directive:
			t.Fatalf("%T", e)
		}
	}
}

func number(t *testing.T, s string) float64 {
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

func TestChartsAreInert(t *testing.T) {
	for _, p := range pictures {
		for _, width := range []int{1, 320, 519, 520, 1600, 1e6} {
			t.Run(fmt.Sprint(p.name, width), func(t *testing.T) {
				parse(t, p.svg(chart.Options{Width: width, ID: `a"b<-1`}), "ab-1")
			})
		}
	}
}

// A name is shown to be what it is, and whole where it is pointed at.
func TestNames(t *testing.T) {
	d := hostile()
	for _, svg := range []string{chart.Timeline(d, chart.Options{}), chart.Custody(len(d.Leaks), d.Holders, chart.Options{})} {
		all := strings.Join(parse(t, svg, "chart"), "\n")
		for _, h := range d.Holders[:5] {
			assert.Contains(t, all, h.Name)
		}
		assert.Contains(t, all, "日本語の名前がとても長い受取人でございます")
		assert.Contains(t, all, "(no name)")
		for _, r := range "\u202e\u2066\x00\x1b\ufffe" {
			assert.NotContains(t, all, string(r))
		}
		assert.Equal(t, strings.Count(all, "\u2068"), strings.Count(all, "\u2069"))
		assert.NotContains(t, svg, "<script")
	}
}

func FuzzNames(f *testing.F) {
	for _, h := range hostile().Holders {
		f.Add(h.Name, h.Kind)
	}
	f.Fuzz(func(t *testing.T, name, kind string) {
		d := few()
		d.Holders[0].Name, d.Holders[0].Kind = name, kind
		parse(t, chart.Timeline(d, chart.Options{}), "chart")
		parse(t, chart.Custody(1, d.Holders, chart.Options{Width: 360}), "chart")
	})
}

func title(t *testing.T, d chart.TimelineData) string {
	t.Helper()
	for _, s := range parse(t, chart.Timeline(d, chart.Options{}), "chart") {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

func TestWhatStandsOut(t *testing.T) {
	spread := []chart.Count{{Day: day(2015, 1, 1), N: 10}, {Day: day(2024, 12, 31), N: 10}}
	on := func(days ...time.Time) (out []chart.Leak) {
		for _, at := range days {
			out = append(out, chart.Leak{Submitted: at})
		}
		return out
	}
	repeat := func(n int, days ...time.Time) (out []time.Time) {
		for range n {
			out = append(out, days...)
		}
		return out
	}
	far := []time.Time{day(2016, 7, 1), day(2022, 8, 1), day(2024, 1, 1)}
	for _, c := range []struct {
		name  string
		leaks []chart.Leak
		want  string
	}{
		{"none", nil, "No leaked picture was matched to an upload"},
		{"two on a day", on(day(2018, 2, 3), day(2018, 2, 3)), "2 leaked uploads, by the time of submission"},
		{"three on a day", on(repeat(3, day(2018, 2, 3))...), "3 of 3 leaked uploads were submitted on 3 February 2018"},
		{"a month", on(append(repeat(20, day(2018, 2, 1), day(2018, 2, 11), day(2018, 2, 20), day(2018, 2, 28)), far...)...), "80 of 83 leaked uploads were submitted from 1 to 28 February 2018"},
		{"half of them", on(append(repeat(3, day(2018, 2, 27), day(2018, 3, 2)), repeat(2, far...)...)...), "6 of 12 leaked uploads were submitted from 27 February to 2 March 2018"},
		{"at new year", on(repeat(2, day(2018, 12, 31), day(2019, 1, 1))...), "4 of 4 leaked uploads were submitted from 31 December 2018 to 1 January 2019"},
		{"scattered", on(far...), "3 leaked uploads, by the time of submission"},
		{"no time", on(time.Time{}), "1 leaked upload, by the time of submission"},
	} {
		assert.Equal(t, c.want, title(t, chart.TimelineData{Leaks: c.leaks, Registry: spread}), c.name)
	}
	assert.Equal(t, "3 leaked uploads, by the time of submission", title(t, chart.TimelineData{Leaks: on(repeat(3, day(2018, 2, 3))...)}),
		"where the registry is of one day all leaks are of that day")
}

// Leaks and uploads may come in any order.
func TestOrderDoesNotMatter(t *testing.T) {
	d := february()
	want := chart.Timeline(d, chart.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(d.Leaks), func(i, j int) { d.Leaks[i], d.Leaks[j] = d.Leaks[j], d.Leaks[i] })
	r.Shuffle(len(d.Registry), func(i, j int) { d.Registry[i], d.Registry[j] = d.Registry[j], d.Registry[i] })
	require.Equal(t, want, chart.Timeline(d, chart.Options{}))
}

// One upload of 1970 among hundreds of thousands leaves the picture as it is, and is
// mentioned.
func TestWrongClocks(t *testing.T) {
	d := february()
	d.Registry = append(d.Registry, chart.Count{Day: day(1970, 1, 1), N: 3}, chart.Count{Day: day(2107, 1, 1), N: 1})
	all := strings.Join(parse(t, chart.Timeline(d, chart.Options{}), "chart"), "")
	assert.Contains(t, all, "4 of the registry’s uploads lie before or after the time drawn")
	assert.Contains(t, all, "The axis goes from 1 May 2014 to 29 February 2024, by month")
}

func TestMaxRows(t *testing.T) {
	d := february()
	for i := range 22 {
		d.Holders = slices.Insert(d.Holders, 2, chart.Holder{Name: fmt.Sprintf("branch %d", i)})
	}
	for _, svg := range []string{chart.Timeline(d, chart.Options{}), chart.Custody(387, d.Holders, chart.Options{})} {
		assert.Equal(t, 2, strings.Count(svg, "3 recipients more not drawn."), "seen and read out")
		assert.Contains(t, svg, "branch 0")
		assert.NotContains(t, svg, "Contoso")
	}
}
