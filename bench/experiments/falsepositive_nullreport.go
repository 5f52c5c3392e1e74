package experiments

import (
	"math"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/watermark"
)

// A NullReport says how the statistics of reading are distributed where there is
// no mark, beside the null distribution: correlation of the likeliest message and
// agreement of the pilots against white noise and its prediction, and the leading
// bits of the keyed check against fair coins. A trial is a reading under one key at
// one place: see [blind.NullTrials].
type NullReport struct {
	Trials int         `json:"trials"` // on pictures
	Kinds  []NullCount `json:"kinds"`  // white noise first; the last is the sum of the pictures
	Bits   []BitCount  `json:"check_bits"`

	// Sound is P(a check holds by chance) × 2^32 as far as the trials tell: the
	// pooled chance of a bit to hold after those before it held, to the 32nd power,
	// with its two-sided 95 % limits.
	Sound Interval `json:"check_soundness"`

	// PerPlace is the rate of false readings at one place under one key that the
	// trials leave possible: upper 95 % limit of the trials with a check, times four
	// checks, times the upper limit of Sound × 2^-32. PerReading is the same of the full
	// readings. Bound is that of a reading which makes all its four checks.
	PerPlace   float64 `json:"rate_per_place_upper"`
	PerReading float64 `json:"rate_per_reading_upper"`
	Bound      float64 `json:"rate_bound"`

	Ruined []RuinedCount `json:"ruined"`
}

// An Interval is an estimate between its limits.
type Interval struct {
	Low   float64 `json:"low"`
	Value float64 `json:"value"`
	High  float64 `json:"high"`
}

// NullCount adds up null trials of one kind.
type NullCount struct {
	Name        string       `json:"name"`
	Trials      int          `json:"trials"`
	Checked     int          `json:"checked"` // trials in which a reader would have made a check
	Upper95     float64      `json:"checked_upper_95"`
	Found       int          `json:"found"` // must be 0
	Correlation Distribution `json:"correlation"`
	Agreement   Distribution `json:"agreement"`
	File        string       `json:"max_correlation_file,omitempty"`
	Attack      string       `json:"max_correlation_attack,omitempty"`
}

// A Distribution is that of a statistic: what shares of 10^0, 10^-1/8, ... of N
// values exceed, and the largest. Expected is what the prediction says that one
// value of N exceeds in the mean.
type Distribution struct {
	N         int      `json:"n"`
	Quantiles []Number `json:"quantiles"`
	Most      float64  `json:"max"`
	Expected  float64  `json:"predicted_max"`
}

const quantilesADecade = 8

// BitCount says how often the first Bits bits of the check hold.
type BitCount struct {
	Bits     int     `json:"bits"`
	Held     int     `json:"held"`
	Expected float64 `json:"expected"`
	Low95    float64 `json:"low_95"` // limits of the rate, two-sided 95 %, exact, times 2^Bits: 1 lies between
	High95   float64 `json:"high_95"`
}

const bitsShown = 20

// RuinedCount adds up readings of our own marks with something amiss.
type RuinedCount struct {
	Name     string `json:"name"`
	Readings int    `json:"readings"` // in full, of the leak as it is
	First    int    `json:"first"`    // of these, read as the first copy
	Second   int    `json:"second"`
	Trials   int    `json:"trials"` // with soft bits ruined
	Own      int    `json:"own"`    // of these, read as a copy that is in it
	Checked  int    `json:"checked_in_vain"`
	Third    int    `json:"third"` // of both, read as another copy: must be 0
}

// full enters a full reading that found id, and reports whether it is a third ID.
func (c *RuinedCount) full(id watermark.CopyID, ids [2]watermark.CopyID) bool {
	switch id {
	case ids[0]:
		c.First++
	case ids[1]:
		c.Second++
	default:
		c.Third++
		return true
	}
	return false
}

// add enters a trial with ruined soft bits, and reports whether it gave a third ID.
func (c *RuinedCount) add(t blind.NullTrial, ids [2]watermark.CopyID) bool {
	c.Trials++
	switch {
	case t.Found && t.Copy != uint64(ids[0]) && t.Copy != uint64(ids[1]):
		c.Third++
		return true
	case t.Found:
		c.Own++
	case t.Checks > 0:
		c.Checked++
	}
	return false
}

func (c *RuinedCount) merge(o *RuinedCount) {
	c.Readings += o.Readings
	c.First += o.First
	c.Second += o.Second
	c.Trials += o.Trials
	c.Own += o.Own
	c.Checked += o.Checked
	c.Third += o.Third
}

func (r *falseRun) nullReport(rep *FalsePositiveReport) *NullReport {
	out := &NullReport{Ruined: make([]RuinedCount, ruinedKinds), Bound: math.Ldexp(4, -checkBits)}
	var pictures tally
	for kind := range r.sums.tallies {
		out.Kinds = append(out.Kinds, r.sums.tallies[kind].count(nullNames[kind]))
		if kind != onNoise {
			pictures.merge(&r.sums.tallies[kind])
		}
	}
	for kind := range out.Ruined {
		out.Ruined[kind].Name = ruinedNames[kind]
	}
	for i := range r.subjects {
		for k := range r.subjects[i].nulls {
			r.gather(out, rep, i, &r.subjects[i].nulls[k])
		}
	}
	out.Trials = pictures.trials
	sum := pictures.count("**all pictures**")
	out.Kinds = append(out.Kinds, sum)
	out.Bits, out.Sound = coins(pictures.bits)
	chance := math.Ldexp(out.Sound.High, -checkBits)
	out.PerPlace = 4 * sum.Upper95 * chance
	if rep.Total.Trials > 0 {
		out.PerReading = 4 * upperBound(rep.Total.Checked, rep.Total.Trials, .95) * chance
	}
	return out
}

// gather enters what one task of picture i has beside its tally.
func (r *falseRun) gather(out *NullReport, rep *FalsePositiveReport, i int, n *nullResult) {
	file := r.cfg.Pictures[i]
	switch {
	case n.err != nil:
		rep.Errors = append(rep.Errors, Failure{File: file, Attack: n.attack, Error: n.err.Error()})
	case n.kind >= nullKinds:
		out.Ruined[n.kind-nullKinds].merge(&n.ruin)
		rep.Found = append(rep.Found, n.third...)
	case n.kind != onNoise:
		if c := &out.Kinds[n.kind]; n.most == c.Correlation.Most && c.File == "" {
			c.File, c.Attack = file, n.attack
		}
	}
}

func (t *tally) count(name string) NullCount {
	return NullCount{
		Name: name, Trials: t.trials, Checked: t.checked, Found: t.found,
		Upper95:     upperBound(t.checked, t.trials, .95),
		Correlation: t.correlation.distribution(codeWordTail, 1),
		Agreement:   t.agreement.distribution(agreementTail, 8),
	}
}

// distribution sums up a statistic from 0 to top with the given upper tail.
func (h *histogram) distribution(tail func(float64) float64, top float64) Distribution {
	d := Distribution{N: h.n, Most: h.most, Quantiles: []Number{}}
	if h.n == 0 {
		return d
	}
	for k := 0; ; k++ {
		v := h.quantile(math.Pow(10, -float64(k)/quantilesADecade))
		if math.IsNaN(v) {
			break
		}
		d.Quantiles = append(d.Quantiles, Number(v))
	}
	low, high := 0.0, top
	for range 60 {
		if mid := (low + high) / 2; tail(mid)*float64(h.n) > 1 {
			low = mid
		} else {
			high = mid
		}
	}
	d.Expected = low
	return d
}

// coins compares the leading bits of checks with fair coins: bits[k] trials had k
// of them hold and the next one not.
func coins(bits [checkBits + 1]int) ([]BitCount, Interval) {
	total, held, thrown := 0, 0, 0
	for k, n := range bits {
		total += n
		held += k * n
		thrown += (k + 1) * n
	}
	var out []BitCount
	left := total
	for k := 1; k <= bitsShown; k++ {
		left -= bits[k-1]
		scale := math.Ldexp(1, k)
		out = append(out, BitCount{
			Bits: k, Held: left, Expected: float64(total) / scale,
			Low95: scale * lowerBound(left, total, .975), High95: scale * upperBound(left, total, .975),
		})
	}
	power := func(p float64) float64 { return math.Pow(2*p, checkBits) }
	return out, Interval{
		power(lowerBound(held, thrown, .975)), power(float64(held) / math.Max(1, float64(thrown))), power(upperBound(held, thrown, .975)),
	}
}
