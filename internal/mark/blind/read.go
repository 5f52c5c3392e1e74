// Package blind finds and reads marks with the key alone. A leak is whitened. The stages of search.go propose maps
// under which the pilots lie in it. The message is decoded under each map on which the pilots agree.
package blind

import (
	"cmp"
	"context"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
)

// A reader searches one leak for the marks of one key: its aligner finds places, at which its decoder reads.
type reader struct {
	aligner
	decoder
	ctx context.Context

	rankings map[fieldRanking][]spectrum.Candidate
	left     map[ranking][]hit // that were found worth a look and not read
}

// newReader returns a reader that looks for one mark of kd in l. It shares l with other
// readers, so that only one of them may run at a time.
func newReader(ctx context.Context, l *leak, kd *Keys) *reader {
	return &reader{
		aligner: aligner{leak: l, kd: kd, f: kd.MarkFrequencies()[:]}, decoder: decoder{payload: &kd.Payload, want: 1},
		ctx: ctx, rankings: map[fieldRanking][]spectrum.Candidate{}, left: map[ranking][]hit{},
	}
}

// search runs stages in their order, each for all readers, up to the end of the stage in which a reader finds a mark.
// By then the other readers have searched as thoroughly. It then looks for their marks alongside the found mark. Finds
// are in the readers' found. The error is ctx's; no mark found is no error.
func search(readers []*reader, stages []stage) error {
	for _, s := range stages {
		if err := s.try(readers); err != nil {
			return err
		}
		if slices.ContainsFunc(readers, func(r *reader) bool { return len(r.found) > 0 }) {
			break
		}
	}
	return alongside(readers)
}

// readOn looks for more marks of the same key after a mark was read, in other places of the torus: a copy that was
// marked again carries several. It mutes each mark read and runs the two cheapest stages, until they find no further
// mark or the checks are used up. It adds to r.found. The error is ctx's.
func (r *reader) readOn() error {
	for len(r.found) == r.want && r.checks < code.CheckBudget {
		r.mute(r.found[len(r.found)-1])
		r.want++
		for _, try := range [...]func(*reader) error{(*reader).likely, (*reader).obvious} {
			if err := try(r); err != nil {
				return err
			}
			if r.done() {
				break
			}
		}
	}
	return nil
}

// mute takes the pilots of a mark that was read out of the reader's peak maps, so that the search
// finds other marks. It changes a copy of the leak: other readers keep their maps. Rankings and
// left hits are forgotten, since they belong to the old maps.
func (r *reader) mute(found *reading) {
	own := *r.leak
	own.forgetMaps()
	m := found.m
	for i := range r.fields {
		own.maps[i] = r.leak.peaks(i, false).Without(r.f, [4]float64{m[0], m[3], m[1], m[4]})
	}
	r.leak = &own
	clear(r.rankings)
	clear(r.left)
}

// A Detection is what was found of one key's marks in a leak.
type Detection struct {
	Key         int // number of the key that was looked for
	Found       bool
	ID          uint64
	LogPFA      float64 // log10 P(a picture without a mark of this key reads as marked), search included
	Checks      int     // 32-bit checks made in the search
	Sync        float64 // strongest agreement of the pilots on a place: 8 at most, noise below about 5.4
	Correlation float64 // of the message's code with what was read, 0..1
	Scale       float64 // leak pixels a mark pixel
	Rotation    float64 // degrees
	Mirrored    bool
	Quad        [4]geometry.Point // corners of the part of the leak where the evidence lies
	Transform   geometry.Mat      // leak pixels to mark pixels
}

// Detect reads the mark of one key out of a leak, by all stages of the search. Found is false if there is no mark that
// can be read. The error wraps ErrTooSmall or ErrTooLarge of package pattern, or is ctx's.
func Detect(ctx context.Context, img image.Image, kd *Keys) (*Detection, error) {
	l, err := newLeak(img)
	if err != nil {
		return nil, err
	}
	return detect(newReader(ctx, l, kd))
}

// Sought is [Detect] of a picture that should carry the mark of id. place leads from its pixels to mark pixels. If what is
// read there correlates with the code of id by less than enough, Sought does not search. It returns that correlation alone.
func Sought(ctx context.Context, img image.Image, kd *Keys, id uint64, place geometry.Mat, enough float64) (*Detection, error) {
	l, err := newLeak(img)
	if err != nil {
		return nil, err
	}
	soft, energy := kd.softSum(l.carriers, tracked{m: place.Mul(geometry.PixelScale(1/l.scale[0], 1/l.scale[1]))}, 1, 1)
	sum := 0.0
	for j, sign := range kd.Payload.Encode(id) {
		sum += float64(float64(sign) * soft[j])
	}
	if at := sum / math.Sqrt(float64(energy*code.CodedN)+1e-20); at < enough {
		return &Detection{Correlation: at}, nil
	}
	return detect(newReader(ctx, l, kd))
}

// detect is [Detect] by a reader.
func detect(r *reader) (*Detection, error) {
	if err := search([]*reader{r}, stages[:]); err != nil {
		return nil, err
	}
	if len(r.found) == 0 {
		return &Detection{Checks: r.checks, Sync: r.bestZ}, nil
	}
	return r.report(r.found[0]), nil
}

// Clear reads a picture that should carry the mark of id, at half the size and without roundings: luma of an *image.Gray, and
// both carriers of a picture in colours. It reads under the first of the four likeliest maps on which the pilots agree
// strongly, not refined. It returns the mark of id if that has a correlation of enough or more, and else nil. Detect sees
// more of the picture and tries these maps first. So it reads such a mark too, unless an older mark of the key comes before.
// The error is that of [Detect].
func Clear(ctx context.Context, img image.Image, kd *Keys, id uint64, enough float64) (*Detection, error) {
	var l *leak
	var err error
	if gray, is := img.(*image.Gray); is {
		l, err = newGrayLeak(gray)
	} else if l, err = newPlainLeak(img); err == nil {
		l.colour()
	}
	if err != nil {
		return nil, err
	}
	i := len(l.fields) - 1
	r := newReader(ctx, l.halved(), kd)
	best := r.ranked(i, r.wholePicture())
	for _, c := range best[:min(4, len(best))] {
		b, _ := r.peaks(i, true).Climb(r.f, c.B, .001, .0005, .00025)
		if s := r.shiftIn(i, b); s.z >= sureAgreement {
			r.forgetMaps() // to save memory
			r.decode(tracked{m: s.toMatrix(b)}, s, 2)
			if len(r.found) > 0 && r.found[0].id == id && r.found[0].correlation >= enough {
				return r.report(r.found[0]), ctx.Err()
			}
			break
		}
	}
	return nil, ctx.Err()
}

// DetectAll reads the marks of all keys out of a leak, the strongest correlation first. Key of a detection is the index
// in keys. It returns only marks that were found, several of one key if a copy was marked again. unread has for each
// key what was seen and not read. Both are nil without keys. It returns the errors of [Detect].
func DetectAll(ctx context.Context, img image.Image, keys []*Keys) (all []*Detection, unread []*Unread, err error) {
	return detectAll(ctx, img, keys, stages[:])
}

// Skim is [DetectAll] by the cheapest stages, for pictures of all or nearly all of a copy, as a recipient sends it.
func Skim(ctx context.Context, img image.Image, keys []*Keys) (all []*Detection, unread []*Unread, err error) {
	return detectAll(ctx, img, keys, stages[:skimmed])
}

// detectAll is [DetectAll] by some stages.
func detectAll(ctx context.Context, img image.Image, keys []*Keys, stages []stage) (all []*Detection, unread []*Unread, err error) {
	l, err := newLeak(img)
	if err != nil || len(keys) == 0 {
		return nil, nil, err
	}
	readers := make([]*reader, len(keys))
	for i, kd := range keys {
		readers[i] = newReader(ctx, l, kd)
	}
	if err := search(readers, stages); err != nil {
		return nil, nil, err
	}
	for i, r := range readers {
		if err := r.readOn(); err != nil {
			return nil, nil, err
		}
		for _, f := range r.found {
			d := r.report(f)
			d.Key = i
			all = append(all, d)
		}
		unread = append(unread, r.unread())
	}
	slices.SortStableFunc(all, func(a, b *Detection) int { return cmp.Compare(b.Correlation, a.Correlation) })
	return all, unread, nil
}

// report returns a reading in terms of the leak's own pixels, with the best agreement of the search.
func (r *reader) report(found *reading) *Detection {
	d := r.frame().report(found)
	d.Checks, d.Sync = r.checks, r.bestZ
	return d
}

// A frame is what the place of a reading is stated in: the size of the shrunk leak and its scale.
type frame struct {
	w, h  int
	scale [2]float64
}

func (l *leak) frame() frame { return frame{l.carriers[0].W, l.carriers[0].H, l.scale} }

// report returns a reading in terms of the leak's own pixels: scale, turn and corners at the middle
// of the evidence. If the map has no inverse, place and scale remain zero.
func (in frame) report(found *reading) *Detection {
	d := &Detection{Found: true, ID: found.id, LogPFA: found.logPFA, Correlation: found.correlation}
	m := found.m.Mul(geometry.PixelScale(in.scale[0], in.scale[1]))
	inv, ok := m.Inverse()
	if !ok {
		return d
	}
	b := found.box
	if b == [4]float64{} {
		w := markWindow(found.m, in.w, in.h, found.centre)
		b = [4]float64{float64(w.u), float64(w.v), float64(w.u + w.w), float64(w.v + w.h)}
	}
	lo, hi := geometry.Point{X: math.Inf(1), Y: math.Inf(1)}, geometry.Point{X: math.Inf(-1), Y: math.Inf(-1)}
	for _, c := range [4]geometry.Point{{X: b[0], Y: b[1]}, {X: b[2], Y: b[1]}, {X: b[2], Y: b[3]}, {X: b[0], Y: b[3]}} {
		p := inv.Apply(c)
		lo.X, lo.Y, hi.X, hi.Y = math.Min(lo.X, p.X), math.Min(lo.Y, p.Y), math.Max(hi.X, p.X), math.Max(hi.Y, p.Y)
	}
	w, h := float64(in.w)/in.scale[0], float64(in.h)/in.scale[1]
	within := func(v, end float64) float64 { return math.Min(math.Max(v, 0), end) }
	lo.X, lo.Y, hi.X, hi.Y = within(lo.X, w), within(lo.Y, h), within(hi.X, w), within(hi.Y, h)
	d.Quad = [4]geometry.Point{lo, {X: hi.X, Y: lo.Y}, hi, {X: lo.X, Y: hi.Y}}
	// the linear part at the middle of the evidence, mark to leak
	c := geometry.Point{X: (b[0] + b[2]) / 2, Y: (b[1] + b[3]) / 2}
	o, px, py := inv.Apply(c), inv.Apply(geometry.Point{X: c.X + 1, Y: c.Y}), inv.Apply(geometry.Point{X: c.X, Y: c.Y + 1})
	ax, ay, bx, by := px.X-o.X, px.Y-o.Y, py.X-o.X, py.Y-o.Y
	det := float64(ax*by) - float64(ay*bx)
	d.Scale, d.Mirrored = math.Sqrt(math.Abs(det)), det < 0
	d.Rotation = math.Atan2(ay, ax) * 180 / math.Pi
	d.Transform = m
	return d
}

// Keys are what follows from a mark key, and the tables that reading makes of it when
// they are first needed. They are safe for concurrent use.
type Keys struct {
	*pattern.Keys
	grids  [gridN]func() *displacements
	shifts func() *dsp.ToneGrid
}

// NewKeys returns the keys of a blind reader. The tables are computed when they are first
// needed, once, because marking needs none of them.
func NewKeys(kd *pattern.Keys) *Keys {
	k := &Keys{Keys: kd, shifts: sync.OnceValue(func() *dsp.ToneGrid { return newShiftGrid(kd) })}
	for i := range k.grids {
		k.grids[i] = sync.OnceValue(func() *displacements { return newDisplacements(kd, reaches[i], steps[i]) })
	}
	return k
}
