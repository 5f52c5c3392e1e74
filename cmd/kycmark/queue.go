package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// queueFlag registers --queue with cmd.
func queueFlag(cmd *cobra.Command, queue *bool) {
	cmd.Flags().BoolVar(queue, "queue", false, "have \"kycmark work\" do it, on other machines also, and wait; a registry in a file has no workers, and this process does it")
}

// run does jobs: workers do them if the registry is on a server, else this process. It calls done with the result of
// each job, in their order. If it ends early, it takes back the jobs that were not done.
func (b *books) run(ctx context.Context, list iter.Seq2[jobs.Job, error], done func(job jobs.Job, result json.RawMessage, err error) error) error {
	w, err := b.asWorker(1)
	if err != nil {
		return err
	}
	if err := b.registry.Engine().CheckSealKey(ctx, w.worker.seal); err != nil {
		return err
	}
	if !home.IsServer(b.home.Address()) {
		return w.runHere(ctx, list, done)
	}
	q, err := jobs.Open(ctx, b.home.Address(), b.registry.ID(), w.worker.seal)
	if err != nil {
		return err
	}
	defer q.Close()
	permitted := func(yield func(jobs.Job, error) bool) {
		for job, err := range list {
			if !b.may(job.Kind) {
				err = fmt.Errorf("%s: %w", job.Kind, registry.ErrReadOnly)
			}
			if !yield(job, err) {
				return
			}
		}
	}
	err = q.Run(ctx, permitted, done, func(why error) { b.warnf("%s", reason(why)) })
	if ctx.Err() != nil {
		b.hintf("jobs that were not done are taken back; the same command goes on where it was")
	}
	return err
}

// runHere is [books.run] of a worker, in this process.
func (b *books) runHere(ctx context.Context, list iter.Seq2[jobs.Job, error], done func(job jobs.Job, result json.RawMessage, err error) error) error {
	var all []jobs.Job
	kinds := b.kinds()
	for job, err := range list {
		switch {
		case err != nil:
			return err
		case !b.may(job.Kind):
			return fmt.Errorf("%s: %w", job.Kind, registry.ErrReadOnly)
		case kinds[job.Kind] == nil:
			return fmt.Errorf("%s: the home has no mark key", job.Kind)
		}
		all = append(all, job)
	}
	type result struct {
		text json.RawMessage
		err  error
	}
	return each(ctx, all, func(ctx context.Context, job jobs.Job) (r result) {
		var do []byte
		if do, r.err = json.Marshal(job.Do); r.err == nil {
			var x any
			if x, r.err = kinds[job.Kind](ctx, do); r.err == nil {
				r.text, r.err = json.Marshal(x)
			}
		}
		return r
	}, func(job jobs.Job, r result) error { return done(job, r.text, r.err) })
}

// runOne does one job and returns its result.
func runOne[Out any](ctx context.Context, b *books, job jobs.Job) (out Out, err error) {
	list := func(yield func(jobs.Job, error) bool) { yield(job, nil) }
	err = b.run(ctx, list, func(_ jobs.Job, result json.RawMessage, err error) error {
		if err != nil {
			return err
		}
		return json.Unmarshal(result, &out)
	})
	return out, err
}

// submitFiles is how many files a job of submit has: they are committed together. Chosen.
const submitFiles = 16

// submitQueued has workers enter the uploads. What cannot be read by its path is an error of that upload.
func (b *books) submitQueued(ctx context.Context, f submitFlags, uploads iter.Seq[registry.Upload]) iter.Seq2[registry.Imported, error] {
	list := func(yield func(jobs.Job, error) bool) {
		job := submitJob{Actor: b.actor(), HashOnly: f.hashOnly}
		for u := range uploads {
			file, err := newSubmitFile(ctx, u)
			if err != nil {
				yield(jobs.Job{}, err)
				return
			}
			if job.Files = append(job.Files, file); len(job.Files) < submitFiles {
				continue
			}
			if !yield(jobs.Job{Kind: kindSubmit, Do: job}, nil) {
				return
			}
			job.Files = nil
		}
		if len(job.Files) > 0 {
			yield(jobs.Job{Kind: kindSubmit, Do: job}, nil)
		}
	}
	return func(yield func(registry.Imported, error) bool) {
		err := b.run(ctx, list, func(_ jobs.Job, result json.RawMessage, err error) error {
			var lines []submitResult
			if err == nil {
				err = json.Unmarshal(result, &lines)
			}
			for _, line := range lines {
				if !yield(line.imported(), nil) {
					return errStopped
				}
			}
			return err
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(registry.Imported{}, err)
		}
	}
}

// errStopped ends a run whose caller wants no more results.
var errStopped = errors.New("stopped")

// issueQueued has workers issue copies of the uploads ids, and calls emit with the lines of each. step is
// called after each.
func (b *books) issueQueued(ctx context.Context, f issueFlags, ids []watermark.Submission, step func(), emit func(watermark.Submission, []issueLine) error) error {
	dir, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	list := func(yield func(jobs.Job, error) bool) {
		for _, of := range ids {
			if !yield(newIssueJob(f, of, dir, b.actor()), nil) {
				return
			}
		}
	}
	return b.run(ctx, list, func(job jobs.Job, result json.RawMessage, err error) error {
		defer step()
		var got issueResult
		if err == nil {
			err = json.Unmarshal(result, &got)
		}
		if err != nil {
			return err
		}
		return emit(job.Do.(issueJob).Submission, got.lines(f))
	})
}

// Jobs of an investigation, each done on one processor. All chosen.
const (
	minParts     = 8
	maxParts     = 256
	filesPerPart = 100
)

// examineQueued has workers examine the parts of a dump, and returns what they found out.
func (b *books) examineQueued(ctx context.Context, job *investigateJob) (parts [][]byte, err error) {
	if job.Dir, err = filepath.Abs("."); err != nil {
		return nil, err
	}
	job.Actor, job.Command = b.actor(), b.command()
	files := listFiles(job.Dump)
	if err := job.sum(ctx, files); err != nil {
		return nil, err
	}
	of := min(max(len(files)/filesPerPart, minParts), maxParts)
	list := func(yield func(jobs.Job, error) bool) {
		for k := range of {
			if !yield(job.part(k+1, of), nil) {
				return
			}
		}
	}
	step, done := b.progress(ctx, "examining", of)
	defer done()
	err = b.run(ctx, list, func(job jobs.Job, result json.RawMessage, err error) error {
		step()
		var text []byte
		if err == nil {
			err = json.Unmarshal(result, &text)
		}
		if err != nil {
			return fmt.Errorf("part %s was not examined, so that nothing is concluded: %w", job.Do.(investigateJob).Part, err)
		}
		parts = append(parts, text)
		return nil
	})
	return parts, err
}

// joined yields the verdicts of the parts of a dump.
func joined(ctx context.Context, inv *verify.Investigator, parts [][]byte) iter.Seq2[*verify.Verdict, error] {
	return func(yield func(*verify.Verdict, error) bool) {
		verdicts, err := inv.Join(ctx, parts...)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, v := range verdicts {
			if !yield(v, nil) {
				return
			}
		}
	}
}
