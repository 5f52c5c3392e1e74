package experiments

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/phash"
)

// ErrCorpus is wrapped when there are no hashes of that name.
var ErrCorpus = errors.New("bench: unknown sort of hashes")

// ErrInexact is wrapped when a search by tables gave other hits than comparing
// with every hash.
var ErrInexact = errors.New("bench: a search missed or invented hits")

// MatchIndexOptions says what [MatchIndex] measures. The zero value is small.
type MatchIndexOptions struct {
	Sizes   []int // numbers of hashes; none means 100,000
	Queries int   // of each sort; 0 means 2,000
	Seed    uint64
	Corpora []string // names of sorts of hashes; none means all
	Peer    string   // program of bench/peers/match.cpp; "" for none
	Dir     string   // for temporary files; "" for the system's

	// Progress, if not nil, is called after each step.
	Progress func(done, total int)
}

// MatchIndexReport says what searches among many hashes cost.
type MatchIndexReport struct {
	Go      string        `json:"go"` // version, system and processor
	Cores   int           `json:"cores"`
	Queries int           `json:"queries"`
	Seed    uint64        `json:"seed"`
	Radius  int           `json:"radius"`
	Peer    bool          `json:"peer"`
	Corpora []MatchCorpus `json:"corpora"`
}

// MatchCorpus is one set of hashes. Times of searches are milliseconds of CPU time
// on one core, those of the best of a few rounds; other times are seconds by the
// clock.
type MatchCorpus struct {
	Name string `json:"name"`
	Size int    `json:"size"`

	Build      Number `json:"build_s"`
	InsertRate Number `json:"insert_rate"`   // live additions a second, merges included
	Bytes      int64  `json:"bytes"`         // of the index
	RSS        int64  `json:"rss"`           // of the whole process with the index, bytes
	Write      Number `json:"write_s"`       // snapshot to a file
	Open       Number `json:"open_s"`        // mapped, checksum and bounds checked
	Snapshot   int64  `json:"snapshot_size"` // bytes

	Search   Number  `json:"search_ms"`   // within phash.MatchRadius, half of the queries planted
	Variants Number  `json:"variants_ms"` // eight hashes, as of one picture's orientations
	Nearest  Number  `json:"nearest_ms"`  // the ten nearest
	Scan     Number  `json:"scan_ms"`     // comparing with every hash
	Mapped   Number  `json:"mapped_ms"`   // Search in the opened snapshot
	Hits     float64 `json:"hits"`        // a query

	Checked int `json:"checked"` // queries whose hits were held against a scan's

	Peers []MatchPeer `json:"peers,omitempty"`
}

// MatchPeer is another program's time on the same hashes and queries.
type MatchPeer struct {
	Name string  `json:"name"`
	MS   Number  `json:"ms"`
	Hits float64 `json:"hits"` // a query
}

// scanRadius is one at which no tables serve and unrelated hashes do not match.
const scanRadius = 70

// MatchIndex measures [phash.Index]: random hashes, hashes of which a fifth lies in
// clusters, with queries inside them, and hashes of one template, for each size.
func MatchIndex(ctx context.Context, opt MatchIndexOptions) (*MatchIndexReport, error) {
	if len(opt.Sizes) == 0 {
		opt.Sizes = []int{100_000}
	}
	if opt.Queries == 0 {
		opt.Queries = 2000
	}
	rep := &MatchIndexReport{
		Go:    fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Cores: runtime.GOMAXPROCS(0), Queries: opt.Queries, Seed: opt.Seed, Radius: phash.MatchRadius, Peer: opt.Peer != "",
	}
	corpora, err := chosenCorpora(opt.Corpora)
	if err != nil {
		return nil, err
	}
	for _, size := range opt.Sizes {
		for _, c := range corpora {
			if size < 100 {
				return nil, fmt.Errorf("bench: %d hashes are too few to measure on", size)
			}
			m := &matchRun{opt: &opt, hashes: c.make(opt.Seed, size), result: MatchCorpus{Name: c.name, Size: size}}
			if err := m.run(ctx); err != nil {
				return nil, fmt.Errorf("%s, %d hashes: %w", c.name, size, err)
			}
			rep.Corpora = append(rep.Corpora, m.result)
			if opt.Progress != nil {
				opt.Progress(len(rep.Corpora), len(opt.Sizes)*len(corpora))
			}
		}
	}
	return rep, nil
}

// A matchRun measures one corpus.
type matchRun struct {
	opt     *MatchIndexOptions
	hashes  matchHashes
	queries []phash.Hash
	planted float64 // hits of each of the few queries
	result  MatchCorpus
}

func (m *matchRun) run(ctx context.Context) error {
	m.queries = m.hashes.queries(m.opt.Queries)
	x := phash.NewIndexIn(phash.PDQ, mapfile.Pages{})
	defer x.Clear()
	start := time.Now()
	if err := x.AddAll(m.hashes.all()); err != nil {
		return err
	}
	m.result.Build = Number(time.Since(start).Seconds())
	m.result.Bytes = x.Size()
	debug.FreeOSMemory()
	m.result.RSS = residentBytes()
	for _, step := range []func(*phash.Index) error{m.search, m.check, m.snapshot, m.insert} {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		if err := step(x); err != nil {
			return err
		}
	}
	x.Clear() // the peer holds the hashes again
	if m.opt.Peer == "" {
		return nil
	}
	return m.peer(ctx)
}

// few is how many queries slow searches are measured with. For fast ones there must
// be so many that what one round has read is in no cache when the next begins: at
// 10 M a search reads half a megabyte here and there.
func (m *matchRun) few() int { return max(m.opt.Queries/100, 5) }

func (m *matchRun) search(x *phash.Index) (err error) {
	within := func(radius int) func(q phash.Hash) (int, error) {
		return func(q phash.Hash) (int, error) { hits, err := x.Search(q, radius); return len(hits), err }
	}
	few := m.few()
	if m.result.Search, m.result.Hits, err = timeQueries(m.queries, within(phash.MatchRadius)); err != nil {
		return err
	}
	if m.result.Variants, _, err = timeQueries(m.queries[:few], func(q phash.Hash) (n int, err error) {
		for turn := range 8 {
			if _, err := x.Search(m.hashes.variant(q, turn), phash.MatchRadius); err != nil {
				return 0, err
			}
		}
		return 0, nil
	}); err != nil {
		return err
	}
	nearest := func(q phash.Hash) (int, error) { hits, err := x.Nearest(q, 10); return len(hits), err }
	if m.result.Nearest, _, err = timeQueries(m.queries[:few], nearest); err != nil {
		return err
	}
	m.result.Scan, _, err = timeQueries(m.hashes.unrelated(few), within(scanRadius))
	return err
}

// check holds searches by tables against comparing with every hash.
func (m *matchRun) check(x *phash.Index) error {
	m.result.Checked = m.few()
	m.planted = 0
	for _, q := range m.queries[:m.result.Checked] {
		got, err := x.Search(q, phash.MatchRadius)
		if err != nil {
			return err
		}
		m.planted += float64(len(got)) / float64(m.result.Checked)
		all, err := x.Search(q, scanRadius)
		if err != nil {
			return err
		}
		want := slices.DeleteFunc(all, func(h phash.Hit) bool { return h.Distance > phash.MatchRadius })
		if !slices.Equal(want, got) {
			return fmt.Errorf("%w: %d hits, a scan has %d", ErrInexact, len(got), len(want))
		}
	}
	return nil
}

func (m *matchRun) snapshot(x *phash.Index) error {
	f, err := os.CreateTemp(m.opt.Dir, "kycmark-match-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	start := time.Now()
	m.result.Snapshot, err = x.WriteTo(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	m.result.Write = Number(time.Since(start).Seconds())
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
	m.result.Open = Number(time.Since(start).Seconds())
	m.result.Mapped, _, err = timeQueries(m.queries, func(q phash.Hash) (int, error) {
		hits, err := y.Search(q, phash.MatchRadius)
		return len(hits), err
	})
	return err
}

// liveInserts are so many that they are merged a few times.
const liveInserts = 200_000

func (m *matchRun) insert(x *phash.Index) error {
	more := m.hashes.unrelated(1000)
	start := time.Now()
	for i := range liveInserts {
		h := more[i%len(more)]
		h.Bits[i%4] ^= uint64(i) * 0x9e3779b97f4a7c15
		if err := x.Add(h, int64(m.hashes.n+i)); err != nil {
			return err
		}
	}
	m.result.InsertRate = Number(liveInserts / time.Since(start).Seconds())
	return nil
}

// A search is timed as the best of so many rounds over all queries.
const matchRounds = 3

// timeQueries returns the milliseconds of CPU time and the hits of a query.
func timeQueries(queries []phash.Hash, search func(phash.Hash) (int, error)) (ms Number, hits float64, err error) {
	runtime.LockOSThread() // CPU time is a thread's
	defer runtime.UnlockOSThread()
	best := time.Duration(1<<63 - 1)
	for range matchRounds {
		sum, start := 0, cpuTime()
		for _, q := range queries {
			n, err := search(q)
			if err != nil {
				return 0, 0, err
			}
			sum += n
		}
		best = min(best, cpuTime()-start)
		hits = float64(sum) / float64(len(queries))
	}
	return Number(best.Seconds() * 1000 / float64(len(queries))), hits, nil
}

// ParseSizes reads numbers such as 1M or 500k.
func ParseSizes(text []string) (sizes []int, err error) {
	for _, t := range text {
		unit, digits := 1, t
		if d, ok := strings.CutSuffix(t, "M"); ok {
			unit, digits = 1_000_000, d
		} else if d, ok := strings.CutSuffix(t, "k"); ok {
			unit, digits = 1000, d
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > 1_000_000_000/unit || n*unit < 100 {
			return nil, fmt.Errorf("%q is no number of hashes from 100 to 1000M", t)
		}
		sizes = append(sizes, n*unit)
	}
	return sizes, nil
}
