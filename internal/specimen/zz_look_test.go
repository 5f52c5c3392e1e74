package specimen

import (
	"image"
	"image/draw"
	"image/png"
	"os"
	"strconv"
	"testing"
	"time"
)

func TestLookSheet(t *testing.T) {
	if os.Getenv("SHEET") == "" {
		t.SkipNow()
	}
	n, _ := strconv.Atoi(os.Getenv("FROM"))
	cols, rows, w, h := 5, 3, 350, 450
	if os.Getenv("BIG") != "" {
		cols, rows, w, h = 2, 1, 800, 1029
	}
	out := image.NewNRGBA(image.Rect(0, 0, cols*w, rows*h))
	st := time.Now()
	for i := range cols * rows {
		p := NewPerson(uint64(n + i))
		im := Portrait(p, w, h)
		draw.Draw(out, image.Rect(i%cols*w, i/cols*h, i%cols*w+w, i/cols*h+h), im, image.Point{}, draw.Src)
	}
	t.Log(time.Since(st) / time.Duration(cols*rows))
	f, _ := os.Create(os.Getenv("SHEET"))
	png.Encode(f, out)
	f.Close()
}
