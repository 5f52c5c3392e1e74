package phash_test

import (
	"math"
	"math/bits"
	"strings"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

const bridge = "pdq:d8f8f0cee0f4a84f0637022a078f67f0b36e2ed596621e1d33e6339c4e9c9b22"

func TestParse(t *testing.T) {
	h, err := phash.Parse(bridge)
	require.NoError(t, err)
	assert.Equal(t, phash.PDQ, h.Kind)
	assert.Equal(t, uint64(0xd8f8f0cee0f4a84f), h.Bits[0])
	assert.Equal(t, uint64(0x33e6339c4e9c9b22), h.Bits[3])
	assert.Equal(t, bridge, h.String())
	assert.Equal(t, bridge[4:], h.Hex())

	h, err = phash.Parse("goimagehash/average:00000000000000ff")
	require.NoError(t, err)
	assert.Equal(t, phash.Hash{Kind: phash.Average, Bits: [4]uint64{0xff}}, h)
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"":                                     phash.ErrSyntax,
		bridge[4:]:                             phash.ErrSyntax, // no kind
		"pdq:":                                 phash.ErrSyntax,
		bridge[:67]:                            phash.ErrSyntax, // a digit short
		bridge + "0":                           phash.ErrSyntax,
		bridge[:67] + "g":                      phash.ErrSyntax,
		bridge[:67] + "F":                      phash.ErrSyntax, // upper case
		bridge + "\n":                          phash.ErrSyntax,
		"goimagehash/average:" + bridge[4:]:    phash.ErrSyntax, // too long for its kind
		"pdq:00000000000000ff":                 phash.ErrSyntax,
		"PDQ" + bridge[3:]:                     phash.ErrKind,
		"sha256" + bridge[3:]:                  phash.ErrKind,
		strings.Repeat("x", 1<<20) + ":" + "0": phash.ErrKind,
	} {
		h, err := phash.Parse(text)
		require.ErrorIs(t, err, want, "%.80q", text)
		assert.Zero(t, h)
		assert.Less(t, len(err.Error()), 300, "one line, however long the input")
		assert.NotContains(t, err.Error(), "\n")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", ":", bridge, bridge[:40], "goimagehash/perception:0123456789abcdef", "goimagehash/difference:ffffffffffffffff", "goimagehash/average:0", "pdq:\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := phash.Parse(s)
		if err == nil {
			require.Equal(t, s, h.String(), "one text for one hash")
			require.Zero(t, h.Distance(h))
			return
		}
		require.Zero(t, h)
	})
}

func TestKinds(t *testing.T) {
	// Numbers, names, lengths and chains stand in registries.
	for i, want := range []struct {
		name, chain string
		bits        int
	}{
		{"pdq", "pdq/1", 256},
		{"goimagehash/perception", "goimagehash/perception/1", 64},
		{"goimagehash/difference", "goimagehash/difference/1", 64},
		{"goimagehash/average", "goimagehash/average/1", 64},
		{"kycmark/area", "kycmark/area/1", 256},
	} {
		kind := phash.Kind(i + 1)
		assert.Equal(t, kinds[i], kind)
		assert.Equal(t, want.name, kind.String())
		assert.Equal(t, want.chain, kind.Version())
		assert.Equal(t, want.bits, kind.Len())
		back, err := phash.ParseKind(want.name)
		require.NoError(t, err)
		assert.Equal(t, kind, back)
	}
	for _, kind := range []phash.Kind{0, 6, 255} {
		assert.Zero(t, kind.Len())
		_, err := phash.ParseKind(kind.String())
		require.ErrorIs(t, err, phash.ErrKind)
		assert.NotPanics(t, func() { _ = phash.Hash{Kind: kind}.String() })
	}
}

func TestDistance(t *testing.T) {
	r := newRandom(3)
	metric := func() bool {
		for _, kind := range kinds {
			a, b, c := randomHash(r, kind), randomHash(r, kind), randomHash(r, kind)
			naive := 0
			for i := range a.Bits {
				naive += bits.OnesCount64(a.Bits[i] &^ b.Bits[i])
				naive += bits.OnesCount64(b.Bits[i] &^ a.Bits[i])
			}
			if a.Distance(b) != naive || a.Distance(b) != b.Distance(a) || a.Distance(a) != 0 ||
				a.Distance(c) > a.Distance(b)+b.Distance(c) {
				return false
			}
		}
		return true
	}
	require.NoError(t, quick.Check(metric, nil))
	a := phash.Hash{Kind: phash.Average}
	assert.Equal(t, math.MaxInt, a.Distance(phash.Hash{Kind: phash.Difference}))
}
