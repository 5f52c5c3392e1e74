package phash_test

import (
	"fmt"
	"image/color"
	"testing"

	"github.com/kycmark/kycmark/phash"
)

func BenchmarkSum(b *testing.B) {
	small, large := picture("photo", 512, 512), picture("photo", 4000, 3000)
	for _, kind := range kinds {
		b.Run(fmt.Sprintf("%s/512x512", kind), func(b *testing.B) {
			for b.Loop() {
				_, _, _ = phash.Sum(kind, small)
			}
		})
		b.Run(fmt.Sprintf("%s/12Mpx", kind), func(b *testing.B) {
			for b.Loop() {
				_, _, _ = phash.Sum(kind, large)
			}
		})
	}
	b.Run("pdq-full/12Mpx", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = phash.SumFull(large)
		}
	})
	b.Run("area-turned/12Mpx", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = phash.SumTurned(phash.Area, large)
		}
	})
	for _, kind := range []phash.Kind{phash.PDQ, phash.Area} {
		stamped := bars(large, color.NRGBA{220, 40, 40, 255})
		b.Run(fmt.Sprintf("leak-%s/12Mpx", kind), func(b *testing.B) {
			for b.Loop() {
				_, _, _ = phash.SumLeak(kind, stamped)
			}
		})
	}
	b.Run("pdq-turned/12Mpx", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = phash.SumTurned(phash.PDQ, large)
		}
	})
	b.Run("pdq-dihedral/12Mpx", func(b *testing.B) {
		for b.Loop() {
			_, _, _ = phash.SumDihedral(phash.PDQ, large)
		}
	})
}

func BenchmarkList(b *testing.B) {
	const n = 1_000_000
	x, r := phash.NewList(phash.PDQ), newRandom(1)
	for ref := range int64(n) {
		_ = x.Add(randomHash(r, phash.PDQ), ref)
	}
	queries := make([]phash.Hash, 16)
	for i := range queries {
		queries[i] = randomHash(r, phash.PDQ)
	}
	for _, count := range []int{1, 16} {
		b.Run(fmt.Sprintf("Search/%d queries among %d", count, n), func(b *testing.B) {
			for b.Loop() {
				_, _ = x.Search(64, queries[:count]...)
			}
		})
	}
	b.Run(fmt.Sprintf("Nearest10/%d", n), func(b *testing.B) {
		for b.Loop() {
			_, _ = x.Nearest(queries[0], 10)
		}
	})
}
