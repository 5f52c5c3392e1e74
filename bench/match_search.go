package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/phash"
)

// errInexact is wrapped when a search by tables gave other hits than comparing with every hash.
var errInexact = errors.New("search: missed or invented hits")

// errPeer is wrapped when a peer program fails or gives other results than this one.
var errPeer = errors.New("peer")

const (
	searchRounds = 3       // rounds over all queries; the best counts
	scanRadius   = 70      // bits at which no tables serve and unrelated hashes do not match
	liveInserts  = 200_000 // enough to merge tables several times
)

// matchSearch measures [phash.Index] on made-up hashes of each sort and size.
func matchSearch() *ruler.Experiment {
	var sizes, corpora []string
	var peer, dir string
	var queries int
	search := ruler.Has("search_ms")
	return &ruler.Experiment{
		Name: "match search", Short: "What searching among many hashes costs", Plain: true,
		Long: `Build an index of random hashes, of hashes with a fifth in clusters, and of hashes of
one template. Search it within 31 bits, half of the queries planted, hold the
hits against comparing with every hash, write and map a snapshot, and add hashes live.
10M hashes take 2 GB and two minutes. Times of searches are milliseconds of processor
time on one core, the best of three rounds; other times are seconds of wall clock. A
--peer is a program as peers/match.cpp is, timed on the same hashes and queries.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&sizes, "sizes", []string{"100k", "1M"}, "`numbers` of hashes, as 500k or 10M")
			fs.StringSliceVar(&corpora, "corpora", corpusNames, "`sorts` of hashes")
			fs.IntVar(&queries, "queries", 2000, "`number` of queries; a hundredth of them for slow searches")
			fs.StringVar(&peer, "peer", "", "`program` to compare with")
			fs.StringVar(&dir, "temp", "", "`folder` for snapshots and the peer's files (default: the system's)")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			env.Workers = 1 // times are compared
			numbers, err := parseSizes(sizes)
			if err != nil || queries < 5 {
				return nil, cmp.Or(err, errors.New("--queries takes 5 or more"))
			}
			for _, n := range numbers {
				for _, name := range corpora {
					if !slices.Contains(corpusNames, name) {
						return nil, fmt.Errorf("--corpora: got %q, want some of %q", name, corpusNames)
					}
					cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) error {
						c := corpus{name, env.Seed, n}
						r := &searchRun{corpus: c, queries: c.queries(queries), dir: dir, peer: peer, out: map[string]float64{}}
						r.few = r.queries[:max(queries/100, 5)]
						if err := r.run(ctx, emit); err != nil {
							return fmt.Errorf("%s, %d hashes: %w", name, n, err)
						}
						return nil
					})
				}
			}
			return cases, nil
		},
		Tables: []ruler.Table{{
			Name: "searches", Title: "Searches, milliseconds of processor time", By: []string{"size", "corpus"}, Heads: []string{"hashes", "sort"}, Where: search,
			Columns: []ruler.Column{
				ruler.Means("search", "search_ms", 4), ruler.Means("8 variants", "variants_ms", 3), ruler.Means("10 nearest", "nearest_ms", 3), ruler.Means("scan", "scan_ms", 3),
				ruler.Means("search, mapped file", "mapped_ms", 4), ruler.Means("hits a query", "hits", 1), ruler.Sums("same as a scan", "checked"),
			},
		}, {
			Name: "indexes", Title: "Indexes", By: []string{"size", "corpus"}, Heads: []string{"hashes", "sort"}, Where: search,
			Columns: []ruler.Column{
				ruler.Means("build, s", "build_s", 2), ruler.Means("live inserts a second", "inserts_per_s", 0), ruler.Means("bytes a hash beside the hash", "overhead", 1),
				ruler.Means("index, GB", "gb", 3), ruler.Means("process, GB", "process_gb", 3), ruler.Means("snapshot, GB", "snapshot_gb", 3),
				ruler.Means("write, s", "write_s", 2), ruler.Means("open, s", "open_s", 2),
			},
		}, {
			Name: "peers", Title: "The peer on the same hashes", By: []string{"size", "corpus", "peer"}, Heads: []string{"hashes", "sort", "peer"}, Where: ruler.Has("peer_ms"),
			Columns: []ruler.Column{ruler.Means("ms", "peer_ms", 3), ruler.Means("times the search", "search_times", 1), ruler.Means("times our scan", "scan_times", 2)},
		}},
		Plots: []ruler.Plot{{
			Name: "matching", Title: "one search among random hashes, one core", X: "hashes", Y: "milliseconds", Log: true, By: "peer", Where: ruler.Is("corpus", "random"),
			Points: func(g ruler.Group) (points [][2]float64) {
				for _, t := range g {
					points = append(points, [2]float64{t.Values["hashes"], t.Values["search_ms"] + t.Values["peer_ms"]})
				}
				return points
			},
		}},
	}
}

// A searchRun measures an index of one corpus.
type searchRun struct {
	corpus  corpus
	queries []phash.Hash
	few     []phash.Hash // for searches that are slow
	dir     string       // for temporary files; "": the system's
	peer    string       // program of bench/peers/match.cpp; "": none
	out     map[string]float64
}

// run emits a trial of the index, and one for each way of the peer.
func (r *searchRun) run(ctx context.Context, emit func(ruler.Trial)) error {
	x := phash.NewIndexIn(phash.PDQ, mapfile.Pages{})
	defer x.Clear()
	start := time.Now()
	if err := x.AddAll(r.corpus.all()); err != nil {
		return err
	}
	r.out["hashes"], r.out["build_s"], r.out["gb"] = float64(r.corpus.n), time.Since(start).Seconds(), float64(x.Size())/1e9
	r.out["overhead"] = float64(x.Size())/float64(r.corpus.n) - 32
	debug.FreeOSMemory()
	r.out["process_gb"] = float64(residentBytes()) / 1e9
	for _, step := range []func(*phash.Index) error{r.search, r.check, r.snapshot, r.insert} {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := step(x); err != nil {
			return err
		}
	}
	emit(ruler.Trial{Labels: r.labels(), Values: r.out})
	if r.peer == "" {
		return nil
	}
	x.Clear() // the peer holds the hashes again
	return r.askPeer(ctx, emit)
}

func (r *searchRun) labels() map[string]string {
	return map[string]string{"corpus": r.corpus.name, "size": sizeName(r.corpus.n)}
}

// search times searches in the index: within the radius, of eight hashes like the eight
// orientations of one picture, of the ten nearest hashes, and by comparing with every hash.
func (r *searchRun) search(x *phash.Index) (err error) {
	within := func(radius int) func(q phash.Hash) (int, error) {
		return func(q phash.Hash) (int, error) { hits, err := x.Search(q, radius); return len(hits), err }
	}
	variants := func(q phash.Hash) (int, error) {
		for turn := range 8 {
			turned := q
			if turn > 0 {
				turned = corpus{seed: q.Bits[0]}.draw(turn)
			}
			if _, err := x.Search(turned, phash.MatchRadius); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}
	nearest := func(q phash.Hash) (int, error) { hits, err := x.Nearest(q, 10); return len(hits), err }
	var errs [4]error
	r.out["search_ms"], r.out["hits"], errs[0] = timeQueries(r.queries, within(phash.MatchRadius))
	r.out["variants_ms"], _, errs[1] = timeQueries(r.few, variants)
	r.out["nearest_ms"], _, errs[2] = timeQueries(r.few, nearest)
	r.out["scan_ms"], _, errs[3] = timeQueries(r.corpus.unrelated(len(r.few)), within(scanRadius))
	return errors.Join(errs[:]...)
}

// check holds searches by tables against comparing with every hash.
func (r *searchRun) check(x *phash.Index) error {
	for _, q := range r.few {
		got, err := x.Search(q, phash.MatchRadius)
		if err != nil {
			return err
		}
		all, err := x.Search(q, scanRadius)
		if err != nil {
			return err
		}
		want := slices.DeleteFunc(all, func(h phash.Hit) bool { return h.Distance > phash.MatchRadius })
		if !slices.Equal(want, got) {
			return fmt.Errorf("%w: %d hits, a scan has %d", errInexact, len(got), len(want))
		}
		r.out["checked"]++
		r.out["checked_hits"] += float64(len(got))
	}
	return nil
}

// snapshot writes the index to a file, opens the file mapped, and searches there.
func (r *searchRun) snapshot(x *phash.Index) error {
	f, err := os.CreateTemp(r.dir, "kycmark-match-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	start := time.Now()
	n, err := x.WriteTo(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.out["snapshot_gb"], r.out["write_s"] = float64(n)/1e9, time.Since(start).Seconds()
	start = time.Now()
	mapped, err := mapfile.Open(f.Name(), 1<<40)
	if err != nil {
		return err
	}
	defer mapped.Close()
	y, err := phash.OpenIndex(mapped.Bytes())
	if err != nil {
		return err
	}
	r.out["open_s"] = time.Since(start).Seconds()
	r.out["mapped_ms"], _, err = timeQueries(r.queries, func(q phash.Hash) (int, error) {
		hits, err := y.Search(q, phash.MatchRadius)
		return len(hits), err
	})
	return err
}

// insert adds hashes one by one, merges included.
func (r *searchRun) insert(x *phash.Index) error {
	more := r.corpus.unrelated(1000)
	start := time.Now()
	for i := range liveInserts {
		h := more[i%len(more)]
		h.Bits[i%4] ^= uint64(i) * 0x9e3779b97f4a7c15
		if err := x.Add(h, int64(r.corpus.n+i)); err != nil {
			return err
		}
	}
	r.out["inserts_per_s"] = liveInserts / time.Since(start).Seconds()
	return nil
}

// timeQueries returns the milliseconds of processor time and the hits of a query.
func timeQueries(queries []phash.Hash, search func(phash.Hash) (int, error)) (ms, hits float64, err error) {
	runtime.LockOSThread() // processor time is a thread's
	defer runtime.UnlockOSThread()
	best := time.Duration(math.MaxInt64)
	for range searchRounds {
		sum, start := 0, threadTime()
		for _, q := range queries {
			n, err := search(q)
			if err != nil {
				return 0, 0, err
			}
			sum += n
		}
		best = min(best, threadTime()-start)
		hits = float64(sum) / float64(len(queries))
	}
	return best.Seconds() * 1000 / float64(len(queries)), hits, nil
}

// askPeer has the peer search the same hashes for the few queries. The peer prints a line for each
// of its ways: a name, milliseconds a query, and all hits.
func (r *searchRun) askPeer(ctx context.Context, emit func(ruler.Trial)) error {
	dir, err := os.MkdirTemp(r.dir, "kycmark-match-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hashes, queries := filepath.Join(dir, "hashes"), filepath.Join(dir, "queries")
	if err := errors.Join(writeHashes(hashes, r.corpus.all()), writeHashes(queries, slices.All(r.few))); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, r.peer, hashes, queries, strconv.Itoa(phash.MatchRadius), strconv.Itoa(searchRounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errPeer, r.peer, err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			return fmt.Errorf("%w: got %.80q, want three fields", errPeer, line)
		}
		ms, err1 := strconv.ParseFloat(f[1], 64)
		hits, err2 := strconv.ParseFloat(f[2], 64)
		if err1 != nil || err2 != nil || hits != r.out["checked_hits"] {
			return fmt.Errorf("%w: got %.80q, want milliseconds and %g hits", errPeer, line, r.out["checked_hits"])
		}
		t := ruler.Trial{Labels: r.labels(), Values: map[string]float64{"hashes": float64(r.corpus.n), "peer_ms": ms, "search_times": ms / r.out["search_ms"], "scan_times": ms / r.out["scan_ms"]}}
		t.Labels["peer"] = f[0]
		emit(t)
	}
	return nil
}

// writeHashes writes 32 bytes a hash.
func writeHashes[I any](path string, hashes func(yield func(I, phash.Hash) bool)) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for _, h := range hashes {
		binary.Write(w, binary.LittleEndian, h.Bits) // Flush returns the error
	}
	return errors.Join(w.Flush(), f.Close())
}
