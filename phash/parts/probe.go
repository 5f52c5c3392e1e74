package parts

import (
	"cmp"
	"image"
	"math/bits"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
)

// A bucketSet lists the buckets that may hold a feature's match, by the signs in which they differ from its own, the
// likeliest first (Lv et al., "Multi-probe LSH", 2007).
type bucketSet struct {
	n    int
	flip [maxProbes]uint32
}

// A partial is a set of flipped signs, by their place in the order of sureness.
type partial struct {
	cost float32
	set  uint16
}

// probe replaces s by up to limit buckets to look in for a feature, the likeliest first. An address is the first n
// signs of a feature, 1 to maxAddress. A bucket is given by the signs to flip in the feature's own address; the first
// flips no sign. margin[i] is how sure sign i is: its distance from 0 in 1/marginParts of a deviation, 0..255. probe
// flips only the flippable signs of smallest margin. It stops early when the squared deviations of the flipped signs
// exceed maxCost. limit is 1 to maxProbes.
func (s *bucketSet) probe(margin *[maxAddress]uint8, n, limit int) {
	var order [maxAddress]uint8
	var cost [maxAddress]float32
	for i := range n {
		c := float32(margin[i]) / marginParts
		c = float32(c * c)
		k := i
		for ; k > 0 && cost[k-1] > c; k-- {
			cost[k], order[k] = cost[k-1], order[k-1]
		}
		cost[k], order[k] = c, uint8(i)
	}
	m := min(n, flippable)
	var heap [2 * maxProbes]partial
	heap[0] = partial{cost[0], 1}
	size := 1
	s.flip[0], s.n = 0, 1
	for s.n < limit && size > 0 && heap[0].cost <= maxCost {
		p := heap[0]
		var flip uint32
		for set := p.set; set != 0; set &= set - 1 {
			flip |= 1 << order[bits.TrailingZeros16(set)]
		}
		s.flip[s.n] = flip
		s.n++
		last := bits.Len16(p.set) - 1
		if last+1 >= m {
			size--
			heap[0] = heap[size]
			sink(heap[:size])
			continue
		}
		// The last sign is exchanged for the next, and the next is added.
		heap[0] = partial{p.cost - cost[last] + cost[last+1], p.set&^(1<<last) | 1<<(last+1)}
		sink(heap[:size])
		heap[size] = partial{p.cost + cost[last+1], p.set | 1<<(last+1)}
		size++
		rise(heap[:size])
	}
}

// sink moves the first element of a heap, ordered by cost, down to where it belongs.
func sink(h []partial) {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].cost < h[c].cost {
			c++
		}
		if h[i].cost <= h[c].cost {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// rise moves the last element of a heap, ordered by cost, up to where it belongs.
func rise(h []partial) {
	for i := len(h) - 1; i > 0; {
		p := (i - 1) / 2
		if h[p].cost <= h[i].cost {
			return
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
}

// A hit is a feature of an upload that may be one of the leak.
type hit struct {
	upload      uint32 // of the search, counted through its segments
	asked       uint16
	feature     uint8
	distance    uint8
	turn, level uint8 // of the feature of the upload
}

// ask appends to out a hit for each feature of s that differs from a in up to maxApart signs.
// number is the place of a among the features of the leak, and base the number of the segment's
// first upload. set has the buckets to look in, probed for s.address signs. ask stops before a
// bucket with which it would read more than maxScan postings, but always reads the first.
func (s *segment) ask(out []hit, a *asked, number int, base uint32, set *bucketSet, m *scratch) []hit {
	own, signs, scanned := s.bucket(a.descriptor[0]), signsOf(a.descriptor[0]), 0
	for _, flip := range set.flip[:set.n] {
		b := own ^ flip
		posts := s.postings(b, m)
		if scanned += len(posts); scanned > maxScan && flip != 0 {
			break
		}
		for _, p := range posts {
			if bits.OnesCount32(p.signs^signs) > signsApart || p.feature == erased {
				continue
			}
			shown := s.shown(p.feature, m)
			if shown.data == nil { // removed
				continue
			}
			k := int(p.feature & 255)
			d := shown.descriptor(k)
			if n := d.distance(&a.descriptor); n <= maxApart {
				at := shown.place(k)
				out = append(out, hit{base + p.feature>>8, uint16(number), uint8(k), uint8(n), at.turn, at.level})
			}
		}
	}
	return out
}

// A Query is what an index is asked about one leak: the features of the leak and of its mirror image. A Query is immutable.
type Query struct {
	size            image.Point // of the leak, pixels
	width, height   int         // of the canonical leak
	scale           float64     // canonical pixels per pixel of the leak
	asked, mirrored []asked
}

// An asked feature is one with how sure the first signs are.
type asked struct {
	feature
	margin [maxAddress]uint8 // distance from 0 along the first axes, in parts of the deviation by which edits move it
}

// Examine finds the features of a leak. A small leak is enlarged first. A negative has to be inverted by the caller. A
// blank picture has few features or none, which is no error. Errors wrap [ErrPicture].
func Examine(img image.Image) (*Query, error) {
	p, err := canonical(img, leakSide)
	if err != nil {
		return nil, err
	}
	size := img.Bounds().Size()
	if max(p.W, p.H) < minLong || min(p.W, p.H) < minShort {
		p = dsp.Enlarged(p, enlarged*p.W, enlarged*p.H)
	}
	q := &Query{size: size, width: p.W, height: p.H, scale: float64(p.W) / float64(size.X)}
	all := find(p, turnShare, maxTurns)
	spread(all, p.W, p.H)
	// There are few coarse ones, and noise is fine.
	slices.SortStableFunc(all, func(a, b *found) int { return cmp.Compare(min(b.octave, 1), min(a.octave, 1)) })
	all = all[:min(len(all), maxAsked)]
	q.asked = each.Of(all, (*found).ask)
	mirror(all, p.W)
	q.mirrored = each.Of(all, (*found).ask)
	return q, nil
}

// ask returns f as an index is asked for it, with the margins of its first maxAddress signs. A
// margin above 255 parts is cut to 255.
func (f *found) ask() (a asked) {
	a.feature = f.feature
	for i := range a.margin {
		v := f.along[i]
		a.margin[i] = uint8(min(255, float32(marginParts*max(v, -v))))
	}
	return a
}

// mirror changes features to what they are in the mirror image, left to right, of a picture of width w, canonical pixels.
func mirror(all []*found, w int) {
	for _, f := range all {
		f.h = f.h.mirrored()
		f.x, f.turn = float32(w-1)-f.x, (turnSteps/2-f.turn)&(turnSteps-1)
	}
	learned.project(all)
}

func (q *Query) Len() int { return len(q.asked) }
