package oddjpeg

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

// Cut returns a file without its last share, 0 to 1, and without its last n bytes.
func Cut(file []byte, share float64, n int) []byte {
	return bytes.Clone(file[:len(file)-int(share*float64(len(file)))-n])
}

// codesAt returns where the codes of the first scan begin.
func codesAt(file []byte) int {
	at := bytes.Index(file, []byte("\xff\xda"))
	return at + 2 + int(binary.BigEndian.Uint16(file[at+2:]))
}

// WrongWord returns a file with 32 other bits somewhere in its scan.
func WrongWord(file []byte, r *rand.Rand) []byte {
	out, from := bytes.Clone(file), codesAt(file)
	binary.BigEndian.PutUint32(out[from+r.IntN(len(file)-from-6):], r.Uint32())
	return out
}

// FalseMarker returns a file with two bytes in its scan that look like a marker without a segment.
func FalseMarker(file []byte, r *rand.Rand) []byte {
	out, from := bytes.Clone(file), codesAt(file)
	copy(out[from+r.IntN(len(file)-from-6):], "\xff\x55")
	return out
}

// WithoutRestart returns a file of a single scan without a restart interval: without the codes before restart marker n, from 1
// on, and without the marker before them.
func WithoutRestart(file []byte, n int) []byte {
	from, at := 0, codesAt(file)
	for ; n > 0; at++ {
		if file[at] == 0xff && file[at+1]&0xf8 == 0xd0 {
			if n--; n > 0 {
				from = at
			}
		}
	}
	if from == 0 {
		from = codesAt(file)
	}
	return append(bytes.Clone(file[:from]), file[at-1:]...)
}

// Strayed returns a file with foreign bytes behind its start.
func Strayed(file []byte) []byte {
	return append([]byte("\xff\xd8\x00\x00 strayed \x00"), file[2:]...)
}
