package specimen

import "testing"

func BenchmarkNoise(b *testing.B) {
	s := 0.0
	for i := range b.N {
		s += noise(float64(i)*0.37, float64(i)*0.11, 5)
	}
	_ = s
}
func BenchmarkPortrait(b *testing.B) {
	for range b.N {
		Portrait(NewPerson(39), 392, 504)
	}
}
func BenchmarkSelfie(b *testing.B) {
	for range b.N {
		Selfie(NewPerson(39), 1, 1200, 1600)
	}
}
func BenchmarkLand(b *testing.B) {
	for range b.N {
		Landscape(39, 1600, 1067)
	}
}
func BenchmarkPassport(b *testing.B) {
	for range b.N {
		Render(Passport, NewPerson(39), 1400)
	}
}
func BenchmarkPhoto(b *testing.B) {
	d := Render(Passport, NewPerson(39), 1400)
	for range b.N {
		Photograph(d, 2, 1600, 1200)
	}
}
