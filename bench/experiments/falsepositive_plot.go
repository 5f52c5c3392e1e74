package experiments

import (
	"fmt"
	"math"
	"strings"
)

// A panel is one plot of a picture: its place, and what its edges stand for.
type panel struct {
	x, y, w, h             float64 // pixels
	left, right, low, high float64 // values
	b                      *strings.Builder
}

func (p *panel) at(x, y float64) (float64, float64) {
	return p.x + p.w*(x-p.left)/(p.right-p.left), p.y + p.h - p.h*(y-p.low)/(p.high-p.low)
}

func (p *panel) inside(x, y float64) bool {
	return x >= p.left && x <= p.right && y >= p.low && y <= p.high
}

// frame draws the box, the marks every dx and dy, and what stands beside it.
func (p *panel) frame(title, across, up, style string, dx, dy float64) {
	fmt.Fprintf(p.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="none" stroke="#888"/>`+"\n", p.x, p.y, p.w, p.h)
	p.text(p.x+p.w/2, p.y-10, "middle", title)
	p.text(p.x+p.w/2, p.y+p.h+34, "middle", across)
	fmt.Fprintf(p.b, `<text transform="translate(%.1f %.1f) rotate(-90)" text-anchor="middle">%s</text>`+"\n", p.x-48, p.y+p.h/2, up)
	for v := math.Ceil(p.left/dx-1e-9) * dx; v <= p.right+1e-9; v += dx {
		x, _ := p.at(v, p.low)
		p.line(x, p.y+p.h, x, p.y+p.h+4)
		p.text(x, p.y+p.h+17, "middle", fmt.Sprintf("%.4g", v))
	}
	for v := math.Ceil(p.low/dy-1e-9) * dy; v <= p.high+1e-9; v += dy {
		_, y := p.at(p.left, v)
		p.line(p.x-4, y, p.x, y)
		p.text(p.x-7, y+4, "end", fmt.Sprintf(style, v))
	}
}

func (p *panel) text(x, y float64, anchor, s string) {
	fmt.Fprintf(p.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, s)
}

func (p *panel) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(p.b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="#888"/>`+"\n", x1, y1, x2, y2)
}

// curve joins the points that lie inside.
func (p *panel) curve(colour string, points [][2]float64) {
	var d strings.Builder
	pen := "M"
	for _, q := range points {
		if !p.inside(q[0], q[1]) {
			pen = "M"
			continue
		}
		x, y := p.at(q[0], q[1])
		fmt.Fprintf(&d, "%s%.1f %.1f", pen, x, y)
		pen = "L"
	}
	fmt.Fprintf(p.b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", d.String(), colour)
}

func (p *panel) dots(colour string, points [][2]float64) {
	for _, q := range points {
		if p.inside(q[0], q[1]) {
			x, y := p.at(q[0], q[1])
			fmt.Fprintf(p.b, `<circle cx="%.1f" cy="%.1f" r="2.2" fill="%s" fill-opacity=".7"/>`+"\n", x, y, colour)
		}
	}
}

var plotColours = [nullKinds]string{"#777777", "#0072b2", "#e69f00", "#009e73", "#cc79a7"}

// SVG draws what the cheap trials measured: correlations of pictures against those
// of white noise, quantile by quantile, and the tails of both statistics against
// their predictions.
func (n *NullReport) SVG() string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="1180" height="420" viewBox="0 0 1180 420" font-family="sans-serif" font-size="11">` + "\n")
	b.WriteString(`<rect width="1180" height="420" fill="#fff"/>` + "\n")
	n.plotQuantiles(&panel{60, 30, 310, 310, .5, .65, .5, .65, &b})
	n.plotTail(&panel{450, 30, 310, 310, .52, .65, -8, 0, &b}, codeWordTail,
		"tail of the correlation", "correlation", .02, func(k *NullCount) *Distribution { return &k.Correlation })
	n.plotTail(&panel{840, 30, 310, 310, 3.5, 6.5, -8, 0, &b}, agreementTail,
		"tail of the pilots' agreement", "agreement z", .5, func(k *NullCount) *Distribution { return &k.Agreement })
	for kind := range nullKinds {
		x := float64(60 + 220*kind)
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="398" r="4" fill="%s"/><text x="%.1f" y="402">%s</text>`+"\n", x, plotColours[kind], x+9, nullNames[kind])
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// plotQuantiles sets each kind's quantiles over those of white noise.
func (n *NullReport) plotQuantiles(p *panel) {
	p.frame("quantiles; the line is equality, the cross the threshold", "correlation with white noise", "correlation with pictures", "%.2f", .02, .02)
	p.curve("#000", [][2]float64{{p.left, p.low}, {p.right, p.high}})
	p.curve("#d55e00", [][2]float64{{.62, p.low}, {.62, p.high}})
	p.curve("#d55e00", [][2]float64{{p.left, .62}, {p.right, .62}})
	noise := n.Kinds[onNoise].Correlation.Quantiles
	for kind := onUnmarked; kind < nullKinds; kind++ {
		var points [][2]float64
		for i, v := range n.Kinds[kind].Correlation.Quantiles {
			if i < len(noise) {
				points = append(points, [2]float64{float64(noise[i]), float64(v)})
			}
		}
		p.dots(plotColours[kind], points)
	}
}

// plotTail sets the share of trials that exceed a value over the value.
func (n *NullReport) plotTail(p *panel, tail func(float64) float64, title, across string, dx float64, of func(*NullCount) *Distribution) {
	p.frame(title+"; the line is the prediction", across, "share of trials that exceed it", "10^%.0f", dx, 1)
	var line [][2]float64
	for i := range 301 {
		v := p.left + (p.right-p.left)*float64(i)/300
		line = append(line, [2]float64{v, math.Log10(tail(v))})
	}
	p.curve("#000", line)
	for kind := range nullKinds {
		var points [][2]float64
		for i, v := range of(&n.Kinds[kind]).Quantiles {
			points = append(points, [2]float64{float64(v), -float64(i) / quantilesADecade})
		}
		p.dots(plotColours[kind], points)
	}
}
