package experiments

import (
	"context"
	"image"

	"github.com/kycmark/kycmark/watermark"
)

// FakeTrace is an engine of the tests' own functions.
type FakeTrace struct {
	Fake
	Trace func(leak image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error)
	Pool  func(leaks []*watermark.TraceResult) ([]watermark.CopyEvidence, error)
	Ready func(original image.Image)                     // told of every tracer
	Mixed func(ids []watermark.CopyID, strength float64) // told of every request for copies
}

type fakeTracer struct {
	copies []watermark.Candidate
	trace  func(image.Image, []watermark.Candidate) (*watermark.TraceResult, error)
}

func (f fakeTracer) Trace(_ context.Context, leak image.Image) (*watermark.TraceResult, error) {
	return f.trace(leak, f.copies)
}

func (f FakeTrace) Run(ctx context.Context, cfg TraceConfig) (*TraceReport, error) {
	e := &traceEngine{engine: f.engine(), pool: f.Pool}
	e.copies = func(_ *watermark.Key, src image.Image, opts *watermark.Options, ids []watermark.CopyID) ([]*image.NRGBA, error) {
		f.Mixed(ids, opts.Strength)
		var all []*image.NRGBA
		for range ids {
			all = append(all, src.(*image.NRGBA))
		}
		return all, nil
	}
	e.tracer = func(original image.Image, copies []watermark.Candidate, _ *watermark.TraceOptions) (tracer, error) {
		if f.Ready != nil {
			f.Ready(original)
		}
		return fakeTracer{copies, f.Trace}, nil
	}
	return e.trace(ctx, cfg)
}
