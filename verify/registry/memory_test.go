package registry_test

import (
	"bytes"
	"image"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// However many copies are asked for at a time, as many are made as memory allows.
func TestMemoryOfIssues(t *testing.T) {
	const limit = 512 << 20 // 320 MiB for copies of 115 MiB and more
	s, _, sub := shop(t, "jpeg", func(c *registry.Config) { c.MaxMemory = limit })
	var mu sync.Mutex
	now, most := 0, 0
	s.SetMark(func(id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		return unmarkedMark(id, img)
	}, nil)
	p, err := s.Prepare(t.Context(), sub.ID)
	require.NoError(t, err)
	_, err = p.Issue(t.Context(), io.Discard, "vendor A", "") // later copies do not have the upload read first
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			var err error
			if i%2 == 0 {
				_, err = s.Issue(t.Context(), io.Discard, sub.ID, "vendor A", "")
			} else {
				_, err = p.Issue(t.Context(), io.Discard, "vendor A", "")
			}
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.Equal(t, 3, most)

	// An upload that needs more memory than there is for pictures is refused, and one that does not is entered.
	small, _, err := s.Submit(t.Context(), bytes.NewReader(passportFile(t, 2, "png")), "", time.Time{})
	require.NoError(t, err)
	_, _, err = s.Submit(t.Context(), bytes.NewReader(file(t, image.NewNRGBA(image.Rect(0, 0, 6000, 5000)), "png")), "", time.Time{})
	require.ErrorIs(t, err, registry.ErrLimit)
	require.EqualError(t, err, "picture needs 484 MB of memory, limit is 402 MB (--max-memory)")
	_, err = s.Issue(t.Context(), io.Discard, small.ID, "vendor A", "")
	require.NoError(t, err, "what is refused holds no memory")
}
