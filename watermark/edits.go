package watermark

import "github.com/kycmark/kycmark/internal/photometry"

// An Edit is a part of the original that the leak shows otherwise.
type Edit struct {
	Quad  [4]Point // pixels of the original, clockwise from the upper left
	Kind  string   // "covered": without detail in the leak; "changed": with other detail
	Score float64  // RMS difference in units of what the fit leaves elsewhere
}

// edits are changes in the original's own pixels.
func (t *Tracer) edits(changes []photometry.Change) []Edit {
	sx, sy := float64(t.sides[0])/float64(t.frame.w), float64(t.sides[1])/float64(t.frame.h)
	at := func(x, y float64) Point { return Point{float64((x + 0.5) * sx), float64((y + 0.5) * sy)} }
	var out []Edit
	for _, c := range changes {
		e := Edit{Kind: "changed", Score: c.Score, Quad: [4]Point{at(c.X0, c.Y0), at(c.X1, c.Y0), at(c.X1, c.Y1), at(c.X0, c.Y1)}}
		if c.Covered {
			e.Kind = "covered"
		}
		out = append(out, e)
	}
	return out
}
