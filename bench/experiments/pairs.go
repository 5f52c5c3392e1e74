package experiments

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// ErrPairs is returned by [Pairs] for a state file that it cannot go on with.
var ErrPairs = errors.New("bench: bad state of pairs")

// PairsConfig says how many leaks [Pairs] traces against originals that they do not show.
// Of its Config key, attacks, seed, MaxSide (0: as drawn, 1280 pixels at most), workers and
// progress count.
type PairsConfig struct {
	Config
	Pairs  int    // at least, of leaks and other persons' originals; whole groups are made. 0 means one
	Group  int    // documents of a template and medium, each of which leaks against all others; 0 means 16
	Issued int    // copies of each original; 0 means 1000
	State  string // file that keeps what was counted, and of which an earlier run is taken up; "": none
}

// What a leak is to the original that it is traced against.
const (
	pairOther = iota // another person's document on the same template
	pairAgain        // another capture of the same card
	pairOwn          // a leak of it
	pairKinds
)

var pairNames = [pairKinds]string{"other persons' documents", "other captures of the same card", "the original's own"}

const (
	pairGroup  = 16
	pairAgains = 2 // other captures of a photographed or scanned card: one unmarked, one marked for its own upload
)

// A PairCount counts pairs of one kind.
type PairCount struct {
	Kind     int    `json:"kind"`
	Attack   string `json:"attack"`
	Marked   bool   `json:"marked"` // the leak; for its own upload
	Pairs    int    `json:"pairs"`
	Aligned  int    `json:"aligned"`  // and not seen to be another document
	Taken    int    `json:"taken"`    // for the original: registered
	Accusing int    `json:"accusing"` // a copy that is not in the leak, at 1e-6
	Named    int    `json:"named"`    // the copy that is, at 1e-9
}

// A pairLine is what the state file keeps of an original: of document Document of a group.
type pairLine struct {
	Seed     uint64      `json:"seed"`
	Group    int         `json:"group"`
	Document int         `json:"document"`
	Template string      `json:"template"`
	Medium   string      `json:"medium"`
	Counts   []PairCount `json:"counts"`
	Wrong    []Failure   `json:"wrong"`  // taken for the original, or accusing, and should not
	Missed   []Failure   `json:"missed"` // leaks of the original that were not taken for it
}

// Pairs draws documents of invented persons, a group of a template and medium at a time,
// and traces each one's leak against every other's original: same-template pairs, which
// must be refused and accuse no copy. In the same run leaks of other captures of the same
// card are traced, and leaks of the originals themselves, marked and not. The error is
// [ErrPairs], [attack.ErrUnknown], that of a file, or ctx's.
func Pairs(ctx context.Context, cfg PairsConfig) (*PairsReport, error) {
	head := pairHead{MaxSide: cfg.MaxSide, Group: cfg.Group}
	cfg.Pairs, cfg.Group, cfg.Issued = cmp.Or(cfg.Pairs, 1), cmp.Or(cfg.Group, pairGroup), cmp.Or(cfg.Issued, 1000)
	if len(cfg.Attacks) == 0 {
		cfg.Attacks = lookalikeAttacks
	}
	r := &pairRun{cfg: &cfg}
	var err error
	if r.attacks, err = cfg.attacks(); err != nil {
		return nil, err
	}
	for _, a := range r.attacks {
		head.Attacks = append(head.Attacks, a.Name)
	}
	head.Copies = cfg.Issued
	if r.key, err = cfg.key(); err != nil {
		return nil, err
	}
	state, err := openPairState(cfg.State, head)
	if err != nil {
		return nil, err
	}
	defer state.close()
	r.state = state
	for n := 0; state.pairs() < cfg.Pairs; n++ {
		if err := r.group(ctx, n); err != nil {
			return nil, err
		}
	}
	return newPairsReport(head, state.lines), nil
}

// pairRun is one measurement under way.
type pairRun struct {
	cfg     *PairsConfig
	key     *watermark.Key
	attacks []attack.Attack
	state   *pairState
}

// A pairLeak is a document and what leaks of it.
type pairLeak struct {
	name   string
	upload *image.NRGBA
	ids    []watermark.CopyID // of its copies: the first leaks
	attack string
	leaks  [2]*image.NRGBA // unmarked, marked
	again  []*image.NRGBA  // of other captures: unmarked and marked in turn
}

// group draws group n and holds its leaks against its originals, but for those that are
// done.
func (r *pairRun) group(ctx context.Context, n int) error {
	var left []int
	for i := range r.cfg.Group {
		if !r.state.has(r.cfg.Seed, n, i) {
			left = append(left, i)
		}
	}
	if len(left) == 0 {
		return nil
	}
	templates := specimen.Templates()
	template, medium := templates[n/media%len(templates)], n%media
	blank := specimen.NewBlank(template, 1100)
	docs := make([]*pairLeak, r.cfg.Group)
	err := r.each(ctx, len(docs), func(i int) (err error) {
		docs[i], err = r.draw(blank, medium, n*r.cfg.Group+i)
		return err
	})
	if err != nil {
		return err
	}
	return r.each(ctx, len(left), func(k int) error {
		var seen pairTally
		if err := r.hold(ctx, docs, left[k], &seen); err != nil {
			return err
		}
		return r.state.add(&pairLine{
			Seed: r.cfg.Seed, Group: n, Document: left[k], Template: template.String(), Medium: mediumNames[medium],
			Counts: seen.counts, Wrong: seen.wrong, Missed: seen.missed,
		}, func(pairs int) {
			if r.cfg.Progress != nil {
				r.cfg.Progress(min(pairs, r.cfg.Pairs), r.cfg.Pairs)
			}
		})
	})
}

// each calls f for 0..n-1 on all workers.
func (r *pairRun) each(ctx context.Context, n int, f func(i int) error) error {
	errs := make([]error, n)
	j := job{
		pictures: n, tasks: 1,
		prepare: func(context.Context, int) bool { return true }, release: func(int) {},
		task: func(_ context.Context, i, _ int) { errs[i] = f(i) },
	}
	return cmp.Or(j.run(ctx, r.cfg.workers()), errors.Join(errs...))
}

// draw makes document i of the run, its upload and its leaks.
func (r *pairRun) draw(blank *specimen.Blank, medium, i int) (*pairLeak, error) {
	seed := r.cfg.Seed<<32 + uint64(i)*(1+pairAgains)
	page := blank.Fill(specimen.NewPerson(seed))
	upload := func(capture uint64) *image.NRGBA {
		img := picture.Flatten(taken(page, 1200, medium, capture))
		if r.cfg.MaxSide > 0 {
			img = picture.Fit(img, r.cfg.MaxSide)
		}
		return img
	}
	a := r.attacks[i%len(r.attacks)]
	d := &pairLeak{name: fmt.Sprintf("document %d, %s", i, a.Name), upload: upload(seed), attack: a.Name}
	content := sha256.Sum256(d.upload.Pix)
	for k := range r.cfg.Issued {
		d.ids = append(d.ids, watermark.CopyID(r.cfg.draw(fmt.Sprint("copy ", k), content)))
	}
	marked, err := watermark.Embed(r.key, d.ids[0], d.upload, nil)
	if err != nil {
		return nil, err
	}
	d.leaks = [2]*image.NRGBA{a.Apply(d.upload, seed), a.Apply(marked, seed)}
	if medium == mediumDrawn {
		return d, nil
	}
	for k := range uint64(pairAgains) {
		other := upload(seed + 1 + k)
		if k%2 == 1 {
			if other, err = watermark.Embed(r.key, watermark.CopyID(r.cfg.draw("copy of another capture", content)), other, nil); err != nil {
				return nil, err
			}
		}
		d.again = append(d.again, a.Apply(other, seed))
	}
	return d, nil
}

// hold traces leaks against original i: its own, those of its other captures, and one of
// every other document, marked and not in turn.
func (r *pairRun) hold(ctx context.Context, docs []*pairLeak, i int, out *pairTally) error {
	d := docs[i]
	issued := make([]watermark.Candidate, len(d.ids))
	for k, id := range d.ids {
		issued[k] = watermark.Candidate{Copy: id, Key: r.key}
	}
	by, err := watermark.NewTracer(d.upload, issued, &watermark.TraceOptions{Level: pairLevel})
	if err != nil {
		return err
	}
	look := func(kind int, of *pairLeak, leak *image.NRGBA, marked bool) error {
		t, err := by.Trace(ctx, leak)
		if err != nil {
			return err
		}
		out.add(kind, d, of, marked, t)
		return nil
	}
	for m, leak := range d.leaks {
		if err := look(pairOwn, d, leak, m == 1); err != nil {
			return err
		}
	}
	for k, leak := range d.again {
		if err := look(pairAgain, d, leak, k%2 == 1); err != nil {
			return err
		}
	}
	for j, of := range docs {
		if m := (i + j) % 2; j != i {
			if err := look(pairOther, of, of.leaks[m], m == 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// pairLevel is the p from which a copy counts as accused, corrected for the number of
// copies: what is accused is registered, too.
const pairLevel = 1e-6

// A pairTally counts traces of pairs.
type pairTally struct {
	counts        []PairCount
	wrong, missed []Failure
}

// at is the count of a kind.
func (t *pairTally) at(kind int, attack string, marked bool) *PairCount {
	i := slices.IndexFunc(t.counts, func(c PairCount) bool { return c.Kind == kind && c.Attack == attack && c.Marked == marked })
	if i < 0 {
		i = len(t.counts)
		t.counts = append(t.counts, PairCount{Kind: kind, Attack: attack, Marked: marked})
	}
	return &t.counts[i]
}

func (t *pairTally) merge(o *pairTally) {
	for _, c := range o.counts {
		t.at(c.Kind, c.Attack, c.Marked).add(&c)
	}
	t.wrong, t.missed = append(t.wrong, o.wrong...), append(t.missed, o.missed...)
}

func (c *PairCount) add(o *PairCount) {
	c.Pairs += o.Pairs
	c.Aligned += o.Aligned
	c.Taken += o.Taken
	c.Accusing += o.Accusing
	c.Named += o.Named
}

// add counts what a leak of document of was taken for, traced against the original d.
func (t *pairTally) add(kind int, d, of *pairLeak, marked bool, seen *watermark.TraceResult) {
	c := t.at(kind, of.attack, marked)
	right := kind == pairOwn && marked
	accusing := slices.ContainsFunc(seen.Accused, func(id watermark.CopyID) bool { return !right || id != d.ids[0] })
	c.Pairs++
	c.Aligned += one(len(seen.Copies) > 0)
	c.Taken += one(seen.Registered)
	c.Accusing += one(accusing)
	c.Named += one(right && seen.Best == 0 && seen.Copies[0].LogP <= namedAt)
	f := Failure{File: fmt.Sprintf("%s, held against %s", of.name, d.name), Attack: pairNames[kind]}
	if marked {
		f.Attack += ", marked"
	}
	switch {
	case accusing:
		f.Error = fmt.Sprintf("copy %s accused, log10 p %.1f", seen.Accused[0], seen.Copies[seen.Best].LogP)
		t.wrong = append(t.wrong, f)
	case seen.Registered && kind != pairOwn:
		f.Error = fmt.Sprintf("taken for the original, over %.0f %% of the leak", 100*seen.Overlap)
		t.wrong = append(t.wrong, f)
	case !seen.Registered && kind == pairOwn:
		f.Error = "not taken for the original"
		t.missed = append(t.missed, f)
	}
}
