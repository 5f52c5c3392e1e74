package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/sentencecheck"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

const (
	sentenceUploads = 24 // of the registry
	sentenceMonths  = 10
	sentenceSide    = 480 // long side of uploads, pixels
)

// sentences measures how many sentences of reports are false. The registry has real copies and
// custody; what the leaks of a dump are found to be is drawn at random.
func sentences() *ruler.Experiment {
	reports := 0
	s := new(sentenceRun)
	return &ruler.Experiment{
		Name: "sentences", Short: "Whether the sentences of reports are true", Plain: true,
		Long: `Draw the findings on dumps of up to 31 leaks at random, weigh each dump with a registry in
memory, and write its findings. A checker that shares no code with the writer then decides of each
sentence whether it is true, and whether a sentence is missing. Exit 1 if a sentence is false.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&reports, "reports", 10_000, "`number` of reports to check")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if reports < 1 {
				return nil, errors.New("--reports takes 1 or more")
			}
			s.world = newSimWorld(env.Seed<<16+3, sentenceUploads, sentenceMonths)
			return after(func(ctx context.Context) { s.prepare(ctx, env) }, ruler.Cases(reports, s.report)), nil
		},
		Fold: func(trials []ruler.Trial) []ruler.Trial { return ruler.Fold(trials, "headline", "wrong") },
		Tables: []ruler.Table{{Name: "sentences", By: []string{"headline"}, Heads: []string{"first sentence"},
			Columns: []ruler.Column{ruler.Sums("reports", "reports"), ruler.Sums("sentences", "sentences"), ruler.Sums("false", "false")}}},
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, t := range trials {
				if wrong := t.Labels["wrong"]; wrong != "" {
					out = append(out, wrong)
				}
			}
			return out
		},
	}
}

// A sentenceRun has drawn uploads in a registry in memory, with the copies and custody of a simulated world. Random
// dumps are drawn from it.
type sentenceRun struct {
	memoryRegistry
	world   *simWorld
	drawn   sentencecheck.World
	finders []*verify.Investigation // one for each of [sentenceRun.circumstances]
}

// circumstances returns configurations of investigations.
func (s *sentenceRun) circumstances() (out []verify.Options) {
	for _, set := range []func(*verify.Options){
		func(*verify.Options) {},
		func(c *verify.Options) { c.Found = time.Time{} },
		func(c *verify.Options) { c.Found = s.world.at[len(s.world.at)/2] }, // before copies and custody
		func(c *verify.Options) { c.Against = []watermark.Submission{s.uploads[0].id, s.uploads[1].id} },
		func(c *verify.Options) { c.UploadsPerSubject = 2 },
		func(c *verify.Options) { c.Claimed = 300 },
	} {
		out = append(out, s.how)
		set(&out[len(out)-1])
	}
	return out
}

// prepare fills the registry and lists its uploads with their copies and custody.
func (s *sentenceRun) prepare(ctx context.Context, env *ruler.Env) {
	s.open(ctx, env, worldRecipients)
	for i := range s.world.month {
		s.uploads = append(s.uploads, drawnUpload(env, i, 0x8000, "%s %d, %s"))
	}
	parallel(ctx, env, len(s.uploads), func(ctx context.Context, i int) {
		var to []string
		for r, h := range s.world.holders {
			if h.copies[i] {
				to = append(to, s.recipients[r])
			}
		}
		u := s.uploads[i]
		u.draw(env, sentenceSide)
		s.submit(ctx, u, asPNG(u.image), s.world.subject[i], s.world.at[i], to...)
	})
	for r, h := range s.world.holders {
		s.addCustody(ctx, r, indices(h.unmarked))
	}
	found := time.Now().Add(time.Second)
	time.Sleep(1100 * time.Millisecond)
	for r, h := range s.world.holders { // after the leaks were found
		s.addCustody(ctx, r, indices(h.missing))
	}
	s.investigateFrom(found)
	s.drawn.KeyID = env.Key.ID()
	for i, u := range s.uploads {
		x := sentencecheck.Upload{ID: u.id.String(), Submitted: s.world.at[i], Custody: ruler.Must(s.Custody(ctx, registry.CustodyFilter{Submission: u.id}))}
		for _, c := range ruler.Must(s.Copies(ctx, u.id)) {
			x.Copies = append(x.Copies, sentencecheck.Copy{ID: c.ID.String(), Recipient: c.Recipient, Issued: c.Issued, Row: c})
		}
		s.drawn.Uploads = append(s.drawn.Uploads, x)
	}
	for _, c := range s.circumstances() {
		s.finders = append(s.finders, ruler.Must(ruler.Must(verify.NewInvestigator(s.cfg)).Begin(&c)))
	}
}

// addCustody records that recipient r has custody of the months in which uploads are held.
func (s *sentenceRun) addCustody(ctx context.Context, r int, held []int) {
	if len(held) == 0 {
		return
	}
	months := s.world.months
	to := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	if last := s.world.month[held[len(held)-1]]; last+1 < len(months) {
		to = months[last+1].From.Add(-time.Second)
	}
	ruler.Check(s.AddCustody(ctx, books.Custody{Recipient: s.recipients[r], From: months[s.world.month[held[0]]].From, To: to, Note: "simulated"}))
}

// report draws a dump and an investigation, and checks what is said of the dump.
func (s *sentenceRun) report(ctx context.Context, i int, emit func(ruler.Trial)) {
	rng := rand.New(rand.NewPCG(s.env.Seed, uint64(i)))
	inv := s.finders[rng.IntN(len(s.finders))]
	var leaks []*findings.Finding
	for _, text := range sentencecheck.Dump(rng, &s.drawn) {
		l := new(findings.Finding)
		ruler.Check(json.Unmarshal(text, l))
		leaks = append(leaks, l)
	}
	d := ruler.Must(inv.Weigh(ctx, leaks))
	t := ruler.Trial{Labels: map[string]string{"headline": d.Said[0].Code}, Values: map[string]float64{"reports": 1, "sentences": float64(len(d.Said))}}
	wrong, err := falseSentences(ctx, inv, d, rng.IntN(2) == 0)
	if nothing := (*verify.NothingError)(nil); errors.As(err, &nothing) {
		t.Labels["headline"], t.Values["sentences"], err = "nothing is written", 0, nil
	}
	ruler.Check(err)
	if t.Values["false"] = float64(len(wrong)); len(wrong) > 0 {
		t.Labels["wrong"] = fmt.Sprintf("report %d: %s", i, strings.Join(wrong, "; "))
	}
	emit(t)
}

// falseSentences writes the findings on a dump, and returns what the checker finds false in them. The
// error is a *[verify.NothingError] if no picture was examined.
func falseSentences(ctx context.Context, inv *verify.Investigation, d *findings.Verdict, reveal bool) ([]string, error) {
	var b bytes.Buffer
	if err := inv.WriteFindings(ctx, &b, d, reveal); err != nil {
		return nil, err
	}
	return sentencecheck.Check(b.Bytes())
}
