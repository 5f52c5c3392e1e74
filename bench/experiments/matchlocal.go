package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash/parts"
)

// ErrMatchLocal is returned for [MatchLocalOptions] that contradict themselves.
var ErrMatchLocal = errors.New("bench: bad settings of a search by local features")

// MatchLocalOptions say what [MatchLocal] measures. Only Pictures is needed.
type MatchLocalOptions struct {
	Config // Attacks: none means localAttacks; Pictures are uploads that leak

	// Sizes are the numbers of other uploads among which each leak is looked for,
	// rising. None means 1000 and 10,000.
	Sizes []int

	// Background are pictures that half of the other uploads are cut from; without
	// them all are specimens.
	Background []string

	// Extracted is how many of the other uploads are drawn or cut and looked at; the
	// rest are recombined from their features. 0 means 2000.
	Extracted int

	// Specimens is how many photographed specimens leak beside Pictures; each has
	// others of its template in the index. 0 means 10, less than 0 none.
	Specimens int

	// Strangers are pictures that are in no index; drawn ones are always added.
	Strangers []string

	// Repeats is how often an attack is drawn anew for a picture. 0 means 1.
	Repeats int
}

// localAttacks are what whole-picture hashes say nothing of. A collage of four
// different uploads is always added.
var localAttacks = []string{
	"crop50", "crop25", "crop10", "screenshot", "screenshot_jpeg", "redact30", "screen_photo",
	"rot17", "rot45", "mirror", "whatsapp", "thumb320", "chain_crop", "chain_reshare", "x_crop25_400_q30",
}

// collageOfFour is the name of the attack that several uploads take part in.
const collageOfFour = "collage of 4"

// MatchLocal looks for parts of uploads among others. A leak counts as found when
// its upload is among the matches listed.
//
// The error is [ErrNoPictures], [ErrMatchLocal], [attack.ErrUnknown], that of a
// picture that cannot be read, or that of ctx.
func MatchLocal(ctx context.Context, opt MatchLocalOptions) (*MatchLocalReport, error) {
	if len(opt.Attacks) == 0 {
		opt.Attacks = localAttacks
	}
	attacks, err := opt.begin()
	if err != nil {
		return nil, err
	}
	if len(opt.Sizes) == 0 {
		opt.Sizes = []int{1000, 10000}
	}
	opt.Extracted, opt.Repeats = cmp.Or(opt.Extracted, 2000), cmp.Or(opt.Repeats, 1)
	opt.Specimens = max(0, cmp.Or(opt.Specimens, 10))
	if !slices.IsSorted(opt.Sizes) || opt.Sizes[0] < 1 || opt.Extracted < 2 || opt.Repeats < 1 {
		return nil, fmt.Errorf("%w: sizes %v, %d extracted, %d repeats", ErrMatchLocal, opt.Sizes, opt.Extracted, opt.Repeats)
	}
	run := &localRun{opt: &opt, attacks: attacks, report: &MatchLocalReport{Seed: opt.Seed, MaxSide: opt.MaxSide, Sizes: opt.Sizes}}
	for _, step := range []func(context.Context) error{run.load, run.fill, run.leak, run.strangers} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return run.report, nil
}

// localRun is one measurement under way.
type localRun struct {
	opt     *MatchLocalOptions
	attacks []attack.Attack
	uploads []localUpload
	indexes []*parts.Index // by size
	report  *MatchLocalReport
}

// A localUpload is an upload that leaks.
type localUpload struct {
	name     string
	image    *image.NRGBA
	seed     uint64
	features *parts.Features
}

func (r *localRun) load(ctx context.Context) error {
	var decode, extract []float64
	for _, path := range r.opt.Pictures {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		start := time.Now()
		p, err := r.opt.Config.load(path)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", path, err)
		}
		decode = append(decode, sinceMS(start))
		r.uploads = append(r.uploads, localUpload{name: short(path), image: p.Image, seed: r.opt.draw("attack", p.SHA256)})
	}
	for i := range r.opt.Specimens {
		kind := specimen.Templates()[i%len(specimen.Templates())]
		doc := specimen.Render(kind, specimen.NewPerson(leakedPerson+uint64(i)), 1200)
		r.uploads = append(r.uploads, localUpload{
			name: fmt.Sprintf("specimen %d, %v", i, kind), image: specimen.Photograph(doc, r.opt.Seed+uint64(i), 1600, 1200), seed: r.opt.Seed + uint64(i),
		})
	}
	bytes := 0
	for i := range r.uploads {
		u := &r.uploads[i]
		start := time.Now()
		f, err := parts.Extract(u.image)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", u.name, err)
		}
		extract = append(extract, sinceMS(start))
		u.features = f
		data, err := f.MarshalBinary()
		if err != nil {
			return fmt.Errorf("bench: %s: %w", u.name, err)
		}
		bytes = max(bytes, len(data))
		r.report.Uploads = append(r.report.Uploads, LocalUpload{u.name, u.image.Rect.Dx(), u.image.Rect.Dy(), f.Len(), []string{}})
	}
	r.report.DecodeMS, r.report.ExtractMS, r.report.BytesAtRest = spreadOf(decode), spreadOf(extract), bytes
	return nil
}

// leakedPerson is the first of the persons whose specimens leak; distractors have
// others.
const leakedPerson = 1 << 40

// fill makes an index for each size, of the uploads and so many others.
func (r *localRun) fill(ctx context.Context) error {
	others := &distractors{opt: r.opt}
	r.indexes = make([]*parts.Index, len(r.opt.Sizes))
	for i := range r.indexes {
		r.indexes[i] = &parts.Index{}
		for k := range r.uploads {
			if err := r.indexes[i].Add(int64(k), r.uploads[k].features); err != nil {
				return err
			}
		}
	}
	most, largest := r.opt.Sizes[len(r.opt.Sizes)-1], r.indexes[len(r.indexes)-1]
	var before, after runtime.MemStats
	if err := others.extract(ctx, min(most, r.opt.Extracted)); err != nil {
		return err
	}
	r.report.Extracted, r.report.Kinds = len(others.made), others.kinds
	runtime.GC()
	runtime.ReadMemStats(&before)
	var spent time.Duration
	for n := range most {
		if n%1000 == 0 && ctx.Err() != nil {
			return stopped(ctx)
		}
		f, err := others.at(n)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := largest.Add(int64(len(r.uploads)+n), f); err != nil {
			return err
		}
		spent += time.Since(start)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	r.report.BytesInRAM = int(after.HeapAlloc-before.HeapAlloc) / most
	r.report.AddUS = Number(spent.Seconds() * 1e6 / float64(most))
	for i, x := range r.indexes[:len(r.indexes)-1] {
		for n := range r.opt.Sizes[i] {
			f, err := others.at(n)
			if err != nil {
				return err
			}
			if err := x.Add(int64(len(r.uploads)+n), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// leak attacks every upload in every way and looks for it.
func (r *localRun) leak(ctx context.Context) error {
	total, done := len(r.uploads)*(len(r.attacks)+1)*r.opt.Repeats, 0
	r.report.Attacks = make([]LocalAttack, len(r.attacks)+1)
	for i := range r.report.Attacks {
		a := &r.report.Attacks[i]
		a.Sizes = make([]LocalCount, len(r.indexes))
		if i < len(r.attacks) {
			a.Name, a.Group = r.attacks[i].Name, r.attacks[i].Group
		} else {
			a.Name, a.Group = collageOfFour, "capture"
		}
	}
	for i := range r.uploads {
		for k := range r.report.Attacks {
			for n := range r.opt.Repeats {
				if ctx.Err() != nil {
					return stopped(ctx)
				}
				leak, shown := r.leakOf(i, k, uint64(n))
				if err := r.look(ctx, &r.report.Attacks[k], leak, shown); err != nil {
					return err
				}
				if done++; r.opt.Progress != nil {
					r.opt.Progress(done, total)
				}
			}
		}
	}
	r.report.finish()
	return nil
}

// leakOf makes leak n of upload i by attack k, and says which uploads it shows.
func (r *localRun) leakOf(i, k int, n uint64) (*image.NRGBA, []int) {
	seed := r.uploads[i].seed + n
	if k < len(r.attacks) {
		return r.attacks[k].Apply(r.uploads[i].image, seed), []int{i}
	}
	var of []*image.NRGBA
	var shown []int
	for j := range min(4, len(r.uploads)) {
		at := (i + j*(1+int(n))) % len(r.uploads)
		if !slices.Contains(shown, at) {
			shown = append(shown, at)
		}
		of = append(of, r.uploads[at].image)
	}
	return collageOf(of), shown
}

// collageOf lays pictures two by two on white, at most 800 pixels each.
func collageOf(of []*image.NRGBA) *image.NRGBA {
	const side, gap = 800, 10
	out := image.NewNRGBA(image.Rect(0, 0, 2*side+3*gap, 2*side+3*gap))
	for i := range out.Pix {
		out.Pix[i] = 255
	}
	for i, m := range of {
		m = picture.Fit(m, side)
		x, y := gap+i%2*(side+gap), gap+i/2*(side+gap)
		for row := range m.Rect.Dy() {
			copy(out.Pix[out.PixOffset(x, y+row):], m.Pix[row*m.Stride:row*m.Stride+4*m.Rect.Dx()])
		}
	}
	return out
}

// look looks for a leak in every index.
func (r *localRun) look(ctx context.Context, a *LocalAttack, leak *image.NRGBA, shown []int) error {
	start := time.Now()
	q, err := parts.Examine(leak)
	if err != nil {
		return fmt.Errorf("bench: %s: %w", a.Name, err)
	}
	a.examine = append(a.examine, sinceMS(start))
	for s, x := range r.indexes {
		c := &a.Sizes[s]
		start := time.Now()
		found, err := x.Search(ctx, q, nil)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", a.Name, err)
		}
		c.search = append(c.search, sinceMS(start))
		for _, u := range shown {
			c.Tried++
			at := slices.IndexFunc(found, func(m parts.Match) bool { return m.Ref == int64(u) })
			if at < 0 {
				if s == len(r.indexes)-1 {
					r.report.Uploads[u].Missed = append(r.report.Uploads[u].Missed, a.Name)
				}
				continue
			}
			c.Found++
			c.First += one(at < len(shown))
			c.logNFA = append(c.logNFA, found[at].LogNFA)
		}
		for _, m := range found {
			if !slices.Contains(shown, int(m.Ref)) {
				c.Others++
				c.othersNFA = append(c.othersNFA, m.LogNFA)
			}
		}
	}
	return nil
}

// strangers looks for pictures that are in no index.
func (r *localRun) strangers(ctx context.Context) error {
	var all []*image.NRGBA
	for _, path := range r.opt.Strangers {
		p, err := r.opt.Config.load(path)
		if err != nil {
			return fmt.Errorf("bench: %s: %w", path, err)
		}
		all = append(all, p.Image)
	}
	for i := range uint64(drawnStrangers) {
		all = append(all, specimen.Landscape(leakedPerson+i, 800, 600))
	}
	x := r.indexes[len(r.indexes)-1]
	for _, m := range all {
		for _, leak := range append([]*image.NRGBA{m}, r.parts(m)...) {
			q, err := parts.Examine(leak)
			if err != nil {
				return fmt.Errorf("bench: stranger: %w", err)
			}
			found, err := x.Search(ctx, q, nil)
			if err != nil {
				return fmt.Errorf("bench: stranger: %w", err)
			}
			r.report.Strangers.add(found)
		}
	}
	return nil
}

// drawnStrangers is the number of drawn coasts among the strangers.
const drawnStrangers = 4

// parts are leaks of a part of a picture.
func (r *localRun) parts(m *image.NRGBA) (out []*image.NRGBA) {
	for _, name := range []string{"crop25", "screenshot"} {
		if a, err := attack.Find(name); err == nil {
			out = append(out, a.Apply(m, r.opt.Seed))
		}
	}
	return out
}

func sinceMS(start time.Time) float64 { return float64(time.Since(start)) / float64(time.Millisecond) }
