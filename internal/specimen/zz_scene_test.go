package specimen

import (
	"image"
	"image/png"
	"os"
	"testing"
	"time"
)

func TestScenes(t *testing.T) {
	if os.Getenv("DOCS") == "" {
		t.SkipNow()
	}
	save := func(n string, f func() *image.NRGBA) {
		st := time.Now()
		im := f()
		t.Log(n, time.Since(st))
		o, _ := os.Create(os.Getenv("DOCS") + "/" + n + ".png")
		png.Encode(o, im)
		o.Close()
	}
	save("land", func() *image.NRGBA { return Landscape(3, 1600, 1067) })
	save("selfie", func() *image.NRGBA { return Selfie(NewPerson(39), 1, 1200, 1600) })
	d := Render(Passport, NewPerson(100), 1400)
	save("photo1", func() *image.NRGBA { return Photograph(d, 1, 1600, 1200) })
	d = Render(IDCard, NewPerson(101), 1400)
	save("photo2", func() *image.NRGBA { return Photograph(d, 2, 1600, 1200) })
	d = Render(Bill, NewPerson(101), 1400)
	save("scan", func() *image.NRGBA { return Scan(d, 2, 1200, 1697) })
}

func TestSelfies(t *testing.T) {
	if os.Getenv("DOCS") == "" {
		t.SkipNow()
	}
	out := image.NewNRGBA(image.Rect(0, 0, 4*450, 2*600))
	for i := range 8 {
		im := Selfie(NewPerson(uint64(i+1)), uint64(i), 450, 600)
		for y := range 600 {
			copy(out.Pix[out.PixOffset(i%4*450, i/4*600+y):], im.Pix[y*im.Stride:(y+1)*im.Stride])
		}
	}
	o, _ := os.Create(os.Getenv("DOCS") + "/selfies.png")
	png.Encode(o, out)
	o.Close()
}
