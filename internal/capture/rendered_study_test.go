//go:build study

package capture

import (
	"fmt"
	"image"
	"os/exec"
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
	program, err := exec.LookPath("chromium")
	require.NoError(t, err)
	b, err := pages.NewBrowser(t.Context(), program)
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
				counts["own "+fields(t, o, fmt.Sprintf("OWN %s %d %s", name, i, a), after(t, a, upload, uint64(k))).String()+known]++
				other := render(name, 4900+uint64(k)+10*i, int(i)+k%2)
				counts["stranger "+fields(t, o, fmt.Sprintf("OTHER %s %d %s", name, i, a), after(t, a, other, uint64(k))).String()+known]++
			}
		}
	}
	t.Logf("%v", counts)
}

func fields(t *testing.T, o *Original, name string, leak *image.NRGBA) Verdict {
	s, err := o.Find(t.Context(), dsp.LazyLuma(leak))
	require.NoError(t, err)
	if s == nil {
		t.Logf("%s: apart", name)
		return Other
	}
	v, err := s.Verdict()
	require.NoError(t, err)
	n := s.Likeness()
	text := ""
	if s.fit != nil {
		p := s.fields(s.fit)
		text = fmt.Sprintf("fields %d whole %v unseen %.5f ", len(p.Other), p.Whole, s.unseen()) + residual(s)
		switch {
		case len(p.Other) > 0:
			text, v = "FIELDS "+text, Edited
		case !p.Whole:
			text, v = "PART "+text, Alike
		}
	}
	t.Logf("%s: %s leak %d of %d, %d of %d of %d, exch %d light %.2f %.2f, foreign %v, %s", name, v, s.Leak.W, leak.Rect.Dx(), n.Agree, n.Textured-n.Covered, n.Textured, n.Exchanged, s.light[0], s.light[1], n.Foreign, text)
	return v
}

func residual(s *Sight) string {
	f := s.fit
	const side, step = 12, 4
	pb, lb := dsp.HighPass(f.Predicted, 3), dsp.HighPass(s.Leak, 3)
	var all []float64
	for y := 0; y+side <= pb.H; y += step {
		for x := 0; x+side <= pb.W; x += step {
			var e, p float64
			in := true
			for j := y; j < y+side && in; j++ {
				for i := x; i < x+side; i++ {
					k := j*pb.W + i
					if f.Inside.Pix[k] == 0 {
						in = false
						break
					}
					d := float64(lb.Pix[k] - pb.Pix[k])
					e += d * d
					p += float64(pb.Pix[k])*float64(pb.Pix[k]) + float64(lb.Pix[k])*float64(lb.Pix[k])
				}
			}
			if in && p > side*side*200 {
				all = append(all, e/p)
			}
		}
	}
	if len(all) == 0 {
		return "no windows"
	}
	slices.Sort(all)
	n := len(all)
	over := 0
	for _, v := range all {
		if v > 0.35 {
			over++
		}
	}
	return fmt.Sprintf("windows %d: median %.3f 90%% %.3f 99%% %.3f max %.3f over %d", n, all[n/2], all[n*9/10], all[n*99/100], all[n-1], over)
}

// TestIndividualStudy measures what tells pages that a computer made from captures.
func TestIndividualStudy(t *testing.T) {
	for _, p := range sharpPictures(t) {
		for _, a := range []string{"none", "jpeg75", "jpeg30"} {
			t.Logf("CAPTURE %d %s: %s", p.Rect.Dx(), a, flatness(after(t, a, p, 1)))
		}
	}
	for _, p := range whitePages(t) {
		t.Logf("WHITE %s: %s", p.name, flatness(p.upload))
	}
	program, err := exec.LookPath("chromium")
	require.NoError(t, err)
	b, err := pages.NewBrowser(t.Context(), program)
	require.NoError(t, err)
	for i, name := range pages.Tuned {
		p, err := b.Render(pages.Fill(name, uint64(i), i))
		require.NoError(t, err)
		for _, a := range []string{"none", "jpeg75", "jpeg30", "whatsapp", "resize50"} {
			t.Logf("RENDERED %s %s: %s", name, a, flatness(after(t, a, p, 1)))
		}
	}
}

func flatness(p *image.NRGBA) string {
	o := New(dsp.LazyLuma(p))
	c := o.coarse()
	d := band(c, detailFine, detailCoarse)
	n, smooth, flat, mid, midFlat := 0, 0, 0, 0, 0
	for y := 0; y+8 <= c.H; y += 8 {
		for x := 0; x+8 <= c.W; x += 8 {
			n++
			lo, hi, dl, dh := c.Pix[y*c.W+x], c.Pix[y*c.W+x], float32(0), float32(0)
			var sum float32
			for j := y; j < y+8; j++ {
				for i := x; i < x+8; i++ {
					v, w := c.Pix[j*c.W+i], d.Pix[j*d.W+i]
					lo, hi, dl, dh = min(lo, v), max(hi, v), min(dl, w), max(dh, w)
					sum += v
				}
			}
			if dh-dl > 6 {
				continue
			}
			smooth++
			isFlat := hi-lo <= 1.01
			if isFlat {
				flat++
			}
			if m := sum / 64; m > 8 && m < 247 {
				mid++
				if isFlat {
					midFlat++
				}
			}
		}
	}
	return fmt.Sprintf("EVEN %.3f ", o.even()) + fmt.Sprintf("smooth %.2f flat/smooth %.3f mid %.3f midflat/mid %.3f restless %.3f", float64(smooth)/float64(n), float64(flat)/float64(max(smooth, 1)), float64(mid)/float64(n), float64(midFlat)/float64(max(mid, 1)), float64(mid-midFlat)/float64(n))
}
