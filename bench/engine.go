package main

import (
	"context"
	"image"
	"time"

	"github.com/kycmark/kycmark/bench/nulls"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// An engine is what is measured. Tests put fakes, which cost no time, in its place.
type engine struct {
	mark   func(context.Context, *watermark.Key, watermark.CopyID, image.Image, *watermark.Options) (*watermark.Marked, error)
	embed  func(*watermark.Key, watermark.CopyID, image.Image, *watermark.Options) (*image.NRGBA, error)
	detect func(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error)
	null   func(ctx context.Context, leak image.Image, seed uint64, n int, each func(nulls.Trial)) error
	ruined func(ctx context.Context, key *watermark.Key, sub watermark.Submission, leak image.Image, seed uint64, n int, each func(nulls.Trial)) error
	hash   func(phash.Kind, image.Image) (phash.Hash, int, error)
	judge  judge // nil: no Butteraugli
	now    func() time.Time
}

// newEngine returns the real watermark and hash, and Butteraugli if the program is installed.
func newEngine() *engine {
	return &engine{
		mark: watermark.Mark, embed: watermark.Embed, detect: watermark.Detect, hash: phash.Sum,
		null: nulls.Trials, ruined: ruinedTrials, judge: findButteraugli(), now: time.Now,
	}
}

// ruinedTrials is [nulls.Ruined] under a mark key.
func ruinedTrials(ctx context.Context, key *watermark.Key, sub watermark.Submission, leak image.Image, seed uint64, n int, each func(nulls.Trial)) error {
	secret, err := code.ParseSecret(key.Secret())
	if err != nil {
		return err
	}
	return nulls.Ruined(ctx, blind.NewKeys(pattern.NewKeys(&secret)), sub, leak, seed, n, each)
}

// since returns the time since start in milliseconds.
func (e *engine) since(start time.Time) float64 {
	return float64(e.now().Sub(start)) / float64(time.Millisecond)
}

// yes is a condition as a value of a trial: 1 or 0.
func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
