package verify

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

// A leakPicture is a leak under examination: its pixels and what was made of them. It
// serves one goroutine at a time.
type leakPicture struct {
	*picture.Picture
	ready    *capture.Leak      // nil until the leak is first laid on an original
	laid     []laid             // how the leak lies on the originals that it may be traced against
	searched *findings.Searched // what the search had to go by; nil: nothing was searched
	queries  []phash.Hash       // its hashes
	near     []candidate        // what the search by hash found
	parts    *partSearch        // what the search by parts found; nil: none was made
	examined bool               // query was made
	query    *parts.Query       // its local features; nil: a side is too long for them
	places   map[watermark.Submission]placing
	closed   map[watermark.Submission]bool // pages that could not be compared, see [examiner.closed]; of the whole leak
	why      string                        // the first of closed could not be compared; of the whole leak
	whole    *leakPicture                  // that this leak was cut from; nil: it is whole
	corner   image.Point                   // of the cut in whole
}

// A placing returns where local features find an original in a leak; nil if they could not look.
type placing = func() (*register.Place, error)

// A laid is how a leak lies on one original.
type laid struct {
	on    *original
	sight *capture.Sight
	rank  int // of the pixels' word: see traceRank
}

// lay returns how the leak lies on an original, or nil if it does not align. A result that keep has kept is returned
// again. It starts where local features find the original, if [examiner.locate] was called for it.
func (l *leakPicture) lay(ctx context.Context, o *original) (*capture.Sight, error) {
	if i := l.at(o.of); i >= 0 {
		return l.laid[i].sight, nil
	}
	return o.onto.Lay(ctx, l.luma(), l.places[o.of])
}

// luma returns the leak ready for being laid on originals, made once.
func (l *leakPicture) luma() *capture.Leak {
	if l.ready == nil {
		l.ready = capture.NewLeak(dsp.LazyLuma(l.Image))
	}
	return l.ready
}

// features returns the local features of the leak, found once. They are nil if a side is too long.
func (l *leakPicture) features() (*parts.Query, error) {
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

// locate has [leakPicture.lay] start where local features find a submission in l, given by its number.
// If they find nothing of it, lay ends there: see [register.Original.Find]. The features of l are compared
// only if lay asks. If l is a cut, the features of the whole leak are taken.
func (v *examiner) locate(ctx context.Context, l *leakPicture, number int64, of watermark.Submission) {
	if l.places[of] != nil {
		return
	}
	if l.places == nil {
		l.places = make(map[watermark.Submission]placing)
	}
	if whole := l.whole; whole != nil {
		v.locate(ctx, whole, number, of)
		l.places[of] = func() (*register.Place, error) {
			p, err := whole.places[of]()
			if p == nil {
				return nil, err
			}
			shifted := *p
			shifted.Map = p.Map.Mul(geometry.Translation(float64(l.corner.X), float64(l.corner.Y)))
			return &shifted, nil
		}
		return
	}
	l.places[of] = sync.OnceValues(func() (*register.Place, error) {
		if v.found.featureless() {
			return nil, nil
		}
		query, err := l.features()
		if query == nil {
			return nil, err
		}
		var m *parts.Match
		var known bool
		err = v.found.searching(ctx, func(x *parts.Index) (err error) {
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

// at returns the index of a submission in l.laid, -1 if it is not there.
func (l *leakPicture) at(of watermark.Submission) int {
	return slices.IndexFunc(l.laid, func(k laid) bool { return k.on.of == of })
}

// shown returns the uploads that the leak shows or may show, likeliest first, as it lies on them.
func (l *leakPicture) shown() (on []watermark.Laid) {
	for _, k := range l.laid {
		if k.sight != nil && k.rank < 2 {
			on = append(on, watermark.Laid{Submission: k.on.of, Original: k.on.onto, Sight: k.sight})
		}
	}
	return on
}

// keep keeps in l how the leak lies on an original, for tracing. At most [tuning.MaxTraced] are kept, in the order of
// [targets], and words that are not traced are not kept: each takes up 50 MB.
func (l *leakPicture) keep(on *original, s *capture.Sight, pixels string) {
	rank := traceRank(pixels)
	if rank < 0 || l.at(on.of) >= 0 {
		return
	}
	i := 0
	for i < len(l.laid) && l.laid[i].rank <= rank {
		i++
	}
	l.laid = slices.Insert(l.laid, i, laid{on, s, rank})
	if len(l.laid) > tuning.MaxTraced {
		l.laid = l.laid[:tuning.MaxTraced]
	}
}
