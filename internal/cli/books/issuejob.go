package books

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/watermark"
)

// issueQueued has workers issue copies of the uploads ids, and calls emit with the lines of each. step is
// called after each.
func issueQueued(ctx context.Context, b *ui.Desk, f IssueFlags, ids []watermark.Submission, step func(), emit func(watermark.Submission, []issueLine) error) error {
	dir, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	list := ui.Mapped(slices.Values(ids), func(of watermark.Submission) jobs.Job { return NewIssueJob(f, of, dir, b.Actor()) })
	return ui.RunAll(ctx, b, list, func(job jobs.Job, got issueResult, err error) error {
		defer step()
		if err != nil {
			return err
		}
		return emit(job.Do.(issueJob).Submission, got.lines(f))
	})
}

// An issueJob issues copies of an upload.
type issueJob struct {
	IssueRequest
	Actor, Dir string // Dir: the folder in which the command was called
	Submission watermark.Submission
	Stem       string // name of the copies' files; "": the submission's ID
}

// NewIssueJob returns the job for the upload of. The same request that is not done yet is the same job.
func NewIssueJob(f IssueFlags, of watermark.Submission, dir, actor string) jobs.Job {
	x := issueJob{IssueRequest: f.IssueRequest, Dir: dir, Submission: of, Stem: f.names[of]}
	once, _ := json.Marshal(x) // of texts and numbers: no error
	x.Actor = actor
	return jobs.Job{Kind: ui.KindIssue, Do: x, Once: string(once)}
}

// flags returns the flags of the command, for a worker.
func (x issueJob) flags(b *ui.Desk) IssueFlags {
	f := IssueFlags{IssueRequest: x.IssueRequest, kept: b.Home.Files(), outage: new(outage)}
	if !filepath.IsAbs(f.Out) {
		f.Out = filepath.Join(x.Dir, f.Out)
	}
	if x.Stem != "" {
		f.names = map[watermark.Submission]string{x.Submission: x.Stem}
	}
	return f
}

// An issueResult is what came of an [issueJob].
type issueResult struct {
	Lines   []issueLine
	LeftOut []int // pages, of each line
	Ends    bool  // the last line's error would meet other copies, too
}

// lines returns the lines as the command prints them, with its own paths.
func (r issueResult) lines(f IssueFlags) []issueLine {
	for i := range r.Lines {
		l := &r.Lines[i]
		l.leftOut, l.ends = r.LeftOut[i], r.Ends && i == len(r.Lines)-1
		if l.Error != nil {
			l.err = errors.New(*l.Error)
		} else {
			path := filepath.Join(f.folder(l.Recipient), filepath.Base(*l.File))
			l.File = &path
		}
	}
	return r.Lines
}

// DoIssue issues the copies of a job.
func DoIssue(ctx context.Context, b *ui.Desk, job issueJob) (out issueResult, err error) {
	out.Lines = issueAll(ctx, b.As(job.Actor), b.Worker.Issuer, job.Submission, job.flags(b))
	for _, l := range out.Lines {
		if jobs.Passing(l.cause) {
			return out, l.cause
		}
		out.LeftOut, out.Ends = append(out.LeftOut, l.leftOut), l.ends
	}
	return out, nil
}
