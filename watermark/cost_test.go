package watermark_test

import (
	"bytes"
	"image/jpeg"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/watermark"
)

// BenchmarkEmbed12MP reports what marking a 12-megapixel picture costs beside the
// standard library's JPEG decoder and encoder on the same picture, each the
// fastest of the runs: go test -run '^$' -bench Embed12MP -cpu 1 ./watermark
func BenchmarkEmbed12MP(b *testing.B) {
	src := scene(4000, 3000)
	var file bytes.Buffer
	require.NoError(b, jpeg.Encode(&file, src, nil))
	codec, mark := time.Hour, time.Hour
	for b.Loop() {
		start := time.Now()
		img, err := jpeg.Decode(bytes.NewReader(file.Bytes()))
		require.NoError(b, err)
		require.NoError(b, jpeg.Encode(new(bytes.Buffer), img, nil))
		codec = min(codec, time.Since(start))

		start = time.Now()
		_, err = watermark.Embed(key, 1, src, &watermark.Options{Submission: sub})
		require.NoError(b, err)
		mark = min(mark, time.Since(start))
	}
	b.ReportMetric(codec.Seconds()*1e3, "codec-ms")
	b.ReportMetric(mark.Seconds()*1e3, "mark-ms")
	b.ReportMetric(mark.Seconds()/(0.2*codec.Seconds()+0.3), "of-bar")
}
