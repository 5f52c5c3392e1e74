//go:build study && linux

package registry_test

import (
	"io"
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// TestMemoryOf32Issues prints the largest resident size of this process after 32 copies of 24 megapixels that were asked for at
// the same time.
func TestMemoryOf32Issues(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	img := picture.Fit(specimen.Render(specimen.Passport, specimen.NewPerson(1), 5800), 5800)
	sub := submit(t, s, file(t, img, "jpeg"), "customer 1", feb)
	t.Logf("%d x %d pixels", sub.Width, sub.Height)
	img = nil
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), nil)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	t.Log(string(regexp.MustCompile(`VmHWM:.*`).Find(status)))
}
