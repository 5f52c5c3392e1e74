package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// Recipients of each upload: colluders, and parties that leaked nothing. A dump has the copies of some
// colluders and of coalitionThird others.
const (
	coalitionMax     = 5
	coalitionOther   = 7
	coalitionThird   = 3
	coalitionUnfound = 6.9  // the most that an investigation takes ln E for, of a copy that tracing did not find
	barTogether      = 0.99 // of dumps name all colluders with two leaks or more, and none alone
)

// How colluders make the pictures of a dump.
var (
	coalitionMixes  = []string{"mean", "min", "max", "pixels", "mosaic48"}
	coalitionThen   = []string{"jpeg75", "resize50", "thumb160"} // the last may ruin marks: only third parties have a bar there
	coalitionLeaks  = []int{3, 5, 10, 20, 50}
	coalitionStyles = []string{"all", "pairs", "half"} // each leak mixes the copies of all, or of two; half of the leaks are of one copy each
)

// verdictCoalition measures whether colluders are named, and other parties not.
func verdictCoalition() *ruler.Experiment {
	x := &coalitionRun{}
	dump, leak := isTrial("dump"), isTrial("leak")
	by := func(label string, names ...string) ruler.Table {
		return ruler.Table{Name: label, Title: "Dumps", By: []string{label}, Row: rowsOf(names...), Total: "all", Where: dump, Columns: []ruler.Column{
			ruler.Of("all colluders named, none alone", "set"), ruler.Share("share", "set"), ruler.Sums("a third party named", "third"), ruler.Upper("at most", "third"),
			ruler.Sums("its ratio 10 or more", "third_10"), ruler.Sums("a colluder with two leaks unnamed", "unnamed"), ruler.Sums("alone", "alone"),
		}}
	}
	short := by("then", coalitionThen...)
	short.Name, short.Title, short.Doc = "short", "", true
	short.Heads, short.Columns = []string{"after mixing"}, short.Columns[:5]
	return &ruler.Experiment{
		Name: "verdict coalition", Short: "Whether recipients who mix their copies are named", Plain: true,
		Long: `Submit drawn uploads to a registry in memory, issue copies to 12 recipients, mix the
copies of one to five of them, attack each mixture, and trace it. Then draw dumps of 3
to 50 of these leaks, with three recipients who leaked nothing, and weigh them. Exit 1 when a bar is missed: in 99 % of dumps that are
not thumbnails, all colluders of two leaks or more are named and none alone; no third
party is named in any dump.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&x.uploads, "uploads", 12, "`number` of uploads, each in every mixture")
			fs.IntVar(&x.investigated, "investigated", 4, "`number` of uploads with mixtures that are also investigated")
			fs.IntVar(&x.dumps, "dumps", 2000, "`number` of dumps to draw")
			fs.IntVar(&x.side, "max-side", recordedSide, "long side of uploads, `pixels`")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if x.uploads < 1 || x.dumps < 1 || x.side < 100 {
				return nil, errors.New("--uploads and --dumps take 1 or more, --max-side 100 or more")
			}
			x.env = env
			return ruler.Cases(x.uploads, x.picture), nil
		},
		Fold: func(trials []ruler.Trial) []ruler.Trial {
			return ruler.Fold(append(trials, x.draw(trials)...), "trial", "mix", "then", "colluders", "leaks", "style")
		},
		Tables: []ruler.Table{{Name: "leaks", Title: "Leaks", By: []string{"mix", "then", "colluders"}, Where: leak, Columns: []ruler.Column{
			ruler.Of("all members found", "all"), ruler.Sums("an innocent copy found", "wrong"), ruler.Means("ln E of members", "ln_e", 1), ruler.Of("investigated: finding names exactly these", "concluded"),
		}}, by("then", coalitionThen...), by("colluders", "2", "3", "4", "5"), by("leaks", "3", "5", "10", "20", "50"), by("style", coalitionStyles...), by("mix", coalitionMixes...), short},
		Missed: func(trials []ruler.Trial) (out []string) {
			all := ruler.Group(trials).Where(dump)
			readable := all.Where(ruler.Is("then", coalitionThen[:2]...))
			if n := readable.Sum("set"); n < barTogether*readable.Count() {
				out = append(out, fmt.Sprintf("all colluders are named in %.0f of %.0f dumps, bar %s", n, readable.Count(), ruler.Percent(barTogether, 0)))
			}
			if n := all.Sum("third"); n > 0 {
				out = append(out, fmt.Sprintf("a third party is named in %.0f of %.0f dumps, bar 0", n, all.Count()))
			}
			return out
		},
	}
}

// A coalitionRun holds the settings of a run.
type coalitionRun struct {
	uploads, investigated, dumps, side int
	env                                *ruler.Env
}

// picture issues copies of upload i, mixes them in every way, and emits what tracing finds of each
// mixture. Of the first uploads some are investigated as well: the mixtures of one number of copies,
// under the first attack.
func (x *coalitionRun) picture(ctx context.Context, i int, emit func(ruler.Trial)) {
	r := &memoryRegistry{}
	r.open(ctx, x.env, coalitionMax+coalitionOther)
	defer r.Close()
	u := drawnUpload(x.env, i, 0xc0a1, "%s %d, %s")
	u.draw(x.env, x.side)
	r.submit(ctx, u, asPNG(u.image), fmt.Sprint("customer ", i), time.Time{}, r.recipients...)
	r.investigateFrom(time.Now().Add(time.Hour))
	var copies []*image.NRGBA
	var issued []watermark.Candidate
	for _, c := range ruler.Must(r.Copies(ctx, u.id)) {
		copies = append(copies, u.copies[c.Recipient])
		issued = append(issued, watermark.Candidate{Copy: c.ID, Key: x.env.Key, Strength: c.Strength})
	}
	tracer := ruler.Must(watermark.NewTracer(u.image, issued, &watermark.TraceOptions{Submission: u.id}))
	for _, mix := range coalitionMixes {
		for colluders := 1; colluders <= coalitionMax; colluders++ {
			if colluders == 1 && mix != coalitionMixes[0] {
				continue
			}
			mixed := ruler.Must(ruler.Must(hard.FindMix(mix)).Apply(copies[:colluders], u.seed))
			for k, then := range coalitionThen {
				leak := ruler.Must(hard.Find(then)).Apply(mixed, u.seed)
				t := newTrial("leak")
				t.Labels = map[string]string{"trial": "leak", "upload": u.name, "mix": mix, "then": then, "colluders": strconv.Itoa(colluders)}
				found := ruler.Must(tracer.Trace(ctx, leak))
				readTraced(&t, found, issued, colluders)
				if i < x.investigated && k == 0 && colluders == 2+i%(coalitionMax-1) {
					v := ruler.Must(r.finder.Investigate(ctx, mix+".png", asPNG(leak)))
					named := slices.Sorted(slices.Values(v.MayNames()))
					t.Values["concluded"] = yes(slices.Equal(named, r.recipients[:colluders]))
				}
				emit(t)
			}
		}
	}
}

// readTraced enters what tracing found of each copy, as an investigation takes it into a case. The
// first copies were mixed.
func readTraced(t *ruler.Trial, found *watermark.TraceResult, issued []watermark.Candidate, colluders int) {
	members, others := 0, 0
	for k, c := range issued {
		is := slices.Contains(found.Accused, c.Copy)
		if k < colluders {
			members += int(yes(is))
			t.Values["ln_e"] += found.Copies[k].LogE * math.Ln10 / float64(colluders)
		} else {
			others += int(yes(is))
		}
		e := found.Copies[k].LogE * math.Ln10
		if !is {
			e = min(e, coalitionUnfound)
		}
		t.Values[fmt.Sprint("e", k)] = e
	}
	t.Values["all"], t.Values["wrong"], t.Values["miss"] = yes(members == colluders), yes(others > 0), 1-found.Power
}

// draw weighs dumps of the leaks, and returns a trial for each.
func (x *coalitionRun) draw(leaks []ruler.Trial) []ruler.Trial {
	out := make([]ruler.Trial, x.dumps)
	pool := make(map[string][]*ruler.Trial)
	for i := range leaks {
		if l := &leaks[i]; l.Error == "" {
			key := l.Labels["mix"] + l.Labels["colluders"] + l.Labels["then"]
			pool[key] = append(pool[key], l)
		}
	}
	parallel(context.Background(), x.env, x.dumps, func(_ context.Context, i int) {
		rng := rand.New(rand.NewPCG(x.env.Seed, uint64(i)))
		t := newTrial("dump")
		members, n := 2+rng.IntN(coalitionMax-1), coalitionLeaks[rng.IntN(len(coalitionLeaks))]
		mix, style, then := coalitionMixes[rng.IntN(len(coalitionMixes))], coalitionStyles[rng.IntN(len(coalitionStyles))], coalitionThen[rng.IntN(len(coalitionThen))]
		t.Labels = map[string]string{"trial": "dump", "mix": mix, "then": then, "colluders": strconv.Itoa(members), "leaks": strconv.Itoa(n), "style": style}
		months := odds.Months(time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC))
		c := &odds.Case{FoundKnown: true, Cells: months, MarkTrials: verify.MarkTrials}
		for k := range months {
			months[k].Submissions = 1000
		}
		for h := range members + coalitionThird {
			c.Holders = append(c.Holders, odds.Holder{Name: strconv.Itoa(h), Copies: slices.Repeat([]int{300 + rng.IntN(600)}, len(months))})
		}
		used := make([]int, members)
		for k := range n {
			of, from := members, mix
			switch {
			case style == "pairs":
				of = 2
			case style == "half" && k%2 == 0:
				of, from = 1, coalitionMixes[0]
			}
			all := pool[from+strconv.Itoa(of)+then]
			record := all[rng.IntN(len(all))]
			l := odds.Leak{Submission: strconv.Itoa(k), Cluster: strconv.Itoa(k), Submitted: months[rng.IntN(len(months))].From, Recall: 0.97}
			who := append(rng.Perm(members), []int{members, members + 1, members + 2}...)
			own, others := rng.Perm(of), rng.Perm(coalitionMax+coalitionOther-of)
			for at, h := range who {
				r := 0
				if at < of {
					r = own[at]
					used[h]++
				} else {
					r = of + others[at-of]
				}
				l.Copies = append(l.Copies, odds.Copy{Recipient: strconv.Itoa(h), LnE: record.Values[fmt.Sprint("e", r)], Miss: record.Values["miss"], Confirmed: true})
			}
			c.Leaks = append(c.Leaks, l)
		}
		judgeCoalition(&t, ruler.Must(odds.Weigh(c)), used)
		out[i] = t
	})
	return out
}

// judgeCoalition enters whether a verdict names the recipients who mixed their copies. used counts the
// leaks with copies of each; all other recipients leaked nothing.
func judgeCoalition(t *ruler.Trial, v *odds.Verdict, used []int) {
	for _, name := range []string{"third", "third_10", "unnamed", "alone"} {
		t.Values[name] = 0
	}
	for _, h := range v.Recipients {
		r := ruler.Must(strconv.Atoi(h.Name))
		named := slices.Contains(v.Named, h.Name)
		switch {
		case r >= len(used):
			t.Values["third"] = max(t.Values["third"], yes(named))
			t.Values["third_10"] = max(t.Values["third_10"], yes(h.LogE >= 1))
		case used[r] >= 2 && !named:
			t.Values["unnamed"] = 1
		case named && slices.Contains(v.Alone(), h.Name):
			t.Values["alone"] = 1
		}
	}
	t.Values["set"] = yes(t.Values["unnamed"] == 0 && t.Values["alone"] == 0)
}
