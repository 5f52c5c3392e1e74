package main

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/phash/parts"
)

const (
	sealedPool  = 400 // uploads that are drawn; others are recombined from these
	sealedTaken = 17  // features of one upload that another takes, with 40 of 128 signs changed; within 34 they match
)

// matchSealed measures sealed segments of local features, beside an index in memory while that is small.
func matchSealed() *ruler.Experiment {
	r := &partsRun{specimens: 6, repeats: 1}
	var sizes []string
	var dir string
	var memory int
	var holders []int
	var pool [][]byte
	is := func(kind string) func(*ruler.Trial) bool { return ruler.Is("trial", kind) }
	return &ruler.Experiment{
		Name: "match sealed", Short: "What searching sealed local features costs", Plain: true,
		Long: `Write the features of uploads as sealed segments, open them, and search them for parts of
pictures: by one process, and by machines that hold a segment each. Most uploads are
recombined from 400 drawn ones, with some signs changed, which is harder than as many
pictures. 1M take 6 GB of disk and two minutes for each number of holders. Times are
seconds and milliseconds of processor time.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&sizes, "sizes", []string{"10k", "100k"}, "`numbers` of uploads, as 100k or 1M")
			fs.IntVar(&memory, "memory", 100_000, "largest `number` of uploads that are also searched in memory")
			fs.IntSliceVar(&holders, "holders", []int{1}, "`numbers` of segments; a machine holds each")
			fs.StringVar(&dir, "temp", "", "`folder` for segments (default: the system's)")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			env.Workers = 1 // times are compared
			r.env = env
			if r.sizes, err = parseSizes(sizes); err != nil {
				return nil, err
			}
			if r.attacks, err = attacksOf(env, []string{"crop50", "crop25", "crop10", "screenshot", "screen_photo", "chain_crop"}); err != nil {
				return nil, err
			}
			for _, n := range r.sizes {
				for i, h := range holders {
					if h < 1 || (n+h-1)/h > parts.MaxSealed {
						return nil, fmt.Errorf("--holders: got %d, want 1 or more, with up to %d uploads each", h, parts.MaxSealed)
					}
					cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) {
						s := &sealedRun{partsRun: r, n: n, holders: h, memory: n <= memory && i == 0, dir: ruler.Must(os.MkdirTemp(dir, "sealed")), pool: pool}
						defer os.RemoveAll(s.dir)
						s.run(ctx, emit)
						pool = s.pool
					})
				}
			}
			return cases, nil
		},
		Tables: []ruler.Table{{
			Name: "segments", By: []string{"size", "holders"}, Heads: []string{"uploads", "segments"}, Where: is("segments"), Columns: []ruler.Column{
				ruler.Means("open, s", "open_s", 2), ruler.Means("private memory, MB", "private_mb", 0), ruler.Means("after all leaks, MB", "after_mb", 0), ruler.Means("bytes an upload", "bytes", 0),
			},
		}, {
			Name: "holders", Doc: true, By: []string{"size", "holders"}, Heads: []string{"uploads", "segments"}, Where: is("leak"), Columns: []ruler.Column{
				ruler.Means("one process, ms", "search_ms", 0), ruler.Means("each holder, ms", "holder_ms", 0), ruler.Means("investigator, ms", "vote_ms", 0),
				ruler.Means("question, kB", "question_kb", 0), ruler.Means("answers, kB", "answers_kb", 0), ruler.Of("found", "found"),
			},
		}, {
			Name: "short", Doc: true, By: []string{"size"}, Heads: []string{"uploads"}, Columns: []ruler.Column{
				ruler.Means("write, s", "write_s", 1), ruler.Means("first leak, s", "first_s", 2), ruler.Means("leak, ms", "search_ms", 0),
				ruler.Means("in memory, ms", "memory_ms", 0), ruler.Of("found", "found"),
			},
		}},
	}
}

// A sealedRun measures segments of n uploads.
type sealedRun struct {
	*partsRun
	n       int
	holders int // of a segment each
	memory  bool
	dir     string
	pool    [][]byte // features at rest, for all runs
	key     cipher.AEAD
}

// run writes, opens and searches.
func (r *sealedRun) run(ctx context.Context, emit func(ruler.Trial)) {
	if len(r.uploads) == 0 {
		sizes := r.sizes
		r.sizes = []int{1}
		r.fill(ctx)
		r.sizes = sizes
	}
	r.key = ruler.Must(cipher.NewGCM(ruler.Must(aes.NewCipher(make([]byte, 32)))))
	for i := len(r.pool); i < sealedPool; i++ {
		r.pool = append(r.pool, ruler.Must(ruler.Must(parts.Extract(r.other(i, sealedPool))).MarshalBinary()))
	}
	size, holders := fmt.Sprint(r.n), fmt.Sprint(r.holders)
	span := (r.n + r.holders - 1) / r.holders
	out, sealed, memory := map[string]float64{}, &parts.Index{}, &parts.Index{}
	var paths []string
	start := processTime()
	for first := 0; first < r.n; first += span {
		path := filepath.Join(r.dir, fmt.Sprint(first))
		paths = append(paths, path)
		f := ruler.Must(os.Create(path))
		ruler.Check(parts.WriteSealed(f, r.key, r.all(first, min(r.n, first+span)), func() []byte { return nil }))
		ruler.Check(errors.Join(f.Sync(), f.Close()))
		out["bytes"] += float64(ruler.Must(os.Stat(path)).Size()) / float64(r.n)
	}
	out["write_s"] = (processTime() - start).Seconds()
	debug.FreeOSMemory()
	before := privateBytes()
	start = processTime()
	for _, path := range paths {
		ruler.Check(sealed.Mount(path, ruler.Must(mapfile.Open(path, math.MaxInt64)).Bytes(), r.key, nil))
	}
	out["open_s"], out["private_mb"] = (processTime() - start).Seconds(), float64(privateBytes()-before)/1e6
	if r.memory {
		ruler.Check(memory.AddAll(r.all(0, r.n)))
	}
	for i := range r.uploads {
		for _, a := range r.attacks {
			ruler.Check(context.Cause(ctx))
			q := ruler.Must(parts.Examine(a.Apply(r.uploads[i].image, r.uploads[i].seed)))
			t := ruler.Trial{Labels: map[string]string{"trial": "leak", "size": size, "holders": holders, "attack": a.Name, "upload": r.uploads[i].name}, Values: map[string]float64{}}
			t.Values["found"], t.Values["search_ms"] = r.find(ctx, sealed, q, i)
			r.divide(ctx, sealed, paths, q, t.Values)
			if _, ok := out["first_s"]; !ok {
				out["first_s"] = out["open_s"] + t.Values["search_ms"]/1000
			}
			if r.memory {
				t.Values["memory_found"], t.Values["memory_ms"] = r.find(ctx, memory, q, i)
			}
			emit(t)
		}
	}
	debug.FreeOSMemory()
	out["after_mb"] = float64(privateBytes()-before) / 1e6
	emit(ruler.Trial{Labels: map[string]string{"trial": "segments", "size": size, "holders": holders}, Values: out})
}

// find searches for upload i, and returns 1 if it is listed, and the milliseconds of processor time.
func (r *sealedRun) find(ctx context.Context, x *parts.Index, q *parts.Query, i int) (found, ms float64) {
	start := processTime()
	all := ruler.Must(x.Search(ctx, q, nil))
	ms = float64((processTime() - start).Microseconds()) / 1000
	return yes(slices.ContainsFunc(all, func(m parts.Match) bool { return m.Ref == int64(i) })), ms
}

// divide searches for q as machines do that hold a segment each, and an investigator that reads the features of
// candidates elsewhere. It panics if that finds other matches than one index.
func (r *sealedRun) divide(ctx context.Context, x *parts.Index, names []string, q *parts.Query, out map[string]float64) {
	want := ruler.Must(x.Search(ctx, q, nil))
	question := q.Question()
	o := &parts.SearchOptions{Features: func(ref int64) (*parts.Features, error) {
		for _, f := range r.all(int(ref), int(ref)+1) {
			return f, nil
		}
		return nil, nil
	}}
	start := processTime()
	for _, name := range names {
		a := ruler.Must(x.Answer(ctx, question, name))
		o.Answers = append(o.Answers, a)
		out["answers_kb"] += float64(len(a)) / 1000
	}
	out["holder_ms"] = float64((processTime() - start).Microseconds()) / 1000 / float64(len(names))
	start = processTime()
	got := ruler.Must(new(parts.Index).Search(ctx, q, o))
	out["vote_ms"], out["question_kb"] = float64((processTime()-start).Microseconds())/1000, float64(len(question))/1000
	if !slices.Equal(want, got) {
		panic("other matches than in one index")
	}
}

// all yields the uploads from number first to before last. The uploads that leak come first.
func (r *sealedRun) all(first, last int) iter.Seq2[int64, *parts.Features] {
	return func(yield func(int64, *parts.Features) bool) {
		for i := first; i < last; i++ {
			f := new(parts.Features)
			if i < len(r.uploads) {
				f = r.uploads[i].features
			} else {
				ruler.Check(f.UnmarshalBinary(r.recombined(uint64(i))))
			}
			if !yield(int64(i), f) {
				return
			}
		}
	}
}

// recombined makes the features of one upload, at rest, from features of others.
func (r *sealedRun) recombined(i uint64) []byte {
	const header, feature, signs = 16, 20, 16
	rng := rand.New(rand.NewPCG(r.env.Seed, i))
	out := slices.Clone(r.pool[rng.IntN(len(r.pool))][:header])
	w, h := binary.LittleEndian.Uint32(out[4:]), binary.LittleEndian.Uint32(out[8:])
	for tries := 0; len(out) < header+feature*parts.MaxFeatures && tries < 50; tries++ {
		from := r.pool[rng.IntN(len(r.pool))]
		if binary.LittleEndian.Uint32(from[4:]) != w || binary.LittleEndian.Uint32(from[8:]) != h {
			continue
		}
		n := int(from[1])
		for k := range min(sealedTaken, n) {
			at := header + feature*((rng.IntN(cmp.Or(n, 1))+k)%n)
			f := slices.Clone(from[at : at+feature])
			for b := 0; b < signs; b += 8 { // 5 of 16 signs
				flip := rng.Uint64() & (rng.Uint64() | rng.Uint64()&rng.Uint64())
				binary.LittleEndian.PutUint64(f[b:], binary.LittleEndian.Uint64(f[b:])^flip)
			}
			if out = append(out, f...); len(out) == header+feature*parts.MaxFeatures {
				break
			}
		}
	}
	out[1] = byte((len(out) - header) / feature)
	binary.LittleEndian.PutUint32(out[12:], crc32.Update(crc32.ChecksumIEEE(out[:12]), crc32.IEEETable, out[header:]))
	return out
}
