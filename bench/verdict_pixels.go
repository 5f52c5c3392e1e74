package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing/fstest"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

const (
	pixelUploads   = 30
	pixelMonths    = 10 // of the registry: three uploads each
	pixelStrangers = 12 // other persons' documents
)

// pixelAttacks are the attacks that leaks of pictures go through, by kind. They are fewer than the
// recorded ones, so that a leak may occur in several dumps and is examined once.
var pixelAttacks = map[string][]string{
	outcomeCopy:         append([]string{"none", "telegram_low", "whatsapp_twice", "screenshot"}, scrubs...),
	outcomeUnmarked:     {"none", "whatsapp_twice", "screenshot"},
	outcomeStranger:     {"none", "whatsapp_twice"},
	outcomeTransplanted: {"none", "whatsapp_twice"},
}

// verdictPixels plays the stories of simulated dumps in dumps of 3 to 6 pictures, and compares the
// verdicts with the truth. Its trials have the form of the trials of verdict.
func verdictPixels() *ruler.Experiment {
	x, dumps, p := verdict(), 0, &pixelRun{files: make(map[pixelLeak][]byte)}
	x.Name, x.Short = "verdict pixels", "Whether verdicts on dumps of pictures are right"
	x.Long = `Submit drawn uploads to a registry in memory, issue copies, enter custody, attack and pack
leaks, and investigate and weigh each dump. What one dump found of a file the next takes
from the state file of the investigation. Exit 1 when a bar of "verdict" is missed.`
	x.Flags = func(fs *pflag.FlagSet) {
		fs.IntVar(&dumps, "dumps", 200, "`number` of dumps to investigate")
		fs.IntVar(&p.side, "max-side", 400, "long side of uploads, `pixels`")
	}
	x.Cases = func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
		if dumps < 1 || p.side < 100 {
			return nil, errors.New("--dumps takes 1 or more, --max-side 100 or more")
		}
		p.world = newSimWorld(env.Seed<<16+1, pixelUploads, pixelMonths)
		s := &simulation{worlds: []*simWorld{p.world}, seed: env.Seed, small: true, outcome: &drawer{attacks: pixelAttacks}}
		return []ruler.Case{func(ctx context.Context, emit func(ruler.Trial)) { p.tell(ctx, env, s, dumps, emit) }}, nil
	}
	return x
}

// A pixelRun tells the stories of simulated dumps in pictures.
type pixelRun struct {
	memoryRegistry
	world *simWorld
	side  int                  // long side of uploads, pixels
	files map[pixelLeak][]byte // of leaks that were made
}

// tell draws dumps one after the other and has them investigated.
func (p *pixelRun) tell(ctx context.Context, env *ruler.Env, s *simulation, dumps int, emit func(ruler.Trial)) {
	p.open(ctx, env, worldRecipients)
	defer p.Close()
	state := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(state)
	p.cfg.State = filepath.Join(state, "state")
	p.fill(ctx)
	for i := range dumps {
		d, rng := s.dump(i)
		for _, t := range p.investigate(ctx, rng, d) {
			emit(t)
		}
	}
}

// A pixelLeak is what the file of a leak depends on, beside the seed.
type pixelLeak struct {
	kind, attack      string
	upload, recipient int // of another person's document: its number
}

// fill makes the world's registry: what is held, what is recorded of it, and what was recorded
// after the leaks were found.
func (p *pixelRun) fill(ctx context.Context) {
	for i := range p.world.month {
		p.uploads = append(p.uploads, drawnUpload(p.env, i, 0x8000, "%s %d, %s"))
	}
	parallel(ctx, p.env, len(p.uploads), func(ctx context.Context, i int) {
		var to []string
		for r, h := range p.world.holders {
			if h.copies[i] {
				to = append(to, p.recipients[r])
			}
		}
		u := p.uploads[i]
		u.draw(p.env, p.side)
		p.submit(ctx, u, asPNG(u.image), p.world.subject[i], p.world.at[i], to...)
	})
	for r, h := range p.world.holders {
		p.addCustody(ctx, r, indices(h.unmarked))
	}
	found := time.Now().Add(time.Second)
	time.Sleep(1100 * time.Millisecond)
	for r, h := range p.world.holders {
		p.addCustody(ctx, r, indices(h.missing))
	}
	p.investigateFrom(found)
}

// addCustody records that recipient r has custody of the months in which uploads are held.
func (p *pixelRun) addCustody(ctx context.Context, r int, held []int) {
	if len(held) == 0 {
		return
	}
	months := p.world.months
	to := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if last := p.world.month[held[len(held)-1]]; last+1 < len(months) {
		to = months[last+1].From.Add(-time.Second)
	}
	ruler.Check(p.AddCustody(ctx, registry.Custody{Recipient: p.recipients[r], From: months[p.world.month[held[0]]].From, To: to, Note: "simulated"}))
}

// investigate makes the files of a dump, has them investigated and compares the verdict with the truth.
func (p *pixelRun) investigate(ctx context.Context, rng *rand.Rand, d *simDump) []ruler.Trial {
	packed := fstest.MapFS{}
	for k := range d.leaks {
		packed[fmt.Sprintf("%03d.png", k)] = &fstest.MapFile{Data: p.file(rng, &d.leaks[k])}
	}
	start := time.Now()
	var leaks []*verify.Verdict
	for v, err := range p.finder.InvestigateFS(ctx, packed) {
		ruler.Check(err)
		leaks = append(leaks, v)
	}
	v := ruler.Must(p.finder.Weigh(ctx, leaks))
	took := time.Since(start)
	for k := range d.leaks {
		l := &d.leaks[k]
		l.found = &outcome{Kind: l.kind, Attack: l.attack, Finding: leaks[k].Label(), LeftOut: true}
		if at := slices.Index(v.Of, k); at >= 0 {
			l.found.LeftOut, l.found.Shows = false, showsOther
			if l.upload >= 0 {
				l.found.Shows = shownBy(v.Case.Leaks[at].Submission, p.uploads[l.upload].id)
			} else if v.Case.Leaks[at].Submission == "" {
				l.found.Shows = showsNone
			}
		}
	}
	return d.judge(v.Odds, took)
}

// file returns the file of one leak. The same leak has the same file in all dumps.
func (p *pixelRun) file(rng *rand.Rand, l *simLeak) []byte {
	key := pixelLeak{l.kind, l.attack, l.upload, l.recipient}
	if l.kind == outcomeStranger {
		key.upload = rng.IntN(pixelStrangers)
	}
	if p.files[key] == nil {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d %+v", p.env.Seed, key)
		own := rand.New(rand.NewPCG(h.Sum64(), 0x1eaf))
		p.files[key] = attacked(p.picture(own, key), key.attack, own.Uint64())
	}
	return p.files[key]
}

// picture returns what one leak shows before its attack.
func (p *pixelRun) picture(rng *rand.Rand, l pixelLeak) *image.NRGBA {
	switch l.kind {
	case outcomeStranger:
		templates := specimen.Templates()
		return drawUpload(templates[l.upload%len(templates)], l.upload%media, specimenSeed*2+p.env.Seed<<16+uint64(l.upload), p.side)
	case outcomeCopy:
		return p.uploads[l.upload].copies[p.recipients[l.recipient]]
	}
	img := p.uploads[l.upload].image
	if l.kind == outcomeTransplanted {
		name := p.recipients[l.recipient]
		var others []*submitted // with a copy for the same recipient
		for i, u := range p.uploads {
			if i != l.upload && u.copies[name] != nil {
				others = append(others, u)
			}
		}
		if len(others) > 0 {
			from := others[rng.IntN(len(others))]
			img = transplanted(img, from.image, from.copies[name])
		}
	}
	return img
}
