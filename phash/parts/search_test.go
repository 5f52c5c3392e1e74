package parts_test

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash/parts"
)

// uploads are pictures of different scenes and templates, by reference, and an index of them. Tests share both, and change neither.
func uploads() ([]*image.NRGBA, *parts.Index) { return pictures(), indexed() }

var pictures = sync.OnceValue(func() (all []*image.NRGBA) {
	for i, kind := range specimen.Templates() {
		doc := specimen.Render(kind, specimen.NewPerson(uint64(300+i)), 900)
		all = append(all, specimen.Photograph(doc, uint64(i), 1000, 750))
	}
	return append(all, specimen.Landscape(5, 800, 600), specimen.Selfie(specimen.NewPerson(8), 8, 700, 900))
})

var indexed = sync.OnceValue(func() *parts.Index {
	x := &parts.Index{}
	for i, f := range featured()[:len(pictures())] {
		if err := x.Add(int64(i), f); err != nil {
			panic(err)
		}
	}
	return x
})

func search(t testing.TB, x *parts.Index, leak image.Image, opts *parts.SearchOptions) []parts.Match {
	t.Helper()
	q, err := parts.Examine(leak)
	require.NoError(t, err)
	found, err := x.Search(context.Background(), q, opts)
	require.NoError(t, err)
	return found
}

// However many candidates are asked for, the upload is found.
func TestCandidates(t *testing.T) {
	all, x := uploads()
	q, err := parts.Examine(all[0])
	require.NoError(t, err)
	for _, n := range []int{-1, 0, 1, math.MaxInt} {
		found, err := x.Search(t.Context(), q, &parts.SearchOptions{Candidates: n})
		require.NoError(t, err)
		require.NotEmpty(t, found, n)
		assert.EqualValues(t, 0, found[0].Ref, n)
	}
}

func TestLeaksAreFound(t *testing.T) {
	all, x := uploads()
	for k, name := range long.Cases(4, "crop25", "redact30", "rot17", "thumb320", "screenshot_jpeg", "persp8") {
		a, err := attack.Find(name)
		require.NoError(t, err)
		for i, m := range all {
			if name == "crop25" && i == 5 {
				continue // may show nothing but sky
			}
			if (i+k)%2 == 1 && !long.On {
				continue
			}
			found := search(t, x, a.Apply(m, 3), nil)
			if assert.NotEmpty(t, found, "%s of %d", name, i) {
				assert.EqualValues(t, i, found[0].Ref, name)
				assert.Less(t, found[0].LogNFA, -6.0, "%s of %d", name, i)
			}
		}
	}
}

// The map and the quadrilaterals lie where the leak was put.
func TestQuadrilaterals(t *testing.T) {
	all, x := uploads()
	m := all[1]
	w, h := m.Rect.Dx(), m.Rect.Dy()
	page := image.NewNRGBA(image.Rect(0, 0, 1400, 1700))
	draw.Draw(page, page.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	small := imaging.Resize(m, w*6/10, h*6/10, imaging.Lanczos)
	at := image.Pt(310, 820)
	draw.Draw(page, small.Rect.Add(at), small, image.Point{}, draw.Src)
	found := search(t, x, page, nil)
	require.Len(t, found, 1)
	x0, y0, x1, y1 := 310.0, 820.0, 310+0.6*float64(w), 820+0.6*float64(h)
	near(t, [4][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}}, found[0].Leak, 4)

	crop := imaging.Crop(m, image.Rect(220, 160, 720, 600))
	found = search(t, x, imaging.Rotate90(crop), nil) // counterclockwise
	require.Len(t, found, 1)
	near(t, [4][2]float64{{719, 160}, {719, 599}, {220, 599}, {220, 160}}, found[0].Upload, 3)
	assert.False(t, found[0].Mirrored)

	found = search(t, x, imaging.FlipH(crop), nil)
	require.Len(t, found, 1)
	near(t, [4][2]float64{{719, 160}, {220, 160}, {220, 599}, {719, 599}}, found[0].Upload, 3)
	assert.True(t, found[0].Mirrored)
}

func near(t *testing.T, want, got [4][2]float64, pixels float64) {
	t.Helper()
	for i := range want {
		assert.LessOrEqual(t, math.Hypot(want[i][0]-got[i][0], want[i][1]-got[i][1]), pixels, "corner %d: %v, not %v", i, got[i], want[i])
	}
}

// collage lays four pictures side by side, each turned by another quarter.
func collage(of []*image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, 1240, 1240))
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	turn := []func(image.Image) *image.NRGBA{imaging.Clone, imaging.Rotate90, imaging.FlipV, imaging.Rotate270}
	for i, m := range of {
		small := imaging.Fit(turn[i](m), 600, 600, imaging.Lanczos)
		draw.Draw(out, small.Rect.Add(image.Pt(10+i%2*620, 10+i/2*620)), small, image.Point{}, draw.Src)
	}
	return out
}

func TestCollageOfFour(t *testing.T) {
	all, x := uploads()
	found := search(t, x, collage([]*image.NRGBA{all[0], all[6], all[3], all[5]}), nil)
	var refs []int64
	for _, m := range found {
		refs = append(refs, m.Ref)
		assert.Equal(t, m.Ref == 3, m.Mirrored)
	}
	slices.Sort(refs)
	assert.Equal(t, []int64{0, 3, 5, 6}, refs)
}

func TestStrangers(t *testing.T) {
	_, x := uploads()
	for seed := range uint64(long.Number(2, 5)) {
		for _, m := range search(t, x, specimen.Landscape(100+seed, 800, 600), nil) {
			assert.Greater(t, m.LogNFA, -6.0)
		}
	}
	assert.Empty(t, search(t, x, image.NewNRGBA(image.Rect(0, 0, 640, 480)), nil))
	assert.Empty(t, search(t, &parts.Index{}, load(t, "hana_bill.jpg"), nil))
}

// Of many documents of one template the right one comes first.
func TestSameTemplate(t *testing.T) {
	x := &parts.Index{}
	blank := specimen.NewBlank(specimen.Licence, 600)
	n := long.Number(16, 40)
	for i := range n {
		require.NoError(t, x.Add(int64(i), extract(t, blank.Fill(specimen.NewPerson(uint64(i))))))
	}
	for _, i := range []int{0, n - 1} {
		leak := specimen.Photograph(blank.Fill(specimen.NewPerson(uint64(i))), 77, 1000, 750)
		found := search(t, x, leak, nil)
		require.Greater(t, len(found), 5, "others of the template are candidates")
		assert.EqualValues(t, i, found[0].Ref)
		q, err := parts.Examine(leak)
		require.NoError(t, err)
		own, known, err := x.Locate(t.Context(), q, int64(i))
		require.NoError(t, err)
		require.True(t, known)
		assert.InDelta(t, found[0].Leak[0][0], own.Leak[0][0], 5, "the place does not depend on other uploads")
		other, _, err := x.Locate(t.Context(), q, int64(n/2))
		require.NoError(t, err)
		assert.Less(t, own.LogNFA, other.LogNFA)
		_, known, err = x.Locate(t.Context(), q, int64(n))
		require.NoError(t, err)
		assert.False(t, known)
	}
}

func TestAddAndRemove(t *testing.T) {
	all, _ := uploads()
	x := &parts.Index{}
	assert.ErrorIs(t, x.Add(1, nil), parts.ErrFormat)
	assert.ErrorIs(t, x.Add(1, &parts.Features{}), parts.ErrFormat)
	assert.False(t, x.Remove(1))
	f := featured()[0]
	for ref := range int64(3) {
		require.NoError(t, x.Add(ref, f))
	}
	assert.Len(t, search(t, x, all[0], nil), 3)
	assert.True(t, x.Remove(1))
	assert.False(t, x.Remove(1))
	require.NoError(t, x.Add(2, featured()[1]))
	assert.Equal(t, 2, x.Len())
	found := search(t, x, all[0], nil)
	require.Len(t, found, 1)
	assert.EqualValues(t, 0, found[0].Ref)
	found = search(t, x, all[1], nil)
	require.Len(t, found, 1)
	assert.EqualValues(t, 2, found[0].Ref)
}

// Whatever the order of additions and removals, answers are those of an index made
// of what is left.
func TestManyChanges(t *testing.T) {
	all, _ := uploads()
	own, noise := featured()[3], featured()[5]
	x := &parts.Index{}
	for ref := range int64(1500) {
		require.NoError(t, x.Add(ref, noise))
		if ref%3 == 0 {
			x.Remove(ref)
		}
	}
	require.NoError(t, x.Add(700, own))
	for ref := int64(1); ref < 1500; ref++ {
		if ref != 700 {
			x.Remove(ref)
		}
	}
	assert.Equal(t, 1, x.Len())
	plain := &parts.Index{}
	require.NoError(t, plain.Add(700, own))
	want, got := search(t, plain, all[3], nil)[0], search(t, x, all[3], nil)[0]
	near(t, want.Leak, got.Leak, 0.5)
	assert.InDelta(t, want.Inliers, got.Inliers, 3)
	assert.Empty(t, search(t, x, all[5], nil))
}

func TestConcurrency(t *testing.T) {
	all, _ := uploads()
	x := &parts.Index{}
	own, other := featured()[0], featured()[2]
	require.NoError(t, x.Add(-1, own))
	q, err := parts.Examine(imaging.Resize(all[0], 500, 0, imaging.Box))
	require.NoError(t, err)
	var wg sync.WaitGroup
	for w := range int64(2) {
		wg.Go(func() {
			for i := range int64(560) {
				x.Add(w*1000+i, other)
				if i%2 == 0 {
					x.Remove(w*1000 + i)
				}
			}
		})
		wg.Go(func() {
			for range 8 {
				found, err := x.Search(context.Background(), q, nil)
				if assert.NoError(t, err) && assert.NotEmpty(t, found) {
					assert.EqualValues(t, -1, found[0].Ref)
				}
				_, known, err := x.Locate(context.Background(), q, -1)
				assert.NoError(t, err)
				assert.True(t, known)
				x.Len()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 561, x.Len())
}

func TestStopped(t *testing.T) {
	all, x := uploads()
	q, err := parts.Examine(all[0])
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err = x.Search(ctx, q, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func BenchmarkExtract(b *testing.B) {
	all, _ := uploads()
	for b.Loop() {
		_, err := parts.Extract(all[0])
		require.NoError(b, err)
	}
}

func BenchmarkExamine(b *testing.B) {
	all, _ := uploads()
	for b.Loop() {
		_, err := parts.Examine(all[0])
		require.NoError(b, err)
	}
}
