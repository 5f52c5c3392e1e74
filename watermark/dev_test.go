package watermark

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/quality"
)

func TestDev(t *testing.T) {
	files := strings.Split(os.Getenv("PICS"), ",")
	var list []string
	for _, f := range files {
		m, _ := filepath.Glob("../../shared/pictures/*/" + f)
		list = append(list, m...)
	}
	names := strings.Split(os.Getenv("ATT"), ",")
	key := newKey([32]byte{1, 2, 3})
	for _, f := range list {
		p, err := picture.Load(f, picture.Limits{})
		if err != nil {
			t.Log(f, err)
			continue
		}
		src := picture.Flatten(p.Image)
		t0 := time.Now()
		m, err := Embed(key, 0x0123456789abcdef, src, nil)
		if err != nil {
			t.Log(f, err)
			continue
		}
		te := time.Since(t0)
		line := ""
		for _, n := range names {
			a, err := attack.Find(n)
			if err != nil {
				t.Fatal(err)
			}
			leak := a.Apply(m, 7)
			t0 := time.Now()
			d, err := Detect(context.Background(), key, leak)
			if err != nil {
				t.Log(err)
				continue
			}
			ok := "-"
			if d.Found {
				ok = "WRONG"
				if d.Copy == 0x0123456789abcdef {
					ok = "ok"
				}
			}
			line += fmt.Sprintf(" %s:%s(%.2f,%d,%.1fs)", n, ok, d.Correlation, d.Checks, time.Since(t0).Seconds())
		}
		fmt.Println(filepath.Base(f), src.Rect.Size(), fmt.Sprintf("psnr %.1f ssim %.4f embed %.1fs", quality.PSNR(src, m), quality.SSIM(src, m), te.Seconds()), line)
	}
}
