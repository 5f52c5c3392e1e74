package intake_test

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
)

func TestReadAll(t *testing.T) {
	for limit, want := range map[int64]error{0: picture.ErrLimit, 6: picture.ErrLimit, 7: nil, 8: nil, math.MaxInt64: nil} {
		for _, said := range []int64{0, 3, 7, 20, math.MaxInt64, -1} {
			got, err := intake.ReadAll(strings.NewReader("picture"), said, limit)
			require.ErrorIs(t, err, want, limit)
			if want == nil {
				require.Equal(t, "picture", string(got), limit)
			}
		}
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, []byte("picture"), 0o600))
	got, err := intake.ReadFile(path, 7)
	require.NoError(t, err)
	require.Equal(t, "picture", string(got))
	for name, want := range map[string]error{path: picture.ErrLimit, path + ".none": fs.ErrNotExist, filepath.Dir(path): intake.ErrNotRegular} {
		_, err := intake.ReadFile(name, 6)
		require.ErrorIs(t, err, want)
		require.ErrorContains(t, err, name, "it says which")
	}
}

func TestCheckText(t *testing.T) {
	for text, fits := range map[string]bool{
		"": true, "vendor A": true, "Прод": true, strings.Repeat("ä", 5): true,
		strings.Repeat("ä", 6): false, "a\xff": false, "a\nb": false, "a\x00": false, "a\u0085b": false, "a\u009bb": false,
		"a\u2028b": false, "a\u2029b": false,
	} {
		assert.Equal(t, fits, intake.CheckText("name", text, 10) == nil, "%q", text)
	}
}
