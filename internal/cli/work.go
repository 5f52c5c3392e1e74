package cli

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/judge"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/jobs"
)

// newWork returns the verb "work", which does jobs that other commands queued, until it is interrupted.
func newWork(u *ui.UI) *cobra.Command {
	var take []string
	var atOnce int
	cmd := &cobra.Command{
		Use:   "work",
		Short: "Do the jobs of investigations",
		Long: `Do the parts of investigations that "kycmark investigate --queue" waits for, and the
investigations that "kycmark serve" was asked for (kind investigation). Any number of
workers may run: of a registry in PostgreSQL on any machines that see the same files
under the same paths, of a registry in a file on its machine. A worker needs the sealing
key and the mark keys.

Ctrl-C ends a worker after the jobs that it has begun. If a worker dies, others do
its jobs again within seconds; if it freezes, or the registry is in a file, after a
minute: nothing is entered twice.`,
		Example: `  kycmark work --home /srv/kyc
  kycmark work --take investigate --jobs 4`,
		Args: ui.Exactly(),
	}
	cmd.Flags().StringSliceVar(&take, "take", nil, "`kinds` of jobs to take (default: investigate and investigation)")
	cmd.Flags().IntVar(&atOnce, "jobs", runtime.GOMAXPROCS(0), "`number` of jobs at a time, each done on one processor")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error {
		if atOnce < 1 {
			return ui.Usagef("--jobs %d: want 1 or more", atOnce)
		}
		return doJobs(ctx, b, take, atOnce)
	})
}

// doJobs does jobs of the kinds in take until ctx ends, and prints a line after each attempt.
func doJobs(ctx context.Context, b *ui.Desk, take []string, atOnce int) error {
	w, err := b.AsWorker()
	if err != nil {
		return err
	}
	if err := b.Registry.Engine().CheckSealKey(ctx, w.Worker.Seal); err != nil {
		return err
	}
	if err := judge.KnownKeys(ctx, b, w.Worker.Mark); err != nil {
		return err
	}
	kinds := Kinds(w)
	for _, kind := range take {
		if kinds[kind] == nil {
			return ui.Usagef("--take %s: the kinds are %s", kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		}
	}
	maps.DeleteFunc(kinds, func(kind string, _ jobs.Func) bool { return len(take) > 0 && !slices.Contains(take, kind) })
	q, err := home.OpenQueue(ctx, b.Home, b.Registry.ID(), w.Worker.Seal)
	if err != nil {
		return err
	}
	defer q.Close()
	b.Say("", "takes %s; Ctrl-C ends it after the jobs that it has begun", strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	return q.Work(ctx, atOnce, kinds, func(d jobs.Done) {
		if d.Err != nil {
			b.Errorf("job %d: %s: %s", d.ID, d.Kind, ui.Reason(d.Err))
		} else {
			b.Printf("job %d: %s, %.1f s\n", d.ID, d.Kind, d.Took.Seconds())
		}
		_ = b.Line(workLine{d.ID, d.Kind, d.Took.Seconds(), ui.ReasonText(d.Err)}) // finish reports a stdout that fails
	})
}

// workLine is an attempt at a job as JSON.
type workLine struct {
	Job     int64   `json:"job"`
	Kind    string  `json:"kind"`
	Seconds float64 `json:"seconds"`
	Error   *string `json:"error"`
}

// Kinds returns the functions for the jobs of a worker.
func Kinds(b *ui.Desk) map[string]jobs.Func {
	return map[string]jobs.Func{
		ui.KindInvestigate: ui.Doing(b, judge.DoInvestigate),
		investigations.Kind: investigations.New(investigations.Config{Registry: b.Registry, SealKey: b.Worker.Seal, Found: b.Worker.Found,
			References: b.Home.References}).Do,
	}
}
