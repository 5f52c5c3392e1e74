package code

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
)

// Payload codes copy IDs: 64 scrambled bits and a 32-bit keyed check, as coded values of +1 and -1.
type Payload struct {
	scramble, check []byte
}

// NewPayload derives the keys of scrambling and check. derive returns n bytes of the mark key under a label.
func NewPayload(derive func(label string, n int) []byte) Payload {
	return Payload{scramble: derive("payload scrambling", 32), check: derive("payload check", 32)}
}

// The message and its code: part of the format, and of the promise.
const (
	idBits   = 64
	SumBits  = 32
	MessageN = idBits + SumBits
	CodedN   = outputsPerBit * (MessageN + Tail)

	outputsPerBit = 3
	feistelRounds = 8
)

// The promise on false positives. A message is looked at only if it correlates with the soft bits by at least
// MinCorrelation. At most CheckBudget messages a picture and key are looked at. Each passes the 32-bit keyed check by
// chance with probability 2^-32. So a picture without a mark of the key reads as marked with probability 4 x 2^-32 =
// 9.3e-10 at most.
const (
	CheckBudget    = 4
	MinCorrelation = 0.62
)

// Permute is a keyed permutation of the 64-bit integers: a balanced Feistel network with HMAC-SHA256 as its round
// function (Luby and Rackoff, 1988). IDs that differ in few bits would else share most of their coded bits, and a
// strong mark of one would weigh against the other.
func (p Payload) Permute(v uint64) uint64 { return p.hashes().permute(v) }

// Sum returns the 32-bit keyed check of an ID.
func (p Payload) Sum(id uint64) uint32 { return p.hashes().sum(id) }

// hashes are the keyed hashes of a payload, for many IDs in turn. They serve one goroutine.
type hashes struct {
	scramble, check hash.Hash
	in              [9]byte
	out             [sha256.Size]byte
}

func (p Payload) hashes() *hashes {
	return &hashes{scramble: hmac.New(sha256.New, p.scramble), check: hmac.New(sha256.New, p.check)}
}

func (h *hashes) permute(v uint64) uint64 {
	l, r := uint32(v>>32), uint32(v)
	for i := range feistelRounds {
		l, r = r, l^h.round(i, r)
	}
	return uint64(l)<<32 | uint64(r)
}

// restore undoes permute: it returns the integer that permute maps to v.
func (h *hashes) restore(v uint64) uint64 {
	l, r := uint32(v>>32), uint32(v)
	for i := feistelRounds - 1; i >= 0; i-- {
		l, r = r^h.round(i, l), l
	}
	return uint64(l)<<32 | uint64(r)
}

// round returns the value of the Feistel network's round function in round i for one half.
func (h *hashes) round(i int, half uint32) uint32 {
	h.in[0] = byte(i)
	binary.BigEndian.PutUint32(h.in[1:], half)
	h.scramble.Reset()
	h.scramble.Write(h.in[:5])
	return binary.BigEndian.Uint32(h.scramble.Sum(h.out[:0]))
}

func (h *hashes) sum(id uint64) uint32 {
	binary.BigEndian.PutUint64(h.in[:], id)
	h.check.Reset()
	h.check.Write(h.in[:8])
	return binary.BigEndian.Uint32(h.check.Sum(h.out[:0]))
}

// Encode returns the CodedN values, +1 and -1, of an ID: its scrambled bits and its check under the convolutional code.
func (p Payload) Encode(id uint64) []float32 {
	message := make([]uint8, 0, MessageN)
	h := p.hashes()
	v, sum := h.permute(id), h.sum(id)
	for i := idBits - 1; i >= 0; i-- {
		message = append(message, uint8(v>>i&1))
	}
	for i := SumBits - 1; i >= 0; i-- {
		message = append(message, uint8(sum>>i&1))
	}
	return Encode(message)
}

// Parse returns the ID of a decoded message of MessageN bits, and whether the message's check
// is that of the ID. If it is not, the ID means nothing.
func (p Payload) Parse(message []uint8) (uint64, bool) {
	var v uint64
	var sum uint32
	for _, b := range message[:idBits] {
		v = v<<1 | uint64(b)
	}
	for _, b := range message[idBits:] {
		sum = sum<<1 | uint32(b)
	}
	h := p.hashes()
	id := h.restore(v)
	return id, h.sum(id) == sum
}

// codeSum returns the sum of the signs of a message's code times the soft bits.
func codeSum(message []uint8, soft []float64) (sum float64) {
	for j, c := range Encode(message) {
		sum += float64(float64(c) * soft[j])
	}
	return sum
}

// Correlation returns the correlation of a message's code with the soft bits, -1..1, and 0 if all
// soft bits are 0. soft has CodedN values, and energy is the sum of their squares.
func Correlation(message []uint8, soft []float64, energy float64) float64 {
	return codeSum(message, soft) / math.Sqrt(float64(energy*CodedN)+1e-20)
}
