package main

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify/findings"
)

// Recipients of each upload, and pictures of a dump: each of another person.
const (
	coalitionVendors = 8
	coalitionLeaks   = 3
	coalitionThen    = "jpeg75"
)

// How colluders make the pictures of a dump, and how many they are: 18 ways.
var (
	coalitionMixes = []string{"mean", "weighted", "minmax", "randnp", "pixels", "mosaic48"}
	coalitionSizes = []int{2, 3, 5}
)

// verdictCoalition measures whether colluders are named, and other recipients not.
func verdictCoalition() *ruler.Experiment {
	sets := 2
	columns := []ruler.Column{ruler.Of("exactly the colluders named", "exact"), ruler.Sums("an innocent named", "innocent"), ruler.Sums("a colluder not named", "missed"), ruler.Sums("named alone", "alone")}
	return &ruler.Experiment{
		Name: "verdict coalition", Short: "Whether recipients who mix their copies are named", Plain: true,
		Long: `Issue copies of drawn uploads to eight recipients, mix the copies of two, three or five of
them in six ways, save each mixture as JPEG 75, and investigate and weigh the dump of three
such pictures of three persons. Exit 1 unless each dump names exactly the colluders, none of them alone.`,
		Flags: func(fs *pflag.FlagSet) { fs.IntVar(&sets, "sets", 2, "`number` of sets of eight recipients") },
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return ruler.Cases(sets, func(ctx context.Context, set int, emit func(ruler.Trial)) { mixtures(ctx, env, set, emit) }), nil
		},
		Tables: []ruler.Table{
			{Name: "mixtures", By: []string{"mix"}, Heads: []string{"mixture"}, Row: rowsOf(coalitionMixes...), Total: "all", Columns: columns},
			{Name: "short", Doc: true, Heads: []string{}, Columns: columns},
		},
		Missed: func(trials []ruler.Trial) (out []string) {
			if n, all := ruler.Group(trials).Sum("exact"), ruler.Group(trials).Count(); n < all {
				out = append(out, fmt.Sprintf("exactly the colluders are named in %.0f of %.0f dumps, bar all", n, all))
			}
			return out
		},
	}
}

// mixtures investigates the dumps of one set of recipients, and emits a trial for each.
func mixtures(ctx context.Context, env *ruler.Env, set int, emit func(ruler.Trial)) {
	r := &memoryRegistry{}
	r.open(ctx, env, coalitionVendors)
	defer r.Close()
	for i := range coalitionLeaks {
		u := drawnUpload(env, set*coalitionLeaks+i, 0xc0a1, "%s %d, %s")
		u.draw(env, recordedSide)
		r.submit(ctx, u, asPNG(u.image), fmt.Sprint("customer ", i), time.Time{}, r.recipients...)
		r.uploads = append(r.uploads, u)
	}
	r.investigateFrom(time.Now().Add(time.Hour))
	rng := rand.New(rand.NewPCG(env.Seed, uint64(set)))
	for _, mix := range coalitionMixes {
		for _, size := range coalitionSizes {
			var colluders []string
			for _, k := range rng.Perm(coalitionVendors)[:size] {
				colluders = append(colluders, r.recipients[k])
			}
			slices.Sort(colluders)
			var leaks []*findings.Finding
			for _, u := range r.uploads {
				var copies []*image.NRGBA
				for _, name := range colluders {
					copies = append(copies, u.copies[name])
				}
				leak := ruler.Must(hard.Find(coalitionThen)).Apply(ruler.Must(ruler.Must(hard.FindMix(mix)).Apply(copies, u.seed)), u.seed)
				leaks = append(leaks, ruler.Must(r.finder.File(ctx, mix+".png", asPNG(leak))))
			}
			d := ruler.Must(r.finder.Weigh(ctx, leaks))
			t := ruler.Trial{Labels: map[string]string{"mix": mix, "colluders": strconv.Itoa(size), "set": strconv.Itoa(set)}, Values: map[string]float64{
				"exact": yes(slices.Equal(d.Named, colluders) && len(d.Odds.Alone()) == 0), "innocent": 0, "missed": 0, "alone": float64(len(d.Odds.Alone())),
			}}
			for _, name := range r.recipients {
				named, is := slices.Contains(d.Named, name), slices.Contains(colluders, name)
				t.Values["innocent"] += yes(named && !is)
				t.Values["missed"] += yes(is && !named)
			}
			emit(t)
		}
	}
}
