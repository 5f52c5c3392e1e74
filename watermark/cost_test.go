//go:build unix

package watermark_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// processorTime is what this process has used so far: on a loaded machine the
// clock on the wall measures others.
func processorTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkEmbed12MP reports the processor time of marking a 12-megapixel picture
// beside that of the standard library's JPEG decoder and encoder on the same
// picture, each the least of the runs, and its share of what marking may cost, a
// fifth of the codec and 0.3 s:
//
//	go test -run '^$' -bench Embed12MP -benchtime 10x -cpu 1 ./watermark
func BenchmarkEmbed12MP(b *testing.B) {
	src := scene(4000, 3000)
	var file bytes.Buffer
	require.NoError(b, jpeg.Encode(&file, src, nil))
	codec, mark := time.Hour, time.Hour
	for b.Loop() {
		start := processorTime()
		img, err := jpeg.Decode(bytes.NewReader(file.Bytes()))
		require.NoError(b, err)
		require.NoError(b, jpeg.Encode(new(bytes.Buffer), img, nil))
		codec = min(codec, processorTime()-start)

		start = processorTime()
		_, err = watermark.Embed(key, 1, src, &watermark.Options{Submission: sub})
		require.NoError(b, err)
		mark = min(mark, processorTime()-start)
	}
	b.ReportMetric(codec.Seconds()*1e3, "codec-ms")
	b.ReportMetric(mark.Seconds()*1e3, "mark-ms")
	b.ReportMetric(mark.Seconds()/(0.2*codec.Seconds()+0.3), "of-bar")
}

// BenchmarkRead reports the processor time of reading pictures of 1600 x 1200, the
// mean of the runs: a marked one after a messenger, one without a mark, and both
// with four keys of which the last marked.
//
//	go test -run '^$' -bench Read -benchtime 5x -cpu 1 ./watermark
func BenchmarkRead(b *testing.B) {
	plain := scene(1600, 1200)
	m, err := watermark.Embed(key, 1, plain, &watermark.Options{Submission: sub})
	require.NoError(b, err)
	telegram, err := attack.Find("telegram")
	require.NoError(b, err)
	leak := telegram.Apply(m, 1)
	four := []*watermark.Key{others[0], others[1], others[2], key}
	for _, c := range []struct {
		name string
		img  *image.NRGBA
		keys []*watermark.Key
	}{{"found", leak, four[3:]}, {"foundFourKeys", leak, four}, {"notFound", plain, four[3:]}, {"notFoundFourKeys", plain, four}} {
		b.Run(c.name, func(b *testing.B) {
			start := processorTime()
			for b.Loop() {
				all, err := watermark.DetectAll(b.Context(), c.img, c.keys...)
				require.NoError(b, err)
				require.Equal(b, c.img == leak, len(all) == 1)
			}
			b.ReportMetric((processorTime()-start).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// BenchmarkTrace reports the processor time of tracing leaks of a 12-megapixel original
// against 1,000 copies, the mean of the runs, beside what the original costs once.
//
//	go test -run '^$' -bench Trace -benchtime 5x -cpu 1 ./watermark
func BenchmarkTrace(b *testing.B) {
	original := specimen.Render(specimen.Passport, specimen.NewPerson(3), 4000)
	copies := issued(1000)
	m, err := watermark.Embed(key, 1500, original, &watermark.Options{Submission: sub})
	require.NoError(b, err)
	opts := &watermark.TraceOptions{Submission: sub}
	t, err := watermark.NewTracer(original, copies, opts)
	require.NoError(b, err)
	measure := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			start := processorTime()
			for b.Loop() {
				f()
			}
			b.ReportMetric((processorTime()-start).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
	measure("original", func() {
		_, err := watermark.NewTracer(original, copies, opts)
		require.NoError(b, err)
	})
	for _, name := range []string{"telegram", "chain_crop", "rot5"} {
		a, err := attack.Find(name)
		require.NoError(b, err)
		leak := a.Apply(m, 1)
		measure(name, func() {
			r, err := t.Trace(b.Context(), leak)
			require.NoError(b, err)
			require.Equal(b, []watermark.CopyID{1500}, r.Accused)
		})
	}
}
