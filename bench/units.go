package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// A picture that looks like an earlier one is no unit of its own. Sides are pixels, bits are of PDQ
// hashes: two pictures of different scenes differ by about 128 of 256.
const (
	unitMinSide = 300
	unitMinBits = 60
)

// unitPower is the power from which on the absence of a mark counts (verify/internal/tuning, MinPower).
const unitPower = 0.999

// independent counts errors by picture: each is marked once under a key, and leaks once. So the pictures
// are independent units, and the limits of ratios may count them.
func independent(e *engine) *ruler.Experiment {
	r := &unitsRun{engine: e}
	return &ruler.Experiment{
		Name: "units", Short: "How often one picture of many gives a false identification",
		Long: `Mark each picture under one of several keys, and leak the copy and the upload through one
attack, in turn over all attacks. Trace both leaks against the upload and its copies, read the
copy blind, and lay the unmarked leak on the uploads that look most like it. Each picture is one trial.
Small pictures, and pictures that look like an earlier one, are left out. Exit 1 when a copy
that did not leak is found, another ID is read, or another upload counts as the same capture.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&r.keys, "keys", 30, "`number` of mark keys, in turn")
			fs.IntVar(&r.issued, "copies", 1000, "`number` of copies of each picture to trace against; the first leaks")
			fs.IntVar(&r.near, "near", 1, "`number` of other uploads that the unmarked leak is laid on, the nearest by hash")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if r.keys < 1 || r.issued < 2 || r.near < 0 {
				return nil, errors.New("--keys takes 1 or more, --copies 2 or more, --near 0 or more")
			}
			var err error
			if r.attacks, err = env.Attacks(); err != nil {
				return nil, err
			}
			r.env = env
			return after(r.choose, ruler.Cases(len(env.Pictures), func(ctx context.Context, i int, emit func(ruler.Trial)) {
				if i < len(r.chosen) {
					r.unit(ctx, i, emit)
				}
			})), nil
		},
		Tables: []ruler.Table{{
			Name: "errors", Transposed: true, Heads: []string{"measured", "pictures"}, Columns: []ruler.Column{
				ruler.Counts("pictures, each a unit"),
				ruler.Sums("of these, in a leak of a copy another copy was found", "innocent"),
				ruler.Upper("upper 95 % limit of that rate", "innocent"),
				ruler.Sums("in a leak of the upload a copy was found", "planted"),
				ruler.Sums("another ID was read", "misread"),
				ruler.SumOf("another upload counted as the same capture", "confused", "compared"),
				ruler.SumOf("the mark was not found, although the stated power was 99.9 % or more", "missed", "sure"),
				ruler.UpperOf("upper 95 % limit of that rate", "missed", "sure"),
				ruler.SumOf("the copy that leaked was found", "named", "leaks"),
			},
		}},
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, name := range []string{"innocent", "planted", "misread", "confused"} {
				if n := ruler.Group(trials).Sum(name); n > 0 {
					out = append(out, fmt.Sprintf("%s: %.0f, bar 0", name, n))
				}
			}
			return out
		},
	}
}

// A unitsRun counts errors by picture.
type unitsRun struct {
	*engine
	env                *ruler.Env
	attacks            []attack.Attack
	keys, issued, near int
	chosen             []*card // pictures that look like no other; name is the path
}

// choose hashes the pictures, and leaves out small pictures, and pictures that look like an earlier one.
func (r *unitsRun) choose(ctx context.Context) {
	all := make([]*card, len(r.env.Pictures))
	parallel(ctx, r.env, len(all), func(_ context.Context, i int) {
		up, err := r.env.Upload(r.env.Pictures[i])
		if err != nil || min(up.Image.Rect.Dx(), up.Image.Rect.Dy()) < unitMinSide {
			return
		}
		hash, _, err := phash.Sum(phash.PDQ, up.Image)
		ruler.Check(err)
		all[i] = &card{name: r.env.Pictures[i], hash: hash}
	})
	for _, u := range all {
		if u != nil && !slices.ContainsFunc(r.chosen, func(x *card) bool { return u.hash.Distance(x.hash) < unitMinBits }) {
			r.chosen = append(r.chosen, u)
		}
	}
}

// unit marks picture i, leaks it twice, and counts what is wrong.
func (r *unitsRun) unit(ctx context.Context, i int, emit func(ruler.Trial)) {
	up := ruler.Must(r.env.Upload(r.chosen[i].name))
	key := r.env.TestKey(i % r.keys)
	a := r.attacks[i%len(r.attacks)]
	env := *r.env
	env.Key = key
	m, err := r.copied(ctx, &env, r.chosen[i].name, up)
	if errors.Is(err, watermark.ErrTooSmall) {
		return
	}
	ruler.Check(err)
	copies := []watermark.Candidate{{Copy: up.Copy, Key: key, Strength: m.Strength}}
	for k := 1; k < r.issued; k++ {
		copies = append(copies, watermark.Candidate{Copy: watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", k), up.Content)), Key: key, Strength: m.Strength})
	}
	tracer := r.tracerOf(&env, r.chosen[i].name, up, copies)
	t := ruler.Trial{
		Labels: map[string]string{"picture": up.Name, "attack": a.Name, "key": fmt.Sprint(i % r.keys)},
		Values: map[string]float64{"leaks": 1, "innocent": 0, "planted": 0, "misread": 0, "confused": 0, "compared": 0, "missed": 0, "sure": 0, "named": 0},
	}
	v, plain := t.Values, a.Apply(up.Image, up.Seed)
	for _, leak := range []struct {
		shows image.Image
		wrong string
		copy  watermark.CopyID
	}{{a.Apply(m.Image, up.Seed), "innocent", up.Copy}, {plain, "planted", 0}} {
		traced := ruler.Must(tracer.Trace(ctx, leak.shows))
		found := slices.Contains(traced.Accused, up.Copy)
		if others := len(traced.Accused) - int(yes(found)); others > 0 || found && leak.copy == 0 {
			v[leak.wrong] = 1
		}
		if leak.copy != 0 {
			v["named"], v["sure"] = yes(found), yes(traced.Registered && traced.Power >= unitPower)
			v["missed"] = yes(v["sure"] == 1 && !found)
		}
		if leak.copy == 0 {
			continue // "falsepositives" reads pictures without a mark
		}
		if d := ruler.Must(watermark.Detect(ctx, key, leak.shows)); d.Found && d.Copy != leak.copy {
			v["misread"] = 1
		}
	}
	leak := &card{}
	leak.turned, _, err = phash.SumTurned(phash.PDQ, plain)
	ruler.Check(err)
	others := slices.Delete(slices.Clone(r.chosen), i, i+1)
	slices.SortStableFunc(others, func(a, b *card) int { return cmp.Compare(a.distance(leak), b.distance(leak)) })
	for _, u := range others[:min(r.near, len(others))] {
		s := ruler.Must(capture.New(dsp.LazyLuma(ruler.Must(r.env.Upload(u.name)).Image)).Find(ctx, dsp.LazyLuma(plain)))
		v["compared"]++
		if s != nil {
			verdict := ruler.Must(s.Verdict())
			v["confused"] += yes(verdict == capture.Same || verdict == capture.Altered)
		}
	}
	emit(t)
}
