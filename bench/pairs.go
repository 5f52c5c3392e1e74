package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync/atomic"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// What a leak is to the original that it is held against.
const (
	pairOther = "other persons' documents"        // on the same template
	pairAgain = "other captures of the same card" // or other copies of the capture's upload
	pairOwn   = "the original's own"
)

const (
	pairAgains = 2    // other captures of a photographed or scanned card: one unmarked, one marked
	pairLevel  = 1e-6 // p from which a copy counts as accused, corrected for the number of copies
	pairNamed  = -9   // log10 p at which the right copy counts as named
	pairWrong  = 3    // of 10,000 pairs may be taken for the original and are not
)

// pairs traces leaks of invented persons' documents against originals that they do not show. There
// is one trial per trace.
func pairs() *ruler.Experiment {
	r := &pairRun{}
	enough := 0
	columns := []ruler.Column{
		ruler.Counts("pairs"), ruler.Sums("registered", "registered"), ruler.Share("share", "registered"), ruler.Upper("at most", "registered"),
		ruler.Sums("lying on it, not seen to be another", "aligned"), ruler.Sums("with a copy accused that is not in the leak", "accusing"), ruler.Upper("at most", "accusing"),
		ruler.Sums("named at 1e-9", "named"),
	}
	return &ruler.Experiment{
		Name: "pairs", Short: "What leaks are taken for, traced against originals that they do not show", Plain: true,
		Long: `Draw documents of invented persons, sixteen of a template and medium at a time, and trace
each one's leak against every other's original, beside leaks of other captures of the
same card and of the originals themselves. Exit 1 when any copy is accused that is not in
the leak, or when more than 3 wrong pairs in 10,000 are registered.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&enough, "pairs", 1, "min `number` of leaks and other persons' originals; whole groups are made")
			fs.IntVar(&r.group, "group", 16, "`number` of documents of a template and medium; each leaks against all others")
			fs.IntVar(&r.copies, "copies", 1000, "`number` of copies of each original")
			fs.IntVar(&r.side, "max-side", 0, "first shrink the uploads to this many `pixels` (default: as drawn, 1280 at most)")
			fs.StringSliceVar(&r.names, "attacks", lookalikeAttacks, "`names` or groups of attacks that leaks go through in turn")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if enough < 1 || r.group < 2 || r.copies < 1 || r.side < 0 {
				return nil, errors.New("--pairs and --copies take 1 or more, --group 2 or more, --max-side 0 or more")
			}
			r.env = env
			if r.attacks, err = attacksOf(env, r.names); err != nil {
				return nil, err
			}
			each := r.group * (r.group - 1)
			for g := range (enough + each - 1) / each {
				docs := make([]*pairLeak, r.group)
				var held atomic.Int32
				cases = append(cases, after(func(ctx context.Context) { r.drawAll(ctx, docs, g) }, ruler.Cases(r.group, func(ctx context.Context, i int, emit func(ruler.Trial)) {
					r.hold(ctx, docs, g, i, emit)
					if held.Add(1) == int32(r.group) {
						clear(docs) // the next group's fill the memory
					}
				}))...)
			}
			return cases, nil
		},
		Tables: []ruler.Table{
			{Name: "pairs", By: []string{"of", "marked", "as"}, Heads: []string{"leaks of", "marked", "as"}, Columns: columns},
			{Name: "kinds", By: []string{"of"}, Heads: []string{"leaks of"}, Columns: columns},
			{Name: "attacks", Title: "Registered, by attack", By: []string{"attack", "of", "marked"}, Heads: []string{"attack", "leaks of", "marked"}, Columns: []ruler.Column{
				ruler.Of("registered", "registered"), ruler.Of("named", "named"),
			}},
			{Name: "wrong", Title: "Wrong pairs registered, or accusing", By: []string{"original", "leak", "wrong"}, Where: func(t *ruler.Trial) bool { return t.Labels["wrong"] != "" }},
			{Name: "missed", Title: "Leaks of the original that were not registered", By: []string{"original", "attack", "marked"},
				Where: func(t *ruler.Trial) bool { return t.Labels["of"] == pairOwn && t.Values["registered"] == 0 }},
		},
		Missed: pairsMissed,
	}
}

// pairsMissed lists the bars that were missed.
func pairsMissed(trials []ruler.Trial) (out []string) {
	all := ruler.Group(trials)
	if n := all.Sum("accusing"); n > 0 {
		out = append(out, fmt.Sprintf("%.0f traces accuse a copy that is not in the leak, bar 0", n))
	}
	wrong := all.Where(func(t *ruler.Trial) bool { return t.Labels["of"] != pairOwn })
	if registered := wrong.Sum("registered"); 10_000*registered > pairWrong*wrong.Count() {
		out = append(out, fmt.Sprintf("%.0f of %.0f wrong pairs registered, bar %d in 10,000", registered, wrong.Count(), pairWrong))
	}
	return out
}

// A pairRun traces leaks against originals.
type pairRun struct {
	env     *ruler.Env
	names   []string // of attacks, as asked for
	attacks []attack.Attack
	group   int // documents of a template and medium
	copies  int // of each original
	side    int // long side of uploads, pixels; 0: as drawn
}

// A pairLeak is a document and what leaks of it.
type pairLeak struct {
	name   string
	upload *image.NRGBA
	ids    []watermark.CopyID // of its copies; the first leaks
	attack string
	leaks  [2]*image.NRGBA // unmarked, marked
	again  []*image.NRGBA  // of other captures: unmarked and marked in turn
}

// drawAll draws the documents of group g.
func (r *pairRun) drawAll(ctx context.Context, docs []*pairLeak, g int) {
	blank := specimen.NewBlank(r.template(g), 1100)
	parallel(ctx, r.env, len(docs), func(_ context.Context, i int) { docs[i] = r.draw(blank, g%media, g*r.group+i) })
}

// template returns the template of group g.
func (r *pairRun) template(g int) specimen.Template {
	return specimen.Templates()[g/media%len(specimen.Templates())]
}

// draw makes document i of the run, its upload and its leaks.
func (r *pairRun) draw(blank *specimen.Blank, medium, i int) *pairLeak {
	seed := r.env.Seed<<32 + uint64(i)*(1+pairAgains)
	page := blank.Fill(specimen.NewPerson(seed))
	upload := func(capture uint64) *image.NRGBA {
		img := picture.Flatten(takenBy(page, 1200, medium, capture))
		if r.side > 0 {
			img = picture.Fit(img, r.side)
		}
		return img
	}
	a := r.attacks[i%len(r.attacks)]
	d := &pairLeak{name: fmt.Sprintf("document %d", i), upload: upload(seed), attack: a.Name}
	content := sha256.Sum256(d.upload.Pix)
	for k := range r.copies {
		d.ids = append(d.ids, watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", k), content)))
	}
	marked := ruler.Must(watermark.Embed(r.env.Key, d.ids[0], d.upload, nil))
	d.leaks = [2]*image.NRGBA{a.Apply(d.upload, seed), a.Apply(marked, seed)}
	if medium == mediumDrawn {
		return d
	}
	for k := range uint64(pairAgains) {
		other := upload(seed + 1 + k)
		if k%2 == 1 {
			other = ruler.Must(watermark.Embed(r.env.Key, watermark.CopyID(r.env.Draw("copy of another capture", content)), other, nil))
		}
		d.again = append(d.again, a.Apply(other, seed))
	}
	return d
}

// hold traces leaks against original i of group g: its own leaks, the leaks of its other captures,
// and one leak of every other document, marked and unmarked in turn.
func (r *pairRun) hold(ctx context.Context, docs []*pairLeak, g, i int, emit func(ruler.Trial)) {
	d := docs[i]
	issued := make([]watermark.Candidate, len(d.ids))
	for k, id := range d.ids {
		issued[k] = watermark.Candidate{Copy: id, Key: r.env.Key}
	}
	by := ruler.Must(watermark.NewTracer(d.upload, issued, &watermark.TraceOptions{Level: pairLevel}))
	look := func(of string, from *pairLeak, leak *image.NRGBA, marked bool) {
		t := pairTrial(of, from, d, marked, ruler.Must(by.Trace(ctx, leak)))
		t.Labels["original"], t.Labels["template"], t.Labels["as"] = d.name, r.template(g).String(), mediumNames[g%media]
		emit(t)
	}
	for m, leak := range d.leaks {
		look(pairOwn, d, leak, m == 1)
	}
	for k, leak := range d.again {
		look(pairAgain, d, leak, k%2 == 1)
	}
	for j, from := range docs {
		if m := (i + j) % 2; j != i {
			look(pairOther, from, from.leaks[m], m == 1)
		}
	}
}

// pairTrial returns the trial of a leak that was traced against the original d. Its values are 1 for
// yes and 0 for no. aligned: the leak lies on the original and is not seen to be another document.
// registered: the leak is taken for the original. accusing: a copy is accused that is not in the
// leak. named: the copy in the leak is named.
func pairTrial(of string, from, d *pairLeak, marked bool, seen *watermark.TraceResult) ruler.Trial {
	right := of == pairOwn && marked
	accusing := slices.ContainsFunc(seen.Accused, func(id watermark.CopyID) bool { return !right || id != d.ids[0] })
	named := right && seen.Best == 0 && seen.Copies[0].LogP <= pairNamed
	t := ruler.Trial{
		Labels: map[string]string{"of": of, "attack": from.attack, "leak": from.name, "marked": "unmarked"},
		Values: map[string]float64{"aligned": yes(len(seen.Copies) > 0), "registered": yes(seen.Registered),
			"accusing": yes(accusing), "named": yes(named)},
	}
	if marked {
		t.Labels["marked"] = "marked"
	}
	switch {
	case accusing:
		t.Labels["wrong"] = fmt.Sprintf("copy %s accused, log10 p %.1f", seen.Accused[0], seen.Copies[seen.Best].LogP)
	case seen.Registered && of != pairOwn:
		t.Labels["wrong"] = fmt.Sprintf("taken for the original, over %.0f %% of the leak", 100*seen.Overlap)
	}
	return t
}
