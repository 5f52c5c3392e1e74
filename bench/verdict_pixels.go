package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/specimen"
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
		p.env, p.world = env, newSimWorld(env.Seed<<16+1, pixelUploads, pixelMonths)
		s := &simulation{worlds: []*simWorld{p.world}, seed: env.Seed, small: true, outcome: &drawer{attacks: pixelAttacks}}
		return []ruler.Case{func(ctx context.Context, emit func(ruler.Trial)) error { return p.tell(ctx, s, dumps, emit) }}, nil
	}
	return x
}

// A pixelRun tells the stories of simulated dumps in pictures.
type pixelRun struct {
	*memoryRegistry
	env     *ruler.Env
	world   *simWorld
	side    int // long side of uploads, pixels
	uploads []*submitted
	files   map[pixelLeak][]byte // of leaks that were made
	finder  *verify.Investigator
}

// tell draws dumps one after the other and has them investigated.
func (p *pixelRun) tell(ctx context.Context, s *simulation, dumps int, emit func(ruler.Trial)) (err error) {
	if p.memoryRegistry, err = newMemoryRegistry(ctx, p.env, worldRecipients); err != nil {
		return err
	}
	defer p.Close()
	state, err := os.MkdirTemp("", "kycmark-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	p.cfg.State = filepath.Join(state, "state")
	if err := p.fill(ctx); err != nil {
		return err
	}
	for i := range dumps {
		d, rng := s.dump(i)
		trials, err := p.investigate(ctx, rng, d)
		if err != nil {
			return err
		}
		for _, t := range trials {
			emit(t)
		}
	}
	return nil
}

// A pixelLeak is what the file of a leak depends on, beside the seed.
type pixelLeak struct {
	kind, attack      string
	upload, recipient int // of another person's document: its number
}

// fill makes the world's registry: what is held, what is recorded of it, and what was recorded
// after the leaks were found.
func (p *pixelRun) fill(ctx context.Context) error {
	templates := specimen.Templates()
	for i := range p.world.month {
		p.uploads = append(p.uploads, &submitted{
			name: fmt.Sprint("upload ", i), template: templates[i%len(templates)], medium: i / len(templates) % media,
			seed: specimenSeed + p.env.Seed<<16 + 0x8000 + uint64(i),
		})
	}
	err := parallel(ctx, p.env, len(p.uploads), func(ctx context.Context, i int) error {
		u := p.uploads[i]
		u.image = drawUpload(u.template, u.medium, u.seed, p.side)
		var to []string
		for r, h := range p.world.holders {
			if h.copies[i] {
				to = append(to, p.recipients[r])
			}
		}
		return p.submit(ctx, u, p.world.subject[i], p.world.at[i], to...)
	})
	if err != nil {
		return err
	}
	for r, h := range p.world.holders {
		if err := p.addCustody(ctx, r, indices(h.unmarked)); err != nil {
			return err
		}
	}
	cfg := p.cfg
	cfg.Found = time.Now().Add(time.Second)
	time.Sleep(1100 * time.Millisecond)
	for r, h := range p.world.holders {
		if err := p.addCustody(ctx, r, indices(h.missing)); err != nil {
			return err
		}
	}
	p.finder, err = verify.NewInvestigator(cfg)
	return err
}

// addCustody records that recipient r has custody of the months in which uploads are held.
func (p *pixelRun) addCustody(ctx context.Context, r int, held []int) error {
	if len(held) == 0 {
		return nil
	}
	months := p.world.months
	to := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if last := p.world.month[held[len(held)-1]]; last+1 < len(months) {
		to = months[last+1].From.Add(-time.Second)
	}
	return p.AddCustody(ctx, registry.Custody{Recipient: p.recipients[r], From: months[p.world.month[held[0]]].From, To: to, Note: "simulated"})
}

// investigate packs a dump, has it investigated and compares the verdict with the truth.
func (p *pixelRun) investigate(ctx context.Context, rng *rand.Rand, d *simDump) ([]ruler.Trial, error) {
	packed, err := p.pack(rng, d)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	var leaks []*verify.Verdict
	for v, err := range p.finder.InvestigateFS(ctx, packed) {
		if err != nil {
			return nil, err
		}
		leaks = append(leaks, v)
	}
	v, err := p.finder.Weigh(ctx, leaks)
	if err != nil {
		return nil, err
	}
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
	return d.judge(v.Odds, took), nil
}

// pack makes the archive of a dump.
func (p *pixelRun) pack(rng *rand.Rand, d *simDump) (*zip.Reader, error) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for k := range d.leaks {
		file, err := p.file(rng, &d.leaks[k])
		if err != nil {
			return nil, err
		}
		w, err := z.Create(fmt.Sprintf("%03d.png", k))
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(file); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
}

// file returns the file of one leak. The same leak has the same file in all dumps.
func (p *pixelRun) file(rng *rand.Rand, l *simLeak) (file []byte, err error) {
	key := pixelLeak{l.kind, l.attack, l.upload, l.recipient}
	if l.kind == outcomeStranger {
		key.upload = rng.IntN(pixelStrangers)
	}
	if file, known := p.files[key]; known {
		return file, nil
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %+v", p.env.Seed, key)
	own := rand.New(rand.NewPCG(h.Sum64(), 0x1eaf))
	p.files[key], err = attacked(p.picture(own, key), key.attack, own.Uint64())
	return p.files[key], err
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
