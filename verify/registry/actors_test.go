package registry_test

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A service has one issuer for all who ask it. Each entry names who asked, each copy is as its request wants it, and
// all requests together have the memory of one issuer.
func TestOneIssuerServesManyActors(t *testing.T) {
	const limit = 512 << 20 // 384 MiB for copies of 115 MiB and more: three at a time
	s, cfg, sub := shop(t, "jpeg", func(c *registry.Config) { c.MaxMemory = limit })
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
	})
	long := max(sub.Width, sub.Height)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			o := &registry.IssueOptions{Actor: "anna", Purpose: "checks", Request: fmt.Sprint(i)}
			if i%2 == 1 {
				o.Actor, o.MaxSide, o.Format = "ben", long/2, "png"
			}
			var file bytes.Buffer
			c, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&file), o)
			if !assert.NoError(t, err) {
				return
			}
			assert.Equal(t, o.Actor, c.Actor)
			assert.EqualValues(t, c.Size, file.Len())
			if i%2 == 1 {
				assert.Equal(t, "png", c.Format)
				assert.Equal(t, long/2, max(c.Width, c.Height))
			} else {
				assert.Equal(t, "jpeg", c.Format)
				assert.Equal(t, long, max(c.Width, c.Height))
			}
		})
	}
	all.Wait()
	require.Equal(t, 3, most, "copies made at a time")

	actors, asked := make(map[string]int), make(map[watermark.CopyID]string)
	copies, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	for _, c := range copies {
		actors[c.Actor]++
		asked[c.ID] = c.Actor
	}
	releases, err := cfg.Registry.Inner().Releases(t.Context(), sub.ID)
	require.NoError(t, err)
	for _, x := range releases {
		require.Equal(t, asked[x.Copy], x.Actor)
		actors["release of "+x.Actor]++
	}
	require.Equal(t, map[string]int{"anna": 16, "ben": 16, "release of anna": 16, "release of ben": 16}, actors)
	checkLedger(t, cfg.Registry)

	// An upload that needs more memory than there is for pictures is refused, and one that does not is entered.
	small, _, err := s.Submit(t.Context(), bytes.NewReader(passportFile(t, 2, "png")), "", time.Time{}, nil)
	require.NoError(t, err)
	_, _, err = s.Submit(t.Context(), bytes.NewReader(file(t, image.NewNRGBA(image.Rect(0, 0, 6000, 5000)), "png")), "", time.Time{}, nil)
	require.ErrorIs(t, err, registry.ErrLimit)
	require.EqualError(t, err, "picture needs 484 MB of memory, limit is 402 MB (--max-memory)")
	_, err = s.Issue(t.Context(), small.ID, "vendor A", registry.WriteTo(io.Discard), nil)
	require.NoError(t, err, "what is refused holds no memory")
}

// The same request has one copy, whoever asks again; another request has another copy. Copies for several recipients
// share what is opened once.
func TestARequestHasOneCopy(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor B", Kind: books.KindVendor}))
	issue := func(to string, o *registry.IssueOptions) (*books.Copy, []byte) {
		var file bytes.Buffer
		c, err := s.Issue(t.Context(), sub.ID, to, registry.WriteTo(&file), o)
		require.NoError(t, err)
		return c, file.Bytes()
	}
	a, first := issue("vendor A", nil)
	again, second := issue("vendor A", &registry.IssueOptions{Actor: "ben"})
	require.Equal(t, a.ID, again.ID)
	require.Equal(t, first, second)
	found, err := s.Copy(t.Context(), sub.ID, "vendor A", nil)
	require.NoError(t, err)
	require.Equal(t, a.ID, found.ID)
	_, err = s.Copy(t.Context(), sub.ID, "vendor A", &registry.IssueOptions{Purpose: "other"})
	require.ErrorIs(t, err, registry.ErrNotFound)
	_, err = s.Copy(t.Context(), sub.ID, "vendor B", nil)
	require.ErrorIs(t, err, registry.ErrNotFound)
	var opened registry.Opened
	for _, o := range []*registry.IssueOptions{{Purpose: "other"}, {Request: "2"}, {MaxSide: 30}} {
		o.Opened = &opened
		c, _ := issue("vendor A", o)
		b, _ := issue("vendor B", o)
		require.NotEqual(t, a.ID, c.ID)
		require.NotEqual(t, c.ID, b.ID)
		if o.MaxSide > 0 {
			require.Equal(t, 30, max(b.Width, b.Height))
		}
	}
	copies, err := cfg.Registry.Copies(t.Context(), sub.ID)
	require.NoError(t, err)
	require.Len(t, copies, 7)
}

// The first digits of an ID are enough. Pages have no IDs of their own.
func TestWithPrefix(t *testing.T) {
	s, cfg, sub := shop(t, "jpeg")
	doc := submit(t, s, tiffOf(t, passport(1), passport(2)), "", feb)
	for _, id := range []watermark.CopyID{0x1234_5678_0000_0000, 0x1234_5678_ffff_ffff, 0xffff_ffff_ffff_ffff} {
		_, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(io.Discard), &registry.IssueOptions{ID: id})
		require.NoError(t, err)
	}
	find := func(prefix string) (out []string) {
		subs, copies, err := registry.WithPrefix(t.Context(), cfg.Registry, prefix)
		require.NoError(t, err)
		for _, id := range subs {
			out = append(out, id.String())
		}
		for _, id := range copies {
			out = append(out, id.String())
		}
		return out
	}
	for _, id := range []watermark.Submission{sub.ID, doc.ID} {
		require.Equal(t, []string{id.String()}, find(id.String()[:8]))
		require.Equal(t, []string{id.String()}, find(id.String()))
	}
	require.Empty(t, find(doc.ID.Page(2).String()))
	require.Equal(t, []string{"1234567800000000", "12345678ffffffff"}, find("12345678"))
	require.Equal(t, []string{"12345678ffffffff"}, find("12345678f"))
	require.Equal(t, []string{"ffffffffffffffff"}, find("ffff"))
	require.Empty(t, find("ffffffffffffffff0"))
	for _, bad := range []string{"", "fff", "%abc", strings.Repeat("0", 33)} {
		_, _, err := registry.WithPrefix(t.Context(), cfg.Registry, bad)
		require.ErrorIs(t, err, registry.ErrInput, bad)
	}
}
