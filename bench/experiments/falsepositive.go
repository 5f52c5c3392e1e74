package experiments

import (
	"context"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/watermark"
)

// checkBits is the length of the keyed check that a message must pass to be
// taken for a mark.
const checkBits = 32

// FalsePositiveReport says how often a mark was read where there is none of the
// key, and how often that is to be expected.
type FalsePositiveReport struct {
	KeyIDs   []string       `json:"key_ids"` // those read with
	Seed     uint64         `json:"seed"`
	MaxSide  int            `json:"max_side,omitempty"`
	Pictures int            `json:"pictures"` // measured
	Attacks  int            `json:"attacks"`
	Unmarked ReadingCount   `json:"unmarked"`  // pictures without a mark
	OtherKey ReadingCount   `json:"other_key"` // pictures marked under another key
	Total    ReadingCount   `json:"total"`
	Found    []FalseFinding `json:"found"` // an alarm: must be empty
	Null     *NullReport    `json:"null,omitempty"`
	Broken   []Failure      `json:"broken"`
	Errors   []Failure      `json:"errors"` // readings that failed: no trials
}

// ReadingCount adds up readings that should find nothing.
type ReadingCount struct {
	Trials int `json:"trials"`
	Found  int `json:"found"`

	// Upper95 is the upper limit of the rate that the trials alone show, one-sided
	// 95 %, exact (Clopper and Pearson). It takes the trials as independent, which
	// those of one picture are not quite.
	Upper95 float64 `json:"upper_95"`

	// Checks are the 32-bit checks made. Each passes by chance with probability
	// 2^-32, so that Expected = Checks/Trials × 2^-32 is the computed rate of false
	// findings in a reading, and Worst the one of the reading with MaxChecks.
	Checks    int     `json:"checks"`
	MaxChecks int     `json:"max_checks"`
	Expected  float64 `json:"expected_rate"`
	Worst     float64 `json:"worst_rate"`

	// Checked are the readings in which a check was made at all, Sync the strongest
	// agreement of the pilots on a place (0 to 8), and where.
	Checked int     `json:"checked"`
	Sync    float64 `json:"max_sync"`
	File    string  `json:"max_sync_file"`
	Attack  string  `json:"max_sync_attack"`
}

// A FalseFinding is a mark that was read where there is none.
type FalseFinding struct {
	File     string `json:"file"`
	Attack   string `json:"attack"`
	OtherKey bool   `json:"other_key"` // the picture carries a mark of another key
	Own      bool   `json:"own"`       // it carries other copies of this key
	KeyID    string `json:"key_id"`
	Copy     string `json:"copy"`
	LogPFA   Number `json:"log10_p"`
}

// FalsePositives attacks each picture unmarked, and marked under a key that is
// not read with, and reads it with every one of cfg.Keys keys: cfg.Key, if any,
// and test keys made from the seed. cfg.Trials cheap trials on the same pictures
// say how the statistics of reading are distributed, see [NullReport]. Errors are
// those of [Robustness].
func FalsePositives(ctx context.Context, cfg Config) (*FalsePositiveReport, error) {
	return newEngine().falsePositives(ctx, cfg)
}

func (e *engine) falsePositives(ctx context.Context, cfg Config) (*FalsePositiveReport, error) {
	attacks, err := cfg.begin()
	if err != nil {
		return nil, err
	}
	run := &falseRun{engine: e, cfg: &cfg, attacks: attacks, subjects: make([]innocent, len(cfg.Pictures))}
	if err := run.makeKeys(); err != nil {
		return nil, err
	}
	j := &job{
		pictures: len(cfg.Pictures), tasks: 2*len(attacks) + run.nullTasks(), progress: cfg.Progress,
		prepare: run.prepare, task: run.task, release: run.release,
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	return run.report(), nil
}

type falseRun struct {
	*engine
	cfg      *Config
	attacks  []attack.Attack
	keys     []*watermark.Key // read with
	other    *watermark.Key   // marked with
	subjects []innocent
	sums     nulls // of the cheap trials
}

// An innocent is a picture in which nothing is to be found. Task k is attack k on
// the unmarked picture, and then again on the marked one.
type innocent struct {
	*upload  // until its last task
	marked   *image.NRGBA
	broken   error
	readings [][]reading // by task and key
	nulls    []nullResult
}

type reading struct {
	d   *watermark.Detection
	err error
}

func (r *falseRun) makeKeys() (err error) {
	if r.other, err = testKey(r.cfg.Seed, -1); err != nil {
		return err
	}
	for n := range max(1, r.cfg.Keys) {
		key, err := testKey(r.cfg.Seed, n)
		if n == 0 {
			key, err = r.cfg.key()
		}
		if err != nil {
			return err
		}
		r.keys = append(r.keys, key)
	}
	return nil
}

func (r *falseRun) prepare(_ context.Context, i int) bool {
	s := &r.subjects[i]
	if s.upload, s.broken = r.cfg.upload(r.cfg.Pictures[i]); s.broken == nil {
		s.marked, s.broken = r.embed(r.other, s.id, s.image, s.options)
	}
	s.readings = make([][]reading, 2*len(r.attacks))
	s.nulls = make([]nullResult, r.nullTasks())
	return s.broken == nil
}

func (r *falseRun) task(ctx context.Context, i, k int) {
	s := &r.subjects[i]
	if k >= 2*len(r.attacks) {
		r.nullTask(ctx, i, k-2*len(r.attacks))
		return
	}
	leak := r.attacks[k%len(r.attacks)].Apply(s.copy(k >= len(r.attacks)), s.seed)
	for _, key := range r.keys {
		d, err := r.detect(ctx, key, leak)
		s.readings[k] = append(s.readings[k], reading{d, err})
	}
}

// copy is the picture, or the one marked under the other key.
func (s *innocent) copy(marked bool) *image.NRGBA {
	if marked {
		return s.marked
	}
	return s.image
}

func (r *falseRun) release(i int) { r.subjects[i].upload, r.subjects[i].marked = nil, nil }

func (r *falseRun) report() *FalsePositiveReport {
	rep := &FalsePositiveReport{
		Seed: r.cfg.Seed, MaxSide: r.cfg.MaxSide, Attacks: len(r.attacks),
		Found: []FalseFinding{}, Broken: []Failure{}, Errors: []Failure{},
	}
	for _, key := range r.keys {
		rep.KeyIDs = append(rep.KeyIDs, key.ID())
	}
	for i := range r.subjects {
		s, file := &r.subjects[i], r.cfg.Pictures[i]
		if s.broken != nil {
			rep.Broken = append(rep.Broken, Failure{File: file, Error: s.broken.Error()})
			continue
		}
		rep.Pictures++
		for k, readings := range s.readings {
			for _, one := range readings {
				rep.count(one, file, r.attacks[k%len(r.attacks)].Name, k >= len(r.attacks))
			}
		}
	}
	for _, c := range []*ReadingCount{&rep.Unmarked, &rep.OtherKey, &rep.Total} {
		c.finish()
	}
	if r.cfg.Trials > 0 {
		rep.Null = r.nullReport(rep)
	}
	return rep
}

func (rep *FalsePositiveReport) count(one reading, file, attack string, otherKey bool) {
	if one.err != nil {
		rep.Errors = append(rep.Errors, Failure{File: file, Attack: attack, Error: one.err.Error()})
		return
	}
	kind := &rep.Unmarked
	if otherKey {
		kind = &rep.OtherKey
	}
	kind.add(one.d, file, attack)
	rep.Total.add(one.d, file, attack)
	if one.d.Found {
		rep.Found = append(rep.Found, FalseFinding{
			File: file, Attack: attack, OtherKey: otherKey,
			KeyID: one.d.KeyID, Copy: one.d.Copy.String(), LogPFA: Number(one.d.LogPFA),
		})
	}
}

func (c *ReadingCount) add(d *watermark.Detection, file, attack string) {
	c.Trials++
	if d.Found {
		c.Found++
	}
	c.Checks += d.Debug.Checks
	c.MaxChecks = max(c.MaxChecks, d.Debug.Checks)
	if d.Debug.Checks > 0 {
		c.Checked++
	}
	if d.Debug.Sync > c.Sync {
		c.Sync, c.File, c.Attack = d.Debug.Sync, file, attack
	}
}

func (c *ReadingCount) finish() {
	if c.Trials == 0 {
		c.Upper95 = 1
		return
	}
	c.Upper95 = upperBound(c.Found, c.Trials, .95)
	c.Expected = math.Ldexp(float64(c.Checks)/float64(c.Trials), -checkBits)
	c.Worst = math.Ldexp(float64(c.MaxChecks), -checkBits)
}
