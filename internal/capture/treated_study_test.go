//go:build study

package capture

import (
	"fmt"
	"image"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestTreatedStrangersStudy compares documents of other persons with uploads of their template, in the same place and the
// same light, after what scanner applications do: 1,068 leaks. It also compares other captures of the card, 60 leaks.
//
//	go test -tags study -timeout 3h -v -run TreatedStrangersStudy ./internal/capture
func TestTreatedStrangersStudy(t *testing.T) {
	counts := make(map[string]map[string]int)
	defer func() {
		for kind, n := range counts {
			t.Logf("%s: %v", kind, n)
		}
	}()
	look := func(kind string, o *Original, leak *image.NRGBA) {
		for _, a := range attack.Scanner() {
			got := shownAs(t, o, a.Apply(leak, 1))
			if counts[kind+a.Name] == nil {
				counts[kind+a.Name] = make(map[string]int)
			}
			counts[kind+a.Name][got]++
			if got == "same" || got == "altered" || got == "edges" {
				t.Logf("TAKEN FOR OURS: %s%s", kind, a.Name)
			}
		}
	}
	for i := range uint64(10) {
		if os.Getenv("PART") != "" && os.Getenv("PART") != fmt.Sprint(i%3) {
			continue
		}
		blank := specimen.NewBlank(specimen.Templates()[i%5], 590)
		shoot := func(person, seed uint64) *image.NRGBA {
			page := blank.Fill(specimen.NewPerson(person))
			w, h := 640, 480
			if page.Rect.Dy() > page.Rect.Dx() {
				h = 960
			}
			if i < 5 {
				return specimen.Photograph(page, seed, w, h)
			}
			return specimen.Scan(page, seed, w, h)
		}
		o := New(dsp.LazyLuma(shoot(8700+i, 8030+i)))
		look("another capture, ", o, shoot(8700+i, 8090+i))
		for k := range uint64(13) {
			look("stranger, ", o, shoot(8800+100*i+k, 8030+i))
		}
	}
	if os.Getenv("PART") != "" && os.Getenv("PART") != "pages" {
		return
	}
	b, err := pages.NewBrowser(t.Context())
	require.NoError(t, err)
	for _, name := range pages.Names() {
		render := func(seed uint64) *image.NRGBA {
			img, err := b.Render(pages.Fill(name, seed, 0))
			require.NoError(t, err)
			return img
		}
		o := New(dsp.LazyLuma(render(8501)))
		for k := range uint64(4) {
			look("page, ", o, render(8502+k))
		}
	}
}

// shownAs returns the verdict on a leak. A page that a computer made is "page" if a field differs or it cannot be read.
func shownAs(t *testing.T, o *Original, leak *image.NRGBA) string {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	if s == nil {
		return "apart"
	}
	v, err := s.Verdict()
	require.NoError(t, err)
	p, err := s.Page()
	require.NoError(t, err)
	if p != nil && (!p.Whole || len(p.Other) > 0) && v != Other && v != Edited {
		return "page"
	}
	return fmt.Sprint(v)
}
