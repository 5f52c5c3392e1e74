package verify_test

import (
	"image"
	"testing"
	"testing/fstest"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// Small files that take much memory are named. What lies beside them is found as if they were not there.
func TestHeavyFilesOfADump(t *testing.T) {
	heavy := file(t, image.NewNRGBA(image.Rect(0, 0, 8000, 6000)), "png")
	dump := fstest.MapFS{"honest.png": {Data: dot(t, 2)}}
	alone := map[string]verify.Finding{}
	seq := searcher(t).InvestigateFS(t.Context(), dump)
	for v, err := range seq {
		require.NoError(t, err)
		alone[v.File] = v.Finding
	}
	for _, name := range []string{"a.png", "b.png", "h.png", "y.png", "z.png"} {
		dump[name] = &fstest.MapFile{Data: append([]byte{}, heavy...)}
	}
	v := searcher(t, func(c *verify.Config) { c.MaxMemory, c.Workers = 512<<20, 16 })
	for l, err := range v.InvestigateFS(t.Context(), dump) {
		require.NoError(t, err)
		if want, ok := alone[l.File]; ok {
			require.Equal(t, want, l.Finding)
			continue
		}
		require.Equal(t, verify.FoundUnsupported, l.Finding, l.File)
		require.Regexp(t, `^picture needs 9\d\d MB of memory, limit is 335 MB$`, l.Error)
	}
}

// An upload that there is no memory for is not compared: that is no reason to say that a leak does not show it.
func TestHeavyOriginal(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	upload := imaging.Resize(passport(1), 3400, 0, imaging.Linear)
	submit(t, s, file(t, upload, "png"), "customer 1", feb)
	leak := fstest.MapFS{"leak.jpg": {Data: file(t, imaging.Resize(upload, 800, 0, imaging.Box), "jpeg")}}
	for limit, want := range map[int64]verify.Finding{0: verify.FoundUnmarked, 420 << 20: verify.FoundIncomplete} {
		cfg := investigating(cfg)
		cfg.MaxMemory = limit
		for l, err := range newInvestigator(t, cfg).InvestigateFS(t.Context(), leak) {
			require.NoError(t, err)
			require.Equal(t, want, l.Finding, limit)
		}
	}
	_, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, Limits: verify.Limits{MaxMemory: -1}})
	require.ErrorIs(t, err, registry.ErrInput)
}
