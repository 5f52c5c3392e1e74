package experiments

import (
	"archive/zip"
	"bytes"
	"cmp"
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

	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
)

// A PixelVerdictConfig says how many dumps of pictures [PixelVerdicts] investigates. Of
// its Config the seed, MaxSide (0 means 400), Workers and Progress count.
type PixelVerdictConfig struct {
	Config
	Dumps   int
	Uploads int           // in the registry; 0 means 30
	Within  time.Duration // no dump is begun later; 0: all are
}

// Months of the registry of pictures: three uploads each.
const pixelMonths = 10

// pixelAttacks are those that leaks of pictures go through, by kind: fewer than are
// recorded, so that a leak may occur in several dumps and is examined once.
var pixelAttacks = map[string][]string{
	OutcomeCopy:         append([]string{"none", "telegram_low", "whatsapp_twice", "screenshot"}, scrubs...),
	OutcomeUnmarked:     {"none", "whatsapp_twice", "screenshot"},
	OutcomeStranger:     {"none", "whatsapp_twice"},
	OutcomeTransplanted: {"none", "whatsapp_twice"},
}

// pixelStrangers is how many strangers' documents there are.
const pixelStrangers = 12

// PixelVerdicts tells the stories of [Verdicts] in dumps of 3 to 6 pictures: uploads are
// submitted, copies issued, custody entered, the leaks attacked and packed, and the whole
// dump investigated and weighed. What one dump found of a file the next takes from the
// investigation's state file, as an investigation that is resumed does.
func PixelVerdicts(ctx context.Context, cfg PixelVerdictConfig) (*VerdictReport, error) {
	cfg.MaxSide, cfg.Uploads = cmp.Or(cfg.MaxSide, 400), cmp.Or(cfg.Uploads, 30)
	reg, err := newPixelRegistry(ctx, &cfg.Config, worldRecipients)
	if err != nil {
		return nil, err
	}
	defer reg.Close()
	state, err := os.MkdirTemp("", "kycmark-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(state)
	reg.cfg.State = filepath.Join(state, "state")
	p := &pixelRun{pixelRegistry: reg, side: cfg.MaxSide, seed: cfg.Seed, files: make(map[pixelLeak][]byte), world: newWorld(cfg.Seed<<16+1, cfg.Uploads, pixelMonths)}
	s := &simulation{worlds: []*world{p.world}, seed: cfg.Seed, small: true, outcome: &drawer{attacks: pixelAttacks}}
	if err := p.fill(ctx, cfg.Seed, cfg.workers()); err != nil {
		return nil, err
	}
	rep := newVerdictReport(cfg.Seed)
	start := time.Now()
	for i := 0; i < cfg.Dumps && (cfg.Within == 0 || time.Since(start) < cfg.Within); i++ {
		d, rng := s.dump(i)
		sc, err := p.investigate(ctx, rng, d)
		if err != nil {
			return nil, err
		}
		rep.add(i, sc)
		if cfg.Progress != nil {
			cfg.Progress(i+1, cfg.Dumps)
		}
	}
	rep.finish()
	return rep, nil
}

type pixelRun struct {
	*pixelRegistry
	world   *world
	side    int
	seed    uint64
	uploads []*pixelUpload
	files   map[pixelLeak][]byte // of leaks that were made
	finder  *verify.Investigator
}

// A pixelLeak is what the file of a leak depends on, the run's seed apart.
type pixelLeak struct {
	kind, attack      string
	upload, recipient int // of a stranger: which
}

// fill makes the world's registry: what is held, what is recorded of it, and what was
// recorded too late.
func (p *pixelRun) fill(ctx context.Context, seed uint64, workers int) error {
	templates := specimen.Templates()
	for i := range p.world.month {
		n := specimenSeed + seed<<16 + 0x8000 + uint64(i)
		p.uploads = append(p.uploads, &pixelUpload{
			name: fmt.Sprint("upload ", i), template: templates[i%len(templates)], medium: i / len(templates) % media, seed: n,
		})
	}
	errs := make([]error, len(p.uploads))
	j := &job{
		pictures: len(p.uploads), tasks: 1,
		prepare: func(context.Context, int) bool { return true }, release: func(int) {},
		task: func(ctx context.Context, i, _ int) {
			u := p.uploads[i]
			u.image = drawUpload(u.template, u.medium, u.seed, p.side)
			var to []string
			for r, h := range p.world.holders {
				if h.copies[i] {
					to = append(to, p.recipients[r])
				}
			}
			errs[i] = p.submit(ctx, u, p.world.subject[i], p.world.at[i], to...)
		},
	}
	if err := cmp.Or(j.run(ctx, workers), errors.Join(errs...)); err != nil {
		return err
	}
	for r := range p.world.holders {
		if err := p.enter(ctx, r, p.world.holders[r].unmarked); err != nil {
			return err
		}
	}
	cfg := p.cfg
	cfg.Found = time.Now().Add(time.Second)
	time.Sleep(1100 * time.Millisecond) // what follows is entered after the leaks were found
	for r := range p.world.holders {
		if err := p.enter(ctx, r, p.world.holders[r].missing); err != nil {
			return err
		}
	}
	var err error
	p.finder, err = verify.NewInvestigator(cfg)
	return err
}

// enter records custody of the months in which uploads are held.
func (p *pixelRun) enter(ctx context.Context, r int, has []bool) error {
	held := heldOf(has)
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

// investigate packs a dump and has it investigated.
func (p *pixelRun) investigate(ctx context.Context, rng *rand.Rand, d *simDump) (*score, error) {
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
	files, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
	if err != nil {
		return nil, err
	}
	start := time.Now()
	var leaks []*verify.Verdict
	for v, err := range p.finder.InvestigateFS(ctx, files) {
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
	p.outcomes(d, leaks, v)
	s := d.judge(v.Odds)
	s.took = took
	return s, nil
}

// file is that of one leak, from a seed of its own.
func (p *pixelRun) file(rng *rand.Rand, l *simLeak) ([]byte, error) {
	key := pixelLeak{l.kind, l.attack, l.upload, l.recipient}
	if l.kind == OutcomeStranger {
		key.upload = rng.IntN(pixelStrangers)
	}
	if file, known := p.files[key]; known {
		return file, nil
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %+v", p.seed, key)
	img, err := p.picture(rand.New(rand.NewPCG(h.Sum64(), 0x1eaf)), key)
	if err != nil {
		return nil, err
	}
	file, err := encoded(img)
	if err == nil {
		p.files[key] = file
	}
	return file, err
}

// picture makes one leak.
func (p *pixelRun) picture(rng *rand.Rand, l pixelLeak) (*image.NRGBA, error) {
	var img *image.NRGBA
	switch l.kind {
	case OutcomeStranger:
		templates := specimen.Templates()
		img = drawUpload(templates[l.upload%len(templates)], l.upload%media, specimenSeed*2+p.seed<<16+uint64(l.upload), p.side)
	case OutcomeCopy:
		img = p.uploads[l.upload].copies[p.recipients[l.recipient]]
	case OutcomeTransplanted:
		img = p.uploads[l.upload].image
		if from := p.anyCopy(rng, l); from != nil {
			img = transplanted(img, from.image, from.copies[p.recipients[l.recipient]])
		}
	default:
		img = p.uploads[l.upload].image
	}
	return through(img, l.attack, rng.Uint64())
}

// anyCopy is another upload of which a recipient has a copy; nil: there is none.
func (p *pixelRun) anyCopy(rng *rand.Rand, l pixelLeak) *pixelUpload {
	var all []*pixelUpload
	for i, u := range p.uploads {
		if i != l.upload && u.copies[p.recipients[l.recipient]] != nil {
			all = append(all, u)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[rng.IntN(len(all))]
}

// outcomes enters what was found of each leak.
func (p *pixelRun) outcomes(d *simDump, leaks []*verify.Verdict, v *verify.DumpVerdict) {
	for k := range d.leaks {
		l := &d.leaks[k]
		l.found = &Outcome{Kind: l.kind, Attack: l.attack, Finding: leaks[k].Label(), LeftOut: true}
		at := slices.Index(v.Of, k)
		if at < 0 {
			continue
		}
		l.found.LeftOut = false
		seen := &v.Case.Leaks[at]
		switch {
		case seen.Submission == "":
		case l.upload >= 0 && seen.Submission == p.uploads[l.upload].id.String():
			l.found.Shows = ShowsOwn
		default:
			l.found.Shows = ShowsOther
		}
	}
}
