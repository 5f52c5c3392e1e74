package experiments

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/phash"
)

// RegistryOptions says what [Registry] measures. The zero value is small.
type RegistryOptions struct {
	Sizes    []int  // numbers of uploads; none means 100,000
	Queries  int    // of each sort; 0 means 200
	Scans    int    // queries that are also compared with every hash; 0 means 3
	Live     int    // uploads that are entered one batch after the other at the end; 0 means 100,000
	SQLite   bool   // measure a file in Dir
	Postgres string // address of an empty database; "" for none
	Bare     bool   // rows without a ledger alone, and nothing live: for large sizes
	Dir      string // for temporary files; "" for the system's
	Seed     uint64

	// Progress, if not nil, is called after each step.
	Progress func(done, total int)
}

// RegistryReport says what it costs to enter uploads in a registry and to find them
// in its database.
type RegistryReport struct {
	Go      string          `json:"go"`
	Cores   int             `json:"cores"`
	Queries int             `json:"queries"`
	Seed    uint64          `json:"seed"`
	Radius  int             `json:"radius"`
	Stores  []RegistryStore `json:"stores"`
}

// RegistryStore is one store with so many uploads. CPU time is that of the whole
// process and, where there is one, of the server's processes that serve it.
type RegistryStore struct {
	Name string `json:"name"`
	Size int    `json:"size"`

	Bare       bool   `json:"bare"`         // there is no ledger
	Rows       Number `json:"rows_rate"`    // hash rows a second, without ledger and search tables
	RowsCPU    Number `json:"rows_cpu_us"`  // CPU time of one, microseconds
	Bulk       Number `json:"bulk_rate"`    // uploads a second with their entries in the ledger, search tables deferred
	BulkCPU    Number `json:"bulk_cpu_us"`  // CPU time of one, microseconds
	Build      Number `json:"build_s"`      // of the search tables, seconds
	BuildCPU   Number `json:"build_cpu_us"` // CPU time for an upload, microseconds
	Bytes      int64  `json:"bytes"`        // of all that is kept
	BandBytes  int64  `json:"band_bytes"`   // of these, of the search tables
	Live       Number `json:"live_rate"`    // uploads a second with their search tables, batches of LiveBatch
	LiveCPU    Number `json:"live_cpu_us"`  // CPU time of one, microseconds
	LiveBatch  int    `json:"live_batch"`
	Far        Lookup `json:"far"`     // half of the queries planted near a lone upload
	Cluster    Lookup `json:"cluster"` // all of them within a cluster
	Leak       Lookup `json:"leak"`    // 16 hashes in a call, as of one leak
	Grown      Lookup `json:"grown"`   // the queries of Far again, after the live uploads
	Scan       Lookup `json:"scan"`    // comparing with every hash
	Exact      int    `json:"exact"`   // queries whose hits were held against a scan's
	ServerSeen bool   `json:"server_seen"`
}

// A Lookup is the mean cost of a query.
type Lookup struct {
	CPU  Number `json:"cpu_ms"`
	Wall Number `json:"wall_ms"`
	Hits Number `json:"hits"`
}

const (
	bulkBatch = 20_000
	liveBatch = 500
	leakReads = 16 // hashes that a leak is asked for by, without overprint
)

// ErrStore is wrapped when no store was chosen.
var ErrStore = errors.New("bench: no store to measure")

// Registry enters made-up uploads, a fifth of them in clusters, and looks for them.
func Registry(ctx context.Context, opt RegistryOptions) (*RegistryReport, error) {
	if len(opt.Sizes) == 0 {
		opt.Sizes = []int{100_000}
	}
	for _, d := range []struct {
		n     *int
		value int
	}{{&opt.Queries, 200}, {&opt.Scans, 3}, {&opt.Live, 100_000}} {
		if *d.n == 0 {
			*d.n = d.value
		}
	}
	var stores []string
	if opt.SQLite {
		stores = append(stores, "sqlite")
	}
	if opt.Postgres != "" {
		stores = append(stores, "postgres")
	}
	if len(stores) == 0 {
		return nil, ErrStore
	}
	rep := &RegistryReport{Go: fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Cores: runtime.GOMAXPROCS(0), Queries: opt.Queries, Seed: opt.Seed, Radius: phash.MatchRadius}
	steps := &stepper{total: len(opt.Sizes) * len(stores) * len((&registryRun{opt: &opt}).list()), show: opt.Progress}
	for _, size := range opt.Sizes {
		for _, name := range stores {
			r := registryRun{opt: &opt, steps: steps, hashes: matchCorpora[1].make(opt.Seed, size),
				out: RegistryStore{Name: name, Size: size, LiveBatch: liveBatch, Bare: opt.Bare}}
			if err := r.run(ctx); err != nil {
				return nil, fmt.Errorf("%s, %d uploads: %w", name, size, err)
			}
			rep.Stores = append(rep.Stores, r.out)
		}
	}
	return rep, nil
}

// A stepper counts what is done.
type stepper struct {
	done, total int
	show        func(done, total int)
}

func (s *stepper) step() {
	if s.done++; s.show != nil {
		s.show(s.done, s.total)
	}
}

// registryRun measures one store.
type registryRun struct {
	opt    *RegistryOptions
	steps  *stepper
	hashes matchHashes
	db     *sqldb.DB
	usage  usage
	opened int // schemas that were made
	out    RegistryStore
}

// usage says what a store takes.
type usage struct {
	bytes  func(context.Context) (int64, error)
	bare   bareFunc
	server func(context.Context) (time.Duration, bool) // CPU time
	close  func() error                                // and remove all of it
}

// list is what is measured of a store.
func (r *registryRun) list() []func(context.Context) error {
	if r.opt.Bare {
		return []func(context.Context) error{r.fill, r.build, r.lookups, r.scans}
	}
	return []func(context.Context) error{r.rows, r.bulk, r.build, r.lookups, r.scans, r.live}
}

func (r *registryRun) run(ctx context.Context) (err error) {
	if err := r.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.usage.close()) }()
	for _, step := range r.list() {
		if err := step(ctx); err != nil {
			return err
		}
		r.steps.step()
	}
	return nil
}

func (r *registryRun) open(ctx context.Context) error {
	info := books.Info{ID: [16]byte{1}, Created: time.Unix(1_500_000_000, 0)}
	if r.out.Name == "sqlite" {
		return r.openSQLite(ctx, info)
	}
	return r.openPostgres(ctx, info)
}

func (r *registryRun) openSQLite(ctx context.Context, info books.Info) error {
	dir, err := os.MkdirTemp(r.opt.Dir, "kycmark-registry-")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "kyc.db")
	if r.db, err = sqlite.Create(ctx, path, info); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	db := r.db
	r.usage = usage{
		bytes: func(context.Context) (int64, error) {
			st, err := os.Stat(path)
			if err != nil {
				return 0, err
			}
			return st.Size(), nil
		},
		bare:   bareSQLite(path),
		server: func(context.Context) (time.Duration, bool) { return 0, false },
		close:  func() error { return errors.Join(db.Close(), os.RemoveAll(dir)) },
	}
	return nil
}

// openPostgres makes a schema of its own and drops it afterwards.
func (r *registryRun) openPostgres(ctx context.Context, info books.Info) error {
	r.opened++
	schema := fmt.Sprintf("kycmark_bench_%d_%d_%d", os.Getpid(), r.out.Size, r.opened)
	s, err := newServerUsage(ctx, r.opt.Postgres, schema)
	if err != nil {
		return err
	}
	if r.db, err = postgres.Create(ctx, s.dsn, info); err != nil {
		return errors.Join(err, s.close())
	}
	db := r.db
	r.usage = usage{s.bytes, barePostgres(s.conn), s.cpu, func() error { return errors.Join(db.Close(), s.drop(), s.close()) }}
	return nil
}

// upload makes upload i. All that stands in its row is as long as in a real one.
func (r *registryRun) upload(i int) books.Upload {
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], uint64(i))
	sum := sha256.Sum256(number[:])
	h := r.hashes.hash(&r.hashes, i)
	return books.Upload{Submission: books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: 2_000_000 + int64(i), Format: "jpeg",
		Width: 4032, Height: 3024, Submitted: time.UnixMicro(1_500_000_000_000_000 + int64(i)*1_000_000),
		Received: time.UnixMicro(1_600_000_000_000_000 + int64(i)*1_000_000), Subject: fmt.Sprintf("%032x", sum[16:]),
		Hash: h.String(), Quality: 100,
		Salt:    sha256.Sum256(sum[:]),
		Details: books.Details{Decoder: "go/image/jpeg go1.26", Area: areaHash(h).String(), Chain: "pdq/1 kycmark/area/1", AreaQuality: 100},
	}}
}

func areaHash(h phash.Hash) phash.Hash { return phash.Hash{Kind: phash.Area, Bits: h.Bits} }

// enter enters the uploads from number first on in batches and returns how many a
// second, and the microseconds of CPU time of one. Making them up is not counted.
func (r *registryRun) enter(ctx context.Context, first, n, batch int) (rate, us Number, err error) {
	return r.timed(ctx, first, n, batch, func(uploads []books.Upload) error {
		_, err := r.db.AddSubmissions(ctx, uploads)
		return err
	})
}

func (r *registryRun) timed(ctx context.Context, first, n, batch int, add func([]books.Upload) error) (rate, us Number, err error) {
	var wall, cpu time.Duration
	for at := first; at < first+n; at += batch {
		uploads := make([]books.Upload, 0, batch)
		for i := at; i < min(at+batch, first+n); i++ {
			uploads = append(uploads, r.upload(i))
		}
		before, start := r.cpu(ctx), time.Now()
		if err := add(uploads); err != nil {
			return 0, 0, err
		}
		wall += time.Since(start)
		cpu += r.cpu(ctx) - before
	}
	return Number(float64(n) / wall.Seconds()), 1000 * perQuery(cpu, n), nil
}

func (r *registryRun) bulk(ctx context.Context) (err error) {
	if err := r.db.DeferBands(ctx); err != nil {
		return err
	}
	r.out.Bulk, r.out.BulkCPU, err = r.enter(ctx, 0, r.out.Size, bulkBatch)
	return err
}

func (r *registryRun) build(ctx context.Context) error {
	before, err := r.usage.bytes(ctx)
	if err != nil {
		return err
	}
	start, cpu := time.Now(), r.cpu(ctx)
	if err := r.db.BuildBands(ctx, false, nil); err != nil {
		return err
	}
	r.out.BuildCPU = 1000 * perQuery(r.cpu(ctx)-cpu, r.out.Size)
	r.out.Build = Number(time.Since(start).Seconds())
	if r.out.Bytes, err = r.usage.bytes(ctx); err != nil {
		return err
	}
	r.out.BandBytes = r.out.Bytes - before
	return nil
}

// live enters uploads in small batches, and looks for some among the lots that this makes.
func (r *registryRun) live(ctx context.Context) (err error) {
	if r.out.Live, r.out.LiveCPU, err = r.enter(ctx, r.out.Size, r.opt.Live, liveBatch); err != nil {
		return err
	}
	warm := r.lone(2 * r.opt.Queries)[r.opt.Queries:]
	if _, err = r.measure(ctx, r.db.Near, slices.Chunk(warm, 1), len(warm)); err != nil {
		return err
	}
	far := r.lone(r.opt.Queries)
	r.out.Grown, err = r.measure(ctx, r.db.Near, slices.Chunk(far, 1), len(far))
	return err
}

// lone are queries of which every second one is planted near an upload of no cluster.
func (r *registryRun) lone(n int) []phash.Hash {
	m := r.hashes
	m.near = func(m *matchHashes, i int) phash.Hash {
		return m.hash(m, min(int(m.word(uint64(i), 1)%uint64(m.n))/5*5+1, m.n-1))
	}
	return areaHashes(m.queries(n))
}

func areaHashes(hashes []phash.Hash) []phash.Hash {
	for i := range hashes {
		hashes[i] = areaHash(hashes[i])
	}
	return hashes
}

// clustered are queries that all lie near an upload of a cluster.
func (r *registryRun) clustered(n int) []phash.Hash {
	all := areaHashes(r.hashes.queries(2 * n))
	for i := range n {
		all[i] = all[2*i]
	}
	return all[:n]
}

type nearFunc func(context.Context, []phash.Hash, int) ([]phash.Hit, error)

func (r *registryRun) lookups(ctx context.Context) (err error) {
	warm := r.lone(2 * r.opt.Queries)[r.opt.Queries:]
	if _, err = r.measure(ctx, r.db.Near, slices.Chunk(warm, 1), len(warm)); err != nil {
		return err
	}
	far, cluster := r.lone(r.opt.Queries), r.clustered(r.opt.Queries/4+1)
	if r.out.Far, err = r.measure(ctx, r.db.Near, slices.Chunk(far, 1), len(far)); err != nil {
		return err
	}
	if r.out.Cluster, err = r.measure(ctx, r.db.Near, slices.Chunk(cluster, 1), len(cluster)); err != nil {
		return err
	}
	leaks := max(len(far)/leakReads, 1)
	r.out.Leak, err = r.measure(ctx, r.db.Near, slices.Chunk(far, leakReads), leaks)
	return err
}

// scans compares with every hash, and holds the hits against those of the tables.
func (r *registryRun) scans(ctx context.Context) (err error) {
	queries := append(r.lone(r.opt.Scans), r.clustered(1)...)
	if r.out.Scan, err = r.measure(ctx, r.db.NearByScan, slices.Chunk(queries[:r.opt.Scans], 1), r.opt.Scans); err != nil {
		return err
	}
	for i := range queries {
		got, err := r.db.Near(ctx, queries[i:i+1], phash.MatchRadius)
		if err != nil {
			return err
		}
		want, err := r.db.NearByScan(ctx, queries[i:i+1], phash.MatchRadius)
		if err != nil {
			return err
		}
		if !slices.Equal(want, got) {
			return fmt.Errorf("%w: %d hits, a scan has %d", ErrInexact, len(got), len(want))
		}
		r.out.Exact++
	}
	return nil
}
