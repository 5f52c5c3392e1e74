//go:build study && unix

package blind

import (
	"context"
	"flag"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/fromfile"
)

var smallPictures = flag.String("small", "", "folder with photos and documents, of which every second is taken")

// smallAttacks are those of the study.
var smallAttacks = [...]string{"jpeg50", "jpeg30", "jpeg20", "jpeg10", "chain_crop"}

// TestSmallPictureStudy marks small renditions of the tuning pictures and reads them after
// hard JPEG, as pictures plus noise and by their roundings. It fails if any wrong ID is read.
//
//	go test -tags study -timeout 2h -v -run SmallPictureStudy ./internal/mark/blind -small DIR
func TestSmallPictureStudy(t *testing.T) {
	var all [len(smallAttacks)]smallTally
	for _, r := range renditions(t) {
		m := embedForStudy(studyKeys, studyID, r)
		if m == nil {
			continue // too small
		}
		c, err := pattern.NewCanvas(r)
		require.NoError(t, err)
		w, h := pattern.CanonicalSize(c.Size())
		o := original{c, studyKeys.Placement(c.Digest(), w, h)}
		for i, name := range smallAttacks {
			a, err := attack.Find(name)
			require.NoError(t, err)
			all[i].add(t, o, a.Apply(m, 0))
		}
	}
	for i, s := range all {
		fmt.Printf("%-10s of %d by differences %d, by roundings %d (lost %d); in place %d and %d; below 800 px %.2f and %.2f dB\n", smallAttacks[i],
			s.n, s.read[0], s.read[1], s.lost, s.placed[0], s.placed[1], s.level[0]/s.small, s.level[1]/s.small)
	}
}

var studyKeys = NewKeys(pattern.NewKeys(&[32]byte{4, 4}))

const studyID = 0xfeedfacecafe1234

// An original is a picture and where its marks lie.
type original struct {
	*pattern.Canvas
	place geometry.Mat
}

// onField is the placement on a field of the given size.
func (o original) onField(w, h int) geometry.Mat {
	width, height := pattern.CanonicalSize(o.Size())
	return o.place.Mul(geometry.PixelScale(float64(width)/float64(w), float64(height)/float64(h)))
}

// A smallTally counts readings by differences and by roundings.
type smallTally struct {
	n, lost      int
	read, placed [2]int     // by the search, and where the key says that the mark lies
	level        [2]float64 // sums over small pictures of the signal there over the noise, dB
	small        float64
}

func (s *smallTally) add(t *testing.T, o original, img *image.NRGBA) {
	s.n++
	w, h := pattern.CanonicalSize(img.Rect.Dx(), img.Rect.Dy())
	rounded, err := newLeak(img)
	require.NoError(t, err)
	var read [2]bool
	for i, l := range [2]*leak{whitened(img, w, h), rounded} {
		r := newReader(context.Background(), l, studyKeys)
		require.NoError(t, search([]*reader{r}, stages[:]))
		if read[i] = len(r.found) > 0; read[i] {
			assert.Equal(t, uint64(studyID), r.found[0].id)
			s.read[i]++
		}
		there := newReader(context.Background(), l, studyKeys)
		there.decode(tracked{m: o.onField(w, h)}, shift{sign: 1}, 1)
		s.placed[i] += len(there.found)
		if max(w, h) < 800 {
			s.level[i] += placedLevel(o, l)
		}
	}
	if max(w, h) < 800 {
		s.small++
	}
	if read[0] && !read[1] {
		s.lost++
	}
}

// placedLevel is the signal of the soft bits of luma over their noise, in dB.
func placedLevel(o original, l *leak) float64 {
	z := l.carriers[0]
	soft, _ := studyKeys.soft(z, o.onField(z.W, z.H), 1, nil, 1)
	sum, energy := 0.0, 0.0
	for j, c := range studyKeys.Payload.Encode(studyID) {
		sum += float64(c) * soft.bit[j]
		energy += soft.bit[j] * soft.bit[j]
	}
	c := min(max(sum/math.Sqrt(energy*code.CodedN), .02), .98)
	return 10 * math.Log10(c*c/(1-c*c))
}

// renditions are every second picture of the folders small, blurred and at 1,080 pixels,
// and every second shipped one small.
func renditions(t *testing.T) (all []*image.NRGBA) {
	load := func(path string) *image.NRGBA {
		p, err := fromfile.Picture(path, picture.Limits{})
		require.NoError(t, err)
		return picture.Flatten(p.Image)
	}
	files := func(dir string, first int) (paths []string) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for i := first; i < len(entries); i += 2 {
			paths = append(paths, filepath.Join(dir, entries[i].Name()))
		}
		return paths
	}
	tuning := append(files(filepath.Join(*smallPictures, "photos"), 1), files(filepath.Join(*smallPictures, "documents"), 1)...)
	for i, path := range tuning {
		p := load(path)
		all = append(all, rendition(p, []int{420, 520, 600, 680}[i%4], 0), rendition(p, 500, 1.5+float64(i%3)), rendition(p, 1080, 0))
	}
	for i, path := range files("../../../testdata/pictures", 0) {
		all = append(all, rendition(load(path), []int{450, 550, 640}[i%3], 0))
	}
	return all
}

// rendition shrinks a picture to a long side and blurs it.
func rendition(p *image.NRGBA, side int, blur float64) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	if s := max(w, h); s > side {
		w, h = w*side/s, h*side/s
	}
	c := dsp.ShrinkNRGBA(p, w, h)
	if blur > 0 {
		c = dsp.RGB{R: dsp.Gauss(c.R, blur), G: dsp.Gauss(c.G, blur), B: dsp.Gauss(c.B, blur)}
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range c.R.Pix {
		q := out.Pix[4*i : 4*i+4]
		q[0], q[1], q[2], q[3] = dsp.To8(c.R.Pix[i]), dsp.To8(c.G.Pix[i]), dsp.To8(c.B.Pix[i]), 255
	}
	return out
}
