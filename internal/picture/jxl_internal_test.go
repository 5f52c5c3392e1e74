package picture

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The profile of a JPEG XL is read byte for byte. Whatever is changed in the header, it ends, and gives no
// profile that is too large.
func TestJXLProfile(t *testing.T) {
	for _, name := range []string{"profile.jxl", "repacked.jxl", "converted.jxl"} {
		data, err := os.ReadFile("../../decoders/testdata/" + name)
		require.NoError(t, err)
		j, err := readJXL(data)
		require.NoError(t, err, name)
		assert.Equal(t, adobeProfile(), j.icc, name)
		coded := j.place[3]/8 + 2
		for at := range coded {
			_, err := readJXL(data[:at])
			assert.Error(t, err, "%s, %d bytes", name, at)
			for bit := range 8 {
				changed := bytes.Clone(data)
				changed[at] ^= 1 << bit
				if j, err := readJXL(changed); err == nil {
					assert.LessOrEqual(t, len(j.icc), maxICC)
					_, err = plainJXL(changed)
					assert.NoError(t, err)
				}
			}
		}
	}
}

// FuzzJXLProfile: whatever the bytes, an error or a profile within the limit.
func FuzzJXLProfile(f *testing.F) {
	data, err := os.ReadFile("../../decoders/testdata/profile.jxl")
	require.NoError(f, err)
	j, err := readJXL(data)
	require.NoError(f, err)
	f.Add(j.stream[j.place[2]/8 : j.place[3]/8+1])
	f.Fuzz(func(t *testing.T, data []byte) {
		if icc, err := (&lsbReader{data: data}).profile(); err == nil && len(icc) > maxICC {
			t.Fatal("too large")
		}
	})
}
