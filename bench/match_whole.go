package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
)

// wholeAttacks change a picture as a whole.
var wholeAttacks = []string{"none", "codec", "resize", "messenger", "thumbnail", "tone", "stamp"}

// matchRadii are the radii, bits, at which candidates are counted.
var matchRadii = []int{phash.MatchRadius, 40, 48, 64}

// matchWhole measures whether uploads are found by the hashes of their leaks. There is one trial
// per leak and way to ask.
func matchWhole() *ruler.Experiment {
	persons, leaked, size := 0, 0, 0
	columns := []ruler.Column{ruler.Counts("leaks")}
	for _, radius := range matchRadii {
		columns = append(columns, ruler.Share(fmt.Sprintf("found at %d bits", radius), fmt.Sprint("found_", radius)), ruler.Means("others", fmt.Sprint("others_", radius), 2))
	}
	var short []ruler.Column
	for _, radius := range matchRadii {
		short = append(short, ruler.Of(fmt.Sprintf("within %d bits", radius), fmt.Sprint("found_", radius)))
	}
	short = append(short, ruler.Means("other documents within 31 bits, mean a leak", "others_31", 2), ruler.Means("within 64", "others_64", 2))
	columns = append(columns, ruler.Quantiles("median / max bits", "distance", 0, .5, 1), ruler.Share("nothing nearer", "nearest"), ruler.Means("queries", "queries", 1))
	return &ruler.Experiment{
		Name: "match whole", Short: "Whether uploads are found by the hashes of their leaks",
		Long: `Attack each picture, and each leaked specimen, and ask for it in an index of all uploads,
of other persons' documents of the same templates, and of random hashes.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&persons, "persons", 4, "`number` of specimens of each template and style in the index")
			fs.IntVar(&leaked, "leaked", 1, "`number` of these that leak")
			fs.IntVar(&size, "distractors", 1_000_000, "`number` of hashes in the index")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			attacks, err := attacksOf(env, wholeAttacks)
			if err != nil {
				return nil, err
			}
			if leaked < 0 || leaked > persons || size < 0 {
				return nil, fmt.Errorf("--leaked %d of --persons %d, --distractors %d: too many, or less than 0", leaked, persons, size)
			}
			r := &wholeRun{env: env, size: size, ways: hashWays(), attacks: attacks, subjects: wholeSubjects(env, persons, leaked)}
			r.indexes = make([]*phash.Index, len(r.ways))
			return after(r.fill, ruler.Cases(len(r.subjects), r.leak)), nil
		},
		Tables: []ruler.Table{
			{Name: "attacks", Title: "By attack", By: []string{"way", "group"}, Heads: []string{"stored and asked with", "attacks"}, Columns: columns},
			{Name: "uploads", Title: "By upload", By: []string{"way", "uploads"}, Heads: []string{"stored and asked with", "uploads"}, Columns: columns},
			{Name: "ways", Title: "All leaks", By: []string{"way"}, Heads: []string{"stored and asked with"}, Columns: columns},
			{Name: "short", Doc: true, By: []string{"way"}, Heads: []string{"hash"}, Columns: short},
			{Name: "missed", Title: fmt.Sprintf("Not within %d bits by the last way", phash.MatchRadius), By: []string{"upload", "attack"},
				Where: func(t *ruler.Trial) bool {
					return t.Labels["way"] == lastWay && t.Values[fmt.Sprint("found_", phash.MatchRadius)] == 0
				},
				Columns: []ruler.Column{ruler.Means("bits", "distance", 0)}},
		},
	}
}

// lastWay is the name of the way that uploads are searched by.
var lastWay = phash.Area.Version() + ", SumLeak"

// A hashWay is a way to store an upload and to ask for it with a leak.
type hashWay struct {
	name  string
	store func(image.Image) (phash.Hash, int, error)
	ask   func(image.Image) []phash.Hash
}

// hashWays returns the ways that are compared.
func hashWays() (ways []hashWay) {
	for _, kind := range []phash.Kind{phash.PDQ, phash.Area} {
		store := func(m image.Image) (phash.Hash, int, error) { return phash.Sum(kind, m) }
		ways = append(ways, hashWay{kind.Version() + ", SumTurned", store, func(m image.Image) []phash.Hash {
			all, _, err := phash.SumTurned(kind, m)
			ruler.Check(err)
			return all[:]
		}}, hashWay{kind.Version() + ", SumLeak", store, func(m image.Image) []phash.Hash {
			all, _, err := phash.SumLeak(kind, m)
			ruler.Check(err)
			return all
		}})
	}
	return ways
}

// A hashSubject is an upload. Its picture is made whenever it is needed.
type hashSubject struct {
	name, group string
	leaks       bool
	failed      error  // why there is no picture
	seed        uint64 // of attacks
	make        func() *image.NRGBA
	hashes      []phash.Hash // by way
}

// wholeSubjects lists the uploads: the pictures, and for each template and style the documents of
// so many persons. Of each template and style, the first leaked documents leak.
func wholeSubjects(env *ruler.Env, persons, leaked int) (all []*hashSubject) {
	for _, path := range env.Pictures {
		all = append(all, &hashSubject{name: ruler.Name(path), group: "pictures", leaks: true, seed: env.Seed, make: func() *image.NRGBA {
			return ruler.Must(env.Load(path)).Image
		}})
	}
	if persons == 0 {
		return all
	}
	for _, t := range specimen.Templates() {
		blank := specimen.NewBlank(t, 900)
		for n := range persons {
			for medium, style := range mediumNames {
				seed := env.Seed + uint64(n)
				all = append(all, &hashSubject{
					name: fmt.Sprintf("%s %d, %s", t, n, style), group: "specimens " + style, leaks: n < leaked, seed: seed,
					make: func() *image.NRGBA {
						page := blank.Fill(specimen.NewPerson(seed))
						switch medium {
						case mediumPhoto:
							return specimen.Photograph(page, seed, 1200, 900)
						case mediumScan:
							return specimen.Scan(page, seed, 1000, 1000)
						}
						return page
					},
				})
			}
		}
	}
	return all
}

// A wholeRun asks for leaks in an index of all uploads for each way.
type wholeRun struct {
	env      *ruler.Env
	size     int // of the indexes
	ways     []hashWay
	attacks  []attack.Attack
	subjects []*hashSubject
	indexes  []*phash.Index
}

// fill hashes all uploads and makes the indexes.
func (r *wholeRun) fill(ctx context.Context) {
	parallel(ctx, r.env, len(r.subjects), func(_ context.Context, i int) { r.subjects[i].store(r.ways) })
	for w := range r.ways {
		r.indexes[w] = r.filledIndex(w)
	}
}

// leak asks for upload n under every attack in every way, unless it is too plain to ask for.
func (r *wholeRun) leak(_ context.Context, n int, emit func(ruler.Trial)) {
	s := r.subjects[n]
	if s.failed != nil {
		emit(ruler.Trial{Labels: map[string]string{"picture": s.name}, Error: s.failed.Error()})
	}
	if s.failed != nil || !s.leaks {
		return
	}
	m := s.make()
	for _, a := range r.attacks {
		leak := a.Apply(m, s.seed)
		for w, way := range r.ways {
			t := askFor(way, r.indexes[w], s.hashes[w], int64(n), leak)
			t.Labels = map[string]string{"way": way.name, "upload": s.name, "uploads": s.group, "attack": a.Name, "group": a.Group}
			emit(t)
		}
	}
}

// store hashes an upload in every way. An upload whose picture cannot be made fails alone.
func (s *hashSubject) store(ways []hashWay) {
	var m *image.NRGBA
	if s.failed = ruler.Catch(func() { m = s.make() }); s.failed != nil {
		return
	}
	for _, w := range ways {
		h, quality, err := w.store(m)
		ruler.Check(err)
		s.leaks = s.leaks && quality >= phash.MinQuality
		s.hashes = append(s.hashes, h)
	}
}

// filledIndex returns an index of the uploads' hashes of a way by their numbers, and of random hashes
// up to the size.
func (r *wholeRun) filledIndex(way int) *phash.Index {
	kind := phash.PDQ
	for _, s := range r.subjects {
		if s.failed == nil {
			kind = s.hashes[way].Kind
		}
	}
	x, g := phash.NewIndex(kind), rand.New(rand.NewPCG(r.env.Seed, 0))
	for n := range max(r.size, len(r.subjects)) {
		h := phash.Hash{Kind: kind, Bits: [4]uint64{g.Uint64(), g.Uint64(), g.Uint64(), g.Uint64()}}
		if n < len(r.subjects) && r.subjects[n].failed == nil {
			h = r.subjects[n].hashes[way]
		}
		ruler.Check(x.Add(h, int64(n)))
	}
	return x
}

// nearestOf returns the bits between an upload and the nearest of the hashes of a leak.
func nearestOf(hashes []phash.Hash, upload phash.Hash) int {
	distance := math.MaxInt
	for _, h := range hashes {
		distance = min(distance, h.Distance(upload))
	}
	return distance
}

// askFor searches for a leak of an upload. The values are: the bits between the upload and
// the nearest of the leak's hashes, the number of these hashes, and whether another upload is as near.
// For each radius they are also whether the upload lies within, and how many other uploads do.
func askFor(way hashWay, x *phash.Index, upload phash.Hash, ref int64, leak *image.NRGBA) (t ruler.Trial) {
	hashes := way.ask(leak)
	distance := nearestOf(hashes, upload)
	t.Values = map[string]float64{"distance": float64(distance), "queries": float64(len(hashes)), "nearest": 1}
	for _, radius := range matchRadii {
		t.Values[fmt.Sprint("found_", radius)] = yes(distance <= radius)
		t.Values[fmt.Sprint("others_", radius)] = 0
	}
	for _, other := range ruler.Must(x.Search(slices.Max(matchRadii), hashes...)) {
		if other.Ref == ref {
			continue
		}
		for _, radius := range matchRadii {
			t.Values[fmt.Sprint("others_", radius)] += yes(other.Distance <= radius)
		}
		if other.Distance <= distance {
			t.Values["nearest"] = 0
		}
	}
	return t
}
