package attack_test

import (
	"testing"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// BenchmarkAttacks takes each attack over 2 megapixels:
//
//	go test -bench Attacks -benchtime 3x -cpu 1 -run - ./internal/attack
func BenchmarkAttacks(b *testing.B) {
	img := specimen.Scene(1600, 1250)
	for _, a := range attack.All() {
		b.Run(a.Name, func(b *testing.B) {
			for b.Loop() {
				a.Apply(img, 1)
			}
		})
	}
}
