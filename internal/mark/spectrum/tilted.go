package spectrum

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// Parts are the peak maps of parts of a frame. A map with perspective differs from part to part: peaks of the whole frame
// are smeared, and peaks of one part are faint. Summed where one perspective puts them, they stand out.
type Parts struct {
	maps []*PeakMap
	at   []geometry.Point // middle of each part, from the middle of the frame, in long sides of the frame
}

// Add appends a part with the peak map m. All maps must have the same size and limit, and be 256 or fewer.
func (p *Parts) Add(m *PeakMap, at geometry.Point) {
	p.maps, p.at = append(p.maps, m), append(p.at, at)
}

// A Tilt is a map of the pilots' frequencies that differs over the frame.
type Tilt struct {
	B     [4]float64 // in the middle of the frame, like that of a Candidate
	G     [2]float64 // perspective: the place p is mapped to A p / (1 + G.p), A the transpose of B
	Score float64
}

// inPart returns the linear map by which a tilt differs at a place from the middle: there the frequencies are this times B.
func inPart(g [2]float64, at geometry.Point) [4]float64 {
	w := 1 + float64(g[0]*at.X) + float64(g[1]*at.Y)
	x, y := at.X/w, at.Y/w
	return [4]float64{(1 - float64(x*g[0])) / w, -float64(y*g[0]) / w, -float64(x*g[1]) / w, (1 - float64(y*g[1])) / w}
}

func compose(a, b [4]float64) [4]float64 {
	return [4]float64{
		float64(a[0]*b[0]) + float64(a[1]*b[2]), float64(a[0]*b[1]) + float64(a[1]*b[3]),
		float64(a[2]*b[0]) + float64(a[3]*b[2]), float64(a[2]*b[1]) + float64(a[3]*b[3]),
	}
}

// Best returns the best n tilts of the pilots' frequencies f, or fewer, at the scales by, each improved by Climb, highest
// score first. It tries perspectives of up to tiltMax and small deviations from a similarity, one of each try, which may repeat.
func (p *Parts) Best(on *PolarSums, f []pattern.Frequency, by Scales, n int) (all []Tilt) {
	if len(p.maps) == 0 {
		return nil
	}
	polar := p.polar(by)
	for _, d := range deviations {
		for _, g := range tilts {
			for _, c := range polar.joint(g, d).Similarities(on, f, 1, by) {
				t := Tilt{B: compose(d, c.B), G: g}
				t.Score = p.score(f, &t)
				all = append(all, t)
			}
		}
	}
	strongest := func(a, b Tilt) int { return cmp.Compare(b.Score, a.Score) }
	slices.SortStableFunc(all, strongest)
	all = all[:min(n, len(all))]
	for k, t := range all {
		all[k] = p.Climb(f, t)
	}
	slices.SortStableFunc(all, strongest)
	return all
}

// tilts are the perspectives that Best tries, deviations the linear maps after a similarity.
var tilts, deviations = grid(tiltStep, tiltMax), func() (maps [][4]float64) {
	for _, d := range grid(deviationStep, deviationMax) {
		maps = append(maps, [4]float64{1 + d[0], d[1], d[1], 1 - d[0]})
	}
	return maps
}()

// grid returns the points of a square grid with the given step that lie within reach of the origin.
func grid(step, reach float64) (points [][2]float64) {
	n := int(reach / step)
	for i := -n; i <= n; i++ {
		for j := -n; j <= n; j++ {
			if x, y := float64(i)*step, float64(j)*step; float64(x*x)+float64(y*y) <= reach*reach {
				points = append(points, [2]float64{x, y})
			}
		}
	}
	return points
}

// polarParts are the log-polar maps of all parts, one after the other, then a row of levels of 0. They have polarEdge more
// radii at either end than the joint map.
type polarParts struct {
	LogPolar // the joint map
	at       []geometry.Point
	each     []uint8
	wide     int          // radii in each
	double   [][2]float64 // cosine and sine of twice the angle of each row
	level    []uint8      // of the joint map, for each sum over the parts
	sum      []int16      // of one row
	place    []int        // of that row, in each
}

// polar returns the log-polar maps of all parts.
func (p *Parts) polar(by Scales) *polarParts {
	edge := dsp.Exp(polarEdge * CoarseStep)
	maps := make([]*LogPolar, len(p.maps))
	dsp.Parallel(len(maps), func(from, to int) {
		for i := from; i < to; i++ {
			maps[i] = NewLogPolar(p.maps[i], Scales{by.Min / edge, by.Max * edge}, CoarseStep, Plain)
		}
	})
	out := &polarParts{LogPolar: *maps[0], at: p.at, wide: maps[0].radii, place: make([]int, (len(maps)+1)/2*2)}
	size := out.angles * out.wide
	out.each = make([]uint8, len(maps)*size+out.wide)
	for i, m := range maps {
		copy(out.each[i*size:], m.v[:size])
	}
	out.radii, out.start = out.wide-2*polarEdge, float64(out.start*edge)
	out.v, out.sum = make([]uint8, out.angles*out.radii+polarBlock), make([]int16, out.radii)
	out.double = make([][2]float64, out.angles)
	for a := range out.double {
		out.double[a][0], out.double[a][1] = dsp.Cis(float64(a) / float64(out.angles))
	}
	out.level = make([]uint8, len(maps)*dsp.MaxLevel+1)
	for i := range out.level { // mean of the parts, in robust deviations of one
		mean := float64(float64(i)/float64(len(maps)*dsp.MaxLevel)*float64(p.maps[0].limit-peakMin)) + peakMin
		out.level[i] = uint8(float64(math.Min(math.Max((mean-jointMin)/(jointMax-jointMin), 0), 1)*dsp.MaxLevel) + 0.5)
	}
	return out
}

// joint returns the mean of the maps of all parts under the perspective g, after the linear map d. It is valid until the
// next call. A linear map near 1 moves each row of a log-polar map to another, and along it.
func (o *polarParts) joint(g [2]float64, d [4]float64) *LogPolar {
	o.place[len(o.place)-1] = len(o.each) - o.wide  // blank, if the number of parts is odd
	type motion struct{ turn, shift, a, b float64 } // in rows and columns; a and b: times the cosine and sine of twice the angle
	moves := make([]motion, len(o.at))
	for i, at := range o.at {
		m := compose(inPart(g, at), d)
		x, y := m[0]+m[3], m[2]-m[1] // the similarity in it, twice as large
		size := math.Sqrt(float64(x*x) + float64(y*y))
		moves[i] = motion{
			float64(y/x/CoarseStep) + float64(o.angles) + 0.5, float64(dsp.Ln(size/2)/CoarseStep) + polarEdge + 0.5,
			(m[0] - m[3]) / size / CoarseStep, (m[1] + m[2]) / size / CoarseStep,
		}
	}
	for a, twice := range o.double {
		for i, m := range moves {
			turn := int(m.turn+float64(m.b*twice[0])-float64(m.a*twice[1])) + a
			shift := int(m.shift + float64(m.a*twice[0]) + float64(m.b*twice[1]))
			o.place[i] = (i*o.angles+turn%o.angles)*o.wide + min(max(shift, 0), 2*polarEdge)
		}
		dsp.SumLevels(o.sum, o.each, o.place)
		row := o.v[a*o.radii : (a+1)*o.radii]
		for j, s := range o.sum {
			row[j] = o.level[s]
		}
	}
	return &o.LogPolar
}

// score returns the sum over the pilots f of the mean of the parts where the tilt t puts each, cut at jointMax. In noise it
// is about a standard normal variable, if the parts do not overlap.
func (p *Parts) score(f []pattern.Frequency, t *Tilt) float64 {
	b := each.Of(p.at, func(at geometry.Point) [4]float64 { return compose(inPart(t.G, at), t.B) })
	all, parts := 0.0, float64(len(b))
	for _, q := range f {
		sum := 0.0
		for i, m := range p.maps {
			sum += float64(m.pilot(q, &b[i]))
		}
		all += math.Min(sum/parts, jointMax)
	}
	return all * math.Sqrt(parts/float64(len(f)))
}

// Climb improves the tilt t of the pilots' frequencies f by small changes of its map and perspective while the score rises.
func (p *Parts) Climb(f []pattern.Frequency, t Tilt) Tilt {
	t.Score = p.score(f, &t)
	for _, step := range [...]float64{.016, .008, .004, .002} {
		vain := 0 // tries since the last that helped
		for try := 0; try < 10*12 && vain < 12; try++ {
			vain++
			h, d, c := step, try/2%6, t
			if try%2 > 0 {
				h = -h
			}
			if d < 4 {
				c.B = nudge(t.B, d, h)
			} else {
				c.G[d-4] += 2 * h
			}
			if c.Score = p.score(f, &c); c.Score > t.Score+1e-6 {
				t, vain = c, 0
			}
		}
	}
	return t
}

// Map returns the map from pixels of a frame of w x h to mark pixels, except for a shift.
func (t *Tilt) Map(w, h int) geometry.Mat {
	side := float64(max(w, h))
	g := geometry.Mat{1, 0, 0, 0, 1, 0, t.G[0] / side, t.G[1] / side, 1}
	return ToMap(t.B, geometry.Point{}).Mul(g).Mul(geometry.Translation(-float64(w)/2, -float64(h)/2))
}
