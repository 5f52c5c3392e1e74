package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
)

// What a leak is to the original that it is held against.
const (
	pairOther = "other persons' documents"        // on the same template
	pairAgain = "other captures of the same card" // or other copies of the capture's upload
	pairOwn   = "the original's own"
)

// lookalikeAttacks are what leaks of documents go through, in turn, by default.
var lookalikeAttacks = []string{
	"none", "telegram", "whatsapp_twice", "jpeg30", "thumb320", "blur2", "noise15",
	"crop50", "rot5", "screen_photo", "persp3", "redact30", "stamp",
}

const lookalikeBatch = 50 // documents of one template and medium that are held in memory, at most

// matchLookalikes counts what leaks are taken for: leaks of an upload, leaks of other persons'
// documents of its template, the nearest by hash, and leaks of other captures of the same card.
// There is one trial per judgement.
func matchLookalikes() *ruler.Experiment {
	r := &lookalikeRun{}
	verdict := func(name string) ruler.Column {
		return ruler.Column{Head: name, Cell: func(g ruler.Group) string { return ruler.Thousands(g.Where(ruler.Is("verdict", name)).Count()) }}
	}
	wrong := func(t *ruler.Trial) bool { return t.Values["same"] == 1 && t.Labels["of"] != pairOwn }
	return &ruler.Experiment{
		Name: "match lookalikes", Short: "Whether leaks of lookalikes are taken for an upload",
		Long: `Draw documents of many persons on each template, upload and leak them through attacks in
turn, and hold leaks against uploads: each against its own, against uploads of the
other persons with the nearest hashes, and against other captures of the card. Leaks of named
pictures are held against their own alone. Exit 1 when a lookalike is taken for an upload.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&r.documents, "documents", 45, "`number` of persons' documents")
			fs.IntVar(&r.side, "side", 1200, "long side of uploads, `pixels`")
			fs.IntVar(&r.near, "near", 7, "`number` of other persons' uploads that each leak is held against")
			fs.IntVar(&r.again, "again", 2, "`number` of other captures of each card")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if r.documents < 1 || r.near < 1 || r.again < 0 || r.side < 300 {
				return nil, errors.New("--documents and --near take 1 or more, --again 0 or more, --side 300 or more")
			}
			if r.env = env; !env.Own {
				env.Pictures = nil
			}
			if r.attacks, err = env.Attacks(); len(env.AttackNames) == 0 {
				r.attacks, err = inTurn(lookalikeAttacks)
			}
			if err != nil {
				return nil, err
			}
			batch := min(lookalikeBatch, max(r.near+1, r.documents/(len(specimen.Templates())*media)))
			for n := 0; n < r.documents; n += batch {
				cases = append(cases, func(ctx context.Context, emit func(ruler.Trial)) { r.batch(ctx, n/batch, batch, emit) })
			}
			return append(cases, ruler.Each(env, r.file)...), nil
		},
		Tables: []ruler.Table{{
			Name: "verdicts", By: []string{"of", "as"}, Heads: []string{"leaks of", "as"}, Columns: []ruler.Column{
				ruler.Counts("pairs"), verdict("same"), verdict("altered"), verdict("alike"), verdict("edited"), verdict("other"), verdict("not aligned"), verdict("unsure"),
				ruler.Upper("same, at most", "same"), ruler.Quantiles("ms median / max", "ms", 0, .5, 1),
			},
		}, {
			Name: "short", Doc: true, By: []string{"of"}, Heads: []string{"leaks of"}, Columns: []ruler.Column{
				ruler.Of("same", "same"), verdict("alike"), verdict("edited"), verdict("other"), verdict("not aligned"), verdict("unsure"), ruler.Upper("same, at most", "same"),
			},
		}, {
			Name: "wrong", Title: "Lookalikes taken for the upload", By: []string{"upload", "leak", "attack", "likeness"}, Where: wrong,
		}, {
			Name: "missed", Title: "Leaks of the upload that were not taken for it", By: []string{"upload", "attack", "verdict", "likeness"},
			Where: func(t *ruler.Trial) bool { return t.Values["same"] == 0 && t.Labels["of"] == pairOwn },
		}},
		Missed: func(trials []ruler.Trial) (out []string) {
			if n := ruler.Group(trials).Where(wrong).Count(); n > 0 {
				out = append(out, fmt.Sprintf("%.0f lookalikes taken for the upload, bar 0", n))
			}
			return out
		},
	}
}

// A lookalikeRun holds leaks against uploads.
type lookalikeRun struct {
	env       *ruler.Env
	attacks   []attack.Attack
	documents int // drawn, each of another person, uploaded and leaked
	side      int // long side of uploads, pixels
	near      int // other persons' uploads that each leak is held against, the nearest by hash
	again     int // second captures of each photographed or scanned card
}

// A card is one person's document.
type card struct {
	name, attack string
	medium       string
	upload       *image.NRGBA
	hash         phash.Hash
	leak         *image.NRGBA
	again        []*image.NRGBA // leaks of other captures
	turned       [8]phash.Hash  // of the leak
}

// file judges leaks of a picture against it.
func (r *lookalikeRun) file(ctx context.Context, path string, emit func(ruler.Trial)) {
	i, p := slices.Index(r.env.Pictures, path), ruler.Must(r.env.Load(path))
	o := capture.New(dsp.LazyLuma(p.Image))
	for _, a := range r.attacks {
		c := &card{name: ruler.Name(path), attack: a.Name, medium: "files"}
		judgeLeak(ctx, o, a.Apply(p.Image, r.env.Seed+uint64(i)), pairOwn, c, c, emit)
	}
}

// batch draws n documents of one template and medium and holds them against each other.
func (r *lookalikeRun) batch(ctx context.Context, b, n int, emit func(ruler.Trial)) {
	templates := specimen.Templates()
	template, medium := templates[b/media%len(templates)], b%media
	blank := specimen.NewBlank(template, r.side*11/12)
	cards := make([]*card, n)
	for i := range cards {
		number := uint64(b*n + i)
		cards[i] = r.draw(blank, medium, r.env.Seed<<32+10*number, r.attacks[number%uint64(len(r.attacks))])
		cards[i].name = fmt.Sprintf("%s %d.%d", template, b, i)
	}
	for i := range cards {
		r.hold(ctx, cards, i, emit)
	}
}

// draw makes a person's document, its upload, and the leaks.
func (r *lookalikeRun) draw(blank *specimen.Blank, medium int, seed uint64, a attack.Attack) *card {
	page := blank.Fill(specimen.NewPerson(seed))
	c := &card{attack: a.Name, medium: mediumNames[medium], upload: takenBy(page, r.side, medium, seed)}
	c.leak = a.Apply(c.upload, seed)
	if medium != mediumDrawn {
		for k := range r.again {
			other := mediumPhoto + (medium-mediumPhoto+k)%2
			c.again = append(c.again, a.Apply(takenBy(page, r.side, other, seed+1+uint64(k)), seed))
		}
	}
	var errs [2]error
	c.hash, _, errs[0] = phash.Sum(phash.PDQ, c.upload)
	c.turned, _, errs[1] = phash.SumTurned(phash.PDQ, c.leak)
	ruler.Check(errors.Join(errs[:]...))
	return c
}

// hold judges leaks against the upload of card i.
func (r *lookalikeRun) hold(ctx context.Context, cards []*card, i int, emit func(ruler.Trial)) {
	c := cards[i]
	o := capture.New(dsp.LazyLuma(c.upload))
	judgeLeak(ctx, o, c.leak, pairOwn, c, c, emit)
	for _, again := range c.again {
		judgeLeak(ctx, o, again, pairAgain, c, c, emit)
	}
	others := slices.DeleteFunc(slices.Clone(cards), func(x *card) bool { return x == c })
	slices.SortStableFunc(others, func(a, b *card) int { return cmp.Compare(c.distance(a), c.distance(b)) })
	for _, x := range others[:min(r.near, len(others))] {
		judgeLeak(ctx, o, x.leak, pairOther, c, x, emit)
	}
}

// distance returns the bits between the upload and another card's leak, however turned.
func (c *card) distance(leak *card) int {
	d := c.hash.Kind.Len()
	for _, h := range leak.turned {
		d = min(d, c.hash.Distance(h))
	}
	return d
}

// judgeLeak emits the verdict on a leak of one card against the upload of another.
func judgeLeak(ctx context.Context, o *capture.Original, leak *image.NRGBA, of string, upload, shows *card, emit func(ruler.Trial)) {
	start := time.Now()
	s := ruler.Must(o.Find(ctx, dsp.LazyLuma(leak)))
	verdict, detail, same := "not aligned", "", false
	if s != nil {
		v := ruler.Must(s.Verdict())
		verdict, same, detail = v.String(), v == capture.Same || v == capture.Altered, fmt.Sprintf("%+v", s.Likeness())
	}
	t := ruler.Trial{
		Labels: map[string]string{"of": of, "as": upload.medium, "attack": shows.attack, "verdict": verdict, "upload": upload.name, "leak": shows.name},
		Values: map[string]float64{"ms": 1000 * time.Since(start).Seconds(), "same": yes(same)},
	}
	if same != (of == pairOwn) {
		t.Labels["likeness"] = detail
	}
	emit(t)
}
