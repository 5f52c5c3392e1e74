package experiments

import (
	"fmt"
	"math"
	"strings"
)

// Markdown returns the report as tables.
func (rep *MatchIndexReport) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, seed %d. Searches: milliseconds of CPU time a query on one core, radius %d, %d queries, every second one\n"+
		"planted within %d bits of a hash, the best of %d rounds. Clusters: every fifth hash lies within %d bits of one of %d\n"+
		"centres, and there the queries are planted. One template: hashes differ from one in up to %d bits.\n\n",
		rep.Go, count(rep.Cores, "core"), rep.Seed, rep.Radius, rep.Queries, plantedFlips, matchRounds, clusterRadius, clusters, templateFlips)
	b.WriteString("| hashes | | search | 8 variants | 10 nearest | scan | search, mapped file | hits a query | same as a scan |\n|---|---|---|---|---|---|---|---|---|\n")
	for i := range rep.Corpora {
		c := &rep.Corpora[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %.1f | %d of %d |\n", millions(c.Size), c.Name, c.Search.digits(4),
			c.Variants.digits(3), c.Nearest.digits(3), c.Scan.digits(3), c.Mapped.digits(4), c.Hits, c.Checked, c.Checked)
	}
	b.WriteString("\n| hashes | | build, s | live inserts a second | bytes a hash beside the hash | index, GB | process, GB | snapshot, GB | write, s | open, s |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for i := range rep.Corpora {
		c := &rep.Corpora[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.1f | %.3f | %.3f | %.3f | %s | %s |\n", millions(c.Size), c.Name, c.Build.digits(2),
			c.InsertRate.digits(0), float64(c.Bytes)/float64(c.Size)-32, gigabytes(c.Bytes), gigabytes(c.RSS), gigabytes(c.Snapshot),
			c.Write.digits(2), c.Open.digits(2))
	}
	if rep.Peer {
		rep.writePeers(&b)
	}
	return b.String()
}

func (rep *MatchIndexReport) writePeers(b *strings.Builder) {
	b.WriteString("\nThe same hashes and a few of the queries in the same run, and how many times faster the index and its scan are:\n\n" +
		"| hashes | | peer | ms | search | scan |\n|---|---|---|---|---|---|\n")
	for i := range rep.Corpora {
		c := &rep.Corpora[i]
		for _, p := range c.Peers {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %.1f | %.2f |\n", millions(c.Size), c.Name, p.Name, p.MS.digits(3),
				float64(p.MS/c.Search), float64(p.MS/c.Scan))
		}
	}
}

func gigabytes(n int64) float64 { return float64(n) / 1e9 }

func millions(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%g M", float64(n)/1e6)
	}
	return fmt.Sprintf("%g k", float64(n)/1e3)
}

// SVG draws how the time of a search grows with the number of hashes, for random
// ones, against comparing with every hash.
func (rep *MatchIndexReport) SVG() string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="520" height="450" viewBox="0 0 520 450" font-family="sans-serif" font-size="11">` + "\n")
	b.WriteString(`<rect width="520" height="450" fill="#fff"/>` + "\n")
	p := &panel{70, 30, 420, 330, 5.8, 7.9, -2, 3, &b}
	p.frame(fmt.Sprintf("one search within %d bits, one core", rep.Radius), "hashes, logarithm to base 10", "milliseconds", "10^%.0f", .5, 1)
	lines := map[string][][2]float64{}
	order := []string{"index", "our scan"}
	for i := range rep.Corpora {
		c := &rep.Corpora[i]
		if c.Name != "random" {
			continue
		}
		at := func(name string, ms Number) {
			lines[name] = append(lines[name], [2]float64{math.Log10(float64(c.Size)), math.Log10(float64(ms))})
		}
		at("index", c.Search)
		at("our scan", c.Scan)
		for _, peer := range c.Peers {
			if lines[peer.Name] == nil {
				order = append(order, peer.Name)
			}
			at(peer.Name, peer.MS)
		}
	}
	for i, name := range order {
		colour := plotColours[(i+1)%len(plotColours)]
		p.curve(colour, lines[name])
		p.dots(colour, lines[name])
		x := float64(70 + 145*(i%3))
		y := float64(420 + 16*(i/3))
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/><text x="%.1f" y="%.1f">%s</text>`+"\n", x, y-4, colour, x+9, y, name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}
