//go:build study

package pattern

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// What the mask's tables rest on: the Butteraugli distance of one and the same mark,
// 1.5 grey levels RMS, on flats of each level and on noise of each strength.
//
//	go test -tags study -run VisibilityStudy -v ./internal/mark/pattern
func TestVisibilityStudy(t *testing.T) {
	const side, level = 768, 1.5
	limit := probed.patternLimit
	kd := NewKeys(&[code.SecretSize]byte{1})
	blind := Lay(kd.Pattern(kd.Payload.Encode(1), nil, nil), kd.Placement([16]byte{}, side, side), side, side)
	own := kd.Tracer([16]byte{}, 1, side, side)
	mark := dsp.NewPlane(side, side)
	for i := range mark.Pix {
		mark.Pix[i] = level * (blindWeight*blind.Pix[i] + tracerWeight*own.Pix[i])
	}
	limited := mark.Clone()
	for i, v := range mark.Pix {
		limited.Pix[i] = Clip(v, -level*limit, level*limit)
	}
	noise := gaussian(side)
	on := func(ground, texture float32, add dsp.Plane) (activity float64, butteraugli string) {
		a, b := dsp.NewPlane(side, side), dsp.NewPlane(side, side)
		for i := range a.Pix {
			a.Pix[i] = float32(dsp.To8(ground + texture*noise.Pix[i]))
			b.Pix[i] = float32(dsp.To8(a.Pix[i] + add.Pix[i]))
		}
		m := newMask(grey(a), smoothness(1, side, side, nil))
		for i, x := range m.texture.Pix {
			r := float64(x/m.flat.Pix[i]) + 1
			activity += (r*r - 1) / float64(len(a.Pix))
		}
		return activity, distance(t, grey(a), grey(b))
	}
	for _, l := range []float32{3, 10, 20, 35, 60, 90, 128, 170, 210, 235, 250} {
		_, d := on(l, 0, mark)
		t.Logf("flat of %3.0f: %s", l, d)
	}
	for _, n := range []float32{1, 2, 4, 8, 16, 32} {
		a, d := on(128, n, mark)
		t.Logf("noise of %2.0f, activity %.2f: %s", n, a, d)
	}
	_, d := on(128, 0, limited)
	t.Logf("flat of 128, peaks limited (%.3f of the energy): %s", limited.SumSquares()/mark.SumSquares(), d)
}

func grey(p dsp.Plane) dsp.RGB { return dsp.RGB{R: p, G: p, B: p} }

// What the mask of the blue difference rests on: the Butteraugli distance of one and the same mark, 1.5 grey levels RMS
// of blue difference, on flats of each level and colour and on noise.
func TestColourVisibilityStudy(t *testing.T) {
	const side, level = 512, 1.5
	kd := NewKeys(&[code.SecretSize]byte{1})
	mark := Lay(kd.Pattern(kd.Payload.Encode(1), nil, nil), kd.Placement([16]byte{}, canonicalSide, canonicalSide), side, side)
	noise := gaussian(side)
	flat := func(luma, cb, cr, texture, level float32) (out dsp.RGB) {
		out = dsp.RGB{R: dsp.NewPlane(side, side), G: dsp.NewPlane(side, side), B: dsp.NewPlane(side, side)}
		for i, m := range mark.Pix {
			y, c := luma+texture*noise.Pix[i], cb-level*Clip(m, -chromaLimit, chromaLimit)
			out.R.Pix[i], out.G.Pix[i], out.B.Pix[i] = y+1.402*cr, y-cbToG*c-.714*cr, y+cbToB*c
		}
		return out
	}
	for _, c := range [][4]float32{
		{5, 0, 0, 0}, {20, 0, 0, 0}, {40, 0, 0, 0}, {64, 0, 0, 0}, {96, 0, 0, 0}, {128, 0, 0, 0}, {210, 0, 0, 0}, {245, 0, 0, 0},
		{128, 0, 0, 1}, {128, 0, 0, 2}, {128, 0, 0, 4}, {128, 0, 0, 8},
		{128, -20, 0, 0}, {128, -60, 0, 0}, {128, 20, 0, 0}, {128, 60, 0, 0}, {128, 0, 30, 0}, {128, 0, -30, 0}, {200, -25, 20, 0}, {90, -15, 15, 0},
	} {
		d := distance(t, flat(c[0], c[1], c[2], c[3], 0), flat(c[0], c[1], c[2], c[3], level))
		t.Logf("luma %3.0f, differences %3.0f and %3.0f, noise of %.0f: %s", c[0], c[1], c[2], c[3], d)
	}
}

// gaussian returns noise of unit power, blurred by a pixel.
func gaussian(side int) dsp.Plane {
	noise := dsp.NewPlane(side, side)
	s := code.NewStream([]byte("visibility study, not a secret.."))
	for i := range noise.Pix {
		noise.Pix[i] = float32(math.Sqrt(-2*math.Log(1-s.Unit())) * math.Cos(2*math.Pi*s.Unit()))
	}
	noise = dsp.Gauss(noise, 1)
	noise.Scale(float32(1 / noise.RMS()))
	return noise
}

func distance(t *testing.T, a, b dsp.RGB) string {
	t.Helper()
	files := [2]string{filepath.Join(t.TempDir(), "a.ppm"), filepath.Join(t.TempDir(), "b.ppm")}
	for i, p := range [2]dsp.RGB{a, b} {
		f, err := os.Create(files[i])
		require.NoError(t, err)
		w := bufio.NewWriter(f)
		fmt.Fprintf(w, "P6\n%d %d\n255\n", p.R.W, p.R.H)
		for i, r := range p.R.Pix {
			w.Write([]byte{dsp.To8(r), dsp.To8(p.G.Pix[i]), dsp.To8(p.B.Pix[i])})
		}
		require.NoError(t, w.Flush())
		require.NoError(t, f.Close())
	}
	out, err := exec.Command("butteraugli_main", files[0], files[1], "--pnorm", "3").Output()
	require.NoError(t, err, "Debian's libjxl-devtools has butteraugli_main")
	return strings.Join(strings.Fields(string(out)), " ")
}
