package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag for numbers of bytes: 800000, 500KB, 1.5MB, 2MiB.
type byteSize int64

var byteUnits = []struct {
	name string
	size float64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"KB", 1e3}, {"MB", 1e6}, {"K", 1e3}, {"M", 1e6}, {"B", 1}}

func (b *byteSize) Set(s string) error {
	number, unit := strings.ToUpper(strings.TrimSpace(s)), 1.0
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n > 0 && n*unit >= 1 && n*unit <= math.MaxInt32) {
		return errors.New("want a number of bytes above 0, such as 800000, 500KB or 1MB")
	}
	*b = byteSize(n * unit)
	return nil
}

func (b *byteSize) String() string { return strconv.FormatInt(int64(*b), 10) }

func (*byteSize) Type() string { return "bytes" }
