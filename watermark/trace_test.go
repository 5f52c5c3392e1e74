package watermark_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/testdata"
	"github.com/kycmark/kycmark/watermark"
)

// issued are n copies; the i-th has the ID 1000+i.
func issued(n int) []watermark.Candidate {
	var all []watermark.Candidate
	for i := range n {
		all = append(all, watermark.Candidate{Copy: watermark.CopyID(1000 + i), Key: key})
	}
	return all
}

func tracer(t *testing.T, original image.Image, copies []watermark.Candidate) *watermark.Tracer {
	t.Helper()
	tr, err := watermark.NewTracer(original, copies, &watermark.TraceOptions{Submission: sub})
	require.NoError(t, err)
	return tr
}

// small is the picture of most traces, smallMarked its copy 1042, and smallTracer a tracer of its first 200 copies. Tests
// share them, and change neither picture.
var (
	small       = sync.OnceValue(func() *image.NRGBA { return scene(600, 430) })
	smallMarked = sync.OnceValue(func() *image.NRGBA { return mustEmbed(1042, small()) })
	smallTracer = sync.OnceValue(func() *watermark.Tracer {
		tr, err := watermark.NewTracer(small(), issued(200), &watermark.TraceOptions{Submission: sub})
		if err != nil {
			panic(err)
		}
		return tr
	})
)

func traced(t *testing.T, tr *watermark.Tracer, leak image.Image) *watermark.TraceResult {
	t.Helper()
	r, err := tr.Trace(t.Context(), leak)
	require.NoError(t, err)
	return r
}

// markedTrace is the trace of smallMarked as a JPEG, and unmarkedTrace that of small. Tests share both, and change neither.
var (
	markedTrace   = sync.OnceValue(func() *watermark.TraceResult { return mustTrace(smallMarked()) })
	unmarkedTrace = sync.OnceValue(func() *watermark.TraceResult { return mustTrace(small()) })
)

func mustTrace(leak *image.NRGBA) *watermark.TraceResult {
	jpeg75, err := attack.Find("jpeg75")
	if err != nil {
		panic(err)
	}
	r, err := smallTracer().Trace(context.Background(), jpeg75.Apply(leak, 3))
	if err != nil {
		panic(err)
	}
	return r
}

func TestTraceNamesTheCopyAfter(t *testing.T) {
	tr, leak := smallTracer(), smallMarked()
	for _, name := range long.Cases(2, "jpeg75", "mirror and invert", "jpeg20", "thumb160", "mirror", "invert", "screen_photo", "none", "crop10", "rot17", "redact50") {
		t.Run(name, func(t *testing.T) {
			r := markedTrace()
			if name != "jpeg75" {
				bad := leak
				for _, one := range strings.Split(name, " and ") {
					bad = applied(t, one, bad)
				}
				r = traced(t, tr, bad)
			}
			require.True(t, r.Registered)
			require.Equal(t, 42, r.Best)
			assert.Equal(t, []watermark.CopyID{1042}, r.Accused)
			c := r.Copies[42]
			assert.Less(t, c.LogP, -9.0)
			assert.Greater(t, c.LogE, 6.0)
			assert.Less(t, r.LogAny, -6.0)
			assert.False(t, r.Survival > 0 && r.Survival < watermark.Removed, r.Survival)
			assert.Equal(t, strings.Contains(name, "mirror"), r.Mirrored)
			assert.Equal(t, strings.Contains(name, "invert"), r.Inverted)
			for i, o := range r.Copies {
				if i != 42 {
					require.Less(t, o.Score, 5.5)
					require.Greater(t, o.LogP, -3.0)
				}
			}
			if r.Decoded != nil {
				assert.Equal(t, watermark.CopyID(1042), *r.Decoded)
			}
		})
	}
}

func TestTraceOfAnUnmarkedLeakAccusesNobody(t *testing.T) {
	original, tr := small(), smallTracer()
	for _, name := range long.Cases(1, "chain_rotcrop", "thumb160", "jpeg75", "none", "mirror", "rot5") {
		r := traced(t, tr, applied(t, name, original))
		// turned and cut, or made small, and without noise, it may be another capture for all that can be seen
		assert.Equal(t, name != "chain_rotcrop" && name != "thumb160", r.Registered, name)
		assert.Equal(t, r.Registered, r.Withheld == 0, name)
		assert.Equal(t, r.Registered, r.Power > 0, name)
		assert.Len(t, r.Copies, 200, name)
		assert.Empty(t, r.Accused, name)
		assert.Nil(t, r.Decoded, name)
		assert.Greater(t, r.LogAny, -3.0, name)
		assert.Zero(t, r.Survival, name)
	}
	marked, plain := markedTrace(), unmarkedTrace()
	// what a mark would have scored is seen without one, too
	assert.Greater(t, plain.Expected, 0.4*marked.Expected)
	assert.Less(t, plain.Expected, 1.6*marked.Expected)
	assert.True(t, plain.Registered)
	assert.Greater(t, plain.Power, 0.99)
	assert.Empty(t, plain.Accused)
}

func TestTraceOfAnotherPictureIsRefused(t *testing.T) {
	tr := smallTracer()
	other := image.NewNRGBA(image.Rect(0, 0, 800, 600))
	for i := range other.Pix {
		other.Pix[i] = uint8(128 + 90*math.Sin(float64(i%3200)/97)*math.Cos(float64(i/3200)/31))
		if i%4 == 3 {
			other.Pix[i] = 255
		}
	}
	r := traced(t, tr, other)
	assert.False(t, r.Registered)
	assert.Equal(t, -1, r.Best)
	assert.Empty(t, r.Copies)
	assert.Zero(t, r.Power)
}

func TestTraceNamesAllColluders(t *testing.T) {
	a, b := smallMarked(), embed(t, 1017, small())
	r := traced(t, smallTracer(), applied(t, "jpeg75", mean(a, b)))
	assert.ElementsMatch(t, []watermark.CopyID{1042, 1017}, r.Accused)
}

// A mark that was lifted from one picture and laid onto another brings neither that
// picture's placement nor its tracer.
func TestTraceDoesNotBelieveATransplantedMark(t *testing.T) {
	from := small()
	onto := imaging.FlipH(imaging.AdjustBrightness(from, -5))
	marked := embed(t, 1005, from)
	framed := image.NewNRGBA(onto.Rect)
	for i, v := range onto.Pix {
		framed.Pix[i] = uint8(min(max(int(v)+int(marked.Pix[i])-int(from.Pix[i]), 0), 255))
	}
	tr, err := watermark.NewTracer(onto, issued(50), &watermark.TraceOptions{Submission: watermark.Submission{9}})
	require.NoError(t, err)
	r := traced(t, tr, applied(t, "jpeg90", framed))
	require.True(t, r.Registered)
	assert.Empty(t, r.Accused)
	assert.Greater(t, r.Power, 0.999, "a mark of its own would have been seen")
	assert.True(t, detect(t, key, framed).Found, "and yet it reads")
}

// A forger takes the detail of a copy, with its mark, and lays it onto another person's picture. The mark is there, but
// the picture does not show the upload.
func TestTraceOfDetailLaidOntoAnotherPicture(t *testing.T) {
	open := func(name string) image.Image {
		data, err := testdata.Pictures.ReadFile("pictures/" + name + ".jpg")
		require.NoError(t, err)
		p, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		return p.Image
	}
	from := imaging.Fit(open("anna_selfie"), 480, 480, imaging.Lanczos)
	tr, marked := tracer(t, from, issued(20)), embed(t, 1005, from)
	soft := imaging.Blur(marked, 5)
	for _, name := range long.Cases(1, "bruno_selfie", "daria_bill", "stranger_coast") {
		forged := imaging.Fill(open(name), from.Rect.Dx(), from.Rect.Dy(), imaging.Center, imaging.Lanczos)
		for i, v := range forged.Pix {
			forged.Pix[i] = uint8(min(max(int(v)+2*(int(marked.Pix[i])-int(soft.Pix[i])), 0), 255))
		}
		r := traced(t, tr, applied(t, "jpeg90", forged))
		assert.Equal(t, []watermark.CopyID{1005}, r.Accused, name)
		assert.False(t, r.Registered, name)
		assert.Zero(t, r.Power, name)
	}
	var blob bytes.Buffer // the copy itself, badly kept, is believed
	require.NoError(t, jpeg.Encode(&blob, imaging.Resize(marked, from.Rect.Dx()*3/4, 0, imaging.Box), &jpeg.Options{Quality: 10}))
	kept, err := jpeg.Decode(&blob)
	require.NoError(t, err)
	r := traced(t, tr, kept)
	assert.Equal(t, []watermark.CopyID{1005}, r.Accused)
	assert.True(t, r.Registered)
}

func TestTraceWithASmallerOriginal(t *testing.T) {
	original := scene(700, 500)
	leak := applied(t, "telegram_low", embed(t, 1007, original))
	small := imaging.Fit(original, 400, 400, imaging.Box)
	r := traced(t, tracer(t, small, issued(100)), leak)
	assert.Equal(t, []watermark.CopyID{1007}, r.Accused)
	if long.On {
		full := traced(t, tracer(t, original, issued(100)), leak)
		assert.Equal(t, r.Accused, full.Accused)
	}
}

// An original readied once serves comparing and tracing, and other copies and levels.
func TestTraceOfALeakThatWasLaidBefore(t *testing.T) {
	original, opts := scene(420, 300), &watermark.TraceOptions{Submission: sub, Level: 1e-6}
	leak := imaging.Clone(applied(t, "rot5", embed(t, 1004, original)))
	want, err := watermark.Trace(t.Context(), leak, original, issued(20), opts)
	require.NoError(t, err)

	onto := capture.New(dsp.LazyLuma(imaging.Clone(original)))
	ready, err := watermark.NewTracerOn(onto, original, issued(1), &watermark.TraceOptions{Submission: sub})
	require.NoError(t, err)
	tr, err := ready.For(issued(20), opts.Level)
	require.NoError(t, err)
	sight, err := onto.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	_, err = sight.Verdict()
	require.NoError(t, err)
	got, err := tr.TraceLaid(t.Context(), leak, sight)
	require.NoError(t, err)
	assert.Equal(t, want.Copies, got.Copies)
	assert.Equal(t, want.Power, got.Power)
	assert.Equal(t, want.Quad, got.Quad)
	assert.Equal(t, want.Edits, got.Edits)
	assert.Equal(t, []watermark.CopyID{1004}, got.Accused)

	none, err := tr.TraceLaid(t.Context(), leak, nil)
	require.NoError(t, err)
	assert.False(t, none.Registered)

	_, err = ready.For(issued(1), 2)
	require.ErrorContains(t, err, "must lie between 0 and 1")
	_, err = ready.For([]watermark.Candidate{{Copy: 1, Key: watermark.GenerateKey()}}, opts.Level)
	require.ErrorIs(t, err, watermark.ErrNoKey)
}

// A page of black and white is after a threshold as it was before it was marked. So a leak of it does not show that there
// was no mark.
func TestTraceOfBlackAndWhiteClearsNobody(t *testing.T) {
	page := image.NewNRGBA(image.Rect(0, 0, 360, 480))
	rng := uint32(5)
	for y := 0; y < 480; y += 4 {
		for x := 0; x < 360; x += 3 {
			rng = rng*1664525 + 1013904223
			ink := image.White
			if y%20 < 12 && rng>>30 == 0 {
				ink = image.Black
			}
			draw.Draw(page, image.Rect(x, y, x+3, y+4), ink, image.Point{}, draw.Src)
		}
	}
	tr, copied := tracer(t, page, issued(20)), embed(t, 1007, page)
	assert.Equal(t, []watermark.CopyID{1007}, traced(t, tr, copied).Accused)
	for i, v := range copied.Pix {
		copied.Pix[i] = v >> 7 * 255
	}
	require.Equal(t, page.Pix, copied.Pix)
	for name, leak := range map[string]*image.NRGBA{"as it is": copied, "JPEG": applied(t, "jpeg75", copied), "larger": imaging.Resize(copied, 525, 0, imaging.NearestNeighbor)} {
		if name != "as it is" && !long.On {
			continue
		}
		r := traced(t, tr, leak)
		assert.Empty(t, r.Accused, name)
		assert.Less(t, r.Power, 0.9, name)
	}
}

func TestTraceFindsEdits(t *testing.T) {
	leak := imaging.Clone(smallMarked())
	box := image.Rect(370, 265, 510, 350)
	draw.Draw(leak, box, image.Black, image.Point{}, draw.Src)
	r := traced(t, smallTracer(), applied(t, "jpeg75", leak))
	assert.Equal(t, []watermark.CopyID{1042}, r.Accused)
	require.Len(t, r.Edits, 1)
	e := r.Edits[0]
	assert.Equal(t, "covered", e.Kind)
	assert.InDelta(t, box.Min.X, e.Quad[0].X, 16)
	assert.InDelta(t, box.Min.Y, e.Quad[0].Y, 16)
	assert.InDelta(t, box.Max.X, e.Quad[2].X, 16)
	assert.InDelta(t, box.Max.Y, e.Quad[2].Y, 16)
	assert.InDelta(t, 0, r.Quad[0].X, 1)
	assert.InDelta(t, 430, r.Quad[2].Y, 1)
	assert.Empty(t, unmarkedTrace().Edits)
}

func TestTraceUnderTwoKeys(t *testing.T) {
	original := small()
	other := others[0]
	m, err := watermark.Embed(other, 77, original, &watermark.Options{Submission: sub})
	require.NoError(t, err)
	copies := append(issued(20), watermark.Candidate{Copy: 77, Key: other, Strength: 0.9})
	r := traced(t, tracer(t, original, copies), applied(t, "jpeg50", m))
	assert.Equal(t, []watermark.CopyID{77}, r.Accused)
	assert.Equal(t, 20, r.Best)
}

// An ending is a context that ends when it was asked so many times.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// Wherever a trace is ended, nothing half done is handed back.
func TestTraceEndedAnywhere(t *testing.T) {
	leak := smallMarked()
	tr := smallTracer()
	for n := range 50 {
		r, err := tr.Trace(&ending{t.Context(), n}, leak)
		if err == nil {
			require.NotNil(t, r)
			require.Positive(t, n)
			return
		}
		require.ErrorIs(t, err, context.Canceled)
		require.Nil(t, r, n)
	}
	t.Fatal("it asks too often")
}

func TestTraceRefuses(t *testing.T) {
	ctx, small := t.Context(), image.NewNRGBA(image.Rect(0, 0, 100, 100))
	_, err := watermark.Trace(ctx, small, small, issued(1), nil)
	assert.ErrorIs(t, err, watermark.ErrTooSmall)
	_, err = watermark.Trace(ctx, small, scene(400, 300), []watermark.Candidate{{Copy: 1}}, nil)
	assert.ErrorIs(t, err, watermark.ErrNoKey)
	for _, level := range []float64{-1, 1, math.NaN()} {
		_, err = watermark.Trace(ctx, small, scene(400, 300), issued(1), &watermark.TraceOptions{Level: level})
		assert.ErrorContains(t, err, "must lie between 0 and 1", level)
	}
	for _, strength := range []float64{-1, 3, math.NaN(), math.Inf(1)} {
		_, err = watermark.NewTracer(scene(400, 300), []watermark.Candidate{{Copy: 1, Key: key, Strength: strength}}, nil)
		assert.ErrorIs(t, err, watermark.ErrStrength, strength)
	}
	_, err = watermark.Trace(ctx, image.NewNRGBA(image.Rect(0, 0, 5, 900)), scene(400, 300), issued(1), nil)
	assert.ErrorIs(t, err, watermark.ErrTooSmall)
	_, err = watermark.Trace(ctx, image.White, scene(400, 300), issued(1), nil) // of endless size
	assert.ErrorIs(t, err, watermark.ErrTooLarge)
	_, err = watermark.NewTracer(image.White, nil, nil)
	assert.ErrorIs(t, err, watermark.ErrTooLarge)
	done, stop := context.WithCancel(ctx)
	stop()
	_, err = watermark.Trace(done, applied(t, "crop50", scene(900, 640)), scene(900, 640), issued(1), nil)
	assert.ErrorIs(t, err, context.Canceled)
	r, err := watermark.Trace(ctx, scene(400, 300), scene(400, 300), nil, nil)
	require.NoError(t, err)
	assert.Equal(t, -1, r.Best)
}

func ExampleTracer() {
	original := scene(600, 430)
	copies := []watermark.Candidate{{Copy: 0xa, Key: key}, {Copy: 0xb, Key: key}}
	leak, _ := watermark.Embed(key, 0xb, original, nil)
	t, err := watermark.NewTracer(original, copies, nil)
	if err != nil {
		return
	}
	r, err := t.Trace(context.Background(), imaging.Fit(leak, 320, 320, imaging.Box))
	if err != nil {
		return
	}
	fmt.Println(r.Registered, r.Accused)
	// Output: true [000000000000000b]
}

// What a hard JPEG leaves of a small picture is in its roundings: as the original plus
// noise, these say nothing.
func TestTraceReadsRoundings(t *testing.T) {
	data, err := testdata.Pictures.ReadFile("pictures/anna_selfie.jpg")
	require.NoError(t, err)
	p, err := picture.Decode(data, picture.Limits{})
	require.NoError(t, err)
	original := imaging.Blur(imaging.Fit(p.Image, 500, 500, imaging.Box), 1)
	copies := issued(100)
	for i := range copies {
		copies[i].Strength = 1.15 // a mark for a lossy file, beside the mark that is expected of any copy
	}
	tr := tracer(t, original, copies)
	leak := embedStrong(t, 1042, original)
	for quality, least := range map[int]float64{20: 20, 10: 13, 5: 8} {
		if quality != 5 && !long.On {
			continue
		}
		name, hard := fmt.Sprint("jpeg", quality), attack.New("", "", "", attack.JPEG(quality))
		r := traced(t, tr, hard.Apply(leak, 3))
		require.True(t, r.Registered, name)
		assert.Equal(t, []watermark.CopyID{1042}, r.Accused, name)
		assert.Greater(t, r.Copies[42].Score, least, name)
		assert.InEpsilon(t, r.Copies[42].Score, r.Expected, 0.3, name)
		unmarked := traced(t, tr, hard.Apply(original, 3))
		assert.Empty(t, unmarked.Accused, name)
		for _, c := range unmarked.Copies {
			require.Less(t, c.Score, 5.0, name)
		}
		assert.InEpsilon(t, r.Expected, unmarked.Expected, 0.5, name)
	}
}

// So it is in a thumbnail, whole or cut, whatever it was shrunk by.
func TestTraceReadsRoundingsOfThumbnails(t *testing.T) {
	data, err := testdata.Pictures.ReadFile("pictures/elif_licence.jpg")
	require.NoError(t, err)
	p, err := picture.Decode(data, picture.Limits{})
	require.NoError(t, err)
	original := p.Image
	tr := tracer(t, original, issued(100))
	cut := image.Rect(60, 41, 1441, 960)
	for _, c := range []struct {
		of     image.Rectangle
		side   int
		filter imaging.ResampleFilter
		least  float64
	}{{cut, 160, imaging.Lanczos, 14}, {original.Rect, 96, imaging.CatmullRom, 8}}[:long.Number(1, 2)] {
		thumbnail := func(p *image.NRGBA) *image.NRGBA {
			var b bytes.Buffer
			require.NoError(t, jpeg.Encode(&b, imaging.Fit(p.SubImage(c.of), c.side, c.side, c.filter), &jpeg.Options{Quality: 75}))
			d, err := picture.Decode(b.Bytes(), picture.Limits{})
			require.NoError(t, err)
			return d.Image
		}
		r := traced(t, tr, thumbnail(embedStrong(t, 1042, original)))
		assert.Greater(t, r.Copies[42].Score, c.least)
		assert.Equal(t, 42, r.Best)
		assert.InEpsilon(t, r.Copies[42].Score, r.Expected, 0.35)
		unmarked := traced(t, tr, thumbnail(original))
		assert.Empty(t, unmarked.Accused)
		for _, o := range unmarked.Copies {
			require.Less(t, o.Score, 5.0)
		}
	}
}

// Of another scan of the same card it is not said that it shows the original, and no
// power is claimed: that there is no mark says nothing. The mark of a copy does.
func TestTraceOfAnotherScan(t *testing.T) {
	page := specimen.Render(specimen.Residence, specimen.NewPerson(1), 560)
	original := specimen.Scan(page, 1, 560, 420)
	tr := tracer(t, original, issued(20))
	if long.On {
		own := traced(t, tr, applied(t, "telegram", original))
		assert.True(t, own.Registered)
		assert.Greater(t, own.Power, 0.99)
	}
	other := traced(t, tr, applied(t, "telegram", specimen.Scan(page, 2, 560, 420)))
	assert.False(t, other.Registered)
	assert.Len(t, other.Copies, 20, "it looks like the original")
	assert.Zero(t, other.Power)
	assert.Empty(t, other.Accused)
	marked := traced(t, tr, applied(t, "rot5", embed(t, 1003, original)))
	assert.True(t, marked.Registered)
	assert.Equal(t, []watermark.CopyID{1003}, marked.Accused)
}

// mean returns the mean of pictures of one size.
func mean(all ...*image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(all[0].Rect)
	for i := range out.Pix {
		sum := len(all) / 2
		for _, p := range all {
			sum += int(p.Pix[i])
		}
		out.Pix[i] = uint8(sum / len(all))
	}
	return out
}
