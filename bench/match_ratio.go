package main

import (
	"context"
	"errors"
	"image"
	"math"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

const pairStranger = "strangers" // documents of another template

// ratioSides are the explanations that each ratio compares, in the order of [capture.Ratios].
var ratioSides = [...][2]string{{pairOwn, pairAgain}, {pairOwn, pairOther}, {pairOwn, pairStranger}, {pairAgain, pairOther}}

// matchRatio records the figures of comparisons of leaks with uploads, and fits the match ratios to
// them. There is one trial per comparison.
func matchRatio() *ruler.Experiment {
	r, path := &ratioRun{}, ""
	x := &ruler.Experiment{
		Name: "match ratio", Short: "How well match ratios are calibrated on templates that were held out", Plain: true,
		Long: `Draw documents of many persons on each template, rendered, photographed and scanned. Leak
each through attacks in turn, and compare with an upload: leaks of its own capture, of
another capture, of another person's document, and of another template. Fit the ratios to
four templates and test on the fifth, each in turn. Exit 1 when a bar is missed.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&r.group, "group", 4, "`number` of persons' documents of each template and medium")
			fs.IntVar(&r.each, "each", 5, "`number` of attacks that each document goes through, in turn")
			fs.IntVar(&r.side, "side", 640, "long side of uploads, `pixels`")
			fs.StringVar(&path, "table", "", "write the table of ratios to this `file`")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if r.group < 2 || r.each < 1 || r.side < 300 {
				return nil, errors.New("--group takes 2 or more, --each 1 or more, --side 300 or more")
			}
			r.env = env
			r.attacks, err = inTurn(lookalikeAttacks)
			// What channels make of pictures: a piece, made small.
			r.attacks = append(r.attacks, attack.New("piece", "crop", "crop of 60 %, at most two thirds of the side, JPEG 80", attack.CropTo(.6), attack.FitTo(r.side*2/3), attack.JPEG(80)))
			return ruler.Cases(len(specimen.Templates())*media, r.batch), err
		},
		Done: func(trials []ruler.Trial) error {
			if path == "" {
				return nil
			}
			return durable.WriteFile(path, ratioTable(trials), 0o644, true)
		},
		Missed: ratioMissed,
	}
	columns := []ruler.Column{}
	for i, head := range []string{"this capture, against another capture", "against another document", "against a stranger's", "another capture, against another document"} {
		columns = append(columns, ruler.Column{Head: head, Cell: func(g ruler.Group) string { return heldOut(g, i).String() }})
	}
	x.Tables = []ruler.Table{{
		Name: "held-out", Transposed: true, Heads: []string{"ratio for", "units / comparisons / highest log10 / Cllr / error of log10"}, Columns: columns,
	}, {
		Name: "figures", By: []string{"of"}, Heads: []string{"leaks of"}, Columns: []ruler.Column{
			ruler.Counts("comparisons"), ruler.Quantiles("detail, 10 / 50 / 90 %", "detail", 2, .1, .5, .9), ruler.Quantiles("text", "text", 3, .1, .5, .9),
			ruler.Quantiles("light", "light", 2, .1, .5, .9), ruler.Quantiles("place", "place", 2, .1, .5, .9), ruler.Quantiles("noise", "noise", 2, .1, .5, .9),
		},
	}}
	return x
}

// A ratioRun compares leaks with uploads.
type ratioRun struct {
	env     *ruler.Env
	attacks []attack.Attack
	group   int // documents of a template and medium
	each    int // attacks that a document goes through
	side    int // long side of uploads, pixels
}

// batch compares leaks with the uploads of one template and medium.
func (r *ratioRun) batch(ctx context.Context, b int, emit func(ruler.Trial)) {
	templates := specimen.Templates()
	at, medium := b/media, b%media
	blank := specimen.NewBlank(templates[at], r.side*11/12)
	foreign := specimen.NewBlank(templates[(at+1+medium)%len(templates)], r.side*11/12)
	seed := func(i int) uint64 { return r.env.Seed<<32 + 10*uint64(b*r.group+i) }
	pages, uploads := make([]*image.NRGBA, r.group), make([]*image.NRGBA, r.group)
	for i := range pages {
		pages[i] = blank.Fill(specimen.NewPerson(seed(i)))
		uploads[i] = takenBy(pages[i], r.side, medium, seed(i))
	}
	for i := range pages {
		document := b*r.group + i
		o := capture.New(dsp.LazyLuma(uploads[i]))
		var again *image.NRGBA // by the same sort of device and by the other, in turn
		if medium != mediumDrawn {
			again = takenBy(pages[i], r.side, mediumPhoto+(medium-mediumPhoto+i/2)%2, seed(i)+1)
		}
		stranger := takenBy(foreign.Fill(specimen.NewPerson(seed(i)+2)), r.side, medium, seed(i)+2)
		for k := range r.each {
			a := r.attacks[(document*r.each+k)%len(r.attacks)]
			compared := func(of string, shows *image.NRGBA) {
				emit(ruler.Trial{
					Labels: map[string]string{"of": of, "template": templates[at].String(), "document": strconv.Itoa(document), "attack": a.Name},
					Values: ratioFigures(ctx, o, a.Apply(shows, seed(i)+uint64(k))),
				})
			}
			compared(pairOwn, uploads[i])
			if again != nil {
				compared(pairAgain, again)
			}
			compared(pairOther, uploads[(i+1+k%(r.group-1))%r.group])
			compared(pairStranger, stranger)
		}
	}
}

// ratioFigures returns the figures of a leak and an original, by name, to four decimals.
func ratioFigures(ctx context.Context, o *capture.Original, leak *image.NRGBA) map[string]float64 {
	f := capture.NoFigures()
	if s := ruler.Must(o.Find(ctx, dsp.LazyLuma(leak))); s != nil {
		f = ruler.Must(s.Figures())
	}
	out := map[string]float64{"detail": f.Detail, "text": f.Text, "light": f.Light, "place": f.Place, "noise": f.Noise}
	for name, v := range out {
		out[name] = math.Round(v*1e4) / 1e4
	}
	return out
}
