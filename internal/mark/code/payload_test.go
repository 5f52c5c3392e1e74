package code

import (
	"math"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testPayload(b byte) Payload {
	return NewPayload(func(label string, n int) []byte { return Derive(&[SecretSize]byte{b, 1, 2, 3}, label, n) })
}

func TestScramblingIsAPermutation(t *testing.T) {
	p := testPayload(1)
	f := func(v uint64) bool {
		h := p.hashes()
		return h.restore(p.Permute(v)) == v && p.Permute(h.restore(v)) == v
	}
	require.NoError(t, quick.Check(f, nil))
}

func TestPayloadRoundTripAndCheck(t *testing.T) {
	mine, other := testPayload(1), testPayload(2)
	f := func(v uint64) bool {
		soft := mine.Encode(v)
		bits := Decode(soft, MessageN, 1)[0]
		id, ok := mine.Parse(bits)
		_, foreign := other.Parse(bits)
		bits[int(v%MessageN)] ^= 1
		_, flipped := mine.Parse(bits)
		return ok && id == v && !foreign && !flipped
	}
	require.NoError(t, quick.Check(f, &quick.Config{MaxCount: 60}))
}

// Without scrambling, sequential IDs correlate by 0.5 and more.
func TestSequentialIDsDoNotCorrelate(t *testing.T) {
	p := testPayload(1)
	base := p.Encode(1000)
	top := 0.0
	for i := 1; i <= 1000; i++ {
		sum := 0.0
		for j, c := range p.Encode(uint64(1000 + i)) {
			sum += float64(c * base[j])
		}
		top = math.Max(top, math.Abs(sum)/CodedN)
	}
	assert.Less(t, top, 0.30) // measured 0.27 on random IDs: watermark.md part 2, section 1
}

// The correlation of the best message with pure noise, which minCorrelation keeps
// out. Rate-distortion theory puts it at sqrt(1 - 2^(-2/3)) = 0.61 at most.
func TestNoiseSeldomReachesACheck(t *testing.T) {
	rng := uint64(5)
	reached, trials := 0, 400
	for range trials {
		soft, in, energy := make([]float64, CodedN), make([]float32, CodedN), 0.0
		for j := range soft {
			s := 0.0
			for range 12 {
				rng = rng*6364136223846793005 + 1442695040888963407
				s += float64(rng>>11) / (1 << 53)
			}
			soft[j] = s - 6
			in[j] = float32(soft[j])
			energy += soft[j] * soft[j]
		}
		if Correlation(Decode(in, MessageN, 1)[0], soft, energy) >= MinCorrelation {
			reached++
		}
	}
	t.Logf("%d of %d noise vectors reached a check", reached, trials)
	assert.Less(t, reached, trials/20)
}
