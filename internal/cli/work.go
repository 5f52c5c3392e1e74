package cli

import (
	"context"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/cli/judge"
	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/investigations"
	"github.com/kycmark/kycmark/internal/jobs"
)

// newWork returns the verb "work", which does jobs that other commands queued, until it is interrupted.
func newWork(u *ui.UI) *cobra.Command {
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
its jobs again within seconds; if it freezes, after a minute: nothing is entered twice.`,
		Example: `  kycmark work --home /srv/kyc
  kycmark work --jobs 4`,
		Args: ui.Exactly(),
	}
	cmd.Flags().IntVar(&atOnce, "jobs", runtime.GOMAXPROCS(0), "`number` of jobs at a time, each done on one processor")
	return u.BookVerb(cmd, func(ctx context.Context, b *ui.Desk, _ []string) error {
		if atOnce < 1 {
			return ui.Usagef("--jobs %d: want 1 or more", atOnce)
		}
		return doJobs(ctx, b, atOnce)
	})
}

func doJobs(ctx context.Context, b *ui.Desk, atOnce int) error {
	w, err := b.AsWorker()
	if err != nil {
		return err
	}
	if err := judge.KnownKeys(ctx, b, w.Worker.Mark); err != nil {
		return err
	}
	q, err := b.Queue(ctx)
	if err != nil {
		return err
	}
	defer q.Close()
	b.Say("", "takes jobs; Ctrl-C ends it after the jobs that it has begun")
	return q.Work(ctx, atOnce, Kinds(w), func(d jobs.Done) {
		if d.Err != nil {
			b.Errorf("job %d: %s: %s", d.ID, d.Kind, ui.Reason(d.Err))
		} else {
			b.Printf("job %d: %s, %.1f s\n", d.ID, d.Kind, d.Took.Seconds())
		}
		_ = b.Line(workLine{d.ID, d.Kind, d.Took.Seconds(), ui.ReasonText(d.Err)}) // finish reports a stdout that fails
	})
}

type workLine struct {
	Job     int64   `json:"job"`
	Kind    string  `json:"kind"`
	Seconds float64 `json:"seconds"`
	Error   *string `json:"error"`
}

// Kinds returns the functions for the jobs of a worker.
func Kinds(b *ui.Desk) map[string]jobs.Func {
	return map[string]jobs.Func{
		judge.KindPart: judge.Examining(b),
		investigations.Kind: investigations.New(investigations.Config{Registry: b.Registry, SealKey: b.Worker.Seal, Found: b.Worker.Found,
			References: b.Home.References}).Do,
	}
}
