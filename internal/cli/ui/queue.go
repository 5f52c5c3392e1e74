package ui

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/jobs"
)

func QueueFlag(cmd *cobra.Command, queue *bool) {
	cmd.Flags().BoolVar(queue, "queue", false, "have \"kycmark work\" do it, and wait; on other machines also, if the registry is in PostgreSQL")
}

// RunAll has workers do jobs. It calls done with the result of each job, in their order. If it ends early, it takes back
// the jobs that were not done.
func RunAll[Out any](ctx context.Context, b *Desk, list iter.Seq[jobs.Job], done func(job jobs.Job, out Out, err error) error) error {
	seal, err := b.Home.SealKey()
	if err != nil {
		return err
	}
	if err := b.Registry.Engine().CheckSealKey(ctx, seal); err != nil {
		return err
	}
	permitted := func(yield func(jobs.Job, error) bool) {
		for job := range list {
			if !yield(job, ctx.Err()) {
				return
			}
		}
	}
	decoded := func(job jobs.Job, result json.RawMessage, err error) error {
		var out Out
		if err == nil {
			err = json.Unmarshal(result, &out)
		}
		return done(job, out, err)
	}
	q, err := home.OpenQueue(ctx, b.Home, b.Registry.ID(), seal)
	if err != nil {
		return err
	}
	defer q.Close()
	err = q.Run(ctx, permitted, decoded, func(why error) { b.Warnf("%s", Reason(why)) })
	if ctx.Err() != nil {
		b.Hintf("jobs that were not done are taken back; the same command goes on where it was")
	}
	return cmp.Or(err, ctx.Err())
}

// KindInvestigate is the kind of the jobs that are parts of an investigation.
const KindInvestigate = "investigate"

// AsWorker returns the books as a worker has them, with the keys of the home.
func (b *Desk) AsWorker() (*Desk, error) {
	w := *b
	w.Worker = new(keyring)
	var err error
	if w.Worker.Mark, w.Worker.Seal, err = b.Home.Keys(); err == nil {
		w.Worker.Found, err = b.NewInvestigator(w.Worker.Mark, w.Worker.Seal, b.MaxMemory())
	}
	return &w, err
}

// Doing makes a [jobs.Func] of a function with parameters and a result of its own. Parameters that it does not
// know are an error: a command of a later version asks for more than this worker can do.
func Doing[In, Out any](b *Desk, do func(context.Context, *Desk, In) (Out, error)) jobs.Func {
	return func(ctx context.Context, text []byte) (any, error) {
		var in In
		parameters := json.NewDecoder(bytes.NewReader(text))
		parameters.DisallowUnknownFields()
		if err := parameters.Decode(&in); err != nil {
			return nil, fmt.Errorf("a command of another version than this worker's asks for it: %w", err)
		}
		return do(ctx, b, in)
	}
}
