// Package nulls reads pictures where no mark of the key can be: the trials on which the
// promise on false positives rests.
package nulls

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"math/bits"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/spectrum"
)

// A Trial is one reading of a picture where no mark of the key can be: the
// statistics on which the promise on false positives rests.
type Trial struct {
	Correlation float64 // of the likeliest message's code with the soft bits, 0..1
	CheckBits   int     // leading bits of its check that hold, 0..32: each by chance with probability 1/2
	Copy        uint64  // of that message, or the ID that a reading would have found
	Checks      int     // 32-bit checks that a reader would have made here, 0..4
	Found       bool    // whether one of them held
	Covered     int     // coded bits with a chip in the picture, 0..312
	Listed      int     // 10^-Listed is the least p, of 10^-2 to 10^-6, at which a list of listLength copies shows an ID; 0: none
	Agreement   float64 // of the pilots on a place, 0..8; 0 in most trials, which do not measure it
}

// Trials that share work: each place is read under so many keys, each key moved by
// so many random shifts of whole chips. The pilots' agreement is measured at the
// first shift, because it costs as much as all the rest of a few trials.
const (
	nullKeys   = 32
	nullShifts = 32
)

// listLength is the number of IDs that were never issued, with which each place is read under each key.
const listLength = 1000

// Range of the trials' scales, that of the search: pixels of the shrunk leak a mark
// pixel.
const nullScaleLow, nullScaleHigh = 0.27, 4.6

// Trials reads leak n times, each time under a key and at a place drawn from seed, and
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
// distribution itself. Trials returns the errors of [blind.Detect].
func Trials(ctx context.Context, leak image.Image, seed uint64, n int, each func(Trial)) error {
	t := &run{ctx: ctx, rng: nullStream(seed, "places"), left: n, each: each}
	for i := range t.keys {
		t.ids[i] = make([]uint64, listLength)
		for k := range t.ids[i] {
			t.ids[i][k] = uint64(t.rng.Uint32())<<32 | uint64(t.rng.Uint32())
		}
	}
	if leak != nil {
		var err error
		if t.view, err = blind.NewView(leak); err != nil {
			return err
		}
	}
	for i := 0; t.left > 0; i++ {
		t.place(i)
		for k := 0; k < nullKeys && t.left > 0; k++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if t.keys[k] == nil { // dear, and few trials need few keys
				secret := nullSecret(seed, fmt.Sprint("key ", k))
				t.keys[k] = blind.NewKeys(pattern.NewKeys(&secret))
				t.books[k] = t.keys[k].Payload.NewBook(t.ids[k])
			}
			t.key(t.keys[k], t.books[k])
		}
	}
	return nil
}

// Ruined reads leak n times where the mark of a key lies, each time with other soft
// bits ruined, and calls each with the outcome. seed draws a share of the soft bits between
// a quarter and three quarters. They are replaced by noise or, every other time, their sign
// is flipped. The trials say whether a mark that is half destroyed, or half of each of two
// copies, can read as a third copy. leak is a picture marked with the key and sub, or made
// of such pictures, neither resized nor moved. Ruined returns the errors of [blind.Detect].
func Ruined(ctx context.Context, kd *blind.Keys, sub [16]byte, leak image.Image, seed uint64, n int, each func(Trial)) error {
	view, err := blind.NewView(leak)
	if err != nil {
		return err
	}
	rng := nullStream(seed, "ruins")
	soft := despread(kd, chipsOf(view, kd.Placement(sub, view.W, view.H)), 0, 0)
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

// run is a run of [Trials]. What a place is read from is kept while it
// serves all keys.
type run struct {
	ctx    context.Context
	rng    *code.Stream
	keys   [nullKeys]*blind.Keys // nil until a trial needs it, as its book
	books  [nullKeys]*code.Book
	ids    [nullKeys][]uint64 // of the books
	view   *blind.View        // nil: white noise
	field  int                // in which the pilots' agreement is measured at the present place
	chips  []chips
	linear [4]float64 // from the pilots' frequencies to observed ones

	left int
	each func(Trial)
}

// place moves to another similarity.
func (t *run) place(i int) {
	if t.view == nil {
		return
	}
	c, s := dsp.Cis(t.rng.Unit())
	scale := nullScaleLow * math.Exp(t.rng.Unit()*math.Log(nullScaleHigh/nullScaleLow))
	b := [4]float64{c / scale, -s / scale, s / scale, c / scale}
	if t.rng.Uint32()&1 == 1 { // mirrored
		b[1], b[3] = -b[1], -b[3]
	}
	at := geometry.Point{X: pattern.Torus * t.rng.Unit(), Y: pattern.Torus * t.rng.Unit()}
	m := geometry.Affine(b, at).Mul(geometry.Translation(-float64(t.view.W-1)/2, -float64(t.view.H-1)/2))
	t.chips, t.linear, t.field = chipsOf(t.view, m), spectrum.Transpose(b), i%t.view.Fields
}

// key makes the trials of one key at the present place.
func (t *run) key(kd *blind.Keys, book *code.Book) {
	for shift := range min(nullShifts, t.left) {
		t.left--
		soft := t.noise()
		if t.view != nil {
			soft = despread(kd, t.chips, int(t.rng.Uint32()%pattern.Cells), int(t.rng.Uint32()%pattern.Cells))
		}
		trial := tryMessage(kd, &soft)
		trial.Listed = listed(book, &soft)
		if shift == 0 {
			trial.Agreement = kd.Agreement(t.amplitudes(kd))
		}
		t.each(trial)
	}
}

// listed returns [Trial].Listed. Shown takes the level 1e-9; how many times a place counts moves it.
func listed(book *code.Book, soft *[code.CodedN]float64) (n int) {
	norm, unit := 0., make([]float64, code.CodedN)
	for _, v := range soft {
		norm += v * v
	}
	for j, v := range soft {
		unit[j] = v / (math.Sqrt(norm) + 1e-12)
	}
	for level := 2; level <= 6 && len(book.Shown(unit, code.ListedPFA/math.Pow10(-level))) > 0; level++ {
		n = level
	}
	return n
}

// amplitudes returns the pilots' amplitudes at the trial's place.
func (t *run) amplitudes(kd *blind.Keys) *[pattern.PilotN]complex64 {
	var c [pattern.PilotN]complex64
	for k, q := range kd.MarkFrequencies() {
		if t.view == nil {
			c[k] = complex(float32(gaussian(t.rng)), float32(gaussian(t.rng)))
			continue
		}
		c[k] = t.view.Amplitude(t.field, pattern.Frequency{X: t.linear[0]*q.X + t.linear[1]*q.Y, Y: t.linear[2]*q.X + t.linear[3]*q.Y})
	}
	return &c
}

func (t *run) noise() (soft [code.CodedN]float64) {
	for j := range soft {
		soft[j] = gaussian(t.rng)
	}
	return soft
}

// chips are what one carrier shows at the places of w x h chips from chip (u, v) on, row by
// row: of unit RMS, cut at 4, and 0 beyond the leak.
type chips struct {
	u, v, w, h int
	value      []float32
}

// chipsOf samples the carriers at the chips' places under m, from work to mark pixels, as decoding
// does, and returns one entry a carrier. It returns nothing if m has no inverse.
func chipsOf(view *blind.View, m geometry.Mat) (out []chips) {
	view.Rectified(m, func(sampled, filtered dsp.Plane, x, y int) {
		g := chips{u: x / pattern.Cell, v: y / pattern.Cell, w: sampled.W / pattern.Cell, h: sampled.H / pattern.Cell}
		g.value = make([]float32, g.w*g.h)
		sum := 0.0
		for i := range g.value {
			at := i/g.w*pattern.Cell*sampled.W + i%g.w*pattern.Cell
			if sampled.Pix[at] != 0 { // beyond the leak is nothing but the filter's ringing
				g.value[i] = filtered.Pix[at]
			}
			sum += float64(g.value[i]) * float64(g.value[i])
		}
		f := float32(1 / (math.Sqrt(sum/float64(len(g.value))) + 1e-12))
		for i, c := range g.value {
			g.value[i] = pattern.Clip(f*c, -4, 4)
		}
		out = append(out, g)
	})
	return out
}

// despread adds up the chips under each coded bit of a key moved by (du, dv) chips,
// the carriers at equal weight.
func despread(kd *blind.Keys, grids []chips, du, dv int) (soft [code.CodedN]float64) {
	for _, g := range grids {
		var one [code.CodedN]float64
		for j := range g.h {
			row := ((j + g.v + dv) & (pattern.Cells - 1)) * pattern.Cells
			for i, v := range g.value[j*g.w : (j+1)*g.w] {
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
func tryMessage(kd *blind.Keys, soft *[code.CodedN]float64) Trial {
	var t Trial
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
		t.Copy, t.CheckBits = agreement(kd.Payload, message)
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

// agreement returns the ID of a message of MessageN bits and how many leading bits of its check
// hold, 0 to SumBits. Parse wants all of them; by chance n or more hold with probability 2^-n.
func agreement(p code.Payload, message []uint8) (uint64, int) {
	id, _ := p.Parse(message)
	var sum uint32
	for _, b := range message[code.MessageN-code.SumBits:] {
		sum = sum<<1 | uint32(b)
	}
	return id, bits.LeadingZeros32(sum ^ p.Sum(id))
}

func nullSecret(seed uint64, label string) [code.SecretSize]byte {
	return sha256.Sum256(append(binary.BigEndian.AppendUint64([]byte("kycmark null trial "), seed), label...))
}

func nullStream(seed uint64, label string) *code.Stream {
	secret := nullSecret(seed, label)
	return code.NewStream(secret[:])
}

// deviation returns the standard deviation of x.
func deviation(x []float64) float64 {
	mean, squares := 0.0, 0.0
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		squares += float64((v - mean) * (v - mean))
	}
	return math.Sqrt(squares / float64(len(x)))
}

// gaussian draws a standard normal value (Box and Muller, 1958).
func gaussian(s *code.Stream) float64 {
	r := math.Sqrt(-2 * math.Log(1-s.Unit()))
	c, _ := dsp.Cis(s.Unit())
	return r * c
}
