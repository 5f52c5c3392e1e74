package watermark

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The margin of a reading has the same bits where products and sums are fused: GOAMD64=v3,
// arm64.
func TestMarginVectors(t *testing.T) {
	var all []byte
	for c := 0.62; c < 1; c += 0.01 {
		all = binary.LittleEndian.AppendUint64(all, math.Float64bits(margin(c)))
	}
	assert.Equal(t, "9e45525c66accb75785633db5a3ab39f683cd1691b885e23d55bf503ad7fbda2", fmt.Sprintf("%x", sha256.Sum256(all)))
}
