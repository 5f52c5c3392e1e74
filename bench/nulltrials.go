package main

import (
	"context"
	"fmt"
	"image"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/kycmark/kycmark/bench/nulls"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/watermark"
)

// The cheap trials of a picture are shared out among leaks: white noise, the picture and
// its copy of another key, both under several attacks; and, to ruin, one copy of the key
// that is read with, two of them averaged and two in one mosaic.
const (
	nullLeaks   = 8  // the first two are not attacked
	noiseShare  = 4  // one trial on noise for so many on pictures
	ruinedShare = 40 // one ruined trial of each kind
)

// The format of the mark, for predictions.
const (
	messageBits = 96
	codedBits   = 312
	pilots      = 32
)

// codeWordTail predicts how often white noise correlates with the nearest code word by c
// or more: the expected number of the 2^96 words that a random direction in 312
// dimensions comes so near to. The prediction bounds the probability from above (union
// bound), and meets it where it is small.
func codeWordTail(c float64) float64 {
	return math.Min(1, math.Ldexp(ruler.SphereTail(codedBits, c), messageBits))
}

// agreementTail predicts how often the pilots agree by z or more somewhere on the torus by
// chance: 32 complex amplitudes are a direction in 64 dimensions, which is compared with
// the two senses, each with two signs, of 512 x 512 shifts. A union bound, like above.
func agreementTail(z float64) float64 {
	return math.Min(1, math.Ldexp(ruler.SphereTail(2*pilots, math.Min(1, z/math.Sqrt(2*pilots))), 20))
}

// cheap makes the cheap trials on a picture and its copy of another key.
func (r *falseRun) cheap(ctx context.Context, path string, up *ruler.Upload, marked *image.NRGBA, emit func(ruler.Trial)) {
	i, all := slices.Index(r.env.Pictures, path), share(r.trials, len(r.env.Pictures))
	for k := range 1 + nullLeaks {
		labels := map[string]string{"picture": up.Name, "carrier": "white noise"}
		leak, n := image.Image(nil), share(all, noiseShare)
		if k > 0 { // unmarked and marked in turn; from the third on attacked
			img, carrier := up.Image, unmarked
			if k%2 == 0 {
				img, carrier = marked, otherKey
			}
			leak, n, labels["carrier"] = img, share(all, nullLeaks), carrier
			if k > 2 {
				a := r.attacks[(i*(nullLeaks-2)+k)%len(r.attacks)]
				leak, labels["carrier"], labels["attack"] = a.Apply(img, up.Seed), carrier+", attacked", a.Name
			}
		}
		t := newTally(labels)
		ruler.Check(r.null(ctx, leak, r.env.Draw("null "+strconv.Itoa(k), up.Content), n, t.add))
		t.emit(emit)
	}
	for _, kind := range []string{"one copy", "two copies averaged", "mosaic of two copies"} {
		r.ruin(ctx, up, kind, share(all, ruinedShare), emit)
	}
}

// share returns n divided by parts, rounded up.
func share(n, parts int) int { return (n + parts - 1) / parts }

// A tally adds up null trials of one leak.
type tally struct {
	labels     map[string]string
	values     map[string]float64
	statistics map[string]histogram
}

// The width of a bin of each statistic.
const (
	correlationBin = 1. / 2048
	agreementBin   = 1. / 256
)

// newTally returns an empty tally of a leak with these labels.
func newTally(labels map[string]string) *tally {
	return &tally{labels, map[string]float64{"n": 0, "checked": 0, "null_found": 0, "listed_2": 0, "listed_4": 0, "max_correlation": 0},
		map[string]histogram{"correlation": newHistogram(correlationBin), "agreement": newHistogram(agreementBin), "check bits": newHistogram(1)}}
}

// add counts one trial.
func (t *tally) add(one nulls.Trial) {
	t.values["n"]++
	t.values["checked"] += yes(one.Checks > 0)
	t.values["null_found"] += yes(one.Found)
	t.values["listed_2"] += yes(one.Listed >= 2)
	t.values["listed_4"] += yes(one.Listed >= 4)
	t.values["max_correlation"] = max(t.values["max_correlation"], one.Correlation)
	t.statistics["check bits"].add(float64(one.CheckBits))
	t.statistics["correlation"].add(one.Correlation)
	if one.Agreement > 0 {
		t.statistics["agreement"].add(one.Agreement)
	}
}

// emit emits the sums, and one counted trial a bin.
func (t *tally) emit(emit func(ruler.Trial)) {
	emit(ruler.Trial{Labels: t.labels, Values: t.values})
	for _, statistic := range []string{"correlation", "agreement", "check bits"} {
		t.statistics[statistic].emit(t.labels["carrier"], statistic, emit)
	}
}

// A histogram counts values in bins of one width. A bin is named by its lower edge.
type histogram struct {
	width float64
	bins  map[float64]float64
}

// newHistogram returns an empty histogram with bins of a width.
func newHistogram(width float64) histogram { return histogram{width, map[float64]float64{}} }

// add counts a value.
func (h histogram) add(v float64) { h.bins[math.Floor(v/h.width)*h.width]++ }

// emit emits a counted trial for every bin, in the order of the edges. The edge is the label "bin".
func (h histogram) emit(carrier, statistic string, emit func(ruler.Trial)) {
	for _, at := range slices.Sorted(maps.Keys(h.bins)) {
		emit(ruler.Trial{
			Labels: map[string]string{"carrier": carrier, "statistic": statistic, "bin": strconv.FormatFloat(at, 'g', -1, 64)},
			Values: map[string]float64{"n": h.bins[at]},
		})
	}
}

// foldBins adds up the bins of all pictures.
func foldBins(trials []ruler.Trial) []ruler.Trial {
	isBin := func(t *ruler.Trial) bool { return t.Labels["bin"] != "" }
	rest := ruler.Group(trials).Where(func(t *ruler.Trial) bool { return !isBin(t) })
	bins := ruler.Fold(ruler.Group(trials).Where(isBin), "carrier", "statistic", "bin")
	slices.SortStableFunc(bins, func(a, b ruler.Trial) int { return int(math.Copysign(1, edge(&a)-edge(&b))) })
	return append(rest, bins...)
}

// edge returns the lower edge of the bin that a counted trial stands for.
func edge(t *ruler.Trial) float64 {
	v, _ := strconv.ParseFloat(t.Labels["bin"], 64) // the experiment wrote it
	return v
}

// exceeded returns the value that a share of the counts of bins exceeds, in the middle of
// the bin; NaN if that is fewer than one.
func exceeded(bins ruler.Group, share, width float64) float64 {
	left := math.Floor(share*bins.Count() + 1e-6)
	if left < 1 {
		return math.NaN()
	}
	sorted := slices.Clone(bins)
	slices.SortStableFunc(sorted, func(a, b ruler.Trial) int { return int(math.Copysign(1, edge(&b)-edge(&a))) })
	for i := range sorted {
		if left -= sorted[i].N(); left <= 0 {
			return edge(&sorted[i]) + width/2
		}
	}
	return math.NaN()
}

// ruin makes a leak of the picture marked under the key that is read with. It reads the leak
// in full, and n times with soft bits ruined. No reading may give a third ID.
func (r *falseRun) ruin(ctx context.Context, up *ruler.Upload, kind string, n int, emit func(ruler.Trial)) {
	key, ids := r.keys[0], [2]watermark.CopyID{up.Copy, watermark.CopyID(r.env.Draw("second copy", up.Content))}
	leak := r.mixture(key, up, ids, kind)
	d := ruler.Must(r.detect(ctx, key, leak))
	t := ruler.Trial{Labels: map[string]string{"picture": up.Name, "carrier": "our own, ruined", "attack": kind}, Values: map[string]float64{
		"full": 1, "first": yes(d.Found && d.Copy == ids[0]), "second": yes(d.Found && d.Copy == ids[1]), "n": 0, "own": 0, "in_vain": 0, "third": 0,
	}}
	third := func(id watermark.CopyID) {
		t.Values["third"]++
		t.Labels["got"] = id.String()
	}
	if d.Found && d.Copy != ids[0] && d.Copy != ids[1] {
		third(d.Copy)
	}
	err := r.ruined(ctx, key, up.Options.Submission, leak, r.env.Draw("ruin", up.Content), n, func(one nulls.Trial) {
		t.Values["n"]++
		switch id := watermark.CopyID(one.Copy); {
		case one.Found && id != ids[0] && id != ids[1]:
			third(id)
		case one.Found:
			t.Values["own"]++
		case one.Checks > 0:
			t.Values["in_vain"]++
		}
	})
	ruler.Check(err)
	emit(t)
}

// mixture is a leak made of one or two copies of an upload.
func (e *engine) mixture(key *watermark.Key, up *ruler.Upload, ids [2]watermark.CopyID, kind string) *image.NRGBA {
	first := ruler.Must(e.embed(key, ids[0], up.Image, up.Options))
	if kind == "one copy" {
		return first
	}
	second := ruler.Must(e.embed(key, ids[1], up.Image, up.Options))
	if kind == "two copies averaged" {
		return mixed("mean", []*image.NRGBA{first, second})
	}
	return mosaic(first, second)
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

// ofBins is a column of what shares of a statistic are exceeded by.
func ofBins(head, statistic string, width float64, decimals int, shares ...float64) ruler.Column {
	return ruler.Column{Head: head, Where: ruler.Is("statistic", statistic), Cell: func(g ruler.Group) string {
		text := ""
		for _, s := range shares {
			text += " / " + ruler.Decimals(exceeded(g, s, width), decimals)
		}
		return text[3:]
	}}
}

// nullTables returns the tables of cheap trials and of ruined marks.
func nullTables() []ruler.Table {
	largest := ruler.Column{Head: "largest correlation / predicted", Where: ruler.Has("checked"), Cell: func(g ruler.Group) string {
		return ruler.Decimals(g.Quantile("max_correlation", 1), 4) + " / " + ruler.Decimals(predictedMax(codeWordTail, g.Count(), 1), 4)
	}}
	return []ruler.Table{
		{
			Name: "null", Title: "Cheap trials: one key, one place each. A reader makes a check only if a message correlates by 0.62 or more.",
			Where: func(t *ruler.Trial) bool { return ruler.Has("checked")(t) || t.Labels["bin"] != "" }, By: []string{"carrier"}, Heads: []string{"trials on"},
			Columns: []ruler.Column{
				ruler.Counts("trials").When(ruler.Has("checked")), ruler.Sums("checks", "checked").When(ruler.Has("checked")), ruler.Sums("found", "null_found").When(ruler.Has("checked")),
				ofBins("correlation exceeded by 10^-2 / 10^-4", "correlation", correlationBin, 4, 1e-2, 1e-4),
				largest,
				ofBins("pilots exceeded by 1/2 / 10^-2", "agreement", agreementBin, 2, .5, 1e-2),
			},
			Note: coinNote,
		},
		{
			Name: "listed", Title: "The same trials, read with a list of 1,000 copies that no picture carries: p at or below two levels. A read needs 1e-9.",
			Where: ruler.Has("listed_2"), By: []string{"carrier"}, Heads: []string{"trials on"}, Total: "all",
			Columns: []ruler.Column{ruler.Counts("trials"), ruler.Sums("p <= 1e-2", "listed_2"), ruler.Sums("p <= 1e-4", "listed_4")},
		},
		{
			Name: "short", Doc: true, Where: ruler.Has("checked"), By: []string{"carrier"}, Heads: []string{"trials on"}, Total: "all",
			Columns: []ruler.Column{ruler.Counts("trials"), ruler.Sums("checks", "checked"), ruler.Sums("found", "null_found"), largest},
		},
		{
			Name: "bits", Title: "The check, made on the likeliest message of every trial: its first k bits hold by chance in 2^-k of them.",
			Where: ruler.Is("statistic", "check bits"), Heads: []string{}, Columns: []ruler.Column{{Head: "held k bits, times 2^k over the trials, k = 1 to 20", Cell: coinRates}},
		},
		{
			Name: "ruined", Title: "Our own marks, damaged: read in full, and with a quarter to three quarters of the soft bits replaced by noise or flipped.",
			Where: ruler.Has("third"), By: []string{"attack"}, Heads: []string{"leak"}, Columns: []ruler.Column{
				ruler.Sums("full readings", "full"), ruler.Sums("read as first", "first"), ruler.Sums("second copy", "second"), ruler.Counts("ruined trials"),
				ruler.Sums("read as a copy in it", "own"), ruler.Sums("checks in vain", "in_vain"), ruler.Sums("a third ID", "third"),
			},
		},
	}
}

// predictedMax returns what one value of n exceeds in the mean by a prediction of the tail.
func predictedMax(tail func(float64) float64, n, top float64) float64 {
	low, high := 0., top
	for range 60 {
		if mid := (low + high) / 2; tail(mid)*n > 1 {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// onPictures keeps the bins of trials on pictures.
func onPictures(g ruler.Group, statistic string) ruler.Group {
	return g.Where(func(t *ruler.Trial) bool {
		return t.Labels["statistic"] == statistic && t.Labels["carrier"] != "white noise"
	})
}

// coins adds up the trials, and the bits of checks that held and that were thrown. after[k] counts
// the trials in which the first k bits held and the next bit did not.
func coins(g ruler.Group) (total, held, thrown int, after [checkBits + 1]int) {
	for i := range g {
		k, n := int(edge(&g[i])), int(g[i].N())
		total, held, thrown = total+n, held+k*n, thrown+(k+1)*n
		after[k] += n
	}
	return total, held, thrown, after
}

// coinRates writes how often the first bits of the check held, times 2^bits, with 95 % limits.
func coinRates(g ruler.Group) string {
	total, _, _, bits := coins(onPictures(g, "check bits"))
	left, text := total, ""
	for k := 1; k <= 20; k++ {
		left -= bits[k-1]
		scale := math.Ldexp(1, k)
		text += fmt.Sprintf(", %.3f to %.3f", scale*ruler.LowerBound(left, total, .975), scale*ruler.UpperBound(left, total, .975))
	}
	return text[2:]
}

// soundness returns P(a check holds by chance) x 2^32 as far as the trials tell, with its
// two-sided 95 % limits: the pooled chance of a bit to hold after those before it held, to
// the 32nd power.
func soundness(g ruler.Group) (low, value, high float64) {
	_, held, thrown, _ := coins(onPictures(g, "check bits"))
	power := func(p float64) float64 { return math.Pow(2*p, checkBits) }
	return power(ruler.LowerBound(held, thrown, .975)), power(float64(held) / math.Max(1, float64(thrown))), power(ruler.UpperBound(held, thrown, .975))
}

// coinNote extrapolates the rate of false readings: the upper 95 % limit of the trials with
// a check, times four checks, times the upper limit of the check's soundness.
func coinNote(g ruler.Group) string {
	low, value, high := soundness(g)
	pictures := g.Where(func(t *ruler.Trial) bool { return ruler.Has("checked")(t) && t.Labels["carrier"] != "white noise" })
	perPlace := 4 * ruler.UpperBound(int(pictures.Sum("checked")), int(pictures.Count()), .95) * math.Ldexp(high, -checkBits)
	return fmt.Sprintf("%s trials on pictures. At 0.62 the prediction is a check in %.2g of the places tried. A check holds by chance in %.3f (%.3f to %.3f) x 2^-32 of cases. "+
		"False readings a place and key: at most %.1e; by the budget of four checks, whatever the picture: %.1e.",
		ruler.Thousands(pictures.Count()), codeWordTail(.62), value, low, high, perPlace, math.Ldexp(4, -checkBits))
}

// nullPlots set the tails of both statistics beside their predictions.
func nullPlots() []ruler.Plot {
	plot := func(name, statistic, across string, width float64, tail func(float64) float64) ruler.Plot {
		return ruler.Plot{
			Name: name, Title: "Tail of the " + statistic + "; the line is the prediction", X: across, Y: "log10 of the share of trials above",
			Where: ruler.Is("statistic", statistic), By: "carrier",
			Points: func(g ruler.Group) (out [][2]float64) {
				for share := 1e-1; share*g.Count() >= 1; share *= math.Pow(10, -1./8) {
					out = append(out, [2]float64{exceeded(g, share, width), math.Log10(share)})
				}
				return out
			},
			Line: func(x float64) float64 { return math.Log10(tail(x)) },
		}
	}
	return []ruler.Plot{
		plot("falsepositives-correlation", "correlation", "correlation", correlationBin, codeWordTail),
		plot("falsepositives-agreement", "agreement", "agreement z", agreementBin, agreementTail),
	}
}
