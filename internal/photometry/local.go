package photometry

import "github.com/kycmark/kycmark/internal/dsp"

// A locality is a local regression, ready to be taken from planes of the leak's size.
type locality struct {
	weight dsp.Plane
	basis  [localN]dsp.Plane         // each times the weight
	normal [localN][localN]dsp.Plane // normal equations on the grid, upper triangle
}

// newLocality readies the local regression on a prediction. weight is 1 where the leak shows the original, 0 elsewhere.
func newLocality(predicted, weight dsp.Plane) *locality {
	l := &locality{weight: weight}
	gx, gy, lap := slopes(predicted)
	l.basis = [localN]dsp.Plane{weight, dsp.HighPass(predicted, 12), gx, gy, lap}
	for _, b := range l.basis[1:] {
		for i, w := range weight.Pix {
			b.Pix[i] = float32(b.Pix[i] * w)
		}
	}
	dsp.Parallel(localN*localN, func(from, to int) {
		for at := from; at < to; at++ {
			if i, j := at/localN, at%localN; j >= i {
				l.normal[i][j] = windowed(l.basis[i], l.basis[j])
			}
		}
	})
	return l
}

// without returns e, times the weight, less its local regression on an offset and on the
// prediction's detail, gradient and Laplacian. e is of the leak's size and stays as it is.
func (l *locality) without(e dsp.Plane) dsp.Plane {
	out := dsp.Product(e, l.weight)
	var b [localN]dsp.Plane
	dsp.Parallel(len(b), func(from, to int) {
		for i := from; i < to; i++ {
			b[i] = windowed(l.basis[i], out)
		}
	})
	l.subtract(out, l.solve(b))
	return out
}

// Unexplained returns what the local fit would have left of plane p, if p had been part of the
// leak. p has the leak's size; the result is 0 where Weight is.
func (f *Fit) Unexplained(p dsp.Plane) dsp.Plane { return f.local.without(p) }

// slopes returns p's gradient, right and down, and its Laplacian, in grey levels a pixel and a pixel squared.
func slopes(p dsp.Plane) (gx, gy, lap dsp.Plane) {
	gx, gy, lap = dsp.NewPlane(p.W, p.H), dsp.NewPlane(p.W, p.H), dsp.NewPlane(p.W, p.H)
	soft := dsp.Gauss(p, 0.7)
	for y := range p.H {
		up, mid, down := p.Row(max(y-1, 0)), p.Row(y), p.Row(min(y+1, p.H-1))
		sUp, sMid, sDown := soft.Row(max(y-1, 0)), soft.Row(y), soft.Row(min(y+1, p.H-1))
		for x := range p.W {
			l, r := max(x-1, 0), min(x+1, p.W-1)
			i := y*p.W + x
			gx.Pix[i] = 0.125 * (up[r] - up[l] + 2*(mid[r]-mid[l]) + down[r] - down[l])
			gy.Pix[i] = 0.125 * (down[l] - up[l] + 2*(down[x]-up[x]) + down[r] - up[r])
			lap.Pix[i] = sUp[x] + sDown[x] + sMid[l] + sMid[r] - 4*sMid[x]
		}
	}
	return gx, gy, lap
}

// windowed returns the mean of p times q over each cell of localStep x localStep pixels. The means are blurred by a
// Gaussian of Reach pixels. Cells cut off by an edge count as if filled up with zeros.
func windowed(p, q dsp.Plane) dsp.Plane {
	out := dsp.NewPlane((p.W+localStep-1)/localStep, (p.H+localStep-1)/localStep)
	for y := range p.H {
		a, b, dst := p.Row(y), q.Row(y), out.Row(y/localStep)
		for i, sum := range dst {
			for x := i * localStep; x < min((i+1)*localStep, p.W); x++ {
				sum += float32(a[x] * b[x])
			}
			dst[i] = sum
		}
	}
	out.Scale(1.0 / (localStep * localStep))
	return dsp.Gauss(out, Reach/localStep)
}

// solve returns the coefficients of the regression at each place of the grid, a plane for each unknown. b holds the
// right sides of the normal equations. All but the offset are damped strongly, so that they stay near 0 without detail.
func (l *locality) solve(b [localN]dsp.Plane) (c [localN]dsp.Plane) {
	for i := range c {
		c[i] = dsp.NewPlane(b[i].W, b[i].H)
	}
	dsp.Parallel(len(b[0].Pix), func(from, to int) {
		for at := from; at < to; at++ {
			var m [localN][localN]float64
			var y [localN]float64
			for i := range localN {
				y[i] = float64(b[i].Pix[at])
				for j := i; j < localN; j++ {
					m[i][j] = float64(l.normal[i][j].Pix[at])
				}
				m[i][i] += localRidge
			}
			m[0][0] += offsetRidge - localRidge
			solvePositive(&m, &y)
			for i := range c {
				c[i].Pix[at] = float32(y[i])
			}
		}
	})
	return c
}

// subtract takes the regression with coefficients c from e, in place. Coefficients are
// interpolated between the places of the grid.
func (l *locality) subtract(e dsp.Plane, c [localN]dsp.Plane) {
	dsp.Shared(e.H, 2*localN*len(e.Pix), func(from, to int) {
		var up [localN]*dsp.Enlarger
		for i := range up {
			up[i] = dsp.NewScaler(c[i], e.W, 1.0/localStep, 1.0/localStep)
		}
		row := make([]float32, e.W)
		for y := from; y < to; y++ {
			dst := e.Row(y)
			for i := range up {
				up[i].Row(y, row)
				for x, v := range l.basis[i].Row(y) {
					dst[x] -= float32(v * row[x])
				}
			}
		}
	})
}

// solvePositive replaces y by the solution x of m x = y for a positive definite m, given
// by its upper triangle (Cholesky's method, without roots).
func solvePositive(m *[localN][localN]float64, y *[localN]float64) {
	var l [localN][localN]float64
	var d [localN]float64
	for j := range localN {
		d[j] = m[j][j]
		for k := range j {
			d[j] -= float64(float64(l[j][k]*l[j][k]) * d[k])
		}
		for i := j + 1; i < localN; i++ {
			v := m[j][i]
			for k := range j {
				v -= float64(float64(l[i][k]*l[j][k]) * d[k])
			}
			l[i][j] = v / d[j]
		}
	}
	for i := range localN {
		for k := range i {
			y[i] -= float64(l[i][k] * y[k])
		}
	}
	for i := range localN {
		y[i] /= d[i]
	}
	for i := localN - 2; i >= 0; i-- {
		for k := i + 1; k < localN; k++ {
			y[i] -= float64(l[k][i] * y[k])
		}
	}
}
