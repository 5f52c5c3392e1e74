package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// queueFlag registers --queue with cmd.
func queueFlag(cmd *cobra.Command, queue *bool) {
	cmd.Flags().BoolVar(queue, "queue", false, "have \"kycmark work\" do it, on other machines also, and wait; a registry in a file has no workers, and this process does it")
}

// runAll does jobs: workers do them if the registry is on a server, else this process. It calls done with the result of
// each job, in their order. If it ends early, it takes back the jobs that were not done.
func runAll[Out any](ctx context.Context, b *desk, list iter.Seq[jobs.Job], done func(job jobs.Job, out Out, err error) error) error {
	w, err := b.asWorker()
	if err != nil {
		return err
	}
	if err := b.registry.Engine().CheckSealKey(ctx, w.worker.seal); err != nil {
		return err
	}
	permitted := func(yield func(jobs.Job, error) bool) {
		for job := range list {
			err := ctx.Err()
			if !b.may(job.Kind) {
				err = fmt.Errorf("%s: %w", job.Kind, registry.ErrReadOnly)
			}
			if !yield(job, err) {
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
	if !home.IsServer(b.home.Address()) {
		return w.runHere(ctx, permitted, decoded)
	}
	q, err := jobs.Open(ctx, b.home.Address(), b.registry.ID(), w.worker.seal)
	if err != nil {
		return err
	}
	defer q.Close()
	err = q.Run(ctx, permitted, decoded, func(why error) { b.warnf("%s", reason(why)) })
	if ctx.Err() != nil {
		b.hintf("jobs that were not done are taken back; the same command goes on where it was")
	}
	return cmp.Or(err, ctx.Err())
}

// runHere is [runAll] of a worker, in this process.
func (b *desk) runHere(ctx context.Context, list iter.Seq2[jobs.Job, error], done func(job jobs.Job, result json.RawMessage, err error) error) error {
	var all []jobs.Job
	kinds := b.kinds()
	for job, err := range list {
		if err == nil && kinds[job.Kind] == nil {
			err = fmt.Errorf("%s: the home has no mark key", job.Kind)
		}
		if err != nil {
			return err
		}
		all = append(all, job)
	}
	type result struct {
		text json.RawMessage
		err  error
	}
	err := each(ctx, all, func(ctx context.Context, job jobs.Job) (r result) {
		var do []byte
		if do, r.err = json.Marshal(job.Do); r.err == nil {
			var x any
			if x, r.err = kinds[job.Kind](ctx, do); r.err == nil {
				r.text, r.err = json.Marshal(x)
			}
		}
		return r
	}, func(job jobs.Job, r result) error { return done(job, r.text, r.err) })
	return cmp.Or(err, ctx.Err())
}

// runOne does one job and returns its result.
func runOne[Out any](ctx context.Context, b *desk, job jobs.Job) (out Out, err error) {
	err = runAll(ctx, b, slices.Values([]jobs.Job{job}), func(_ jobs.Job, result Out, err error) error {
		out = result
		return err
	})
	return out, err
}

// submitFiles is how many files a job of submit has: they are committed together. Chosen.
const submitFiles = 16

// submitQueued has workers enter the uploads. What cannot be read by its path is an error of that upload.
func (b *desk) submitQueued(ctx context.Context, f submitFlags, uploads iter.Seq[registry.Upload]) iter.Seq2[registry.Imported, error] {
	list := func(yield func(jobs.Job) bool) {
		job := submitJob{Actor: b.actor(), HashOnly: f.hashOnly}
		for u := range uploads {
			if job.Files = append(job.Files, newSubmitFile(u)); len(job.Files) < submitFiles {
				continue
			}
			if !yield(jobs.Job{Kind: kindSubmit, Do: job}) {
				return
			}
			job.Files = nil
		}
		if len(job.Files) > 0 {
			yield(jobs.Job{Kind: kindSubmit, Do: job})
		}
	}
	return func(yield func(registry.Imported, error) bool) {
		err := runAll(ctx, b, list, func(_ jobs.Job, lines []submitResult, err error) error {
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
func (b *desk) issueQueued(ctx context.Context, f issueFlags, ids []watermark.Submission, step func(), emit func(watermark.Submission, []issueLine) error) error {
	dir, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	list := mapped(slices.Values(ids), func(of watermark.Submission) jobs.Job { return newIssueJob(f, of, dir, b.actor()) })
	return runAll(ctx, b, list, func(job jobs.Job, got issueResult, err error) error {
		defer step()
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
func (b *desk) examineQueued(ctx context.Context, job *investigateJob) (parts [][]byte, err error) {
	if job.Dir, err = filepath.Abs("."); err != nil {
		return nil, err
	}
	job.Actor, job.Command = b.actor(), b.command()
	files := listFiles(job.Dump)
	if err := job.sum(ctx, files); err != nil {
		return nil, err
	}
	of := min(max(len(files)/filesPerPart, minParts), maxParts)
	list := make([]jobs.Job, of)
	for k := range list {
		list[k] = job.part(k+1, of)
	}
	step, done := b.progress(ctx, "examining", of)
	defer done()
	err = runAll(ctx, b, slices.Values(list), func(job jobs.Job, text []byte, err error) error {
		step()
		if err != nil {
			return fmt.Errorf("part %s was not examined, so that nothing is concluded: %w", job.Do.(investigateJob).Part, err)
		}
		parts = append(parts, text)
		return nil
	})
	return parts, err
}

// joined yields the findings of the parts of a dump.
func joined(ctx context.Context, inv *verify.Investigation, parts [][]byte) iter.Seq2[*findings.Finding, error] {
	return func(yield func(*findings.Finding, error) bool) {
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
