package experiments

import (
	"context"
	"image"
	"math"
	"strconv"
	"sync"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/watermark"
)

// The cheap trials of a picture are shared out among leaks: white noise, the
// picture and its copy of another key, both under several attacks; and, to ruin,
// one copy of the key that is read with, two of them averaged and two in one
// mosaic.
const (
	nullLeaks   = 8  // of which the first two are not attacked
	noiseShare  = 4  // one trial on noise for so many on pictures
	ruinedShare = 40 // one ruined trial of each kind
)

// What a trial was made on, in the order of the report.
const (
	onNoise = iota
	onUnmarked
	onOther
	onAttacked
	onOtherAttacked
	nullKinds
)

var nullNames = [nullKinds]string{
	"white noise", "unmarked", "marked under another key", "unmarked, attacked", "marked under another key, attacked",
}

// Our own copies that are ruined.
const (
	ofOneCopy = iota
	ofAverage
	ofMosaic
	ruinedKinds
)

var ruinedNames = [ruinedKinds]string{"one copy", "two copies averaged", "mosaic of two copies"}

// A nullResult is that of one task.
type nullResult struct {
	kind   int // of null trials, or nullKinds + that of ruined ones
	attack string
	most   float64 // largest correlation
	ruin   RuinedCount
	third  []FalseFinding // alarms
	err    error
}

// nulls are the sums of all tasks, whatever their order.
type nulls struct {
	mu      sync.Mutex
	tallies [nullKinds]tally
}

func (r *falseRun) nullTasks() int {
	if r.cfg.Trials == 0 {
		return 0
	}
	return 1 + nullLeaks + ruinedKinds
}

// nullTask makes the cheap trials of leak k of picture i.
func (r *falseRun) nullTask(ctx context.Context, i, k int) {
	s, all := &r.subjects[i], share(r.cfg.Trials, len(r.subjects))
	out := &s.nulls[k]
	if k > nullLeaks {
		out.kind = nullKinds + k - nullLeaks - 1
		out.err = r.ruin(ctx, i, out, share(all, ruinedShare))
		return
	}
	sum := &tally{}
	leak, n := image.Image(nil), share(all, noiseShare)
	if k > 0 {
		leak, n = r.nullLeak(i, k, out), share(all, nullLeaks)
	}
	out.err = r.null(ctx, leak, r.cfg.draw("null "+strconv.Itoa(k), s.content), n, sum.add)
	out.most = sum.correlation.most
	r.sums.mu.Lock()
	defer r.sums.mu.Unlock()
	r.sums.tallies[out.kind].merge(sum)
}

// nullLeak is leak k of picture i, from 1 on: unmarked and marked in turn, from the
// third on attacked, in a way that changes with picture and leak.
func (r *falseRun) nullLeak(i, k int, out *nullResult) image.Image {
	s, marked := &r.subjects[i], k%2 == 0
	leak := s.copy(marked)
	out.kind = onUnmarked
	if k > 2 {
		a := r.attacks[(i*(nullLeaks-2)+k)%len(r.attacks)]
		leak, out.attack, out.kind = a.Apply(leak, s.seed), a.Name, onAttacked
	}
	if marked {
		out.kind++
	}
	return leak
}

func share(n, parts int) int { return (n + parts - 1) / parts }

// ruin makes a leak of the picture marked under the key that is read with, reads
// it in full, and n times with soft bits ruined. Neither may give a third ID.
func (r *falseRun) ruin(ctx context.Context, i int, out *nullResult, n int) error {
	s, key, kind := &r.subjects[i], r.keys[0], out.kind-nullKinds
	ids := [2]watermark.CopyID{s.id, watermark.CopyID(r.cfg.draw("second copy", s.content))}
	leak, err := r.mixture(key, s.upload, ids, kind)
	if err != nil {
		return err
	}
	alarm := func(id watermark.CopyID, how string) {
		out.third = append(out.third, FalseFinding{
			File: r.cfg.Pictures[i], Attack: ruinedNames[kind] + how, Own: true, KeyID: key.ID(), Copy: id.String(), LogPFA: Number(math.NaN()),
		})
	}
	d, err := r.detect(ctx, key, leak)
	if err != nil {
		return err
	}
	out.ruin.Readings++
	if d.Found && out.ruin.full(d.Copy, ids) {
		alarm(d.Copy, "")
	}
	return r.ruined(ctx, key, s.options.Submission, leak, r.cfg.draw("ruin", s.content), n, func(t blind.NullTrial) {
		if out.ruin.add(t, ids) {
			alarm(watermark.CopyID(t.Copy), ", ruined")
		}
	})
}

// mixture is a leak made of one or two copies of an upload.
func (e *engine) mixture(key *watermark.Key, up *upload, ids [2]watermark.CopyID, kind int) (*image.NRGBA, error) {
	first, err := e.embed(key, ids[0], up.image, up.options)
	if err != nil || kind == ofOneCopy {
		return first, err
	}
	second, err := e.embed(key, ids[1], up.image, up.options)
	if err != nil {
		return nil, err
	}
	if kind == ofAverage {
		return average([]*image.NRGBA{first, second}), nil
	}
	return mosaic(first, second), nil
}

// average is the mean of pictures of one size.
func average(of []*image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(of[0].Rect)
	for i := range out.Pix {
		sum := 0
		for _, p := range of {
			sum += int(p.Pix[i])
		}
		out.Pix[i] = uint8((sum + len(of)/2) / len(of))
	}
	return out
}

// mosaic has squares of 64 px of both pictures in turn.
func mosaic(a, b *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(a.Rect)
	copy(out.Pix, a.Pix)
	const side = 64
	for y := range a.Rect.Dy() {
		for x := y / side % 2 * side; x < a.Rect.Dx(); x += 2 * side {
			from, to := y*a.Stride+4*x, y*a.Stride+4*min(x+side, a.Rect.Dx())
			copy(out.Pix[from:to], b.Pix[from:to])
		}
	}
	return out
}
