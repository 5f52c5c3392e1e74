package verify_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image"
	"testing"
	"testing/fstest"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// Small files that take much memory are named. What lies beside them is found as if they were not there.
func TestHeavyFilesOfADump(t *testing.T) {
	heavy := file(t, image.NewNRGBA(image.Rect(0, 0, 8000, 6000)), "png")
	dump := fstest.MapFS{"honest.png": {Data: dot(t, 2)}}
	alone := map[string]findings.Kind{}
	seq := searcher(t).FS(t.Context(), dump)
	for v, err := range seq {
		require.NoError(t, err)
		alone[v.File] = v.Kind
	}
	for _, name := range []string{"a.png", "b.png", "h.png", "y.png", "z.png"} {
		dump[name] = &fstest.MapFile{Data: append([]byte{}, heavy...)}
	}
	v := searcher(t, func(c *setup) { c.MaxMemory, c.Workers = 512<<20, 16 })
	for l, err := range v.FS(t.Context(), dump) {
		require.NoError(t, err)
		if want, ok := alone[l.File]; ok {
			require.Equal(t, want, l.Kind)
			continue
		}
		require.Equal(t, findings.FoundUnsupported, l.Kind, l.File)
		require.Regexp(t, `^picture needs 9\d\d MB of memory, limit is 402 MB \(--max-memory\)$`, l.Error)
	}
}

// An upload that there is no memory for is not compared: that is no reason to say that a leak does not show it.
func TestHeavyOriginal(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	upload := imaging.Resize(passport(1), 3400, 0, imaging.Linear)
	submit(t, s, file(t, upload, "png"), "customer 1", feb)
	leak := fstest.MapFS{"leak.jpg": {Data: file(t, imaging.Resize(upload, 800, 0, imaging.Box), "jpeg")}}
	for limit, want := range map[int64]findings.Kind{0: findings.FoundUnreadable, 420 << 20: findings.FoundIncomplete} {
		cfg := untraced(cfg)
		cfg.MaxMemory = limit
		for l, err := range newInvestigator(t, cfg).FS(t.Context(), leak) {
			require.NoError(t, err)
			require.Equal(t, want, l.Kind, limit)
		}
	}
	_, err := verify.NewInvestigator(verify.Config{Registry: cfg.Registry, MaxMemory: -1})
	require.ErrorIs(t, err, registry.ErrInput)
}

// What needs memory waits for it: a file in an archive, whose size nobody knew before, and uploads that are compared with each
// other at the end.
func TestWaitsForMemory(t *testing.T) {
	t.Parallel()
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	var leaks []*findings.Finding
	for i := range 3 {
		l := leakOf(i+1, findings.FoundCopy, "vendor A")
		l.Submission = submit(t, s, file(t, passport(uint64(i)), "jpeg"), "", feb).ID
		verify.SetSubject(l, fmt.Sprint(i))
		leaks = append(leaks, l)
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for i := range 3 {
		f, err := w.Create(fmt.Sprint(i, ".png"))
		require.NoError(t, err)
		_, err = f.Write(dot(t, i))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	searching := investigating(cfg)
	searching.MaxMemory = 512 << 20
	v := newInvestigator(t, searching)
	v.SetDetect(noMark)
	for name, do := range map[string]func() error{
		"a file of an archive": func() error {
			for _, err := range v.FS(t.Context(), fstest.MapFS{"a.zip": {Data: archive.Bytes()}}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
		"uploads that are compared": func() error {
			_, _, err := v.SameDocuments(t.Context(), leaks)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			require.NoError(t, do())
			took := time.Since(began)
			give, err := v.TakeMemory(t.Context())
			require.NoError(t, err)
			done := make(chan error, 1)
			go func() { done <- do() }()
			select {
			case <-done:
				t.Fatal("it did not wait")
			case <-time.After(2*took + time.Second/2):
			}
			give()
			require.NoError(t, <-done)
		})
	}
}
