package experiments

import (
	"cmp"
	"context"
	"errors"
	"math"
	"time"
)

// A VerdictConfig says how many dumps [Verdicts] simulates.
type VerdictConfig struct {
	Outcomes *OutcomeTable // required: what each leak was found to be
	Dumps    int           // 0 means 10,000
	Worlds   int           // registries, in turn; 0 means 64
	Story    string        // the only one that is told, of those in the report; "": all
	Seed     uint64
	Workers  int           // 0 means one a processor
	Within   time.Duration // no dump is begun later, and the report is on those before; 0: all are
	Progress func(done, total int)
}

// A Story counts the dumps of one story.
type Story struct {
	Name  string `json:"name"`
	Dumps int    `json:"dumps"`
	// Listed dumps have one source or more that some hypothesis stands for. Top of these have
	// one with the greatest likelihood ratio of all; Stated of these reach 10, and
	// TopStated counts the dumps in which any hypothesis reaches 10 and the top one is true.
	Listed    int `json:"listed"`
	Top       int `json:"top"`
	Stated    int `json:"stated"`
	TopStated int `json:"top_stated"`
	// Named dumps name a recipient, Alone one without a rival, Wrong one of whose copies no leak was
	// made.
	Named int `json:"named"`
	Alone int `json:"alone"`
	Wrong int `json:"wrong"`
	// Framed dumps name the recipient that somebody wants blamed: FramedAlone without a rival, Beside
	// with the one who did it among them, Open with whoever the rest of the dump came from, nobody
	// listed. Warned of these flag who could have done it, or that it is one copy again and again.
	Framed      int `json:"framed"`
	FramedAlone int `json:"framed_alone"`
	Beside      int `json:"beside"`
	Open        int `json:"open"`
	Warned      int `json:"warned"`
	// Windows are dumps whose densest window lies in the custody that they came from, all its
	// holders listed. Tens and Hundreds of these earn that custody a ratio of 10 and 100, Headed
	// 100 also where it is divided by the number of custody sets searched, as a report's headline takes, and
	// Supported is the mean of its logarithms.
	Windows   int    `json:"windows"`
	Tens      int    `json:"windows_10"`
	Hundreds  int    `json:"windows_100"`
	Headed    int    `json:"windows_headline"`
	Supported Number `json:"supported_log10_lr"`
	supported float64
}

// A Calibration counts statements by the probability that they amount to.
type Calibration struct {
	From   float64 `json:"from_log10_lr"` // of the bin, up to the next one's
	Stated int     `json:"stated"`
	True   int     `json:"true"`
	Mean   float64 `json:"mean"` // of the stated probability, prior even
	LogLR  float64 `json:"mean_log10_lr"`
}

// realised is the log10 ratio of how often a bin is stated of what is true and of what is not,
// half a statement added to either so that it is finite.
func realised(bins []Calibration, k int) float64 {
	yes, all := 0, 0
	for _, b := range bins {
		yes += b.True
		all += b.Stated
	}
	b := bins[k]
	return math.Log10((float64(b.True) + .5) / (float64(yes) + .5) * (float64(all-yes) + .5) / (float64(b.Stated-b.True) + .5))
}

// A Tally is so many of so many.
type Tally struct {
	Of  int `json:"of"`
	Yes int `json:"yes"`
}

func (r *Tally) add(yes bool) {
	r.Of++
	if yes {
		r.Yes++
	}
}

// share is Yes of Of; NaN: of none.
func (r Tally) share() float64 { return float64(r.Yes) / float64(r.Of) }

// A VerdictReport is what simulated investigations came to.
type VerdictReport struct {
	Seed       uint64            `json:"seed"`
	Dumps      int               `json:"dumps"`
	Leaks      int               `json:"leaks"`
	Outcomes   int               `json:"outcomes"` // in the table
	Stories    []Story           `json:"stories"`
	Named      []Tally           `json:"named"`    // true recipients with one, two, three and more surviving marked leaks that went through a messenger
	Alone      Tally             `json:"alone"`    // of those named with three and more, without a rival
	Safe       Tally             `json:"safe"`     // of those with three and more, the ones with three of uploads that no other recipient held unmarked
	Sent       Tally             `json:"sent"`     // the same with three such leaks, whether their marks survived or not
	Scrubbed   Tally             `json:"scrubbed"` // true recipients named whose leaks were scrubbed, with three and more
	Wrong      int               `json:"false_accusations"`
	WrongAlone int               `json:"alone_wrongly"` // dumps that name alone a recipient whose copies another put there
	Outside    int               `json:"outside"`       // dumps that name one such and not that other among its rivals
	Upper95    float64           `json:"false_accusations_upper_95"`
	Sure       Tally             `json:"stated_99"` // statements of 99 % and more that are true
	SureKinds  map[string]*Tally `json:"stated_99_by_kind"`
	Calibrated []Calibration     `json:"calibration"`
	// ByKind has the same of each kind of hypothesis. What share of a bin is true depends on how many
	// of all are; how much more often the bin is stated of true ones than of others does not.
	ByKind map[string][]Calibration `json:"calibration_by_kind"`
	Cases  []Failure                `json:"cases"` // wrong accusations, and wrong statements of 99 %
	Milli  Spread                   `json:"weigh_ms"`
	took   []float64
}

// bins of the diagram, log10 likelihood ratios.
var calibrationBins = []float64{math.Inf(-1), -3, -2, -1.5, -1, -.5, -.1, .1, .5, 1, 1.5, 2, 2.5, 3, 4, 5}

// messengers are the attacks of which a true source with three surviving leaks must be named.
var messengers = []string{"telegram_low", "whatsapp_twice"}

// Verdicts simulates investigations and counts how their verdicts compare with the truth.
// The error is [ErrOutcomes], [odds.ErrCase] or that of ctx.
func Verdicts(ctx context.Context, cfg VerdictConfig) (*VerdictReport, error) {
	if cfg.Outcomes == nil {
		return nil, ErrOutcomes
	}
	if err := cfg.Outcomes.check(); err != nil {
		return nil, err
	}
	cfg.Dumps, cfg.Worlds = cmp.Or(cfg.Dumps, 10_000), cmp.Or(cfg.Worlds, 64)
	s := &simulation{outcome: newDrawer(cfg.Outcomes), seed: cfg.Seed, only: cfg.Story}
	for i := range cfg.Worlds {
		s.worlds = append(s.worlds, newWorld(cfg.Seed<<16+uint64(i), worldUploads, worldMonths))
	}
	scores, errs := make([]*score, cfg.Dumps), make([]error, cfg.Dumps)
	start := time.Now()
	j := &job{
		pictures: cfg.Dumps, tasks: 1, progress: cfg.Progress,
		prepare: func(context.Context, int) bool { return true }, release: func(int) {},
		task: func(_ context.Context, i, _ int) {
			if cfg.Within > 0 && time.Since(start) > cfg.Within {
				return
			}
			d, rng := s.dump(i)
			scores[i], errs[i] = d.weigh(s.caseOf(rng, d))
		},
	}
	workers := Config{Workers: cfg.Workers}
	if err := j.run(ctx, workers.workers()); err != nil {
		return nil, err
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	rep := newVerdictReport(cfg.Seed)
	rep.Outcomes = len(cfg.Outcomes.Outcomes)
	for i, sc := range scores {
		if sc != nil {
			rep.add(i, sc)
		}
	}
	rep.finish()
	return rep, nil
}

func newVerdictReport(seed uint64) *VerdictReport {
	rep := &VerdictReport{Seed: seed, Named: make([]Tally, 3), SureKinds: map[string]*Tally{}, ByKind: map[string][]Calibration{}, Cases: []Failure{}}
	for _, x := range stories {
		rep.Stories = append(rep.Stories, Story{Name: x.name})
	}
	rep.Calibrated = newCalibration()
	return rep
}

func newCalibration() (out []Calibration) {
	for _, from := range calibrationBins {
		out = append(out, Calibration{From: math.Max(from, -99)})
	}
	return out
}
