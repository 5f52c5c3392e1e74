package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/readers"
	"github.com/kycmark/kycmark/watermark"
)

// maxFewer is the share by which a kind may be read less often after marking.
const maxFewer = 0.01

// machineReading measures what programs read off pictures before and after marking.
func machineReading(e *engine) *ruler.Experiment {
	r := &readingRun{engine: e}
	passports, others := 0, 0
	var kinds []string
	columns := []ruler.Column{
		ruler.Sums("before", "before"), ruler.Sums("after", "after"), ruler.Sums("lost", "lost"), ruler.Sums("gained", "gained"),
		{Head: "p", Cell: func(g ruler.Group) string { return ruler.Decimals(readers.Chance(g.Sum("lost"), g.Sum("gained")), 2) }}, ruler.Counts("pictures"),
	}
	return &ruler.Experiment{
		Name: "reading", Short: "What machines read off pictures before and after marking",
		Long: `Read machine readable zones and words (tesseract), QR codes and PDF417 (zxing) and faces
(OpenCV) off the pictures and off drawn documents, before and after marking, from the pixels of
the files. A zone is read if its check digits are right. Words count from 4 letters on that
tesseract is sure of, of drawn bills only words that are printed on the bill.
"p" is McNemar's: the probability of so unequal numbers of lost and gained pictures by chance.
Exit 1 when a kind is read more than 1 % less often after marking.
The programs are in Debian: tesseract-ocr, zxing-cpp-tools, facedetect.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&kinds, "kinds", []string{"MRZ", "words", "QR", "PDF417", "faces"}, "`kinds` to read")
			fs.IntVar(&passports, "passports", 200, "`number` of drawn passports, each uploaded at four sizes")
			fs.IntVar(&others, "others", 40, "`number` of drawn bills, licences and selfies each")
			fs.IntVar(&r.copies, "copies", 1, "`number` of copies of each picture")
		},
		Cases: func(_ context.Context, env *ruler.Env) (cases []ruler.Case, err error) {
			if passports < 0 || others < 0 || r.copies < 1 {
				return nil, errors.New("--passports and --others take 0 or more, --copies 1 or more")
			}
			r.env = env
			if r.readers, err = readers.Of(kinds, exec.LookPath); err != nil {
				return nil, err
			}
			cases = ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				r.measure(ctx, "files", path, nil, r.readers, emit)
			})
			for _, d := range readers.Documents {
				if n := others; len(r.only(d.Kinds)) > 0 {
					if d.Kinds[0] == "MRZ" {
						n = passports
					}
					cases = append(cases, ruler.Cases(n, func(ctx context.Context, i int, emit func(ruler.Trial)) {
						r.drawn(ctx, d, i, emit)
					})...)
				}
			}
			return cases, nil
		},
		Tables: []ruler.Table{
			{Name: "kinds", By: []string{"kind"}, Columns: columns},
			{Name: "all", By: []string{"kind", "of"}, Columns: columns},
		},
		Missed: func(trials []ruler.Trial) (out []string) {
			for _, kind := range ruler.Group(trials).Labels("kind") {
				g := ruler.Group(trials).Where(ruler.Is("kind", kind))
				if before, after := g.Sum("before"), g.Sum("after"); after < (1-maxFewer)*before {
					out = append(out, fmt.Sprintf("%s: %.0f after %.0f before marking, bar 1 %% fewer, p %.2f", kind, after, before, readers.Chance(g.Sum("lost"), g.Sum("gained"))))
				}
			}
			return out
		},
	}
}

// A readingRun reads pictures before and after marking.
type readingRun struct {
	*engine
	env     *ruler.Env
	readers []readers.Reader
	copies  int
}

// only returns the readers of kinds that were asked for.
func (r *readingRun) only(kinds []string) []readers.Reader {
	return slices.DeleteFunc(slices.Clone(r.readers), func(x readers.Reader) bool { return !slices.Contains(kinds, x.Kind) })
}

// drawn draws document i and emits the trials of its uploads.
func (r *readingRun) drawn(ctx context.Context, d readers.Document, i int, emit func(ruler.Trial)) {
	dir := ruler.Must(os.MkdirTemp("", "kycmark-bench-"))
	defer os.RemoveAll(dir)
	upload, page, err := d.Draw(ctx, i, r.env.Seed<<32+uint64(i))
	ruler.Check(err)
	used := r.only(d.Kinds)
	var truth map[string]bool
	for k := range used {
		if x := &used[k]; x.Kind == "words" {
			truth = ruler.Must(x.Words(ctx, page))
		} else {
			x.Lower = x.Kind == "MRZ"
		}
	}
	for _, side := range d.Sides {
		path := filepath.Join(dir, fmt.Sprintf("%s %d.jpg", d.Name, i))
		ruler.Check(os.WriteFile(path, encoded(picture.Fit(picture.Flatten(upload), side), "jpeg", 88), 0o600))
		r.measure(ctx, fmt.Sprintf("%s, %d px", d.Name, side), path, truth, used, emit)
	}
}

// measure reads the picture of a file, and of its copies. truth are the words that count; nil: all.
func (r *readingRun) measure(ctx context.Context, of, path string, truth map[string]bool, used []readers.Reader, emit func(ruler.Trial)) {
	up := ruler.Must(r.env.Upload(path))
	before := make([]int, len(used))
	for i, x := range used {
		before[i] = ruler.Must(x.Read(ctx, up.Image, truth))
	}
	for n := range r.copies {
		if n > 0 {
			up.Copy = watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", n), up.Content))
		}
		marked := ruler.Must(r.copied(ctx, r.env, path, up)).Image
		for i, x := range used {
			was, is := before[i], ruler.Must(x.Read(ctx, marked, truth))
			emit(ruler.Trial{
				Labels: map[string]string{"kind": x.Kind, "of": of, "picture": up.Name},
				Values: map[string]float64{"before": float64(was), "after": float64(is), "lost": yes(is < was), "gained": yes(is > was)},
			})
		}
	}
}
