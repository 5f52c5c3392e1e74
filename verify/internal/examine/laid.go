package examine

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

// A Leak is a leak under examination: its pixels and what was made of them. It serves one goroutine at a time.
type Leak struct {
	*picture.Picture
	Known    time.Time          // see [findings.Rows]
	ready    *capture.Leak      // nil until the leak is first laid on an original
	Laid     []laid             // how the leak lies on the originals that it may be traced against
	searched *findings.Searched // what the search had to go by; nil: nothing was searched
	queries  []phash.Hash       // its hashes
	near     []search.Candidate // what the search by hash found
	parts    *partSearch        // what the search by parts found; nil: none was made
	examined bool               // query was made
	query    *parts.Query       // its local features; nil: a side is too long for them
	places   map[watermark.Submission]placing
	closed   map[watermark.Submission]bool // pages that could not be compared, see [Examiner.closed]; of the whole leak
	why      string                        // the first of closed could not be compared; of the whole leak
	whole    *Leak                         // that this leak was cut from; nil: it is whole
	corner   image.Point                   // of the cut in whole
	level    float64                       // false-positive rate of its traces; 0: [tuning.TraceLevel]
	under    *image.NRGBA                  // what its transparent pixels hide; nil: nothing
}

// A placing returns where local features find an original in a leak; nil if they could not look.
type placing = func() (*register.Place, error)

// A laid is how a leak lies on one original.
type laid struct {
	On    *Original
	sight *capture.Sight
	rank  int // of the pixels' word: see traceRank
}

// lay returns how the leak lies on an original, or nil if it does not align. A result that keep has kept is returned
// again. It starts where local features find the original, if [Examiner.locate] was called for it.
func (l *Leak) lay(ctx context.Context, o *Original) (*capture.Sight, error) {
	if i := l.at(o.Of); i >= 0 {
		return l.Laid[i].sight, nil
	}
	return o.Onto.Lay(ctx, l.luma(), l.places[o.Of])
}

func (l *Leak) luma() *capture.Leak {
	if l.ready == nil {
		l.ready = capture.NewLeak(dsp.LazyLuma(l.Image))
	}
	return l.ready
}

// features returns the local features of the leak, found once. They are nil if a side is too long.
func (l *Leak) features() (*parts.Query, error) {
	if l.examined {
		return l.query, nil
	}
	q, err := parts.Examine(l.Image)
	if err != nil && !errors.Is(err, parts.ErrPicture) {
		return nil, err
	}
	l.query, l.examined = q, true
	return q, nil
}

// locate has [Leak.lay] start where local features find a submission in the leak, given by its number.
// If they find nothing of it, lay ends there: see [register.Original.Find]. The leak's features are compared
// only if lay asks. A cut has the features of its whole leak.
func (v *matcher) locate(ctx context.Context, number int64, of watermark.Submission) {
	if v.leak.places[of] != nil {
		return
	}
	if v.leak.places == nil {
		v.leak.places = make(map[watermark.Submission]placing)
	}
	if whole := v.leak.whole; whole != nil {
		v.On(whole).locate(ctx, number, of)
		v.leak.places[of] = func() (*register.Place, error) {
			p, err := whole.places[of]()
			if p == nil {
				return nil, err
			}
			shifted := *p
			shifted.Map = p.Map.Mul(geometry.Translation(float64(v.leak.corner.X), float64(v.leak.corner.Y)))
			return &shifted, nil
		}
		return
	}
	v.leak.places[of] = sync.OnceValues(func() (*register.Place, error) {
		if v.Found.Featureless() {
			return nil, nil
		}
		query, err := v.leak.features()
		if query == nil {
			return nil, err
		}
		var m *parts.Match
		var known bool
		err = v.Found.Searching(ctx, func(x *parts.Index) (err error) {
			m, known, err = x.Locate(ctx, query, number)
			return err
		})
		switch {
		case !known:
			return nil, err
		case m == nil:
			return &register.Place{LogNFA: math.Inf(1)}, err
		}
		return &register.Place{Map: m.Map, LogNFA: m.LogNFA, Inliers: m.Inliers}, nil
	})
}

func (l *Leak) at(of watermark.Submission) int {
	return slices.IndexFunc(l.Laid, func(k laid) bool { return k.On.Of == of })
}

// shown returns the uploads that the leak shows or may show, likeliest first, as it lies on them.
func (l *Leak) shown() (on []watermark.Laid) {
	for _, k := range l.Laid {
		if k.sight != nil && k.rank < 2 {
			on = append(on, watermark.Laid{Submission: k.On.Of, Original: k.On.Onto, Sight: k.sight})
		}
	}
	return on
}

// Keep keeps in l how the leak lies on an original, for tracing. At most [tuning.MaxTraced] are kept, in the order of
// [Targets], and words that are not traced are not kept: each takes up 50 MB.
func (l *Leak) Keep(on *Original, s *capture.Sight, pixels string) {
	rank := traceRank(pixels)
	if rank < 0 || l.at(on.Of) >= 0 {
		return
	}
	i := 0
	for i < len(l.Laid) && l.Laid[i].rank <= rank {
		i++
	}
	l.Laid = slices.Insert(l.Laid, i, laid{on, s, rank})
	if len(l.Laid) > tuning.MaxTraced {
		l.Laid = l.Laid[:tuning.MaxTraced]
	}
}

// allOf reports whether all of a leak shows one upload: nothing lies beside it, and nothing else was found over it.
func (l *Leak) allOf(e *conclude.Evidence) bool {
	m := each.Find(e.Matches, func(m *findings.Match) bool {
		return m.Pixels == findings.PixelsSame && m.Region == nil && l.at(conclude.PageOf(m)) >= 0
	})
	if m == nil {
		return false
	}
	_, changes, err := l.Laid[l.at(conclude.PageOf(m))].sight.Fit()
	return err == nil && len(changes) == 0
}

// region returns where a rectangle of an original lies in a leak. The rectangle is in pixels of the original.
func (l *Leak) region(s *capture.Sight, x0, y0, x1, y1 float64) *findings.Quad {
	var q [4][2]float64
	back, ok := s.ToOriginal().Inverse()
	if !ok {
		return moved(nil, l.Image.Rect)
	}
	for i, c := range [4][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}} {
		p := back.Apply(geometry.Point{X: c[0] - 0.5, Y: c[1] - 0.5})
		q[i] = [2]float64{p.X, p.Y}
	}
	return quad(q)
}

// placed returns where the bounds of a place of the upload of m lie in the leak: as the upload was laid or, if that was in a
// part of the leak, by the region of m. nil: that is not known.
func (l *Leak) placed(m *findings.Match, place *findings.Quad) *findings.Quad {
	x0, y0, x1, y1 := conclude.Bounds(place)
	if i := l.at(conclude.PageOf(m)); i >= 0 {
		return l.region(l.Laid[i].sight, x0, y0, x1, y1)
	}
	if m.Region == nil || m.Width == 0 || m.Height == 0 {
		return nil
	}
	between := func(a, b, share float64) float64 { return a + float64((b-a)*share) } // not fused: the same on every processor
	var q findings.Quad
	for k, p := range [][2]float64{{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}} {
		u, v := p[0]/float64(m.Width), p[1]/float64(m.Height)
		for c := range 2 {
			q[k][c] = between(between(m.Region[0][c], m.Region[1][c], u), between(m.Region[3][c], m.Region[2][c], u), v)
		}
	}
	return &q
}
