package main

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/bench/ruler"
)

// A kind misses the bar if it is read more than 1 % less often after marking, over all its pictures.
func TestReadingBar(t *testing.T) {
	of := func(kind string, before, after, lost, gained float64) ruler.Trial {
		return ruler.Trial{Labels: map[string]string{"kind": kind}, Values: map[string]float64{"before": before, "after": after, "lost": lost, "gained": gained}}
	}
	x := machineReading(newEngine())
	assert.Equal(t, []string{"QR: 97 after 99 before marking, bar 1 % fewer, p 0.50"}, x.Missed([]ruler.Trial{
		of("MRZ", 100, 99, 1, 0), of("QR", 98, 97, 1, 0), of("QR", 1, 0, 1, 0), of("faces", 3, 4, 0, 1), of("words", 60, 50, 1, 0), of("words", 50, 60, 0, 1),
	}))
}
