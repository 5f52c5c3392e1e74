package attack

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	base "github.com/kycmark/kycmark/internal/attack"
)

// An Alteration changes places of a picture, as leak channels and forgers do, and leaves the rest.
type Alteration struct {
	Name  string // as in tables: also the word of the findings for what it does
	About string // one line for people

	run func(r *rand.Rand, p *image.NRGBA) []image.Rectangle
}

// Alterations returns all alterations.
func Alterations() []Alteration {
	return []Alteration{
		{"caption", "a band of 20 px in 640 over the upper or lower edge, with a channel's name", caption},
		{"tag", "a channel's name across the picture, in one colour, opaque or not", tag},
		{"field", "a printed field, at most 5 % of the area, with other text in its place", field},
		{"bar", "one to three bars, 10 % of the area at most: black, white or blurred", bars},
		{"sticker", "a face of many colours, 2 to 5 % of the area", sticker},
		{"border", "a border of 2 to 8 % in one colour, with a caption below in half of the cases", nil},
	}
}

// Apply returns an altered copy of p, and the places of p that show something else. A border is
// put around the picture: it has no place. The result depends only on p, the alteration and seed.
func (a Alteration) Apply(p *image.NRGBA, seed uint64) (*image.NRGBA, []image.Rectangle) {
	r := Random("alter "+a.Name, seed)
	if a.run == nil {
		return around(r, p), nil
	}
	out := imaging.Clone(p)
	return out, a.run(r, out)
}

// channels are names of channels.
var channels = [...]string{"t.me/fresh_docs_2024", "@leakbase_original", "join t.me/+kyc_dump", "more at: docs-market"}

// drawn returns one of several values.
func drawn[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// caption lays a band with a line of text over p, along its upper or lower edge. The band is black,
// white or coloured, and opaque in two of three cases.
func caption(r *rand.Rand, p *image.NRGBA) []image.Rectangle {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	high := max(12, base.LongSide(p)*20/640)
	box := image.Rect(0, 0, w, high)
	if r.IntN(2) == 0 {
		box = box.Add(image.Pt(0, h-high))
	}
	band := drawn(r, base.Grey(0), base.Grey(255), color.NRGBA{36, 129, 204, 255})
	blend(p, box, band, drawn(r, 255, 255, 150))
	text := drawn(r, channels[:]...)
	ink := base.Grey(255)
	if band == ink {
		ink = base.Grey(0)
	}
	base.Write(p, text, int(Uniform(r, .02, .4)*float64(w)), box.Max.Y-high*3/10, min(w/2, high*len(text)*5/12), high*45/100, 2, ink)
	return []image.Rectangle{box}
}

// blend lays an opaque colour over a box of p, with a weight of 0 to 255.
func blend(p *image.NRGBA, box image.Rectangle, c color.NRGBA, alpha int) {
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := p.Pix[p.PixOffset(box.Min.X, y):][:4*box.Dx()]
		for i := 0; i < len(row); i += 4 {
			for k, v := range [3]uint8{c.R, c.G, c.B} {
				row[i+k] = uint8((int(row[i+k])*(255-alpha) + int(v)*alpha + 127) / 255)
			}
		}
	}
}

// tag writes a channel's name on p, a third to three quarters as wide as p.
func tag(r *rand.Rand, p *image.NRGBA) []image.Rectangle {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	text := drawn(r, channels[:]...)
	width := int(Uniform(r, .33, .75) * float64(w))
	capital := max(6, width*9/(7*len(text)))
	x, y := r.IntN(w-width), 2*capital+r.IntN(h-3*capital)
	over := imaging.Clone(p)
	base.Write(over, text, x, y, width, capital, 3, drawn(r, base.Grey(255), color.NRGBA{220, 40, 40, 255}, base.Grey(0)))
	box := image.Rect(x, y-capital-1, x+width, y+capital/3).Intersect(p.Rect)
	alpha := drawn(r, 1, .5)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for i := p.PixOffset(box.Min.X, y); i < p.PixOffset(box.Max.X, y); i++ {
			p.Pix[i] = uint8(alpha*float64(over.Pix[i]) + (1-alpha)*float64(p.Pix[i]) + .5)
		}
	}
	return []image.Rectangle{box}
}

// field paints over the one of some places of p that has the most detail, in the colour around it,
// and prints other text there.
func field(r *rand.Rand, p *image.NRGBA) []image.Rectangle {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	luma := imaging.Grayscale(p)
	var best image.Rectangle
	roughest := -1.0
	for range 12 {
		bw, bh := int(Uniform(r, .15, .45)*float64(w)), int(Uniform(r, .04, .1)*float64(h))
		x, y := r.IntN(w-bw), r.IntN(h-bh)
		box := image.Rect(x, y, x+bw, y+bh)
		if d := roughness(luma, box) / math.Sqrt(float64(bw*bh)); d > roughest {
			best, roughest = box, d
		}
	}
	paper := lightest(luma, p, best)
	base.Fill(p, best, paper)
	text := drawn(r, "MARTINEZ", "14.03.1987", "K9380412X", "ANNA SOFIE")
	capital := best.Dy() * 6 / 10
	base.Write(p, text, best.Min.X+best.Dx()/30, best.Max.Y-best.Dy()/5, min(best.Dx()*9/10, capital*len(text)), capital, 2, base.Grey(uint8(20+r.IntN(40))))
	return []image.Rectangle{best}
}

// roughness returns the sum of the differences of neighbours in a box of the grey picture p.
func roughness(p *image.NRGBA, box image.Rectangle) float64 {
	sum := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := p.Pix[p.PixOffset(box.Min.X, y):][:4*box.Dx()]
		for i := 4; i < len(row); i += 4 {
			d := int(row[i]) - int(row[i-4])
			sum += max(d, -d)
		}
	}
	return float64(sum)
}

// lightest returns the colour of p at the pixel of a box at which luma is at its upper decile.
func lightest(luma, p *image.NRGBA, box image.Rectangle) color.NRGBA {
	var count [256]int
	at := [256]image.Point{}
	n := 0
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			v := luma.Pix[luma.PixOffset(x, y)]
			count[v]++
			at[v] = image.Pt(x, y)
			n++
		}
	}
	v, above := 255, 0
	for ; v > 0 && above+count[v] < n/10; v-- {
		above += count[v]
	}
	return p.NRGBAAt(at[v].X, at[v].Y)
}

// bars covers one to three places of p, each with black, white, or what was there much blurred.
func bars(r *rand.Rand, p *image.NRGBA) (all []image.Rectangle) {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	n := 1 + r.IntN(3)
	soft := imaging.Resize(imaging.Resize(p, max(1, w/40), 0, imaging.Box), w, h, imaging.Linear)
	how := r.IntN(3)
	for range n {
		bw, bh := int(Uniform(r, .15, .5)*float64(w)), int(Uniform(r, .04, .066)*float64(h))
		box := image.Rect(0, 0, bw, bh).Add(image.Pt(r.IntN(w-bw), r.IntN(h-bh)))
		switch how {
		case 0:
			base.Fill(p, box, base.Grey(0))
		case 1:
			base.Fill(p, box, base.Grey(255))
		default:
			base.Paste(p, imaging.Crop(soft, box), box.Min.X, box.Min.Y)
		}
		all = append(all, box)
	}
	return all
}

// sticker draws a laughing face on p, with a dark rim, eyes and a mouth.
func sticker(r *rand.Rand, p *image.NRGBA) []image.Rectangle {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	radius := math.Sqrt(Uniform(r, .02, .05) * float64(w*h) / 4)
	d := int(2 * radius)
	x0, y0 := r.IntN(w-d), r.IntN(h-d)
	for y := range d {
		for x := range d {
			u, v := (float64(x)+.5)/radius-1, (float64(y)+.5)/radius-1
			c := color.NRGBA{255, uint8(205 - 40*v), 60, 255}
			switch q := u*u + v*v; {
			case q > 1:
				continue
			case q > .86:
				c = color.NRGBA{190, 110, 20, 255}
			case math.Hypot(math.Abs(u)-.35, v+.25) < .15, v > .2 && q < .5 && v < .5:
				c = color.NRGBA{90, 40, 20, 255}
			case v > .5 && q < .45:
				c = color.NRGBA{230, 60, 80, 255}
			}
			p.SetNRGBA(x0+x, y0+y, c)
		}
	}
	return []image.Rectangle{image.Rect(x0, y0, x0+d, y0+d)}
}

// around returns p within a border.
func around(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	b, below := int(Uniform(r, .02, .08)*float64(base.LongSide(p))), 0
	if r.IntN(2) == 0 {
		below = max(14, base.LongSide(p)/25)
	}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	colour := drawn(r, base.Grey(255), base.Grey(0), color.NRGBA{200, 30, 40, 255})
	out := imaging.New(w+2*b, h+2*b+below, colour)
	base.Paste(out, p, b, b)
	if below > 0 {
		text := drawn(r, channels[:]...)
		ink := base.Grey(255)
		if colour == ink {
			ink = base.Grey(0)
		}
		base.Write(out, text, b, h+b+below*7/10, min(w/2, below*len(text)*5/12), below*45/100, 2, ink)
	}
	return out
}
