package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// scrubs are what a thief who knows of marks does to pictures: smooth, shrink and save.
var scrubs = []string{"median5+resize50+jpeg50", "nlm+resize75+jpeg50"}

// recordedAttacks are the attacks that leaks of a recording go through, by kind.
var recordedAttacks = map[string][]string{
	outcomeCopy: append([]string{
		"none", "jpeg50", "jpeg20", "resize50", "telegram_low", "whatsapp_twice", "thumb320", "thumb160", "crop50", "crop25",
		"rot5", "rot17", "persp3", "blur2", "noise15", "redact50", "stamp", "screenshot", "screen_photo", "print_scan",
	}, scrubs...),
	outcomeUnmarked:     append([]string{"none", "jpeg20", "whatsapp_twice", "thumb320", "crop50", "rot5", "redact50", "screenshot", "screen_photo"}, scrubs[0]),
	outcomeStranger:     {"none", "whatsapp_twice", "thumb320", "screenshot", "screen_photo"},
	outcomeTransplanted: {"none", "jpeg50", "whatsapp_twice", "screenshot"},
}

const (
	recordedSide   = 640          // long side of uploads, pixels, by default
	recordedCopies = 3            // issued of each upload
	specimenSeed   = 0x5e7d << 32 // sets these invented persons apart from all that anything was tuned on
)

// verdictRecord records what investigations of pictures find, leak by leak. Copy IDs are fresh:
// another recording differs in its digits.
func verdictRecord() *ruler.Experiment {
	specimens, each, path := 0, 0, ""
	r := &recording{}
	return &ruler.Experiment{
		Name: "verdict record", Short: "What investigations of pictures find, for the simulation of verdicts",
		Long: `Submit drawn, photographed and scanned documents, and --pictures, to a registry in memory,
issue copies, leak uploads, copies, other persons' documents and transplanted marks
through attacks, and have every leak investigated. --table writes the table that
"verdict" draws from: bench/testdata/outcomes.json.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&specimens, "specimens", 15, "`number` of documents drawn and submitted")
			fs.IntVar(&each, "each", 4, "`number` of leaks of each kind and attack")
			fs.StringVar(&path, "table", "", "write the outcomes to this `file`")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if specimens < 1 || each < 1 {
				return nil, errors.New("--specimens and --each take 1 or more")
			}
			if !env.Own {
				env.Pictures = nil
			}
			env.MaxSide = cmp.Or(env.MaxSide, recordedSide)
			r.table = outcomeTable{Go: runtime.Version(), MaxSide: env.MaxSide, Seed: env.Seed, Copies: recordedCopies,
				Command: fmt.Sprintf("kycmark-bench verdict record --table FILE --specimens %d --each %d --max-side %d --seed %d", specimens, each, env.MaxSide, env.Seed)}
			if env.Own {
				r.table.Command += " --pictures FOLDER"
			}
			for i := range specimens {
				r.uploads = append(r.uploads, drawnUpload(env, i, 0, "%s %d, %s"))
			}
			for i, path := range env.Pictures {
				r.uploads = append(r.uploads, &submitted{name: ruler.Name(path), path: path, seed: uint64(i)})
			}
			for _, u := range r.uploads {
				r.table.Uploads = append(r.table.Uploads, u.name)
			}
			tasks := r.plan(each)
			r.table.Outcomes = make([]outcome, len(tasks))
			return after(func(ctx context.Context) { r.submitAll(ctx, env) }, ruler.Cases(len(tasks), func(ctx context.Context, i int, emit func(ruler.Trial)) {
				o := r.record(ctx, tasks[i])
				r.table.Outcomes[i] = o
				emit(ruler.Trial{Labels: map[string]string{"kind": o.Kind, "attack": o.Attack, "upload": r.uploads[o.Upload].name, "finding": o.Finding}, Values: map[string]float64{"own": yes(o.Shows == showsOwn)}})
			})), nil
		},
		Done: func([]ruler.Trial) error {
			if path == "" {
				return nil
			}
			slices.SortStableFunc(r.table.Outcomes, func(a, b outcome) int {
				return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Attack, b.Attack), cmp.Compare(a.Upload, b.Upload))
			})
			data, err := r.table.encode()
			if err != nil {
				return err
			}
			return durable.WriteFile(path, data, 0o644, true)
		},
		Tables: []ruler.Table{{Name: "findings", By: []string{"kind", "finding"}, Heads: []string{"leak of", "finding"}, Columns: []ruler.Column{ruler.Counts("leaks"), ruler.Sums("show their upload", "own")}}},
	}
}

// A recording investigates leaks one by one and keeps what a case would say of each.
type recording struct {
	memoryRegistry
	table outcomeTable
}

// A recordTask is one leak: the n-th of its kind and attack, of an upload.
type recordTask struct {
	kind, attack string
	upload, n    int
}

// submitAll enters all uploads and opens the investigation after the last of them.
func (r *recording) submitAll(ctx context.Context, env *ruler.Env) {
	r.open(ctx, env, recordedCopies)
	parallel(ctx, env, len(r.uploads), func(ctx context.Context, i int) {
		u := r.uploads[i]
		u.draw(env, env.MaxSide)
		r.submit(ctx, u, asPNG(u.image), fmt.Sprint("customer ", i), time.Time{}, r.recipients...)
	})
	r.investigateFrom(time.Now().Add(time.Hour))
}

// plan lists the leaks, each for every kind and attack. Each attack takes the uploads that follow the
// uploads of the attack before.
func (r *recording) plan(each int) (tasks []recordTask) {
	next := 0
	for _, kind := range []string{outcomeCopy, outcomeUnmarked, outcomeStranger, outcomeTransplanted} {
		for _, a := range recordedAttacks[kind] {
			for n := range each {
				for range r.uploads {
					next = (next + 1) % len(r.uploads)
					if kind != outcomeStranger || r.uploads[next].template != 0 {
						break
					}
				}
				tasks = append(tasks, recordTask{kind, a, next, n})
			}
		}
	}
	return tasks
}

// record makes a leak, has it investigated, and keeps what the case of a dump of this leak alone says.
func (r *recording) record(ctx context.Context, t recordTask) outcome {
	u, name := r.uploads[t.upload], r.recipients[t.n%len(r.recipients)]
	img, leaked := u.image, u.ids[name]
	switch t.kind {
	case outcomeCopy:
		img = u.copies[name]
	case outcomeStranger:
		img = drawUpload(u.template, u.medium, u.seed+specimenSeed, r.env.MaxSide)
	case outcomeTransplanted:
		from := r.uploads[(t.upload+1)%len(r.uploads)]
		img = laid(u.image, from.image, from.copies[name], 255)
		leaked = from.ids[name]
	}
	file := attacked(img, t.attack, r.env.Seed+u.seed+uint64(t.n))
	v := ruler.Must(r.finder.File(ctx, fmt.Sprintf("%s %s %d.png", t.kind, t.attack, t.upload), file))
	o := outcome{Attack: t.attack, Kind: t.kind, Upload: t.upload, Finding: v.Label()}
	o.take(ruler.Must(r.finder.Weigh(ctx, []*findings.Finding{v})), u.id, leaked, name)
	return o
}

// take reads an outcome from the verdict on a dump of one leak. The leak was made of a submission
// and carries the mark of a copy of recipient.
func (o *outcome) take(d *findings.Verdict, of watermark.Submission, leaked watermark.CopyID, recipient string) {
	if len(d.Case.Leaks) == 0 {
		o.LeftOut = true
		return
	}
	l := &d.Case.Leaks[0]
	o.Marked = slices.Contains(l.Transplanted, recipient)
	first := d.Findings[0]
	o.Read = first.Kind == findings.FoundCopy && !slices.ContainsFunc(first.Traces, func(t findings.Tracing) bool {
		for _, c := range t.Copies {
			if t.Submission == first.Submission && c.Copy == first.Copy() && c.Found {
				return true
			}
		}
		return false
	})
	switch o.Shows = showsOther; l.Submission {
	case "":
		o.Shows = showsNone
		return
	case of.String():
		o.Shows = showsOwn
	}
	for _, c := range l.Copies {
		e := evidence{LnE: c.LnE, Miss: c.Miss, Confirmed: c.Confirmed}
		if o.Kind == outcomeCopy && c.ID == leaked.String() {
			o.Own = &e
			continue
		}
		o.Innocent = append(o.Innocent, e)
	}
}

// attacked applies attacks, their names joined by "+", and returns the file.
func attacked(img *image.NRGBA, names string, seed uint64) []byte {
	for i, name := range strings.Split(names, "+") {
		img = ruler.Must(hard.Find(name)).Apply(img, seed+uint64(i))
	}
	return asPNG(img)
}
