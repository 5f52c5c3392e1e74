package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
)

// ErrMatchHash is returned for a [MatchHashOptions] that contradicts itself, and for
// a peer that does not answer as it should.
var ErrMatchHash = errors.New("bench: bad settings of a match by hash")

// MatchHashOptions says what [MatchHash] measures. Pictures or Persons is needed.
type MatchHashOptions struct {
	// Attacks default to [WholeAttacks]. Bars and whatever has to do with keys are
	// not used.
	Config

	// Distractors is how many hashes of no leak the index holds; 0 means 1,000,000.
	Distractors int

	// Persons is how many documents of each specimen template stand in the index in
	// each style: as rendered, scanned, photographed. The first Leaked of these are
	// attacked as well.
	Persons, Leaked int

	// Peer is a program that answers as peers/pdq.cpp does, to time PDQ against; ""
	// for none.
	Peer string
	// SpeedPicture is what is timed; nil means a drawn landscape of 12 megapixels.
	SpeedPicture *image.NRGBA
	// SpeedRuns is how often each step is run; 0 means 15.
	SpeedRuns int
}

// WholeAttacks change a picture as a whole.
func WholeAttacks() []string {
	return []string{"none", "codec", "resize", "messenger", "thumbnail", "tone", "stamp"}
}

// matchRadii are those at which candidates are counted.
var matchRadii = [...]int{phash.MatchRadius, 40, 48, 64}

// A hashWay is a way to store an upload and to ask with a leak.
type hashWay struct {
	name  string
	store func(image.Image) (phash.Hash, int, error)
	ask   func(image.Image) ([]phash.Hash, error)
}

// hashWays are what is compared. The kind of the first is what is exchanged with
// others.
func hashWays() []hashWay {
	plain := func(kind phash.Kind) func(image.Image) (phash.Hash, int, error) {
		return func(m image.Image) (phash.Hash, int, error) { return phash.Sum(kind, m) }
	}
	turned := func(kind phash.Kind) func(image.Image) ([]phash.Hash, error) {
		return func(m image.Image) ([]phash.Hash, error) {
			all, _, err := phash.SumTurned(kind, m)
			return all[:], err
		}
	}
	leak := func(kind phash.Kind) func(image.Image) ([]phash.Hash, error) {
		return func(m image.Image) ([]phash.Hash, error) {
			leak, err := phash.SumLeak(kind, m)
			return leak.Hashes(), err
		}
	}
	full := func(m image.Image) ([]phash.Hash, error) {
		h, _, err := phash.SumFull(m)
		return []phash.Hash{h}, err
	}
	return []hashWay{
		{phash.PDQ.Version() + ", SumTurned", plain(phash.PDQ), turned(phash.PDQ)},
		{phash.PDQ.Version() + ", SumLeak", plain(phash.PDQ), leak(phash.PDQ)},
		{"pdq without the step, SumFull", phash.SumFull, full},
		{phash.Area.Version() + ", SumTurned", plain(phash.Area), turned(phash.Area)},
		{phash.Area.Version() + ", SumLeak", plain(phash.Area), leak(phash.Area)},
	}
}

// MatchHash measures whether uploads are found by the hashes of their leaks. Each
// picture, and each leaked specimen, is attacked in every way and asked for in an
// index of all uploads, the documents of the same templates that are other persons',
// and random hashes. With a peer it first times PDQ against it.
//
// The error is [ErrNoPictures], [ErrMatchHash], [attack.ErrUnknown], one of package
// phash, or that of ctx.
func MatchHash(ctx context.Context, opt MatchHashOptions) (*MatchHashReport, error) {
	if len(opt.Attacks) == 0 {
		opt.Attacks = WholeAttacks()
	}
	attacks, err := opt.attacks()
	switch {
	case err != nil:
		return nil, err
	case opt.Leaked < 0 || opt.Leaked > opt.Persons || opt.Distractors < 0:
		return nil, fmt.Errorf("%w: %d specimens leaked of %d, %d distractors", ErrMatchHash, opt.Leaked, opt.Persons, opt.Distractors)
	case len(opt.Pictures) == 0 && opt.Leaked == 0:
		return nil, ErrNoPictures
	}
	run := &hashRun{opt: &opt, attacks: attacks, ways: hashWays(), report: newMatchHashReport(&opt)}
	if opt.Peer != "" {
		if run.report.Speed, err = pdqSpeed(ctx, &opt); err != nil {
			return nil, err
		}
	}
	if err := run.index(ctx); err != nil {
		return nil, err
	}
	if err := run.leaks(ctx); err != nil {
		return nil, err
	}
	run.report.summarise()
	return run.report, nil
}

// A hashRun is a measurement at work.
type hashRun struct {
	opt      *MatchHashOptions
	attacks  []attack.Attack
	ways     []hashWay
	indexes  []*phash.Index // by way
	uploads  [][]phash.Hash // by way and upload, the pictures first
	subjects []hashSubject
	report   *MatchHashReport
	done     int
}

// A hashSubject is an upload that leaks, or another person's document. Pictures are
// made when they are needed, and made again.
type hashSubject struct {
	name, group string
	leaks       bool
	seed        uint64
	make        func() (*image.NRGBA, error)
}

// list gathers the uploads.
func (r *hashRun) list() {
	for _, path := range r.opt.Pictures {
		r.subjects = append(r.subjects, hashSubject{name: short(path), group: "pictures", leaks: true, seed: r.opt.Seed, make: func() (*image.NRGBA, error) {
			p, err := r.opt.load(path)
			if err != nil {
				return nil, err
			}
			return p.Image, nil
		}})
	}
	for _, t := range specimen.Templates() {
		if r.opt.Persons == 0 {
			break
		}
		blank := specimen.NewBlank(t, specimenWidth)
		for n := range r.opt.Persons {
			for _, style := range specimenStyles {
				seed := r.opt.Seed + uint64(n)
				r.subjects = append(r.subjects, hashSubject{
					name: fmt.Sprintf("%s %d, %s", t, n, style.name), group: "specimens " + style.name,
					leaks: n < r.opt.Leaked, seed: seed,
					make: func() (*image.NRGBA, error) { return style.take(blank.Fill(specimen.NewPerson(seed)), seed), nil },
				})
			}
		}
	}
}

// specimenWidth is that of rendered documents, pixels.
const specimenWidth = 900

var specimenStyles = []struct {
	name string
	take func(doc *image.NRGBA, seed uint64) *image.NRGBA
}{
	{"rendered", func(doc *image.NRGBA, _ uint64) *image.NRGBA { return doc }},
	{"scanned", func(doc *image.NRGBA, seed uint64) *image.NRGBA { return specimen.Scan(doc, seed, 1000, 1000) }},
	{"photographed", func(doc *image.NRGBA, seed uint64) *image.NRGBA { return specimen.Photograph(doc, seed, 1200, 900) }},
}

// index hashes all uploads and fills up with random hashes.
func (r *hashRun) index(ctx context.Context) error {
	r.list()
	r.uploads = make([][]phash.Hash, len(r.ways))
	kept := r.subjects[:0]
	for _, s := range r.subjects {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		m, err := s.make()
		if err != nil {
			r.report.Broken = append(r.report.Broken, Failure{File: s.name, Error: err.Error()})
			continue
		}
		plain := false
		for i, w := range r.ways {
			h, quality, err := w.store(m)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			plain = plain || quality < phash.MinQuality
			r.uploads[i] = append(r.uploads[i], h)
		}
		if plain {
			r.report.Plain++
			s.leaks = false
		}
		kept = append(kept, s)
		r.step()
	}
	r.subjects = kept
	r.report.Uploads = len(kept)
	random := cmp.Or(r.opt.Distractors, 1_000_000) - len(kept)
	for i := range r.ways {
		x, err := filledIndex(r.uploads[i], random, r.opt.Seed)
		if err != nil {
			return err
		}
		r.indexes = append(r.indexes, x)
	}
	return nil
}

// filledIndex holds the uploads by their numbers, and random hashes. These are no
// secret: a seeded generator serves.
func filledIndex(uploads []phash.Hash, random int, seed uint64) (*phash.Index, error) {
	x, g := phash.NewIndex(uploads[0].Kind), rand.New(rand.NewPCG(seed, 0))
	for n := range len(uploads) + max(0, random) {
		h := phash.Hash{Kind: uploads[0].Kind, Bits: [4]uint64{g.Uint64(), g.Uint64(), g.Uint64(), g.Uint64()}}
		if n < len(uploads) {
			h = uploads[n]
		}
		if err := x.Add(h, int64(n)); err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
	}
	return x, nil
}

func (r *hashRun) step() {
	r.done++
	if r.opt.Progress != nil {
		leaking := len(r.opt.Pictures) + r.opt.Leaked*len(specimenStyles)*len(specimen.Templates())
		total := leaking*(len(r.attacks)+1) + (r.opt.Persons-r.opt.Leaked)*len(specimenStyles)*len(specimen.Templates())
		r.opt.Progress(min(r.done, total), total)
	}
}

// leaks attacks what leaks and asks for it in every way.
func (r *hashRun) leaks(ctx context.Context) error {
	for n, s := range r.subjects {
		if !s.leaks {
			continue
		}
		m, err := s.make()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for _, a := range r.attacks {
			if ctx.Err() != nil {
				return stopped(ctx)
			}
			leak := a.Apply(m, s.seed)
			for i := range r.ways {
				asked, err := r.ask(i, n, leak)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, a.Name, err)
				}
				asked.Upload, asked.Group, asked.Attack, asked.AttackGroup = s.name, s.group, a.Name, a.Group
				r.report.Leaks[i] = append(r.report.Leaks[i], asked)
			}
			r.step()
		}
	}
	return nil
}

// ask searches for a leak of upload n in way i.
func (r *hashRun) ask(i, n int, leak *image.NRGBA) (asked HashLeak, err error) {
	hashes, err := r.ways[i].ask(leak)
	if err != nil {
		return asked, err
	}
	own := r.uploads[i][n]
	asked.Distance, asked.Queries = own.Kind.Len()+1, len(hashes)
	queries := phash.LeakOf(hashes...)
	asked.Distance = min(asked.Distance, queries.Distance(own))
	near, err := r.indexes[i].SearchLeak(queries, slices.Max(matchRadii[:]))
	for _, other := range near {
		if other.Ref == int64(n) {
			continue
		}
		for k, radius := range matchRadii {
			if other.Distance <= radius {
				asked.Others[k]++
			}
		}
		if other.Distance <= asked.Distance {
			asked.Nearer++
		}
	}
	return asked, err
}
