//go:build agree

package attack_test

import (
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/compare"
)

// deterministic are the attacks without chance in them.
var deterministic = []string{
	"jpeg90", "jpeg75", "jpeg50", "jpeg30", "jpeg20", "jpeg10",
	"resize75", "resize50", "resize25", "resize150",
	"telegram", "telegram_low", "whatsapp", "whatsapp_twice", "facebook", "thumb320", "thumb160",
	"rot1", "rot5", "rot17", "rot45", "rot90", "rot180", "mirror", "aspect10", "shear3",
	"bright", "dark", "contrast", "gamma", "gray", "invert",
	"blur1", "blur2", "blur4", "median3", "median5", "sharpen", "bilateral", "nlm",
	"border", "collage",
}

// TestAgreesWithDefinition compares with attacks.py. It needs OpenCV for Python
// and the project's pictures and is therefore behind a build tag:
//
//	go test -tags agree -run Agrees -v ./internal/attack
func TestAgreesWithDefinition(t *testing.T) {
	shared := os.Getenv("KYCMARK_SHARED")
	if shared == "" {
		shared = "../../../../shared"
	}
	pictures := []string{
		"documents/licence_colorado_sample_2mp.jpg", "photos/group_four_skin_tones_3mp.jpg",
		"documents/passport_france_specimen.jpg",
	}
	table := make(map[string][]float64)
	for _, name := range pictures {
		dir := t.TempDir()
		args := append([]string{"testdata/agree.py", shared, filepath.Join(shared, "pictures", name), dir}, deterministic...)
		out, err := exec.Command("/usr/bin/python3", args...).CombinedOutput()
		require.NoError(t, err, string(out))
		original := readPNG(t, filepath.Join(dir, "none.png"))
		for _, n := range deterministic {
			a, err := attack.Find(n)
			require.NoError(t, err)
			want, got := readPNG(t, filepath.Join(dir, n+".png")), a.Apply(original, 1)
			require.Equal(t, want.Rect, got.Rect, n)
			table[n] = append(table[n], compare.PSNR(want, got))
			assert.Greater(t, compare.PSNR(want, got), 35.0, "%s %s", name, n)
		}
	}
	for _, n := range deterministic {
		fmt.Printf("| %s | %.1f | %.1f | %.1f |\n", n, table[n][0], table[n][1], table[n][2])
	}
}

func readPNG(t *testing.T, path string) *image.NRGBA {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Rect, img, image.Point{}, draw.Src)
	return out
}
