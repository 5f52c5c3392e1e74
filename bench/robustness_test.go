package main

import (
	"context"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// fivePictures are three pictures, one that cannot be marked and one that cannot be read.
func fivePictures(t *testing.T) []string {
	return folder(t, image.Pt(40, 30), image.Pt(60, 44), image.Pt(80, 60), image.Pt(10, 50))
}

func TestRobustness(t *testing.T) {
	x := robustness(newWorld().engine())
	setFlags(t, x, "--bar=all=0.5,codec=1,resize=0.1,none=1")
	env := ruler.Env{Pictures: fivePictures(t), AttackNames: []string{"codec", "resize50", "invert", "gray", "none"}, Seed: 3, Workers: 1}
	run := measure(t, x, &env)

	// Half of the picture of 80 px has the size of the first one: it is read as that copy, a
	// wrong one, if the first one was marked before. One worker does so.
	g := ruler.Group(run.Trials)
	assert.InDelta(t, 21, g.Sum("read"), 0)
	assert.InDelta(t, 30, g.Having("read").Count(), 0)
	assert.InDelta(t, 4, g.Sum("wrong"), 0, "three grey ones and the halved one")
	assert.Len(t, g.Where(func(t *ruler.Trial) bool { return t.Error != "" && len(t.Values) > 0 }), 3, "negatives")
	broken := g.Where(func(t *ruler.Trial) bool { return len(t.Values) == 0 })
	require.Len(t, broken, 2)
	assert.Equal(t, "broken", broken[0].Labels["picture"])
	assert.Contains(t, broken[1].Error, "too small")
	missed := x.Missed(run.Trials)
	require.Len(t, missed, 5)
	assert.Equal(t, "resize 0.0 %, asked for 10.0 %", missed[0])
	assert.Contains(t, missed[1], "ALARM: wrong ID: picture0 under gray read 81d18282f8a22a7c")

	assert.Equal(t, `| group | read | readings | attacks |
|---|---|---|---|
| none | 100.0 % | 3 of 3 | none 3/3 |
| codec | 100.0 % | 18 of 18 | jpeg90 3/3, jpeg75 3/3, jpeg50 3/3, jpeg30 3/3, jpeg20 3/3, jpeg10 3/3 |
| resize | 0.0 % | 0 of 3 | resize50 0/3 |
| tone | 0.0 % | 0 of 6 | gray 0/3, invert 0/3 |
| **all** | 70.0 % | 21 of 30 | none 3/3, jpeg90 3/3, jpeg75 3/3, jpeg50 3/3, jpeg30 3/3, jpeg20 3/3, jpeg10 3/3, resize50 0/3, gray 0/3, invert 0/3 |
`, x.Tables[0].Markdown(run.Trials))
	assert.Contains(t, x.Tables[1].Markdown(run.Trials), "| picture0 | 40 x 30 | 45.2 | 0.9912 | 1 | 7 of 10 | resize50 gray invert |\n")
}

// The trials depend neither on the number of workers nor on the order of files.
func TestRobustnessIsRepeatable(t *testing.T) {
	x := robustness(newWorld().engine())
	files := fivePictures(t)
	env := ruler.Env{Pictures: files, AttackNames: []string{"tone", "crop"}, Workers: 1}
	first := measure(t, x, &env)
	env.Workers = 7
	assert.Equal(t, first, measure(t, x, &env))

	env.Pictures = []string{files[3], files[1]}
	other := measure(t, x, &env)
	assert.Equal(t, ofPicture(first, ruler.Name(files[1])), ofPicture(other, ruler.Name(files[1])))
	assert.Equal(t, ofPicture(first, ruler.Name(files[3])), ofPicture(other, ruler.Name(files[3])))

	env.Seed, env.Key = 1, nil
	seeded := measure(t, x, &env)
	assert.NotEqual(t, other.Trials[0].Labels["copy"], seeded.Trials[0].Labels["copy"])
	assert.NotEqual(t, other.Key, seeded.Key)
}

func ofPicture(r ruler.Run, name string) ruler.Group {
	return ruler.Group(r.Trials).Where(ruler.Is("picture", name))
}

func TestRobustnessRefuses(t *testing.T) {
	for _, c := range []struct{ attacks, flag, want string }{
		{"jpeg91", "", "unknown attack"},
		{"codec", "--bar=tone=0.5", "no attack of group"}, {"codec", "--bar=thumbnails=0.5", "no attack of group"},
		{"codec", "--bar=codec=95", "not a rate"}, {"codec", "--bar=all=-1", "not a rate"},
	} {
		x := robustness(newWorld().engine())
		if c.flag != "" {
			setFlags(t, x, c.flag)
		}
		_, err := x.Cases(t.Context(), &ruler.Env{AttackNames: []string{c.attacks}})
		require.ErrorContains(t, err, c.want)
	}
	_, err := robustness(newWorld().engine()).Cases(t.Context(), &ruler.Env{AttackNames: []string{"jpeg90", "jpeg91"}})
	require.ErrorIs(t, err, attack.ErrUnknown)
}

// With nothing measured a bar is missed, not met.
func TestNothingMeasured(t *testing.T) {
	x := robustness(newWorld().engine())
	setFlags(t, x, "--bar=codec=0")
	run := measure(t, x, &ruler.Env{Pictures: folder(t, image.Pt(10, 10)), AttackNames: []string{"codec"}})
	assert.Len(t, x.Missed(run.Trials), 1)
	assert.Len(t, run.Trials, 2, "both broken")
	for i := range x.Tables {
		assert.Empty(t, x.Tables[i].Markdown(run.Trials))
	}
}

func TestRobustnessStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	env := ruler.Env{Pictures: fivePictures(t), AttackNames: []string{"codec"}, Workers: 2}
	calls := 0
	_, err := robustness(newWorld().engine()).Run(ctx, &env, ruler.Run{}, "", func(int, int) { calls++; cancel() })
	require.ErrorIs(t, err, context.Canceled)
	assert.LessOrEqual(t, calls, 4)
}

// TestRealMark measures the real mark on one drawn passport. The other tests put their own
// mark in its place, which costs nothing.
func TestRealMark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passport.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	page := specimen.Render(specimen.Passport, specimen.NewPerson(5), 640)
	require.NoError(t, picture.Encode(f, page, "png", 0))
	require.NoError(t, f.Close())
	run := measure(t, robustness(newEngine()), &ruler.Env{Pictures: []string{file}, AttackNames: []string{"telegram_low"}})
	g := ruler.Group(run.Trials)
	assert.InDelta(t, 1, g.Sum("read"), 0)
	assert.InDelta(t, 0, g.Sum("wrong"), 0)
	assert.Len(t, run.Trials, 2)
}
