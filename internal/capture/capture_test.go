package capture_test

import (
	"context"
	"image"
	"image/color"
	"os"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestMain collects garbage less often than programs do, to save processor time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// A shot is a picture of a person's card. Each is made once, and nothing changes it.
type shot struct{ person, seed uint64 }

// once returns a function that makes each picture once.
func once(of func(person, seed uint64) *image.NRGBA) func(person, seed uint64) *image.NRGBA {
	all := make(map[shot]*image.NRGBA)
	return func(person, seed uint64) *image.NRGBA {
		k := shot{person, seed}
		if all[k] == nil {
			all[k] = of(person, seed)
		}
		return all[k]
	}
}

var photoWidth, photoHeight = long.Number(720, 1280), long.Number(540, 960) // pixels

var (
	photo = once(func(person, seed uint64) *image.NRGBA {
		return specimen.Photograph(page(person), seed, photoWidth, photoHeight)
	})
	scan  = once(func(person, seed uint64) *image.NRGBA { return specimen.Scan(page(person), seed, 1200, 900) })
	drawn = once(func(person, _ uint64) *image.NRGBA {
		return specimen.Render(specimen.Residence, specimen.NewPerson(person), 1000)
	})
)

// ofPhoto is the upload of the first photograph.
var ofPhoto = sync.OnceValue(func() *capture.Original { return capture.New(dsp.LazyLuma(photo(1, 1))) })

func page(person uint64) *image.NRGBA { return drawn(person, 0) }

func after(t *testing.T, name string, img *image.NRGBA) *image.NRGBA {
	t.Helper()
	a, err := attack.Find(name)
	require.NoError(t, err)
	return a.Apply(img, 3)
}

// verdict is "apart" where nothing aligns.
func verdict(t *testing.T, o *capture.Original, leak *image.NRGBA) string {
	t.Helper()
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	if s == nil {
		return "apart"
	}
	v, err := s.Verdict()
	require.NoError(t, err)
	return v.String()
}

func TestVerdictOnPhotographs(t *testing.T) {
	o := ofPhoto()
	for _, name := range long.Cases(2, "crop50", "persp3", "whatsapp_twice", "redact30", "jpeg20", "rot90", "thumb320") {
		assert.Equal(t, "same", verdict(t, o, after(t, name, photo(1, 1))), name)
	}
	assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, photo(1, 2)), "another photograph of the card")
	if long.On {
		assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, after(t, "telegram_low", photo(1, 2))), "the same, made small")
	}
	assert.NotContains(t, []string{"same", "unsure", "alike"}, verdict(t, o, photo(2, 1)), "another person's, photographed from the same place")
}

// Print overshoots at white: codecs and resizing cut that off in the leak, not in the prediction.
func TestVerdictOnWhitePages(t *testing.T) {
	letter := func(person uint64) *image.NRGBA {
		page := specimen.NewBlank(specimen.Bill, 1200).Fill(specimen.NewPerson(person))
		return imaging.Resize(imaging.AdjustContrast(imaging.Grayscale(page), 95), 600, 0, imaging.Lanczos)
	}
	o := capture.New(dsp.LazyLuma(letter(1)))
	for _, name := range long.Cases(1, "jpeg30", "whatsapp_twice", "facebook") {
		assert.Equal(t, "same", verdict(t, o, after(t, name, letter(1))), name)
		assert.Equal(t, "other", verdict(t, o, after(t, name, letter(2))), "another person's, then "+name)
	}
}

// Scans have one light, and little noise: that noise and how the card lies tell them
// apart.
func TestVerdictOnScans(t *testing.T) {
	o := capture.New(dsp.LazyLuma(scan(1, 1)))
	for _, name := range long.Cases(1, "jpeg10", "mirror", "screen_photo", "crop50", "rot5") {
		assert.Equal(t, "same", verdict(t, o, after(t, name, scan(1, 1))), name)
	}
	assert.Equal(t, "alike", verdict(t, o, scan(1, 2)), "another scan of the card")
	if long.On {
		assert.Equal(t, "alike", verdict(t, o, after(t, "thumb320", scan(1, 2))), "the same, made small")
	}
	for _, name := range long.Cases(1, "rot5", "screen_photo") {
		assert.NotContains(t, []string{"same", "unsure"}, verdict(t, o, after(t, name, scan(1, 2))), "another, then "+name)
	}
	assert.Equal(t, "other", verdict(t, o, scan(2, 1)), "another person's, laid on the same place")
}

// A scan may by chance lie nearly as straight as another, and moved by nearly a whole number of pixels.
func TestNearlyStraightScanIsNoCrop(t *testing.T) {
	for _, x := range long.Cases(1, []struct {
		template    specimen.Template
		side        int // long side of the scans, pixels
		seed, other uint64
		attack      string
	}{
		{specimen.Passport, 400, 8300 << 32, 8300<<32 + 228, "none"},
		{specimen.Licence, 640, 6021<<32 + 350, 6021<<32 + 351, "border"},
	}...) {
		page := specimen.NewBlank(x.template, x.side*11/12).Fill(specimen.NewPerson(x.seed))
		upload := specimen.Scan(page, x.seed, x.side, x.side*3/4)
		o := capture.New(dsp.LazyLuma(upload))
		assert.Equal(t, "alike", verdict(t, o, after(t, x.attack, specimen.Scan(page, x.other, x.side, x.side*3/4))), "%s: another scan of the card", x.template)
		crop := imaging.Crop(upload, image.Rect(41, 23, x.side-24, x.side*3/4-10))
		assert.Equal(t, "same", verdict(t, o, after(t, "jpeg50", crop)), "%s: its own crop", x.template)
	}
}

// With all that is one person's blacked out, documents of a template are one picture.
func TestRedactedTemplateIsNobodys(t *testing.T) {
	blank := specimen.NewBlank(specimen.Bill, 1100)
	bill := func(person uint64) *image.NRGBA {
		return imaging.Fit(blank.Fill(specimen.NewPerson(person)), 640, 640, imaging.Lanczos)
	}
	redact, err := attack.Find("redact30")
	require.NoError(t, err)
	for _, i := range long.Cases[uint64](1, 0, 1, 2, 3) {
		o := capture.New(dsp.LazyLuma(bill(7001 + i)))
		assert.NotEqual(t, "same", verdict(t, o, redact.Apply(bill(7000+i), i)), "person %d", i)
	}
}

func TestVerdictIsOfWhatIsShown(t *testing.T) {
	o := ofPhoto()
	assert.Contains(t, []string{"apart", "other"}, verdict(t, o, specimen.Landscape(5, 800, 600)))
	s, err := o.Find(t.Context(), dsp.LazyLuma(after(t, "crop25", photo(1, 1))))
	require.NoError(t, err)
	require.NotNil(t, s)
	assert.InDelta(t, 0.25, s.Shown(), 0.03)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = o.Find(ctx, dsp.LazyLuma(photo(1, 1)))
	assert.ErrorIs(t, err, context.Canceled)
	blank := capture.New(dsp.NewPlane(400, 300).Lazy())
	assert.NotEqual(t, "same", verdict(t, blank, image.NewNRGBA(image.Rect(0, 0, 400, 300))), "nothing on nothing")
}

// Boxes do not count, nor does a shade mix them with what can be seen beside them.
func TestShadesBesideBoxes(t *testing.T) {
	small := imaging.Fit(photo(1, 1), 220, 220, imaging.Box)
	for _, name := range []string{"redact30", "redact50", "border"} {
		s, err := ofPhoto().Find(t.Context(), dsp.LazyLuma(after(t, name, small)))
		require.NoError(t, err)
		require.NotNil(t, s, name)
		shades, err := s.Shades()
		require.NoError(t, err)
		assert.Less(t, shades, 5.0, name)
	}
}

// What is laid over a picture leaves it that picture; what stands in the place of something
// else does not.
func TestVerdictOnOverlays(t *testing.T) {
	upload, o := photo(1, 1), ofPhoto()
	at := func(n int) int { return n * photoWidth / 1280 }
	laid := func(c color.NRGBA, lines int) *image.NRGBA {
		img := imaging.Clone(upload)
		for k := range lines {
			for y := at(100 + 90*k); y < at(118+90*k); y++ {
				for x := at(60); x < at(1220); x++ {
					if x/at(25)%2 == 0 {
						i := img.PixOffset(x, (y+x/3)%photoHeight)
						for n, v := range [3]uint8{c.R, c.G, c.B} {
							img.Pix[i+n] = uint8((int(img.Pix[i+n])*(255-int(c.A)) + int(v)*int(c.A)) / 255)
						}
					}
				}
			}
		}
		return img
	}
	for _, x := range []struct {
		name  string
		leak  *image.NRGBA
		after []string
	}{
		{"red", laid(color.NRGBA{R: 230, A: 255}, 5), long.Cases(1, "telegram_low")},
		{"black", laid(color.NRGBA{A: 255}, 4), long.Cases(0, "none", "telegram_low")},
		{"white, see-through", laid(color.NRGBA{R: 255, G: 255, B: 255, A: 110}, 8), long.Cases(1, "telegram_low", "jpeg30")},
	} {
		for _, a := range x.after {
			assert.Equal(t, "same", verdict(t, o, after(t, a, x.leak)), x.name+", then "+a)
		}
	}
	other := photo(2, 1) // noise, light and frame are the first's
	for _, x := range []struct {
		name  string
		of    image.Rectangle
		after []string
	}{
		{"all", upload.Rect, long.Cases(1, "telegram_low", "none", "jpeg30", "thumb320")},
		{"a half", image.Rect(0, 0, at(640), at(960)), long.Cases(1, "thumb320", "none")},
		{"a part", image.Rect(at(320), at(300), at(960), at(620)), long.Cases(1, "telegram_low", "thumb320")},
	} {
		for _, a := range x.after {
			assert.NotEqual(t, "same", verdict(t, o, after(t, a, imaging.Paste(upload, imaging.Crop(other, x.of), x.of.Min))), "another person's in "+x.name+", then "+a)
		}
	}
}
