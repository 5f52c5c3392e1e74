package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/verify"
)

// matchStrangers counts what pictures are taken for that were never submitted, in a registry of
// pictures like them. There is one trial per leak, and one per upload that a leak was laid on.
func matchStrangers() *ruler.Experiment {
	r := &strangersRun{}
	isLeak := ruler.Is("trial", "leak")
	return &ruler.Experiment{
		Name: "match strangers", Short: "What real pictures that were never submitted are taken for",
		Long: `Submit every second picture, and as many drawn documents as --documents says, to a
registry in memory. Leak the other pictures, and as many documents of other persons on the
same templates, each through one attack in turn and saved as JPEG, and investigate them.
Exit 1 when a leak is taken for an upload, or over 5 % of the pictures are lookalikes.
Files that repeat another byte for byte are left out. Other copies of one capture in the
folder count as wrong: remove them.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&r.documents, "documents", 0, "`number` of drawn documents to submit, and of other persons' to leak")
			fs.IntVar(&r.leaks, "leaks", 0, "`number` of pictures that leak; 0: all that are not submitted")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if r.documents < 0 || r.leaks < 0 {
				return nil, errors.New("--documents and --leaks take 0 or more")
			}
			var err error
			if r.attacks, err = attacksOf(env, []string{"none"}); err != nil {
				return nil, err
			}
			env.Pictures = distinctFiles(env.Pictures)
			n := len(env.Pictures) / 2
			if r.leaks > 0 {
				n = min(n, r.leaks)
			}
			return after(func(ctx context.Context) { r.fill(ctx, env) }, ruler.Cases(n+r.documents, func(ctx context.Context, i int, emit func(ruler.Trial)) {
				if i < n {
					r.leak(ctx, r.pictures[2*i+1], i, emit)
				} else {
					r.leak(ctx, r.others[i-n], i, emit)
				}
			})), nil
		},
		Tables: []ruler.Table{{
			Name: "findings", Doc: true, By: []string{"of"}, Heads: []string{"leaks of"}, Where: isLeak, Columns: []ruler.Column{
				ruler.Counts("leaks"), ruler.Share("unknown", "unknown"), ruler.Share("lookalike", "lookalike"), ruler.Sums("taken for an upload", "wrong"), ruler.Means("s, mean", "s", 1),
			},
		}, {
			Name: "laid", Title: "Uploads that leaks were laid on", By: []string{"of", "pixels"}, Heads: []string{"leaks of", "pixels"}, Where: ruler.Is("trial", "match"),
			Columns: []ruler.Column{ruler.Counts("pairs"), ruler.Quantiles("agreeing, 10 / 50 / 90 %", "score", 2, .1, .5, .9)},
		}, {
			Name: "lookalikes", Title: "What was found alike", By: []string{"leak", "upload", "pixels"}, Where: ruler.Is("trial", "match"),
			Columns: []ruler.Column{ruler.Means("agreeing", "score", 2), ruler.Means("bits", "distance", 0)},
		}},
		Missed: func(trials []ruler.Trial) (out []string) {
			all := ruler.Group(trials).Where(isLeak)
			if n := all.Sum("wrong"); n > 0 {
				out = append(out, fmt.Sprintf("%.0f strangers taken for an upload, bar 0", n))
			}
			files := all.Where(ruler.Is("of", "pictures"))
			if n := files.Sum("lookalike"); n > .05*files.Count() {
				out = append(out, fmt.Sprintf("%.0f of %.0f strangers are lookalikes, bar 5 %%", n, files.Count()))
			}
			return out
		},
	}
}

// distinctFiles returns the paths without files that repeat another byte for byte.
func distinctFiles(paths []string) (out []string) {
	seen := make(map[[sha256.Size]byte]bool)
	for _, path := range paths {
		if sum := sha256.Sum256(ruler.Must(os.ReadFile(path))); !seen[sum] {
			seen[sum] = true
			out = append(out, path)
		}
	}
	return out
}

// A strangersRun investigates pictures that were never submitted.
type strangersRun struct {
	memoryRegistry
	attacks          []attack.Attack
	documents, leaks int
	pictures, others []*submitted // of files, every second submitted; other persons' documents
}

// fill submits every second picture, and the documents.
func (r *strangersRun) fill(ctx context.Context, env *ruler.Env) {
	r.open(ctx, env, 0)
	for _, path := range env.Pictures {
		r.pictures = append(r.pictures, &submitted{name: ruler.Name(path), path: path, seed: env.Seed})
	}
	for i := range 2 * r.documents {
		u := drawnUpload(env, i%r.documents, 0xc000+uint64(i/r.documents)<<12, "%s %d, %s")
		if i < r.documents {
			r.uploads = append(r.uploads, u)
		} else {
			r.others = append(r.others, u)
		}
	}
	for i := 0; i < len(r.pictures); i += 2 {
		r.uploads = append(r.uploads, r.pictures[i])
	}
	parallel(ctx, env, len(r.uploads), func(ctx context.Context, i int) {
		u := r.uploads[i]
		u.draw(env, 1200)
		r.submit(ctx, u, asJPEG(u.image), u.name, time.Time{})
		u.image = nil
	})
	r.investigateFrom(time.Time{})
}

// leak has stranger i investigated, and emits what it was taken for.
func (r *strangersRun) leak(ctx context.Context, u *submitted, i int, emit func(ruler.Trial)) {
	of := "documents"
	if u.path != "" {
		of = "pictures"
	}
	u.draw(r.env, 1200)
	img := r.attacks[i%len(r.attacks)].Apply(u.image, u.seed)
	u.image = nil
	start := time.Now()
	v := ruler.Must(r.finder.Investigate(ctx, u.name, asJPEG(img)))
	unknown, lookalike := yes(v.Finding == verify.FoundUnknown), yes(v.Finding == verify.FoundLookalike)
	emit(ruler.Trial{
		Labels: map[string]string{"trial": "leak", "of": of, "leak": u.name},
		Values: map[string]float64{"unknown": unknown, "lookalike": lookalike, "wrong": 1 - unknown - lookalike, "s": time.Since(start).Seconds()},
	})
	for _, m := range v.Matches {
		t := ruler.Trial{Labels: map[string]string{"trial": "match", "of": of, "leak": u.name, "upload": m.Submission.String(), "pixels": m.Pixels}, Values: map[string]float64{"distance": float64(m.Distance)}}
		for _, x := range r.uploads {
			if x.id == m.Submission {
				t.Labels["upload"] = x.name
			}
		}
		if m.Score != nil {
			t.Values["score"] = *m.Score
		}
		emit(t)
	}
}
