package experiments

import (
	"fmt"
	"strings"
)

// SVG draws the quantiles of the innocents' scores, and of their payloads, against
// those of a standard normal variable. Dots below the line are smaller than normal.
func (rep *TraceReport) SVG() string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="790" height="420" viewBox="0 0 790 420" font-family="sans-serif" font-size="11">` + "\n")
	b.WriteString(`<rect width="790" height="420" fill="#fff"/>` + "\n")
	rep.plotScores(&panel{60, 30, 310, 310, -6, 6, -6, 6, &b}, "score of innocent copies", func(n *Innocents) []Quantile { return n.Scores })
	rep.plotScores(&panel{450, 30, 310, 310, -6, 6, -6, 6, &b}, "payload score of innocent copies", func(n *Innocents) []Quantile { return n.Payloads })
	for i, n := range rep.Innocents {
		x := float64(60 + 300*i)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="398" r="4" fill="%s"/><text x="%.1f" y="402">%s (%d)</text>`+"\n", x, plotColours[i+1], x+9, n.Name, n.Trials)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (rep *TraceReport) plotScores(p *panel, what string, of func(*Innocents) []Quantile) {
	p.frame("quantiles; the line is equality", "standard normal", what, "%.0f", 2, 2)
	p.curve("#000", [][2]float64{{p.left, p.low}, {p.right, p.high}})
	for i := range rep.Innocents {
		var points [][2]float64
		for _, q := range of(&rep.Innocents[i]) {
			points = append(points, [2]float64{q.Normal, float64(q.Seen)})
		}
		p.dots(plotColours[i+1], points)
	}
}
