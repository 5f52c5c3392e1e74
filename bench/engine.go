package main

import (
	"bytes"
	"context"
	"image"
	"os"

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

	// handOut marks the JPEG file of an upload as "kycmark mark" does. nil: files are not made.
	handOut func(ctx context.Context, key *watermark.Key, path string, up *ruler.Upload) (*handed, error)
	issue   func(ctx context.Context, env *ruler.Env, s *victim)   // makes a victim's copies, whose IDs are drawn
	racers  func(ctx context.Context, dir, against string) []racer // builds commands in dir
}

// newEngine returns the real watermark and hash, and Butteraugli if the program is installed.
func newEngine() *engine {
	return &engine{
		mark: watermark.Mark, embed: watermark.Embed, detect: watermark.Detect, hash: phash.Sum,
		null: nulls.Trials, ruined: ruinedTrials, handOut: handOut, issue: issueFiles, judge: findButteraugli(), racers: buildRacers,
	}
}

// A handed is a copy as its recipient has it: Image has the pixels of its file.
type handed struct {
	*watermark.Marked
	plain  func() *image.NRGBA // the pixels of that file without the mark
	weight float64             // bytes of the file, as a multiple of the upload's
}

// handOut marks the JPEG file of an upload. A copy that is marked in coefficients has the upload as its file without the
// mark.
func handOut(ctx context.Context, key *watermark.Key, path string, up *ruler.Upload) (*handed, error) {
	upload, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	made, err := markfile.Mark(ctx, key, up.Copy, upload, &markfile.Options{Submission: up.Options.Submission, AllowWeak: true})
	if err != nil {
		return nil, err
	}
	file, err := picture.Decode(made.File, picture.Limits{})
	if err != nil {
		return nil, err
	}
	coefficients := made.Image == nil
	made.Marked.Image = file.Image
	return &handed{made.Marked, func() *image.NRGBA {
		source := ruler.Must(picture.Decode(upload, picture.Limits{}))
		if coefficients {
			return source.Image
		}
		var b bytes.Buffer
		ruler.Check(picture.EncodeLike(&b, source.Image, source.Source, picture.LikeOptions{Format: made.Format}))
		return ruler.Must(picture.Decode(b.Bytes(), picture.Limits{})).Image
	}, float64(len(made.File)) / float64(len(upload))}, nil
}

// tracerOf returns a tracer of an upload for the given copies, which are as copied makes them.
func (e *engine) tracerOf(env *ruler.Env, path string, up *ruler.Upload, copies []watermark.Candidate) *watermark.Tracer {
	opts := &watermark.TraceOptions{Submission: up.Options.Submission}
	if e.handOut != nil && env.MaxSide == 0 && up.Format == "jpeg" {
		opts.JPEG, opts.Orientation, opts.Quality = picture.OnePage(ruler.Must(os.ReadFile(path))).Steps(1, picture.Limits{})
	}
	return ruler.Must(watermark.NewTracer(up.Image, copies, opts))
}

// copied marks an upload as its recipient gets it: of a JPEG that was not shrunk, the pixels of the copy's file.
func (e *engine) copied(ctx context.Context, env *ruler.Env, path string, up *ruler.Upload) (*watermark.Marked, error) {
	if e.handOut == nil || env.MaxSide > 0 || up.Format != "jpeg" {
		return e.mark(ctx, env.Key, up.Copy, up.Image, up.Options)
	}
	h, err := e.handOut(ctx, env.Key, path, up)
	if err != nil {
		return nil, err
	}
	return h.Marked, nil
}

// ruinedTrials is [nulls.Ruined] under a mark key.
func ruinedTrials(ctx context.Context, key *watermark.Key, sub watermark.Submission, leak image.Image, seed uint64, n int, each func(nulls.Trial)) error {
	secret, err := code.ParseSecret(key.Secret())
	if err != nil {
		return err
	}
	return nulls.Ruined(ctx, blind.NewKeys(pattern.NewKeys(&secret)), sub, leak, seed, n, each)
}

// yes is a condition as a value of a trial: 1 or 0.
func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
