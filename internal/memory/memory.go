// Package memory admits pictures by the memory that they need. Many workers, or a few hostile files, do not take
// all that there is.
package memory

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/semaphore"

	"github.com/kycmark/kycmark/internal/picture"
)

// Shares of a budget, in eighths. Work that has memory of one kind waits only for the kinds below, so that all work
// goes on. Chosen.
const (
	ofFiles     = 1 // bytes of files that wait for their pixels
	ofPictures  = 5 // pictures that are examined or marked
	ofOriginals = 2 // uploads that are decoded to compare pictures with them
	shares      = 8
)

// usual is how much of a budget one processor uses at a time, bytes: two leaks of 6 megapixels are examined at
// once by two. A picture that needs more, within the budget, is alone. Chosen.
const usual = 512 << 20

// A Budget is the memory that the pictures of a process may take together. It is safe for concurrent use.
type Budget struct{ files, pictures, originals pool }

// A pool is a share of a budget.
type pool struct {
	room     *semaphore.Weighted
	together int64 // bytes that are taken at a time
	max      int64 // bytes that one picture may need
}

// New returns a budget of limit bytes. 0 means [Limit].
func New(limit int64) *Budget {
	if limit <= 0 {
		limit = Limit()
	}
	share := func(eighths int64) pool {
		whole := limit / shares * eighths
		together := min(whole, usual/shares*eighths*int64(max(2, runtime.GOMAXPROCS(0))))
		return pool{semaphore.NewWeighted(together), together, whole}
	}
	b := &Budget{share(ofFiles), share(ofPictures), share(ofOriginals)}
	b.files.max = math.MaxInt64 // they have limits of their own
	return b
}

// A Lease is the memory of one picture after another. It is not for concurrent use.
type Lease struct {
	// Around, if it is not nil, is called when there is no room. It calls wait, and can let others go on meanwhile. The error is
	// wait's, or the context's.
	Around func(wait func() error) error

	of   *pool
	held int64
}

// File returns a lease for the bytes of a file.
func (b *Budget) File() *Lease { return &Lease{of: &b.files} }

// Picture returns a lease for a picture that is examined or marked.
func (b *Budget) Picture() *Lease { return &Lease{of: &b.pictures} }

// Original returns a lease for an upload that a picture is compared with.
func (b *Budget) Original() *Lease { return &Lease{of: &b.originals} }

// Take gives back what l has, then waits until n bytes are free, and takes them. The error is a
// *[picture.LimitError] if one picture may not have so many, or ctx's.
func (l *Lease) Take(ctx context.Context, n int64) error {
	l.Give()
	if n > l.of.max {
		return &picture.LimitError{What: picture.MemoryBytes, Got: n, Max: l.of.max}
	}
	n = min(n, l.of.together)
	wait := func() error {
		if err := l.of.room.Acquire(ctx, n); err != nil {
			return err
		}
		l.held = n
		return nil
	}
	switch {
	case l.of.room.TryAcquire(n):
		l.held = n
		return nil
	case l.Around != nil:
		return l.Around(wait)
	}
	return wait()
}

// Aside runs f without the memory of l, but with n bytes of rest, and then takes the memory again. If rest has no room for
// these, l keeps its memory meanwhile. The error is ctx's.
func (l *Lease) Aside(ctx context.Context, rest *Lease, n int64, f func()) error {
	mine := l.held
	if rest.Give(); n > rest.of.together || !rest.of.room.TryAcquire(n) {
		f()
		return ctx.Err()
	}
	rest.held = n
	defer rest.Give()
	l.Give()
	f()
	return l.Take(ctx, mine)
}

// Within returns lim for pictures that are decoded one after the other with memory of l. need says how many bytes a
// picture needs that takes so many to be decoded.
func (l *Lease) Within(ctx context.Context, lim picture.Limits, need func(decoding, pixels int64) int64) picture.Limits {
	lim.Admit = func(decoding, pixels int64) error { return l.Take(ctx, need(decoding, pixels)) }
	return lim
}

// Give gives back what l has.
func (l *Lease) Give() {
	if l.held > 0 {
		l.of.room.Release(l.held)
		l.held = 0
	}
}

// Memory of the examination of a picture, measured with pictures of 3, 12 and 24 megapixels. The largest resident size of
// "kycmark investigate" on one processor was 350, 420, 560 MB, and with an upload of that size 300, 400, 720 MB.
const (
	examineBytes = 224 << 20 // bytes
	examinePixel = 12        // bytes a pixel
)

// Examining returns how many bytes it takes to decode a picture in so many bytes, and to examine it.
func Examining(decoding, pixels int64) int64 {
	return examineBytes + max(decoding, examinePixel*pixels)
}
