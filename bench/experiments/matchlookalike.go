package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
)

// LookalikeConfig says how many leaks are held against uploads that they do not
// show. The zero value takes a minute or two.
type LookalikeConfig struct {
	Pictures  []string      // uploads that leak, beside what is drawn: only what is shown of them is counted
	MaxSide   int           // they are first shrunk to this long side, pixels; 0: not
	Documents int           // drawn in a part, each of another person, uploaded and leaked; 0 means 45
	Parts     int           // each with a seed of its own, counted up from Seed; 0 means 1
	Side      int           // of uploads, the long one, pixels; 0 means 1200
	Near      int           // uploads of other persons that each leak is held against; 0 means 7
	Again     int           // second captures of each photographed or scanned card
	Seed      uint64        // of the persons and of what is random in the attacks
	Workers   int           // 0 means one a processor
	Within    time.Duration // no further part is begun after this; 0: all are
	Progress  func(done, total int)
}

// The ways in which a document becomes an upload.
const (
	mediumDrawn = iota // straight from the printer's file: nothing but the person's data differs
	mediumPhoto
	mediumScan
	media
	mediumFile = media // a picture of the caller's
)

var mediumNames = [media + 1]string{"rendered", "photographed", "scanned", "files"}

// lookalikeAttacks are what leaks went through, in turn.
var lookalikeAttacks = []string{
	"none", "telegram", "whatsapp_twice", "jpeg30", "thumb320", "blur2", "noise15",
	"crop50", "rot5", "screen_photo", "persp3", "redact30", "stamp",
}

// Judged counts verdicts on leaks held against uploads.
type Judged struct {
	Medium  string  `json:"medium"`
	Pairs   int     `json:"pairs"`
	Same    int     `json:"same"`
	Unsure  int     `json:"unsure"`
	Alike   int     `json:"alike"`
	Edited  int     `json:"edited"`
	Other   int     `json:"other"`
	Apart   int     `json:"apart"` // that do not align
	Upper95 float64 `json:"same_upper_95"`
}

// LookalikeReport says what leaks were taken for.
type LookalikeReport struct {
	Seed      uint64    `json:"seed"`  // of the first part
	Parts     int       `json:"parts"` // that were run
	Side      int       `json:"side"`
	Documents int       `json:"documents"`
	Attacks   []string  `json:"attacks"`
	Own       []Judged  `json:"own"`    // leaks of the upload
	Others    []Judged  `json:"others"` // of other persons' documents of its template, the nearest by hash
	Again     []Judged  `json:"again"`  // of other captures of the same card
	Passed    []Failure `json:"passed"` // lookalikes taken for the upload
	Missed    []Failure `json:"missed"` // leaks of the upload that were not
	Broken    []Failure `json:"broken"`
	JudgeMS   Spread    `json:"judge_ms"`
}

// Lookalikes draws documents of many persons on each template, uploads and leaks
// them, and counts what is taken for the upload: leaks of it, leaks of the other
// persons' documents whose hashes are nearest, and leaks of other captures of the
// same card. The error is ctx's.
func Lookalikes(ctx context.Context, cfg LookalikeConfig) (*LookalikeReport, error) {
	cfg.Documents = cmp.Or(cfg.Documents, 45)
	cfg.Parts, cfg.Side = cmp.Or(cfg.Parts, 1), cmp.Or(cfg.Side, 1200)
	cfg.Near = cmp.Or(cfg.Near, 7)
	cfg.Workers = cmp.Or(cfg.Workers, runtime.GOMAXPROCS(0))
	r := &lookalikeRun{cfg: cfg, rep: &LookalikeReport{Seed: cfg.Seed, Side: cfg.Side, Attacks: lookalikeAttacks, Passed: []Failure{}, Missed: []Failure{}, Broken: []Failure{}}}
	for _, name := range lookalikeAttacks {
		a, err := attack.Find(name)
		if err != nil {
			return nil, err
		}
		r.attacks = append(r.attacks, a)
	}
	for m := range len(mediumNames) {
		for _, t := range []*[]Judged{&r.rep.Own, &r.rep.Others, &r.rep.Again} {
			*t = append(*t, Judged{Medium: mediumNames[m]})
		}
	}
	for start := time.Now(); r.rep.Parts < cfg.Parts; r.rep.Parts++ {
		if r.rep.Parts > 0 && cfg.Within > 0 && time.Since(start) > cfg.Within {
			break
		}
		for b, most := 0, (r.rep.Parts+1)*cfg.Documents; r.rep.Documents < most; b++ {
			if err := r.batch(ctx, b); err != nil {
				return nil, err
			}
		}
	}
	if err := r.files(ctx); err != nil {
		return nil, err
	}
	r.finish()
	return r.rep, nil
}

// files holds leaks of the caller's pictures against them.
func (r *lookalikeRun) files(ctx context.Context) error {
	load := Config{MaxSide: r.cfg.MaxSide}
	return r.each(ctx, len(r.cfg.Pictures), func(i int) error {
		path := r.cfg.Pictures[i]
		p, err := load.load(path)
		if err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.rep.Broken = append(r.rep.Broken, Failure{File: path, Error: err.Error()})
			return nil
		}
		o := capture.New(dsp.LumaNRGBA(p.Image))
		for _, a := range r.attacks {
			if err := r.judge(ctx, o, a.Apply(p.Image, r.cfg.Seed+uint64(i)), &r.rep.Own[mediumFile], short(path)+" "+a.Name, true); err != nil {
				return err
			}
		}
		return nil
	})
}

type lookalikeRun struct {
	cfg     LookalikeConfig
	attacks []attack.Attack

	mu   sync.Mutex
	rep  *LookalikeReport
	took []float64
}

// A card is one person's document.
type card struct {
	name   string
	seed   uint64
	medium int
	upload *image.NRGBA
	hash   phash.Hash
	leak   *image.NRGBA
	again  []*image.NRGBA
	turned [8]phash.Hash // of the leak
}

// batchSize is how many documents of one template and medium are held in memory.
const batchSize = 50

// batch draws documents of one template and medium and holds them against each
// other.
func (r *lookalikeRun) batch(ctx context.Context, b int) error {
	templates := specimen.Templates()
	template, medium := templates[b/media%len(templates)], b%media
	n := min(batchSize, max(r.cfg.Near+1, r.cfg.Documents/(len(templates)*media)))
	blank := specimen.NewBlank(template, r.cfg.Side*11/12)
	cards := make([]*card, n)
	err := r.each(ctx, n, func(i int) error {
		var err error
		cards[i], err = r.draw(blank, fmt.Sprintf("%s %d.%d", template, b, i), medium, uint64(b*n+i))
		return err
	})
	if err != nil {
		return err
	}
	err = r.each(ctx, n, func(i int) error { return r.hold(ctx, cards, i) })
	r.rep.Documents += n
	if r.cfg.Progress != nil && err == nil {
		all := r.cfg.Documents * r.cfg.Parts
		r.cfg.Progress(min(r.rep.Documents, all), all)
	}
	return err
}

// each calls f for 0..n-1 on all workers.
func (r *lookalikeRun) each(ctx context.Context, n int, f func(i int) error) error {
	errs := make([]error, n)
	j := job{
		pictures: n, tasks: 1,
		prepare: func(context.Context, int) bool { return true },
		task:    func(_ context.Context, i, _ int) { errs[i] = f(i) },
		release: func(int) {},
	}
	if err := j.run(ctx, r.cfg.Workers); err != nil {
		return err
	}
	return errors.Join(errs...)
}

// draw makes a person's document, its upload, and the leaks.
func (r *lookalikeRun) draw(blank *specimen.Blank, name string, medium int, i uint64) (*card, error) {
	seed := (r.cfg.Seed+uint64(r.rep.Parts))<<32 + 10*i
	page := blank.Fill(specimen.NewPerson(seed))
	c := &card{name: name, seed: seed, medium: medium, upload: taken(page, r.cfg.Side, medium, seed)}
	a := r.attacks[i%uint64(len(r.attacks))]
	c.leak = a.Apply(c.upload, seed)
	c.name += " " + a.Name
	if medium != mediumDrawn {
		for k := range r.cfg.Again {
			m := mediumPhoto + (medium-mediumPhoto+k)%2
			c.again = append(c.again, a.Apply(taken(page, r.cfg.Side, m, seed+1+uint64(k)), seed))
		}
	}
	var err error
	if c.hash, _, err = phash.Sum(phash.PDQ, c.upload); err != nil {
		return nil, err
	}
	c.turned, _, err = phash.SumTurned(phash.PDQ, c.leak)
	return c, err
}

// taken is a page as it is uploaded, at about side pixels; 1200 is what a page of 1100
// is drawn for.
func taken(page *image.NRGBA, side, medium int, seed uint64) *image.NRGBA {
	switch medium {
	case mediumPhoto:
		return specimen.Photograph(page, seed, side*16/15, side*4/5)
	case mediumScan:
		return specimen.Scan(page, seed, side, side*3/4)
	}
	return page
}

// hold judges what leaked against the upload of card i: its own leak, the second
// captures, and the leaks of the other cards that are nearest by hash.
func (r *lookalikeRun) hold(ctx context.Context, cards []*card, i int) error {
	c := cards[i]
	o := capture.New(dsp.LumaNRGBA(c.upload))
	if err := r.judge(ctx, o, c.leak, &r.rep.Own[c.medium], c.name, true); err != nil {
		return err
	}
	for _, again := range c.again {
		if err := r.judge(ctx, o, again, &r.rep.Again[c.medium], c.name+" again", false); err != nil {
			return err
		}
	}
	others := slices.DeleteFunc(slices.Clone(cards), func(x *card) bool { return x == c })
	slices.SortStableFunc(others, func(a, b *card) int { return cmp.Compare(c.distance(a), c.distance(b)) })
	for _, x := range others[:min(r.cfg.Near, len(others))] {
		if err := r.judge(ctx, o, x.leak, &r.rep.Others[c.medium], c.name+" by "+x.name, false); err != nil {
			return err
		}
	}
	return nil
}

// distance is that of another card's leak, however turned, from the upload.
func (c *card) distance(leak *card) int {
	d := c.hash.Kind.Len()
	for _, h := range leak.turned {
		d = min(d, c.hash.Distance(h))
	}
	return d
}

// judge counts one verdict and lists it where it is wrong.
func (r *lookalikeRun) judge(ctx context.Context, o *capture.Original, leak *image.NRGBA, into *Judged, name string, own bool) error {
	start := time.Now()
	s, err := o.Find(ctx, dsp.LumaNRGBA(leak))
	if err != nil {
		return err
	}
	verdict := capture.Other
	if s != nil {
		if verdict, err = s.Verdict(); err != nil {
			return err
		}
	}
	ms := float64(time.Since(start)) / float64(time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.took = append(r.took, ms)
	into.Pairs++
	switch {
	case s == nil:
		into.Apart++
	case verdict == capture.Same:
		into.Same++
	case verdict == capture.Unsure:
		into.Unsure++
	case verdict == capture.Alike:
		into.Alike++
	case verdict == capture.Edited:
		into.Edited++
	default:
		into.Other++
	}
	if own != (verdict == capture.Same) {
		f := Failure{File: name, Error: "does not align"}
		if s != nil {
			f.Error = fmt.Sprintf("%s: %+v", verdict, s.Likeness())
		}
		if own {
			r.rep.Missed = append(r.rep.Missed, f)
		} else {
			r.rep.Passed = append(r.rep.Passed, f)
		}
	}
	return nil
}

func (r *lookalikeRun) finish() {
	for _, t := range [][]Judged{r.rep.Own, r.rep.Others, r.rep.Again} {
		for i := range t {
			t[i].Upper95 = upperBound(t[i].Same, t[i].Pairs, .95)
		}
	}
	byName := func(a, b Failure) int { return cmp.Compare(a.File, b.File) }
	slices.SortFunc(r.rep.Passed, byName)
	slices.SortFunc(r.rep.Missed, byName)
	r.rep.JudgeMS = spreadOf(r.took)
}
