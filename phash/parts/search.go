package parts

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// SearchOptions say how hard to look.
type SearchOptions struct {
	// Candidates is how many uploads are looked at closely for each part of the leak, up
	// to 65,536; 0 or less means 64. Of documents of one template, so many are listed.
	Candidates int
	// MaxLogNFA is the limit of [Match.LogNFA]: matches above it are not listed. 0 means -1.
	MaxLogNFA float64
}

// A Match is an upload that a leak shows, as far as features tell: the upload itself, or a document of its template, or
// another capture. Pixels have to be compared to know.
type Match struct {
	Ref     int64
	Score   float64    // how much agrees that few other uploads share; the highest comes first
	LogNFA  float64    // log10 of the number of uploads in the index that were expected to match so well by chance
	Inliers int        // features that agree
	Map     [9]float64 // homography, row by row, from pixels of the leak as given to pixels of the upload
	// Leak has the corners of the upload in the leak, and Upload the corners of the leak in the upload: clockwise from
	// the top left, in pixels from the centre of the first pixel. Corners that were cut off lie outside.
	Leak, Upload [4][2]float64
	Mirrored     bool
}

// Search returns the uploads that q may show, by Score, with the defaults if opts is nil. If ctx ends, it returns only
// the error of ctx. The error is a [*RecordError] if a mounted segment was altered. A picture of several uploads has a
// match for each. A part of a document also matches other documents of the template, if it shows as much of them.
func (x *Index) Search(ctx context.Context, q *Query, opts *SearchOptions) ([]Match, error) {
	opts = cmp.Or(opts, new(SearchOptions))
	x.reading.RLock()
	defer x.reading.RUnlock()
	s := x.load()
	run := &search{q: q, candidates: min(cmp.Or(max(opts.Candidates, 0), usualCandidates), maxCandidates), maxLogNFA: cmp.Or(opts.MaxLogNFA, -1)}
	run.segments = s.segments
	if len(s.recent.uploads) > 0 {
		run.segments = append(slices.Clip(s.segments), s.recent.segment())
	}
	if err := run.both(ctx); err != nil {
		return nil, err
	}
	return distinct(run.found), run.memory.err
}

// Locate returns the best match of q with the upload of ref alone, as if the index held no other
// upload: the map of the fewest false alarms. The match is nil if none has a LogNFA of 0 or less. known is
// false if the index does not hold ref. The error is that of ctx, or a [*RecordError].
func (x *Index) Locate(ctx context.Context, q *Query, ref int64) (best *Match, known bool, err error) {
	x.mu.Lock() // before reading, as a removal does
	run := &search{q: q, candidates: 1}
	u := x.upload(ref, &run.memory)
	x.reading.RLock()
	defer x.reading.RUnlock()
	x.mu.Unlock()
	if u == nil || run.memory.err != nil {
		return nil, u != nil, run.memory.err
	}
	run.segments = []*segment{newSegment([]upload{*u})}
	if err := run.both(ctx); err != nil {
		return nil, true, err
	}
	for i := range run.found {
		if m := &run.found[i]; best == nil || m.LogNFA < best.LogNFA {
			best = m
		}
	}
	return best, true, nil
}

// distinct sorts matches by falling score, in place, and returns them without repetitions. It drops a match if a better
// match of the same upload lies there: a pattern repeats, or is its own mirror image.
func distinct(all []Match) []Match {
	slices.SortStableFunc(all, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Ref, b.Ref))
	})
	out := all[:0]
	for i := range all {
		m := &all[i]
		if x, y := middle(&m.Leak); !slices.ContainsFunc(out, func(o Match) bool {
			u, v := middle(&o.Leak)
			return o.Ref == m.Ref && (inside(&o.Leak, x, y) || inside(&m.Leak, u, v))
		}) {
			out = append(out, *m)
		}
	}
	return out
}

func middle(q *[4][2]float64) (x, y float64) {
	for _, p := range q {
		x, y = x+p[0]/4, y+p[1]/4
	}
	return x, y
}

// A search is the state of one call of [Index.Search].
type search struct {
	q          *Query
	candidates int
	maxLogNFA  float64
	segments   []*segment
	base       []uint32 // uploads of the segments before each, and the sum
	uploads    float64
	all        float64 // features
	found      []Match
	memory     scratch

	// of the present look
	mirrored bool
	asked    []asked
	grid     *grid
	hits     []hit
	rarity   []rarity
	done     map[uint32]bool // uploads looked at
	place    []int32         // of uploads in a list, or -1
}

// rarity[d] says what a match of a feature at distance d is worth: the logarithm of the
// uploads in the index for each upload that matches within d bits.
type rarity [maxMatched + 1]float32

// both counts the uploads and features that were not removed, and looks with the features of the leak and of its mirror image.
func (r *search) both(ctx context.Context) error {
	r.base = make([]uint32, 1, len(r.segments)+1)
	for _, s := range r.segments {
		r.base = append(r.base, r.base[len(r.base)-1]+uint32(s.size()))
		r.uploads += float64(s.size() - s.dead)
		r.all += float64(s.live)
	}
	if err := r.look(ctx, false); err != nil {
		return err
	}
	return r.look(ctx, true)
}

// look searches with the features of the leak, or of its mirror image, and appends the matches to r.found. Each round
// verifies the uploads with the most votes and takes away the votes of what their matches explain. look ends after a
// round without a match, or after the last. The only error is the error of ctx.
func (r *search) look(ctx context.Context, mirrored bool) error {
	r.mirrored, r.asked = mirrored, r.q.asked
	if mirrored {
		r.asked = r.q.mirrored
	}
	if r.uploads == 0 || len(r.asked) == 0 {
		return ctx.Err()
	}
	r.grid = newGrid(r.asked)
	r.done = map[uint32]bool{}
	votes := make([]float32, r.base[len(r.base)-1])
	r.place = make([]int32, len(votes))
	if err := r.gather(ctx, votes); err != nil {
		return err
	}
	if len(r.asked) < fewAsked {
		defer func(n int) { r.candidates = n }(r.candidates)
		r.candidates *= moreOfFew
	}
	for round := range rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := len(r.found)
		r.verify(r.best(votes))
		if len(r.found) == before || round == rounds-1 {
			return nil
		}
		r.explain(votes, r.found[before:])
	}
	return nil
}

// gather sets r.hits and r.rarity for all features of the present look. It adds to votes, by number
// of upload, what the hits are worth. Of a feature only the nearest hits count, see [counts.nearest], and of an
// upload only two or more. The only error is the error of ctx.
func (r *search) gather(ctx context.Context, votes []float32) error {
	r.hits, r.rarity = r.hits[:0], make([]rarity, len(r.asked))
	before := rarityBefore(r.uploads, r.all)
	var one []hit
	probes := &probing{limit: min(max(allProbes/max(len(r.asked), 1), minProbes), maxProbes)}
	for i := range r.asked {
		if i&255 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		a := &r.asked[i]
		var at counts
		one = one[:0]
		probes.address = -1
		for k, s := range r.segments {
			n := len(one)
			one = s.ask(one, a, i, r.base[k], probes.of(a, s.address), &r.memory)
			for _, h := range one[n:] {
				at[h.distance]++
			}
		}
		r.rarity[i] = before
		r.rarity[i].count(&at, r.uploads, r.all)
		r.hits = append(r.hits, at.nearest(one)...)
	}
	clear(r.place) // it counts the hits of each upload here
	for _, h := range r.hits {
		r.place[h.upload]++
	}
	r.hits = slices.DeleteFunc(r.hits, func(h hit) bool { return r.place[h.upload] < minVotes })
	for _, h := range r.hits {
		votes[h.upload] += r.rarity[h.asked][h.distance]
	}
	return nil
}

// A probing lists the buckets to look in for the features of a leak.
type probing struct {
	limit   int // buckets
	address int // that set is for; -1: none
	set     bucketSet
}

// of returns the buckets for the present feature a in a segment with so many signs in an address.
func (p *probing) of(a *asked, address int) *bucketSet {
	if p.address != address {
		p.address = address
		p.set.probe(&a.margin, address, p.limit)
	}
	return &p.set
}

// counts are numbers of hits of one feature by their distance.
type counts [maxApart + 1]int

// nearest returns the hits up to the largest distance within which no more than maxHits were counted, in their order,
// in the memory of hits. It depends on the counts alone: so who holds some of the uploads cuts no more than who holds all.
func (c *counts) nearest(hits []hit) []hit {
	n := 0
	for d, more := range c {
		if n += more; n > maxHits {
			return slices.DeleteFunc(hits, func(h hit) bool { return int(h.distance) >= d })
		}
	}
	return hits
}

// rarityBefore returns the rarity of a feature without hits, for an index of so many uploads with
// so many features: matches are expected by chance alone.
func rarityBefore(uploads, features float64) (r rarity) {
	for d := range r {
		r[d] = worth(uploads, float64(features*chance[d])+1)
	}
	return r
}

// count lowers r by the hits of one feature, in an index of so many uploads with so many features:
// what many uploads show says little of any upload. A single hit changes nothing.
func (r *rarity) count(at *counts, uploads, features float64) {
	n := 0
	for d := range r {
		if d < len(at) {
			n += at[d]
		}
		if n > 1 {
			r[d] = worth(uploads, float64(features*chance[d])+float64(n))
		}
	}
}

// worth returns what a match is worth: the natural logarithm of uploads over expected, no less than 0. uploads is the
// number in the index, and expected how many of them match as well, by chance or as counted.
func worth(uploads, expected float64) float32 {
	return float32(math.Max(0, dsp.Ln((uploads+1)/expected)))
}

// explain takes back from votes what the features inside matches voted, and drops the hits of these
// features. So other parts of the leak come to be heard.
func (r *search) explain(votes []float32, matches []Match) {
	taken := make([]bool, len(r.asked))
	for i := range r.asked {
		x, y := r.toLeak(r.asked[i].x, r.asked[i].y)
		taken[i] = slices.ContainsFunc(matches, func(m Match) bool { return inside(&m.Leak, x, y) })
	}
	r.hits = slices.DeleteFunc(r.hits, func(h hit) bool {
		if taken[h.asked] {
			votes[h.upload] -= r.rarity[h.asked][h.distance]
			return true
		}
		return false
	})
}

// toLeak maps canonical pixels of the present look, which may be mirrored, to pixels of the leak as given.
func (r *search) toLeak(x, y float32) (float64, float64) {
	u, v := float64(x), float64(y)
	if r.mirrored {
		u = float64(r.q.width-1) - u
	}
	return (u+0.5)/r.q.scale - 0.5, (v+0.5)/r.q.scale - 0.5
}
