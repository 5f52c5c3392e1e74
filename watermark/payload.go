package watermark

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/kycmark/kycmark/internal/mark/code"
)

// payload codes copy IDs: 64 scrambled bits and a 32-bit keyed check, as coded
// values of +1 and -1.
type payload struct {
	scramble, check []byte
}

const feistelRounds = 8

// permute is a keyed permutation of the 64-bit integers: a balanced Feistel
// network with HMAC-SHA256 as its round function (Luby and Rackoff, 1988). IDs
// that differ in few bits would else share most of their coded bits, and a strong
// mark of one would weigh against the other.
func (p payload) permute(v uint64) uint64 {
	l, r := uint32(v>>32), uint32(v)
	for i := range feistelRounds {
		l, r = r, l^p.round(i, r)
	}
	return uint64(l)<<32 | uint64(r)
}

// restore is the inverse of permute.
func (p payload) restore(v uint64) uint64 {
	l, r := uint32(v>>32), uint32(v)
	for i := feistelRounds - 1; i >= 0; i-- {
		l, r = r^p.round(i, l), l
	}
	return uint64(l)<<32 | uint64(r)
}

func (p payload) round(i int, half uint32) uint32 {
	m := hmac.New(sha256.New, p.scramble)
	m.Write(binary.BigEndian.AppendUint32([]byte{byte(i)}, half))
	return binary.BigEndian.Uint32(m.Sum(nil))
}

func (p payload) sum(id CopyID) uint32 {
	m := hmac.New(sha256.New, p.check)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(id)))
	return binary.BigEndian.Uint32(m.Sum(nil))
}

// encode returns the codedN coded values of an ID.
func (p payload) encode(id CopyID) []float32 {
	bits := make([]uint8, 0, messageN)
	v, sum := p.permute(uint64(id)), p.sum(id)
	for i := idBits - 1; i >= 0; i-- {
		bits = append(bits, uint8(v>>i&1))
	}
	for i := sumBits - 1; i >= 0; i-- {
		bits = append(bits, uint8(sum>>i&1))
	}
	return code.Encode(bits)
}

// parse returns the ID of a decoded message and whether its check holds.
func (p payload) parse(bits []uint8) (CopyID, bool) {
	var v uint64
	var sum uint32
	for _, b := range bits[:idBits] {
		v = v<<1 | uint64(b)
	}
	for _, b := range bits[idBits:] {
		sum = sum<<1 | uint32(b)
	}
	id := CopyID(p.restore(v))
	return id, p.sum(id) == sum
}
