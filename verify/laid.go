package verify

import (
	"context"
	"slices"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/watermark"
)

// A leakPicture is a leak under examination: its pixels and what was made of them. It
// serves one goroutine at a time.
type leakPicture struct {
	*picture.Picture
	ready    *register.Leak     // nil until the leak is first laid on an original
	laid     []laid             // how the leak lies on the originals that it may be traced against
	searched *findings.Searched // what the search had to go by; nil: nothing was searched
	near     []candidate        // what the search by hash found
	parts    *partSearch        // what the search by parts found; nil: none was made
}

// A laid is how a leak lies on one original.
type laid struct {
	of    watermark.Submission
	sight *capture.Sight
	rank  int // of the pixels' word: see traceRank
}

// lay returns how the leak lies on an original, or nil if it does not align. A result
// that keep has kept is returned again; lay keeps none. The only error is ctx's.
func (l *leakPicture) lay(ctx context.Context, o *original) (*capture.Sight, error) {
	if i := l.at(o.of); i >= 0 {
		return l.laid[i].sight, nil
	}
	if l.ready == nil {
		l.ready = register.NewLeak(dsp.LumaNRGBA(l.Image))
	}
	return o.onto.Lay(ctx, l.ready)
}

// at returns the index of a submission in l.laid, -1 if it is not there.
func (l *leakPicture) at(of watermark.Submission) int {
	return slices.IndexFunc(l.laid, func(k laid) bool { return k.of == of })
}

// keep keeps in l how the leak lies on the original of a submission, for tracing. pixels is the
// word for what was compared. At most [maxTraced] are kept, in the order of [evidence.targets], and
// words that are not traced are not kept: each takes up 50 MB.
func (l *leakPicture) keep(of watermark.Submission, s *capture.Sight, pixels string) {
	rank := traceRank(pixels)
	if rank < 0 || l.at(of) >= 0 {
		return
	}
	i := 0
	for i < len(l.laid) && l.laid[i].rank <= rank {
		i++
	}
	l.laid = slices.Insert(l.laid, i, laid{of, s, rank})
	if len(l.laid) > maxTraced {
		l.laid = l.laid[:maxTraced]
	}
}
