package specimen

import (
	"image/png"
	"os"
	"testing"
	"time"
)

func TestDocs(t *testing.T) {
	if os.Getenv("DOCS") == "" {
		t.SkipNow()
	}
	for i, tp := range Templates() {
		st := time.Now()
		w := 1400
		b := NewBlank(tp, w)
		t.Log(tp, "blank", time.Since(st))
		st = time.Now()
		im := b.Fill(NewPerson(uint64(100 + i)))
		t.Log(tp, "fill", time.Since(st))
		f, _ := os.Create(os.Getenv("DOCS") + "/" + tp.String() + ".png")
		png.Encode(f, im)
		f.Close()
	}
}
