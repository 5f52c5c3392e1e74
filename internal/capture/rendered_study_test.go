//go:build study

package capture

import (
	"fmt"
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/pages"
)

// TestRenderedStudy measures what is said of leaks of pages that a computer made: own ones, and pages of strangers. It
// counts templates by which thresholds were chosen apart. With -short each template has one size of three.
//
//	go test -tags study -short -timeout 3h -v -run RenderedStudy ./internal/capture
func TestRenderedStudy(t *testing.T) {
	b, err := pages.NewBrowser(t.Context())
	require.NoError(t, err)
	render := func(name string, seed uint64, size int) *image.NRGBA {
		p, err := b.Render(pages.Fill(name, seed, size))
		require.NoError(t, err)
		return p
	}
	attacks := []string{"none", "jpeg75", "jpeg30", "resize50", "whatsapp", "telegram_low", "crop75", "blur1", "thumb320", "screenshot", "rot1"}
	counts := make(map[string]int)
	for n, name := range pages.Names() {
		known := " unseen"
		if slices.Contains(pages.Tuned, name) {
			known = " tuned"
		}
		for i := range uint64(3) {
			if testing.Short() && int(i) != n%3 {
				continue
			}
			upload := after(t, []string{"none", "jpeg90", "jpeg75"}[i], render(name, 4800+i, int(i)), 1)
			o := New(dsp.LazyLuma(upload))
			for k, a := range attacks {
				fields(t, o, fmt.Sprintf("own %s %d %s", name, i, a), after(t, a, upload, uint64(k)), "own"+known, counts)
				other := render(name, 4900+uint64(k)+10*i, int(i)+k%2)
				fields(t, o, fmt.Sprintf("stranger %s %d %s", name, i, a), after(t, a, other, uint64(k)), "stranger"+known, counts)
			}
		}
	}
	t.Logf("%v", counts)
}

// fields counts the verdict on a leak under kind, with the rule for pages and without it, and logs what it rests on.
func fields(t *testing.T, o *Original, name string, leak *image.NRGBA, kind string, counts map[string]int) {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	v, text := Other, "apart"
	if s != nil {
		v, err = s.Verdict()
		require.NoError(t, err)
		text = v.String()
	}
	if v == Same || v == Altered {
		counts[kind+" same without the rule"]++
	}
	if s != nil && s.fitted != nil {
		p := s.fitted.fields()
		text += fmt.Sprintf(", fields %d, whole %v, unseen %.5f, %s", len(p.Other), p.Whole, s.unseen(), residual(s))
		switch {
		case len(p.Other) > 0:
			v = Edited
		case !p.Whole:
			v = Alike
		}
	}
	counts[kind+" "+v.String()]++
	t.Logf("%s: %s", name, text)
}

// residual returns how much the squares of a leak differ from the prediction, in parts of the power of both.
func residual(s *Sight) string {
	want, seen := dsp.HighPass(s.fitted.Predicted, fieldHigh), dsp.HighPass(s.Leak, fieldHigh)
	var all []float64
	for y := 0; y+fieldSide <= want.H; y += fieldStep {
		for x := 0; x+fieldSide <= want.W; x += fieldStep {
			if off, both, _, ok := fieldPower(s.fitted.Inside, want, seen, x, y); ok && both >= fieldSide*fieldSide*minFieldPower {
				all = append(all, off/both)
			}
		}
	}
	if len(all) == 0 {
		return "no squares"
	}
	slices.Sort(all)
	n := len(all)
	return fmt.Sprintf("squares %d: median %.3f 90%% %.3f 99%% %.3f max %.3f", n, all[n/2], all[n*9/10], all[n*99/100], all[n-1])
}

// TestIndividualStudy measures what tells pages that a computer made from captures: see [evenShare].
//
//	KYCMARK_SHARED=... go test -tags study -timeout 1h -v -run IndividualStudy ./internal/capture
func TestIndividualStudy(t *testing.T) {
	for _, p := range sharpPictures(t) {
		for _, a := range []string{"none", "jpeg75", "jpeg30"} {
			t.Logf("CAPTURE %d %s: %.3f", p.Rect.Dx(), a, New(dsp.LazyLuma(after(t, a, p, 1))).even())
		}
	}
	for _, p := range whitePages(t) {
		t.Logf("WHITE %s: %.3f", p.name, New(dsp.LazyLuma(p.upload)).even())
	}
	b, err := pages.NewBrowser(t.Context())
	require.NoError(t, err)
	for i, name := range pages.Tuned {
		p, err := b.Render(pages.Fill(name, uint64(i), i))
		require.NoError(t, err)
		for _, a := range []string{"none", "jpeg75", "jpeg30", "whatsapp", "resize50"} {
			t.Logf("RENDERED %s %s: %.3f", name, a, New(dsp.LazyLuma(after(t, a, p, 1))).even())
		}
	}
}
