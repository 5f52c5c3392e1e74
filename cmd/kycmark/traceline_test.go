package main

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/pictures"
	"github.com/kycmark/kycmark/watermark"
)

func traced(change func(*watermark.TraceResult)) *watermark.TraceResult {
	t := &watermark.TraceResult{
		Registered: true, Best: 1, Power: .9995, Expected: 30,
		Copies: []watermark.CopyEvidence{{Copy: 1, LogP: 0, LogE: math.Inf(-1)}, {Copy: 2, Score: 31.25, LogP: -200}, {Copy: 3, Score: 8, LogP: -11}},
		Quad:   [4]watermark.Point{{X: 1, Y: 2}, {X: 30, Y: 2}, {X: 30, Y: 20}, {X: 1, Y: 20}},
	}
	change(t)
	return t
}

func lineOf(t *watermark.TraceResult) *pictures.TraceLine {
	key := watermark.GenerateKey()
	l := &pictures.TraceLine{File: "a.jpg", Copies: []pictures.TracedCopy{}, Accused: []watermark.CopyID{}, Edits: []pictures.TracedEdit{}}
	l.Fill(t, []watermark.Candidate{{Copy: 1, Key: key}, {Copy: 2, Key: key}, {Copy: 3, Key: key}})
	return l
}

func TestTraceWords(t *testing.T) {
	for want, change := range map[string]func(*watermark.TraceResult){
		"copy 0000000000000002 (score 31.2, log10 p -200.0); and copy 0000000000000003 (score 8.0, log10 p -11.0), mirrored, a negative, changed at 4,5": func(t *watermark.TraceResult) {
			t.Accused, t.Mirrored, t.Inverted = []watermark.CopyID{2, 3, 2}, true, true
			t.Edits = []watermark.Edit{{Quad: [4]watermark.Point{{X: 4, Y: 5}}, Kind: "changed", Score: 9}}
		},
		"shows the original; no copy of 3 is in it (power 1.000)":                    func(*watermark.TraceResult) {},
		"shows the original; no copy of 3 is in it that could be seen (power 0.250)": func(t *watermark.TraceResult) { t.Power = .25 },
		"shows the original; no copy of 3 is in it (power 1.000), but it reads as copy 0000000000000009, which was not given": func(t *watermark.TraceResult) {
			t.Decoded = new(watermark.CopyID)
			*t.Decoded = 9
		},
		"shows the original; no copy of 3 is in it (power 1.000), but it reads as copy 0000000000000002": func(t *watermark.TraceResult) { t.Decoded = &t.Copies[1].Copy },
		"looks like the original, but may be another picture of the same; no copy of 3 is in it": func(t *watermark.TraceResult) {
			t.Registered, t.Accused = false, nil
		},
		"does not show the original": func(t *watermark.TraceResult) { *t = watermark.TraceResult{Best: -1} },
	} {
		assert.Equal(t, want, lineOf(traced(change)).Words())
	}
}

// What is infinite or does not apply is null, lists are never null.
func TestTraceJSON(t *testing.T) {
	text, err := json.Marshal(lineOf(traced(func(*watermark.TraceResult) {})))
	require.NoError(t, err)
	assert.Contains(t, string(text), `"score":0,"payload":0,"log10_p":0,"log10_e":null}`)
	assert.Contains(t, string(text), `"best":"0000000000000002","accused":[],"power":0.9995,"expected":30,"decoded":null,"quad":[[1,2],[30,2],[30,20],[1,20]]`)
	assert.Contains(t, string(text), `"edits":[],"error":null}`)

	text, err = json.Marshal(lineOf(&watermark.TraceResult{Best: -1}))
	require.NoError(t, err)
	assert.Equal(t, `{"file":"a.jpg","registered":false,"copies":[],"best":null,"accused":[],"power":0,"expected":null,"decoded":null,"quad":null,"residual":null,"overlap":null,"mirrored":false,"inverted":false,"edits":[],"error":null}`, string(text))
}
