package main

import (
	"context"
	"errors"
	"image"
	"math"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// matchPlaces measures whether the place that local features find is right: each leak is laid on
// uploads from there, and again by a full search. There is one trial per leak and upload.
func matchPlaces() *ruler.Experiment {
	r := &placesRun{}
	lost := func(t *ruler.Trial) bool { return t.Values["same"] > t.Values["same_placed"] }
	return &ruler.Experiment{
		Name: "match places", Short: "Whether the place that local features find is right",
		Long: `Leak each picture, and each drawn document, through attacks in turn, and lay the leak on its
upload and on the other upload with the nearest hash: from the place that local features find,
and by a full search. Exit 1 when a leak that the full search finds to be the same capture is lost.
Processor times are of the whole process: take them with --workers 1.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&r.documents, "documents", 15, "`number` of drawn documents, on each template in turn")
			fs.IntVar(&r.each, "each", 4, "`number` of attacks that each upload goes through")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if r.documents < 0 || r.each < 1 {
				return nil, errors.New("--documents takes 0 or more, --each 1 or more")
			}
			if r.attacks, err = env.Attacks(); err != nil {
				return nil, err
			}
			r.env, r.uploads = env, make([]*placeUpload, len(env.Pictures)+r.documents)
			return after(r.fill, ruler.Cases(len(r.uploads), r.leak)), nil
		},
		Tables: []ruler.Table{{
			Name: "places", Doc: true, By: []string{"of"}, Heads: []string{"leaks of"}, Columns: []ruler.Column{
				ruler.Counts("pairs"), ruler.Of("place found where asked for", "placed"), ruler.Of("fits as a full search", "right"), ruler.Of("same capture, searched", "same"), ruler.Of("from the place", "same_placed"),
				ruler.Quantiles("CPU ms searched, 50 / 90 %", "ms", 0, .5, .9), ruler.Quantiles("from the place", "ms_placed", 0, .5, .9),
			},
		}, {
			Name: "lost", Title: "Same captures that are lost", By: []string{"leak", "attack"}, Where: lost,
		}},
		Missed: func(trials []ruler.Trial) (out []string) {
			if ruler.Group(trials).Where(lost).Count() > 0 {
				out = append(out, "a leak of the same capture is lost, bar 0")
			}
			return out
		},
	}
}

// A placesRun lays leaks on uploads.
type placesRun struct {
	env             *ruler.Env
	attacks         []attack.Attack
	documents, each int
	uploads         []*placeUpload
}

// A placeUpload is an upload that leaks are laid on.
type placeUpload struct {
	name  string
	image *image.NRGBA
	onto  *capture.Original
	hash  phash.Hash
	index parts.Index // of this upload alone
}

// fill makes the uploads.
func (r *placesRun) fill(ctx context.Context) {
	n := len(r.env.Pictures)
	parallel(ctx, r.env, len(r.uploads), func(_ context.Context, i int) {
		s := &submitted{}
		if i < n {
			s = &submitted{name: ruler.Name(r.env.Pictures[i]), path: r.env.Pictures[i], seed: r.env.Seed}
		} else {
			s = drawnUpload(r.env, i-n, 0xd000, "%s %d, %s")
		}
		s.draw(r.env, 1200)
		u := &placeUpload{name: s.name, image: s.image, onto: capture.New(dsp.LazyLuma(s.image))}
		var err error
		u.hash, _, err = phash.Sum(phash.Area, s.image)
		ruler.Check(err)
		ruler.Check(u.index.Add(1, ruler.Must(parts.Extract(s.image))))
		r.uploads[i] = u
	})
}

// leak leaks upload i, and emits how its leaks lie on uploads.
func (r *placesRun) leak(ctx context.Context, i int, emit func(ruler.Trial)) {
	own := r.uploads[i]
	for k := range r.each {
		a := r.attacks[(i+k*len(r.uploads))%len(r.attacks)]
		img := a.Apply(own.image, r.env.Seed+uint64(i))
		query := ruler.Must(parts.Examine(img))
		hashes, _, err := phash.SumLeak(phash.Area, img)
		ruler.Check(err)
		near := slices.MinFunc(slices.DeleteFunc(slices.Clone(r.uploads), func(u *placeUpload) bool { return u == own }),
			func(a, b *placeUpload) int { return nearestOf(hashes, a.hash) - nearestOf(hashes, b.hash) })
		for _, on := range []*placeUpload{own, near} {
			t := on.lay(ctx, img, query)
			t.Labels = map[string]string{"of": "the upload", "leak": own.name, "attack": a.Name}
			if on != own {
				t.Labels["of"] = "another upload"
			}
			emit(t)
		}
	}
}

// lay returns the trial of a leak with the local features query on u. placed is left out if a plain
// stretch is clear, and right if the full search finds nothing that fits by half.
func (u *placeUpload) lay(ctx context.Context, img *image.NRGBA, query *parts.Query) ruler.Trial {
	place := &register.Place{LogNFA: math.Inf(1)}
	t := ruler.Trial{Values: map[string]float64{}}
	lay := func(name string, place func() (*register.Place, error)) *capture.Sight {
		leak, start := register.NewLeak(dsp.LazyLuma(img)), processTime()
		s := ruler.Must(u.onto.Lay(ctx, leak, place))
		t.Values["ms"+name] = float64((processTime() - start).Microseconds()) / 1000
		t.Values["same"+name] = 0
		if s != nil {
			v := ruler.Must(s.Verdict())
			t.Values["same"+name] = yes(v == capture.Same || v == capture.Altered)
		}
		return s
	}
	placed := lay("_placed", func() (*register.Place, error) {
		m, _, err := u.index.Locate(ctx, query, 1)
		if m != nil {
			place = &register.Place{Map: m.Map, LogNFA: m.LogNFA, Inliers: m.Inliers}
		}
		t.Values["placed"] = yes(m != nil)
		return place, err
	})
	searched := lay("", nil)
	if searched != nil && searched.Quality >= 0.5 {
		t.Values["right"] = yes(placed != nil && placed.Quality > searched.Quality-0.02)
	}
	return t
}
