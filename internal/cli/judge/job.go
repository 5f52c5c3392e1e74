package judge

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"iter"
	"path/filepath"
	"slices"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// Jobs of an investigation, each done on one processor. All chosen.
const (
	minParts     = 8
	maxParts     = 256
	filesPerPart = 100
)

// examineQueued has workers examine the parts of a dump, and returns what they found out.
func examineQueued(ctx context.Context, b *ui.Desk, job *InvestigateJob) (parts [][]byte, err error) {
	if job.Dir, err = filepath.Abs("."); err != nil {
		return nil, err
	}
	job.Actor, job.Command = ui.Actor(), b.Command()
	files := ui.ListFiles(job.Dump)
	if err := job.sum(ctx, files); err != nil {
		return nil, err
	}
	of := min(max(len(files)/filesPerPart, minParts), maxParts)
	list := make([]jobs.Job, of)
	for k := range list {
		list[k] = job.ForPart(k+1, of)
	}
	step, done := b.Progress(ctx, "examining", of)
	defer done()
	err = ui.RunAll(ctx, b, slices.Values(list), func(job jobs.Job, text []byte, err error) error {
		step()
		if err != nil {
			return fmt.Errorf("part %s was not examined, so that nothing is concluded: %w", job.Do.(InvestigateJob).Part, err)
		}
		parts = append(parts, text)
		return nil
	})
	return parts, err
}

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

// An InvestigateJob examines a part of a dump.
type InvestigateJob struct {
	Actor, Dir    string
	Command, Dump []string
	Sums          map[string]books.Digest // of files that are there when the job is queued
	Part          verify.Part
	Once          [32]byte // random: a second attempt is the same investigation
	Against       []watermark.Submission
	References    int
	Reveal        bool
	Circumstances findings.Circumstances
}

// summedFiles is the number of leaks up to which a job has their digests: 3 MB. Chosen.
const summedFiles = 20_000

// sum fills in the digests of the files of the dump. Files that cannot be read, and files in archives, have none.
func (x *InvestigateJob) sum(ctx context.Context, files []string) error {
	if len(files) > summedFiles {
		return nil
	}
	x.Sums = make(map[string]books.Digest, len(files))
	for _, path := range files {
		if data, err := intake.ReadFile(path, picture.DefaultMaxBytes); err == nil {
			x.Sums[path] = sha256.Sum256(data)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (x InvestigateJob) ForPart(k, n int) jobs.Job {
	x.Part = verify.Part{Number: k, Of: n}
	rand.Read(x.Once[:])
	return jobs.Job{Kind: ui.KindInvestigate, Do: x}
}

// DoInvestigate examines a part of a dump and returns what [verify.Investigation.WritePart] writes.
func DoInvestigate(ctx context.Context, b *ui.Desk, job InvestigateJob) ([]byte, error) {
	inv, err := b.Worker.Found.Begin(&verify.Options{
		Actor: job.Actor, Command: job.Command, Dir: job.Dir, Sums: job.Sums, Part: job.Part, Once: job.Once, Against: job.Against,
		References: job.References, Circumstances: job.Circumstances, Workers: 1,
	})
	if err != nil {
		return nil, err
	}
	var verdicts []*findings.Finding
	for v, err := range inv.Files(ctx, job.Dump...) {
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
	}
	var out bytes.Buffer
	err = inv.WritePart(ctx, &out, verdicts, job.Reveal)
	return out.Bytes(), err
}
