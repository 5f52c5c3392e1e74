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

// document is the upload of all tests, which share and do not change it.
var document = sync.OnceValue(func() *image.NRGBA { return blank().Fill(specimen.NewPerson(3)) })

// unmarked is small, for a search that finds nothing takes seconds on more.
var unmarked = sync.OnceValue(func() *image.NRGBA { return imaging.Fit(document(), 160, 160, imaging.Box) })

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
	marked, err := watermark.Embed(key, id, document(), nil)
	require.NoError(t, err)
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

// The questions of an investigation, asked of a file and of a picture.
func TestQuestions(t *testing.T) {
	cfg := leaktest.Config(t)
	out, err := publish(cfg, document())
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, out))
	leaktest.RequireLeakOf(t, cfg, file.Bytes(), "vendor A")
	leaktest.RequireFinding(t, cfg, document(), findings.FoundUnmarked)
	leaktest.RequireFinding(t, cfg, specimen.Photograph(document(), 1, 480, 360), findings.FoundLookalike)
	if long.On { // the example has an unknown picture
		leaktest.RequireFinding(t, cfg, blank().Fill(specimen.NewPerson(4)), findings.FoundUnknown)
	}

	var r recorder
	leaktest.RequireLeakOf(&r, cfg, []byte("no picture"), "vendor A")
	r.requireFailed(t, "the leak is no picture, of \"\", want a copy of \"vendor A\"")
	leaktest.RequireFinding(&r, cfg, []byte("no picture"), findings.FoundUnknown)
	r.requireFailed(t, "the leak is no picture, want unknown")
	leaktest.RequireFinding(&r, cfg, "leak.jpg", findings.FoundUnknown)
	r.requireFailed(t, "not string")
}

func TestMisuseFails(t *testing.T) {
	var r recorder
	leaktest.RequireNotOurs(&r, leaktest.Key())
	r.requireFailed(t, "no picture was given")
	leaktest.RequireMarked(&r, leaktest.Key(), image.NewGray(image.Rect(0, 0, 3, 3)))
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
