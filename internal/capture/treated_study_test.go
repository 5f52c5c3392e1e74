//go:build study

package capture

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

func TestTreatedStudy(t *testing.T) {
	look := func(name string, o *Original, leak *image.NRGBA, bilevel bool) {
		s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
		require.NoError(t, err)
		if s == nil {
			t.Logf("%s: apart", name)
			return
		}
		line := ""
		best, at := 1e9, treatment{}
		for _, reach := range append([]float64{0}, reaches[:]...) {
			tr, e := treatmentOf(reach, s.pairs(reach), bilevel)
			line += fmt.Sprintf(" %.1f(%.0f %.0f)", e, tr.low, tr.high)
			if e < best && (bilevel || reach > 0) {
				best, at = e, tr
			}
		}
		u := s
		v, err := u.Verdict()
		require.NoError(t, err)
		before := fmt.Sprint(u.isTreated, u.onlyEdges)
		n := u.Likeness()
		text := ""
		if u.fit != nil {
			all := u.places(u.fit)
			half, far := u.onFrame(all)
			text = fmt.Sprintf("changed %.4f bend %.3f frame %.3f %.3f", u.changed(u.changes), u.bend(u.fit), half, far)
		}
		t.Logf("%s:%s {%.3f %.0f %.0f} %s -> %s, agree %d opposed %d exch %d of %d of %d, spread %.2f soft %.1f light %.2f %.2f foreign %v %s q %.2f", name, line, at.reach, at.low, at.high, before, v,
			n.Agree, n.Opposed, n.Exchanged, n.Textured-n.Covered, n.Textured, n.Spread, n.Softening, u.light[0], u.light[1], n.Foreign, text, s.Quality)
	}
	ways := append(attack.Scanner(), []attack.Attack{}...)
	for _, n := range strings.Fields(os.Getenv("ORDINARY")) {
		a, err := attack.Find(n)
		require.NoError(t, err)
		ways = append(ways, a)
	}
	if only := os.Getenv("SCANS"); only != "" {
		ways = slices.DeleteFunc(ways, func(a attack.Attack) bool { return a.Group == "scanner" && !strings.Contains(only, a.Name) })
	}
	bilevel := func(a attack.Attack) bool { return slices.Contains([]string{"adaptive", "g4_200", "g4_300"}, a.Name) }
	paths, _ := filepath.Glob(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", "documents", "*"))
	paths = slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, ".tif") })
	for i := 0; i < len(paths); i += 4 {
		if only := os.Getenv("DOC"); only != "" && !strings.Contains(paths[i], only) {
			continue
		}
		p, err := fromfile.Picture(paths[i], picture.Limits{})
		require.NoError(t, err)
		img := picture.Fit(picture.Flatten(p.Image), 1600)
		o := New(dsp.LazyLuma(img))
		for _, a := range ways {
			look(fmt.Sprintf("OWN %.20s %s", filepath.Base(paths[i]), a.Name), o, a.Apply(img, 1), bilevel(a))
		}
	}
	for i := range uint64(6) {
		blank := specimen.NewBlank(specimen.Templates()[i%5], 900)
		shoot := func(person, seed uint64) *image.NRGBA {
			page := blank.Fill(specimen.NewPerson(person))
			w, h := 1000, 750
			if page.Rect.Dy() > page.Rect.Dx() {
				w, h = 1000, 1500
			}
			if i%2 == 0 {
				return specimen.Photograph(page, seed, w, h)
			}
			return specimen.Scan(page, seed, w, h)
		}
		img := shoot(700+i, 30+i)
		o := New(dsp.LazyLuma(img))
		for _, a := range ways {
			look(fmt.Sprintf("OWN drawn %d %s", i, a.Name), o, a.Apply(img, 1), bilevel(a))
			look(fmt.Sprintf("STRANGER drawn %d %s", i, a.Name), o, a.Apply(shoot(800+i, 30+i), 1), bilevel(a))
			look(fmt.Sprintf("AGAIN drawn %d %s", i, a.Name), o, a.Apply(shoot(700+i, 90+i), 1), bilevel(a))
		}
	}
}
