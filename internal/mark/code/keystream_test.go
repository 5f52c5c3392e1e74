package code_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/code"
)

func TestKnownAnswer(t *testing.T) {
	// AES-256 of the zero block under the zero key (NIST CAVP, ECBVarTxt256 style)
	// begins dc95c078a2408989.
	s := code.NewStream(make([]byte, 32))
	assert.Equal(t, uint32(0xdc95c078), s.Uint32())
	assert.Equal(t, uint32(0xa2408989), s.Uint32())
}

func TestIntnIsEvenAndInRange(t *testing.T) {
	s := code.NewStream(bytes.Repeat([]byte{7}, 32))
	var n [7]int
	for range 70000 {
		n[s.Intn(7)]++
	}
	for v, c := range n {
		assert.InDelta(t, 10000, c, 500, v)
	}
	for range 100 {
		require.Zero(t, s.Intn(1))
		require.Less(t, s.Intn(1<<31), 1<<31)
	}
}

func TestShufflePermutesAndSignsBalance(t *testing.T) {
	s := code.NewStream(bytes.Repeat([]byte{9}, 32))
	x := make([]int, 1000)
	for i := range x {
		x[i] = i
	}
	y := slices.Clone(x)
	code.Shuffle(s, y)
	assert.NotEqual(t, x, y)
	slices.Sort(y)
	assert.Equal(t, x, y)

	sg := make([]float32, 100001)
	s.Signs(sg)
	sum := float32(0)
	for _, v := range sg {
		require.True(t, v == 1 || v == -1)
		sum += v
	}
	assert.InDelta(t, 0, sum, 1600) // five standard deviations
	assert.Panics(t, func() { code.NewStream(nil) })
}

func TestBytesAreTheWords(t *testing.T) {
	a, b := code.NewStream(bytes.Repeat([]byte{3}, 32)), code.NewStream(bytes.Repeat([]byte{3}, 32))
	for _, words := range []int{1, 5, 300, 2, 1000} {
		got := make([]byte, 4*words)
		a.Bytes(got)
		for i := range words {
			require.Equal(t, b.Uint32(), binary.BigEndian.Uint32(got[4*i:]))
		}
	}
	require.Equal(t, b.Uint32(), a.Uint32())
}
