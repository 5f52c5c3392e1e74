package dsp

// Gradients returns the change of p per sample to the right and downwards, in the units of p: the operator of Sobel
// over 8. Samples beyond an edge count like the samples on the edge. Both planes are new and have the size of p.
func Gradients(p Plane) (right, down Plane) {
	right, down = NewPlane(p.W, p.H), NewPlane(p.W, p.H)
	smooth, diff := make([]float32, p.W+2), make([]float32, p.W+2)
	for y := range p.H {
		a, b, c := p.Row(max(y-1, 0)), p.Row(y), p.Row(min(y+1, p.H-1))
		s, d := smooth[1:p.W+1], diff[1:p.W+1]
		for x, v := range b {
			s[x] = (a[x] + c[x]) + (v + v)
			d[x] = c[x] - a[x]
		}
		smooth[0], smooth[p.W+1] = s[0], s[p.W-1]
		diff[0], diff[p.W+1] = d[0], d[p.W-1]
		gx, gy := right.Row(y), down.Row(y)
		l, m, r := diff[:p.W], diff[1:p.W+1], diff[2:p.W+2]
		sl, sr := smooth[:p.W], smooth[2:p.W+2]
		for x := range gx {
			gx[x] = 0.125 * (sr[x] - sl[x])
			gy[x] = 0.125 * ((l[x] + r[x]) + (m[x] + m[x]))
		}
	}
	return right, down
}
