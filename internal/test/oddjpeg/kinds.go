package oddjpeg

import (
	"image"
	"math/rand/v2"
)

// A Sample is a picture of a kind that image/jpeg of Go 1.26 refuses, or that kycmark refused once.
type Sample struct {
	Name string
	File []byte
	Cut  bool // rows are missing
}

// Samples writes a picture of more than 100 rows as files of 15 kinds.
func Samples(img image.Image) []Sample {
	usual := Encode(img, Kind{Sampling: []byte{0x22, 0x11, 0x11}})
	across := (img.Bounds().Dx() + 15) / 16 // MCUs
	restarts := Encode(img, Kind{Sampling: []byte{0x22, 0x11, 0x11}, Interval: across})
	of := func(k Kind, sampling ...byte) []byte {
		k.Sampling = sampling
		return Encode(img, k)
	}
	return []Sample{
		{"no end", Cut(usual, 0, 2), false},
		{"last tenth missing", Cut(usual, .1, 0), true},
		{"half missing", Cut(usual, .5, 0), true},
		{"one wrong word", WrongWord(usual, rand.New(rand.NewPCG(1, 1))), false},
		{"restart interval lost", WithoutRestart(restarts, 3), false},
		{"bytes behind the start", Strayed(usual), false},
		{"1x1, 2x2, 2x2", of(Kind{}, 0x11, 0x22, 0x22), false},
		{"2x2, 2x1, 1x2", of(Kind{}, 0x22, 0x21, 0x12), false},
		{"3x1", of(Kind{}, 0x31, 0x11, 0x11), false},
		{"3x2", of(Kind{}, 0x32, 0x11, 0x11), false},
		{"1x4", of(Kind{}, 0x14, 0x11, 0x11), false},
		{"progressive in part", of(Kind{Progressive: true}, 0x22, 0x11, 0x11), false},
		{"progressive in part, 3x1", of(Kind{Progressive: true}, 0x31, 0x11, 0x11), false},
		{"a scan each, with restarts", of(Kind{Alone: true, Interval: 7}, 0x22, 0x11, 0x11), false},
		{"inks", of(Kind{}, 0x21, 0x11, 0x12, 0x21), false},
	}
}
