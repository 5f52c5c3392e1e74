package decoders

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/test/aparttest"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/internal/test/wasmtest"
	"github.com/kycmark/kycmark/internal/wasm"
)

// TestMain is also the process that decodes, as it is in the command, or one that hangs.
// It collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	aparttest.Serve(verb)
	wasmtest.Keep()
	if Serve() {
		return
	}
	wasm.Cache = nil // here compiles: what other processes keep gives the same pixels
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// A sample is a file of testdata and what must become of it. The files were drawn by internal/test/specimen and
// written with heif-enc 1.15.1 and avifenc 0.11.1. Tiles, turns, clips and numbered colours
// of HEIC were put into the boxes by hand.
type sample struct {
	file   string
	w, h   int
	turned int    // orientation of an AVIF, 1 to 8; other decoders turn by themselves
	icc    int    // bytes of the profile
	pixels string // the first bytes of the SHA-256 of the pixels, hex
	tool   string // that makes the reference
}

var samples = []sample{
	{"plain.heic", 402, 301, 1, 0, "434c62034740", "heif-convert"}, // EXIF that says 1
	{"small.heic", 256, 192, 1, 0, "99d24424d39b", "heif-convert"},
	{"grid.heic", 300, 402, 1, 0, "5e5141aede72", "heif-convert"}, // four tiles, clipped, turned right
	{"turned.heic", 192, 256, 1, 0, "8eca0a564474", "heif-convert"},
	{"mirrored.heic", 256, 192, 1, 0, "8a3017029030", "heif-convert"},
	{"clip.heic", 140, 180, 1, 0, "37ceb50edf80", "heif-convert"}, // clipped, then turned left
	{"bits10.heic", 160, 128, 1, 0, "6ce0990b134a", "heif-convert"},
	{"lossless.heic", 160, 128, 1, 0, "0b7d6234da89", "heif-convert"},  // 4:4:4, stored as RGB
	{"p3.heic", 256, 192, 1, 532, "99d24424d39b", "heif-convert"},      // Display P3, named by number
	{"limited.heic", 256, 192, 1, 532, "3292974717cf", "heif-convert"}, // luma from 16 to 235, BT.709
	{"two.heic", 160, 128, 1, 0, "8ab4d71f1b87", "heif-convert"},
	{"narrow.heic", 40, 30, 1, 0, "e689427bb03a", "heif-convert"}, // rows with gaps
	{"grey.heic", 300, 200, 1, 0, "eab11decd3a6", "heif-convert"},
	{"greygrid.heic", 240, 250, 1, 0, "a6108c176310", "heif-convert"}, // four grey tiles
	{"overlay.heic", 200, 180, 1, 0, "0637aee460e7", "heif-convert"},  // two pictures on one canvas
	{"sequence.avif", 256, 192, 1, 0, "bd429d505891", "avifdec"},      // two frames
	{"plain.avif", 402, 301, 1, 0, "0bbdacb9f07b", "heif-convert"},
	{"grid.avif", 512, 384, 1, 0, "5e88eccf6ff0", "avifdec"},
	{"turned.avif", 301, 402, 5, 0, "fb8244b2259e", "heif-convert"}, // avifdec does not turn or clip
	{"clip.avif", 300, 200, 1, 0, "0b029b772fc9", "heif-convert"},
	{"bits10.avif", 160, 128, 1, 0, "cd86b38adab6", "avifdec"},
	{"bits12.avif", 160, 128, 1, 0, "e8b0f413ad25", "avifdec"},
	{"alpha.avif", 200, 160, 1, 0, "771a26c702d1", "avifdec"},
	{"p3.avif", 402, 301, 1, 532, "c71d6d35a593", "avifdec"},
	{"lossless.avif", 160, 128, 1, 0, "8fb3e4dfde26", "avifdec"},
}

// has returns the files whose decoder this program has.
func has(files ...string) []string {
	return slices.DeleteFunc(files, func(f string) bool { return !HEIC && strings.Contains(f, "heic") })
}

// needsHEIC skips a test of a program without the decoder of HEIC.
func needsHEIC(t *testing.T) {
	t.Helper()
	if !HEIC {
		skip.Test(t, "the tag nolgpl leaves libheif out")
	}
}

func init() {
	samples = slices.DeleteFunc(samples, func(s sample) bool { return len(has(s.file)) == 0 })
}

// A HEIC is named as not supported where its decoder is left out.
func TestHEICIsLeftOut(t *testing.T) {
	if HEIC {
		return // with the tag nolgpl
	}
	file, err := os.ReadFile("testdata/small.heic")
	require.NoError(t, err)
	_, err = picture.Decode(file, picture.Limits{Decode: picture.Decoding(t.Context(), New().Decode)})
	var format *picture.FormatError
	require.ErrorAs(t, err, &format)
	require.Equal(t, codec.Unsupported, format.Kind)
	require.ErrorContains(t, err, "HEIC is not supported: this program was built without libheif and libde265 (tag nolgpl)")
}

// here decodes in this process, which has the decoders ready.
func here(format string, file []byte, pixels int64) (image.Image, error) {
	return compiledOnce.decode(format, file, pixels)
}

var compiledOnce codecs

// The decoders are those of the modules that they were taken from.
func TestOrigin(t *testing.T) {
	for file, want := range map[string]string{
		"heic": "3634a6447ea3915633667f39e01ff540a60f4e2f837a8391d044d76dfd8a0435", // gen2brain/heic v0.4.5 lib/heif.wasm.gz
		"avif": "1ee2423413384d54b3fa4e2882424d60a2a05f5fe7ec573535fdb6b531071a9b", // gen2brain/avif v0.4.4 lib/decode.wasm.gz
	} {
		if len(has(file)) == 0 {
			continue
		}
		data, err := lib.ReadFile("lib/" + file + ".wasm.gz")
		require.NoError(t, err)
		assert.Equal(t, want, fmt.Sprintf("%x", sha256.Sum256(data)), file)
	}
}

func open(t *testing.T, file string, f picture.PixelDecoder) *picture.Picture {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	require.NoError(t, err)
	p, err := picture.Decode(data, picture.Limits{Decode: f})
	require.NoError(t, err, file)
	return p
}

var (
	openedMu sync.Mutex
	openedBy = map[string]*picture.Picture{}
)

// opened is a file of testdata, decoded in this process once. Tests do not change it.
func opened(t *testing.T, file string) *picture.Picture {
	t.Helper()
	openedMu.Lock()
	defer openedMu.Unlock()
	if openedBy[file] == nil {
		openedBy[file] = open(t, file, here)
	}
	return openedBy[file]
}

// Size, orientation, pages, profile and pixels are the same on every machine.
func TestSamePixels(t *testing.T) {
	for _, s := range samples {
		p, pages := opened(t, s.file), 1
		if s.file == "two.heic" {
			pages = 2
		}
		sum := sha256.Sum256(p.Image.Pix)
		assert.Equal(t, image.Rect(0, 0, s.w, s.h), p.Image.Rect, s.file)
		assert.Equal(t, []int{s.turned, pages, s.icc}, []int{p.Orientation, p.Pages, len(p.Source.ICC)}, s.file)
		assert.Equal(t, s.pixels, hex.EncodeToString(sum[:6]), s.file)
		assert.Equal(t, !strings.HasPrefix(s.file, "alpha"), p.Image.Opaque(), s.file)
	}
	needsHEIC(t)
	assert.Equal(t, imaging.FlipH(opened(t, "small.heic").Image).Pix, opened(t, "mirrored.heic").Image.Pix)
}

// A process of its own gives the same pixels.
func TestDecode(t *testing.T) {
	d := New()
	for _, file := range has("grid.heic", "alpha.avif") {
		apart := open(t, file, picture.Decoding(t.Context(), d.Decode))
		assert.Equal(t, opened(t, file).Image, apart.Image, file)
		assert.Contains(t, apart.Decoder, "github.com/gen2brain/")
	}
	_, err := d.Decode(t.Context(), "avif", []byte("nothing"), 1)
	assert.ErrorContains(t, err, "damaged")
	file, err := os.ReadFile("testdata/grid.avif")
	require.NoError(t, err)
	_, err = d.Decode(t.Context(), "avif", file, 100)
	assert.ErrorContains(t, err, "header says 100 pixels, picture has 512 x 384")
}

// The picture that was decoded last is kept, and a caller that changes it changes no other's. Another file,
// another limit, and Close end that.
func TestLastPictureIsKept(t *testing.T) {
	needsHEIC(t)
	for _, name := range []string{"lossless.heic", "small.heic"} {
		d := New()
		file, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		format := name[strings.Index(name, ".")+1:]
		first, err := d.Decode(t.Context(), format, file, 1<<20)
		require.NoError(t, err)
		want := bytes.Clone(pixel.ToNRGBA(first).Pix)
		if p, ok := first.(*image.NRGBA); ok {
			clear(p.Pix)
		}
		assert.NotNil(t, d.kept(digest(format, file, 1<<20)))
		again, err := d.Decode(t.Context(), format, file, 1<<20)
		require.NoError(t, err)
		assert.Equal(t, want, pixel.ToNRGBA(again).Pix)
		_, err = d.Decode(t.Context(), format, file, 100)
		assert.Error(t, err)
		_, err = d.Decode(t.Context(), format, file[:len(file)/2], 1<<20)
		assert.Error(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = d.Decode(ctx, format, file, 1<<20)
		assert.ErrorIs(t, err, context.Canceled)
		d.Close()
		assert.Nil(t, d.kept(digest(format, file, 1<<20)))
	}
}

// The pixels are those of the reference programs.
func TestReference(t *testing.T) {
	for _, s := range samples {
		if _, err := exec.LookPath(s.tool); err != nil {
			skip.Test(t, "no %s: install libheif-examples and libavif-bin", s.tool)
		}
		out := filepath.Join(t.TempDir(), "out.png")
		text, err := exec.CommandContext(t.Context(), s.tool, filepath.Join("testdata", s.file), out).CombinedOutput()
		require.NoError(t, err, "%s", text)
		if s.file == "two.heic" {
			out = strings.Replace(out, ".png", "-1.png", 1)
		}
		f, err := os.Open(out)
		require.NoError(t, err)
		want, err := png.Decode(f)
		f.Close()
		require.NoError(t, err)
		min := 45.0
		if strings.HasSuffix(s.file, ".heic") { // without tiles libheif 1.18 resamples the colours
			min = 41
		}
		assert.GreaterOrEqual(t, psnr(opened(t, s.file).Image, pixel.ToNRGBA(want)), min, s.file)
	}
}

// psnr returns the likeness of two pictures over black, dB; 0 for pictures of different sizes.
func psnr(a, b *image.NRGBA) float64 {
	if a.Rect != b.Rect {
		return 0
	}
	sum := 0.0
	for i := range a.Pix {
		if i%4 < 3 {
			d := float64(a.Pix[i])*float64(a.Pix[i|3]) - float64(b.Pix[i])*float64(b.Pix[i|3])
			sum += d * d / 255 / 255
		}
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix)*3/4)/max(sum, 1e-9))
}

// What is cut off is an error, and what is changed is an error or a picture of the same size. With
// the tag long each format is cut and changed at 1,000 places.
func TestBroken(t *testing.T) {
	places := long.Number(16, 1000)
	for _, file := range has("grid.heic", "grey.heic", "overlay.heic", "sequence.avif", "plain.avif") {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(t, err)
		for i := range places {
			_, err := picture.Decode(data[:len(data)*i/places], picture.Limits{Decode: here})
			assert.ErrorIs(t, err, picture.ErrFormat, "%s, %d of %d", file, i, places)
			if places < 1000 && i%8 > 0 {
				continue
			}
			changed := bytes.Clone(data)
			at := (len(data)*i + i*i%97) / places % len(data)
			changed[at] ^= 1 << (i % 8)
			if p, err := picture.Decode(changed, picture.Limits{Decode: here, MaxPixels: 1 << 22}); err == nil {
				assert.Less(t, p.Image.Rect.Dx()*p.Image.Rect.Dy(), 1<<22, "%s, byte %d", file, at)
			}
		}
		_, err = picture.Decode(data[:len(data)-1], picture.Limits{Decode: here})
		assert.ErrorIs(t, err, picture.ErrFormat, "%s without its last byte", file)
	}
}

// A decoder that hangs is ended with the context: when Decode returns, its process is gone.
func TestCancel(t *testing.T) {
	d := New()
	aparttest.Cancelled(t, func(ctx context.Context) error {
		_, err := d.Decode(ctx, "avif", nil, 1)
		return err
	})
	assert.True(t, d.free.TryAcquire(budget), "its memory is given back")
}

// The pictures of the shared collection open.
func TestOddPictures(t *testing.T) {
	dir := os.Getenv("KYCMARK_SHARED")
	if dir == "" {
		dir = "../../shared"
	}
	if _, err := os.Stat(dir); err != nil {
		skip.Test(t, "no folder %s: set KYCMARK_SHARED", dir)
	}
	for file, size := range map[string]image.Point{"avif_example.avif": {800, 533}, "heic_example.heic": {1280, 854}, "heic_iphone.heic": {2566, 3313}} {
		if len(has(file)) == 0 {
			continue
		}
		if size.X > 2000 && !long.On {
			continue // takes two seconds
		}
		p, err := fromfile.Picture(filepath.Join(dir, "pictures/odd", file), picture.Limits{Decode: here})
		require.NoError(t, err, file)
		assert.Equal(t, size, p.Image.Rect.Size(), file)
	}
}

// A process decodes several small pictures. What happens to it with one of them does not reach the next:
// it is killed, it ends by itself, or a file is damaged.
func TestProcessIsKept(t *testing.T) {
	needsHEIC(t)
	d := New()
	defer d.Close()
	want := map[string]*picture.Picture{}
	files := []string{"small.heic", "alpha.avif", "plain.heic"}
	for _, file := range files {
		want[file] = opened(t, file)
	}
	bad, err := os.ReadFile("testdata/grid.heic")
	require.NoError(t, err)
	bad = bytes.Clone(bad)
	for i := len(bad) / 2; i < len(bad); i++ {
		bad[i] ^= byte(i)
	}
	for round := range 6 {
		for _, file := range files {
			got := open(t, file, picture.Decoding(t.Context(), d.Decode))
			if round < 2 { // at once: after a few seconds it ends
				require.Len(t, d.small[strings.TrimPrefix(filepath.Ext(file), ".")].Waiting(), 1)
			}
			require.Equal(t, want[file].Image, got.Image, "%s, round %d", file, round)
		}
		switch round {
		case 2:
			aparttest.Kill(t, d.small["heic"], d.small["avif"])
		case 3:
			picture.Decode(bad, picture.Limits{Decode: picture.Decoding(t.Context(), d.Decode)})
		case 4:
			_, err := d.Decode(t.Context(), "heic", bad[:100], 1)
			require.Error(t, err)
			require.Empty(t, d.small["heic"].Waiting(), "ended after an error")
		}
	}
}
