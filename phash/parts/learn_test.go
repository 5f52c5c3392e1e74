//go:build study

package parts

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// TestLearn writes axes.bin from pairs of gradient histograms that show the same
// sight of a specimen, before and after a change of pose, tone, sharpness, noise
// and a JPEG:
//
//	go test -tags study ./phash/parts -run Learn
func TestLearn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var l learner
	for _, p := range specimens(t) {
		places := everySight(p, 1, 1)
		for range 6 {
			leak, m := distort(r, p)
			l.pairs(places, everySight(leak, 0.8, 3), m)
		}
	}
	require.Greater(t, l.n, 50000.0)
	require.NoError(t, os.WriteFile("axes.bin", l.axes(), 0o644))
}

// specimens are what is learned from, at the size at which uploads are looked at.
func specimens(t *testing.T) (out []dsp.Plane) {
	add := func(m *image.NRGBA) {
		p, err := canonical(m, uploadSide)
		require.NoError(t, err)
		out = append(out, p)
	}
	for s := uint64(1); s <= 6; s++ {
		for _, kind := range specimen.Templates() {
			doc := specimen.Render(kind, specimen.NewPerson(s*17), 1000)
			add(doc)
			add(specimen.Photograph(doc, s, 1200, 900))
		}
		add(specimen.Landscape(s, 800, 600))
		add(specimen.Selfie(specimen.NewPerson(s*31), s, 800, 600))
		add(specimen.Portrait(specimen.NewPerson(s*5), 700, 900))
	}
	return out
}

// A sight is a blob in one of its directions.
type sight struct {
	x, y, sigma, turn float64
	h                 histogram
}

func everySight(p dsp.Plane, share float32, most int) (out []sight) {
	all := octaves(p)
	for i := range all {
		o := &all[i]
		for _, b := range o.blobs() {
			for _, t := range turns(nil, o, &b, share, most) {
				c, s := dsp.Cis(t)
				f := sight{x: b.x * o.step, y: b.y * o.step, sigma: b.sigma * o.step, turn: t}
				describe(&f.h, o, &b, c, s)
				out = append(out, f)
			}
		}
	}
	return out
}

const leakW, leakH = 800, 700

// distort makes a leak of p and says where p's pixels went.
func distort(r *rand.Rand, p dsp.Plane) (dsp.Plane, geometry.Mat) {
	scale := math.Exp(math.Log(0.5) + r.Float64()*math.Log(4.4))
	turn := r.Float64() * 2 * math.Pi
	if r.IntN(2) == 0 {
		turn = (r.Float64() - 0.5) * 0.3
	}
	c, s, aspect := math.Cos(turn)*scale, math.Sin(turn)*scale, 1+(r.Float64()-0.5)*0.16
	w, h := float64(p.W), float64(p.H)
	m := geometry.Mat{c * aspect, -s, 0, s * aspect, c, 0, (r.Float64() - 0.5) * 0.2 / w, (r.Float64() - 0.5) * 0.2 / h, 1}
	q := m.Apply(geometry.Point{X: w / 2, Y: h / 2})
	m = geometry.Translation(leakW/2-q.X+(r.Float64()-.5)*200, leakH/2-q.Y+(r.Float64()-.5)*200).Mul(m)
	inv, _ := m.Inverse()
	if scale < 1 {
		p = dsp.Gauss(p, 0.5*math.Sqrt(1/scale/scale-1)+0.05)
	}
	out := dsp.NewPlane(leakW, leakH)
	for y := range leakH {
		v := float64(y)
		dsp.SampleCubic(out.Row(y), p, dsp.Line{X: inv[0], X0: inv[1]*v + inv[2], Y: inv[3], Y0: inv[4]*v + inv[5], W: inv[6], W0: inv[7]*v + inv[8]})
	}
	if r.IntN(2) == 0 {
		out = dsp.Gauss(out, 0.5+r.Float64())
	}
	return recoded(r, out), m
}

// recoded changes a picture's tones, adds noise and writes it as a JPEG.
func recoded(r *rand.Rand, p dsp.Plane) dsp.Plane {
	gamma, gain, lift, noise := math.Exp((r.Float64()-.5)*0.8), 0.7+0.4*r.Float64(), r.Float64()*30, r.Float64()*6
	img := image.NewGray(image.Rect(0, 0, p.W, p.H))
	for i, v := range p.Pix {
		img.Pix[i] = dsp.To8(float32(math.Pow(min(max(float64(v), 0), 255)/255, gamma)*255*gain + lift + r.NormFloat64()*noise))
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, img, &jpeg.Options{Quality: 40 + r.IntN(50)}); err != nil {
		panic(err)
	}
	back, err := jpeg.Decode(&buf)
	if err != nil {
		panic(err)
	}
	out, g := dsp.NewPlane(p.W, p.H), back.(*image.Gray)
	for i := range out.Pix {
		out.Pix[i] = float32(g.Pix[i/p.W*g.Stride+i%p.W])
	}
	return out
}

// A learner sums up histograms and the differences of those of one place.
type learner struct {
	n          float64
	sum        [dims]float64
	all, apart [dims][dims]float64
}

// pairs adds every sight of a picture that is found again near where m puts it.
func (l *learner) pairs(from, to []sight, m geometry.Mat) {
	for i := range from {
		a := &from[i]
		q := m.Apply(geometry.Point{X: a.x, Y: a.y})
		cos, sin := dsp.Cis(a.turn)
		e := m.Apply(geometry.Point{X: a.x + cos*a.sigma, Y: a.y + sin*a.sigma})
		scale, turn := math.Hypot(e.X-q.X, e.Y-q.Y), math.Atan2(e.Y-q.Y, e.X-q.X)/2/math.Pi
		if q.X < 10 || q.Y < 10 || q.X > leakW-10 || q.Y > leakH-10 || scale < 2 {
			continue
		}
		best, at := math.Inf(1), -1
		for k := range to {
			b := &to[k]
			d, octaves := math.Hypot(b.x-q.X, b.y-q.Y)/scale, math.Abs(math.Log2(b.sigma/scale))
			off := math.Abs(math.Remainder(b.turn-turn, 1))
			if d < 0.7 && octaves < 0.4 && off < 0.06 && d+octaves+5*off < best {
				best, at = d+octaves+5*off, k
			}
		}
		if at >= 0 {
			l.add(&a.h, &to[at].h)
		}
	}
}

func (l *learner) add(a, b *histogram) {
	l.n += 2
	for i := range a {
		l.sum[i] += float64(a[i]) + float64(b[i])
		d := float64(a[i] - b[i])
		for k := range a {
			l.all[i][k] += float64(a[i])*float64(a[k]) + float64(b[i])*float64(b[k])
			l.apart[i][k] += d * float64(a[k]-b[k]) / 2
		}
	}
}

// axes solves all v = ratio apart v, and returns the contents of axesFile.
func (l *learner) axes() []byte {
	var mean [dims]float64
	for i := range mean {
		mean[i] = l.sum[i] / l.n
	}
	s, n := square(), square()
	for i := range dims {
		for k := range dims {
			s[i][k] = l.all[i][k]/l.n - mean[i]*mean[k]
			n[i][k] = l.apart[i][k] / (l.n / 2)
		}
		n[i][i] += 1e-6
	}
	root := cholesky(n)
	values, v := eigen(congruent(root, s))
	order := make([]int, dims)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if values[a] > values[b] {
			return -1
		}
		return 1
	})
	var out bytes.Buffer
	write := func(f float64) { binary.Write(&out, binary.LittleEndian, float32(f)) }
	for _, m := range mean {
		write(m)
	}
	axis := make([][]float64, dims)
	for k, o := range order {
		axis[k] = backward(root, v, o)
	}
	for i := range dims {
		for k := range dims {
			write(axis[k][i])
		}
	}
	return out.Bytes()
}

func square() [][]float64 {
	m := make([][]float64, dims)
	for i := range m {
		m[i] = make([]float64, dims)
	}
	return m
}

// cholesky returns the lower triangle l with l l' = a.
func cholesky(a [][]float64) [][]float64 {
	l := square()
	for i := range dims {
		for k := 0; k <= i; k++ {
			s := a[i][k]
			for j := range k {
				s -= l[i][j] * l[k][j]
			}
			if i == k {
				l[i][i] = math.Sqrt(s)
			} else {
				l[i][k] = s / l[k][k]
			}
		}
	}
	return l
}

// congruent returns l^-1 s l'^-1.
func congruent(l, s [][]float64) [][]float64 {
	half := square()
	for c := range dims {
		for i := range dims {
			v := s[i][c]
			for j := range i {
				v -= l[i][j] * half[j][c]
			}
			half[i][c] = v / l[i][i]
		}
	}
	out := square()
	for r := range dims {
		for i := range dims {
			v := half[r][i]
			for j := range i {
				v -= l[i][j] * out[r][j]
			}
			out[r][i] = v / l[i][i]
		}
	}
	return out
}

// backward returns l'^-1 times column c of v.
func backward(l, v [][]float64, c int) []float64 {
	x := make([]float64, dims)
	for i := dims - 1; i >= 0; i-- {
		s := v[i][c]
		for j := i + 1; j < dims; j++ {
			s -= l[j][i] * x[j]
		}
		x[i] = s / l[i][i]
	}
	return x
}

// eigen returns the eigenvalues of a symmetric matrix and the vectors as columns
// (the cyclic method of Jacobi).
func eigen(a [][]float64) ([]float64, [][]float64) {
	v := square()
	for i := range dims {
		v[i][i] = 1
	}
	for range 30 {
		for p := range dims {
			for q := p + 1; q < dims; q++ {
				if math.Abs(a[p][q]) < 1e-14 {
					continue
				}
				theta := (a[q][q] - a[p][p]) / (2 * a[p][q])
				t := 1 / (math.Abs(theta) + math.Sqrt(theta*theta+1))
				if theta < 0 {
					t = -t
				}
				c := 1 / math.Sqrt(t*t+1)
				rotate(a, v, p, q, c, t*c)
			}
		}
	}
	values := make([]float64, dims)
	for i := range values {
		values[i] = a[i][i]
	}
	return values, v
}

func rotate(a, v [][]float64, p, q int, c, s float64) {
	for k := range dims {
		a[k][p], a[k][q] = c*a[k][p]-s*a[k][q], s*a[k][p]+c*a[k][q]
	}
	for k := range dims {
		a[p][k], a[q][k] = c*a[p][k]-s*a[q][k], s*a[p][k]+c*a[q][k]
		v[k][p], v[k][q] = c*v[k][p]-s*v[k][q], s*v[k][p]+c*v[k][q]
	}
}
