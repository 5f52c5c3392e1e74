package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/index"
)

// errInexact is wrapped when a search by tables gave other hits than comparing with every hash.
var errInexact = errors.New("search: missed or invented hits")

// errPeer is wrapped when a peer program fails or gives other results than this one.
var errPeer = errors.New("peer")

const (
	searchRounds = 3  // rounds over all queries; the best counts
	scanRadius   = 70 // bits at which no tables serve and unrelated hashes do not match
)

// matchSearch measures [index.Index] on made-up hashes of each sort and size.
func matchSearch() *ruler.Experiment {
	var sizes, corpora []string
	var peer, dir string
	var queries int
	return &ruler.Experiment{
		Name: "match search", Short: "What searching among many hashes costs", Plain: true,
		Long: `Build an index of random hashes, of hashes with a fifth in clusters, and of hashes of
one template. Search it within 31 bits, half of the queries planted, and hold
the hits against comparing with every hash.
10M hashes take 2 GB and two minutes. Times of searches are milliseconds of processor
time on one core, the best of three rounds; other times are seconds of wall clock. A
--peer is a program as peers/match.cpp is, timed on the same hashes and queries.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&sizes, "sizes", []string{"100k", "1M"}, "`numbers` of hashes, as 500k or 10M")
			fs.StringSliceVar(&corpora, "corpora", corpusNames, "`sorts` of hashes")
			fs.IntVar(&queries, "queries", 2000, "`number` of queries; a hundredth of them for slow searches")
			fs.StringVar(&peer, "peer", "", "`program` to compare with")
			fs.StringVar(&dir, "temp", "", "`folder` for the peer's files (default: the system's)")
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
					cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) {
						c := corpus{name, env.Seed, n}
						r := &searchRun{corpus: c, queries: c.queries(queries), dir: dir, peer: peer, out: map[string]float64{}}
						r.few = r.queries[:max(queries/100, 5)]
						r.run(ctx, emit)
					})
				}
			}
			return cases, nil
		},
		Tables: []ruler.Table{{
			Name: "searches", Title: "Searches, milliseconds of processor time", By: []string{"size", "corpus"}, Heads: []string{"hashes", "sort"}, Where: ruler.Has("search_ms"),
			Columns: []ruler.Column{
				ruler.Means("search", "search_ms", 4), ruler.Means("8 variants", "variants_ms", 3), ruler.Means("10 nearest", "nearest_ms", 3), ruler.Means("scan", "scan_ms", 3),
				ruler.Means("hits a query", "hits", 1), ruler.Sums("same as a scan", "checked"),
			},
		}, {
			Name: "peers", Title: "The peer on the same hashes", By: []string{"size", "corpus", "peer"}, Heads: []string{"hashes", "sort", "peer"}, Where: ruler.Has("peer_ms"),
			Columns: []ruler.Column{ruler.Means("ms", "peer_ms", 3), ruler.Means("times the search", "search_times", 1), ruler.Means("times our scan", "scan_times", 2)},
		}, {
			Name: "short", Doc: true, By: []string{"size", "corpus"}, Heads: []string{"hashes", "sort"}, Where: ruler.Is("corpus", "random", "one template"), Columns: []ruler.Column{
				ruler.Means("search, ms", "search_ms", 3), ruler.Means("8 variants", "variants_ms", 2), ruler.Means("scan", "scan_ms", 1),
				ruler.Means("FAISS", "peer_ms", 1).When(ruler.Is("peer", "FAISS IndexBinaryFlat")), ruler.Means("process, GB", "process_gb", 2), ruler.Means("build, s", "build_s", 1),
			},
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
func (r *searchRun) run(ctx context.Context, emit func(ruler.Trial)) {
	x := index.New(phash.PDQ)
	start := time.Now()
	ruler.Check(x.AddAll(r.corpus.all()))
	r.out["hashes"], r.out["build_s"] = float64(r.corpus.n), time.Since(start).Seconds()
	debug.FreeOSMemory()
	r.out["process_gb"] = float64(residentBytes()) / 1e9
	for _, step := range []func(*index.Index){r.search, r.check} {
		ruler.Check(context.Cause(ctx))
		step(x)
	}
	emit(ruler.Trial{Labels: r.labels(), Values: r.out})
	if r.peer == "" {
		return
	}
	debug.FreeOSMemory() // the peer holds the hashes again
	r.askPeer(ctx, emit)
}

// labels returns the labels of a trial: the sort and the number of hashes.
func (r *searchRun) labels() map[string]string {
	return map[string]string{"corpus": r.corpus.name, "size": sizeName(r.corpus.n)}
}

// search times searches in the index: within the radius, of eight hashes like the eight
// orientations of one picture, of the ten nearest hashes, and by comparing with every hash.
func (r *searchRun) search(x *index.Index) {
	within := func(radius int) func(q phash.Hash) int {
		return func(q phash.Hash) int { return len(ruler.Must(x.Search(radius, q))) }
	}
	variants := func(q phash.Hash) int {
		for turn := range 8 {
			turned := q
			if turn > 0 {
				turned = corpus{seed: q.Bits[0]}.draw(turn)
			}
			ruler.Must(x.Search(phash.MatchRadius, turned))
		}
		return 0
	}
	r.out["search_ms"], r.out["hits"] = timeQueries(r.queries, within(phash.MatchRadius))
	r.out["variants_ms"], _ = timeQueries(r.few, variants)
	r.out["nearest_ms"], _ = timeQueries(r.few, func(q phash.Hash) int { return len(ruler.Must(x.Nearest(q, 10))) })
	r.out["scan_ms"], _ = timeQueries(r.corpus.unrelated(len(r.few)), within(scanRadius))
}

// check holds searches by tables against comparing with every hash.
func (r *searchRun) check(x *index.Index) {
	for _, q := range r.few {
		got := ruler.Must(x.Search(phash.MatchRadius, q))
		all := ruler.Must(x.Search(scanRadius, q))
		want := slices.DeleteFunc(all, func(h phash.Hit) bool { return h.Distance > phash.MatchRadius })
		if !slices.Equal(want, got) {
			ruler.Failf("%w: %d hits, a scan has %d", errInexact, len(got), len(want))
		}
		r.out["checked"]++
		r.out["checked_hits"] += float64(len(got))
	}
}

// timeQueries returns the milliseconds of processor time and the hits of a query. search returns the
// number of hits.
func timeQueries(queries []phash.Hash, search func(phash.Hash) int) (ms, hits float64) {
	sum, n := 0, float64(len(queries))
	ms = shortest(searchRounds, func() {
		sum = 0
		for _, q := range queries {
			sum += search(q)
		}
	})
	return ms / n, float64(sum) / n
}

// askPeer has the peer search the same hashes for the few queries. The peer prints a line for each
// of its ways: a name, milliseconds a query, and all hits.
func (r *searchRun) askPeer(ctx context.Context, emit func(ruler.Trial)) {
	dir := ruler.Must(os.MkdirTemp(r.dir, "kycmark-match-"))
	defer os.RemoveAll(dir)
	hashes, queries := filepath.Join(dir, "hashes"), filepath.Join(dir, "queries")
	writeHashes(hashes, r.corpus.all())
	writeHashes(queries, slices.All(r.few))
	cmd := exec.CommandContext(ctx, r.peer, hashes, queries, strconv.Itoa(phash.MatchRadius), strconv.Itoa(searchRounds))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		ruler.Failf("%w: %s: %w", errPeer, r.peer, err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			ruler.Failf("%w: got %.80q, want three fields", errPeer, line)
		}
		ms, err1 := strconv.ParseFloat(f[1], 64)
		hits, err2 := strconv.ParseFloat(f[2], 64)
		if err1 != nil || err2 != nil || hits != r.out["checked_hits"] {
			ruler.Failf("%w: got %.80q, want milliseconds and %g hits", errPeer, line, r.out["checked_hits"])
		}
		t := ruler.Trial{Labels: r.labels(), Values: map[string]float64{"hashes": float64(r.corpus.n), "peer_ms": ms, "search_times": ms / r.out["search_ms"], "scan_times": ms / r.out["scan_ms"]}}
		t.Labels["peer"] = f[0]
		emit(t)
	}
}

// writeHashes writes 32 bytes a hash.
func writeHashes[I any](path string, hashes func(yield func(I, phash.Hash) bool)) {
	f := ruler.Must(os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600))
	w := bufio.NewWriterSize(f, 1<<20)
	for _, h := range hashes {
		binary.Write(w, binary.LittleEndian, h.Bits) // Flush returns the error
	}
	ruler.Check(errors.Join(w.Flush(), f.Close()))
}
