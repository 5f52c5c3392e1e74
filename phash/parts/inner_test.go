package parts

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// The buckets that a feature looks into are the likeliest, as sorting all of them
// shows.
func TestProbeAgainstSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		var margin [maxAddress]uint8
		for i := range margin {
			margin[i] = uint8(r.IntN(100))
		}
		n := 6 + r.IntN(7) // all of them can flip
		cost := func(flip uint32) (c float64) {
			for i := range n {
				if flip>>i&1 == 1 {
					c += math.Pow(float64(margin[i])/marginParts, 2)
				}
			}
			return c
		}
		var all []float64
		for flip := range uint32(1) << n {
			all = append(all, cost(flip))
		}
		slices.Sort(all)
		var s bucketSet
		s.probe(&margin, n, 50)
		seen := map[uint32]bool{}
		for i, flip := range s.flip[:s.n] {
			assert.InDelta(t, all[i], cost(flip), 1e-4)
			assert.False(t, seen[flip])
			seen[flip] = true
		}
		if s.n < min(50, 1<<n) {
			assert.Greater(t, all[s.n], maxCost-1e-3)
		}
	}
}

// The chance of many successes has the same bits where products and sums are fused:
// GOAMD64=v3, arm64.
func TestLogTailVectors(t *testing.T) {
	var all []byte
	for n := 10; n < 200; n++ {
		for k := 1; k < n; k += 3 {
			all = binary.LittleEndian.AppendUint64(all, math.Float64bits(logTail(n, k, float64(k)/float64(n+1))))
		}
	}
	assert.Equal(t, "48ca18fba9a775e47ac4cff865e9ca3504b07b26faef3a6b7fbf01599bff46e7", fmt.Sprintf("%x", sha256.Sum256(all)))
}

// noise is an upload of random features.
func noise(r *rand.Rand, ref int64) upload {
	data := make([]byte, headerSize, MaxSize)
	data[0], data[1] = version, 50
	data[4], data[8] = 200, 100
	for range 50 {
		f := feature{descriptor{r.Uint64(), r.Uint64()}, place{float32(r.IntN(200)), float32(r.IntN(100)), uint8(r.IntN(turnSteps)), uint8(r.IntN(levelSteps))}}
		data = f.append(data)
	}
	return upload{ref: ref, data: data}
}

// held returns the features at rest of all uploads in memory, by reference.
func (x *Index) held() map[int64][]byte {
	out := map[int64][]byte{}
	for ref := range x.at {
		out[ref] = x.upload(ref, &scratch{}).data
	}
	return out
}

// Uploads that are added together are the uploads that are added one by one: each once, the last of a ref.
func TestAddAll(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var one, all Index
	for range 3 {
		var refs []int64
		var features []*Features
		for range 700 {
			ref := r.Int64N(1500)
			refs, features = append(refs, ref), append(features, &Features{noise(r, ref).data})
			require.NoError(t, one.Add(ref, features[len(features)-1]))
		}
		require.NoError(t, all.AddAll(func(yield func(int64, *Features) bool) {
			for i, ref := range refs {
				if !yield(ref, features[i]) {
					return
				}
			}
		}))
		gone := refs[r.IntN(len(refs))]
		require.True(t, one.Remove(gone) && all.Remove(gone))
		require.Equal(t, one.Len(), all.Len())
		require.Equal(t, one.held(), all.held())
	}
	require.ErrorIs(t, all.AddAll(func(yield func(int64, *Features) bool) { yield(1, nil) }), ErrFormat)
}

// Uploads of 50 features, one by one and together.
func BenchmarkBuild(b *testing.B) {
	const n = 30_000
	r := rand.New(rand.NewPCG(9, 10))
	var all []*Features
	for range n {
		all = append(all, &Features{noise(r, 0).data})
	}
	each := func(yield func(int64, *Features) bool) {
		for i, f := range all {
			if !yield(int64(i), f) {
				return
			}
		}
	}
	b.Run("one by one", func(b *testing.B) {
		for b.Loop() {
			var x Index
			for ref, f := range each {
				require.NoError(b, x.Add(ref, f))
			}
		}
	})
	b.Run("together", func(b *testing.B) {
		for b.Loop() {
			var x Index
			require.NoError(b, x.AddAll(each))
		}
	})
}

// What an index finds for a feature is what comparing with all features finds in the
// buckets that are looked into, and nothing else.
func TestAskAgainstAll(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var all []upload
	for i := range 300 {
		all = append(all, noise(r, int64(i)))
	}
	s := newSegment(all)
	for n := range 100 {
		u, k := r.IntN(len(all)), r.IntN(50)
		a := asked{feature: all[u].feature(k)}
		for range r.IntN(12) {
			i := r.IntN(128)
			a.descriptor[i/64] ^= 1 << (i % 64)
		}
		for i := range a.margin {
			a.margin[i] = uint8(r.IntN(60))
		}
		var set bucketSet
		set.probe(&a.margin, s.address, 40)
		got := s.ask(nil, &a, n, 0, &set, new(scratch))
		var want []hit
		s.each(func(first uint64, f uint32) {
			d := s.uploads[f>>8].descriptor(int(f & 255))
			looked := slices.Contains(set.flip[:set.n], s.bucket(first)^s.bucket(a.descriptor[0]))
			alike := bits.OnesCount32(signsOf(first)^signsOf(a.descriptor[0])) <= signsApart
			if distance := d.distance(&a.descriptor); looked && alike && distance <= maxApart {
				at := s.uploads[f>>8].place(int(f & 255))
				want = append(want, hit{f >> 8, uint16(n), uint8(f), uint8(distance), at.turn, at.level})
			}
		})
		assert.ElementsMatch(t, want, got)
	}
	s.erase(7)
	s.each(func(_ uint64, f uint32) { require.NotEqual(t, uint32(7), f>>8) })
	left := 0
	for _, p := range s.posts {
		if p.feature != erased {
			left++
		}
	}
	assert.Equal(t, 299*50, left)
	assert.Equal(t, left, s.live)
}

func TestGridAgainstAll(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	all := make([]asked, 500)
	for i := range all {
		all[i].x, all[i].y = r.Float32()*300, r.Float32()*200
	}
	g := newGrid(all)
	for range 200 {
		p, radius := geometry.Point{X: r.Float64()*340 - 20, Y: r.Float64()*240 - 20}, 1+r.Float64()*40
		var got, want []int
		g.near(p, radius, func(i int, _ *asked) { got = append(got, i) })
		for i := range all {
			if math.Hypot(float64(all[i].x)-p.X, float64(all[i].y)-p.Y) <= radius {
				want = append(want, i)
			}
		}
		assert.ElementsMatch(t, want, got)
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct {
		n, k int
		p    float64
	}{{10, 1, 0.1}, {10, 10, 0.5}, {50, 3, 0.01}, {200, 40, 0.05}, {7, 4, 0.9}} {
		sum := 0.0
		for i := c.k; i <= c.n; i++ {
			a, _ := math.Lgamma(float64(c.n + 1))
			b, _ := math.Lgamma(float64(i + 1))
			d, _ := math.Lgamma(float64(c.n - i + 1))
			sum += math.Exp(a - b - d + float64(i)*math.Log(c.p) + float64(c.n-i)*math.Log(1-c.p))
		}
		assert.InDelta(t, math.Log10(sum), logTail(c.n, c.k, c.p), 1e-6)
	}
	assert.Zero(t, logTail(5, 0, 0.5))
	assert.Equal(t, math.Inf(-1), logTail(5, 6, 0.5))
}

func TestDirections(t *testing.T) {
	for i := range 1000 {
		a := float64(i) / 1000 * 2 * math.Pi
		got := float64(eighths(float32(3*math.Cos(a)), float32(3*math.Sin(a))))
		assert.LessOrEqual(t, math.Abs(math.Remainder(got-a*4/math.Pi, 8)), 0.006)
	}
}

// A feature keeps its descriptor when the picture is turned, and has that of its
// mirror image when the picture is mirrored.
func TestLooks(t *testing.T) {
	p := dsp.NewPlane(256, 192)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range p.Pix {
		p.Pix[i] = float32(r.IntN(256))
	}
	p = dsp.Gauss(p, 2.5)
	for i := range p.Pix {
		p.Pix[i] = (p.Pix[i]-128)*6 + 128
	}
	mirrored, half := dsp.NewPlane(p.W, p.H), dsp.NewPlane(p.W, p.H)
	for y := range p.H {
		for x := range p.W {
			v := p.Pix[y*p.W+x]
			mirrored.Pix[y*p.W+p.W-1-x] = v
			half.Pix[(p.H-1-y)*p.W+p.W-1-x] = v
		}
	}
	all := find(p, 1, 1)
	require.Greater(t, len(all), 50)
	for name, turned := range map[string]dsp.Plane{"mirrored": mirrored, "half": half} {
		other, same := find(turned, 1, 1), 0
		for i := range all {
			a := *all[i]
			if name == "half" {
				a.x, a.y, a.turn = float32(p.W-1)-a.x, float32(p.H-1)-a.y, (a.turn+turnSteps/2)&(turnSteps-1)
			} else {
				mirror([]*found{&a}, p.W)
			}
			for k := range other {
				b := other[k]
				if math.Hypot(float64(a.x-b.x), float64(a.y-b.y)) < 0.6 && a.level == b.level && offTurn(int(a.turn), int(b.turn)) <= 1 && a.distance(&b.descriptor) <= 4 {
					same++
					break
				}
			}
		}
		// Octaves keep every second sample from the top left on: only the finest is its own mirror image.
		assert.Greater(t, same, len(all)*7/10, name)
	}
}

// A pattern that repeats in the leak meets one feature of an upload many times. In each cell of
// turn and scale such a feature votes once, in whatever order its hits come.
func TestAgreementCountsAFeatureOnce(t *testing.T) {
	u := noise(rand.New(rand.NewPCG(1, 2)), 0)
	r := &search{}
	var c candidate
	at := u.place(0)
	for i, turn := range []uint8{0, 3, 32, 3, 0, 32, 32} { // cells A A B A A B B; the cells A and B are opposite
		a := asked{feature: feature{place: place{turn: (at.turn - turn) & (turnSteps - 1), level: at.level}}}
		r.asked, r.rarity = append(r.asked, a), append(r.rarity, rarity{1})
		c.hits = append(c.hits, hit{asked: uint16(i), turn: at.turn, level: at.level})
		assert.EqualValues(t, 1, r.agreement(&c), "hits up to %d", i)
	}
}

// WriteSealedHolding is WriteSealed with another memory.
func WriteSealedHolding(f WriterReader, key cipher.AEAD, uploads iter.Seq2[int64, *Features], kept func() []byte, about []byte, held uint64) error {
	return writeSealed(f, key, uploads, kept, about, held)
}
