package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// checkBits is the length of the keyed check that a message must pass to be taken for a
// mark. A check passes by chance with a probability of 2^-32.
const checkBits = 32

// falsePositives measures how often a mark is read in pictures without a mark of the key.
// It also measures how the statistics behind a reading are distributed.
func falsePositives(e *engine) *ruler.Experiment {
	r := &falseRun{engine: e}
	return &ruler.Experiment{
		Name:  "falsepositives",
		Short: "Whether marks are read in pictures that carry no mark",
		Long: `Attack each picture unmarked, and marked under another key, and read it. Then make
cheap trials on the same pictures under random keys at random places, which show
how the statistics behind a reading are distributed. Exit 1 when any mark is found.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&r.keyCount, "keys", 1, "`number` of keys to read with")
			fs.IntVar(&r.trials, "trials", 20000, "`number` of cheap trials; 0: none")
		},
		Cases: func(_ context.Context, env *ruler.Env) (_ []ruler.Case, err error) {
			if r.trials < 0 || r.keyCount < 1 {
				return nil, errors.New("--trials takes 0 or more, --keys 1 or more")
			}
			r.env = env
			if r.attacks, err = env.Attacks(); err != nil {
				return nil, err
			}
			r.other, r.keys = env.TestKey(-1), []*watermark.Key{env.Key}
			for n := 1; n < r.keyCount; n++ {
				r.keys = append(r.keys, env.TestKey(n))
			}
			return ruler.Each(env, r.picture), nil
		},
		Fold: foldBins,
		Tables: append([]ruler.Table{
			{Name: "readings", Where: ruler.Has("checks_made"), By: []string{"carrier"}, Heads: []string{"pictures"}, Total: "all", Columns: []ruler.Column{
				ruler.Counts("readings"), ruler.Sums("found", "found"), ruler.Upper("upper 95 % limit", "found"),
				{Head: "checks a reading, mean / max", Cell: func(g ruler.Group) string {
					return fmt.Sprintf("%.2f / %.0f", g.Mean("checks"), g.Quantile("checks", 1))
				}},
				{Head: "computed rate, mean / worst", Cell: func(g ruler.Group) string {
					return fmt.Sprintf("%.1e / %.1e", math.Ldexp(g.Mean("checks"), -checkBits), math.Ldexp(g.Quantile("checks", 1), -checkBits))
				}},
				ruler.Quantiles("strongest agreement of the pilots", "sync", 2, 1),
			}},
		}, nullTables()...),
		Plots: nullPlots(),
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, t := range trials {
				if t.Values["found"] > 0 || t.Values["third"] > 0 {
					out = append(out, fmt.Sprintf("ALARM: false finding: %s (%s) under %s read as copy %s",
						t.Labels["picture"], t.Labels["carrier"], t.Labels["attack"], t.Labels["got"]))
				}
			}
			return out
		},
	}
}

type falseRun struct {
	*engine
	env              *ruler.Env
	keyCount, trials int
	attacks          []attack.Attack
	keys             []*watermark.Key // read with
	other            *watermark.Key   // marked with
}

// The pictures in which nothing is to be found.
const (
	unmarked = "unmarked"
	otherKey = "marked under another key"
)

// picture reads a picture, and its copy of another key, under every attack, and makes the
// cheap trials on both.
func (r *falseRun) picture(ctx context.Context, path string, emit func(ruler.Trial)) {
	up := ruler.Must(r.env.Upload(path))
	marked := ruler.Must(r.embed(r.other, up.Copy, up.Image, up.Options))
	for _, carrier := range []string{unmarked, otherKey} {
		img := up.Image
		if carrier == otherKey {
			img = marked
		}
		for _, a := range r.attacks {
			leak := a.Apply(img, up.Seed)
			for _, key := range r.keys {
				t := ruler.Trial{Labels: map[string]string{"picture": up.Name, "carrier": carrier, "attack": a.Name}}
				d, err := r.detect(ctx, key, leak)
				ruler.Check(context.Cause(ctx))
				if err != nil { // no trial
					t.Error = err.Error()
				} else {
					t.Values = map[string]float64{"found": yes(d.Found), "checks": float64(d.Debug.Checks), "checks_made": yes(d.Debug.Checks > 0), "sync": d.Debug.Sync}
					if d.Found {
						t.Labels["got"], t.Labels["key"], t.Values["log10_p"] = d.Copy.String(), d.KeyID, d.LogPFA
					}
				}
				emit(t)
			}
		}
	}
	if r.trials > 0 {
		r.cheap(ctx, path, up, marked, emit)
	}
}
