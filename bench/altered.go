package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/disintegration/imaging"
	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// alteredLeaks are what altered pictures go through, in turn.
var alteredLeaks = []string{"screenshot", "telegram", "crop75", "whatsapp", "telegram_low"}

// What a leak of the experiment altered is made of.
const (
	alteredCopy   = "copies, altered"
	alteredUpload = "uploads, altered"
	laidOnOther   = "other persons' documents, a copy's mark laid on"
	laidOnAgain   = "other captures of the card, a copy's mark laid on"
)

// altered measures leaks that were altered in places: whether they are the same capture still, a
// copy's mark is traced outside the places, and the places are found.
func altered() *ruler.Experiment { return alteredBy(attack.Alterations()) }

// alteredBy is [altered] for some alterations.
func alteredBy(alterations []attack.Alteration) *ruler.Experiment {
	r := &alteredRun{alterations: alterations}
	documents := 0
	of := func(labels ...string) func(*ruler.Trial) bool {
		return func(t *ruler.Trial) bool { return slices.Contains(labels, t.Labels["of"]) }
	}
	columns := []ruler.Column{ruler.Of("same capture", "same"), ruler.Of("confirmed", "confirmed"), ruler.Of("places right", "right"), ruler.Upper("confirmed, at most", "confirmed")}
	return &ruler.Experiment{
		Name: "altered", Short: "Whether leaks that were altered in places keep their finding", Plain: true,
		Long: `Draw documents of invented persons. Alter each upload and its marked copy in places, and
leak them. Lay the copy's mark onto another person's document of the template and onto another
capture of the card, everywhere or only where the pictures agree. Exit 1 when such a leak is confirmed.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&documents, "documents", 15, "`number` of documents")
			fs.IntVar(&r.side, "side", 900, "long side of uploads, `pixels`")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if documents < 1 || r.side < 600 {
				return nil, errors.New("--documents takes 1 or more, --side 600 or more")
			}
			r.env = env
			r.attacks, err = inTurn(alteredLeaks)
			return ruler.Cases(documents, r.document), err
		},
		Tables: []ruler.Table{
			{Name: "short", Doc: true, By: []string{"of"}, Heads: []string{"leaks of"}, Columns: columns},
			{Name: "alterations", By: []string{"of", "alteration"}, Columns: columns},
			{Name: "attacks", By: []string{"of", "attack"}, Columns: columns},
			{Name: "missed", By: []string{"of", "document", "alteration", "attack", "verdict"}, Where: func(t *ruler.Trial) bool {
				right, known := t.Values["right"]
				return (t.Values["same"] == 0 || known && right == 0) == of(alteredCopy, alteredUpload)(t)
			}},
		},
		Missed: func(trials []ruler.Trial) (out []string) {
			if n := ruler.Group(trials).Where(of(laidOnOther, laidOnAgain)).Sum("confirmed"); n > 0 {
				out = append(out, fmt.Sprintf("%.0f leaks with a mark laid on are confirmed, bar 0", n))
			}
			return out
		},
	}
}

// An alteredRun holds altered leaks against their originals.
type alteredRun struct {
	env         *ruler.Env
	alterations []attack.Alteration
	attacks     []attack.Attack
	side        int // long side of uploads, pixels
}

// An alteredPicture is an upload that leaks are held against.
type alteredPicture struct {
	name   string
	upload *image.NRGBA
	onto   *capture.Original
	by     *watermark.Tracer // for 20 copies
	copy   watermark.CopyID  // the copy that leaks
}

// document draws document i, and emits the trials of its leaks.
func (r *alteredRun) document(ctx context.Context, i int, emit func(ruler.Trial)) {
	template, medium, seed := specimen.Templates()[i/media%len(specimen.Templates())], i%media, r.env.Seed<<32+uint64(10*i)
	blank := specimen.NewBlank(template, r.side*11/12)
	taken := func(person, capture uint64) *image.NRGBA {
		return attack.Attack{}.Apply(takenBy(blank.Fill(specimen.NewPerson(person)), r.side, medium, capture), 0)
	}
	p := &alteredPicture{name: fmt.Sprintf("%s %d, %s", template, i, mediumNames[medium]), upload: taken(seed, seed)}
	p.onto = capture.New(dsp.LazyLuma(p.upload))
	content := sha256.Sum256(p.upload.Pix)
	var issued []watermark.Candidate
	for k := range 20 {
		issued = append(issued, watermark.Candidate{Copy: watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", k), content)), Key: r.env.Key})
	}
	p.copy, p.by = issued[0].Copy, ruler.Must(watermark.NewTracerOn(p.onto, p.upload, issued, nil))
	marked := ruler.Must(watermark.Embed(r.env.Key, p.copy, p.upload, nil))
	turn := i
	hold := func(of, alteration string, img *image.NRGBA, where []image.Rectangle) {
		a := r.attacks[turn%len(r.attacks)]
		turn++
		t := p.judge(ctx, a.Apply(img, seed), where)
		t.Labels["of"], t.Labels["alteration"], t.Labels["attack"], t.Labels["document"] = of, alteration, a.Name, p.name
		emit(t)
	}
	for _, a := range r.alterations {
		img, where := a.Apply(marked, seed)
		hold(alteredCopy, a.Name, img, differing(marked, img, where))
		img, where = a.Apply(p.upload, seed)
		hold(alteredUpload, a.Name, img, differing(p.upload, img, where))
	}
	for k := range uint64(2) { // from the same place: only what is a person's differs
		other := taken(seed+1+k, seed)
		hold(laidOnOther, "everywhere", laid(other, p.upload, marked, 255), nil)
		hold(laidOnOther, "where both agree", laid(other, p.upload, marked, 16), nil)
	}
	if medium != mediumDrawn {
		hold(laidOnAgain, "everywhere", laid(taken(seed, seed+1), p.upload, marked, 255), nil)
	}
}

// laid returns onto with the difference of marked and upload added, where onto and upload differ by no more than limit
// levels. Beyond their size the difference repeats.
func laid(onto, upload, marked *image.NRGBA, limit int) *image.NRGBA {
	out := imaging.Clone(onto)
	w, h := min(upload.Rect.Dx(), marked.Rect.Dx()), min(upload.Rect.Dy(), marked.Rect.Dy())
	for y := range onto.Rect.Dy() {
		for x := range onto.Rect.Dx() {
			o, p, q := out.PixOffset(x, y), upload.PixOffset(x%w, y%h), marked.PixOffset(x%w, y%h)
			for c := range 3 {
				v, was := int(out.Pix[o+c]), int(upload.Pix[p+c])
				if max(v-was, was-v) <= limit {
					out.Pix[o+c] = uint8(min(max(v+int(marked.Pix[q+c])-was, 0), 255))
				}
			}
		}
	}
	return out
}

// differing shrinks places to the bounds of the pixels at which both pictures differ strongly.
func differing(a, b *image.NRGBA, places []image.Rectangle) (out []image.Rectangle) {
	for _, p := range places {
		var bounds image.Rectangle
		for y := p.Min.Y; y < p.Max.Y; y++ {
			for x := p.Min.X; x < p.Max.X; x++ {
				i := a.PixOffset(x, y) + 1
				if d := int(a.Pix[i]) - int(b.Pix[i]); max(d, -d) > 24 {
					bounds = bounds.Union(image.Rect(x, y, x+1, y+1))
				}
			}
		}
		out = append(out, bounds)
	}
	return out
}

// judge returns the trial of a leak whose altered places are known, in pixels of the upload. Values
// are 1 for yes and 0 for no. same: the leak is the same capture. confirmed: the copy's own part of
// the mark is found and nothing else forbids the name. right: places are found with an intersection
// over union of 0.5; it is left out if none of them is in the leak.
func (p *alteredPicture) judge(ctx context.Context, leak *image.NRGBA, where []image.Rectangle) ruler.Trial {
	s := ruler.Must(p.onto.Find(ctx, dsp.LazyLuma(leak)))
	t := ruler.Trial{Labels: map[string]string{"verdict": "not aligned"}, Values: map[string]float64{"same": 0, "confirmed": 0}}
	if s == nil {
		return t
	}
	seen := ruler.Must(p.by.TraceLaid(ctx, leak, s))
	v := ruler.Must(s.Verdict())
	same := v == capture.Same || v == capture.Altered
	t.Labels["verdict"], t.Values["same"] = v.String(), yes(same)
	t.Values["confirmed"] = yes(v != capture.Edited && v != capture.Other && slices.Contains(seen.Accused, p.copy))
	if iou, ok := p.overlap(s.Altered(), where, seen.Quad); ok {
		t.Values["iou"], t.Values["right"] = iou, yes(iou >= 0.5)
	}
	return t
}

// overlap returns the intersection over union of places found and of true places that are in the
// leak, whose corners on the upload are quad. It returns false if these are under a thousandth of
// the upload.
func (p *alteredPicture) overlap(found []capture.Region, where []image.Rectangle, quad [4]watermark.Point) (float64, bool) {
	const n = 250 // places each way at which they are compared
	w, h := float64(p.upload.Rect.Dx()), float64(p.upload.Rect.Dy())
	kx, ky := w/float64(p.onto.Canonical().W), h/float64(p.onto.Canonical().H)
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, q := range quad {
		left, right, top, bottom = math.Min(left, q.X), math.Max(right, q.X), math.Min(top, q.Y), math.Max(bottom, q.Y)
	}
	both, either, all := 0, 0, 0
	for i := range n * n {
		x, y := (float64(i%n)+.5)*w/n, (float64(i/n)+.5)*h/n
		isThere := x >= left && x <= right && y >= top && y <= bottom && slices.ContainsFunc(where, func(b image.Rectangle) bool { return image.Pt(int(x), int(y)).In(b) })
		isFound := slices.ContainsFunc(found, func(r capture.Region) bool {
			return x >= r.X0*kx && x <= (r.X1+1)*kx && y >= r.Y0*ky && y <= (r.Y1+1)*ky
		})
		if isThere {
			all++
		}
		if isThere && isFound {
			both++
		}
		if isThere || isFound {
			either++
		}
	}
	return float64(both) / float64(max(either, 1)), all > n*n/1000
}
