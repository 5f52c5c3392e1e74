package registry_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// benchUploads are the shipped pictures, or those of $KYCMARK_PICTURES.
func benchUploads(b *testing.B) (files [][]byte, size int64) {
	b.Helper()
	dir := os.Getenv("KYCMARK_PICTURES")
	if dir == "" {
		dir = "../../testdata/pictures"
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.jpg"))
	require.NoError(b, err)
	require.NotEmpty(b, paths)
	for _, p := range paths {
		data, err := os.ReadFile(p)
		require.NoError(b, err)
		files, size = append(files, data), size+int64(len(data))
	}
	return files, size
}

// What entering uploads costs over decoding them, all processors busy in both:
//
//	go test ./verify -run '^$' -bench Submit -benchtime 5x
func BenchmarkSubmit(b *testing.B) {
	files, size := benchUploads(b)
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			decodeAll(b, files)
		}
	})
	for _, hashOnly := range []bool{true, false} {
		name := map[bool]string{true: "hash-only", false: "whole"}[hashOnly]
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				benchImport(b, files, hashOnly)
			}
		})
	}
}

func benchImport(b *testing.B, files [][]byte, hashOnly bool) {
	b.Helper()
	b.StopTimer()
	cfg := leaktest.Config(b)
	s, err := registry.NewIssuer(cfg)
	require.NoError(b, err)
	var uploads []registry.Upload
	for _, data := range files {
		uploads = append(uploads, registry.Upload{Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }})
	}
	b.StartTimer()
	for r, err := range s.Import(b.Context(), slices.Values(uploads), nil) {
		require.NoError(b, err)
		require.NoError(b, r.Err)
	}
}

func decodeAll(b *testing.B, files [][]byte) {
	b.Helper()
	next, wg := make(chan []byte), sync.WaitGroup{}
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for data := range next {
				if _, err := picture.Decode(data, picture.Limits{}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, data := range files {
		next <- data
	}
	close(next)
	wg.Wait()
}
