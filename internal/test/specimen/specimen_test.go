package specimen_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// pictures draws one small picture of every kind.
func pictures() map[string]*image.NRGBA {
	p := specimen.NewPerson(7)
	card := specimen.Render(specimen.IDCard, p, 240)
	all := map[string]*image.NRGBA{
		"portrait":   specimen.Portrait(p, 70, 90),
		"selfie":     specimen.Selfie(p, 2, 90, 120),
		"landscape":  specimen.Landscape(3, 120, 80),
		"photograph": specimen.Photograph(card, 4, 160, 120),
		"scan":       specimen.Scan(card, 5, 160, 120),
	}
	for _, t := range specimen.Templates() {
		all[t.String()] = specimen.Render(t, p, 200)
	}
	return all
}

func TestSameSeedSamePicture(t *testing.T) {
	first, second := pictures(), pictures()
	before := runtime.GOMAXPROCS(1)
	alone := pictures()
	runtime.GOMAXPROCS(before)
	for name, img := range first {
		assert.True(t, bytes.Equal(img.Pix, second[name].Pix), name)
		assert.True(t, bytes.Equal(img.Pix, alone[name].Pix), "%s depends on how many goroutines draw it", name)
	}
}

func TestSizes(t *testing.T) {
	p := specimen.NewPerson(1)
	for _, c := range []struct {
		name string
		img  *image.NRGBA
		w, h int
	}{
		{"passport", specimen.Render(specimen.Passport, p, 250), 250, 176},
		{"card", specimen.Render(specimen.IDCard, p, 856), 856, 540},
		{"bill", specimen.Render(specimen.Bill, p, 210), 210, 297},
		{"one pixel", specimen.Render(specimen.Licence, p, 1), 1, 1},
		{"no width", specimen.Render(specimen.Passport, p, 0), 0, 0},
		{"no template", specimen.Render(0, p, 100), 0, 0},
		{"unknown template", specimen.Render(200, p, 100), 0, 0},
		{"portrait", specimen.Portrait(p, 35, 45), 35, 45},
		{"portrait 1x1", specimen.Portrait(p, 1, 1), 1, 1},
		{"no portrait", specimen.Portrait(p, 0, 45), 0, 0},
		{"selfie 3x1", specimen.Selfie(p, 1, 3, 1), 3, 1},
		{"no selfie", specimen.Selfie(p, 1, 3, -1), 0, 0},
		{"landscape 1x3", specimen.Landscape(1, 1, 3), 1, 3},
		{"no landscape", specimen.Landscape(1, -5, 3), 0, 0},
		{"photograph 1x1", specimen.Photograph(specimen.Portrait(p, 35, 45), 1, 1, 1), 1, 1},
		{"photograph of nothing", specimen.Photograph(image.NewNRGBA(image.Rectangle{}), 1, 12, 9), 12, 9},
		{"no photograph", specimen.Photograph(specimen.Portrait(p, 35, 45), 1, 0, 1), 0, 0},
		{"no scan", specimen.Scan(specimen.Portrait(p, 35, 45), 1, 1, 0), 0, 0},
	} {
		assert.Equal(t, image.Rect(0, 0, c.w, c.h), c.img.Rect, c.name)
	}
	assert.NotPanics(t, func() { specimen.Render(specimen.Passport, specimen.Person{}, 80) }, "nobody")
}

func TestCardsHaveRoundCorners(t *testing.T) {
	for _, template := range specimen.Templates() {
		img := specimen.Render(template, specimen.NewPerson(2), 200)
		corner := img.NRGBAAt(0, 0).A
		if template == specimen.Passport || template == specimen.Bill {
			assert.EqualValues(t, 255, corner, template)
		} else {
			assert.Zero(t, corner, template)
		}
		assert.EqualValues(t, 255, img.NRGBAAt(100, 50).A, template)
	}
}

// difference is the mean absolute difference of two pictures of a size within a
// part given in hundredths of width and height, 8-bit levels.
func difference(a, b *image.NRGBA, part image.Rectangle) float64 {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	sum, n := 0, 0
	for y := part.Min.Y * h / 100; y < part.Max.Y*h/100; y++ {
		for x := part.Min.X * w / 100; x < part.Max.X*w/100; x++ {
			p, q := a.Pix[a.PixOffset(x, y):], b.Pix[b.PixOffset(x, y):]
			for i := range 3 {
				sum += max(int(p[i])-int(q[i]), int(q[i])-int(p[i]))
				n++
			}
		}
	}
	return float64(sum) / float64(n)
}

// Two persons' documents of one template share the template and differ in what
// a verifier must look at.
func TestSameTemplateOtherPerson(t *testing.T) {
	for _, c := range []struct {
		template              specimen.Template
		shared, face, written image.Rectangle // hundredths
	}{
		{specimen.Passport, image.Rect(0, 0, 100, 18), image.Rect(6, 26, 30, 70), image.Rect(34, 30, 70, 42)},
		{specimen.IDCard, image.Rect(0, 0, 100, 20), image.Rect(8, 28, 30, 82), image.Rect(37, 28, 60, 40)},
		{specimen.Licence, image.Rect(0, 0, 100, 20), image.Rect(71, 30, 92, 75), image.Rect(7, 28, 30, 50)},
		{specimen.Residence, image.Rect(0, 0, 100, 10), image.Rect(7, 18, 23, 52), image.Rect(5, 62, 94, 96)},
		{specimen.Bill, image.Rect(0, 0, 100, 14), image.Rectangle{}, image.Rect(7, 18, 40, 28)},
	} {
		blank := specimen.NewBlank(c.template, 600)
		a, b := blank.Fill(specimen.NewPerson(11)), blank.Fill(specimen.NewPerson(12))
		assert.Zero(t, difference(a, b, c.shared), "%v: header", c.template)
		if !c.face.Empty() {
			assert.Greater(t, difference(a, b, c.face), 12.0, "%v: portrait", c.template)
		}
		assert.Greater(t, difference(a, b, c.written), 2.0, "%v: text", c.template)
	}
}

func TestPersonsAreDistinct(t *testing.T) {
	const persons = 2000
	numbers, names := map[string]uint64{}, map[string]int{}
	for seed := range uint64(persons) {
		p := specimen.NewPerson(seed)
		require.True(t, p.Issued.Year()-p.Born.Year() >= 13 && p.Expires.After(p.Issued), "person %d", seed)
		for _, template := range specimen.Templates() {
			number := p.Number(template)
			other, taken := numbers[number]
			require.False(t, taken, "persons %d and %d share number %s", seed, other, number)
			numbers[number] = seed
		}
		names[p.Name()]++
	}
	assert.Greater(t, len(names), persons*9/10, "few persons share a name")
}

// Looks spread: no two of many small portraits are near, and skins reach from
// very dark to light.
func TestPortraitsAreDistinct(t *testing.T) {
	const persons = 120
	whole, cheek := image.Rect(0, 0, 100, 100), image.Rect(40, 48, 60, 56)
	black := image.NewNRGBA(image.Rect(0, 0, 28, 36))
	var faces []*image.NRGBA
	darkest, lightest := 255.0, 0.0
	for seed := range uint64(persons) {
		img := specimen.Portrait(specimen.NewPerson(seed), 28, 36)
		tone := difference(img, black, cheek)
		darkest, lightest = min(darkest, tone), max(lightest, tone)
		for other, face := range faces {
			require.Greater(t, difference(img, face, whole), 1.5, "persons %d and %d", seed, other)
		}
		faces = append(faces, img)
	}
	assert.Less(t, darkest, 65.0)
	assert.Greater(t, lightest, 175.0)
}

func TestBlankServesManyAtOnce(t *testing.T) {
	blank := specimen.NewBlank(specimen.Licence, 200)
	var wait sync.WaitGroup
	for seed := range uint64(8) {
		wait.Go(func() {
			p := specimen.NewPerson(seed)
			assert.Equal(t, specimen.Render(specimen.Licence, p, 200).Pix, blank.Fill(p).Pix)
		})
	}
	wait.Wait()
}

func BenchmarkRender(b *testing.B) {
	p := specimen.NewPerson(39)
	for _, t := range specimen.Templates() {
		b.Run(t.String(), func(b *testing.B) {
			for b.Loop() {
				specimen.Render(t, p, 1600)
			}
		})
	}
}

func BenchmarkPhotograph(b *testing.B) {
	doc := specimen.Render(specimen.Passport, specimen.NewPerson(39), 1400)
	for b.Loop() {
		specimen.Photograph(doc, 1, 1600, 1200)
	}
}

func BenchmarkSelfie(b *testing.B) {
	for b.Loop() {
		specimen.Selfie(specimen.NewPerson(39), 1, 1200, 1600)
	}
}

func BenchmarkLandscape(b *testing.B) {
	for b.Loop() {
		specimen.Landscape(7, 1600, 1067)
	}
}

// BenchmarkCorpus is one document of a same-template corpus: filled from a
// shared blank and photographed small.
func BenchmarkCorpus(b *testing.B) {
	blank := specimen.NewBlank(specimen.IDCard, 640)
	for i := 0; b.Loop(); i++ {
		specimen.Photograph(blank.Fill(specimen.NewPerson(uint64(i))), uint64(i), 800, 600)
	}
}

// The shipped pictures and the measured trials are made of these pixels: they never change.
func TestPixelVectors(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		skip.Test(t, "drawn on amd64: other processors may fuse multiplications and additions")
	}
	sum, all := sha256.New(), pictures()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintln(sum, name, all[name].Rect)
		sum.Write(all[name].Pix)
	}
	require.Equal(t, "9705207de47507c11770664261138e9f68d1f93bd7052aa9cacca41fbe1a6a53", fmt.Sprintf("%x", sum.Sum(nil)))
}
