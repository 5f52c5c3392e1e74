package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/disintegration/imaging"
	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash/parts"
)

// partsAttacks are what hashes of whole pictures say nothing of. A collage of four uploads is
// always added.
var partsAttacks = []string{
	"crop50", "crop25", "crop10", "screenshot", "screenshot_jpeg", "redact30", "screen_photo",
	"rot17", "rot45", "mirror", "whatsapp", "thumb320", "chain_crop", "chain_reshare", "x_crop25_400_q30",
}

const (
	collageOfFour  = "collage of 4"
	leakedPerson   = 1 << 40 // first of the persons whose specimens leak; other uploads show others
	drawnStrangers = 4       // drawn coasts that are in no index
)

// matchParts looks for parts of uploads among others. There is one trial per leak, upload that the
// leak shows and size of the index, one per upload, and one per stranger.
func matchParts() *ruler.Experiment {
	r := &partsRun{}
	var sizes, background, strangers []string
	is := func(kind string) func(*ruler.Trial) bool { return ruler.Is("trial", kind) }
	return &ruler.Experiment{
		Name: "match parts", Short: "Whether parts of uploads are found by local features",
		Long: `Attack the pictures and drawn specimens, and look for them among other uploads. All
others are drawn or cut, and their features extracted: 25 ms of processor time each, so
that 100k take 40 minutes. Found: listed. First: before all that the leak does not show.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&sizes, "among", []string{"300"}, "`numbers` of other uploads in the index, as 1k or 100k")
			fs.StringSliceVar(&background, "background", nil, "`folders` of pictures that half of the other uploads are cut from (default: all are drawn)")
			fs.StringSliceVar(&strangers, "strangers", nil, "`folders` of pictures that are in no index")
			fs.IntVar(&r.specimens, "specimens", 10, "`number` of photographed specimens that leak beside the pictures")
			fs.IntVar(&r.repeats, "repeats", 1, "`number` of draws of each attack on each upload")
		},
		Cases: func(_ context.Context, env *ruler.Env) (_ []ruler.Case, err error) {
			if r.env = env; r.repeats < 1 || r.specimens < 0 {
				return nil, errors.New("--repeats takes 1 or more, --specimens 0 or more")
			}
			if r.attacks, err = attacksOf(env, partsAttacks); err != nil {
				return nil, err
			}
			if r.sizes, err = parseSizes(sizes); err != nil {
				return nil, err
			}
			for _, f := range []struct {
				from []string
				to   *[]string
			}{{background, &r.background}, {strangers, &r.strangers}} {
				if len(f.from) > 0 {
					if *f.to, err = ruler.Find(f.from...); err != nil {
						return nil, err
					}
				}
			}
			return r.cases(), nil
		},
		Tables: []ruler.Table{
			{Name: "leaks", By: []string{"attack", "among"}, Heads: []string{"leak", "among"}, Where: is("leak"), Columns: []ruler.Column{
				ruler.Of("found", "found"), ruler.Share("share", "found"), ruler.Sums("first", "first"),
				ruler.Quantiles("log10 NFA median / largest", "log10_nfa", 1, .5, 1), ruler.Sums("others listed", "others"), ruler.Quantiles("their least log10 NFA", "others_log10_nfa", 1, 0),
				ruler.Quantiles("search ms median / longest", "search_ms", 0, .5, 1), ruler.Quantiles("examine ms", "examine_ms", 0, .5),
			}},
			{Name: "short", Doc: true, By: []string{"attack"}, Heads: []string{"leak"}, Where: is("leak"), Columns: []ruler.Column{
				ruler.Of("found", "found"), ruler.Means("search, ms", "search_ms", 0),
			}},
			{Name: "uploads", By: []string{"upload"}, Columns: []ruler.Column{
				ruler.Means("width", "width", 0), ruler.Means("height", "height", 0), ruler.Means("features", "features", 0), ruler.Means("bytes at rest", "bytes_at_rest", 0),
				ruler.Means("extract ms", "extract_ms", 0), ruler.List("not found after", "attack", func(t *ruler.Trial) bool { return t.Labels["trial"] == "leak" && t.Values["found"] == 0 }),
			}},
			{Name: "strangers", Title: "Pictures in no index", By: []string{"attack"}, Where: is("stranger"), Total: "all", Columns: []ruler.Column{
				ruler.Of("with a match listed", "matched"), ruler.Quantiles("least log10 NFA", "log10_nfa", 1, 0),
			}},
		},
	}
}

// A partsRun looks for parts of uploads.
type partsRun struct {
	env        *ruler.Env
	sizes      []int    // numbers of other uploads, one index each
	background []string // pictures that half of the other uploads are cut from; none: all are drawn
	strangers  []string // pictures that are in no index, beside drawn coasts
	specimens  int      // photographed specimens that leak beside the pictures
	repeats    int      // draws of each attack on each upload

	attacks []attack.Attack
	uploads []partsUpload
	blanks  []*specimen.Blank
	indexes []*parts.Index // by size
}

// A partsUpload is an upload that leaks.
type partsUpload struct {
	name     string
	image    *image.NRGBA
	seed     uint64
	features *parts.Features
}

// cases makes a case for each upload that leaks and each stranger.
func (r *partsRun) cases() (cases []ruler.Case) {
	for i := range len(r.env.Pictures) + r.specimens {
		cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) { r.leak(ctx, i, emit) })
	}
	for i := range len(r.strangers) + drawnStrangers {
		cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) { r.stranger(ctx, i, emit) })
	}
	return after(r.fill, cases)
}

// load reads and draws the uploads that leak.
func (r *partsRun) load() {
	for _, path := range r.env.Pictures {
		p := ruler.Must(r.env.Load(path))
		r.uploads = append(r.uploads, partsUpload{name: ruler.Name(path), image: p.Image, seed: r.env.Draw("attack", p.SHA256)})
	}
	for i := range r.specimens {
		kind := specimen.Templates()[i%len(specimen.Templates())]
		doc, seed := specimen.Render(kind, specimen.NewPerson(leakedPerson+uint64(i)), 1200), r.env.Seed+uint64(i)
		r.uploads = append(r.uploads, partsUpload{name: fmt.Sprintf("specimen %d, %v", i, kind), image: specimen.Photograph(doc, seed, 1600, 1200), seed: seed})
	}
	for i := range r.uploads {
		r.uploads[i].features = ruler.Must(parts.Extract(r.uploads[i].image))
	}
}

// fill makes an index for each size, of the uploads and that number of others.
func (r *partsRun) fill(ctx context.Context) {
	r.load()
	for _, t := range specimen.Templates() {
		r.blanks = append(r.blanks, specimen.NewBlank(t, 800))
	}
	others := make([]*parts.Features, slices.Max(r.sizes))
	parallel(ctx, r.env, len(others), func(_ context.Context, i int) {
		others[i] = ruler.Must(parts.Extract(r.other(i, len(others))))
	})
	for _, size := range r.sizes {
		x := &parts.Index{}
		for k := range r.uploads {
			ruler.Check(x.Add(int64(k), r.uploads[k].features))
		}
		for n, f := range others[:size] {
			ruler.Check(x.Add(int64(len(r.uploads)+n), f))
		}
		r.indexes = append(r.indexes, x)
	}
}

// other makes upload i of n that do not leak. With a background the second half are parts of its
// pictures.
func (r *partsRun) other(i, n int) *image.NRGBA {
	if half := n / 2; len(r.background) > 0 && i >= half {
		at := (i - half) % len(r.background)
		m, rng := picture.Flatten(ruler.Must(picture.Load(r.background[at], r.env.Limits)).Image), rand.New(rand.NewPCG(r.env.Seed, uint64(i)))
		side := 0.3 + 0.6*rng.Float64()
		w, h := max(1, int(side*float64(m.Rect.Dx()))), max(1, int(side*(0.8+0.2*rng.Float64())*float64(m.Rect.Dy())))
		x, y := rng.IntN(m.Rect.Dx()-w+1), rng.IntN(m.Rect.Dy()-h+1)
		return imaging.Crop(m, image.Rect(x, y, x+w, y+h))
	}
	seed := r.env.Seed<<32 + uint64(i)
	p := specimen.NewPerson(seed)
	switch i % 16 {
	case 13:
		return specimen.Portrait(p, 630, 810)
	case 14:
		return specimen.Selfie(p, seed, 600, 800)
	case 15:
		return specimen.Landscape(seed, 800, 600)
	}
	m := picture.Flatten(r.blanks[i%len(r.blanks)].Fill(p))
	if i%4 == 0 {
		m = specimen.Photograph(m, seed, 800, 600)
	}
	return m
}

// leak attacks upload i in every way and looks for it.
func (r *partsRun) leak(ctx context.Context, i int, emit func(ruler.Trial)) {
	u := &r.uploads[i]
	start := time.Now()
	ruler.Must(parts.Extract(u.image))
	took := milliseconds(start)
	data := ruler.Must(u.features.MarshalBinary())
	emit(ruler.Trial{Labels: map[string]string{"trial": "upload", "upload": u.name}, Values: map[string]float64{
		"width": float64(u.image.Rect.Dx()), "height": float64(u.image.Rect.Dy()), "features": float64(u.features.Len()),
		"bytes_at_rest": float64(len(data)), "extract_ms": took,
	}})
	for n := range r.repeats {
		for _, a := range r.attacks {
			r.look(ctx, a.Name, a.Apply(u.image, u.seed+uint64(n)), []int{i}, emit)
		}
		leak, shown := r.collage(i, n)
		r.look(ctx, collageOfFour, leak, shown, emit)
	}
}

// collage lays four uploads, number i among them, two by two on white, and lists the uploads shown.
func (r *partsRun) collage(i, n int) (*image.NRGBA, []int) {
	const side, gap = 800, 10
	out := imaging.New(2*side+3*gap, 2*side+3*gap, image.White)
	var shown []int
	for j := range min(4, len(r.uploads)) {
		at := (i + j*(1+n)) % len(r.uploads)
		if !slices.Contains(shown, at) {
			shown = append(shown, at)
		}
		out = imaging.Paste(out, picture.Fit(r.uploads[at].image, side), image.Pt(gap+j%2*(side+gap), gap+j/2*(side+gap)))
	}
	return out, shown
}

// look looks for a leak in every index.
func (r *partsRun) look(ctx context.Context, attack string, leak *image.NRGBA, shown []int, emit func(ruler.Trial)) {
	start := time.Now()
	q := ruler.Must(parts.Examine(leak))
	examined := milliseconds(start)
	for s, x := range r.indexes {
		start := time.Now()
		found := ruler.Must(x.Search(ctx, q, nil))
		took := milliseconds(start)
		others := slices.DeleteFunc(slices.Clone(found), func(m parts.Match) bool { return slices.Contains(shown, int(m.Ref)) })
		for i, u := range shown {
			t := ruler.Trial{
				Labels: map[string]string{"trial": "leak", "attack": attack, "upload": r.uploads[u].name, "among": fmt.Sprint(r.sizes[s])},
				Values: map[string]float64{"found": 0, "first": 0, "search_ms": took, "examine_ms": examined},
			}
			if at := slices.IndexFunc(found, func(m parts.Match) bool { return m.Ref == int64(u) }); at >= 0 {
				t.Values["found"], t.Values["first"], t.Values["log10_nfa"] = 1, yes(at < len(shown)), found[at].LogNFA
			}
			if i == 0 { // once for a leak, whatever the number of uploads that it shows
				t.Values["others"] = float64(len(others))
				for _, m := range others {
					t.Values["others_log10_nfa"] = min(t.Values["others_log10_nfa"], m.LogNFA)
				}
			}
			emit(t)
		}
	}
}

// stranger searches the largest index for the whole and for parts of picture i of the strangers,
// which are pictures in no index.
func (r *partsRun) stranger(ctx context.Context, i int, emit func(ruler.Trial)) {
	m := specimen.Landscape(leakedPerson+uint64(i-len(r.strangers)), 800, 600)
	if i < len(r.strangers) {
		m = ruler.Must(r.env.Load(r.strangers[i])).Image
	}
	for _, name := range []string{"none", "crop25", "screenshot"} {
		a := ruler.Must(hard.Find(name))
		q := ruler.Must(parts.Examine(a.Apply(m, r.env.Seed)))
		found := ruler.Must(r.indexes[slices.Index(r.sizes, slices.Max(r.sizes))].Search(ctx, q, nil))
		t := ruler.Trial{Labels: map[string]string{"trial": "stranger", "attack": name}, Values: map[string]float64{"matched": yes(len(found) > 0), "log10_nfa": 0}}
		for _, m := range found {
			t.Values["log10_nfa"] = min(t.Values["log10_nfa"], m.LogNFA)
		}
		emit(t)
	}
}
