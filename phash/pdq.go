package phash

import (
	"image"
	"slices"
)

// PDQ after the reference of facebook/ThreatExchange (pdq/cpp, commit baefb4ed)
// and its paper "The TMK+PDQF video-hashing algorithm and the PDQ
// image-hashing algorithm" (Facebook, 2019): luma, tent blur, 64 × 64 grid, the
// 16 × 16 lowest frequencies of its cosine transform but for frequency 0, and a
// bit for each that is above their median.

const (
	// stepSide is the side in pixels to which the reference's file reader
	// reduces larger pictures.
	stepSide = 512
	// leastSide is the side in pixels below which a picture has no hash.
	leastSide = 5
	// waves is the number of frequencies kept along each axis: 1 to 16, in half
	// cycles per side.
	waves = 16
)

type spectrum [waves][waves]float32

// A SumFull of a picture is its PDQ hash over every pixel, without the step to
// 512 × 512 that [Sum] takes first. It equals Sum for pictures of at most 512
// pixels a side; of larger ones it is the hash that bindings make which are
// handed pixels and not files, 2 to 12 bits from Sum's.
func SumFull(img image.Image) (h Hash, quality int, err error) {
	if err := check(PDQ, img); err != nil {
		return Hash{}, 0, err
	}
	h = Hash{Kind: PDQ}
	if tooSmall(img) {
		return h, 0, nil
	}
	g := whole(img).shrink()
	h.Bits = g.transform().bits()
	return h, g.quality(), nil
}

// sumPDQ hashes a picture of any size in n orientations, 1 or 8.
func sumPDQ(img image.Image, n int) (all [8]Hash, quality int) {
	for i := range all {
		all[i].Kind = PDQ
	}
	if tooSmall(img) {
		return all, 0
	}
	g := reduced(img).shrink()
	s := g.transform()
	for i := range n {
		all[i].Bits = s.oriented(i).bits()
	}
	return all, g.quality()
}

func tooSmall(img image.Image) bool {
	b := img.Bounds()
	return min(b.Dx(), b.Dy()) < leastSide
}

// quality returns how much there is to see in the grid, 0 to 100: the steps
// between neighbours, each in whole percent of the range from black to white,
// summed and scaled.
func (g *grid) quality() int {
	sum := 0
	for y := range g {
		for x := range g[y] {
			if y+1 < gridSide {
				sum += percent(g[y][x] - g[y+1][x])
			}
			if x+1 < gridSide {
				sum += percent(g[y][x] - g[y][x+1])
			}
		}
	}
	return min(sum/90, 100)
}

// percent returns the size of a step in whole percent of 255, rounded down.
func percent(step float32) int {
	p := int(step * 100 / 255)
	return max(p, -p)
}

// transform returns the cosine transform of the grid at frequencies 1 to 16
// along both axes. Each coefficient is summed in the order of the samples, down
// and then across.
func (g *grid) transform() *spectrum {
	var half [waves][gridSide]float32 // transformed along y alone
	for i := range half {
		for k := range g {
			c := cosine(i, k)
			for x, v := range g[k] {
				half[i][x] += float32(c * v)
			}
		}
	}
	s := new(spectrum)
	for j := range waves {
		for k := range gridSide {
			c := cosine(j, k)
			for i := range waves {
				s[i][j] += float32(half[i][k] * c)
			}
		}
	}
	return s
}

// cosine returns √(2/64)·cos(π/128·(i+1)·(2k+1)), the weight of sample k in
// coefficient i.
func cosine(i, k int) float32 {
	m := (i + 1) * (2*k + 1) % 256 // in units of π/128; 256 is a full turn
	if m > 128 {
		m = 256 - m
	}
	if m > 64 {
		return -quarterWave[128-m]
	}
	return quarterWave[m]
}

// quarterWave holds √(2/64)·cos(π/128·m), m from 0 to 63: the root rounded to
// float32 as in the reference, the product to float32 from float64. Written out
// because math.Cos may differ in the last bit from one processor to another.
var quarterWave = [64]float32{
	0.176776692, 0.17672345, 0.176563755, 0.176297709, 0.175925463, 0.175447255,
	0.174863353, 0.17417413, 0.173379973, 0.172481388, 0.171478912, 0.170373142,
	0.169164747, 0.167854458, 0.16644305, 0.164931387, 0.163320363, 0.161610976,
	0.15980424, 0.157901242, 0.155903131, 0.153811097, 0.151626423, 0.14935042,
	0.146984443, 0.144529939, 0.141988367, 0.139361277, 0.136650234, 0.133856878,
	0.130982891, 0.128030002, 0.125, 0.121894695, 0.118715972, 0.115465738,
	0.112145945, 0.108758606, 0.105305754, 0.101789467, 0.0982118696, 0.0945751071,
	0.0908813849, 0.0871329084, 0.0833319575, 0.0794808045, 0.0755817741, 0.0716372207,
	0.0676495135, 0.0636210516, 0.0595542751, 0.0554516204, 0.0513155647, 0.0471486002,
	0.0429532342, 0.0387319922, 0.0344874226, 0.0302220769, 0.0259385277, 0.0216393545,
	0.0173271466, 0.0130045004, 0.00867402088, 0.00433831709,
}

// bits thresholds the coefficients at their lower median. Coefficient (0, 0) is
// the last bit of the last word.
func (s *spectrum) bits() (b [4]uint64) {
	sorted := make([]float32, 0, waves*waves)
	for i := range s {
		sorted = append(sorted, s[i][:]...)
	}
	slices.Sort(sorted)
	median := sorted[len(sorted)/2-1]
	for i := range s {
		for j, v := range s[i] {
			if v > median {
				k := waves*i + j
				b[3-k/64] |= 1 << (k % 64)
			}
		}
	}
	return b
}

// oriented returns the transform of the grid in one of eight orientations, in
// the order of [SumDihedral]. Mirroring an axis changes the sign of its odd
// frequencies, which stand at even places as frequency 0 is left out; swapping
// the axes transposes.
func (s *spectrum) oriented(n int) *spectrum {
	o := orientations[n]
	t := new(spectrum)
	for i := range s {
		for j, v := range s[i] {
			if (o.mirrorX && j%2 == 0) != (o.mirrorY && i%2 == 0) {
				v = -v
			}
			if o.swap {
				t[j][i] = v
			} else {
				t[i][j] = v
			}
		}
	}
	return t
}

// orientations says how to get each orientation: mirror left and right, mirror
// top and bottom, then swap the axes.
var orientations = [8]struct{ mirrorX, mirrorY, swap bool }{
	{false, false, false}, // as it is
	{true, false, true},   // a quarter turn counterclockwise
	{true, true, false},   // a half turn
	{false, true, true},   // a quarter turn clockwise
	{false, true, false},  // top and bottom changed
	{true, false, false},  // left and right changed
	{false, false, true},  // mirrored at the diagonal from the top left
	{true, true, true},    // mirrored at the diagonal from the top right
}
