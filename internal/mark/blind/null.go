package blind

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
)

// A NullTrial is one reading of a picture where no mark of the key can be: the
// statistics on which the promise on false positives rests.
type NullTrial struct {
	Correlation float64 // of the likeliest message's code with the soft bits, 0..1
	CheckBits   int     // leading bits of its check that hold, 0..32: each by chance with probability 1/2
	Copy        uint64  // of that message, or the ID that a reading would have found
	Checks      int     // 32-bit checks that a reader would have made here, 0..4
	Found       bool    // whether one of them held
	Covered     int     // coded bits with a chip in the picture, 0..312
	Agreement   float64 // of the pilots on a place, 0..8; 0 in most trials, which do not measure it
}

// Trials that share work: each place is read under so many keys, each key moved by
// so many random shifts of whole chips. The pilots' agreement is measured at the
// first shift, because it costs as much as all the rest of a few trials.
const (
	nullKeys   = 32
	nullShifts = 32
)

// Range of the trials' scales, that of the search: pixels of the shrunk leak a mark
// pixel.
const nullScaleLow, nullScaleHigh = 0.27, 4.6

// NullTrials reads leak n times, each time under a key and at a place drawn from seed, and
// calls each with the outcome. A place is any rotation, mirrored or not, a scale anywhere
// in the range of the search, and any shift. The leak carries no mark of these keys,
// whatever it shows. The check is made on the likeliest message of every trial, however
// little it correlates. So n trials say how often the check's first k bits hold by chance:
// n/2^k times if the check is sound.
//
// A trial despreads as a reader does. But it takes all of the picture and both carriers at
// equal weight, since pilots that are absent cannot weigh them.
//
// A nil leak means white noise: Gaussian soft bits and pilot amplitudes, the null
// distribution itself. NullTrials returns the errors of Detect.
func NullTrials(ctx context.Context, leak image.Image, seed uint64, n int, each func(NullTrial)) error {
	t := &nullTrials{ctx: ctx, rng: nullStream(seed, "places"), left: n, each: each}
	for i := range t.keys {
		secret := nullSecret(seed, fmt.Sprint("key ", i))
		t.keys[i] = NewKeys(pattern.NewKeys(&secret))
	}
	t.shifts = newShiftFinder()
	if leak != nil {
		l, err := newLeak(leak)
		if err != nil {
			return err
		}
		t.carriers, t.fields = l.carriers, l.fields
		t.tones = make([]*toneReader, len(t.fields))
	}
	for i := 0; t.left > 0; i++ {
		t.place(i)
		for _, kd := range t.keys {
			if err := ctx.Err(); err != nil {
				return err
			}
			t.key(kd)
		}
	}
	return nil
}

// RuinedTrials reads leak n times where the mark of a key lies, each time with other soft
// bits ruined, and calls each with the outcome. seed draws a share of the soft bits between
// a quarter and three quarters. They are replaced by noise or, every other time, their sign
// is flipped. The trials say whether a mark that is half destroyed, or half of each of two
// copies, can read as a third copy. leak is a picture marked with the key and sub, or made
// of such pictures, neither resized nor moved. RuinedTrials returns the errors of Detect.
func RuinedTrials(ctx context.Context, kd *Keys, sub [16]byte, leak image.Image, seed uint64, n int, each func(NullTrial)) error {
	l, err := newLeak(leak)
	if err != nil {
		return err
	}
	c := l.carriers
	rng := nullStream(seed, "ruins")
	soft := despread(kd, chipGrids(c, kd.Placement(sub, c[0].W, c[0].H)), 0, 0)
	dev := deviation(soft[:])
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		share := 0.25 + rng.Unit()/2
		ruined := soft
		for j := range ruined {
			switch {
			case rng.Unit() >= share:
			case i%2 == 0:
				ruined[j] = dev * gaussian(rng)
			default:
				ruined[j] = -ruined[j]
			}
		}
		each(tryMessage(kd, &ruined))
	}
	return nil
}

// nullTrials is a run of [NullTrials]. What a place is read from is kept while it
// serves all keys.
type nullTrials struct {
	ctx      context.Context
	rng      *code.Stream
	keys     [nullKeys]*Keys
	shifts   *shiftFinder
	carriers []dsp.Plane // none: white noise
	fields   []dsp.Plane
	tones    []*toneReader

	grids  []chipGrid
	tone   *toneReader
	linear [4]float64 // from the pilots' frequencies to observed ones

	left int
	each func(NullTrial)
}

// place moves to another similarity.
func (t *nullTrials) place(i int) {
	if t.carriers == nil {
		return
	}
	c, s := dsp.Cis(t.rng.Unit())
	scale := nullScaleLow * math.Exp(t.rng.Unit()*math.Log(nullScaleHigh/nullScaleLow))
	b := [4]float64{c / scale, -s / scale, s / scale, c / scale}
	if t.rng.Uint32()&1 == 1 { // mirrored
		b[1], b[3] = -b[1], -b[3]
	}
	w, h := t.carriers[0].W, t.carriers[0].H
	at := geometry.Point{X: pattern.Torus * t.rng.Unit(), Y: pattern.Torus * t.rng.Unit()}
	m := geometry.Affine(b, at).Mul(geometry.Translation(-float64(w-1)/2, -float64(h-1)/2))
	t.grids = chipGrids(t.carriers, m)
	t.linear = spectrum.Transpose(b)
	f := i % len(t.fields)
	if t.tones[f] == nil {
		t.tones[f] = newToneReader(t.fields[f])
	}
	t.tone = t.tones[f]
}

// key makes the trials of one key at the present place.
func (t *nullTrials) key(kd *Keys) {
	for shift := range min(nullShifts, t.left) {
		t.left--
		soft := t.noise()
		if t.carriers != nil {
			soft = despread(kd, t.grids, int(t.rng.Uint32()%pattern.Cells), int(t.rng.Uint32()%pattern.Cells))
		}
		trial := tryMessage(kd, &soft)
		if shift == 0 {
			trial.Agreement = kd.findShift(t.shifts, t.amplitudes(kd)).z
		}
		t.each(trial)
	}
}

// amplitudes returns the pilots' amplitudes at the trial's place.
func (t *nullTrials) amplitudes(kd *Keys) *[pattern.PilotN]complex64 {
	var c [pattern.PilotN]complex64
	for k, q := range kd.MarkFrequencies() {
		if t.carriers == nil {
			c[k] = complex(float32(gaussian(t.rng)), float32(gaussian(t.rng)))
			continue
		}
		c[k] = t.tone.at(pattern.Frequency{X: t.linear[0]*q.X + t.linear[1]*q.Y, Y: t.linear[2]*q.X + t.linear[3]*q.Y})
	}
	return &c
}

func (t *nullTrials) noise() (soft [code.CodedN]float64) {
	for j := range soft {
		soft[j] = gaussian(t.rng)
	}
	return soft
}

// A chipGrid is what one carrier shows at the chips' places.
type chipGrid struct {
	u, v, nx, ny int // chips, of the corner and of the extent
	value        []float32
}

// chipGrids samples the carriers under m, work to mark, as soft does.
func chipGrids(carriers []dsp.Plane, m geometry.Mat) []chipGrid {
	band := pattern.NewResponseTable()
	var out []chipGrid
	for _, z := range carriers {
		win := markWindow(m, z.W, z.H, nil)
		r, ok := rectify(z, m, win)
		if !ok {
			continue // only singular maps: no similarity is singular
		}
		y := r.Clone()
		matchedBand(y, band)
		g := chipGrid{u: win.u / pattern.Cell, v: win.v / pattern.Cell, nx: win.w / pattern.Cell, ny: win.h / pattern.Cell}
		g.value = make([]float32, g.nx*g.ny)
		sum := 0.0
		for i := range g.value {
			at := i/g.nx*pattern.Cell*y.W + i%g.nx*pattern.Cell
			if g.value[i] = y.Pix[at]; r.Pix[at] == 0 { // beyond the picture is nothing but the filter's ringing
				g.value[i] = 0
			}
			sum += float64(g.value[i]) * float64(g.value[i])
		}
		f := float32(1 / (math.Sqrt(sum/float64(len(g.value))) + 1e-12))
		for i, v := range g.value {
			g.value[i] = pattern.Clip(f*v, -4, 4)
		}
		out = append(out, g)
	}
	return out
}

// despread adds up the chips under each coded bit of a key moved by (du, dv) chips,
// the carriers at equal weight.
func despread(kd *Keys, grids []chipGrid, du, dv int) (soft [code.CodedN]float64) {
	for _, g := range grids {
		var one [code.CodedN]float64
		for j := range g.ny {
			row := ((j + g.v + dv) & (pattern.Cells - 1)) * pattern.Cells
			for i, v := range g.value[j*g.nx : (j+1)*g.nx] {
				if v != 0 {
					at := row + (i+g.u+du)&(pattern.Cells-1)
					one[kd.Bit[at]] += float64(v * kd.Sign[at])
				}
			}
		}
		weight := 1 / (deviation(one[:]) + 1e-12)
		for j, v := range one {
			soft[j] += v * weight
		}
	}
	return soft
}

// tryMessage decodes soft bits and makes the check, whether or not a reader would.
func tryMessage(kd *Keys, soft *[code.CodedN]float64) NullTrial {
	var t NullTrial
	in := make([]float32, code.CodedN)
	energy := 0.0
	for j, v := range soft {
		in[j] = float32(v)
		energy += v * v
		if v != 0 {
			t.Covered++
		}
	}
	for _, message := range code.Decode(in, code.MessageN, 1) {
		t.Correlation = code.Correlation(message, soft[:], energy)
		t.Copy, t.CheckBits = kd.Payload.Agreement(message)
	}
	if t.Correlation < code.MinCorrelation {
		return t
	}
	for _, message := range code.Decode(in, code.MessageN, code.CheckBudget) {
		if t.Found || code.Correlation(message, soft[:], energy) < code.MinCorrelation {
			break
		}
		t.Checks++
		if id, ok := kd.Payload.Parse(message); ok {
			t.Found, t.Copy, t.CheckBits = true, id, code.SumBits
		}
	}
	return t
}

func nullSecret(seed uint64, label string) [code.SecretSize]byte {
	return sha256.Sum256(append(binary.BigEndian.AppendUint64([]byte("kycmark null trial "), seed), label...))
}

func nullStream(seed uint64, label string) *code.Stream {
	secret := nullSecret(seed, label)
	return code.NewStream(secret[:])
}

// gaussian draws a standard normal value (Box and Muller, 1958).
func gaussian(s *code.Stream) float64 {
	r := math.Sqrt(-2 * math.Log(1-s.Unit()))
	c, _ := dsp.Cis(s.Unit())
	return r * c
}
