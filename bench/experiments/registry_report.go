package experiments

import (
	"fmt"
	"strings"
)

// The bars of issue 6: milliseconds of CPU time of a look-up among so many uploads,
// live uploads a second, with their entries in the ledger, and hash rows a second in bulk.
const (
	barLookup1M  = 5
	barLookup10M = 3 * barLookup1M
	barLive      = 5_000
	barBulk      = 50_000
)

// Missed lists the bars that were missed.
func (rep *RegistryReport) Missed() (out []string) {
	for i := range rep.Stores {
		s := &rep.Stores[i]
		most := Number(barLookup1M)
		if s.Size > 1_000_000 {
			most = barLookup10M
		}
		for _, b := range []struct {
			missed bool
			what   string
		}{
			{s.Far.CPU > most, fmt.Sprintf("a look-up takes %s ms, bar %s", s.Far.CPU.digits(1), most.digits(0))},
			{!s.Bare && s.Grown.CPU > most, fmt.Sprintf("a look-up after live uploads takes %s ms, bar %s", s.Grown.CPU.digits(1), most.digits(0))},
			{!s.Bare && s.Live < barLive, fmt.Sprintf("%s live uploads a second, bar %d", s.Live.digits(0), barLive)},
			{!s.Bare && s.Rows < barBulk, fmt.Sprintf("%s hash rows a second in bulk, bar %d", s.Rows.digits(0), barBulk)},
		} {
			if b.missed {
				out = append(out, fmt.Sprintf("%s, %s: %s", s.Name, millions(s.Size), b.what))
			}
		}
	}
	return out
}

// bare marks a registry without a ledger in the table.
func (s *RegistryStore) bare() string {
	if s.Bare {
		return ", rows without a ledger"
	}
	return ""
}

// unlessBare is a figure that there is only with a ledger.
func (s *RegistryStore) unlessBare(n Number, digits int) string {
	if s.Bare {
		return "-"
	}
	return n.digits(digits)
}

// Markdown returns the report as tables.
func (rep *RegistryReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, seed %d. Within %d bits, %d queries; a fifth of the uploads lies in %d clusters. CPU: of the process and of\n"+
		"the server's processes behind it. Lone: every second query is planted near an upload of no cluster; in a cluster: all of\n"+
		"them near one of a cluster; a leak: %d hashes in one call; scan: comparing with every hash in the store.\n\n",
		rep.Go, count(rep.Cores, "core"), rep.Seed, rep.Radius, rep.Queries, clusters, leakReads)
	b.WriteString("| store | uploads | lone: CPU ms | wall ms | the same after live uploads: CPU ms | in a cluster: CPU ms | hits | a leak: CPU ms | wall ms | scan: CPU ms | wall ms | same as a scan |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range rep.Stores {
		s := &rep.Stores[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %d of %d |\n", s.Name, millions(s.Size), s.Far.CPU.digits(2),
			s.Far.Wall.digits(2), s.unlessBare(s.Grown.CPU, 2), s.Cluster.CPU.digits(1), s.Cluster.Hits.digits(0), s.Leak.CPU.digits(1),
			s.Leak.Wall.digits(1), s.Scan.CPU.digits(0), s.Scan.Wall.digits(0), s.Exact, s.Exact)
	}
	fmt.Fprintf(&b, "\nHash rows alone: without ledger and search tables. Bulk: with the ledger, search tables deferred; both in calls of %d. Live: with\n"+
		"both, in calls of %d.\n\n", bulkBatch, liveBatch)
	b.WriteString("| store | uploads | hash rows alone a second | CPU µs each | bulk, uploads/s | CPU µs each | search tables, s | CPU µs each | live, uploads/s | CPU µs each | bytes an upload | of these search tables |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range rep.Stores {
		s := &rep.Stores[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %d |\n", s.Name, millions(s.Size)+s.bare(), s.unlessBare(s.Rows, 0),
			s.unlessBare(s.RowsCPU, 1), s.unlessBare(s.Bulk, 0), s.unlessBare(s.BulkCPU, 1), s.Build.digits(0), s.BuildCPU.digits(1),
			s.unlessBare(s.Live, 0), s.unlessBare(s.LiveCPU, 0), s.Bytes/int64(s.Size), s.BandBytes/int64(s.Size))
	}
	for _, m := range rep.Missed() {
		fmt.Fprintf(&b, "\nMissed: %s.", m)
	}
	return strings.TrimSuffix(b.String(), "\n") + "\n"
}
