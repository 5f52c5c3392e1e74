package main

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/watermark"
)

// A report says "removed" of leaks with a mark, no named copy and a small survival: each condition is needed. The
// limit at false alarms comes from marked leaks alone, and a leak without a survival is never below it.
func TestSurvivalCounts(t *testing.T) {
	trial := func(picture, leak string, there, named float64, survival ...float64) ruler.Trial {
		out := ruler.Trial{
			Labels: map[string]string{"picture": picture, "leak": leak},
			Values: map[string]float64{"there": there, "named": named},
		}
		for _, s := range survival {
			out.Values["survival"] = s * watermark.Removed
		}
		return out
	}
	g := ruler.Group{
		trial("a", "marked", 1, 0, .3), trial("a", "marked", 1, 0, .4), trial("b", "marked", 1, 1, .5),
		trial("b", "marked", 0, 0), trial("c", "marked", 1, 0, 1.1),
		trial("a", "scrubbed", 1, 0, .2), trial("b", "scrubbed", 1, 1, .45), trial("c", "scrubbed", 0, 0),
		trial("c", "still read", 1, 1, .1),
	}
	marked := g.Where(ruler.Is("leak", "marked"))
	assert.Equal(t, "2 of 3 (at most 98 %)", perPicture("", removed).Cell(marked))
	assert.Equal(t, "1 of 3 (at most 86 %)", perPicture("", said).Cell(marked))
	caught, of, limit := atFalseAlarms(g, .4) // two of five
	assert.Equal(t, [2]int{2, 3}, [2]int{caught, of})
	assert.InDelta(t, .5*watermark.Removed, limit, 1e-9)
	caught, _, limit = atFalseAlarms(g, .01)
	assert.Equal(t, 1, caught)
	assert.InDelta(t, .3*watermark.Removed, limit, 1e-9)
}

// The note "not-marked-removed" of a report and docs/security.md say what came out.
func TestSurvivalAsTheReportSays(t *testing.T) {
	results, err := ruler.ReadResults("results/survival.jsonl")
	require.NoError(t, err)
	marked := ruler.Group(results.Trials()).Where(ruler.Is("leak", "marked"))
	messengers := marked.Where(ruler.Is("attack", "telegram", "telegram_low", "whatsapp", "whatsapp_twice", "facebook"))
	assert.Equal(t, "1 of 17 (at most 25 %)", perPicture("", removed).Cell(messengers))
	assert.Equal(t, "2 of 17 (at most 33 %)", perPicture("", removed).Cell(marked))
	hard := marked.Where(removed)
	assert.Equal(t, []string{"chain_crop", "contrast", "jpeg10", "redact50", "whatsapp_twice"}, slices.Sorted(slices.Values(hard.Labels("attack"))))
}

// A mark that is raised is larger by its ratio in the mean, also where it is one grey level.
func TestRaised(t *testing.T) {
	grey := func(v uint8) *image.NRGBA { return imaging.New(200, 200, color.NRGBA{v, v, v, 255}) }
	sum := 0.0
	for _, v := range raised(grey(100), grey(101), 2.7).Pix {
		sum += float64(v)
	}
	assert.InDelta(t, (3*(100+math.Pow(10, 2.7/20))+255)/4, sum/(200*200*4), .01)
}
