package parts

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
)

// A pair is a feature of the leak and one of the upload that may be the same.
type pair struct {
	geometry.Pair
	turn, level int // from the leak's to the upload's, steps
	feature     uint8
	asked       uint16
	weight      float32
}

// verify looks at candidates and appends to r.found the matches whose LogNFA does not exceed the limit of the search.
func (r *search) verify(all []candidate) {
	for i := range all {
		if m, ok := r.match(&all[i]); ok && m.LogNFA <= r.maxLogNFA {
			r.found = append(r.found, m)
		}
	}
}

// uploadOf returns the upload of that number, until the next record is read. Uploads are numbered from 0
// through all segments in order, removed uploads included. It has no data if its record was altered.
func (r *search) uploadOf(number uint32) upload {
	k, ok := slices.BinarySearch(r.base, number)
	if !ok {
		k--
	}
	for r.base[k+1] == number { // of no upload
		k++
	}
	return r.segments[k].read(int(number-r.base[k]), &r.memory)
}

// match finds how the leak lies on candidate c. Up to grown (4) sets of agreeing pairs grow into
// maps, and the map with the fewest false alarms counts. match returns false if fewer than three
// features agree or the map has no inverse. It does not hold LogNFA against the limit: verify does.
func (r *search) match(c *candidate) (Match, bool) {
	u := r.uploadOf(c.upload)
	if u.data == nil {
		return Match{}, false
	}
	pairs := r.pairs(&u, c.hits)
	v := &verifier{search: r, upload: make([]feature, u.count()), tests: log10(float64(r.uploads*2)) + float64(2*log10(float64(len(pairs))))}
	for k := range v.upload {
		v.upload[k] = u.feature(k)
	}
	var best agreed
	for _, s := range strongestSeeds(pairs) {
		m, ok := grow(pairs, s)
		if !ok {
			continue
		}
		a := v.guided(m, fits[2])
		for range 2 {
			next, ok := fitPoints(each.Of(a.pairs, func(p pair) geometry.Pair { return p.Pair }))
			if !ok {
				break
			}
			b := v.guided(next, fits[3])
			if b.logNFA > a.logNFA {
				break
			}
			a = b
		}
		if best.pairs == nil || a.logNFA < best.logNFA {
			best = a
		}
		if best.logNFA < surely {
			break
		}
	}
	if len(best.pairs) < 3 {
		return Match{}, false
	}
	return r.result(&u, &best)
}

// pairs returns a pair for each hit, or for the maxPairs (256) hits of the largest weight. All hits
// are of upload u. The weight is the rarity of the hit at its distance, and the rarest pairs come
// first. A feature of leak or upload may be in several pairs. hits stays as it is.
func (r *search) pairs(u *upload, hits []hit) []pair {
	out := make([]pair, 0, len(hits))
	for _, h := range hits {
		a, f := &r.asked[h.asked], u.feature(int(h.feature))
		out = append(out, pairOf(&a.feature, &f, h.asked, h.feature, r.rarity[h.asked][h.distance]))
	}
	slices.SortFunc(out, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.asked, b.asked), cmp.Compare(a.feature, b.feature))
	})
	return out[:min(len(out), maxPairs)]
}

// pairOf returns the pair of feature a of the leak, number asked, and feature f of the upload,
// number number. weight is what the pair counts.
func pairOf(a, f *feature, asked uint16, number uint8, weight float32) pair {
	return pair{
		Pair: geometry.Pair{From: geometry.Point{X: float64(a.x), Y: float64(a.y)}, To: geometry.Point{X: float64(f.x), Y: float64(f.y)}},
		turn: int(f.turn) - int(a.turn), level: int(f.level) - int(a.level), feature: number, asked: asked, weight: weight,
	}
}

// offTurn is the difference of two directions in steps, at most half a circle.
func offTurn(a, b int) int {
	d := (a - b) & (turnSteps - 1)
	return min(d, turnSteps-d)
}

func off(a, b int) int { return max(a-b, b-a) }

// similarity maps the leak to the upload as p alone has it.
func (p *pair) similarity() geometry.Mat {
	cos, sin := dsp.Cis(float64(p.turn) / turnSteps)
	z := dsp.Exp(float64(p.level) * math.Ln2 / intervals)
	return geometry.Similarity(p.From, p.To, float64(cos*z), float64(sin*z))
}

// agreeing appends to out the numbers of the pairs that roughly agree with the similarity that s alone makes. They must
// agree in direction, scale and place; places farther from s may be farther off. It also returns the sum of their
// weights, to which a feature of the upload adds only its first pair.
func agreeing(out []int, pairs []pair, s *pair) ([]int, float32) {
	m := s.similarity()
	var weight float32
	var seen [256]bool
	for i := range pairs {
		p := &pairs[i]
		if offTurn(p.turn, s.turn) > nearTurn || off(p.level, s.level) > nearLevel {
			continue
		}
		x := float64(m[0]*p.From.X) + float64(m[1]*p.From.Y) + m[2] - p.To.X
		y := float64(m[3]*p.From.X) + float64(m[4]*p.From.Y) + m[5] - p.To.Y
		dx, dy := p.To.X-s.To.X, p.To.Y-s.To.Y
		tol := math.Min(farthest, nearby+float64(farther*math.Sqrt(float64(dx*dx)+float64(dy*dy))))
		if float64(x*x)+float64(y*y) > float64(tol*tol) {
			continue
		}
		out = append(out, i)
		if !seen[p.feature] {
			seen[p.feature] = true
			weight += p.weight
		}
	}
	return out, weight
}

// strongestSeeds returns up to grown (4) different sets of pairs, as numbers, the sets of the largest weight first. Each
// set has the pairs that agree with one of the first seeds (48) pairs. Sets of fewer than minVotes pairs are left out.
func strongestSeeds(pairs []pair) [][]int {
	type proposal struct {
		in     []int
		weight float32
	}
	var all []proposal
	for i := range pairs[:min(len(pairs), seeds)] {
		if in, weight := agreeing(nil, pairs, &pairs[i]); len(in) >= minVotes {
			all = append(all, proposal{in, weight})
		}
	}
	slices.SortStableFunc(all, func(a, b proposal) int { return cmp.Compare(b.weight, a.weight) })
	var out [][]int
	for _, p := range all[:min(len(all), 4*grown)] {
		if !slices.ContainsFunc(out, func(o []int) bool { return slices.Equal(o, p.in) }) {
			out = append(out, p.in)
		}
	}
	return out[:min(len(out), grown)]
}

// grow fits a similarity from leak to upload to the pairs numbered in, and then ever freer maps to the pairs that lie
// ever closer. It returns the last plausible map, or false if the similarity is not plausible.
func grow(pairs []pair, in []int) (fitted, bool) {
	points := each.Of(in, func(i int) geometry.Pair { return pairs[i].Pair })
	first, ok := geometry.FitSimilarity(points)
	if !ok || !plausible(first) {
		return fitted{}, false
	}
	m := fitted{first, 2}
	for _, tol := range fits {
		points = points[:0]
		for i := range pairs {
			if pairs[i].Miss(m.Mat) <= float64(tol*tol) {
				points = append(points, pairs[i].Pair)
			}
		}
		next, ok := fitPoints(points)
		if !ok {
			break
		}
		m = next
	}
	return m, true
}

// A fitted map and the number of points that decide it.
type fitted struct {
	geometry.Mat
	takes int
}

// fitPoints fits as free a map as there are points for: a homography, an affine map or a
// similarity. If a map is not plausible, the next simpler map is tried. fitPoints returns false if
// there are fewer than two points, or if no map is plausible.
func fitPoints(points []geometry.Pair) (fitted, bool) {
	if len(points) >= homographyFrom {
		if m, ok := geometry.FitHomographyRidge(points, ridge); ok && plausible(m) {
			return fitted{m, 4}, true
		}
	}
	if len(points) >= affineFrom {
		if m, ok := geometry.FitAffine(points); ok && plausible(m) {
			return fitted{m, 3}, true
		}
	}
	if len(points) < 2 {
		return fitted{}, false
	}
	m, ok := geometry.FitSimilarity(points)
	return fitted{m, 2}, ok && plausible(m)
}

// plausible reports whether m is a map that a camera or an editor makes: scale minZoom to maxZoom,
// not mirrored, and stretched up to maxSkew. Only the linear part counts, not the perspective.
func plausible(m geometry.Mat) bool {
	a, b := float64(m[0]*m[0])+float64(m[3]*m[3]), float64(m[1]*m[1])+float64(m[4]*m[4])
	det := float64(m[0]*m[4]) - float64(m[1]*m[3])
	if !(det > minZoom*minZoom && det < maxZoom*maxZoom) {
		return false
	}
	// The squares of the linear part's singular values sum up to a + b, and their product is det squared.
	half := (a + b) / 2
	root := math.Sqrt(math.Max(0, float64(half*half)-float64(det*det)))
	return half+root <= float64(maxSkew*maxSkew*(half-root))+1e-12
}

// A candidate is an upload to look at, and its hits.
type candidate struct {
	upload uint32
	vote   float32
	hits   []hit
}

// best returns up to r.candidates uploads that were not looked at before, with their hits, and marks these as looked
// at. votes has the sum of each upload. The largest sums choose a shortlist; then the votes that agree in direction and
// scale choose the candidates and become their vote. Uploads with fewer than minVotes hits are left out.
func (r *search) best(votes []float32) []candidate {
	var top []candidate
	floor, size := float32(0), shortlist*r.candidates
	for u, v := range votes {
		if v <= floor || r.done[uint32(u)] {
			continue
		}
		top = append(top, candidate{upload: uint32(u), vote: v})
		if len(top) >= 2*size {
			top = strongest(top, size)
			floor = top[len(top)-1].vote
		}
	}
	top = strongest(top, size)
	for i := range r.place {
		r.place[i] = -1
	}
	for i := range top {
		r.place[top[i].upload] = int32(i)
	}
	for _, h := range r.hits {
		if i := r.place[h.upload]; i >= 0 {
			top[i].hits = append(top[i].hits, h)
		}
	}
	for i := range top {
		top[i].vote = r.agreement(&top[i])
	}
	top = strongest(slices.DeleteFunc(top, func(c candidate) bool { return len(c.hits) < minVotes || c.vote <= 0 }), r.candidates)
	for i := range top {
		r.done[top[i].upload] = true
	}
	return top
}

// agreement returns the largest sum of votes among hits of c that agree in turn and change of scale (Jegou, Douze and
// Schmid, "Hamming embedding and weak geometric consistency", 2008). A hit votes by its rarity in one cell of turn and
// scale, from leak to upload. The sum is over 2 x 2 neighbouring cells. A feature of the upload votes once in each
// cell, with its first hit there: a pattern that repeats in the leak counts once. c stays as it is.
func (r *search) agreement(c *candidate) float32 {
	var sums [turnParts][levelParts]float32
	var seen [256][turnParts]uint16 // by feature of the upload: a bit for each level of a cell that it voted in
	for _, h := range c.hits {
		a := &r.asked[h.asked]
		t := int(h.turn-a.turn) & (turnSteps - 1) * turnParts / turnSteps
		l := (int(h.level) - int(a.level) + levelSteps) / 2 % levelParts
		if bit := uint16(1) << l; seen[h.feature][t]&bit == 0 {
			seen[h.feature][t] |= bit
			sums[t][l] += r.rarity[h.asked][h.distance]
		}
	}
	best := float32(0)
	for t := range sums {
		n := (t + 1) % turnParts
		for l := range levelParts - 1 {
			best = max(best, sums[t][l]+sums[t][l+1]+sums[n][l]+sums[n][l+1])
		}
	}
	return best
}

// strongest returns the n candidates with the largest votes, sorted by falling vote. It sorts c itself.
func strongest(c []candidate, n int) []candidate {
	slices.SortFunc(c, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.vote, a.vote), cmp.Compare(a.upload, b.upload))
	})
	return c[:min(len(c), n)]
}
