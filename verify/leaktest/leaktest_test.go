package leaktest_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/watermark"
)

var blank = sync.OnceValue(func() *specimen.Blank { return specimen.NewBlank(specimen.Passport, 360) })

// pngOf is the file of a picture.
func pngOf(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// picture is the upload of all tests, which share and do not change it.
var picture = sync.OnceValue(func() *image.NRGBA { return blank().Fill(specimen.NewPerson(3)) })

// document is its file.
var document = sync.OnceValue(func() []byte { return pngOf(picture()) })

// unmarked is small, for a search that finds nothing takes seconds on more.
var unmarked = sync.OnceValue(func() []byte { return pngOf(imaging.Fit(picture(), 160, 160, imaging.Box)) })

// recorder is a test that may fail.
type recorder struct {
	failures []string
	stopped  bool
	cleanups []func()
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) FailNow()         { r.stopped = true }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) requireFailed(t *testing.T, with string) {
	t.Helper()
	require.True(t, r.stopped)
	require.NotEmpty(t, r.failures)
	require.Contains(t, r.failures[0], with)
	*r = recorder{}
}

func TestAssertions(t *testing.T) {
	key, id := leaktest.Key(), watermark.CopyID(0x0123456789abcdef)
	plain := unmarked()
	img, err := watermark.Embed(key, id, picture(), nil)
	require.NoError(t, err)
	marked := pngOf(img)
	leak := leaktest.Leak(t, marked, "telegram")

	leaktest.RequireMarked(t, key, marked)
	leaktest.RequireCopy(t, key, id, leak)

	var r recorder
	leaktest.RequireMarked(&r, key, plain)
	r.requireFailed(t, "picture 0 carries no readable mark")
	leaktest.RequireCopy(&r, key, id+1, marked)
	r.requireFailed(t, "is read as copy 0123456789abcdef, want 0123456789abcdf0")
	leaktest.RequireNotOurs(&r, key, plain, marked)
	r.requireFailed(t, "picture 1 is read as copy")
}

// The questions of an investigation.
func TestQuestions(t *testing.T) {
	cfg := leaktest.Config(t)
	out, err := publish(cfg, document())
	require.NoError(t, err)
	leaktest.RequireLeakOf(t, cfg, out, "vendor A")
	leaktest.RequireFinding(t, cfg, document(), findings.FoundUnmarked)
	leaktest.RequireFinding(t, cfg, pngOf(specimen.Photograph(picture(), 1, 480, 360)), findings.FoundLookalike)
	if long.On { // the example has an unknown picture
		leaktest.RequireFinding(t, cfg, pngOf(blank().Fill(specimen.NewPerson(4))), findings.FoundUnknown)
	}

	var r recorder
	leaktest.RequireLeakOf(&r, cfg, []byte("no picture"), "vendor A")
	r.requireFailed(t, "the leak is no picture, of \"\", want a copy of \"vendor A\"")
	leaktest.RequireLeakOf(&r, cfg, []byte("no picture"), "") // as of a variable that was never set
	r.requireFailed(t, "the leak is no picture, of \"\", want a copy of \"\"")
	leaktest.RequireFinding(&r, cfg, []byte("no picture"), findings.FoundUnknown)
	r.requireFailed(t, "the leak is no picture, want unknown")
}

func TestMisuseFails(t *testing.T) {
	var r recorder
	leaktest.RequireNotOurs(&r, leaktest.Key())
	r.requireFailed(t, "no picture was given")
	leaktest.RequireMarked(&r, leaktest.Key(), pngOf(image.NewGray(image.Rect(0, 0, 3, 3))))
	r.requireFailed(t, "too small")
	require.Nil(t, leaktest.Leak(&r, document(), "teleport"))
	r.requireFailed(t, "telegram")
}

func TestKeysAreFixed(t *testing.T) {
	require.Equal(t, leaktest.Key().ID(), leaktest.Key().ID())
	require.Equal(t, "v1-88be6330e05755a7", leaktest.Key().ID())
	require.Equal(t, "seal1-f86cb05d14976836", leaktest.SealKey().ID())
}

func TestRegistryIsClosedAfterTheTest(t *testing.T) {
	var r recorder
	reg := leaktest.NewRegistry(&r)
	_, err := reg.Recipients(t.Context())
	require.NoError(t, err)
	for _, f := range r.cleanups {
		f()
	}
	_, err = reg.Recipients(t.Context())
	require.Error(t, err)
	require.Empty(t, r.failures)
}
