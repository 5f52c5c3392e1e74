//go:build study

package watermark

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/quality"
)

var (
	studyPictures = flag.String("pictures", "../testdata/pictures", "folders of pictures, with commas between")
	studySide     = flag.Int("side", 1600, "long side in pixels to which larger pictures are shrunk first")
)

// TestReadBackStudy measures what sureCorrelation and minSSIM rest on. It marks each picture in
// several strengths, compresses it as messengers do at several qualities, and reads
// it at the known place and blind. It prints, by margin at the known place, how many of the
// readings the blind search found too; and the SSIM at the canonical size beside the SSIM of
// the picture as it is.
//
//	go test -tags study -timeout 1h -v -run ReadBackStudy ./watermark -pictures DIR,DIR
func TestReadBackStudy(t *testing.T) {
	type band struct {
		read, blind      int
		minGain, maxGain float64 // dB, known less blind
	}
	bands := map[int]*band{} // by whole dB of the margin at the known place
	onlyBlind := 0
	for _, dir := range strings.Split(*studyPictures, ",") {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		for n, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			pic, err := picture.Decode(data, picture.Limits{})
			if err != nil {
				continue
			}
			for _, strength := range []float64{0.25, 0.4, 1} {
				key := newKey([code.SecretSize]byte{byte(n), byte(*studySide)})
				o, err := Prepare(key, picture.Fit(pic.Image, *studySide), &Options{Submission: Submission{1, byte(n)}})
				if err != nil {
					continue
				}
				const id = 0xfeedfacecafe1234
				m := o.similar(id, strength)
				out := o.Embed(id)
				small := o.deliver(m, out)
				if strength == 1 {
					t.Logf("%s: SSIM %.5f at the canonical size, %.5f as it is", filepath.Base(file), m.SSIM, quality.SSIM(o.canvas.Source, out))
				}
				for _, q := range []int{50, messengerQuality} {
					leak, err := compressed(flat(small), q)
					require.NoError(t, err)
					w, h := pattern.CanonicalSize(o.canvas.Source.Rect.Dx(), o.canvas.Source.Rect.Dy())
					searched, err := blind.Detect(t.Context(), leak, o.kd)
					require.NoError(t, err)
					known, err := blind.DetectAt(t.Context(), leak, o.kd, blind.Known{Place: o.place, W: w, H: h})
					require.NoError(t, err)
					if known.Correlation == searched.Correlation { // it was not read at the known place
						if searched.Found {
							onlyBlind++
						}
						continue
					}
					require.Equal(t, uint64(id), known.ID)
					dB := margin(known.Correlation)
					t.Logf("%s, strength %.2f, quality %d: %.2f dB at the known place, %.2f blind", filepath.Base(file), strength, q, dB, margin(searched.Correlation))
					b := bands[int(dB)]
					if b == nil {
						b = &band{minGain: math.Inf(1), maxGain: math.Inf(-1)}
						bands[int(dB)] = b
					}
					b.read++
					if searched.Found && searched.ID == id {
						b.blind++
						gain := dB - margin(searched.Correlation)
						b.minGain, b.maxGain = min(b.minGain, gain), max(b.maxGain, gain)
					}
				}
			}
		}
	}
	t.Logf("%d were read blind alone", onlyBlind)
	for dB := range 40 {
		if b := bands[dB]; b != nil {
			t.Logf("%2d dB at the known place: %3d readings, %3d read blind too; known less blind %.2f to %.2f dB", dB, b.read, b.blind, b.minGain, b.maxGain)
		}
	}
}
