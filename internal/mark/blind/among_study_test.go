//go:build study && unix

package blind

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/webp"
)

var amongPictures = flag.String("among", "", "folders")

func lnE(soft []float64, coded []float32) float64 {
	n := 0.0
	for _, v := range soft {
		n += v * v
	}
	n = math.Sqrt(n)
	u := make([]float64, len(soft))
	s := 0.0
	for j, v := range soft {
		u[j] = v / n
		s += u[j] * float64(coded[j])
	}
	sum := 0.0
	rs := []float64{.25, .35, .45}
	for _, r := range rs {
		l := math.Sqrt(code.CodedN) * r / (1 - r*r)
		sum += math.Exp(l*s - code.LnMean(u, l))
	}
	return math.Log(sum / float64(len(rs)))
}

func external(t *testing.T, img image.Image, enc []string, ext string, dec func(in, out string) []string) *image.NRGBA {
	dir := t.TempDir()
	in, mid, out := filepath.Join(dir, "a.png"), filepath.Join(dir, "a."+ext), filepath.Join(dir, "b.png")
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	require.NoError(t, os.WriteFile(in, b.Bytes(), 0o600))
	args := append(append([]string{}, enc...), in, "-o", mid)
	if ext == "avif" {
		args = append(append([]string{}, enc...), in, mid)
	}
	o, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	require.NoError(t, err, string(o))
	a := dec(mid, out)
	o, err = exec.Command(a[0], a[1:]...).CombinedOutput()
	require.NoError(t, err, string(o))
	p, err := picture.Load(out, picture.Limits{})
	require.NoError(t, err)
	return picture.Flatten(p.Image)
}

func TestAmongStudy(t *testing.T) {
	var files []string
	m, _ := filepath.Glob(filepath.Join(*amongPictures, "*"))
	files = append(files, m...)
	web := func(q int) func(*image.NRGBA) *image.NRGBA {
		return func(p *image.NRGBA) *image.NRGBA {
			var b bytes.Buffer
			require.NoError(t, webp.Encode(&b, p, q, nil, nil))
			f := filepath.Join(t.TempDir(), "x.webp")
			require.NoError(t, os.WriteFile(f, b.Bytes(), 0o600))
			q, err := picture.Load(f, picture.Limits{})
			require.NoError(t, err)
			return picture.Flatten(q.Image)
		}
	}
	fit := func(side int, then func(*image.NRGBA) *image.NRGBA) func(*image.NRGBA) *image.NRGBA {
		return func(p *image.NRGBA) *image.NRGBA { return then(rendition(p, side, 0)) }
	}
	jpeg := func(name string) func(*image.NRGBA) *image.NRGBA {
		return func(p *image.NRGBA) *image.NRGBA {
			a, err := attack.Find(name)
			require.NoError(t, err)
			return a.Apply(p, 0)
		}
	}
	kinds := []struct {
		name string
		f    func(*image.NRGBA) *image.NRGBA
	}{
		{"jpeg10", jpeg("jpeg10")},
		{"thumb240", fit(240, func(p *image.NRGBA) *image.NRGBA { return attack.JPEG(80)(nil, p) })},
		{"sticker512", fit(512, web(60))},
		{"webp10", web(10)},
		{"avif1280", fit(1280, func(p *image.NRGBA) *image.NRGBA {
			return external(t, p, []string{"avifenc", "-s", "8", "--min", "45", "--max", "45", "-y", "420"}, "avif", func(i, o string) []string { return []string{"avifdec", i, o} })
		})},
		{"heic1280", fit(1280, func(p *image.NRGBA) *image.NRGBA {
			return external(t, p, []string{"heif-enc", "-q", "25"}, "heic", func(i, o string) []string { return []string{"heif-convert", i, o} })
		})},
	}
	kd := studyKeys
	ids := []uint64{studyID}
	rr := rand.New(rand.NewPCG(1, 9))
	for range 1_000_000 {
		ids = append(ids, rr.Uint64())
	}
	book := kd.Payload.NewBook(ids)
	for _, k := range kinds {
		var n, found, in3, in6 int
		for _, file := range files {
			p, err := picture.Load(file, picture.Limits{})
			if err != nil {
				continue
			}
			r := rendition(picture.Flatten(p.Image), 1600, 0)
			m := embedForStudy(kd, studyID, r)
			if m == nil {
				continue
			}
			c, err := pattern.NewCanvas(r)
			require.NoError(t, err)
			o := original{c, kd.Placement(c.Digest(), c.Luma.W, c.Luma.H)}
			img := k.f(m)
			l, err := newLeak(img)
			require.NoError(t, err)
			rd := newReader(context.Background(), l, kd)
			require.NoError(t, search([]*reader{rd}))
			start := cpuTime()
			among := rd.unread().Among(book)
			took := cpuTime() - start
			there := newReader(context.Background(), l, kd)
			place := o.onField(l.carriers[0].W, l.carriers[0].H)
			soft := combinedSoft(there, tracked{m: place}, 1)
			e := lnE(soft, kd.Payload.Encode(studyID))
			listed, logP := len(rd.found) > 0 || len(among) > 0, 0.0
			if len(among) > 0 {
				logP = among[0].LogPFA
				require.Equal(t, uint64(studyID), among[0].ID)
			}
			if listed {
				in3++
			}
			if yes2 := len(rd.found) > 0; yes2 || e > math.Log(1e9*1e6*8) {
				in6++
			}
			n++
			yes := len(rd.found) > 0
			if yes {
				found++
			}
			fmt.Printf("  %-11s %-36.36s %4dx%-4d read %-5v bestZ %.2f  listed %-5v looks %3d logP %.1f took %d ms true place: lnE %6.1f\n", k.name, filepath.Base(file), img.Rect.Dx(), img.Rect.Dy(), yes, rd.bestZ, listed, len(rd.looks), logP, took.Milliseconds(), e)
		}
		fmt.Printf("%-11s of %d read %d; listed %d, true place %d\n", k.name, n, found, in3, in6)
	}
}

func combinedSoft(r *reader, t tracked, sign float32) []float64 {
	out := make([]float64, code.CodedN)
	for _, z := range r.carriers {
		s, ok := r.kd.soft(z, t.m, sign, t.centre)
		if !ok {
			return out
		}
		w := carrierWeight(meanOverDeviation(s.pilot[:])) / (deviation(s.bit[:]) + 1e-12)
		for j, v := range s.bit {
			out[j] += v * w
		}
	}
	return out
}

var _ = dsp.Plane{}
