package main

import (
	"bytes"
	"context"
	"image"
	"os"
	"time"

	"github.com/kycmark/kycmark/bench/nulls"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
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

	// handOut returns the pixels of a copy's file, the pixels of that file without the mark, and its weight as a
	// multiple of the upload's.
	handOut func(ctx context.Context, key *watermark.Key, path string, up *ruler.Upload) (marked, plain *image.NRGBA, weight float64, err error)
	now     func() time.Time
}

// newEngine returns the real watermark and hash, and Butteraugli if the program is installed.
func newEngine() *engine {
	return &engine{
		mark: watermark.Mark, embed: watermark.Embed, detect: watermark.Detect, hash: phash.Sum,
		null: nulls.Trials, ruined: ruinedTrials, handOut: handOut, judge: findButteraugli(), now: time.Now,
	}
}

// handOut marks a file as "kycmark mark" does. A copy that is marked in coefficients has the upload as its file
// without the mark.
func handOut(ctx context.Context, key *watermark.Key, path string, up *ruler.Upload) (marked, plain *image.NRGBA, weight float64, err error) {
	upload, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, 0, err
	}
	made, err := markfile.Mark(ctx, key, up.Copy, upload, &markfile.Options{Submission: up.Options.Submission})
	if err != nil {
		return nil, nil, 0, err
	}
	file, err := picture.Decode(made.File, picture.Limits{})
	if err != nil {
		return nil, nil, 0, err
	}
	source, err := picture.Decode(upload, picture.Limits{})
	if err != nil {
		return nil, nil, 0, err
	}
	weight = float64(len(made.File)) / float64(len(upload))
	if made.Image == nil {
		return file.Image, source.Image, weight, nil
	}
	var b bytes.Buffer
	if err := picture.EncodeLike(&b, source.Image, source.Source, picture.LikeOptions{Format: made.Format}); err != nil {
		return nil, nil, 0, err
	}
	without, err := picture.Decode(b.Bytes(), picture.Limits{})
	if err != nil {
		return nil, nil, 0, err
	}
	return file.Image, without.Image, weight, nil
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
