// A Stream turns key bytes into the integers, signs and permutations of
// a mark: AES-256 in counter mode, from a zero counter, read as big-endian words.
package code

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

// KeySize is the size of a stream's key in bytes.
const KeySize = 32

// A Stream is an endless sequence of pseudorandom words. It is not safe for concurrent use.
type Stream struct {
	ctr cipher.Stream
	buf [1024]byte
	at  int
}

// NewStream returns the stream of a key of 32 bytes. It panics if the key has another size.
func NewStream(key []byte) *Stream {
	if len(key) != KeySize {
		panic("code: a key has 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("code: " + err.Error()) // only for other sizes
	}
	s := &Stream{ctr: cipher.NewCTR(block, make([]byte, aes.BlockSize))}
	s.at = len(s.buf)
	return s
}

// Uint32 returns the next word of the stream: its next four bytes, the first the most significant.
func (s *Stream) Uint32() uint32 {
	if s.at == len(s.buf) {
		clear(s.buf[:])
		s.ctr.XORKeyStream(s.buf[:], s.buf[:])
		s.at = 0
	}
	v := binary.BigEndian.Uint32(s.buf[s.at:])
	s.at += 4
	return v
}

// Bytes fills p with the next bytes of the stream. A word of Uint32 is four of them: the two may be
// mixed only if len(p) is a multiple of four.
func (s *Stream) Bytes(p []byte) {
	n := copy(p, s.buf[s.at:])
	s.at += n
	if p = p[n:]; len(p) > 0 { // the buffer is used up
		clear(p)
		s.ctr.XORKeyStream(p, p)
	}
}

// Intn returns an integer in [0, n), 0 < n <= 2^31, without bias: words above the last multiple of n are passed over.
func (s *Stream) Intn(n int) int {
	limit := uint32((uint64(1) << 32 / uint64(n) * uint64(n)) - 1)
	for {
		if v := s.Uint32(); v <= limit {
			return int(v % uint32(n))
		}
	}
}

// Unit returns the next word of the stream over 2^32, in [0, 1).
func (s *Stream) Unit() float64 { return float64(s.Uint32()) / (1 << 32) }

// Shuffle permutes x by the stream: each permutation is equally likely (Fisher and Yates, from the end).
func Shuffle[T any](s *Stream, x []T) {
	for i := len(x) - 1; i > 0; i-- {
		j := s.Intn(i + 1)
		x[i], x[j] = x[j], x[i]
	}
}

// Signs fills x with +1 (bit 0) and -1 (bit 1), from the most significant bit of the next word on.
// It draws whole words: bits of the last word that are left over are lost.
func (s *Stream) Signs(x []float32) {
	var w uint32
	for i := range x {
		if i%32 == 0 {
			w = s.Uint32()
		}
		x[i] = 1 - 2*float32(w>>31)
		w <<= 1
	}
}
