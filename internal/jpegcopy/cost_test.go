//go:build unix

package jpegcopy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/jpegcopy"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkCopies reports the processor time of a copy of each JPEG, of five for as many vendors, in
// coefficients and in pixels, with all that is done once, and the first as a share of the second. It leaves out JPEGs whose mark
// is weak in coefficients:
//
//	KYCMARK_PICTURES=DIR go test -run '^$' -bench Copies -benchtime 1x ./internal/jpegcopy
func BenchmarkCopies(b *testing.B) {
	files := []string{"../../testdata/pictures/stranger_coast.jpg"}
	if folder, is := os.LookupEnv("KYCMARK_PICTURES"); is {
		var err error
		files, err = filepath.Glob(filepath.Join(folder, "*.jpg"))
		require.NoError(b, err)
	}
	const vendors = 5
	key, of := watermark.GenerateKey(), watermark.Submission{1}
	var coded, pixels time.Duration
	n := 0
	for b.Loop() {
	files:
		for _, name := range files {
			data, err := os.ReadFile(name)
			require.NoError(b, err)
			start := processorTime()
			u := jpegcopy.Open(key, data, picture.Limits{}, of)
			if u == nil {
				continue
			}
			for i := range vendors {
				_, file, err := u.Mark(b.Context(), watermark.CopyID(i+1), false, false)
				require.NoError(b, err)
				if file == nil {
					continue files
				}
			}
			middle := processorTime()
			pic, err := picture.Decode(data, picture.Limits{})
			require.NoError(b, err)
			o, err := watermark.Prepare(key, pic.Image, &watermark.Options{Submission: of})
			require.NoError(b, err)
			for i := range vendors {
				m, err := o.Mark(b.Context(), watermark.CopyID(i+1))
				require.NoError(b, err)
				require.NoError(b, picture.EncodeLike(new(bytes.Buffer), m.Image, pic.Source, picture.LikeOptions{Format: "jpeg"}))
			}
			coded, pixels, n = coded+middle-start, pixels+processorTime()-middle, n+vendors
		}
	}
	b.ReportMetric(coded.Seconds()*1e3/float64(n), "coded-ms")
	b.ReportMetric(pixels.Seconds()*1e3/float64(n), "pixels-ms")
	b.ReportMetric(coded.Seconds()/pixels.Seconds(), "of-pixels")
}
