package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

const (
	bulkBatch  = 20_000
	liveBatch  = 500
	nearRadius = 64 // bits within which an investigation looks
	leakReads  = 16 // hashes that a leak is asked for by, without overprint
)

// Bars of the registry: seconds in which segments are opened, and made of a million uploads; live uploads
// a second, with their entries in the ledger.
const (
	barOpen  = 1
	barBuild = 6
	barLive  = 5_000
)

// registries measures what entering uploads costs, and finding them by segments. There is one trial per
// store and size.
func registries() *ruler.Experiment {
	opt := &registryOptions{scans: 3}
	var sizes, stores []string
	return &ruler.Experiment{
		Name: "registry", Short: "What entering uploads and finding them costs", Plain: true,
		Long: `Enter made-up uploads, a fifth of them near each other, make segments of them, open
these as each investigation does, look for uploads within 31 bits, and as a leak is
looked for within 64, compare with every hash, erase an upload, and enter more live.
All rows are real, with their entries in the ledger: 80 us of processor time each, so
that 10M take a quarter of an hour and 10 GB for a store. PostgreSQL is measured in a
schema that is dropped afterwards; its processor time is counted if the server runs on
the same Linux machine. Exit 1 when a bar is missed.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&sizes, "sizes", []string{"100k"}, "`numbers` of uploads, as 500k or 10M")
			fs.StringSliceVar(&stores, "stores", []string{"sqlite"}, "`names` of stores: sqlite, postgres")
			fs.StringVar(&opt.postgres, "postgres", "", "`address` of an empty PostgreSQL database")
			fs.IntVar(&opt.queries, "queries", 200, "`number` of queries of each sort")
			fs.IntVar(&opt.live, "live", 100_000, "`number` of uploads that are entered live")
			fs.StringVar(&opt.dir, "temp", "", "`folder` for the SQLite file (default: the system's)")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			numbers, err := parseSizes(sizes)
			switch {
			case err != nil:
				return nil, err
			case opt.queries < 5 || opt.live < 1:
				return nil, errors.New("--queries takes 5 or more, --live 1 or more")
			case slices.Contains(stores, "postgres") && opt.postgres == "":
				return nil, errors.New("--stores postgres needs an address: --postgres")
			}
			env.Workers = 1 // times are compared
			for _, size := range numbers {
				for _, name := range stores {
					if name != "sqlite" && name != "postgres" {
						return nil, fmt.Errorf("--stores: got %q, want sqlite or postgres", name)
					}
					cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) {
						r := &registryRun{registryOptions: *opt, corpus: corpus{"clusters", env.Seed, size}, out: map[string]float64{"uploads": float64(size)}}
						if name == "sqlite" {
							r.timedStore = newSQLite(ctx, opt.dir)
						} else {
							r.timedStore = newPostgres(ctx, opt.postgres, fmt.Sprintf("kycmark_bench_%d_%d", os.Getpid(), size))
						}
						defer r.remove()
						for _, step := range []func(context.Context){r.bulk, r.build, r.lookups, r.check, r.erase, r.enterLive} {
							step(ctx)
						}
						emit(ruler.Trial{Labels: map[string]string{"store": name, "size": sizeName(size)}, Values: r.out})
					})
				}
			}
			return cases, nil
		},
		Tables: []ruler.Table{{
			Name: "entries", Title: "Entering uploads", By: []string{"store", "size"}, Heads: []string{"store", "uploads"}, Columns: []ruler.Column{
				ruler.Means("bulk, uploads/s", "bulk_per_s", 0), ruler.Means("CPU µs each", "bulk_us", 1),
				ruler.Means("live, uploads/s", "live_per_s", 0), ruler.Means("CPU µs each", "live_us", 0), ruler.Means("bytes an upload", "bytes", 0), ruler.Sums("same as a scan", "exact"),
			},
		}, {
			Name: "short", Doc: true, By: []string{"store", "size"}, Heads: []string{"store", "uploads"}, Columns: []ruler.Column{
				ruler.Means("enter, CPU µs", "live_us", 0), ruler.Means("bytes", "bytes", 0), ruler.Means("make, s", "build_s", 1), ruler.Means("open, s", "open_s", 2),
				ruler.Means("16 look-ups, ms", "leak_cpu_ms", 2), ruler.Means("erase, s", "erase_s", 1),
			},
		}},
		Missed: registryMissed,
	}
}

// registryMissed lists the bars that were missed.
func registryMissed(trials []ruler.Trial) (out []string) {
	for _, t := range trials {
		for name, bar := range map[string]float64{"open_s": barOpen, "build_s": barBuild * max(t.Values["uploads"]/1e6, 1)} {
			if t.Values[name] > bar {
				out = append(out, fmt.Sprintf("%s, %s: %s %.1f, bar %.0f", t.Labels["store"], t.Labels["size"], name, t.Values[name], bar))
			}
		}
		if t.Values["live_per_s"] < barLive {
			out = append(out, fmt.Sprintf("%s, %s: %.0f live uploads a second, bar %d", t.Labels["store"], t.Labels["size"], t.Values["live_per_s"], barLive))
		}
	}
	return out
}

// registryOptions say what is measured of a store.
type registryOptions struct {
	postgres string // address of an empty database
	queries  int    // of each sort
	scans    int    // queries that are also held against every hash
	live     int    // uploads that are entered batch by batch at the end
	dir      string // for the SQLite file; "": the system's
}

// A registryRun measures one store with made-up uploads, a fifth of them in clusters.
type registryRun struct {
	registryOptions
	*timedStore
	corpus corpus
	index  *phash.Index // as an investigation opens it
	out    map[string]float64
}

// upload makes upload i. Its row is as long as a real one.
func (r *registryRun) upload(i int) books.Upload {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(i))
	sum := sha256.Sum256(number[:])
	h := r.corpus.hash(i)
	return books.Upload{Submission: books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: 2_000_000 + int64(i), Format: "jpeg",
		Width: 4032, Height: 3024, Submitted: time.UnixMicro(1_500_000_000_000_000 + int64(i)*1_000_000),
		Received: time.UnixMicro(1_600_000_000_000_000 + int64(i)*1_000_000), Subject: fmt.Sprintf("%032x", sum[16:]),
		Hash: h.String(), Quality: 100, Logged: books.Logged{Salt: sha256.Sum256(sum[:])},
		Details: books.Details{Decoder: "go/image/jpeg go1.26", Area: areaHash(h).String(), Chain: "pdq/1 kycmark/area/1", AreaQuality: 100},
	}}
}

// enter enters n uploads in batches, from number first on. It sets the uploads entered a second,
// and the microseconds of processor time of each. Making them up is not counted.
func (r *registryRun) enter(ctx context.Context, name string, first, n, batch int) {
	var wall, cpu time.Duration
	for at := first; at < first+n; at += batch {
		uploads := make([]books.Upload, 0, batch)
		for i := at; i < min(at+batch, first+n); i++ {
			uploads = append(uploads, r.upload(i))
		}
		before, start := r.cpu(ctx), time.Now()
		ruler.Must(r.AddSubmissions(ctx, uploads))
		wall += time.Since(start)
		cpu += r.cpu(ctx) - before
	}
	r.out[name+"_per_s"], r.out[name+"_us"] = float64(n)/wall.Seconds(), cpu.Seconds()*1e6/float64(n)
}

// bulk enters all uploads.
func (r *registryRun) bulk(ctx context.Context) {
	r.enter(ctx, "bulk", 0, r.corpus.n, bulkBatch)
	r.out["bytes"] = float64(r.bytes(ctx)) / float64(r.corpus.n)
}

// build makes the segments of all uploads, and opens them.
func (r *registryRun) build(ctx context.Context) {
	start, cpu := time.Now(), r.cpu(ctx)
	ruler.Check(r.BuildSegments(ctx, nil, books.BuildAll, nil))
	r.out["build_s"], r.out["build_cpu_s"] = time.Since(start).Seconds(), (r.cpu(ctx) - cpu).Seconds()
	debug.FreeOSMemory()
	before := privateBytes()
	cpu = r.cpu(ctx)
	x, all, err := r.Segments(ctx, nil)
	ruler.Check(err)
	r.out["open_s"] = (r.cpu(ctx) - cpu).Seconds()
	if r.index = x; len(all) != 1 || all[0].Err != nil || x.Len() != r.corpus.n {
		ruler.Failf("%w: %d hashes in %d segments", errInexact, x.Len(), len(all))
	}
	r.lookups(ctx)
	debug.FreeOSMemory()
	r.out["private_mb"] = float64(privateBytes()-before) / 1e6
}

// lookups searches for single uploads, and for the 16 hashes of a leak.
func (r *registryRun) lookups(ctx context.Context) {
	far := r.lone(r.queries)
	r.measure(ctx, "lone", phash.MatchRadius, slices.Chunk(far, 1), len(far))
	r.measure(ctx, "leak", phash.MatchRadius, slices.Chunk(far, leakReads), max(len(far)/leakReads, 1))
	r.measure(ctx, "near", nearRadius, slices.Chunk(far, leakReads), max(len(far)/leakReads, 1))
}

// check holds searches against comparing with every hash.
func (r *registryRun) check(context.Context) {
	for _, q := range append(r.lone(r.scans), r.clustered(1)...) {
		want := 0
		for i := range r.corpus.n {
			if areaHash(r.corpus.hash(i)).Distance(q) <= phash.MatchRadius {
				want++
			}
		}
		if got := ruler.Must(r.index.Search(phash.MatchRadius, q)); len(got) != want {
			ruler.Failf("%w: %d hits, a scan has %d", errInexact, len(got), want)
		}
		r.out["exact"]++
	}
}

// erase erases one upload, and makes its segment anew.
func (r *registryRun) erase(ctx context.Context) {
	start := time.Now()
	ruler.Check(r.Erase(ctx, books.Erasure{Submissions: []watermark.Submission{r.upload(r.corpus.n / 2).ID}, Entered: start}))
	r.out["erase_s"] = time.Since(start).Seconds()
}

// enterLive enters uploads in small batches.
func (r *registryRun) enterLive(ctx context.Context) {
	r.enter(ctx, "live", r.corpus.n, r.live, liveBatch)
}

// lone returns n queries, every second planted near an upload of no cluster.
func (r *registryRun) lone(n int) []phash.Hash {
	return areaHashes(r.corpus.planted(n, func(i int) int { return min(i/5*5+1, r.corpus.n-1) }))
}

// clustered returns n queries near uploads of clusters.
func (r *registryRun) clustered(n int) []phash.Hash {
	all := areaHashes(r.corpus.queries(2 * n))
	for i := range n {
		all[i] = all[2*i]
	}
	return all[:n]
}

// areaHash returns a hash with the same bits, of the kind that the registry searches by.
func areaHash(h phash.Hash) phash.Hash { return phash.Hash{Kind: phash.Area, Bits: h.Bits} }

// areaHashes changes the kind of all hashes in place, as areaHash does.
func areaHashes(hashes []phash.Hash) []phash.Hash {
	for i := range hashes {
		hashes[i] = areaHash(hashes[i])
	}
	return hashes
}

// measure searches within radius bits for the first n groups of queries, and sets the mean milliseconds of
// processor time of a group.
func (r *registryRun) measure(ctx context.Context, name string, radius int, groups iter.Seq[[]phash.Hash], n int) {
	left, cpu := n, r.cpu(ctx)
	for q := range groups {
		if left--; left < 0 {
			break
		}
		ruler.Must(r.index.Search(radius, q...))
	}
	r.out[name+"_cpu_ms"] = float64(r.cpu(ctx)-cpu) / float64(time.Millisecond) / float64(n)
}

// cpu returns the processor time of the process and of the server behind it.
func (r *registryRun) cpu(ctx context.Context) time.Duration { return processTime() + r.server(ctx) }
