package chart_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/chart"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 13, 0, 0, 0, time.UTC) }

// february is the story that a report must show at a glance: 387 leaks, of which all
// but the marked ones were submitted in the one month that a vendor held unmarked.
func february() chart.TimelineData {
	var d chart.TimelineData
	for at := day(2014, 5, 3); at.Before(day(2024, 3, 1)); at = at.AddDate(0, 0, 1) {
		since := int(at.Sub(day(2014, 5, 3)).Hours() / 24)
		n := 20 + since/12 + since*since/60000 + 37*since%41
		if at.Weekday() == time.Sunday {
			n /= 3
		}
		d.Registry = append(d.Registry, chart.Count{Day: at, N: n})
	}
	for i := range 375 {
		s := chart.Unmarked
		if i%25 == 7 {
			s = chart.Unreadable
		}
		d.Leaks = append(d.Leaks, chart.Leak{Submitted: day(2018, 2, 1+i*5%28), State: s})
	}
	for i := range 12 {
		d.Leaks = append(d.Leaks, chart.Leak{Submitted: day(2020+i/5, time.Month(1+i*5%12), 4), State: chart.Marked})
	}
	yearly := func(y, last int) (out []chart.Count) {
		for ; y <= last; y++ {
			for m := range 12 {
				out = append(out, chart.Count{Day: day(y, time.Month(1+m), 3), N: 40})
			}
		}
		return out
	}
	d.Holders = []chart.Holder{
		{Name: "Northgate Verification", Kind: "vendor", Custody: []chart.Span{{From: day(2018, 2, 1), To: day(2018, 2, 28)}}, Issued: yearly(2019, 2023), Held: 375, Copies: 12, Confirmed: 12},
		{Name: "backup (cold storage)", Kind: "store", Custody: []chart.Span{{From: day(2016, 1, 1), To: day(2019, 6, 30)}}, Held: 375},
		{Name: "Contoso ID", Kind: "vendor", Custody: []chart.Span{{From: day(2018, 2, 14), To: day(2018, 9, 30)}}, Issued: yearly(2021, 2022), Held: 201, Copies: 7},
		{Name: "Police of the capital", Kind: "authority", Custody: []chart.Span{{From: day(2015, 3, 1), To: day(2023, 8, 1), Listed: true}}, Held: 3},
		{Name: "manual review", Kind: "reviewer", Issued: []chart.Count{{Day: day(2023, 5, 1), N: 900}}, Copies: 2},
	}
	return d
}

const hostileHebrew = "ספק זיהוי \u202e(txt.exe)"

func hostile() chart.TimelineData {
	d := chart.TimelineData{
		Leaks: []chart.Leak{
			{Submitted: day(2021, 1, 1)}, {Submitted: day(2021, 1, 2), State: 77}, {}, {Submitted: day(-4000, 1, 1)}, {Submitted: day(9999, 1, 1), State: chart.Unmarked},
		},
		Registry: []chart.Count{{Day: day(2020, 1, 1), N: 2_000_000_000}, {Day: day(2021, 1, 1), N: -5}, {Day: day(2022, 1, 1), N: 1}},
	}
	for i, name := range []string{
		`<script>alert("x")</script>`, `"><img src=x onerror=alert(1)>`, "]]>&amp;</title></svg>", strings.Repeat("very long name ", 20), strings.Repeat("W", 200),
		hostileHebrew, "👩‍👩‍👧‍👦 família 🇧🇷🏳️‍🌈 e\u0301\u0301\u0301 " + strings.Repeat("🧑🏿‍🚀", 30), "\x00\x1b[31m\xff\ufffe\u2069\u2066", "", "日本語の名前がとても長い受取人でございます",
	} {
		d.Holders = append(d.Holders, chart.Holder{
			Name: name, Kind: name, Held: i - 2, Copies: math.MaxInt, Confirmed: -1,
			Custody: []chart.Span{{From: day(2021, 6, 1), To: day(2020, 1, 1)}, {To: day(9999, 1, 1)}, {From: day(2021, 1, 1), To: day(2021, 1, 1), Listed: true}},
			Issued:  []chart.Count{{Day: day(2021, 3, 1), N: 1}, {N: 5}, {Day: day(2021, 3, 2), N: -1}},
		})
	}
	return d
}

// few are leaks of one day.
func few() chart.TimelineData {
	at := day(2026, 11, 3)
	return chart.TimelineData{
		Leaks:    []chart.Leak{{Submitted: at, State: chart.Marked}},
		Registry: []chart.Count{{Day: at, N: 9}, {Day: at.AddDate(0, 0, 9), N: 4}},
		Holders:  []chart.Holder{{Name: "vendor-a", Kind: "vendor", Issued: []chart.Count{{Day: at, N: 1}}, Copies: 1, Confirmed: 1}},
	}
}

func scattered() chart.TimelineData {
	d := february()
	for i := range d.Leaks {
		d.Leaks[i].Submitted = day(2014, 6, 1).AddDate(0, 0, i*i*23%3500)
	}
	return d
}

var pictures = []struct {
	name string
	svg  func(o chart.Options) string
}{
	{"timeline", func(o chart.Options) string { return chart.Timeline(february(), o) }},
	{"scattered", func(o chart.Options) string { return chart.Timeline(scattered(), o) }},
	{"few", func(o chart.Options) string { return chart.Timeline(few(), o) }},
	{"empty", func(o chart.Options) string { return chart.Timeline(chart.TimelineData{}, o) }},
	{"hostile", func(o chart.Options) string { return chart.Timeline(hostile(), o) }},
	{"custody", func(o chart.Options) string { d := february(); return chart.Custody(len(d.Leaks), d.Holders, o) }},
	{"custody-few", func(o chart.Options) string { d := few(); return chart.Custody(len(d.Leaks), d.Holders, o) }},
	{"custody-empty", func(o chart.Options) string { return chart.Custody(0, nil, o) }},
	{"custody-hostile", func(o chart.Options) string { d := hostile(); return chart.Custody(len(d.Leaks), d.Holders, o) }},
}

func TestGolden(t *testing.T) {
	for _, p := range pictures {
		for _, width := range []int{680, 360} {
			name := fmt.Sprintf("%s-%d.svg", p.name, width)
			t.Run(name, func(t *testing.T) {
				got := p.svg(chart.Options{Width: width, ID: p.name})
				path := filepath.Join("testdata", name)
				if *update {
					require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err, "go test ./internal/chart -update writes it")
				require.Equal(t, string(want), got)
			})
		}
	}
}
