package verify

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/watermark"
)

// openable returns an original of a million pixels, and counts how often it is opened.
func openable(of watermark.Submission, n *atomic.Int32) func() (*examine.Original, error) {
	return func() (*examine.Original, error) {
		n.Add(1)
		return &examine.Original{Opened: new(examine.Opened), Of: of, Onto: capture.New(dsp.NewPlane(1000, 1000).Lazy())}, nil
	}
}

// Leaks that ask for an original at a time wait for one opening.
func TestAnOriginalIsOpenedOnce(t *testing.T) {
	c := &examine.OriginalCache{Max: 1 << 30}
	var opened atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			o, err := c.Get(t.Context(), watermark.Submission{1}, openable(watermark.Submission{1}, &opened))
			assert.NoError(t, err)
			assert.NotNil(t, o)
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, opened.Load())
}

// The originals that were not used for longest make room.
func TestOriginalsFitIntoABudget(t *testing.T) {
	c := &examine.OriginalCache{Max: 2 * examine.OriginalBytes(1_000_000)}
	var opened atomic.Int32
	get := func(i byte) {
		_, err := c.Get(t.Context(), watermark.Submission{i}, openable(watermark.Submission{i}, &opened))
		require.NoError(t, err)
	}
	for _, i := range []byte{1, 2, 1, 3, 1} { // 3 takes the place of 2
		get(i)
	}
	assert.EqualValues(t, 3, opened.Load())
	assert.LessOrEqual(t, c.Bytes, c.Max)
	get(2)
	assert.EqualValues(t, 4, opened.Load())
	get(1)
	assert.EqualValues(t, 4, opened.Load(), "3 went")
}

// A failure is not kept: the next leak tries again.
func TestAnOriginalThatFailedIsOpenedAgain(t *testing.T) {
	c := &examine.OriginalCache{Max: 1 << 30}
	failed := errors.New("the registry is gone")
	_, err := c.Get(t.Context(), watermark.Submission{1}, func() (*examine.Original, error) { return nil, failed })
	require.ErrorIs(t, err, failed)
	var opened atomic.Int32
	o, err := c.Get(t.Context(), watermark.Submission{1}, openable(watermark.Submission{1}, &opened))
	require.NoError(t, err)
	assert.NotNil(t, o)
}

// An opening that panics does not block the leaks that wait: the next leak tries again.
func TestAnOriginalWhoseOpeningPanicsIsOpenedAgain(t *testing.T) {
	c := &examine.OriginalCache{Max: 1 << 30}
	begun := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		assert.Panics(t, func() {
			_, _ = c.Get(t.Context(), watermark.Submission{1}, func() (*examine.Original, error) {
				close(begun)
				panic("a decoder is broken")
			})
		})
	})
	<-begun
	var opened atomic.Int32
	o, err := c.Get(t.Context(), watermark.Submission{1}, openable(watermark.Submission{1}, &opened))
	require.NoError(t, err)
	assert.NotNil(t, o)
	assert.EqualValues(t, 1, opened.Load())
	all.Wait()
}

// Of many lookalikes the sights are kept that the leak is traced against: first what it
// shows, then what it may show, then what it resembles, each in the order of the search.
func TestSightsKept(t *testing.T) {
	l := &examine.Leak{}
	for i, pixels := range []string{findings.PixelsDifferent, findings.PixelsUnrelated, findings.PixelsDifferent, findings.PixelsAlike, findings.PixelsDifferent, findings.PixelsSame, findings.PixelsUndecided} {
		l.Keep(&examine.Original{Of: watermark.Submission{byte(i)}}, nil, pixels)
	}
	var kept []byte
	for _, k := range l.Laid {
		kept = append(kept, k.On.Of[0])
	}
	assert.Equal(t, []byte{5, 3, 6}, kept)
}
