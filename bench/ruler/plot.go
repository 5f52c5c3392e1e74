package ruler

import (
	"bytes"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Plot draws trials as points, one series for each value of the label By.
type Plot struct {
	Name   string
	Title  string
	X, Y   string // titles of the axes
	Log    bool   // both axes are logarithmic
	Where  func(*Trial) bool
	By     string
	Points func(Group) [][2]float64 // of a series
	Line   func(x float64) float64  // drawn beside the points, such as a prediction; may be nil
}

// colours of series, told apart by readers of every colour vision (Okabe and Ito 2008).
func colours() []color.RGBA {
	return []color.RGBA{
		{0x00, 0x72, 0xb2, 255}, {0xe6, 0x9f, 0x00, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255},
		{0xd5, 0x5e, 0x00, 255}, {0x56, 0xb4, 0xe9, 255}, {0x77, 0x77, 0x77, 255}, {0xf0, 0xe4, 0x42, 255},
	}
}

// SVG draws the plot of trials.
func (p *Plot) SVG(trials []Trial) ([]byte, error) {
	out := plot.New()
	out.Title.Text, out.X.Label.Text, out.Y.Label.Text = p.Title, p.X, p.Y
	out.Legend.Top, out.Legend.Left = true, true
	if p.Log {
		out.X.Scale, out.Y.Scale = plot.LogScale{}, plot.LogScale{}
		out.X.Tick.Marker, out.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	}
	out.Add(plotter.NewGrid())
	low, high := math.Inf(1), math.Inf(-1)
	palette := colours()
	for i, g := range group(Group(trials).Where(p.Where), []string{p.By}) {
		var points plotter.XYs
		for _, q := range p.Points(g) {
			points = append(points, plotter.XY{X: q[0], Y: q[1]})
			low, high = min(low, q[0]), max(high, q[0])
		}
		if len(points) == 0 {
			continue
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: palette[i%len(palette)], Radius: vg.Points(2), Shape: draw.CircleGlyph{}}
		out.Add(dots)
		if name := g[0].Labels[p.By]; name != "" {
			out.Legend.Add(name, dots)
		}
	}
	for _, axis := range []*plot.Axis{&out.X, &out.Y} {
		if p.Log && axis.Min == axis.Max { // a single value has no range, and gonum would make one around 0
			axis.Min, axis.Max = axis.Min/2, axis.Max*2
		}
	}
	if p.Line != nil && high > low {
		line := plotter.NewFunction(p.Line)
		line.XMin, line.XMax, line.Samples = low, high, 200
		out.Add(line)
	}
	canvas := vgsvg.New(14*vg.Centimeter, 11*vg.Centimeter)
	out.Draw(draw.New(canvas))
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
